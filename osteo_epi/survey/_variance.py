"""Taylor linearisation: the variance of sums of linearised values over a design.

Every estimator of this room is a sum of values z over the rows of the sample (its linearised
form), so that one function gives every standard error: values are summed to sampling units, and
the spread of the units within their strata is the variance. A domain is a mask: rows outside
hold z = 0 and their units stay, because which units the domain hits is itself random.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from osteo_epi.errors import DesignError
from osteo_epi.summation import cross_products, group_sums, sums
from osteo_epi.survey._arrays import Array, Codes, DesignArrays, Mask, Stage, rows_in

# A stratum drawn in full has no sampling variance; this much counts as "in full".
CENSUS = 1e-7


def covariance(
    values: Array | csr_array, design: DesignArrays, *, domain: Mask | None = None
) -> Array:
    """Covariance of the column sums of linearised values.

    Parameters
    ----------
    values
        (n, k) weighted linearised values, zero outside the domain; (n,) is taken as one column;
        sparse where most are zero.
    design
        The design over the same n rows.
    domain
        (n,) rows that belong to the estimate; only decides which strata are lonely.

    Returns
    -------
    ndarray
        (k, k) covariance.

    Raises
    ------
    DesignError
        If a stratum holds one unit and the design's rule is "fail".

    Notes
    -----
    Stratified, with finite population correction and further stages as in Särndal, Swensson and
    Wretman 1992, section 4.3; the rules for single units are those of R survey 4.5.
    """
    columns = values[:, None] if values.ndim == 1 else values
    rows = rows_in(design, domain)
    total = np.zeros((columns.shape[1],) * 2)
    for stage in design.stages:
        if np.any(stage.share > 0):
            total += _stage_covariance(columns, design, stage, rows)
    return total


def _stage_covariance(
    values: Array | csr_array, design: DesignArrays, stage: Stage, rows: Mask
) -> Array:
    totals = stage.totals(values)
    present = stage.present(rows)
    size = len(stage.sampled)
    hit = np.bincount(stage.stratum[present], minlength=size)
    scale, centred = _stratum_scale(design, stage, hit)
    if size == 1:  # the same numbers, without looking up for each unit which stratum is its own
        of: Codes | int = 0
        within = np.array([[sums(column) for column in totals.T]])
    else:
        of = stage.stratum
        within = np.column_stack([group_sums(of, column, size=size) for column in totals.T])
    grand = sums(totals) / _units(stage, hit)
    means = np.where(centred[:, None], within / stage.sampled[:, None], grand)
    spread = (totals - means[of]) * np.sqrt(scale)[of, None]
    return cross_products(spread)


def element_variance(values: Array, squares: Array, people: Array, design: DesignArrays) -> float:
    """Variance of a sum of linearised values where each row sums over people drawn one by one.

    Parameters
    ----------
    values, squares
        (n,) sums of the people's linearised values, and of their squares.
    people
        (n,) people of the domain that a row stands for, 0 outside the domain.
    design
        Built with `SurveyDesign.arrays(..., people=)`: every person is a unit.
    """
    stage = design.stages[0]
    size = len(stage.sampled)
    present, total, square = (
        group_sums(stage.stratum, column, size=size) for column in (people, values, squares)
    )
    scale, centred = _stratum_scale(design, stage, present)
    about = np.where(centred, total / stage.sampled, sums(total) / _units(stage, present))
    spread = square - 2 * about * total + stage.sampled * about**2
    return float(sums(scale * np.maximum(spread, 0.0)))


def _stratum_scale(
    design: DesignArrays, stage: Stage, present: Array | Codes
) -> tuple[Array, Mask]:
    """(S,) factor of each stratum's sum of squares, and whether it is taken about its own mean.

    `present` is (S,) the number of the stratum's units that the domain hits.
    """
    left_out = stage.left_out
    alone = (stage.sampled == 1) & (present > 0) & (left_out >= CENSUS)
    thinned = (stage.sampled > 1) & (present == 1) & design.lonely_domains
    if design.lonely == "fail" and alone.any():
        _refuse(stage, alone)
    factor = np.where(stage.sampled > 1, stage.sampled / np.maximum(stage.sampled - 1, 1), 1.0)
    scale = np.where(left_out < CENSUS, 0.0, left_out * factor) * stage.share
    centred = ~(alone | thinned) if design.lonely == "adjust" else np.ones(len(scale), dtype=bool)
    if design.lonely == "average":
        unknown = alone | thinned
        hit = present > 0
        scale = np.where(unknown, 0.0, scale) * _stretch(hit.sum(), (hit & unknown).sum())
    return scale, centred


def _units(stage: Stage, present: Array | Codes) -> float:
    """Units of the strata that the domain hits, those that it misses among them: their total is 0.

    The mean that a lonely unit is held against counts them, or the domain would set it.
    """
    return max(float(stage.sampled[present > 0].sum()), 1.0)


def _stretch(strata: int, unknown: int) -> float:
    """Strata whose variance is unknown are given the mean of the others."""
    return strata / (strata - unknown) if strata > unknown else np.nan


def _refuse(stage: Stage, alone: Mask) -> None:
    named = [stage.names[i] for i in np.flatnonzero(alone)[:5]]
    more = int(alone.sum()) - len(named)
    raise DesignError(
        f"{int(alone.sum())} stratum/strata with one sampling unit ({', '.join(named)}"
        + (f" and {more} more" if more else "")
        + "): their variance cannot be estimated; merge each with a neighbouring stratum, or "
        'choose SurveyDesign(lonely="adjust") (conservative), "average", "certainty" or "remove"'
    )
