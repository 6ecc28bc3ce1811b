"""Scores as Polars expressions, lean because a classification runs them on 10⁸ rows.

A T-score picks two constants by sex. A Z-score picks a straight line by sex and whole year of age
out of a small table: 0.14 s of CPU for 10⁷ rows, where a join needs 0.5 s and hinge functions 0.3
to 0.5 s (measured with polars 2.1; the row must never be null inside `gather`'s fast way, hence
clipped first and masked after).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.errors import DefinitionError
from osteo_epi.norms.criterion import SEX_RULES
from osteo_epi.norms.references import (
    SEXES,
    AgeCurve,
    AgeReference,
    MeanSD,
    YoungAdultReference,
)

DENSITY = "abmd_"
_NULL = pl.lit(None, dtype=pl.Float64)
_NO_DENSITY = {
    "vbmd_": "QCT spine density [mg/cm³] is judged on absolute values and has no T- or Z-score",
    "hu_": "CT numbers [HU] differ between scanners and are not a bone density",
}


def t_score_expr(
    column: str, roi: str, reference: YoungAdultReference, sex_rule: str = "own_sex"
) -> pl.Expr:
    """T-score of a column as a Polars expression.

    Parameters
    ----------
    column
        Areal density [g/cm²].
    roi
        Region whose reference is taken, e.g. "lumbar_spine" for `abmd_lumbar_spine_by_rule`.
    reference
        Young adults.
    sex_rule
        "own_sex" (needs the column `sex`), or "female": women's mean and SD for everybody.

    Returns
    -------
    pl.Expr
        [SD]; null where the reference lacks the sex or the region.

    Raises
    ------
    DefinitionError
        If the column is no areal density, or the sex rule is unknown.
    """
    _areal(column, reference)
    if sex_rule not in SEX_RULES:
        raise DefinitionError(f"sex_rule {sex_rule!r}: expected {' or '.join(SEX_RULES)}")
    value = pl.col(column).cast(pl.Float64)
    found = {sex: reference.mean_sd(sex, roi) for sex in SEXES}
    if sex_rule == "female":
        women = found["female"]
        return _NULL if women is None else _standardised(value, women)
    chain: Any = pl
    for sex, young in found.items():
        if young is not None:
            chain = chain.when(pl.col("sex") == sex).then(_standardised(value, young))
    return _NULL if chain is pl else chain


def _standardised(value: pl.Expr, young: MeanSD) -> pl.Expr:
    """Times the reciprocal, as Polars divides whole chunks: so a chunk of one row is no other."""
    return (value - young.mean) * (1.0 / young.sd)


def z_row_expr(reference: AgeReference) -> pl.Expr:
    """Row of each person in the tables of an age reference, by sex and whole year of age.

    Given to `z_score_expr` as a column, it is computed once for all regions.
    """
    low, high = _years(reference)
    year = pl.col("age").cast(pl.Float64).clip(low, high).cast(pl.UInt32, strict=False)
    offset: Any = pl
    for place, sex in enumerate(SEXES):
        start = place * (high - low + 1)
        offset = offset.when(pl.col("sex") == sex).then(pl.lit(start, dtype=pl.UInt32))
    return year - pl.lit(low, dtype=pl.UInt32) + offset


def z_score_expr(
    column: str, roi: str, reference: AgeReference, *, row: pl.Expr | None = None
) -> pl.Expr:
    """Z-score of a column as a Polars expression; needs the columns `age` and `sex`.

    Parameters
    ----------
    column
        Areal density [g/cm²].
    roi
        Region whose curve is taken.
    reference
        Age curves; linear between their knots.
    row
        A column that holds `z_row_expr(reference)`.

    Returns
    -------
    pl.Expr
        [SD]; null outside the curve's ages, and where the reference lacks the sex or the region.

    Raises
    ------
    DefinitionError
        If the column is no areal density.
    """
    _areal(column, reference)
    curves = {sex: reference.curve(sex, roi) for sex in SEXES}
    if not any(curves.values()):
        return _NULL
    place = z_row_expr(reference) if row is None else row
    mean, mean_slope, sd, sd_slope = (
        pl.lit(table).gather(place) for table in _lines(curves, *_years(reference))
    )
    age = pl.col("age").cast(pl.Float64)
    score = (pl.col(column).cast(pl.Float64) - mean - mean_slope * age) / (sd + sd_slope * age)
    return pl.when(in_range(curves)).then(score)


def _areal(column: str, reference: YoungAdultReference | AgeReference) -> None:
    for start, why in _NO_DENSITY.items():
        if column.startswith(start):
            raise DefinitionError(f"column {column} cannot be scored against {reference.id}: {why}")
    if not column.startswith(DENSITY):
        raise DefinitionError(
            f"column {column} cannot be scored: expected an areal density, {DENSITY}<roi> [g/cm²]"
        )


def _years(reference: AgeReference) -> tuple[int, int]:
    """First and last whole year that any curve of the reference holds."""
    ages = [entry.curve.ages for entry in reference.curves]
    return math.floor(min(a.lower for a in ages)), math.floor(max(a.upper for a in ages))


def _lines(curves: dict[str, AgeCurve | None], low: int, high: int) -> list[pl.Series]:
    """Intercept and slope of mean and of SD, one row for each sex and whole year.

    Exact, because the knots stand at whole years (the loader sees to it).
    """
    years = np.arange(low, high + 1)
    columns: list[list[npt.NDArray[np.float64]]] = [[], [], [], []]
    for curve in curves.values():
        for place, values in enumerate(("mean", "sd")):
            if curve is None:
                start = slope = np.full(years.shape, np.nan)
            else:
                knots = getattr(curve, values)
                start = np.interp(years, curve.age, knots)
                slope = np.interp(years + 1, curve.age, knots) - start
            columns[2 * place].append(start - slope * years)
            columns[2 * place + 1].append(slope)
    return [pl.Series(np.concatenate(parts)).fill_nan(None) for parts in columns]


def in_range(curves: dict[str, AgeCurve | None]) -> pl.Expr:
    """Whether a person's age lies within the curve of the sex; null where age or sex is."""
    age = pl.col("age").cast(pl.Float64)
    spans = {sex: curve.ages for sex, curve in curves.items() if curve is not None}
    if len(set(spans.values())) == 1:
        return next(iter(spans.values())).expression(age)
    chain: Any = pl
    for sex, span in spans.items():
        chain = chain.when(pl.col("sex") == sex).then(span.expression(age))
    return chain
