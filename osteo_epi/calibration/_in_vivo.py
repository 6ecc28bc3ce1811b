"""Two devices scanned the same people: which line between them, what it says, whether it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement import (
    ErrorRatio,
    Line,
    Missing,
    Pairs,
    deming,
    least_squares,
    paired,
    passing_bablok,
    readings_of,
    theil_sen,
    weighted_deming,
)
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind
from osteo_epi.results import Result
from osteo_epi.rounding import count, number

Floats = NDArray[np.float64]
Method = Literal["least_squares", "deming", "weighted_deming", "passing_bablok", "theil_sen"]

_LINES: dict[str, Callable[..., Line]] = {
    "least_squares": least_squares,
    "deming": deming,
    "weighted_deming": weighted_deming,
    "passing_bablok": passing_bablok,
    "theil_sen": theil_sen,
}
_RANKED = ("passing_bablok", "theil_sen")

JACKKNIFED = 1_000
"""People up to which a line from ranks is jackknifed by default; above, its ranks are taken."""

OUTLIER = 4.0
"""A residual beyond so many robust SDs is called an outlier: once in 16,000 normal readings."""


@in_callers_kind
def fit_line(
    *data: Any,
    x: Column = None,
    y: Column = None,
    method: Method,
    error_ratio: float | ErrorRatio = 1.0,
    interval: str | None = None,
    confidence: float = 0.95,
    missing: Missing = "fail",
    **options: Any,
) -> Line:
    """Fit a line by name of its method, with the interval that lets it predict.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    method
        Which line; see the functions of the same names.
    error_ratio
        For the Deming lines.
    interval
        Of the method; by default one that has a covariance (jackknife, or analytic for least
        squares). Passing–Bablok and Theil–Sen of more than 1,000 people get their rank interval,
        without a covariance: ask for the bootstrap to predict.
    confidence, missing, options
        Handed on.

    Raises
    ------
    SchemaError
        If there is no such method, or the readings have a fault.

    Examples
    --------
    >>> line = fit_line([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13], method="deming")
    >>> round(float(line.predict([1.0]).estimate[0]), 3)
    1.031
    """
    if method not in _LINES:
        raise SchemaError(f"no method {method!r}; there are {', '.join(_LINES)}")
    pairs = readings_of(data, x=x, y=y)
    shared: dict[str, Any] = {"confidence": confidence, "missing": missing, **options}
    if method != "least_squares":
        shared["interval"] = interval or _with_covariance(method, len(pairs[0]))
    if method in ("deming", "weighted_deming"):
        shared["error_ratio"] = error_ratio
    return _LINES[method](*pairs, **shared)


def _with_covariance(method: Method, n: int) -> str:
    """The interval of a line that lets it predict, where that takes no hours."""
    return "ranks" if method in _RANKED and n > JACKKNIFED else "jackknife"


@dataclass(frozen=True, repr=False)
class Recommendation(Result):
    """The line recommended, in words with reasons, and the findings that they rest on."""

    no_figure = "is advice in words: result.line.plot(x=…, y=…) draws the line it is about"

    method: str
    line: Line
    slope_compatible_with_1: bool
    intercept_compatible_with_0: bool
    error_model: str
    p_proportional: float
    outliers: int
    reasons: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Neither a constant nor a proportional difference was found."""
        return self.slope_compatible_with_1 and self.intercept_compatible_with_0

    def to_polars(self) -> pl.DataFrame:
        """One row per reason."""
        return pl.DataFrame({"method": [self.method] * len(self.reasons), "reason": self.reasons})

    def __str__(self) -> str:
        return "\n".join((f"Recommended: {self.line.method}.", *self.reasons))

    def _summary(self) -> str:
        return f"recommended: {self.line.method}, n = {count(self.line.n)}"


@in_callers_kind
def recommend(
    *data: Any,
    x: Column = None,
    y: Column = None,
    error_ratio: float | ErrorRatio | None = None,
    reference_without_error: bool = False,
    alpha: float = 0.05,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Recommendation:
    """Recommend a line between two methods, and read it.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    error_ratio
        var(error of x)/var(error of y), from repeats if possible. None: taken as 1, and said so.
    reference_without_error
        x is nominal (a phantom): least squares.
    alpha
        Of the test whether the scatter grows with the reading.
    confidence, missing
        As elsewhere in this room.

    Returns
    -------
    Recommendation

    Notes
    -----
    Outliers (more than four robust SDs from the line) lead to Passing–Bablok; scatter that grows
    with the reading (Spearman's correlation of the absolute residual with the mean) to the
    weighted line; otherwise Deming. A recommendation, not a rule: the choice belongs in the
    protocol.

    Examples
    --------
    >>> rng = np.random.default_rng(6)
    >>> true = rng.normal(1.0, 0.15, 60)
    >>> x, y = true + rng.normal(0, 0.01, 60), 1.1 * true + rng.normal(0, 0.01, 60)
    >>> advice = recommend(x, y)
    >>> advice.method, advice.slope_compatible_with_1
    ('deming', False)
    """
    pairs = paired(*data, x=x, y=y, missing=missing)
    p_grows, outliers = _scatter(pairs, alpha)
    grows = p_grows < alpha and _positive(pairs)
    method, why = _choose(grows, outliers, pairs.n, reference_without_error)
    options: dict[str, Any] = {"proportional": grows} if method == "least_squares" else {}
    line = fit_line(
        pairs.x,
        pairs.y,
        method=method,
        error_ratio=1.0 if error_ratio is None else error_ratio,
        confidence=confidence,
        **options,
    )
    slope, intercept = line.slope.compatible_with(1.0), line.intercept.compatible_with(0.0)
    reasons = [why, *_reading(line, bool(slope), bool(intercept))]
    if method in ("deming", "weighted_deming") and error_ratio is None:
        reasons.append("The error ratio was taken as 1: measure it with repeats on both devices.")
    reasons.append(
        f"Scatter {'grows with' if grows else 'was not found to grow with'} the reading "
        f"(p = {number(p_grows, digits=3)}); {outliers} of {pairs.n} pairs lie far from the line."
    )
    return Recommendation(
        method,
        line,
        bool(slope),
        bool(intercept),
        "proportional" if grows else "constant",
        p_grows,
        outliers,
        tuple(reasons),
    )


@dataclass(frozen=True, repr=False)
class CrossValidation(Result):
    """How a correction fares on people who did not make it, against none and against a shift."""

    rmse: float
    bias: float
    rmse_uncorrected: float
    bias_uncorrected: float
    rmse_shift: float
    folds: int
    repeats: int
    n: int
    seed: int
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self._by_name()])

    def _repr_html_(self) -> str:
        note = "a correction that does not beat the shift of the mean is not worth its parameters"
        return self._shown(caption="cross-validation", notes=(note,))

    def _summary(self) -> str:
        errors = f"{number(self.rmse)}, uncorrected {number(self.rmse_uncorrected)}"
        return f"{self.method}: RMSE {errors}, n = {count(self.n)}"


@in_callers_kind
def cross_validate(
    *data: Any,
    x: Column = None,
    y: Column = None,
    method: Method,
    folds: int = 10,
    repeats: int = 5,
    seed: int = 0,
    error_ratio: float | ErrorRatio = 1.0,
    missing: Missing = "fail",
) -> CrossValidation:
    """Cross-validate the correction of method x to method y.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods in one unit, shape (n,).
        They come first, or a frame comes first and `x` and `y` name its columns.
    method, error_ratio
        See `fit_line`.
    folds, repeats, seed
        People are dealt into folds at random, several times.
    missing
        See `paired`.

    Raises
    ------
    SchemaError
        If there are fewer than two people a fold.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(1.0, 0.15, 40)
    >>> result = cross_validate(x, 1.1 * x - 0.05 + rng.normal(0, 0.01, 40), method="deming")
    >>> result.rmse < result.rmse_uncorrected
    True
    """
    pairs = paired(*data, x=x, y=y, missing=missing)
    if pairs.n < 2 * folds:
        raise SchemaError(
            f"{pairs.n} pairs for {folds} folds: at least two people a fold are needed; use fewer "
            "folds"
        )
    fast = {"deming": "analytic", "passing_bablok": "ranks", "theil_sen": "ranks"}.get(method)

    def line(a: Floats, b: Floats) -> Callable[[Floats], Floats]:
        return fit_line(a, b, method=method, error_ratio=error_ratio, interval=fast).at

    rng = np.random.default_rng(seed)
    errors, shifts = [], []
    for _ in range(repeats):
        fold = rng.permutation(np.arange(pairs.n) % folds)
        for k in range(folds):
            out = fold == k
            a, b = pairs.x[~out], pairs.y[~out]
            errors.append(line(a, b)(pairs.x[out]) - pairs.y[out])
            shifts.append(pairs.x[out] + (b - a).mean() - pairs.y[out])
    raw = pairs.x - pairs.y

    def rms(v: Floats) -> float:
        return float(np.sqrt(np.mean(v**2)))

    corrected = np.concatenate(errors)
    return CrossValidation(
        rms(corrected),
        float(corrected.mean()),
        rms(raw),
        float(raw.mean()),
        rms(np.concatenate(shifts)),
        folds,
        repeats,
        pairs.n,
        seed,
        method,
    )


def _positive(pairs: Pairs) -> bool:
    return bool((pairs.x > 0).all() and (pairs.y > 0).all())


def _scatter(pairs: Pairs, alpha: float) -> tuple[float, int]:
    """p of a scatter that grows with the reading, and the number of outliers from it."""
    from scipy import stats

    slope = np.std(pairs.y) / np.std(pairs.x)
    level, residual = slope * pairs.x + pairs.y, pairs.y - slope * pairs.x
    residual = residual - np.median(residual)
    if stats.median_abs_deviation(residual) == 0 or np.ptp(level) == 0:
        return 1.0, int((residual != 0).sum())
    p = float(stats.spearmanr(np.abs(residual), level, alternative="greater").pvalue)
    if p < alpha and _positive(pairs):
        residual = residual / level
    spread = stats.median_abs_deviation(residual, scale="normal")
    return p, int((np.abs(residual) > OUTLIER * spread).sum())


def _choose(grows: bool, outliers: int, n: int, nominal: bool) -> tuple[Method, str]:
    if nominal:
        return "least_squares", "Least squares: the reference is nominal, without error."
    if outliers:
        return "passing_bablok", (
            f"Passing–Bablok: {outliers} of {n} pairs would pull a line of least squares or Deming."
        )
    if grows:
        return "weighted_deming", (
            "Weighted Deming: both methods have error, and it grows with the reading."
        )
    return "deming", "Deming: both methods have error, of about one size over the range."


def _reading(line: Line, slope: bool, intercept: bool) -> list[str]:
    return [
        f"Slope {line.slope.rounded(4)}: {'compatible with' if slope else 'differs from'} 1, "
        f"{'no' if slope else 'a'} proportional difference {'shown' if slope else 'found'}.",
        f"Intercept {line.intercept.rounded(4)}: "
        f"{'compatible with' if intercept else 'differs from'} 0, "
        f"{'no' if intercept else 'a'} constant difference {'shown' if intercept else 'found'}.",
    ]
