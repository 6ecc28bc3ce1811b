"""Classified people described: BMD by age, evidence that occurs together. No row is a person."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import Cohort, recognised_weight, refuse_foreign
from osteo_epi.diagnosis import Columns, Definition, Stages
from osteo_epi.frames import as_polars
from osteo_epi.summation import group_sums

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
    people: Any,
    definition: Definition,
    *,
    weight: str | None = None,
    keep: pl.Series | None = None,
    width: int = 5,
) -> Any:
    """Mean and SD of areal BMD by age band and sex, at each region that the definition reads.

    Parameters
    ----------
    people
        Classified people: a `Cohort`, or a frame of any kind.
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
        In the caller's kind: roi, sex, age_band, age [years] (middle of the band), n, mean, sd
        [g/cm²]; bands of fewer than `LEAST_IN_BAND` people are left out.

    Raises
    ------
    SchemaError
        If a frame is in other words, types or units than the codebook's.
    """
    frame = _eager(people)
    regions = {roi: column for roi in definition.rois if (column := _density_column(frame, roi))}
    # A spine made by rule is of the vertebrae that were classified.
    refuse_foreign(people, ["sex", "age", *(f"abmd_{roi}" for roi in regions)])
    weight = recognised_weight(frame, weight)
    if keep is not None:
        frame = frame.filter(keep)
    curves = [_curve(frame, roi, column, weight, width) for roi, column in regions.items()]
    return _given_back(people, pl.concat(curves) if curves else pl.DataFrame(schema=_CURVE))


def _eager(people: Any) -> pl.DataFrame:
    return as_polars(people)[0].lazy().collect()


def _given_back(people: Any, table: pl.DataFrame) -> Any:
    """A table in the kind of frame that people came in; it is no cohort, where they are one."""
    return table if isinstance(people, Cohort) else as_polars(people)[1](table)


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
    measured = measured.filter(pl.col("w") > 0)
    bands = measured.select("sex", "start").unique().sort("sex", "start").with_row_index("band")
    placed = measured.join(bands, on=["sex", "start"], how="left", maintain_order="left")
    return (
        bands.with_columns(_moments(*placed.select("band", "x", "w")))
        .filter(pl.col("n") >= LEAST_IN_BAND)
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


def _moments(band: pl.Series, density: pl.Series, weight: pl.Series) -> list[pl.Series]:
    """n, mean and mean squared deviation of each band, the same in every order of the people."""
    place, x, w = band.cast(pl.Int64).to_numpy(), density.to_numpy(), weight.cast(float).to_numpy()
    people = group_sums(place, w)
    mean = group_sums(place, x * w) / people
    spread = group_sums(place, (x - mean[place]) ** 2 * w) / people
    numbers = {"n": np.bincount(place), "mean": mean, "v": spread}
    return [pl.Series(name, values) for name, values in numbers.items()]


def evidence_overlap(people: Any, definition: Definition, *, keep: pl.Series | None = None) -> Any:
    """Count, among people with osteoporosis, which evidence of it occurs together.

    Parameters
    ----------
    people
        Classified people: a `Cohort`, or a frame of any kind.
    definition
        The definition by which they were classified.
    keep
        (n,) Boolean, the people to count; all by default.

    Returns
    -------
    DataFrame
        In the caller's kind: a Boolean column for each kind of evidence that anybody has, and n;
        the commonest combination first. Evidence that was not measured counts as not there.
    """
    osteoporotic = pl.col("bone_class").cast(pl.String) == "osteoporosis"
    chosen = _eager(people).filter(osteoporotic if keep is None else osteoporotic & keep)
    table = chosen.select(_evidence(chosen, definition))
    held = [name for name in table.columns if table[name].any()]
    if not held:
        return _given_back(people, pl.DataFrame(schema={"n": pl.UInt32}))
    counted = table.group_by(held).agg(pl.len().cast(pl.UInt32).alias("n"))
    return _given_back(people, counted.sort(["n", *held], descending=True))


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
