"""Passing–Bablok and Theil–Sen lines: medians of the slopes between all pairs of people.

No distribution of errors is assumed, and outliers weigh little. The rule of 1983 is the default:
pairs of equal points are dropped, equal x count as +∞, slopes of −1 are dropped, the median is
shifted by the number K of slopes below −1, and two central slopes are averaged. mcr's rule
differs in the fourth or fifth digit (slopes of −1 count half, two central slopes are averaged as
angles), and the equivariant rule of 1988 (median of the absolute slopes) does not assume a slope
near 1. Nothing of size n² is held: see `slopes`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.calibration import ranked
from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.line import Line, as_covariance
from osteo_epi.calibration.pairs import Missing, Pairs, paired
from osteo_epi.calibration.resample import BootstrapKind, Fit, bootstrap, jackknife
from osteo_epi.calibration.slopes import PairwiseSlopes
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]
Rule = Literal["1983", "mcr", "equivariant"]
Average = Literal["slope", "angle"]
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
        slope = ranked.at_ranks(slopes, [_middle(slopes, rule, a, b)], how)[0]
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
        slope = ranked.at_ranks(slopes, [(slopes.n_finite + 1) / 2], average)[0]
        return np.array([np.median(b - slope * a), slope])

    if interval == "ranks":
        terms, covariance = ranked.sen(pairs, average, confidence)
    elif interval == "mckean_schrader":
        terms, covariance = ranked.mckean_schrader(pairs, average, confidence, folded=False)
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
        return (slopes.n + ranked.mcr_offset(slopes, x, y) + 1) / 2
    smaller, dropped = ranked.below_minus_one(slopes)
    return (slopes.n - dropped + 1) / 2 + smaller + dropped


def _ranks_1983(
    pairs: Pairs, average: Average, confidence: float
) -> tuple[tuple[Estimate, Estimate], None]:
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    smaller, dropped = ranked.below_minus_one(slopes)
    kept = slopes.n - dropped
    low = round((kept - ranked.reach(pairs.n, confidence)) / 2)
    places = [r + smaller + dropped for r in ((kept + 1) / 2, low, kept - low + 1)]
    return ranked.terms(pairs, *ranked.at_ranks(slopes, places, average)), None


def _ranks_mcr(
    pairs: Pairs, average: Average, confidence: float
) -> tuple[tuple[Estimate, Estimate], None]:
    slopes = PairwiseSlopes(pairs.x, pairs.y)
    shifted = slopes.n + ranked.mcr_offset(slopes, pairs.x, pairs.y)
    reach = math.floor(ranked.reach(pairs.n, confidence) + 0.5)
    places = [(shifted + step + 1) / 2 for step in (0, -reach, reach)]
    return ranked.terms(pairs, *ranked.at_ranks(slopes, places, average)), None


def _equivariant(
    pairs: Pairs, average: Average, confidence: float
) -> tuple[tuple[Estimate, Estimate], Floats]:
    return ranked.mckean_schrader(pairs, average, confidence, folded=True)


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
