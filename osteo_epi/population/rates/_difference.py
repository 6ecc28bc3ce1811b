"""Difference of two proportions of independent people, with the intervals in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import in_callers_kind
from osteo_epi.population.rates._search import bisect
from osteo_epi.results import Result
from osteo_epi.rounding import number

Pair = NDArray[np.float64]

# Names that statsmodels' `confint_proportions_2indep` has for the intervals of a formula.
FORMULAS = {"newcombe": "newcomb", "agresti_caffo": "agresti-caffo", "wald": "wald"}
DIFFERENCE_METHODS = (*FORMULAS, "miettinen_nurminen")


@dataclass(frozen=True, repr=False)
class ProportionDifference(Result):
    """First proportion less the reference, with its interval."""

    estimate: float
    lower: float
    upper: float
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self.__dict__])

    def _summary(self) -> str:
        ends = " to ".join(number(end, digits=3) for end in (self.lower, self.upper))
        return f"{number(self.estimate, digits=3)} ({ends}), {self.method}"


@in_callers_kind
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
        "newcombe" (from Wilson's limits; Newcombe 1998, method 10), "miettinen_nurminen" (score),
        "agresti_caffo" or "wald".
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
    >>> proportion_difference(62, 270, reference_events=41, reference_n=356)
    ProportionDifference(0.114 (0.0551 to 0.176), newcombe)
    """
    x, size = np.array([events, reference_events], float), np.array([n, reference_n], float)
    if not ((x >= 0) & (x <= size) & (size > 0)).all():
        raise SchemaError("both groups need people, and between 0 and n of them with the event")
    if method not in DIFFERENCE_METHODS:
        raise DesignError(f"unknown method {method!r}; one of {', '.join(DIFFERENCE_METHODS)}")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")
    lower, upper = _limits(x, size, method, 1 - confidence)
    p = x / size
    limits = max(float(lower), -1.0), min(float(upper), 1.0)
    return ProportionDifference(float(p[0] - p[1]), *limits, confidence, method)


def _limits(x: Pair, n: Pair, method: str, alpha: float) -> tuple[float, float]:
    if method == "miettinen_nurminen":
        return _miettinen_nurminen(x, n, alpha)
    from statsmodels.stats.proportion import confint_proportions_2indep

    pairs = (x[0], n[0], x[1], n[1])
    lower, upper = confint_proportions_2indep(
        *pairs, method=FORMULAS[method], compare="diff", alpha=alpha
    )
    return float(lower), float(upper)


def _miettinen_nurminen(x: Pair, n: Pair, alpha: float) -> tuple[float, float]:
    """Where the score test with their variance rejects; statsmodels has none at 0 or n events."""
    observed, z = float(x[0] / n[0] - x[1] / n[1]), float(special.ndtri(1 - alpha / 2))
    inflation = float(n.sum() / (n.sum() - 1))

    def distance(difference: Pair) -> Pair:
        p = _restricted(x, n, float(difference[0]))
        variance = float((p * (1 - p) / n).sum()) * inflation
        gap = observed - difference
        return gap / np.sqrt(variance) if variance > 0 else np.sign(gap) * np.inf

    start, least, most = np.array([observed]), np.array([-1.0]), np.array([1.0])
    lower = bisect(lambda d: distance(d) <= z, least, start)
    upper = bisect(lambda d: distance(d) <= -z, start, most)
    return float(lower[0]), float(upper[0])


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
