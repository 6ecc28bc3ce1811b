"""Classified people described: BMD by age, evidence that occurs together. No row is a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import Cohort, recognised_weight, refuse_foreign
from osteo_epi.diagnosis import Columns, Definition, Stages
from osteo_epi.frames import as_polars, codes_of, refuse_lacking
from osteo_epi.summation import Array, Codes, group_sums

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
    refuse_lacking(frame.columns, ["sex", "age"], purpose="density by age")
    regions = {roi: column for roi in definition.rois if (column := _density_column(frame, roi))}
    # A spine made by rule is of the vertebrae that were classified.
    refuse_foreign(people, ["sex", "age", *(f"abmd_{roi}" for roi in regions)])
    bands = _bands(frame, recognised_weight(frame, weight), keep, width)
    curves = [_curve(frame, roi, column, bands) for roi, column in regions.items()]
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


@dataclass(frozen=True)
class _Bands:
    """The bands of age of each sex in their order, (n,) whose each person is, and the weights.

    The place of somebody without a sex, an age or a weight is -1.
    """

    table: pl.DataFrame
    place: Codes
    weight: Array | None


def _bands(people: pl.DataFrame, weight: str | None, keep: pl.Series | None, width: int) -> _Bands:
    start = (people["age"].cast(pl.Float64) // width) * width
    starts = start.drop_nulls().unique().sort()
    sexes = people["sex"].unique().cast(pl.String).drop_nulls().sort().to_list()
    sex = codes_of(people["sex"], sexes)
    place = sex * len(starts) + starts.to_numpy().searchsorted(start.fill_null(0.0).to_numpy())
    out = (sex < 0) | start.is_null().to_numpy()
    if weight is not None:
        out |= ~(people[weight] > 0).fill_null(False).to_numpy()
    if keep is not None:
        out |= ~keep.fill_null(False).to_numpy()
    place[out] = -1
    ends = pl.DataFrame({"start": starts}).with_columns(
        pl.format("{}-{}", pl.col("start").cast(int), pl.col("start").cast(int) + width - 1)
        .alias("age_band"),
        (pl.col("start") + width / 2).alias("age"),
    )  # fmt: skip
    table = pl.DataFrame({"sex": sexes}, schema={"sex": pl.String}).join(ends, how="cross")
    return _Bands(table, place, None if weight is None else people[weight].cast(float).to_numpy())


def _curve(people: pl.DataFrame, roi: str, column: str, bands: _Bands) -> pl.DataFrame:
    measured = (bands.place >= 0) & people[column].is_not_null().to_numpy()
    place = bands.place[measured]
    x = people[column].to_numpy()[measured]
    w = np.ones(len(x)) if bands.weight is None else bands.weight[measured]
    return (
        bands.table.with_columns(_moments(place, x, w, len(bands.table)))
        .filter(pl.col("n") >= LEAST_IN_BAND)
        .select(
            pl.lit(roi).alias("roi"),
            "sex",
            "age_band",
            "age",
            pl.col("n").cast(pl.UInt32),
            "mean",
            (pl.col("v") * pl.col("n") / (pl.col("n") - 1)).sqrt().alias("sd"),
        )
    )


def _moments(place: Codes, x: Array, w: Array, size: int) -> list[pl.Series]:
    """n, mean and mean squared deviation of each band, the same in every order of the people."""
    with np.errstate(invalid="ignore"):
        people = group_sums(place, w, size=size)
        mean = group_sums(place, x * w, size=size) / people
        spread = group_sums(place, (x - mean[place]) ** 2 * w, size=size) / people
    numbers = {"n": np.bincount(place, minlength=size), "mean": mean, "v": spread}
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
    frame = _eager(people)
    chosen = frame.lazy().filter(osteoporotic if keep is None else osteoporotic & keep)
    table = chosen.select(_evidence(frame, definition)).collect()
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
