"""Whether the curve fits each device, centre or other part of the people: mean and SD of Z."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.agreement import critical_value
from osteo_epi.errors import SchemaError
from osteo_epi.reference.diagnostics._residuals import Residuals
from osteo_epi.survey import Array, Mask, SurveyDesign, degrees_of_freedom

MOST = 40
"""Levels of a factor above which it is taken for a measurement."""
FEW = 10
"""People below which a level has no limits and is left out of the tests."""
LEVELS = {
    "factor": pl.String, "level": pl.String, "n": pl.Int64, "mean": pl.Float64, "se": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "sd": pl.Float64, "sd_lower": pl.Float64,
    "sd_upper": pl.Float64,
}  # fmt: skip
TESTS = {
    "factor": pl.String, "of": pl.String, "f": pl.Float64, "df1": pl.Float64, "df2": pl.Float64,
    "p": pl.Float64, "widest": pl.Float64, "level": pl.String,
}  # fmt: skip


def subgroups(
    residuals: Residuals, by: Sequence[str], confidence: float
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[str, ...]]:
    """Mean and SD of Z in each level of some factors, and whether they are equal.

    Returns
    -------
    tuple
        Frame of levels: factor, level, n, mean, se, lower, upper [SD], sd, sd_lower, sd_upper (1
        where the curve fits); frame of tests: factor, of (mean or sd), f, df1, df2, p (Wald over
        the design), widest (mean furthest from 0; SD furthest from 1, as a ratio) and its level;
        and notes.

    Raises
    ------
    SchemaError
        If a column is absent, holds nothing but missing values, or is a measurement.
    """
    levels, tests = list[dict[str, Any]](), list[dict[str, Any]]()
    notes = list[str]()
    for factor in by:
        names, codes = _levels(residuals, factor)
        n = np.bincount(codes[codes >= 0], minlength=len(names))
        unstated = int((residuals.known & (codes < 0)).sum())
        if unstated:
            notes.append(f"{factor}: not stated of {unstated:,} people, who are in no level")
        levels += [_few(factor, name, int(k)) for name, k in zip(names, n, strict=True) if k < FEW]
        kept = np.flatnonzero(n >= FEW)
        if not len(kept):
            continue
        compact = np.full(len(names) + 1, -1)
        compact[kept] = np.arange(len(kept))
        own = compact[codes]
        value, spread = residuals.moments(own, len(kept))
        df = _df(residuals, own >= 0)
        kept_names = [names[i] for i in kept]
        levels += _rows(factor, kept_names, n[kept], value, spread, df, confidence)
        tests += _tests(factor, kept_names, value, spread, df)
    return (
        pl.DataFrame(levels, schema=LEVELS).sort("factor", "level", maintain_order=True),
        pl.DataFrame(tests, schema=TESTS),
        tuple(notes),
    )


def _levels(residuals: Residuals, factor: str) -> tuple[list[str], Any]:
    """Names of the levels of those with a score, and (N,) codes; −1 where not stated."""
    frame = residuals.frame
    if factor not in frame.columns:
        raise SchemaError(
            f"by: column {factor} is not in the data; there are {', '.join(frame.columns)}"
        )
    text = frame[factor].cast(pl.String)
    names = sorted(text.filter(pl.Series(residuals.known)).drop_nulls().unique().to_list())
    if not names:
        raise SchemaError(f"by: column {factor} states nothing of the people with a score")
    if len(names) > MOST:
        raise SchemaError(
            f"by: column {factor} holds {len(names):,} values, expected {MOST} levels at most: cut "
            "it into classes first"
        )
    place = {name: i for i, name in enumerate(names)}
    codes = text.replace_strict(place, default=-1, return_dtype=pl.Int64).to_numpy()
    return names, np.where(residuals.known, codes, -1)


def _few(factor: str, level: str, n: int) -> dict[str, Any]:
    return {"factor": factor, "level": level, "n": n}


def _df(residuals: Residuals, rows: Mask) -> float:
    if isinstance(residuals.design, SurveyDesign):
        return float(max(degrees_of_freedom(residuals.drawn, rows), 1))
    return float(max(residuals.drawn.df, 1))


def _rows(
    factor: str, names: list[str], n: Any, value: Array, spread: Array, df: float,
    confidence: float,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    k, errors = len(names), np.sqrt(np.diag(spread))
    reach = critical_value(confidence, df) * errors
    for i, name in enumerate(names):
        mean, log_sd = value[i], value[k + i]
        yield {
            "factor": factor, "level": name, "n": int(n[i]), "mean": float(mean),
            "se": float(errors[i]), "lower": float(mean - reach[i]),
            "upper": float(mean + reach[i]), "sd": float(np.exp(log_sd)),
            "sd_lower": float(np.exp(log_sd - reach[k + i])),
            "sd_upper": float(np.exp(log_sd + reach[k + i])),
        }  # fmt: skip


def _tests(
    factor: str, names: list[str], value: Array, spread: Array, df: float
) -> Iterator[dict[str, Any]]:
    k = len(names)
    for of, place in (("mean", slice(0, k)), ("sd", slice(k, 2 * k))):
        own = value[place]
        far = int(np.argmax(np.abs(own)))
        widest = float(own[far] if of == "mean" else np.exp(own[far]))
        yield (
            {"factor": factor, "of": of, "widest": widest, "level": names[far]}
            | _wald(own, spread[place, place], df)
        )


def _wald(value: Array, spread: Array, df: float) -> dict[str, float | None]:
    """Whether all are equal: F with the denominator of a design (Korn & Graubard 1990)."""
    from scipy.special import fdtrc

    k = len(value)
    denominator = df - k + 2
    if k < 2 or denominator < 1:
        return dict.fromkeys(("f", "df1", "df2", "p"))
    # Each level from the first.
    difference = np.column_stack([-np.ones(k - 1), np.eye(k - 1)])
    apart = difference @ value
    wald = float(apart @ np.linalg.pinv(difference @ spread @ difference.T) @ apart)
    f = wald * denominator / (df * (k - 1))
    p = float(fdtrc(k - 1, denominator, f))
    return {"f": f, "df1": float(k - 1), "df2": denominator, "p": p}
