"""Difference of two proportions of independent people, with the intervals in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.population.rates._proportion import proportion
from osteo_epi.population.rates._search import bisect

Pair = NDArray[np.float64]
Limits = tuple[float, float]


@dataclass(frozen=True)
class ProportionDifference:
    """First proportion less the reference, with its interval."""

    estimate: float
    lower: float
    upper: float
    confidence: float
    method: str

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self.__dict__])

    def _repr_html_(self) -> str:
        return self.to_frame()._repr_html_()


def proportion_difference(
    events: float,
    n: float,
    *,
    reference_events: float,
    reference_n: float,
    method: str = "newcombe",
    confidence: float = 0.95,
) -> ProportionDifference:
    """Difference of two independent proportions.

    Parameters
    ----------
    events, n
        Counts [people] of the group of interest.
    reference_events, reference_n
        The same of the group that it is compared with.
    method
        newcombe (from Wilson's limits; Newcombe 1998, method 10), newcombe_cc, miettinen_nurminen,
        mee (score intervals), agresti_caffo, brown_li (Jeffreys), jeffreys_perks, haldane (Beal
        1987), hauck_anderson, wald, wald_cc.
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    ProportionDifference

    Raises
    ------
    SchemaError
        If a count lies outside 0 to n, or a group is empty.
    DesignError
        If the method is unknown.

    Examples
    --------
    >>> found = proportion_difference(62, 270, reference_events=41, reference_n=356)
    >>> f"{found.estimate:.3f} ({found.lower:.3f} to {found.upper:.3f})"
    '0.114 (0.055 to 0.176)'
    """
    x, size = np.array([events, reference_events], float), np.array([n, reference_n], float)
    if not ((x >= 0) & (x <= size) & (size > 0)).all():
        raise SchemaError("both groups need people, and between 0 and n of them with the event")
    if method not in DIFFERENCE_METHODS:
        raise DesignError(f"unknown method {method!r}; one of {', '.join(DIFFERENCE_METHODS)}")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")
    lower, upper = DIFFERENCE_METHODS[method](x, size, 1 - confidence)
    p = x / size
    limits = max(float(lower), -1.0), min(float(upper), 1.0)
    return ProportionDifference(float(p[0] - p[1]), *limits, confidence, method)


def _z(alpha: float) -> float:
    return float(special.ndtri(1 - alpha / 2))


def _around(p: Pair, n: Pair, alpha: float, extra: float = 0.0) -> Limits:
    half = _z(alpha) * float(np.sqrt((p * (1 - p) / n).sum())) + extra
    return float(p[0] - p[1]) - half, float(p[0] - p[1]) + half


def _wald(x: Pair, n: Pair, alpha: float) -> Limits:
    return _around(x / n, n, alpha)


def _wald_cc(x: Pair, n: Pair, alpha: float) -> Limits:
    return _around(x / n, n, alpha, 0.5 * float((1 / n).sum()))


def _hauck_anderson(x: Pair, n: Pair, alpha: float) -> Limits:
    return _around(x / n, n - 1, alpha, 0.5 / float(n.min()))


def _agresti_caffo(x: Pair, n: Pair, alpha: float) -> Limits:
    return _around((x + 1) / (n + 2), n + 2, alpha)


def _brown_li(x: Pair, n: Pair, alpha: float) -> Limits:
    return _around((x + 0.5) / (n + 1), n, alpha)


def _newcombe(x: Pair, n: Pair, alpha: float, method: str = "wilson") -> Limits:
    found = proportion(x, n, method=method, confidence=1 - alpha)
    p, low, high = found.estimate, found.lower, found.upper
    difference = p[0] - p[1]
    below = np.hypot(p[0] - low[0], high[1] - p[1])
    above = np.hypot(high[0] - p[0], p[1] - low[1])
    return difference - below, difference + above


def _newcombe_cc(x: Pair, n: Pair, alpha: float) -> Limits:
    return _newcombe(x, n, alpha, "wilson_cc")


def _beal(psi: float, x: Pair, n: Pair, alpha: float) -> Limits:
    """Beal's interval around a prior guess of the mean proportion."""
    z2 = _z(alpha) ** 2
    u, v = (1 / n[0] + 1 / n[1]) / 4, (1 / n[0] - 1 / n[1]) / 4
    difference = x[0] / n[0] - x[1] / n[1]
    centre = (difference + z2 * v * (1 - 2 * psi)) / (1 + z2 * u)
    inside = (
        u * (4 * psi * (1 - psi) - difference**2)
        + 2 * v * (1 - 2 * psi) * difference
        + 4 * z2 * u**2 * psi * (1 - psi)
        + z2 * v**2 * (1 - 2 * psi) ** 2
    )
    half = np.sqrt(z2 * max(inside, 0.0)) / (1 + z2 * u)
    return centre - half, centre + half


def _haldane(x: Pair, n: Pair, alpha: float) -> Limits:
    return _beal(float((x / n).mean()), x, n, alpha)


def _jeffreys_perks(x: Pair, n: Pair, alpha: float) -> Limits:
    return _beal(float(((x + 0.5) / (n + 1)).mean()), x, n, alpha)


def _restricted(x: Pair, n: Pair, difference: float) -> Pair:
    """Most likely proportions with a given difference: Farrington and Manning 1990."""
    total, events = n.sum(), x.sum()
    a = total
    b = (n[0] + 2 * n[1]) * difference - total - events
    c = (n[1] * difference - total - 2 * x[1]) * difference + events
    d = x[1] * difference * (1 - difference)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
    spread = max((b / (3 * a)) ** 2 - c / (3 * a), 0.0)
    u = np.copysign(np.sqrt(spread), v)
    turn = 0.0 if u == 0 else np.clip(v / u**3, -1, 1)
    reference = 2 * u * np.cos((np.pi + np.arccos(turn)) / 3) - b / (3 * a)
    return np.clip(np.array([reference + difference, reference]), 0, 1)


def _score(x: Pair, n: Pair, alpha: float, inflate: float) -> Limits:
    observed, z = float(x[0] / n[0] - x[1] / n[1]), _z(alpha)

    def distance(difference: Pair) -> Pair:
        p = _restricted(x, n, float(difference[0]))
        variance = float((p * (1 - p) / n).sum()) * inflate
        gap = observed - difference
        return gap / np.sqrt(variance) if variance > 0 else np.sign(gap) * np.inf

    start, least, most = np.array([observed]), np.array([-1.0]), np.array([1.0])
    lower = bisect(lambda d: distance(d) <= z, least, start)
    upper = bisect(lambda d: distance(d) <= -z, start, most)
    return float(lower[0]), float(upper[0])


def _mee(x: Pair, n: Pair, alpha: float) -> Limits:
    return _score(x, n, alpha, 1.0)


def _miettinen_nurminen(x: Pair, n: Pair, alpha: float) -> Limits:
    return _score(x, n, alpha, float(n.sum() / (n.sum() - 1)))


DIFFERENCE_METHODS: MappingProxyType[str, Callable[[Pair, Pair, float], Limits]] = MappingProxyType(
    {
        "newcombe": _newcombe,
        "newcombe_cc": _newcombe_cc,
        "miettinen_nurminen": _miettinen_nurminen,
        "mee": _mee,
        "agresti_caffo": _agresti_caffo,
        "brown_li": _brown_li,
        "jeffreys_perks": _jeffreys_perks,
        "haldane": _haldane,
        "hauck_anderson": _hauck_anderson,
        "wald": _wald,
        "wald_cc": _wald_cc,
    }
)
