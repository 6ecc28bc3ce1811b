"""Intervals of a count of rare events, taken as Poisson; every rate and ratio here rests on them.

The limits are those of the expected count; a rate divides them by person-years, an SMR by the
expected cases.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.population.rates._search import bisect

Array = NDArray[np.float64]
Limits = tuple[Array, Array]

BYAR_FROM = 10  # events from which Byar's approximation serves; below it the exact limits


def poisson_limits(events: ArrayLike, *, method: str = "exact", confidence: float = 0.95) -> Limits:
    """Limits of the expected number of events.

    Parameters
    ----------
    events
        Observed counts, any shape.
    method
        "exact" (Garwood), "mid_p", "byar", "byar_or_exact" (exact below 10 events, Byar from 10:
        the practice of PHE), "score", "log" (Wald on the log scale; Rothman and Greenland's for an
        SMR) or "wald".
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    tuple
        Lower and upper limits, of the shape of `events`. "log" is NaN at 0 events; "wald" falls
        below 0 at few events and is left there, as a sign of misuse.

    Raises
    ------
    DesignError
        If the method is unknown or the level outside (0, 1).
    SchemaError
        If a count is missing or negative.

    Examples
    --------
    >>> lower, upper = poisson_limits(9)
    >>> f"{lower:.4f} {upper:.4f}"
    '4.1154 17.0848'
    """
    counts = np.asarray(events, float)
    if method not in POISSON_METHODS:
        raise DesignError(f"unknown interval {method!r}; one of {', '.join(POISSON_METHODS)}")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")
    wrong = np.count_nonzero(~np.isfinite(counts) | (counts < 0))
    if wrong:
        raise SchemaError(f"{wrong} of {counts.size} event counts are missing or negative")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = POISSON_METHODS[method](counts, 1 - confidence)
    return lower[()], upper[()]  # numbers where a number was asked


def mid_p_value(events: float, expected: float) -> float:
    """Two-sided mid-p value of a count against its expectation."""
    from statsmodels.stats.rates import test_poisson

    return float(test_poisson(events, 1, value=expected, method="midp-c").pvalue)


def exact_value(events: float, expected: float) -> float:
    """Two-sided exact p-value: all counts no more probable than the observed one (R's rule)."""
    near = expected + 40 * np.sqrt(expected + 1) + 2 * events + 40
    counts = np.arange(int(np.ceil(near)))
    log_mass = special.xlogy(counts, expected) - expected - special.gammaln(counts + 1)
    mass = np.exp(log_mass)
    return float(min(1.0, mass[mass <= mass[int(events)] * (1 + 1e-7)].sum()))


def _z(alpha: float) -> float:
    return float(special.ndtri(1 - alpha / 2))


def _statsmodels(x: Array, alpha: float, method: str) -> Limits:
    from statsmodels.stats.rates import confint_poisson

    lower, upper = confint_poisson(x, 1, method=method, alpha=alpha)
    return np.asarray(lower), np.asarray(upper)


def _exact(x: Array, alpha: float) -> Limits:
    return _statsmodels(x, alpha, "exact-c")


def _mid_p(x: Array, alpha: float) -> Limits:
    """Half of the observed count's probability goes to each tail."""
    lower_exact, upper_exact = _exact(x, alpha)

    def tail(mean: Array) -> Array:
        at_least = np.where(x > 0, special.gammainc(np.where(x > 0, x, 1), mean), 1)
        return 0.5 * (at_least + special.gammainc(x + 1, mean))

    lower = bisect(lambda mean: tail(mean) >= alpha / 2, lower_exact, x + 1)
    upper = bisect(lambda mean: tail(mean) >= 1 - alpha / 2, np.zeros_like(x), upper_exact)
    return np.where(x == 0, 0, lower), upper


def _byar_term(x: Array, z: float) -> Array:
    return x * (1 - 1 / (9 * x) + z / (3 * np.sqrt(x))) ** 3


def _byar(x: Array, alpha: float) -> Limits:
    """Byar's approximation as in Breslow and Day 1987: x below, x + 1 above."""
    z = _z(alpha)
    return np.where(x == 0, 0, _byar_term(x, -z)), _byar_term(x + 1, z)


def _byar_or_exact(x: Array, alpha: float) -> Limits:
    pairs = zip(_exact(x, alpha), _byar(x, alpha), strict=True)
    lower, upper = (np.where(x < BYAR_FROM, few, many) for few, many in pairs)
    return lower, upper


def _score(x: Array, alpha: float) -> Limits:
    return _statsmodels(x, alpha, "score")


def _wald(x: Array, alpha: float) -> Limits:
    half = _z(alpha) * np.sqrt(x)
    return x - half, x + half


def _log(x: Array, alpha: float) -> Limits:
    factor = np.exp(_z(alpha) / np.sqrt(x))
    return np.where(x > 0, x / factor, np.nan), np.where(x > 0, x * factor, np.nan)


POISSON_METHODS: MappingProxyType[str, Callable[[Array, float], Limits]] = MappingProxyType(
    {
        "exact": _exact,
        "mid_p": _mid_p,
        "byar": _byar,
        "byar_or_exact": _byar_or_exact,
        "score": _score,
        "wald": _wald,
        "log": _log,
    }
)
