"""A number with its uncertainty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.agreement._pairs import Pairs
from osteo_epi.errors import SchemaError
from osteo_epi.html import html_table


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error (None where the method has none) and interval."""

    estimate: float
    se: float | None
    lower: float | None
    upper: float | None

    def compatible_with(self, value: float) -> bool | None:
        """Tell whether `value` lies within the interval; None without an interval."""
        if self.lower is None or self.upper is None:
            return None
        return self.lower <= value <= self.upper

    def as_row(self) -> dict[str, float | None]:
        """The four numbers by name."""
        return {"estimate": self.estimate, "se": self.se, "lower": self.lower, "upper": self.upper}


def bracketed(estimate: float, se: float, reach: float) -> Estimate:
    """An estimate with the symmetric interval estimate ± reach.

    Examples
    --------
    >>> bracketed(1.0, 0.1, 0.2).lower
    0.8
    """
    return Estimate(float(estimate), float(se), float(estimate - reach), float(estimate + reach))


Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """Predicted readings of method y with intervals, for people, groups or the line itself."""

    x: Floats
    estimate: Floats
    se: Floats
    lower: Floats
    upper: Floats
    of: str
    confidence: float
    beyond: int

    def to_frame(self) -> pl.DataFrame:
        """One row per value of x: x, estimate, se, lower, upper, of, confidence."""
        columns = {name: getattr(self, name) for name in ("x", "estimate", "se", "lower", "upper")}
        return pl.DataFrame(columns).with_columns(
            of=pl.lit(self.of), confidence=pl.lit(self.confidence)
        )

    def _repr_html_(self) -> str:
        notes = (f"{self.beyond} of {len(self.x)} values lie outside the range fitted.",)
        return html_table(
            self.to_frame(), caption=f"prediction: {self.of}", notes=notes if self.beyond else ()
        )


@dataclass(frozen=True)
class Line:
    """A line between two methods; every number it rests on stands beside it.

    `error_model` is "constant" (the scatter has one SD) or "proportional" (it grows with the
    reading; then `residual_sd` is a fraction of the reading). `covariance` is of (intercept,
    slope), or None where only ranks gave the intervals.
    """

    method: str
    interval: str
    intercept: Estimate
    slope: Estimate
    covariance: tuple[tuple[float, float], tuple[float, float]] | None
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
    resampled: Floats | None = field(default=None, repr=False, compare=False)

    def to_frame(self) -> pl.DataFrame:
        """Two rows, intercept and slope, with method, n, df and the scatter about the line."""
        rows = []
        for term in ("intercept", "slope"):
            c: Estimate = getattr(self, term)
            rows.append({"term": term, "estimate": c.estimate, "se": c.se, "lower": c.lower})
            rows[-1] |= {"upper": c.upper, "confidence": self.confidence, "method": self.method}
            rows[-1] |= {"interval": self.interval, "n": self.n, "n_missing": self.n_missing}
            rows[-1] |= {"df": self.df, "residual_sd": self.residual_sd}
            rows[-1] |= {"error_model": self.error_model, "error_ratio": self.error_ratio}
        types = dict.fromkeys(("se", "lower", "upper", "error_ratio"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=types)

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption=self.method, notes=self.notes)

    def at(self, x: ArrayLike) -> Floats:
        """Readings of method y that the line gives for readings `x` of the reference."""
        return self.intercept.estimate + self.slope.estimate * np.asarray(x, float)

    def inverse(self, y: ArrayLike) -> Floats:
        """Readings of the reference that the line gives for readings `y` (solves for x)."""
        return (np.asarray(y, float) - self.intercept.estimate) / self.slope.estimate

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
        reach = stats.t.ppf((1 + self.confidence) / 2, self.df) * se
        names = {1: "a person", None: "the line"}
        beyond = int(((values < self.x_range[0]) | (values > self.x_range[1])).sum())
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
) -> tuple[Estimate, Estimate]:
    """Intercept and slope with Student (df finite) or normal (df infinite) intervals."""
    values, se = np.asarray(estimate, float), np.sqrt(np.diag(np.asarray(covariance, float)))
    reach = stats.t.ppf((1 + confidence) / 2, df) * se
    first, second = (
        Estimate(float(v), float(s), float(v - r), float(v + r))
        for v, s, r in zip(values, se, reach, strict=True)
    )
    return first, second


def as_covariance(matrix: ArrayLike) -> tuple[tuple[float, float], tuple[float, float]]:
    """A 2 × 2 matrix as nested tuples, so that a result stays frozen."""
    (a, b), (c, d) = np.asarray(matrix, float).tolist()
    return (a, b), (c, d)


Fit = Callable[[Floats, Floats], Floats]
"""Takes x and y, gives (intercept, slope), shape (2,)."""

BootstrapKind = Literal["percentile", "bca"]


@dataclass(frozen=True)
class Resampled:
    """Intercept and slope with intervals, their covariance and the replicates behind them."""

    intercept: Estimate
    slope: Estimate
    covariance: Floats
    replicates: Floats


def jackknife(
    fit: Fit, pairs: Pairs, *, df: float, confidence: float, left: Floats | None = None
) -> Resampled:
    """Leave one pair out at a time; Student intervals about the estimate of all pairs.

    `left` are the n fits without each pair where a closed form gives them at once; otherwise
    `fit` is called n times.

    Notes
    -----
    As Linnet (1993, Clin Chem 39:424–432): standard error from the pseudo-values, with the
    Student quantile on `df` degrees of freedom (n − 2 as mcr does).
    """
    left = leave_one_out(fit, pairs) if left is None else left
    centred = left - left.mean(axis=0)
    covariance = (pairs.n - 1) / pairs.n * centred.T @ centred
    whole = fit(pairs.x, pairs.y)
    return Resampled(
        *coefficients(whole, covariance, df=df, confidence=confidence), covariance, left
    )


def leave_one_out(fit: Fit, pairs: Pairs) -> Floats:
    """Fit without each pair in turn, shape (n, 2)."""
    rows = [fit(np.delete(pairs.x, k), np.delete(pairs.y, k)) for k in range(pairs.n)]
    return np.array(rows)


def bootstrap(
    fit: Fit, pairs: Pairs, *, resamples: int, seed: int, kind: BootstrapKind, confidence: float
) -> Resampled:
    """Draw people with replacement; percentile or bias-corrected accelerated limits.

    Notes
    -----
    A draw in which all readings of one method are equal has no line and is drawn again.
    """
    rng = np.random.default_rng(seed)
    rows: list[Floats] = []
    while len(rows) < resamples:
        draw = rng.integers(0, pairs.n, pairs.n)
        if np.ptp(pairs.x[draw]) > 0 and np.ptp(pairs.y[draw]) > 0:
            rows.append(fit(pairs.x[draw], pairs.y[draw]))
    replicates, whole = np.array(rows), fit(pairs.x, pairs.y)
    covariance = np.cov(replicates.T)
    shares = np.tile([(1 - confidence) / 2, (1 + confidence) / 2], (2, 1))
    if kind == "bca":
        left = leave_one_out(fit, pairs)
        shares = np.array([_bca(whole[k], replicates[:, k], left[:, k], shares[k]) for k in (0, 1)])
    terms = []
    for k in (0, 1):
        low, high = np.quantile(replicates[:, k], shares[k])
        se = float(np.sqrt(covariance[k, k]))
        terms.append(Estimate(float(whole[k]), se, float(low), float(high)))
    return Resampled(terms[0], terms[1], covariance, replicates)


def _bca(whole: float, replicates: Floats, left: Floats, shares: Floats) -> Floats:
    """Efron's (1987) shares: corrected for bias and for a standard error that varies."""
    below = (replicates < whole).mean() + (replicates == whole).mean() / 2
    bias = stats.norm.ppf(below)
    skew = left.mean() - left
    acceleration = (skew**3).sum() / (6 * (skew**2).sum() ** 1.5)
    z = bias + stats.norm.ppf(shares)
    return stats.norm.cdf(bias + z / (1 - acceleration * z))
