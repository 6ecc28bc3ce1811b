"""Whether hazards are proportional: the exact score test of covariates times a function of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from osteo_epi.errors import DesignError
from osteo_epi.risk.hazard._cox import CoxFit
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
    fit: CoxFit, function: Array, terms: tuple[Codes, ...] | None = None
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

    Notes
    -----
    The score test of Grambsch and Therneau (1994, doi 10.1093/biomet/81.3.515) with the full
    information, as `cox.zph` of R's survival has it from its version 3 on. Score and information
    rest on the weights; of a survey they are no test by the design.
    """
    likelihood = fit.likelihood
    sets = likelihood.of.sets
    values = function[fit.rows]
    if not np.isfinite(values[sets.event]).all():
        raise DesignError('a time of 0 or below has no logarithm: take transform="km"')
    centred = values - values[sets.event].mean()
    of_moment = np.zeros(len(sets.times))
    of_moment[sets.last[sets.event]] = centred[sets.event]
    score = likelihood.score(of_moment)
    p = len(score)
    blocks = [likelihood.information(by) for by in (None, of_moment, of_moment**2)]
    information = np.block([[blocks[0], blocks[1]], [blocks[1], blocks[2]]])
    columns = terms if terms is not None else tuple(np.array([j]) for j in range(p))
    chi = np.array([_chi_square(score, information, own) for own in (*columns, np.arange(p))])
    df = np.array([len(own) for own in (*columns, range(p))])
    tail = special.chdtrc(df, chi)
    whole = (float(chi[-1]), int(df[-1]), float(tail[-1]))
    return ScoreTest(chi[:-1], df[:-1], tail[:-1], whole)


def _chi_square(score: Array, information: Array, own: Codes) -> float:
    p = len(score)
    kept = np.concatenate([np.arange(p), own + p])
    slope = np.concatenate([np.zeros(p), score[own]])
    return float(slope @ np.linalg.solve(information[np.ix_(kept, kept)], slope))


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
