"""The ends of a curve: coverage, people and error there; and whether centiles ever cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.reference.curves import Curve
from osteo_epi.reference.diagnostics._coverage import coverage
from osteo_epi.reference.diagnostics._residuals import Band, Residuals
from osteo_epi.survey import Array

STEP = 0.1
"""[years] Between two ages at which centiles are compared."""


def edges(
    residuals: Residuals, percents: Sequence[float], *, years: float, confidence: float,
    significance: float,
) -> pl.DataFrame:  # fmt: skip
    """The first and the last years of a curve.

    Returns
    -------
    DataFrame
        end (first, last), first and last [years], n, se [SD] of the median at the very end,
        se_ratio (over its middle value at all ages), percent, share, lower, upper, shift,
        beyond_chance (null where fewer than two people are at this end).
    """
    curve, rows = residuals.curve, list[dict[str, Any]]()
    cost = residuals.n / sum(residuals.effective)
    middle = float(np.median(median_errors(curve, _ages(curve, 1.0))))
    low, high = curve.ages
    for end, at, first, last in (
        ("first", low, low, min(low + years, high)),
        ("last", high, max(high - years, low), high),
    ):
        inside = residuals.known & (residuals.age >= first) & (residuals.age <= last)
        own = float(median_errors(curve, np.array([at]))[0])
        row = {"end": end, "first": first, "last": last, "n": int(inside.sum()),
               "se": own * np.sqrt(cost), "se_ratio": own / middle}  # fmt: skip
        if inside.sum() < 2:
            rows.append(row)
            continue
        found = coverage(
            residuals, [Band(first, last, inside)], percents, confidence=confidence,
            significance=significance / 2,
        )  # fmt: skip
        kept = ("percent", "share", "lower", "upper", "shift", "beyond_chance")
        rows += [row | {name: each[name] for name in kept} for each in found.to_dicts()]
    return pl.DataFrame(rows, schema=SCHEMA)


SCHEMA = {
    "end": pl.String, "first": pl.Float64, "last": pl.Float64, "n": pl.Int64, "se": pl.Float64,
    "se_ratio": pl.Float64, "percent": pl.Float64, "share": pl.Float64, "lower": pl.Float64,
    "upper": pl.Float64, "shift": pl.Float64, "beyond_chance": pl.Boolean,
}  # fmt: skip


def median_errors(curve: Curve, age: Array) -> Array:
    """(m,) standard error of the median in SD of the people of that age, taken as independent."""
    at = curve.parameters(age)
    moved = {**at, "mu": at["mu"] + curve.parameter_errors(age, "mu")}
    median = curve.family.quantile(np.full(len(age), 0.5), moved)
    return np.abs(curve.family.normal_score(median, at))


def crossing(curve: Curve, percents: Sequence[float]) -> pl.DataFrame:
    """Whether neighbouring centiles keep their order at each tenth of a year.

    Returns
    -------
    DataFrame
        lower, upper (percents), n (ages at which they do not), gap (least distance, in the unit of
        the measurement) and age at which it is [years].
    """
    ages, ordered = _ages(curve, STEP), sorted(percents)
    lines = [curve.quantile(ages, percent / 100) for percent in ordered]
    rows = []
    for i in range(len(ordered) - 1):
        gap = lines[i + 1] - lines[i]
        least = int(np.nanargmin(gap)) if np.isfinite(gap).any() else 0
        rows.append({
            "lower": float(ordered[i]), "upper": float(ordered[i + 1]),
            "n": int((~(gap > 0)).sum()), "gap": float(gap[least]), "age": float(ages[least]),
        })  # fmt: skip
    return pl.DataFrame(rows)


def _ages(curve: Curve, step: float) -> Array:
    low, high = curve.ages
    return np.linspace(low, high, max(int(np.ceil((high - low) / step)) + 1, 2))
