"""Classified people described: BMD by age, evidence that occurs together. No row is a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import Cohort, merged, recognised_weight, refuse_foreign
from osteo_epi.diagnosis import Columns, Definition, Stages
from osteo_epi.frames import as_polars, codes_of, of_queries, refuse_lacking
from osteo_epi.summation import Array, Codes, group_sums

LEAST_IN_BAND = 10
"""People below which an age band is left out of a curve: its mean would be noise, and near to a
person's own value."""

_MOMENTS = {
    **dict.fromkeys(("roi", "sex", "age_band"), pl.String),
    "age": pl.Float64,
    "n": pl.Int64,
    **dict.fromkeys(("weight", "mean", "v"), pl.Float64),
}


@of_queries
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
    return _given_back(people, _curves(bmd_moments(people, definition, weight, keep, width)))


def bmd_moments(
    people: Any,
    definition: Definition,
    weight: str | None = None,
    keep: pl.Series | None = None,
    width: int = 5,
) -> pl.DataFrame:
    """What `bmd_by_age` is made of, of people or a part of them.

    Parameters are those of `bmd_by_age`.

    Returns
    -------
    polars.DataFrame
        roi, sex, age_band, age [years], n, weight (their sum), mean [g/cm²], v (mean squared
        deviation, [g²/cm⁴]); every band, however few are in it.
    """
    frame = _eager(people)
    refuse_lacking(frame.columns, ["sex", "age"], purpose="density by age")
    regions = {roi: column for roi in definition.rois if (column := _density_column(frame, roi))}
    # A spine made by rule is of the vertebrae that were classified.
    refuse_foreign(people, ["sex", "age", *(f"abmd_{roi}" for roi in regions)])
    bands = _bands(frame, recognised_weight(frame, weight), keep, width)
    tables = [_of_region(frame, roi, column, bands) for roi, column in regions.items()]
    return pl.concat(tables) if tables else pl.DataFrame(schema=_MOMENTS)


def bmd_of_parts(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The table of `bmd_by_age` from the moments of parts of the people.

    Parameters
    ----------
    parts
        Tables of `bmd_moments`.

    Examples
    --------
    >>> def part(n, weight, mean, v):
    ...     keys = {"roi": "total_hip", "sex": "female", "age_band": "60-64", "age": 62.5}
    ...     return pl.DataFrame({**keys, "n": n, "weight": weight, "mean": mean, "v": v})
    >>> bmd_of_parts([part(10, 10.0, 0.8, 0.0), part(10, 10.0, 1.0, 0.0)]).row(0)[-3:]
    (20, 0.9, 0.10259...)
    """
    keys = ["roi", "sex", "age_band", "age"]
    each = pl.concat(parts).filter(pl.col("n") > 0)
    whole, weight = (pl.col("weight") * pl.col("mean")).sum(), pl.col("weight").sum()
    each = each.with_columns(whole=(whole / weight).over(keys))
    spread = pl.col("weight") * (pl.col("v") + (pl.col("mean") - pl.col("whole")) ** 2)
    table = each.group_by(keys, maintain_order=True).agg(
        pl.col("n").sum(),
        weight.alias("sum"),
        pl.col("whole").first(),
        (spread.sum() / weight).alias("v"),
    )
    rois = pl.Enum(each["roi"].unique(maintain_order=True))
    ordered = table.sort(pl.col("roi").cast(rois), "sex", "age")
    return _curves(ordered.rename({"sum": "weight", "whole": "mean"}))


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


def _of_region(people: pl.DataFrame, roi: str, column: str, bands: _Bands) -> pl.DataFrame:
    measured = (bands.place >= 0) & people[column].is_not_null().to_numpy()
    place = bands.place[measured]
    x = people[column].to_numpy()[measured]
    w = np.ones(len(x)) if bands.weight is None else bands.weight[measured]
    table = bands.table.with_columns(_moments(place, x, w, len(bands.table)), roi=pl.lit(roi))
    return table.select(*_MOMENTS).cast({"n": pl.Int64})


def _curves(moments: pl.DataFrame) -> pl.DataFrame:
    """The bands that enough people are in."""
    return moments.filter(pl.col("n") >= LEAST_IN_BAND).select(
        "roi",
        "sex",
        "age_band",
        "age",
        pl.col("n").cast(pl.UInt32),
        "mean",
        (pl.col("v") * pl.col("n") / (pl.col("n") - 1)).sqrt().alias("sd"),
    )


def _moments(place: Codes, x: Array, w: Array, size: int) -> list[pl.Series]:
    """n, weight, mean and mean squared deviation of each band, in every order of people alike."""
    with np.errstate(invalid="ignore"):
        people = group_sums(place, w, size=size)
        mean = group_sums(place, x * w, size=size) / people
        spread = group_sums(place, (x - mean[place]) ** 2 * w, size=size) / people
    counts = np.bincount(place, minlength=size)
    numbers = {"n": counts, "weight": people, "mean": mean, "v": spread}
    return [pl.Series(name, values) for name, values in numbers.items()]


@of_queries
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


def overlap_of_parts(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The table of `evidence_overlap` from those of parts of the people.

    Examples
    --------
    >>> first = pl.DataFrame({"hip": [True], "spine": [True], "n": [3]})
    >>> overlap_of_parts([first, pl.DataFrame({"hip": [True], "n": [2]})]).rows()
    [(True, True, 3), (True, False, 2)]
    """
    held = merged([[c for c in part.columns if c != "n"] for part in parts])
    if not held:
        return pl.DataFrame(schema={"n": pl.UInt32})
    each = pl.concat(parts, how="diagonal_relaxed").with_columns(pl.col(held).fill_null(False))
    counted = each.group_by(held).agg(pl.col("n").sum())
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
