"""Whether hazards are proportional: the exact score test of covariates times a function of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from osteo_epi.errors import DesignError
from osteo_epi.risk.hazard._cox import CoxFit
from osteo_epi.risk.hazard._partial import Likelihood
from osteo_epi.risk.hazard._risk_sets import same_times
from osteo_epi.risk.survival._steps import AtRisk, product_limit
from osteo_epi.survey import Array, Codes

TRANSFORMS = ("km", "rank", "identity", "log")


@dataclass(frozen=True)
class ScoreTest:
    """(t,) chi-squares of terms with degrees of freedom and p-values, and those of all together."""

    statistic: Array
    df: Array
    p: Array
    whole: tuple[float, int, float]


def proportionality(
    fit: CoxFit,
    function: Array,
    terms: Sequence[Codes] | None = None,
    *,
    covariance: Callable[[Array], Array] | None = None,
    df: float = math.inf,
) -> ScoreTest:
    """Test whether the effect of covariates changes with a function of time.

    Parameters
    ----------
    fit
        The model.
    function
        (n,) function of each person's time (`time_function`).
    terms
        Columns that are one term each, as the classes of a category; None for one each.
    covariance, df
        Covariance of the sums of (n, k) weighted values, and its degrees of freedom, where people
        are not independent; None takes the information.

    Notes
    -----
    Without a covariance, the score test of Grambsch and Therneau (1994, doi
    10.1093/biomet/81.3.515) with the full information, as `cox.zph` of R's survival has it from
    its version 3 on. With one, the efficient score is judged by it: statistic / df is compared to
    F.
    """
    likelihood = fit.likelihood
    moments = _of_moments(fit, function)
    score, p = likelihood.score(moments), len(fit.coefficients)
    given = terms if terms is not None else [np.array([j]) for j in range(p)]
    columns = [*given, np.arange(p)]
    if covariance is None:
        spread = _joint(likelihood, moments)
        chi = np.array([_chi_square(score, own, spread) for own in columns])
    else:
        slope = np.linalg.solve(likelihood.information(), likelihood.information(moments))
        linear = likelihood.score_residuals(moments) - likelihood.score_residuals() @ slope
        out = np.zeros((len(fit.rows), p))
        out[fit.rows] = likelihood.of.weight[:, None] * linear
        robust = covariance(out)
        parts = [(score[own], robust[np.ix_(own, own)]) for own in columns]
        chi = np.array([chi_square(u, v) for u, v in parts])
    size = np.array([len(own) for own in columns])
    tail = special.chdtrc(size, chi) if math.isinf(df) else special.fdtrc(size, df, chi / size)
    whole = (float(chi[-1]), int(size[-1]), float(tail[-1]))
    return ScoreTest(chi[:-1], size[:-1], tail[:-1], whole)


def _of_moments(fit: CoxFit, function: Array) -> Array:
    """(K,) function at the times of events, less its mean over events."""
    sets, values = fit.likelihood.of.sets, function[fit.rows]
    if not np.isfinite(values[sets.event]).all():
        raise DesignError('a time of 0 or below has no logarithm: take transform="km"')
    out = np.zeros(len(sets.times))
    out[sets.last[sets.event]] = values[sets.event] - values[sets.event].mean()
    return out


def _joint(likelihood: Likelihood, moments: Array) -> Array:
    """(2p, 2p) information on covariates, and on them times the function."""
    own, cross, square = (likelihood.information(by) for by in (None, moments, moments**2))
    return np.block([[own, cross], [cross, square]])


def chi_square(value: Array, spread: Array) -> float:
    """Chi-square of (k,) values that should be 0; NaN where units, or times, are too few for k."""
    size = np.diag(spread)
    if not (size > 0).all():
        return math.nan
    unit = spread / np.sqrt(np.outer(size, size))
    if not np.isfinite(unit).all() or np.linalg.matrix_rank(unit, hermitian=True) < len(value):
        return math.nan
    return float(value @ np.linalg.solve(spread, value))


def _chi_square(score: Array, own: Codes, information: Array) -> float:
    p = len(score)
    kept = np.concatenate([np.arange(p), own + p])
    slope = np.concatenate([np.zeros(p), score[own]])
    return chi_square(slope, information[np.ix_(kept, kept)])


def time_function(fit: CoxFit, time: Array, transform: str, entry: Array | None = None) -> Array:
    """(n,) times on the scale on which a change of the effect is looked for.

    Parameters
    ----------
    fit
        The model.
    time, entry
        (n,) as given to the fit.
    transform
        "km" (1 − the share free of the event just before, so that few late events do not decide),
        "rank", "identity" or "log".
    """
    if transform not in TRANSFORMS:
        raise DesignError(f"unknown transform {transform!r}; choose one of {', '.join(TRANSFORMS)}")
    if transform == "identity":
        return np.asarray(time, float)
    if transform == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(time)
    out = np.full(len(time), np.nan)
    out[fit.rows] = _order_scale(fit, time, transform, entry)
    return out


def _order_scale(fit: CoxFit, time: Array, transform: str, entry: Array | None) -> Array:
    seen = same_times(time[fit.rows], *(() if entry is None else (entry[fit.rows],)))
    if transform == "rank":
        _, code, size = np.unique(seen[0], return_inverse=True, return_counts=True)
        ranks: Array = (np.cumsum(size) - (size - 1) / 2)[code]
        return ranks
    status = fit.event[fit.rows].astype(int)
    start = None if entry is None else seen[1]
    free = product_limit(AtRisk.of(seen[0], status, entry=start, kinds=2))
    return 1 - free.before(seen[0])
