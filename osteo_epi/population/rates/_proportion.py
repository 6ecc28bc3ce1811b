"""Intervals of a proportion for plain counts: no weights, no clusters.

A survey's proportion needs its design; these intervals serve counts of independent people, such
as a sensitivity, a response rate, or a prevalence in a census of a clinic. Which interval was used
is part of the result, because at small counts the choice moves the limits more than the data do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.population.rates._search import blaker, likelihood, mid_p

Array = NDArray[np.float64]
Limits = tuple[Array, Array]


@dataclass(frozen=True)
class Proportion:
    """Proportions with their intervals, all arrays of one shape.

    Attributes
    ----------
    events, n
        Counts [people].
    estimate, lower, upper
        Proportions [0 to 1]; NaN where `n` is 0.
    confidence, method
        The level, and the name of the interval.
    """

    events: Array
    n: Array
    estimate: Array
    lower: Array
    upper: Array
    confidence: float
    method: str

    def to_frame(self) -> pl.DataFrame:
        """One row a proportion, the method in each."""
        columns = ("events", "n", "estimate", "lower", "upper")
        frame = pl.DataFrame({name: np.ravel(getattr(self, name)) for name in columns})
        return frame.with_columns(
            pl.col("estimate", "lower", "upper").fill_nan(None),
            confidence=pl.lit(self.confidence),
            method=pl.lit(self.method),
        )

    def _repr_html_(self) -> str:
        return self.to_frame()._repr_html_()


def proportion(
    events: ArrayLike, n: ArrayLike, *, method: str = "wilson", confidence: float = 0.95
) -> Proportion:
    """Proportion of independent people with an event, with its interval.

    Parameters
    ----------
    events, n
        Counts [people], scalars or arrays that broadcast. Fractions are accepted (an effective
        sample size), save by `blaker`.
    method
        One of `METHODS`: wilson, wilson_cc, wilson_modified, wald, wald_cc, agresti_coull,
        jeffreys, jeffreys_modified, clopper_pearson, mid_p, blaker, likelihood, logit, arcsine,
        pratt.
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    Proportion
        Arrays of the broadcast shape.

    Raises
    ------
    SchemaError
        If a count is missing, negative, or above its `n`.
    DesignError
        If the method is unknown or the level lies outside (0, 1).

    Notes
    -----
    Wilson is the default for its coverage near the nominal level (Brown, Cai, DasGupta 2001,
    doi 10.1214/ss/1009213286). Clopper-Pearson and Blaker never cover less than the level. `logit`
    does not exist at 0 and at `n` events and gives NaN there; `arcsine` may leave out the estimate
    itself at 0 and `n`; `pratt` approximates Clopper-Pearson.

    Examples
    --------
    >>> result = proportion([0, 39], [20, 96])
    >>> result.to_frame().select("events", "lower", "upper").rows()
    [(0.0, 0.0, 0.161125...), (39.0, 0.313453..., 0.506261...)]
    """
    x, size = _counts(events, n)
    if method not in PROPORTION_METHODS:
        raise DesignError(f"unknown interval {method!r}; one of {', '.join(PROPORTION_METHODS)}")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = PROPORTION_METHODS[method](x, size, 1 - confidence)
        estimate = x / size
    nobody = size == 0
    lower, upper = (np.where(nobody, np.nan, np.clip(a, 0, 1))[()] for a in (lower, upper))
    return Proportion(x, size, estimate, lower, upper, confidence, method)


def with_proportion(
    data: Any, *, events: str, n: str, method: str = "wilson", confidence: float = 0.95
) -> Any:
    """Add estimate, lower, upper, confidence and method to a frame of counts.

    Parameters
    ----------
    data
        Any eager frame with one row a group.
    events, n
        Names of the columns that hold the counts [people].
    method, confidence
        As in `proportion`.

    Returns
    -------
    frame
        Of the caller's kind; rows without people carry null.

    Examples
    --------
    >>> table = pl.DataFrame({"sex": ["female", "male"], "broken": [41, 14], "n": [356, 310]})
    >>> with_proportion(table, events="broken", n="n")["upper"].round(4).to_list()
    [0.1525, 0.0744]
    """
    frame, restore = as_polars(data)
    table = frame.lazy().collect()
    absent = [name for name in (events, n) if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; it has {table.columns}")
    counts = table.select(pl.col(events, n).cast(pl.Float64))
    found = proportion(counts[events], counts[n], method=method, confidence=confidence)
    return restore(table.hstack(found.to_frame().drop("events", "n")))


def _counts(events: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    x, size = np.broadcast_arrays(np.asarray(events, float), np.asarray(n, float))
    missing = np.count_nonzero(~np.isfinite(x) | ~np.isfinite(size))
    outside = np.count_nonzero((x < 0) | (x > size))
    if missing or outside:
        raise SchemaError(
            f"counts must satisfy 0 <= events <= n: {missing} missing, {outside} outside, "
            f"of {x.size}; drop or mend these rows first"
        )
    return x, size


def _z(alpha: float) -> float:
    return float(special.ndtri(1 - alpha / 2))


def _wald(x: Array, n: Array, alpha: float) -> Limits:
    p = x / n
    half = _z(alpha) * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def _wald_cc(x: Array, n: Array, alpha: float) -> Limits:
    lower, upper = _wald(x, n, alpha)
    return lower - 0.5 / n, upper + 0.5 / n


def _wilson(x: Array, n: Array, alpha: float) -> Limits:
    z = _z(alpha)
    centre = (x + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(x * (n - x) / n + z**2 / 4) / (n + z**2)
    return np.where(x == 0, 0, centre - half), np.where(x == n, 1, centre + half)


def _wilson_cc(x: Array, n: Array, alpha: float) -> Limits:
    """Wilson with continuity correction: Newcombe 1998, method 4."""
    z, q = _z(alpha), 1 - x / n
    below = z * np.sqrt(np.maximum(z**2 - 2 - 1 / n + 4 * x / n * (n * q + 1), 0))
    above = z * np.sqrt(np.maximum(z**2 + 2 - 1 / n + 4 * x / n * (n * q - 1), 0))
    lower = (2 * x + z**2 - 1 - below) / (2 * (n + z**2))
    upper = (2 * x + z**2 + 1 + above) / (2 * (n + z**2))
    return np.where(x == 0, 0, lower), np.where(x == n, 1, upper)


def _wilson_modified(x: Array, n: Array, alpha: float) -> Limits:
    """Wilson with a Poisson limit at one to three events: Brown, Cai, DasGupta 2001."""
    lower, upper = _wilson(x, n, alpha)
    few = np.where(n <= 50, 2, 3)

    def poisson(count: Array) -> Array:
        return special.gammaincinv(np.maximum(count, 1), alpha) / n

    lower = np.where((x >= 1) & (x <= few), poisson(x), lower)
    return lower, np.where((n - x >= 1) & (n - x <= few), 1 - poisson(n - x), upper)


def _agresti_coull(x: Array, n: Array, alpha: float) -> Limits:
    z = _z(alpha)
    size = n + z**2
    p = (x + z**2 / 2) / size
    half = z * np.sqrt(p * (1 - p) / size)
    return p - half, p + half


def _beta(level: float, a: Array, b: Array) -> Array:
    """Beta quantile; a shape of 0 has all its mass at the end, which the callers set."""
    return special.betaincinv(np.maximum(a, 1e-300), np.maximum(b, 1e-300), level)


def _jeffreys(x: Array, n: Array, alpha: float) -> Limits:
    lower = _beta(alpha / 2, x + 0.5, n - x + 0.5)
    upper = _beta(1 - alpha / 2, x + 0.5, n - x + 0.5)
    return np.where(x == 0, 0, lower), np.where(x == n, 1, upper)


def _jeffreys_modified(x: Array, n: Array, alpha: float) -> Limits:
    """Jeffreys, with the exact limits where it covers too little: Brown, Cai, DasGupta 2001."""
    lower, upper = _jeffreys(x, n, alpha)
    exact_lower, exact_upper = _clopper_pearson(x, n, alpha)
    lower = np.where(x == n, exact_lower, np.where(x <= 1, 0, lower))
    return lower, np.where(x == 0, exact_upper, np.where(n - x <= 1, 1, upper))


def _clopper_pearson(x: Array, n: Array, alpha: float) -> Limits:
    lower = np.where(x == 0, 0, _beta(alpha / 2, x, n - x + 1))
    return lower, np.where(x == n, 1, _beta(1 - alpha / 2, x + 1, n - x))


def _logit(x: Array, n: Array, alpha: float) -> Limits:
    centre = np.log(x / (n - x))
    half = _z(alpha) * np.sqrt(n / (x * (n - x)))
    ends = (x == 0) | (x == n)
    return tuple(np.where(ends, np.nan, special.expit(centre + s * half)) for s in (-1, 1))  # type: ignore[return-value]


def _arcsine(x: Array, n: Array, alpha: float) -> Limits:
    """Anscombe's variance-stabilising transformation."""
    centre = np.arcsin(np.sqrt((x + 0.375) / (n + 0.75)))
    half = 0.5 * _z(alpha) / np.sqrt(n)
    return np.sin(centre - half) ** 2, np.sin(centre + half) ** 2


def _pratt_upper(x: Array, n: Array, alpha: float) -> Array:
    z = _z(alpha)
    a = ((x + 1) / (n - x)) ** 2
    b = 81 * (x + 1) * (n - x) - 9 * n - 8
    c = -3 * z * np.sqrt(9 * (x + 1) * (n - x) * (9 * n + 5 - z**2) + n + 1)
    d = 81 * (x + 1) ** 2 - 9 * (x + 1) * (2 + z**2) + 1
    upper = 1 / (1 + a * ((b + c) / d) ** 3)
    upper = np.where(x == n - 1, (1 - alpha / 2) ** (1 / n), upper)
    return np.where(x == 0, 1 - alpha ** (1 / n), np.where(x == n, 1, upper))


def _pratt(x: Array, n: Array, alpha: float) -> Limits:
    """Pratt's approximation of the exact limits (Blyth 1986); the lower one by symmetry."""
    return 1 - _pratt_upper(n - x, n, alpha), _pratt_upper(x, n, alpha)


PROPORTION_METHODS: MappingProxyType[str, Callable[[Array, Array, float], Limits]] = (
    MappingProxyType(
        {
            "wilson": _wilson,
            "wilson_cc": _wilson_cc,
            "wilson_modified": _wilson_modified,
            "wald": _wald,
            "wald_cc": _wald_cc,
            "agresti_coull": _agresti_coull,
            "jeffreys": _jeffreys,
            "jeffreys_modified": _jeffreys_modified,
            "clopper_pearson": _clopper_pearson,
            "mid_p": mid_p,
            "blaker": blaker,
            "likelihood": likelihood,
            "logit": _logit,
            "arcsine": _arcsine,
            "pratt": _pratt,
        }
    )
)
