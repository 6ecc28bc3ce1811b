"""A cut-point with its limits, and the accuracy at it: apparent, and less its optimism."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteo_epi import population
from osteo_epi.accuracy._measures import Measure, limits
from osteo_epi.accuracy._sample import Share
from osteo_epi.accuracy.curves._scores import Scored
from osteo_epi.accuracy.cutpoints._asked import Asked
from osteo_epi.accuracy.cutpoints._criteria import Stated
from osteo_epi.accuracy.cutpoints._curves import Curves
from osteo_epi.accuracy.cutpoints._result import CutPoint
from osteo_epi.survey import Array, survey_interval


@dataclass(frozen=True)
class Found:
    """What one criterion gave in the people, and in the R samples drawn from them.

    `drawn` are (R, 5): cut-point, sensitivity and specificity in the sample, and of the same
    cut-point in the people.
    """

    asked: Asked
    cut: float
    drawn: Array


def estimated(
    scored: Scored, whole: Curves, found: Found, prevalence: float, confidence: float
) -> CutPoint:
    """The cut-point of one criterion with the accuracy at it."""
    asked, ranked = found.asked, whole.people
    none = math.isnan(found.cut)
    point = int(ranked.point(found.cut, takes_cut=asked.takes_cut))
    rates = (
        [Measure(math.nan, None, None, None, asked.criterion.n, "none")] * 2
        if none else _rates(scored, point, confidence)
    )  # fmt: skip
    lower, upper = _percentiles(found.drawn[:, 0], confidence)
    corrected: tuple[Measure | None, ...] = _corrected(rates, found.drawn, confidence)
    if isinstance(asked.criterion, Stated):
        lower, upper, corrected = None, None, (*rates, _youden(rates))
    se, sp = (rate.estimate for rate in rates)
    tied = scored.groups[0].cut_points()[asked.criterion.tied(whole)]
    return CutPoint(
        asked.name,
        asked.label,
        cut_point=None if none else found.cut,
        lower=lower,
        upper=upper,
        observed=None if none or point == 0 else float(ranked.value[point - 1]),
        sensitivity=rates[0],
        specificity=rates[1],
        sensitivity_corrected=corrected[0],
        specificity_corrected=corrected[1],
        youden_corrected=corrected[2],
        share_positive=None if none else prevalence * se + (1 - prevalence) * (1 - sp),
        n=asked.criterion.n,
        tied=tuple(float(cut) for cut in tied) if len(tied) > 1 else (),
    )


def _youden(rates: Sequence[Measure]) -> Measure:
    n = sum(rate.n for rate in rates)
    return Measure(sum(rate.estimate for rate in rates) - 1, None, None, None, n, "apparent")


def _corrected(
    rates: Sequence[Measure], drawn: Array, confidence: float
) -> tuple[Measure | None, ...]:
    """Sensitivity, specificity and Youden less their optimism, limits moved by it."""
    known = drawn[~np.isnan(drawn[:, 0])]
    if len(known) < 2 or math.isnan(rates[0].estimate):
        return None, None, None
    sample, there = (_with_youden(known[:, columns]) for columns in (slice(1, 3), slice(3, 5)))
    optimism = (sample - there).mean(axis=0)
    result = []
    for k, (apparent, least) in enumerate(zip((*rates, _youden(rates)), (0, 0, -1), strict=True)):
        low, high = _percentiles(sample[:, k] - optimism[k], confidence)
        assert low is not None
        assert high is not None
        middle, error = apparent.estimate - float(optimism[k]), float(sample[:, k].std(ddof=1))
        ends, n = (max(low, least), min(high, 1.0)), apparent.n
        result.append(Measure(middle, error, *ends, n, "bootstrap, less its optimism"))
    return tuple(result)


def _with_youden(rates: Array) -> Array:
    """(R, 3) from (R, 2) sensitivities and specificities."""
    return np.column_stack([rates, rates.sum(axis=1) - 1])


def _percentiles(drawn: Array, confidence: float) -> tuple[float | None, float | None]:
    """As many samples below the lower limit as above the upper; values of samples, for infinity."""
    known = np.sort(drawn[~np.isnan(drawn)])
    if len(known) < 2:
        return None, None
    tail = max(int(np.ceil((1 - confidence) / 2 * len(known))), 1)
    return float(known[tail - 1]), float(known[-tail])


def _rates(scored: Scored, point: int, confidence: float) -> list[Measure]:
    """Sensitivity and specificity with the limits of a cut-point that was stated beforehand."""
    groups, sample = scored.groups[0], scored.sample
    positive, sick = np.zeros((2, len(scored.rows)), dtype=bool)
    positive[scored.rows], sick[scored.rows] = groups.code < point, groups.diseased
    well = scored.rows & ~sick
    shares = [Share(positive & sick, sick), Share(well & ~positive, well)]
    n = np.array([int(share.among.sum()) for share in shares])
    if sample.simple:
        events = np.array([int(share.event.sum()) for share in shares])
        result = population.rates.proportion(events, n, method="wilson", confidence=confidence)
        errors = np.sqrt(result.estimate * (1 - result.estimate) / n)
        value, lower, upper, way = result.estimate, result.lower, result.upper, "wilson"
    else:
        value, errors, lower, upper = _designed(scored, shares, n, confidence)
        way = "beta"
    return [
        Measure(float(v), float(se), *limits(low, high), int(size), way)
        for v, se, low, high, size in zip(value, errors, lower, upper, n, strict=True)
    ]


def _designed(
    scored: Scored, shares: list[Share], n: Array, confidence: float
) -> tuple[Array, Array, Array, Array]:
    sample = scored.sample
    joint = sample.shares(shares, scored.rows)
    errors = np.sqrt(np.diag(joint.covariance))
    df = np.array([sample.df(share.among) for share in shares])
    ends = survey_interval(joint.value, errors, n=n, df=df, method="beta", confidence=confidence)
    return joint.value, errors, *ends
