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
        One of `METHODS`: exact (Garwood), exact_one_sided_at_zero (Daly), mid_p, byar,
        byar_half (Rothman and Greenland's), byar_or_exact (exact below 10 events, Byar from 10:
        the practice of PHE), score, wald, log, square_root (Vandenbroucke), ury_wiggins.
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    tuple
        Lower and upper limits, of the shape of `events`. `log` is NaN at 0 events; `wald` and
        `byar_half` may fall below 0 at few events and are left there, as a sign of misuse.

    Raises
    ------
    DesignError
        If the method is unknown, the level outside (0, 1), or `ury_wiggins` asked at another level
        than 0.90, 0.95 or 0.99.
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
    at_most, at_least = special.pdtr(events, expected), special.gammainc(events or 1, expected)
    at_least = at_least if events else 1.0
    point = at_most + at_least - 1
    return float(min(1.0, 2 * (min(at_most, at_least) - 0.5 * point)))


def exact_value(events: float, expected: float) -> float:
    """Two-sided exact p-value: all counts no more probable than the observed one (R's rule)."""
    near = expected + 40 * np.sqrt(expected + 1) + 2 * events + 40
    counts = np.arange(int(np.ceil(near)))
    log_mass = special.xlogy(counts, expected) - expected - special.gammaln(counts + 1)
    mass = np.exp(log_mass)
    return float(min(1.0, mass[mass <= mass[int(events)] * (1 + 1e-7)].sum()))


def _z(alpha: float) -> float:
    return float(special.ndtri(1 - alpha / 2))


def _exact(x: Array, alpha: float) -> Limits:
    lower = special.gammaincinv(np.where(x > 0, x, 1), alpha / 2)
    return np.where(x > 0, lower, 0), special.gammaincinv(x + 1, 1 - alpha / 2)


def _exact_one_sided_at_zero(x: Array, alpha: float) -> Limits:
    lower, upper = _exact(x, alpha)
    return lower, np.where(x == 0, -np.log(alpha), upper)


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


def _byar_half(x: Array, alpha: float) -> Limits:
    """Byar's approximation with x + 1/2 on both sides (Rothman and Greenland)."""
    z = _z(alpha)
    return _byar_term(x + 0.5, -z), _byar_term(x + 0.5, z)


def _byar_or_exact(x: Array, alpha: float) -> Limits:
    pairs = zip(_exact(x, alpha), _byar(x, alpha), strict=True)
    lower, upper = (np.where(x < BYAR_FROM, few, many) for few, many in pairs)
    return lower, upper


def _score(x: Array, alpha: float) -> Limits:
    z = _z(alpha)
    half = z * np.sqrt(x + z**2 / 4)
    return np.maximum(x + z**2 / 2 - half, 0), x + z**2 / 2 + half


def _wald(x: Array, alpha: float) -> Limits:
    half = _z(alpha) * np.sqrt(x)
    return x - half, x + half


def _log(x: Array, alpha: float) -> Limits:
    factor = np.exp(_z(alpha) / np.sqrt(x))
    return np.where(x > 0, x / factor, np.nan), np.where(x > 0, x * factor, np.nan)


def _square_root(x: Array, alpha: float) -> Limits:
    """Vandenbroucke 1982: the root of a Poisson count has a variance of one quarter."""
    half = _z(alpha) / 2
    return np.maximum(np.sqrt(x) - half, 0) ** 2, (np.sqrt(x) + half) ** 2


# Ury and Wiggins 1985 give these constants for three levels and no others.
URY_WIGGINS = MappingProxyType({0.90: (0.65, 1.65), 0.95: (1.0, 2.0), 0.99: (2.0, 3.0)})


def _ury_wiggins(x: Array, alpha: float) -> Limits:
    level = round(1 - alpha, 12)
    if level not in URY_WIGGINS:
        raise DesignError(f"ury_wiggins exists at {[*URY_WIGGINS]} only; {level} needs 'exact'")
    below, above = URY_WIGGINS[level]
    half = _z(alpha) * np.sqrt(x)
    return x - half + below, x + half + above


POISSON_METHODS: MappingProxyType[str, Callable[[Array, float], Limits]] = MappingProxyType(
    {
        "exact": _exact,
        "exact_one_sided_at_zero": _exact_one_sided_at_zero,
        "mid_p": _mid_p,
        "byar": _byar,
        "byar_half": _byar_half,
        "byar_or_exact": _byar_or_exact,
        "score": _score,
        "wald": _wald,
        "log": _log,
        "square_root": _square_root,
        "ury_wiggins": _ury_wiggins,
    }
)
