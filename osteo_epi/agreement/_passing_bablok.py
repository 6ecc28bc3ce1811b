"""Ranks, intervals and standard errors of lines that are medians of pairwise slopes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.agreement._line import (
    BootstrapKind,
    Estimate,
    Fit,
    Line,
    as_covariance,
    bootstrap,
    jackknife,
)
from osteo_epi.agreement._pairs import Missing, Pairs, paired
from osteo_epi.agreement._slopes import PairwiseSlopes
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]
Average = Literal["slope", "angle"]
Terms = tuple[Estimate, Estimate]

NEAR = 1e-8  # rounding in decimal readings moves a slope of −1 by far less
Z_NARROW = 1.4  # the normal deviate that McKean and Schrader recommend for a median's SE
LEAST_VARIANCE = 1e-5
ROUNDING = 1e-13


def at_ranks(slopes: PairwiseSlopes, ranks: Sequence[float], average: Average) -> Floats:
    """Slopes at ranks that may lie between two whole ranks; −∞ and +∞ beyond the ends.

    Between two ranks the slopes (or their angles) are interpolated linearly.
    """
    whole = sorted({r for rank in ranks for r in (math.floor(rank), math.ceil(rank))})
    inside = [r for r in whole if 1 <= r <= slopes.n]
    found = dict(zip(inside, slopes.kth(inside).tolist(), strict=True))
    found |= {r: -np.inf if r < 1 else np.inf for r in whole if r not in found}
    out = []
    for rank in ranks:
        low, high = found[math.floor(rank)], found[math.ceil(rank)]
        out.append(low if low == high else _between(low, high, rank % 1, average))
    return np.array(out)


def _between(low: float, high: float, share: float, average: Average) -> float:
    if average == "angle":
        return math.tan((1 - share) * math.atan(low) + share * math.atan(high))
    return (1 - share) * low + share * high


def below_minus_one(slopes: PairwiseSlopes) -> tuple[int, int]:
    """Count the slopes below −1, and those of −1 (within rounding)."""
    smaller = slopes.below(-1.0)
    return smaller, slopes.through(-1.0) - smaller


def mcr_offset(slopes: PairwiseSlopes, x: Floats, y: Floats) -> int:
    """Twice mcr's offset: slopes below −1 count two, slopes of −1 one.

    mcr tells −1 from its neighbours by the angle in floating point, so that rounding of decimal
    readings decides; the pairs in question are looked at one by one to decide as it does.
    """
    surely = slopes.below(-1.0 - NEAR)
    first, second = slopes.pairs_between(-1.0 - NEAR, -1.0 + NEAR)
    angles = np.arctan((y[second] - y[first]) / (x[second] - x[first]))
    quarter = -math.pi / 4
    return 2 * surely + int((angles <= quarter).sum()) + int((angles < quarter).sum())


def mcr_reach(n: int, confidence: float) -> float:
    """Normal approximation of Kendall's S: width, in ranks, of the interval of a slope."""
    return stats.norm.ppf((1 + confidence) / 2) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)


def terms(pairs: Pairs, slope: float, low: float, high: float) -> Terms:
    """Intercepts as medians of y − slope·x at the slope and at its limits (crosswise)."""
    at = [_intercept(pairs, value) for value in (slope, high, low)]
    return (
        Estimate(at[0], None, at[1], at[2]),
        Estimate(float(slope), None, float(low), float(high)),
    )


def _intercept(pairs: Pairs, slope: float) -> float:
    if np.isinf(slope):
        return float(-slope)
    return float(np.median(pairs.y - slope * pairs.x))


def sen(pairs: Pairs, average: Average, confidence: float) -> tuple[Terms, None]:
    """Sen's interval by ranks, the variance of S corrected for ties in x and in y."""
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    n, size = pairs.n, slopes.n_finite
    ties = [np.unique(v, return_counts=True)[1] for v in (pairs.x, pairs.y)]
    loss = sum((k * (k - 1) * (2 * k + 5)).sum() for k in ties)
    variance = (n * (n - 1) * (2 * n + 5) - loss) / 18
    wide = stats.norm.ppf((1 + confidence) / 2) * math.sqrt(variance)
    low = max(round((size - wide) / 2), 1)
    places = [(size + 1) / 2, low, min(round((size + wide) / 2) + 1, size)]
    return terms(pairs, *at_ranks(slopes, places, average)), None


def mckean_schrader(
    pairs: Pairs, average: Average, confidence: float, *, folded: bool
) -> tuple[Terms, Floats]:
    """Standard errors from the distance between two quantiles of the slopes, as mcr does.

    The width of a rank interval of the slope gives its standard error; the variance of Kendall's
    tau comes from each person's own reversals.
    """
    slopes = PairwiseSlopes(pairs.x, pairs.y, folded=folded)
    size = slopes.n if folded else slopes.n_finite
    slope = at_ranks(slopes, [(size + 1) / 2], average)[0]
    variance = _tau_variance(pairs, slope, folded=folded)
    t = float(stats.t.ppf((1 + confidence) / 2, pairs.n - 2))
    shares = [max((1 - math.sqrt(variance) * t) / 2, 0), min((1 + math.sqrt(variance) * t) / 2, 1)]
    limits = at_ranks(slopes, [1 + share * (size - 1) for share in shares], average)
    se_slope = float((limits[1] - limits[0]) / (2 * t))
    intercept, se_intercept, centre = _intercept_error(pairs, slope, se_slope, variance, folded)
    between = -(se_slope**2) * centre
    covariance = np.array([[se_intercept**2, between], [between, se_slope**2]])
    values = ((intercept, se_intercept), (float(slope), se_slope))
    first, second = (Estimate(v, se, v - t * se, v + t * se) for v, se in values)
    return (first, second), covariance


def _tau_variance(pairs: Pairs, slope: float, *, folded: bool) -> float:
    """Variance of Kendall's tau at the slope, from each person's surplus of steeper pairs."""
    n = pairs.n
    if n < 4:
        raise SchemaError("standard errors from ranks need at least four pairs")
    surplus = _surplus(pairs, slope, folded=folded)
    value = (4 * (surplus**2).sum() - 2 * n * (n - 1)) / n / (n - 1) / (n - 2) / (n - 3)
    return max(float(value), LEAST_VARIANCE)


def _surplus(pairs: Pairs, slope: float, *, folded: bool) -> Floats:
    """For each person: pairs steeper than the slope minus pairs less steep."""
    return _concordance(*_turned(pairs, slope, folded=folded))


def _turned(pairs: Pairs, slope: float, *, folded: bool) -> tuple[Floats, Floats]:
    """Places along the line and off it, as ranks in which rounding makes no difference."""
    along = pairs.y + slope * pairs.x if folded else pairs.x
    return _ranks(along), _ranks(pairs.y - slope * pairs.x)


def _ranks(values: Floats) -> Floats:
    """Dense ranks; values that differ by rounding alone share one."""
    order = np.argsort(values)
    apart = np.diff(values[order]) > ROUNDING * np.abs(values).max()
    ranks = np.empty(len(values))
    ranks[order] = np.concatenate([[0], np.cumsum(apart)])
    return ranks


def _concordance(a: Floats, b: Floats) -> Floats:
    """For each person: concordant minus discordant pairs of two rankings; ties count nought."""
    up, down = (PairwiseSlopes(a, sign * b) for sign in (1, -1))
    return (down.reversals(0.0) - up.reversals(0.0)).astype(float)


def _weighty_tau(a: Floats, b: Floats) -> float:
    """Kendall's tau-b times the number of ordered pairs."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(stats.kendalltau(a, b).statistic) * len(a) * (len(a) - 1)


def _intercept_error(
    pairs: Pairs, slope: float, se_slope: float, variance: float, folded: bool
) -> tuple[float, float, float]:
    """Intercept, its standard error, and the x about which slope and level are independent."""
    n = pairs.n
    residual = pairs.y - slope * pairs.x
    intercept = float(np.median(residual))
    ordered = np.sort(residual)
    low = round((n + 1) / 2 - Z_NARROW * math.sqrt(n / 4))
    se_level = float(ordered[n - low] - ordered[low - 1]) / (2 * Z_NARROW)
    along, off = _turned(pairs, slope, folded=folded)
    sides = (residual > intercept, residual < intercept)
    tau = [_weighty_tau(off[side], along[side]) for side in sides]
    link = 2 * (tau[0] - tau[1]) / (n * (n - 1)) / math.sqrt(n * variance)
    step = Z_NARROW * se_slope
    moved = [np.median(pairs.y - (slope + s) * pairs.x) for s in (-step, step)]
    centre = (moved[0] - moved[1]) / (2 * step) - se_level / se_slope * link
    se = math.sqrt(max(0.0, se_level**2 * (1 - link**2) + (se_slope * centre) ** 2))
    return intercept, se, float(centre)


Rule = Literal["1983", "mcr", "equivariant"]
Interval = Literal["analytic", "jackknife", "bootstrap"]


def passing_bablok(
    x: ArrayLike,
    y: ArrayLike,
    *,
    rule: Rule = "1983",
    average: Average | None = None,
    interval: Interval = "analytic",
    bootstrap_kind: BootstrapKind = "percentile",
    resamples: int = 999,
    seed: int = 0,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit a line between two methods by Passing and Bablok.

    Parameters
    ----------
    x, y
        Readings of the two methods, shape (n,), n to a million.
    rule
        `"1983"`, `"mcr"` or `"equivariant"`: see the module's text.
    average
        Two central slopes are averaged as `"slope"` or `"angle"`; by default as the rule's
        source does (1983: slope; the others: angle).
    interval
        `"analytic"`: ranks (1983, mcr) or McKean–Schrader (equivariant); `"jackknife"`;
        `"bootstrap"`.
    bootstrap_kind, resamples, seed
        Of the bootstrap.
    confidence
        Of the intervals.
    missing
        See `pairs.paired`.

    Returns
    -------
    Line
        The rank intervals have no standard error; fit with jackknife or bootstrap to predict.

    Raises
    ------
    SchemaError
        As `pairs.paired`, or if the two methods do not rise together.

    Notes
    -----
    Passing & Bablok 1983, J Clin Chem Clin Biochem 21:709–720; Bablok et al. 1988, 26:783–790.
    The interval is that of the 1983 paper, ranks (N − C)/2 rounded with
    C = z √(n(n − 1)(2n + 5)/18). deming::pbreg takes a correction for ties from the standard
    deviation instead of the variance, so its limits differ where readings tie.

    Examples
    --------
    >>> line = passing_bablok([0.8, 0.9, 1.0, 1.1, 1.2], [0.83, 0.92, 1.04, 1.13, 1.25])
    >>> round(line.slope.estimate, 4), round(line.intercept.estimate, 4)
    (1.05, -0.01)
    """
    pairs = paired(x, y, missing=missing)
    how = average or ("slope" if rule == "1983" else "angle")

    def fit(a: Floats, b: Floats) -> Floats:
        slopes = PairwiseSlopes(a, b, folded=rule == "equivariant")
        slope = at_ranks(slopes, [_middle(slopes, rule, a, b)], how)[0]
        return np.array([np.median(b - slope * a), slope])

    _rising(pairs)
    if interval == "analytic":
        analytic = {"1983": _ranks_1983, "mcr": _ranks_mcr, "equivariant": _equivariant}[rule]
        terms, covariance = analytic(pairs, how, confidence)
        return _line(pairs, terms, covariance, _name(rule), "analytic", confidence)
    return _resampled(
        pairs, fit, _name(rule), interval, bootstrap_kind, resamples, seed, confidence
    )


def theil_sen(
    x: ArrayLike,
    y: ArrayLike,
    *,
    average: Average = "slope",
    interval: Literal["ranks", "mckean_schrader", "jackknife", "bootstrap"] = "ranks",
    bootstrap_kind: BootstrapKind = "percentile",
    resamples: int = 999,
    seed: int = 0,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit the median of the pairwise slopes: robust, but the reference is taken as error-free.

    Parameters
    ----------
    x, y
        Readings of the reference and of the other method, shape (n,).
    average
        Two central slopes are averaged as slopes (Sen, mblm, SciPy) or angles (deming, mcr).
    interval
        `"ranks"` (Sen 1968, the variance corrected for ties in either method, as SciPy),
        `"mckean_schrader"` (as mcr; also gives standard errors), jackknife or bootstrap.
    bootstrap_kind, resamples, seed, confidence, missing
        As for `passing_bablok`.

    Returns
    -------
    Line

    Notes
    -----
    Sen 1968, J Am Stat Assoc 63:1379–1389. With error in x the slope is drawn towards zero.

    Examples
    --------
    >>> round(theil_sen([0, 1, 2, 3], [0, 1, 2, 9]).slope.estimate, 3)
    2.0
    """
    pairs = paired(x, y, missing=missing)

    def fit(a: Floats, b: Floats) -> Floats:
        slopes = PairwiseSlopes(a, b)
        slope = at_ranks(slopes, [(slopes.n_finite + 1) / 2], average)[0]
        return np.array([np.median(b - slope * a), slope])

    if interval == "ranks":
        terms, covariance = sen(pairs, average, confidence)
    elif interval == "mckean_schrader":
        terms, covariance = mckean_schrader(pairs, average, confidence, folded=False)
    else:
        return _resampled(
            pairs, fit, "Theil–Sen", interval, bootstrap_kind, resamples, seed, confidence
        )
    return _line(pairs, terms, covariance, "Theil–Sen", interval, confidence)


def _name(rule: Rule) -> str:
    return f"Passing–Bablok, {rule} rule"


def _middle(slopes: PairwiseSlopes, rule: Rule, x: Floats, y: Floats) -> float:
    """Rank of the line's slope among all slopes; a half means between two."""
    if rule == "equivariant":
        return (slopes.n + 1) / 2
    if rule == "mcr":
        return (slopes.n + mcr_offset(slopes, x, y) + 1) / 2
    smaller, dropped = below_minus_one(slopes)
    return (slopes.n - dropped + 1) / 2 + smaller + dropped


def _ranks_1983(
    pairs: Pairs, average: Average, confidence: float
) -> tuple[tuple[Estimate, Estimate], None]:
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    smaller, dropped = below_minus_one(slopes)
    kept = slopes.n - dropped
    low = round((kept - mcr_reach(pairs.n, confidence)) / 2)
    places = [r + smaller + dropped for r in ((kept + 1) / 2, low, kept - low + 1)]
    return terms(pairs, *at_ranks(slopes, places, average)), None


def _ranks_mcr(
    pairs: Pairs, average: Average, confidence: float
) -> tuple[tuple[Estimate, Estimate], None]:
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    shifted = slopes.n + mcr_offset(slopes, pairs.x, pairs.y)
    reach = math.floor(mcr_reach(pairs.n, confidence) + 0.5)
    places = [(shifted + step + 1) / 2 for step in (0, -reach, reach)]
    return terms(pairs, *at_ranks(slopes, places, average)), None


def _equivariant(
    pairs: Pairs, average: Average, confidence: float
) -> tuple[tuple[Estimate, Estimate], Floats]:
    return mckean_schrader(pairs, average, confidence, folded=True)


def _rising(pairs: Pairs) -> None:
    if stats.spearmanr(pairs.x, pairs.y).statistic <= 0:
        raise SchemaError(
            f"the two methods do not rise together over {pairs.n} pairs: check that both columns "
            "belong to the same people in the same order"
        )


def _resampled(
    pairs: Pairs,
    fit: Callable[[Floats, Floats], Floats] | Fit,
    name: str,
    interval: str,
    kind: BootstrapKind,
    resamples: int,
    seed: int,
    confidence: float,
) -> Line:
    if interval == "jackknife":
        found, drawn = jackknife(fit, pairs, df=pairs.n - 2, confidence=confidence), None
    else:
        found, drawn = (
            bootstrap(fit, pairs, resamples=resamples, seed=seed, kind=kind, confidence=confidence),
            seed,
        )
    terms = (found.intercept, found.slope)
    return _line(pairs, terms, found.covariance, name, interval, confidence, drawn)


def _line(
    pairs: Pairs,
    terms: tuple[Estimate, Estimate],
    covariance: Floats | None,
    name: str,
    interval: str,
    confidence: float,
    seed: int | None = None,
) -> Line:
    residual = pairs.y - terms[0].estimate - terms[1].estimate * pairs.x
    return Line(
        method=name,
        interval=interval,
        intercept=terms[0],
        slope=terms[1],
        covariance=None if covariance is None else as_covariance(covariance),
        n=pairs.n,
        n_missing=pairs.n_missing,
        df=pairs.n - 2,
        confidence=confidence,
        residual_sd=float(stats.median_abs_deviation(residual, scale="normal")),
        error_model="constant",
        x_range=(float(pairs.x.min()), float(pairs.x.max())),
        seed=seed,
    )
