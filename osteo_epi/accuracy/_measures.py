"""Measures of a two-by-two table: shares of people, and the ratios made of two shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osteo_epi import population
from osteo_epi.accuracy._sample import Joint
from osteo_epi.agreement import PointEstimate, critical_value
from osteo_epi.errors import DesignError
from osteo_epi.survey import Mask

RATIO_INTERVALS = ("log", "score")
HALVINGS = 200
LOG_RATIOS = (-30.0, 30.0)
ROUNDING = 1e-9
"""Of the standard error of one person, what is left by rounding where nothing varies."""


@dataclass(frozen=True)
class Measure(PointEstimate):
    """An estimate with its limits, the people that it rests on, and how the limits were made.

    `se` is None where the limits do not rest on one; limits are None where the method has none.
    """

    n: int
    method: str

    def __str__(self) -> str:
        return self.rounded()

    def as_row(self) -> dict[str, float | None]:
        """The numbers by name, null where there is none."""
        row = super().as_row() | {"n": self.n}
        return {k: None if v is None or math.isnan(v) else v for k, v in row.items()}


@dataclass(frozen=True)
class Counts:
    """People by test and truth."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def n(self) -> int:
        """All of them."""
        return self.diseased + self.healthy

    @property
    def diseased(self) -> int:
        """People with the disease."""
        return self.true_positive + self.false_negative

    @property
    def healthy(self) -> int:
        """People without it."""
        return self.false_positive + self.true_negative


def refuse_ratio_interval(name: str, *, simple: bool) -> None:
    """Raise DesignError for an unknown interval of a ratio, or one that knows no design."""
    if name not in RATIO_INTERVALS:
        raise DesignError(
            f"unknown ratio_interval {name!r}; choose one of {', '.join(RATIO_INTERVALS)}"
        )
    if name == "score" and not simple:
        raise DesignError(
            'ratio_interval="score" is for people drawn one by one; with a survey design or '
            'clusters take "log" (the delta method), or design="srs" if there was none'
        )


def binomial_pair(counts: Counts) -> Joint:
    """Sensitivity and specificity of independent people, with their binomial variances."""
    n = np.array([counts.diseased, counts.healthy], float)
    p = np.array([counts.true_positive, counts.true_negative]) / n
    return Joint(p, np.diag(p * (1 - p) / n), math.inf)


def unvaried(shares: Joint) -> Mask:
    """(k,) whether a share has no variance but for rounding."""
    p = shares.value
    return np.sqrt(np.maximum(shares.covariance.diagonal(), 0.0)) <= ROUNDING * p * (1 - p)


def youden(
    pair: Joint, counts: Counts, shares: tuple[Measure, Measure], *, simple: bool, confidence: float
) -> Measure:
    """Sensitivity + specificity − 1: the difference of the shares of positive tests.

    With a design by the delta method; where a share is 0 or 1 its variance says nothing, and the
    limits of the two `shares` are squared and added (Zou and Donner 2008, doi 10.1002/sim.3095).
    """
    value, se = float(pair.value.sum() - 1), pair.error([1, 1])
    if simple:
        gap = population.rates.proportion_difference(
            counts.true_positive, counts.diseased, reference_events=counts.false_positive,
            reference_n=counts.healthy, method="newcombe", confidence=confidence,
        )  # fmt: skip
        return Measure(value, se, *limits(gap.lower, gap.upper), counts.n, "Newcombe")
    if unvaried(pair).any():
        sides = [
            math.hypot(*(m.estimate - end for m, end in zip(shares, side, strict=True)))
            for side in zip(*((m.lower, m.upper) for m in shares), strict=True)
            if None not in side
        ]
        ends = limits(value - sides[0], value + sides[1]) if len(sides) == 2 else (None, None)
        return Measure(value, se, *ends, counts.n, "limits of the shares squared and added")
    reach = pair.quantile(confidence) * se
    ends = limits(max(value - reach, -1.0), min(value + reach, 1.0))
    return Measure(value, se, *ends, counts.n, "Wald")


def ratios(pair: Joint, counts: Counts, *, interval: str, confidence: float) -> dict[str, Measure]:
    """Likelihood ratios and diagnostic odds ratio of (sensitivity, specificity)."""
    se, sp = (float(v) for v in pair.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = {
            "lr_positive": (np.divide(se, 1 - sp), (1 / np.float64(se), 1 / np.float64(1 - sp))),
            "lr_negative": (np.divide(1 - se, sp), (-1 / np.float64(1 - se), -1 / np.float64(sp))),
            "diagnostic_odds_ratio": (
                np.divide(se * sp, (1 - se) * (1 - sp)),
                (1 / np.float64(se * (1 - se)), 1 / np.float64(sp * (1 - sp))),
            ),
        }
    if interval == "score":
        return {
            name: Measure(float(v), None, *limits(*_score(name, counts, confidence)), counts.n,
                          "score (Miettinen-Nurminen)")
            for name, (v, _) in logs.items()
        }  # fmt: skip
    # Two shares of 0 or 1 have no variance, nor has a share of people who lie in one sampling
    # unit; which is no knowledge.
    known = not (unvaried(pair) & (pair.value > 0) & (pair.value < 1)).any()
    z, result = pair.quantile(confidence), {}
    for name, (value, gradient) in logs.items():
        low = high = math.nan
        if 0 < value < math.inf and np.isfinite(gradient).all():
            reach = z * pair.error(gradient)
            if reach > 0 and known:
                low, high = value * math.exp(-reach), value * math.exp(reach)
        result[name] = Measure(float(value), None, *limits(low, high), counts.n, "log")
    return result


def at_prevalence(ratio: Measure, prevalence: float, *, complement: bool) -> Measure:
    """Probability of disease after a result (of health if `complement`), by its ratio."""

    def probability(value: float | None) -> float | None:
        if value is None:
            return None
        if math.isinf(value):
            return 0.0 if complement else 1.0
        odds = value * prevalence / (1 - prevalence)
        return 1 / (1 + odds) if complement else odds / (1 + odds)

    ends = [probability(ratio.lower), probability(ratio.upper)]
    lower, upper = reversed(ends) if complement else ends
    middle = probability(ratio.estimate)
    assert middle is not None
    method = f"likelihood ratio, {ratio.method}"
    return Measure(middle, None, lower, upper, ratio.n, method)


def limits(lower: float, upper: float) -> tuple[float | None, float | None]:
    """Both limits, None where there is none."""
    return tuple(None if math.isnan(v) else float(v) for v in (lower, upper))  # type: ignore[return-value]


def _score(name: str, counts: Counts, confidence: float) -> tuple[float, float]:
    if name == "diagnostic_odds_ratio":
        return _score_odds(counts, confidence)
    events = (counts.true_positive, counts.false_positive)
    if name == "lr_negative":
        events = (counts.false_negative, counts.true_negative)
    return _score_ratio(*events, counts.diseased, counts.healthy, confidence)


def _score_ratio(x1: int, x0: int, n1: int, n0: int, confidence: float) -> tuple[float, float]:
    """Where the score test of a ratio of shares rejects; statsmodels fails at an empty cell."""
    if x1 + x0 == 0:
        return 0.0, math.inf
    z = critical_value(confidence)

    def distance(log_ratio: float) -> float:
        ratio = math.exp(log_ratio)
        b = n1 * ratio + x1 + n0 + x0 * ratio
        # The smaller root, in the form without cancellation.
        p0 = 2 * (x1 + x0) / (b + math.sqrt(max(b * b - 4 * (n1 + n0) * ratio * (x1 + x0), 0.0)))
        p1 = min(ratio * p0, 1.0)
        variance = p1 * (1 - p1) / n1 + ratio**2 * p0 * (1 - min(p0, 1.0)) / n0
        variance *= (n1 + n0) / (n1 + n0 - 1)
        return standardised(x1 / n1 - ratio * x0 / n0, variance)

    lower = 0.0 if x1 == 0 else math.exp(falling(distance, z, *LOG_RATIOS))
    upper = math.inf if x0 == 0 else math.exp(falling(distance, -z, *LOG_RATIOS))
    return lower, upper


def _score_odds(counts: Counts, confidence: float) -> tuple[float, float]:
    """Where the score test of an odds ratio rejects; statsmodels has none with an empty cell."""
    n1, n0 = float(counts.diseased), float(counts.healthy)
    x = float(counts.true_positive)
    total = x + counts.false_positive
    if total in (0, n1 + n0):
        return 0.0, math.inf
    z = critical_value(confidence)

    def distance(log_ratio: float) -> float:
        p1, p0 = _odds_restricted(math.exp(log_ratio), n1, n0, total)
        one, two = n1 * p1 * (1 - p1), n0 * p0 * (1 - p0)
        variance = one * two / (one + two) if one + two > 0 else 0.0
        return standardised(x - n1 * p1, variance * (n1 + n0) / (n1 + n0 - 1))

    lower = 0.0 if _empty(counts, low=True) else math.exp(falling(distance, z, *LOG_RATIOS))
    upper = math.inf if _empty(counts, low=False) else math.exp(falling(distance, -z, *LOG_RATIOS))
    return lower, upper


def _empty(counts: Counts, *, low: bool) -> bool:
    """Whether the odds ratio stands at its end: 0 (low), or infinity."""
    if low:
        return counts.true_positive == 0 or counts.true_negative == 0
    return counts.false_positive == 0 or counts.false_negative == 0


def _odds_restricted(ratio: float, n1: float, n0: float, total: float) -> tuple[float, float]:
    """Most likely shares with a given odds ratio and the observed total."""
    a = n0 * (ratio - 1)
    b = n1 * ratio + n0 - total * (ratio - 1)
    # The form without cancellation, which also holds at a ratio of 1.
    p0 = 2 * total / (b + math.sqrt(b * b + 4 * a * total))
    return p0 * ratio / (1 + p0 * (ratio - 1)), p0


def standardised(gap: float, variance: float) -> float:
    """A gap over its standard error: 0 where there is no gap, also if nothing varies."""
    if gap == 0:
        return 0.0
    return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)


def falling(distance: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Where a falling function passes a level between two ends, to the last bit."""
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if distance(middle) > level else (low, middle)
    return high
