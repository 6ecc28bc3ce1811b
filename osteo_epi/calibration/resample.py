"""Jackknife and bootstrap intervals of a line, whatever fitted it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.line import coefficients
from osteo_epi.calibration.pairs import Pairs

Floats = NDArray[np.float64]
Fit = Callable[[Floats, Floats], Floats]
"""Takes x and y, gives (intercept, slope), shape (2,)."""

BootstrapKind = Literal["percentile", "bca"]


@dataclass(frozen=True)
class Resampled:
    """Intercept and slope with intervals, their covariance and the replicates behind them."""

    intercept: Estimate
    slope: Estimate
    covariance: Floats
    replicates: Floats


def jackknife(
    fit: Fit, pairs: Pairs, *, df: float, confidence: float, left: Floats | None = None
) -> Resampled:
    """Leave one pair out at a time; Student intervals about the estimate of all pairs.

    `left` are the n fits without each pair where a closed form gives them at once; otherwise
    `fit` is called n times.

    Notes
    -----
    As Linnet (1993, Clin Chem 39:424–432): standard error from the pseudo-values, with the
    Student quantile on `df` degrees of freedom (n − 2 as mcr does).
    """
    left = leave_one_out(fit, pairs) if left is None else left
    centred = left - left.mean(axis=0)
    covariance = (pairs.n - 1) / pairs.n * centred.T @ centred
    whole = fit(pairs.x, pairs.y)
    return Resampled(
        *coefficients(whole, covariance, df=df, confidence=confidence), covariance, left
    )


def leave_one_out(fit: Fit, pairs: Pairs) -> Floats:
    """Fit without each pair in turn, shape (n, 2)."""
    rows = [fit(np.delete(pairs.x, k), np.delete(pairs.y, k)) for k in range(pairs.n)]
    return np.array(rows)


def bootstrap(
    fit: Fit, pairs: Pairs, *, resamples: int, seed: int, kind: BootstrapKind, confidence: float
) -> Resampled:
    """Draw people with replacement; percentile or bias-corrected accelerated limits.

    Notes
    -----
    A draw in which all readings of one method are equal has no line and is drawn again.
    """
    rng = np.random.default_rng(seed)
    rows: list[Floats] = []
    while len(rows) < resamples:
        draw = rng.integers(0, pairs.n, pairs.n)
        if np.ptp(pairs.x[draw]) > 0 and np.ptp(pairs.y[draw]) > 0:
            rows.append(fit(pairs.x[draw], pairs.y[draw]))
    replicates, whole = np.array(rows), fit(pairs.x, pairs.y)
    covariance = np.cov(replicates.T)
    shares = np.tile([(1 - confidence) / 2, (1 + confidence) / 2], (2, 1))
    if kind == "bca":
        left = leave_one_out(fit, pairs)
        shares = np.array([_bca(whole[k], replicates[:, k], left[:, k], shares[k]) for k in (0, 1)])
    terms = []
    for k in (0, 1):
        low, high = np.quantile(replicates[:, k], shares[k])
        se = float(np.sqrt(covariance[k, k]))
        terms.append(Estimate(float(whole[k]), se, float(low), float(high)))
    return Resampled(terms[0], terms[1], covariance, replicates)


def _bca(whole: float, replicates: Floats, left: Floats, shares: Floats) -> Floats:
    """Efron's (1987) shares: corrected for bias and for a standard error that varies."""
    below = (replicates < whole).mean() + (replicates == whole).mean() / 2
    bias = stats.norm.ppf(below)
    skew = left.mean() - left
    acceleration = (skew**3).sum() / (6 * (skew**2).sum() ** 1.5)
    z = bias + stats.norm.ppf(shares)
    return stats.norm.cdf(bias + z / (1 - acceleration * z))
