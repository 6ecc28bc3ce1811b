"""Measures of a table of exposure and outcome, whole or over strata. Array layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osteo_epi import population
from osteo_epi.accuracy import Measure
from osteo_epi.errors import DesignError
from osteo_epi.survey import Array

ODDS_RATIO_INTERVALS = ("wald", "exact", "mid_p")
MOST_LOG_ODDS = 40.0


@dataclass(frozen=True)
class Cells:
    """People: a exposed with the outcome, b exposed without, c and d the unexposed."""

    a: float
    b: float
    c: float
    d: float

    @property
    def exposed(self) -> float:
        """People exposed."""
        return self.a + self.b

    @property
    def unexposed(self) -> float:
        """People unexposed."""
        return self.c + self.d

    @property
    def n(self) -> float:
        """All."""
        return self.exposed + self.unexposed


def risk_difference(cells: Cells, method: str, confidence: float) -> Measure:
    """Risk of the exposed less that of the unexposed."""
    p1, p0 = cells.a / cells.exposed, cells.c / cells.unexposed
    gap = population.rates.proportion_difference(
        cells.a, cells.exposed, reference_events=cells.c, reference_n=cells.unexposed,
        method=method, confidence=confidence,
    )  # fmt: skip
    se = math.sqrt(p1 * (1 - p1) / cells.exposed + p0 * (1 - p0) / cells.unexposed)
    return Measure(p1 - p0, se, gap.lower, gap.upper, int(cells.n), method)


def risk_ratio(cells: Cells, z: float) -> Measure:
    """Risk of the exposed over that of the unexposed, with Wald limits of its logarithm."""
    events = np.array([cells.a, cells.c])
    sizes = np.array([cells.exposed, cells.unexposed])
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.divide(*(events / sizes)))
        error = float(np.sqrt((1 / events - 1 / sizes).sum()))
    return on_logs(value, error, z, int(cells.n), "Wald, logarithm")


def odds_ratio(cells: Cells, method: str, confidence: float, z: float) -> Measure:
    """Odds of the exposed over those of the unexposed."""
    n = int(cells.n)
    if method == "wald":
        table = np.array([cells.a, cells.b, cells.c, cells.d])
        with np.errstate(divide="ignore", invalid="ignore"):
            value = float(np.divide(cells.a * cells.d, cells.b * cells.c))
            error = float(np.sqrt((1 / table).sum()))
        return on_logs(value, error, z, n, "Wald, logarithm")
    if method not in ODDS_RATIO_INTERVALS:
        raise DesignError(
            f"unknown odds_ratio_interval {method!r}; choose one of "
            f"{', '.join(ODDS_RATIO_INTERVALS)}"
        )
    if method == "exact":
        return _exact(cells, confidence)
    return _mid_p(cells, confidence)


def _exact(cells: Cells, confidence: float) -> Measure:
    """Conditional maximum-likelihood odds ratio with Fisher's exact limits."""
    from scipy.stats.contingency import odds_ratio as conditional

    table = np.array([[cells.a, cells.b], [cells.c, cells.d]]).astype(int)
    result = conditional(table, kind="conditional")
    limits = result.confidence_interval(confidence)
    return Measure(
        float(result.statistic), None, float(limits.low), float(limits.high), int(cells.n),
        "conditional, exact",
    )  # fmt: skip


def _mid_p(cells: Cells, confidence: float) -> Measure:
    """Odds ratios at which the mid-p of the table is one half, and a tail's share."""
    tail = (1 - confidence) / 2
    n, exposed, events = int(cells.n), int(cells.exposed), int(cells.a + cells.c)
    low, high = max(0, events - int(cells.unexposed)), min(exposed, events)
    k = np.arange(low, high + 1, dtype=float)
    base: Array = _log_choose(exposed, k) + _log_choose(n - exposed, events - k)

    def above(log_ratio: float) -> float:
        weight = base + k * log_ratio
        chance = np.exp(weight - weight.max())
        chance /= chance.sum()
        return float(chance[k > cells.a].sum() + chance[k == cells.a].sum() / 2)

    ends = [_rising(above, share) for share in (tail, 0.5, 1 - tail)]
    return Measure(ends[1], None, ends[0], ends[2], n, "median-unbiased, mid-p")


def _rising(function: Callable[[float], float], level: float) -> float:
    """Where a rising function of the log odds ratio passes a level, as an odds ratio."""
    from scipy.optimize import brentq

    def shifted(log_ratio: float) -> float:
        return function(log_ratio) - level

    if shifted(-MOST_LOG_ODDS) >= 0:
        return 0.0
    if shifted(MOST_LOG_ODDS) <= 0:
        return math.inf
    return math.exp(brentq(shifted, -MOST_LOG_ODDS, MOST_LOG_ODDS, xtol=1e-14, rtol=1e-14))


def _log_choose(n: int, k: Array) -> Array:
    from scipy.special import gammaln

    chosen: Array = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return chosen


def on_logs(value: float, error: float, z: float, n: int, method: str) -> Measure:
    """A ratio with limits on the scale of logarithms; none where it is 0 or infinite."""
    if not (0 < value < math.inf and math.isfinite(error)):
        return Measure(value, None, None, None, n, method)
    reach = z * error
    return Measure(value, None, value * math.exp(-reach), value * math.exp(reach), n, method)


@dataclass(frozen=True)
class Strata:
    """(S,) cells of each stratum."""

    a: Array
    b: Array
    c: Array
    d: Array

    @property
    def n(self) -> Array:
        """People of each stratum."""
        return self.a + self.b + self.c + self.d

    @property
    def informative(self) -> Strata:
        """Strata that hold exposed and unexposed people."""
        kept = (self.a + self.b > 0) & (self.c + self.d > 0)
        return Strata(self.a[kept], self.b[kept], self.c[kept], self.d[kept])


def mantel_haenszel_risk_ratio(s: Strata, z: float) -> Measure:
    """Common risk ratio, with the error of Greenland and Robins."""
    n, n1, n0, m = s.n, s.a + s.b, s.c + s.d, s.a + s.c
    above, below = (s.a * n0 / n).sum(), (s.c * n1 / n).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = ((m * n1 * n0 - s.a * s.c * n) / n**2).sum() / (above * below)
        value = float(above / below)
    return on_logs(value, float(np.sqrt(variance)), z, int(n.sum()), "Greenland-Robins")


def mantel_haenszel_odds_ratio(s: Strata, z: float) -> Measure:
    """Common odds ratio, with the error of Robins, Breslow and Greenland."""
    n = s.n
    p, q, r, t = (s.a + s.d) / n, (s.b + s.c) / n, s.a * s.d / n, s.b * s.c / n
    above, below = r.sum(), t.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (
            (p * r).sum() / (2 * above**2)
            + (p * t + q * r).sum() / (2 * above * below)
            + (q * t).sum() / (2 * below**2)
        )
        value = float(above / below)
    error = float(np.sqrt(variance))
    return on_logs(value, error, z, int(n.sum()), "Robins-Breslow-Greenland")


def mantel_haenszel_risk_difference(s: Strata, z: float) -> Measure:
    """Common risk difference, with the error of Sato."""
    n, n1, n0 = s.n, s.a + s.b, s.c + s.d
    total = (n1 * n0 / n).sum()
    value = ((s.a * n0 - s.c * n1) / n).sum() / total
    p = (n1**2 * s.c - n0**2 * s.a + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (s.a * s.d + s.b * s.c) / (2 * n)
    error = math.sqrt(max(value * p.sum() + q.sum(), 0.0)) / total
    lower, upper = max(value - z * error, -1.0), min(value + z * error, 1.0)
    return Measure(float(value), error, float(lower), float(upper), int(n.sum()), "Sato")


def cochran_mantel_haenszel(s: Strata, *, corrected: bool) -> float:
    """χ² of no association in any stratum, on 1 degree of freedom."""
    n, n1, n0, m = s.n, s.a + s.b, s.c + s.d, s.a + s.c
    gap = abs((s.a - n1 * m / n).sum())
    variance = (n1 * n0 * m * (n - m) / (n**2 * (n - 1))).sum()
    gap = max(gap - 0.5, 0.0) if corrected else gap
    return float(gap**2 / variance) if variance > 0 else math.nan


def breslow_day(s: Strata, ratio: float) -> float:
    """χ² of one odds ratio in all strata, on S − 1 degrees of freedom, with Tarone's correction."""
    n1, n0, m = s.a + s.b, s.c + s.d, s.a + s.c
    x = _expected(n1, n0, m, ratio)
    variance = 1 / (1 / x + 1 / (n1 - x) + 1 / (m - x) + 1 / (n0 - m + x))
    gap = s.a - x
    return float((gap**2 / variance).sum() - gap.sum() ** 2 / variance.sum())


def _expected(n1: Array, n0: Array, m: Array, ratio: float) -> Array:
    """Exposed people with the outcome where the odds ratio is the one given."""
    if ratio == 1:
        return n1 * m / (n1 + n0)
    a, b, c = 1 - ratio, n0 - m + ratio * (n1 + m), -ratio * n1 * m
    # The root within the table, in the form without cancellation.
    root: Array = -2 * c / (b + np.sqrt(b**2 - 4 * a * c))
    return root


def e_value(ratio: Measure) -> tuple[float | None, float | None]:
    """How strongly a hidden cause must be tied to both to explain the ratio, and its near limit."""
    near = ratio.lower if ratio.estimate >= 1 else ratio.upper
    crossed = near is not None and (near - 1) * (ratio.estimate - 1) <= 0
    return _e(ratio.estimate), None if near is None else (1.0 if crossed else _e(near))


def _e(ratio: float) -> float | None:
    if not 0 < ratio < math.inf:
        return None
    above = max(ratio, 1 / ratio)
    return above + math.sqrt(above * (above - 1))
