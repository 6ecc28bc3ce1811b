"""Rows of a prevalence with the uncertainty of a calibration added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.population._result import OF_WEIGHTS
from osteo_epi.population._rows import too_few, too_few_words
from osteo_epi.survey import (
    Array,
    effective_size,
    survey_interval,
)

ENDS = ("_se", "_lower", "_upper")
CALIBRATION_SAID = {
    "delta": "calibration uncertainty added by the delta method",
    "bootstrap": "calibration and design drawn together, {n} bootstrap replicates; interval: "
    "percentiles",
}


@dataclass(frozen=True)
class Draws:
    """Estimates where something that was taken as known is another.

    For "delta" a pair of frames for each axis of its covariance, the estimates on either side; for
    "bootstrap" one frame for each replicate, in which people are drawn as well.
    """

    kind: str
    frames: tuple[tuple[pl.DataFrame, ...], ...]

    def estimates(self, rows: pl.DataFrame, keys: list[str], side: int = 0) -> Array:
        """(frames, rows) estimates, NaN where a row is absent."""
        aligned = [_aligned(rows, frames[side], keys) for frames in self.frames]
        return np.array(aligned, dtype=float).reshape(len(self.frames), rows.height)

    def halves(self, rows: pl.DataFrame, keys: list[str]) -> Array:
        """(frames, rows) half the difference between the two sides."""
        return (self.estimates(rows, keys) - self.estimates(rows, keys, 1)) / 2


def _aligned(rows: pl.DataFrame, frame: pl.DataFrame, keys: list[str]) -> Array:
    """Estimates in the order of the rows: by name, as a row may be absent in a replicate."""
    other = frame.select(*keys, pl.col("estimate").alias("_other"))
    joined = rows.select(keys).join(
        other, on=keys, how="left", maintain_order="left", nulls_equal=True
    )
    return joined["_other"].cast(pl.Float64).fill_null(np.nan).to_numpy()


def propagated(
    rows: pl.DataFrame,
    draws: Draws,
    *,
    df: float,
    interval: str,
    keys: list[str],
    step: float = 1.0,
    said: str | None = None,
) -> pl.DataFrame:
    """Put the calibration into se, limits, df, effective size and people affected of every row.

    Parameters
    ----------
    rows
        Of `prevalence`, with the design's uncertainty.
    draws
        Estimates under other corrections.
    df
        Degrees of freedom of the calibration.
    interval
        Of the rows; the bootstrap takes percentiles instead.
    keys
        Columns that name a row.
    step
        Standard errors between the estimate and a side.
    said
        What was added, for the column `method`; by default that it is a calibration.
    """
    numbers = {
        name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("estimate", "se", "n", "df", "confidence", "lower", "upper")
    }
    if draws.kind == "delta":
        new = _delta(numbers, draws.halves(rows, keys) / step, df, interval)
        said = said or CALIBRATION_SAID["delta"]
    else:
        new = _bootstrap(numbers, draws.estimates(rows, keys))
        said = CALIBRATION_SAID["bootstrap"].format(n=len(draws.frames))
    return _restated(rows, new | {"se_design": numbers["se"]}, said, draws.kind)


def _delta(numbers: dict[str, Array], change: Array, df: float, interval: str) -> dict[str, Array]:
    added = np.sqrt((change**2).sum(axis=0))
    parts = numbers["se"] ** 2, added**2
    with np.errstate(divide="ignore", invalid="ignore"):
        free = (parts[0] + parts[1]) ** 2 / (parts[0] ** 2 / numbers["df"] + parts[1] ** 2 / df)
    # Nothing varied: the design's own.
    free = np.where(added > 0, free, numbers["df"])
    se = np.sqrt(parts[0] + parts[1])
    lower, upper = _limits(numbers, se, free, interval)
    return {"se": se, "se_calibration": added, "df": free, "lower": lower, "upper": upper}


def _limits(numbers: dict[str, Array], se: Array, df: Array, interval: str) -> tuple[Array, Array]:
    known = np.isfinite(se)
    confidence = float(numbers["confidence"][known][0]) if known.any() else 0.95
    lower, upper = np.full(len(se), np.nan), np.full(len(se), np.nan)
    lower[known], upper[known] = survey_interval(
        numbers["estimate"][known],
        se[known],
        n=numbers["n"][known],
        df=df[known],
        method=interval,
        confidence=confidence,
    )
    return lower, upper


def _bootstrap(numbers: dict[str, Array], drawn: Array) -> dict[str, Array]:
    tail = 50 * (1 - np.nanmax(numbers["confidence"], initial=0.5))
    there = ~np.isnan(drawn).any(axis=0)
    names = ("se", "se_calibration", "lower", "upper")
    out = {name: np.full(drawn.shape[1], np.nan) for name in names}
    out["se"][there] = drawn[:, there].std(axis=0, ddof=1)
    limits = np.percentile(drawn[:, there], [tail, 100 - tail], axis=0)
    out["lower"][there], out["upper"][there] = limits
    return out | {"df": numbers["df"]}


def _restated(rows: pl.DataFrame, numbers: dict[str, Array], said: str, kind: str) -> pl.DataFrame:
    """New numbers under their names, people affected in proportion, and what was done in words."""
    base = rows.with_columns(lower_design=pl.col("lower"), upper_design=pl.col("upper"))
    estimate = rows["estimate"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    new: dict[str, Any] = {name: _column(values) for name, values in numbers.items()}
    new["n_effective"] = _column(effective_size(estimate, numbers["se"]))
    with np.errstate(divide="ignore", invalid="ignore"):  # no events: neither varies
        spread = (numbers["se"] / numbers["se_design"]) ** 2
    new["deff"] = pl.col("deff") * _column(spread)
    new["df"] = _column(np.floor(numbers["df"])).cast(pl.Int64)
    method = pl.col("method")
    if kind == "bootstrap":
        method = method.str.split("; interval").list.first()
    moved = base.with_columns(**new, method=method + f"; {said}")
    last = ["se_design", "se_calibration", "lower_design", "upper_design"]
    affected = _affected(rows, numbers)
    return moved.with_columns(**affected, flag=_flagged()).select(*rows.columns, *last)


def _affected(rows: pl.DataFrame, numbers: dict[str, Array]) -> dict[str, pl.Series]:
    """People affected with the larger error: of a standard in proportion, of weights by Wald."""
    from scipy.special import stdtrit

    names = ("estimate", "upper", "confidence", *(f"people_affected{e}" for e in ("", *ENDS)))
    old = {name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in names}
    se = old["people_affected_se"]
    with np.errstate(divide="ignore", invalid="ignore"):
        size = old["people_affected_upper"] / old["upper"]
        proportional = [size * numbers["se"], size * numbers["lower"], size * numbers["upper"]]
        share = old["people_affected"] / old["estimate"]
        added = np.maximum(numbers["se"] ** 2 - numbers["se_design"] ** 2, 0.0)
        total = np.sqrt(se**2 + share**2 * added)
        reach = stdtrit(numbers["df"], 0.5 + old["confidence"] / 2) * total
    point = old["people_affected"]
    weighted = [total, np.maximum(point - reach, 0.0), point + reach]
    # Nobody, or everybody, is affected: the total does not vary.
    by_total = (rows["people_affected_of"] == OF_WEIGHTS).fill_null(False).to_numpy()
    by_total &= (old["estimate"] > 0) & (old["estimate"] < 1)
    chosen = (np.where(by_total, w, p) for w, p in zip(weighted, proportional, strict=True))
    return {f"people_affected{e}": _column(x) for e, x in zip(ENDS, chosen, strict=True)}


def _flagged() -> pl.Expr:
    """The flags, with those that the larger error brings: fewer effective people, fewer df."""
    flag = pl.col("flag").fill_null("")
    for name, few in too_few():
        said = too_few_words(name, few)
        new = few.expression(pl.col(name)).fill_null(False) & ~flag.str.contains(said, literal=True)
        flag = (
            pl.when(~new)
            .then(flag)
            .when(flag == "")
            .then(pl.lit(said))
            .otherwise(flag + f"; {said}")
        )
    return flag


def _column(values: Array) -> pl.Series:
    finite = np.where(np.isfinite(values), values, np.nan)
    return pl.Series(finite, dtype=pl.Float64).fill_nan(None)
