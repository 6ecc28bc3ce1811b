"""A cut-point with its limits, and the accuracy at it: apparent, and in other people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from osteo_epi import population
from osteo_epi.accuracy._measures import Counts, Measure, binomial_pair, limits, youden
from osteo_epi.accuracy._sample import Joint, Share, quantile
from osteo_epi.accuracy.curves._scores import Scored
from osteo_epi.accuracy.cutpoints._criteria import Stated
from osteo_epi.accuracy.cutpoints._curves import Curves
from osteo_epi.accuracy.cutpoints._found import Found
from osteo_epi.accuracy.cutpoints._result import CutPoint
from osteo_epi.survey import Array, survey_interval


def estimated(
    scored: Scored, whole: Curves, found: Found, prevalence: float, confidence: float
) -> CutPoint:
    """The cut-point of one criterion with the accuracy at it."""
    asked, ranked = found.asked, whole.people
    none = math.isnan(found.cut)
    point = int(ranked.point(found.cut, takes_cut=asked.takes_cut))
    rates = _no_rates(asked.criterion.n) if none else _rates(scored, point, confidence)
    lower, upper = _percentiles(found.drawn[:, 0], confidence)
    corrected = _corrected(rates, found, quantile(scored.df, confidence))
    if isinstance(asked.criterion, Stated):
        lower, upper, corrected = None, None, rates
    share = prevalence * rates[0].estimate + (1 - prevalence) * (1 - rates[1].estimate)
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
        youden=rates[2],
        sensitivity_corrected=corrected[0],
        specificity_corrected=corrected[1],
        youden_corrected=corrected[2],
        share_positive=None if none else share,
        n=asked.criterion.n,
        tied=tuple(float(cut) for cut in tied) if len(tied) > 1 else (),
    )


def _no_rates(n: int) -> list[Measure]:
    return [Measure(math.nan, None, None, None, n, "none")] * 3


def _corrected(rates: Sequence[Measure], found: Found, critical: float) -> Sequence[Measure | None]:
    """Sensitivity, specificity and Youden in other people."""
    known = found.drawn[~np.isnan(found.drawn[:, 0])]
    if len(known) < 2 or math.isnan(rates[0].estimate):
        return None, None, None
    sample, there = (_with_youden(known[:, columns]) for columns in (slice(1, 3), slice(3, 5)))
    if found.left_out is None:
        apparent = np.array([rate.estimate for rate in rates])
        middle, way = apparent - (sample - there).mean(axis=0), "less the bootstrap's optimism"
    else:
        middle, way = _with_youden(found.left_out[None, :])[0], "cross-validation"
    errors = np.sqrt(_variances(rates, middle) + there.var(axis=0, ddof=1))
    result = []
    for rate, value, error, least in zip(rates, middle, errors, (0.0, 0.0, -1.0), strict=True):
        reach = critical * error
        ends = limits(max(value - reach, least), min(value + reach, 1.0))
        result.append(Measure(float(value), float(error), *ends, rate.n, way))
    return result


def _variances(rates: Sequence[Measure], corrected: Array) -> Array:
    """(3,) variances of rates that are stated beforehand, at their corrected values.

    A rate that looks too good looks too certain as well: its variance is p (1 − p) over the people
    that it is worth, and only the p is another.
    """
    apparent = np.array([(rate.se or 0.0) ** 2 for rate in rates])
    worth = [
        p * (1 - p) / v if v > 0 else rate.n
        for rate, p, v in zip(rates, (r.estimate for r in rates), apparent[:2], strict=False)
    ]
    share = np.clip(corrected[:2], 0, 1)
    there = share * (1 - share) / np.array(worth)
    total = apparent[:2].sum()
    both = apparent[2] * there.sum() / total if total > 0 else there.sum()
    return np.append(there, both)


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
    """Sensitivity, specificity and Youden with the limits of a cut-point stated beforehand."""
    groups, sample = scored.groups[0], scored.sample
    positive, sick = np.zeros((2, len(scored.rows)), dtype=bool)
    positive[scored.rows], sick[scored.rows] = groups.code < point, groups.diseased
    well = scored.rows & ~sick
    shares = [Share(positive & sick, sick), Share(well & ~positive, well)]
    right = np.array([int(share.event.sum()) for share in shares])
    n = np.array([int(share.among.sum()) for share in shares])
    counts = Counts(*(int(cell) for cell in (right[0], *(n - right)[::-1], right[1])))
    if sample.simple:
        pair, way = binomial_pair(counts), "wilson"
        ends = population.rates.proportion(right, n, method=way, confidence=confidence)
        lower, upper = ends.lower, ends.upper
    else:
        pair, way = sample.shares(shares, scored.rows), "beta"
        lower, upper = _designed(scored, shares, pair, n, confidence)
    errors = np.sqrt(np.diag(pair.covariance))
    first, second = (
        Measure(float(v), float(se), *limits(low, high), int(size), way)
        for v, se, low, high, size in zip(pair.value, errors, lower, upper, n, strict=True)
    )
    both = youden(pair, counts, (first, second), simple=sample.simple, confidence=confidence)
    return [first, second, both]


def _designed(
    scored: Scored, shares: list[Share], pair: Joint, n: Array, confidence: float
) -> tuple[Array, Array]:
    errors = np.sqrt(np.diag(pair.covariance))
    df = np.array([scored.sample.df(share.among) for share in shares])
    return survey_interval(pair.value, errors, n=n, df=df, method="beta", confidence=confidence)
