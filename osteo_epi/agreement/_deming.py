"""Lines with error in both methods: Deming, and weighted Deming (Linnet).

The error ratio is var(error of x)/var(error of y), as in mcr; the literature also uses its
inverse. It is given, or estimated from repeats (`error_ratio_from_repeats`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.agreement._line import (
    BootstrapKind,
    Coefficients,
    Line,
    Resampling,
    as_covariance,
    coefficients,
    resampled_line,
)
from osteo_epi.agreement._pairs import Missing, Pairs, paired, readings_of
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind
from osteo_epi.results import Result
from osteo_epi.rounding import number

Floats = NDArray[np.float64]
Interval = Literal["analytic", "jackknife", "bootstrap"]
ROUNDS = 200


@dataclass(frozen=True, repr=False)
class ErrorRatio(Result):
    """Errors of the two methods, from repeats, and the ratio of their variances."""

    ratio: float
    sd_x: float
    sd_y: float
    df_x: int
    df_y: int

    def to_polars(self) -> pl.DataFrame:
        """One row: ratio, sd_x, sd_y, df_x, df_y."""
        return pl.DataFrame([self._by_name()])

    def _summary(self) -> str:
        return f"var(x)/var(y) {number(self.ratio)}, df {self.df_x} and {self.df_y}"


@in_callers_kind
def error_ratio_from_repeats(*data: Any, x: Column = None, y: Column = None) -> ErrorRatio:
    """Estimate the ratio of error variances from repeated readings of the same people.

    Parameters
    ----------
    *data, x, y
        Repeats, shape (people, repeats) each, NaN where a repeat is missing; the number of
        people and repeats may differ between the methods. They come first, or a frame comes first
        and `x` and `y` list its columns, ``x=["dxa_1", "dxa_2"]``.

    Examples
    --------
    >>> error_ratio_from_repeats([[1, 1.2], [2, 2.2]], [[1, 1.1], [2, 2.1]]).ratio.round(6)
    np.float64(4.0)
    """
    repeats = zip(readings_of(data, x=x, y=y), "xy", strict=True)
    (sd_x, df_x), (sd_y, df_y) = (_within(values, name) for values, name in repeats)
    return ErrorRatio(sd_x**2 / sd_y**2, sd_x, sd_y, df_x, df_y)


@in_callers_kind
def deming(
    *data: Any,
    x: Column = None,
    y: Column = None,
    error_ratio: float | ErrorRatio = 1.0,
    interval: Interval = "jackknife",
    bootstrap_kind: BootstrapKind = "bca",
    resamples: int = 1999,
    seed: int = 0,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit a line with constant errors in both methods.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    error_ratio
        var(error of x)/var(error of y), or what `error_ratio_from_repeats` gave.
    interval
        `"jackknife"` (Linnet 1993; recommended), `"analytic"` (Strike 1991, as mcr: rests on the
        correlation alone and ignores the error ratio's share) or `"bootstrap"`.
    bootstrap_kind, resamples, seed
        Of the bootstrap: `"bca"` or `"percentile"`.
    confidence
        Of the intervals; Student on n − 2 degrees of freedom but for the bootstrap.
    missing
        See `paired`.

    Returns
    -------
    Line

    Notes
    -----
    Same numbers as mcr 1.3.3. deming::deming stops its search at a relative 1e-4, and so differs
    from the optimum (this function) in the sixth digit.

    Examples
    --------
    >>> line = deming([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    >>> round(line.slope.estimate, 4)
    1.0218
    """
    pairs, ratio = paired(*data, x=x, y=y, missing=missing), _ratio(error_ratio)
    _rising(pairs)

    def fit(a: Floats, b: Floats) -> Floats:
        return _line(a, b, np.ones_like(a), ratio)

    if interval == "analytic":
        terms = _strike(pairs, fit(pairs.x, pairs.y), confidence)
    else:
        resampling = Resampling(interval, bootstrap_kind, resamples, seed)
        left = _without_each(pairs, ratio)
        terms = resampled_line(fit, pairs, resampling, confidence=confidence, left=left)
    return _result(pairs, terms, ratio, "Deming", interval, confidence, seed)


@in_callers_kind
def weighted_deming(
    *data: Any,
    x: Column = None,
    y: Column = None,
    error_ratio: float | ErrorRatio = 1.0,
    interval: Literal["jackknife", "bootstrap"] = "jackknife",
    bootstrap_kind: BootstrapKind = "bca",
    resamples: int = 1999,
    seed: int = 0,
    tolerance: float = 1e-12,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit a line with errors in both methods that grow in proportion to the reading (Linnet).

    Parameters
    ----------
    *data, x, y
        Readings of the two methods, positive, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    error_ratio, interval, bootstrap_kind, resamples, seed, confidence, missing
        As for `deming`.
    tolerance
        The iteration stops when intercept and slope change by less. mcr stops at 1e-6: give that
        to obtain its numbers.

    Returns
    -------
    Line
        Whose `weights` are those of the last iteration.

    Raises
    ------
    SchemaError
        If a reading is not positive, or the pairs have a fault.

    Notes
    -----
    Linnet 1990, Stat Med 9:1463–1473.

    Examples
    --------
    >>> line = weighted_deming([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    >>> round(line.slope.estimate, 4)
    1.0206
    """
    pairs, ratio = paired(*data, x=x, y=y, missing=missing), _ratio(error_ratio)
    _rising(pairs)
    if (pairs.x <= 0).any() or (pairs.y <= 0).any():
        raise SchemaError(
            f"{int(((pairs.x <= 0) | (pairs.y <= 0)).sum())} of {pairs.n} pairs hold a reading "
            "that is not positive: errors in proportion to it are not possible; use deming"
        )

    def fit(a: Floats, b: Floats) -> Floats:
        return _linnet(a, b, ratio, tolerance)[0]

    resampling = Resampling(interval, bootstrap_kind, resamples, seed)
    terms = resampled_line(fit, pairs, resampling, confidence=confidence)
    weights = _linnet(pairs.x, pairs.y, ratio, tolerance)[1]
    return _result(pairs, terms, ratio, "weighted Deming", interval, confidence, seed, weights)


def _within(repeats: ArrayLike, name: str) -> tuple[float, int]:
    values = np.asarray(repeats, float)
    if values.ndim != 2:
        raise SchemaError(f"repeats of {name} must have the shape (people, repeats)")
    counts = (~np.isnan(values)).sum(axis=1)
    values = values[counts > 1]
    df = int((counts[counts > 1] - 1).sum())
    if df == 0:
        raise SchemaError(f"nobody has two readings of {name}: give the error ratio instead")
    squares = np.nansum((values - np.nanmean(values, axis=1, keepdims=True)) ** 2)
    if squares == 0:
        raise SchemaError(f"the repeats of {name} are all identical: no error to estimate")
    return np.sqrt(squares / df), df


def _ratio(ratio: float | ErrorRatio) -> float:
    value = ratio.ratio if isinstance(ratio, ErrorRatio) else float(ratio)
    if not (np.isfinite(value) and value > 0):
        raise SchemaError(
            "the error ratio var(x)/var(y) must be positive; with no error in x use least_squares"
        )
    return value


def _rising(pairs: Pairs) -> None:
    if np.cov(pairs.x, pairs.y)[0, 1] <= 0:
        raise SchemaError(
            f"the two methods do not rise together over {pairs.n} pairs: check that both columns "
            "belong to the same people in the same order"
        )


def _line(x: Floats, y: Floats, weights: Floats, ratio: float) -> Floats:
    """The weighted Deming line in closed form: (intercept, slope)."""
    total = weights.sum()
    cx, cy = weights @ x / total, weights @ y / total
    u, q = weights @ (x - cx) ** 2, weights @ (y - cy) ** 2
    slope = deming_slope(u, q, weights @ ((x - cx) * (y - cy)), ratio)
    return np.array([cy - slope * cx, slope])


def deming_slope(u: Any, q: Any, p: Any, ratio: float) -> Any:
    """Slope of the Deming line from sums of squares and products, of many samples at once.

    Parameters
    ----------
    u, q, p
        Sums of squares of x, of y, and of their products, about the means; numbers or arrays.
    ratio
        var(error of x)/var(error of y), as in `deming`.

    Examples
    --------
    >>> round(float(deming_slope(1.0, 4.0, 1.9, 1.0)), 4)
    2.0635
    """
    return (ratio * q - u + np.hypot(u - ratio * q, 2 * np.sqrt(ratio) * p)) / (2 * ratio * p)


def _without_each(pairs: Pairs, ratio: float) -> Floats:
    """The n lines without each pair in turn, from the sums less its part: O(n)."""
    n, cx, cy = pairs.n, pairs.x.mean(), pairs.y.mean()
    dx, dy = pairs.x - cx, pairs.y - cy
    share = n / (n - 1)
    u, q, p = (
        sum_ - share * part
        for sum_, part in ((dx @ dx, dx**2), (dy @ dy, dy**2), (dx @ dy, dx * dy))
    )
    slope = deming_slope(u, q, p, ratio)
    return np.column_stack([(cy - dy / (n - 1)) - slope * (cx - dx / (n - 1)), slope])


def _linnet(x: Floats, y: Floats, ratio: float, tolerance: float) -> tuple[Floats, Floats]:
    """Iterate: weights from the fitted points, line from the weights."""
    line = _line(x, y, np.ones_like(x), ratio)
    for _ in range(ROUNDS):
        distance = y - line[0] - line[1] * x
        share = 1 + ratio * line[1] ** 2
        true_x, true_y = x + ratio * line[1] * distance / share, y - distance / share
        weights = ((1 + ratio) / (true_x + ratio * true_y)) ** 2
        before, line = line, _line(x, y, weights, ratio)
        if (np.abs(line - before) < tolerance).all():
            break
    return line, weights


def _strike(pairs: Pairs, line: Floats, confidence: float) -> Coefficients:
    r2 = np.corrcoef(pairs.x, pairs.y)[0, 1] ** 2
    variance = line[1] ** 2 * (1 - r2) / r2 / (pairs.n - 2)
    centre = pairs.x.mean()
    between = -centre * variance
    covariance = as_covariance([[variance * np.mean(pairs.x**2), between], [between, variance]])
    terms = coefficients(line, covariance, df=pairs.n - 2, confidence=confidence)
    return Coefficients(*terms, covariance)


def _result(
    pairs: Pairs,
    terms: Coefficients,
    ratio: float,
    method: str,
    interval: str,
    confidence: float,
    seed: int,
    weights: Floats | None = None,
) -> Line:
    residual = pairs.y - terms.intercept.estimate - terms.slope.estimate * pairs.x
    level = np.ones(pairs.n) if weights is None else pairs.y - residual
    return Line(
        method=method,
        interval=interval,
        intercept=terms.intercept,
        slope=terms.slope,
        covariance=terms.covariance,
        n=pairs.n,
        n_missing=pairs.n_missing,
        df=pairs.n - 2,
        confidence=confidence,
        residual_sd=float(np.sqrt(((residual / level) ** 2).sum() / (pairs.n - 2))),
        error_model="constant" if weights is None else "proportional",
        x_range=(float(pairs.x.min()), float(pairs.x.max())),
        error_ratio=ratio,
        seed=seed if interval == "bootstrap" else None,
        weights=weights,
    )
