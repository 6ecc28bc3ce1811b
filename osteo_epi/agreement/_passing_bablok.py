"""Passing–Bablok and Theil–Sen lines: medians of the slopes between all pairs of people.

No distribution of errors is assumed, and outliers weigh little. The rule is that of 1983: pairs of
equal points are dropped, equal x count as +∞, slopes of −1 are dropped, the median is shifted by
the number K of slopes below −1, and two central slopes are averaged. Nothing of size n² is held:
see `_slopes`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from osteo_epi.agreement._line import (
    BootstrapKind,
    Coefficients,
    Line,
    PointEstimate,
    Resampling,
    critical_value,
    resampled_line,
)
from osteo_epi.agreement._pairs import Missing, Pairs, paired
from osteo_epi.agreement._slopes import PairwiseSlopes
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind

Floats = NDArray[np.float64]
Interval = Literal["ranks", "jackknife", "bootstrap"]
Median = Callable[[Pairs, float], tuple[PairwiseSlopes, list[float]]]
"""Takes pairs and a confidence, gives the slopes and the ranks of the median and its limits."""


@in_callers_kind
def passing_bablok(
    *data: Any,
    x: Column = None,
    y: Column = None,
    interval: Interval = "ranks",
    bootstrap_kind: BootstrapKind = "percentile",
    resamples: int = 999,
    seed: int = 0,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit a line between two methods by Passing and Bablok.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods, shape (n,), n to a million.
        They come first, or a frame comes first and `x` and `y` name its columns.
    interval
        `"ranks"` (the paper's), `"jackknife"` or `"bootstrap"`.
    bootstrap_kind, resamples, seed
        Of the bootstrap: `"percentile"` or `"bca"`.
    confidence
        Of the intervals.
    missing
        See `paired`.

    Returns
    -------
    Line
        The rank intervals have no standard error; fit with jackknife or bootstrap to predict.

    Raises
    ------
    SchemaError
        As `paired`, or if the two methods do not rise together.

    Notes
    -----
    Passing & Bablok 1983, J Clin Chem Clin Biochem 21:709–720, doi 10.1515/cclm.1983.21.11.709.
    The interval is the paper's, ranks (N − C)/2 rounded with C = z √(n(n − 1)(2n + 5)/18). mcr
    counts slopes of −1 by half and does not round the ranks, so it differs in the fourth or fifth
    digit; deming::pbreg takes a correction for ties from the standard deviation instead of the
    variance, so its limits differ where readings tie.

    Examples
    --------
    >>> line = passing_bablok([0.8, 0.9, 1.0, 1.1, 1.2], [0.83, 0.92, 1.04, 1.13, 1.25])
    >>> round(line.slope.estimate, 4), round(line.intercept.estimate, 4)
    (1.05, -0.01)
    """
    from scipy import stats

    pairs = paired(*data, x=x, y=y, missing=missing)
    if stats.spearmanr(pairs.x, pairs.y).statistic <= 0:
        raise SchemaError(
            f"the two methods do not rise together over {pairs.n} pairs: check that both columns "
            "belong to the same people in the same order"
        )
    resampling = Resampling(interval, bootstrap_kind, resamples, seed)
    return _line(pairs, _shifted, "Passing–Bablok", resampling, confidence)


@in_callers_kind
def theil_sen(
    *data: Any,
    x: Column = None,
    y: Column = None,
    interval: Interval = "ranks",
    bootstrap_kind: BootstrapKind = "percentile",
    resamples: int = 999,
    seed: int = 0,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit the median of the pairwise slopes: robust, but the reference is taken as error-free.

    Parameters
    ----------
    *data, x, y
        Readings of the reference and of the other method, shape (n,), n to a million.
        They come first, or a frame comes first and `x` and `y` name its columns.
    interval
        `"ranks"` (Sen 1968, the variance corrected for ties in either method, as SciPy),
        `"jackknife"` or `"bootstrap"`.
    bootstrap_kind, resamples, seed, confidence, missing
        As for `passing_bablok`.

    Returns
    -------
    Line

    Notes
    -----
    Sen 1968, J Am Stat Assoc 63:1379–1389, doi 10.1080/01621459.1968.10480934. With error in x the
    slope is drawn towards zero. The same numbers as `scipy.stats.theilslopes` with
    method="joint", which holds all n² slopes.

    Examples
    --------
    >>> round(theil_sen([0, 1, 2, 3], [0, 1, 2, 9]).slope.estimate, 3)
    2.0
    """
    pairs = paired(*data, x=x, y=y, missing=missing)
    resampling = Resampling(interval, bootstrap_kind, resamples, seed)
    return _line(pairs, _sen, "Theil–Sen", resampling, confidence)


def _shifted(pairs: Pairs, confidence: float) -> tuple[PairwiseSlopes, list[float]]:
    """Ranks of 1983: slopes of −1 dropped, the median shifted by the number below −1."""
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    smaller = slopes.below(-1.0)
    dropped = slopes.through(-1.0) - smaller
    kept, n = slopes.n - dropped, pairs.n
    reach = critical_value(confidence) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = round((kept - reach) / 2)
    return slopes, [r + smaller + dropped for r in ((kept + 1) / 2, low, kept - low + 1)]


def _sen(pairs: Pairs, confidence: float) -> tuple[PairwiseSlopes, list[float]]:
    """Sen's ranks, the variance of Kendall's S corrected for ties in x and in y."""
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    n, size = pairs.n, slopes.n_finite
    ties = [np.unique(v, return_counts=True)[1] for v in (pairs.x, pairs.y)]
    loss = sum((k * (k - 1) * (2 * k + 5)).sum() for k in ties)
    variance = (n * (n - 1) * (2 * n + 5) - loss) / 18
    # With most readings tied in both methods the correction leaves nothing: then all slopes.
    reach = critical_value(confidence) * math.sqrt(variance) if variance > 0 else size
    low, high = round((size - reach) / 2), round((size + reach) / 2) + 1
    return slopes, [(size + 1) / 2, max(low, 1), min(high, size)]


def _line(
    pairs: Pairs, median: Median, method: str, resampling: Resampling, confidence: float
) -> Line:
    from scipy import stats

    def fit(x: Floats, y: Floats) -> Floats:
        slopes, ranks = median(Pairs(x, y, 0), confidence)
        slope = _at_ranks(slopes, ranks[:1])[0]
        return np.array([np.median(y - slope * x), slope])

    if resampling.interval == "ranks":
        terms = _rank_intervals(pairs, *_at_ranks(*median(pairs, confidence)))
    else:
        terms = resampled_line(fit, pairs, resampling, confidence=confidence)
    residual = pairs.y - terms.intercept.estimate - terms.slope.estimate * pairs.x
    return Line(
        method=method,
        interval=resampling.interval,
        intercept=terms.intercept,
        slope=terms.slope,
        covariance=terms.covariance,
        n=pairs.n,
        n_missing=pairs.n_missing,
        df=pairs.n - 2,
        confidence=confidence,
        residual_sd=float(stats.median_abs_deviation(residual, scale="normal")),
        error_model="constant",
        x_range=(float(pairs.x.min()), float(pairs.x.max())),
        seed=resampling.seed if resampling.interval == "bootstrap" else None,
    )


def _at_ranks(slopes: PairwiseSlopes, ranks: Sequence[float]) -> Floats:
    """Slopes at ranks, the mean of two at a half rank; −∞ and +∞ beyond the ends."""
    whole = sorted({r for rank in ranks for r in (math.floor(rank), math.ceil(rank))})
    inside = [r for r in whole if 1 <= r <= slopes.n]
    slope_at = dict(zip(inside, slopes.kth(inside).tolist(), strict=True))
    slope_at |= {r: -np.inf if r < 1 else np.inf for r in whole if r not in slope_at}
    ends = [(slope_at[math.floor(rank)], slope_at[math.ceil(rank)]) for rank in ranks]
    return np.array([low if low == high else (low + high) / 2 for low, high in ends])


def _rank_intervals(pairs: Pairs, slope: float, low: float, high: float) -> Coefficients:
    """Intercepts as medians of y − slope·x at the slope and at its limits (crosswise)."""

    def intercept(value: float) -> float:
        return float(-value if np.isinf(value) else np.median(pairs.y - value * pairs.x))

    return Coefficients(
        PointEstimate(intercept(slope), None, intercept(high), intercept(low)),
        PointEstimate(float(slope), None, float(low), float(high)),
        None,
    )
