"""A fitted line y = intercept + slope · x between two methods, and what it predicts.

Whatever fitted it, a line may get its intervals by leaving one pair out at a time (jackknife) or
by drawing people with replacement (bootstrap).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.agreement._pairs import Pairs
from osteo_epi.arguments import confidence_level, one_of
from osteo_epi.errors import SchemaError
from osteo_epi.frames import in_callers_kind
from osteo_epi.norms import READING_TOLERANCE, out_of_range
from osteo_epi.results import Result
from osteo_epi.rounding import count, number

Floats = NDArray[np.float64]
# What lies within this share of a reading is the rounding of its arithmetic.
ROUNDING = 1e-14
Fit = Callable[[Floats, Floats], Floats]
"""Takes x and y, gives (intercept, slope), shape (2,)."""

Covariance = tuple[tuple[float, float], tuple[float, float]]
BootstrapKind = Literal["percentile", "bca"]
DRAWN_AT_ONCE = 10_000_000
"""Readings that a bootstrap holds in memory at once."""


def critical_value(confidence: float, df: float = math.inf) -> float:
    """Two-sided critical value of Student's distribution; the normal one where df is infinite.

    Examples
    --------
    >>> round(critical_value(0.95), 4), round(critical_value(0.95, 10), 4)
    (1.96, 2.2281)
    """
    from scipy import stats

    confidence_level(confidence)
    share = (1 + confidence) / 2
    return float(stats.norm.ppf(share) if math.isinf(df) else stats.t.ppf(share, df))


@dataclass(frozen=True)
class PointEstimate:
    """A number with its standard error (None where the method has none) and interval."""

    estimate: float
    se: float | None
    lower: float | None
    upper: float | None

    @classmethod
    def symmetric(cls, estimate: float, se: float, reach: float) -> PointEstimate:
        """With the interval estimate ± reach."""
        numbers = (estimate, se, estimate - reach, estimate + reach)
        return cls(*map(float, numbers))

    def rounded(self, digits: int = 5) -> str:
        """With so many significant digits: the estimate, and the interval where there is one."""
        middle = number(self.estimate, digits=digits)
        if self.lower is None or self.upper is None:
            return middle
        ends = (number(end, digits=digits) for end in (self.lower, self.upper))
        return f"{middle} ({' to '.join(ends)})"

    def __str__(self) -> str:
        return self.rounded()

    def compatible_with(self, value: float) -> bool | None:
        """Tell whether `value` lies within the interval; None without an interval."""
        if self.lower is None or self.upper is None:
            return None
        return self.lower <= value <= self.upper

    def as_row(self) -> dict[str, float | None]:
        """The four numbers by name."""
        return {"estimate": self.estimate, "se": self.se, "lower": self.lower, "upper": self.upper}


@dataclass(frozen=True, repr=False)
class Prediction(Result):
    """Predicted readings of method y with intervals, for people, groups or the line itself."""

    x: Floats
    estimate: Floats
    se: Floats
    lower: Floats
    upper: Floats
    of: str
    confidence: float
    beyond: int

    def to_polars(self) -> pl.DataFrame:
        """One row per value of x: x, estimate, se, lower, upper, of, confidence."""
        columns = {name: getattr(self, name) for name in ("x", "estimate", "se", "lower", "upper")}
        return pl.DataFrame(columns).with_columns(
            of=pl.lit(self.of), confidence=pl.lit(self.confidence)
        )

    def _repr_html_(self) -> str:
        outside = f"{self.beyond} of {len(self.x)} values lie outside the range fitted."
        notes = (outside,) if self.beyond else ()
        return self._shown(caption=self._summary(), notes=notes)

    def _summary(self) -> str:
        return f"prediction: {self.of}, {count(len(self.x))} values"


@dataclass(frozen=True, repr=False)
class Line(Result):
    """A line between two methods; every number it rests on stands beside it.

    `error_model` is "constant" (the scatter has one SD) or "proportional" (it grows with the
    reading; then `residual_sd` is a fraction of the reading). `covariance` is of (intercept,
    slope), or None where only ranks gave the intervals.
    """

    method: str
    interval: str
    intercept: PointEstimate
    slope: PointEstimate
    covariance: Covariance | None
    n: int
    n_missing: int
    df: float
    confidence: float
    residual_sd: float
    error_model: str
    x_range: tuple[float, float]
    error_ratio: float | None = None
    seed: int | None = None
    notes: tuple[str, ...] = ()
    weights: Floats | None = field(default=None, repr=False, compare=False)

    def to_polars(self) -> pl.DataFrame:
        """Two rows, intercept and slope, with method, n, df and the scatter about the line."""
        rows = []
        for term in ("intercept", "slope"):
            c: PointEstimate = getattr(self, term)
            rows.append({"term": term, "estimate": c.estimate, "se": c.se, "lower": c.lower})
            rows[-1] |= {"upper": c.upper, "confidence": self.confidence, "method": self.method}
            rows[-1] |= {"interval": self.interval, "n": self.n, "n_missing": self.n_missing}
            rows[-1] |= {"df": self.df, "residual_sd": self.residual_sd}
            rows[-1] |= {"error_model": self.error_model, "error_ratio": self.error_ratio}
        types = dict.fromkeys(("se", "lower", "upper", "error_ratio"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=types)

    def _repr_html_(self) -> str:
        return self._shown(caption=self.method, notes=self.notes)

    def _summary(self) -> str:
        return f"{self.method}: y = {self.intercept} + {self.slope} x, n = {count(self.n)}"

    def at(self, x: ArrayLike) -> Floats:
        """Readings of method y that the line gives for readings `x` of the reference."""
        return self.intercept.estimate + self.slope.estimate * np.asarray(x, float)

    def inverse(self, y: ArrayLike) -> Floats:
        """Readings of the reference that the line gives for readings `y` (solves for x)."""
        return (np.asarray(y, float) - self.intercept.estimate) / self.slope.estimate

    def beyond(self, x: ArrayLike) -> int:
        """Count readings of method x outside the range of those that made the line."""
        low, high = self.x_range
        near = READING_TOLERANCE * max(abs(low), abs(high))
        return int(np.sum(out_of_range(np.asarray(x, float), low, high, by=near)))

    @in_callers_kind
    def predict(self, x: ArrayLike, *, people: int | None = 1) -> Prediction:
        """Predict method y from readings of the reference.

        Parameters
        ----------
        x
            Readings of the reference, shape (k,).
        people
            1: the reading of one person; m > 1: the mean of a group of m people; None: the line
            itself, that is the mean of a whole population.

        Returns
        -------
        Prediction
            With Student intervals on `df` degrees of freedom. Intervals of people and groups
            carry the scatter about the line (both methods' errors) besides the line's own.

        Raises
        ------
        SchemaError
            If the line has no covariance: fit it with interval="jackknife" or "bootstrap".

        Examples
        --------
        >>> from osteo_epi.agreement import least_squares
        >>> line = least_squares([0.6, 0.7, 0.8, 0.9, 1.0], [0.63, 0.72, 0.84, 0.93, 1.05])
        >>> reading = line.predict([0.85])
        >>> reading.estimate.round(3), reading.lower.round(3), reading.upper.round(3)
        (array([0.886]), array([0.853]), array([0.92]))
        """
        if self.covariance is None:
            raise SchemaError(
                f"{self.method} with {self.interval} intervals has no covariance to predict from; "
                "fit with interval='jackknife' or 'bootstrap'"
            )
        values = np.atleast_1d(np.asarray(x, float))
        estimate = self.at(values)
        (va, cab), (_, vb) = self.covariance
        variance = np.maximum(va + 2 * values * cab + values**2 * vb, 0)
        if people is not None:
            level = np.abs(estimate) if self.error_model == "proportional" else 1.0
            variance = variance + (self.residual_sd * level) ** 2 / people
        se = np.sqrt(variance)
        reach = critical_value(self.confidence, self.df) * se
        names = {1: "a person", None: "the line"}
        beyond = self.beyond(values)
        return Prediction(
            values,
            estimate,
            se,
            estimate - reach,
            estimate + reach,
            names.get(people, f"a group of {people}"),
            self.confidence,
            beyond,
        )


def coefficients(
    estimate: ArrayLike, covariance: ArrayLike, *, df: float, confidence: float
) -> tuple[PointEstimate, PointEstimate]:
    """Intercept and slope with Student (df finite) or normal (df infinite) intervals."""
    values, errors = np.asarray(estimate, float), np.sqrt(np.diag(np.asarray(covariance, float)))
    quantile = critical_value(confidence, df)
    first, second = (
        PointEstimate.symmetric(v, s, quantile * s) for v, s in zip(values, errors, strict=True)
    )
    return first, second


def as_covariance(matrix: ArrayLike) -> Covariance:
    """A 2 × 2 matrix as nested tuples, so that a result stays frozen."""
    (a, b), (c, d) = np.asarray(matrix, float).tolist()
    return (a, b), (c, d)


@dataclass(frozen=True)
class Coefficients:
    """Intercept and slope with intervals; their covariance, None where only ranks gave them."""

    intercept: PointEstimate
    slope: PointEstimate
    covariance: Covariance | None


@dataclass(frozen=True)
class Resampling:
    """How a line gets its intervals: `interval` is "jackknife" or "bootstrap"."""

    interval: str
    kind: BootstrapKind
    resamples: int
    seed: int


def resampled_line(
    fit: Fit,
    pairs: Pairs,
    resampling: Resampling,
    *,
    confidence: float,
    left: Floats | None = None,
) -> Coefficients:
    """Intervals by leaving one pair out at a time, or by drawing people with replacement.

    Parameters
    ----------
    fit
        Of x and y.
    pairs
        All of them.
    resampling
        Jackknife (Student intervals on n − 2 degrees of freedom, from the pseudo-values) or
        bootstrap (percentile or bias-corrected accelerated limits).
    confidence
        Of the intervals.
    left
        (n, 2) fits without each pair, where a closed form gives them at once.

    Raises
    ------
    SchemaError
        An unknown kind of interval, or draws that hold one reading only.

    Notes
    -----
    Linnet 1993, Clin Chem 39:424–432.
    """
    if resampling.interval == "bootstrap":
        return _bootstrap(fit, pairs, resampling, confidence)
    if resampling.interval != "jackknife":
        raise SchemaError(
            f"interval={resampling.interval!r} is not one of this line's; 'jackknife' and "
            "'bootstrap' are every line's"
        )
    if left is None:
        places = range(pairs.n)
        left = np.array([fit(np.delete(pairs.x, k), np.delete(pairs.y, k)) for k in places])
    centred = left - left.mean(axis=0)
    covariance = (pairs.n - 1) / pairs.n * centred.T @ centred
    whole = fit(pairs.x, pairs.y)
    terms = coefficients(whole, covariance, df=pairs.n - 2, confidence=confidence)
    return Coefficients(*terms, as_covariance(covariance))


def _bootstrap(fit: Fit, pairs: Pairs, resampling: Resampling, confidence: float) -> Coefficients:
    from scipy import stats

    one_of(resampling.kind, "bootstrap_kind", get_args(BootstrapKind))
    whole = fit(pairs.x, pairs.y)

    def statistic(places: NDArray) -> Floats:
        x, y = pairs.x[places], pairs.y[places]
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            raise SchemaError(
                f"a draw from {pairs.n} pairs holds one reading only: too few people for a "
                "bootstrap; use interval='jackknife'"
            )
        return fit(x, y)

    # Of pairs on one line every draw gives that line, and leaves nothing to correct a bias by.
    away = np.abs(pairs.y - whole[0] - whole[1] * pairs.x).max()
    percentile = resampling.kind == "percentile" or away <= ROUNDING * np.abs(pairs.y).max()
    sample = stats.bootstrap(
        (np.arange(pairs.n),),
        statistic,
        n_resamples=resampling.resamples,
        batch=max(DRAWN_AT_ONCE // pairs.n, 1),
        vectorized=False,
        confidence_level=confidence,
        method="percentile" if percentile else "BCa",
        rng=np.random.default_rng(resampling.seed),
    )
    limits = sample.confidence_interval
    rows = np.column_stack([whole, sample.standard_error, limits.low, limits.high]).tolist()
    intercept, slope = (PointEstimate(*row) for row in rows)
    covariance = as_covariance(np.cov(sample.bootstrap_distribution))
    return Coefficients(intercept, slope, covariance)
