"""Classified people described: BMD by age, evidence that occurs together. No row is a person."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort import recognised_weight
from osteo_epi.diagnosis import Columns, Definition, Stages

LEAST_IN_BAND = 10
"""People below which an age band is left out of a curve: its mean would be noise, and near to a
person's own value."""

_CURVE = {
    "roi": pl.String,
    "sex": pl.String,
    "age_band": pl.String,
    "age": pl.Float64,
    "n": pl.UInt32,
    "mean": pl.Float64,
    "sd": pl.Float64,
}


def bmd_by_age(
    people: pl.DataFrame,
    definition: Definition,
    *,
    weight: str | None = None,
    keep: pl.Series | None = None,
    width: int = 5,
) -> pl.DataFrame:
    """Mean and SD of areal BMD by age band and sex, at each region that the definition reads.

    Parameters
    ----------
    people
        Classified people.
    definition
        Says which regions.
    weight
        Column of survey weights; by default `survey_weight` where it holds values. "equal" for
        equal weights whatever the columns.
    keep
        (n,) Boolean, the people to describe; all by default.
    width
        [years] Width of an age band.

    Returns
    -------
    DataFrame
        roi, sex, age_band, age [years] (middle of the band), n, mean, sd [g/cm²]; bands of fewer
        than `LEAST_IN_BAND` people are left out.
    """
    weight = recognised_weight(people, weight)
    if keep is not None:
        people = people.filter(keep)
    curves = [
        _curve(people, roi, column, weight, width)
        for roi in definition.rois
        if (column := _density_column(people, roi))
    ]
    return pl.concat(curves) if curves else pl.DataFrame(schema=_CURVE)


def _density_column(people: pl.DataFrame, roi: str) -> str | None:
    """Column of the BMD that was scored: for the spine, the one that the spine rule made."""
    for column in (f"abmd_{roi}_by_rule", f"abmd_{roi}"):
        if column in people.columns:
            return column
    return None


def _curve(
    people: pl.DataFrame, roi: str, column: str, weight: str | None, width: int
) -> pl.DataFrame:
    w = pl.col(weight) if weight else pl.lit(1.0)
    x = pl.col(column)
    start = (pl.col("age") // width) * width
    measured = people.select(
        pl.col("sex").cast(pl.String), start.alias("start"), x.alias("x"), w.alias("w")
    ).drop_nulls()
    mean = (pl.col("x") * pl.col("w")).sum() / pl.col("w").sum()
    spread = ((pl.col("x") - pl.col("mean")) ** 2 * pl.col("w")).sum() / pl.col("w").sum()
    return (
        measured.filter(pl.col("w") > 0)
        .with_columns(mean.over("sex", "start").alias("mean"))
        .group_by("sex", "start")
        .agg(pl.len().alias("n"), pl.col("mean").first(), spread.alias("v"))
        .filter(pl.col("n") >= LEAST_IN_BAND)
        .sort("sex", "start")
        .select(
            pl.lit(roi).alias("roi"),
            "sex",
            pl.format("{}-{}", pl.col("start").cast(int), pl.col("start").cast(int) + width - 1)
            .alias("age_band"),
            (pl.col("start") + width / 2).alias("age"),
            pl.col("n").cast(pl.UInt32),
            "mean",
            (pl.col("v") * pl.col("n") / (pl.col("n") - 1)).sqrt().alias("sd"),
        )
    )  # fmt: skip


def evidence_overlap(
    people: pl.DataFrame, definition: Definition, *, keep: pl.Series | None = None
) -> pl.DataFrame:
    """Count, among people with osteoporosis, which evidence of it occurs together.

    Parameters
    ----------
    people
        Classified people.
    definition
        The definition by which they were classified.
    keep
        (n,) Boolean, the people to count; all by default.

    Returns
    -------
    DataFrame
        A Boolean column for each kind of evidence that anybody has, and n; the commonest
        combination first. Evidence that was not measured counts as not there.
    """
    osteoporotic = pl.col("bone_class").cast(pl.String) == "osteoporosis"
    chosen = people.filter(osteoporotic if keep is None else osteoporotic & keep)
    table = chosen.select(_evidence(chosen, definition))
    held = [name for name in table.columns if table[name].any()]
    if not held:
        return pl.DataFrame(schema={"n": pl.UInt32})
    counted = table.group_by(held).agg(pl.len().cast(pl.UInt32).alias("n"))
    return counted.sort(["n", *held], descending=True)


def _evidence(people: pl.DataFrame, definition: Definition) -> list[pl.Expr]:
    """Mark each kind of evidence that the definition takes and the data have."""
    stages = Stages(definition, Columns.of(people))
    bands = definition.criterion.t_score
    marks = {
        roi: bands.holds("osteoporosis", f"t_score_{roi}")
        for roi in stages.t_scores
        if roi != definition.substitute
    }
    if definition.substitute in stages.t_scores:
        marks[definition.substitute] = pl.col("bone_class_roi") == definition.substitute
    volumetric = stages.densities.volumetric()
    if volumetric is not None and definition.criterion.vbmd_lumbar_spine is not None:
        by_qct = definition.criterion.vbmd_lumbar_spine.holds("osteoporosis", volumetric)
        marks["vbmd_lumbar_spine"] = by_qct
    if stages.takes_fractures:
        marks["fragility_fracture"] = pl.col("fragility_fracture")
    return [mark.fill_null(False).alias(name) for name, mark in marks.items()]
