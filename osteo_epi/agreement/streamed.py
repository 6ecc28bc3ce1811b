"""Bland–Altman over a lazy frame of any length: one pass, a handful of sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl
from scipy import stats

from osteo_epi.agreement.bland_altman import BlandAltman, Interval, ProportionalBias, limits
from osteo_epi.calibration.estimate import bracketed
from osteo_epi.errors import SchemaError
from osteo_epi.frames import enter


def bland_altman_by(
    pairs: Any,
    *,
    x: str,
    y: str,
    by: Sequence[str] = (),
    interval: Interval = "exact",
    agreement: float = 0.95,
    confidence: float = 0.95,
) -> dict[tuple[Any, ...], BlandAltman]:
    """Limits of agreement of two columns, for each group, without holding the rows.

    Parameters
    ----------
    pairs
        A frame of any kind, one row a person with both readings; lazy frames stream.
    x, y
        Columns of the two readings, in one unit; rows without both are counted and left out.
    by
        Columns that make the groups (site, device, …).
    interval, agreement, confidence
        See `bland_altman`.

    Returns
    -------
    dict
        From the group's values to its `BlandAltman`; the key is () without groups.

    Examples
    --------
    >>> frame = pl.LazyFrame({"a": [0.8, 0.9, 1.0, 1.1], "b": [0.83, 0.92, 1.04, 1.13]})
    >>> round(bland_altman_by(frame, x="a", y="b")[()].bias.estimate, 3)
    0.03
    """
    frame = enter(pairs)[0].lazy()
    there = frame.collect_schema().names()
    absent = [name for name in (x, y, *by) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")
    d, m = pl.col(y) - pl.col(x), (pl.col(x) + pl.col(y)) / 2
    both = pl.when(d.is_finite())
    sums = frame.with_columns(d=both.then(d), m=both.then(m))
    wanted = [
        pl.col("d").count().alias("n"),
        pl.len().alias("rows"),
        pl.col("d").mean().alias("bias"),
        pl.col("d").var().alias("variance"),
        pl.col("m").mean().alias("centre"),
        pl.col("m").var().alias("spread"),
        pl.cov("d", "m").alias("together"),
    ]
    table = (sums.group_by(*by).agg(wanted) if by else sums.select(wanted)).collect(
        engine="streaming"
    )
    few = table.filter(pl.col("n") < 3).height
    if few:
        raise SchemaError(f"{few} groups have fewer than three pairs of {x!r} and {y!r}")
    rows = table.sort(by).iter_rows(named=True) if by else table.iter_rows(named=True)
    return {
        tuple(row[name] for name in by): _result(row, interval, agreement, confidence)
        for row in rows
    }


def _result(
    row: dict[str, Any], interval: Interval, agreement: float, confidence: float
) -> BlandAltman:
    sd, n = math.sqrt(row["variance"]), row["n"]
    z = float(stats.norm.ppf((1 + agreement) / 2))
    bias, lower, upper = limits(row["bias"], sd, n, z, interval, confidence)
    return BlandAltman(
        bias=bias,
        lower=lower,
        upper=upper,
        sd=sd,
        proportional=_proportional(row, confidence),
        scale="difference",
        interval=interval,
        factor=z,
        agreement=agreement,
        confidence=confidence,
        n=n,
        n_people=n,
        n_missing=row["rows"] - n,
        design="one pair a person",
    )


def _proportional(row: dict[str, Any], confidence: float) -> ProportionalBias | None:
    if not row["spread"] or not row["variance"]:
        return None
    n, slope = row["n"], row["together"] / row["spread"]
    residual = (row["variance"] - slope * row["together"]) * (n - 1) / (n - 2)
    if residual <= 0:
        return None
    se = math.sqrt(residual / (row["spread"] * (n - 1)))
    se_intercept = math.sqrt(residual / n + se**2 * row["centre"] ** 2)
    t = slope / se
    quantile = float(stats.t.ppf((1 + confidence) / 2, n - 2))
    intercept = row["bias"] - slope * row["centre"]
    return ProportionalBias(
        bracketed(intercept, se_intercept, quantile * se_intercept),
        bracketed(slope, se, quantile * se),
        t,
        float(2 * stats.t.sf(abs(t), n - 2)),
    )
