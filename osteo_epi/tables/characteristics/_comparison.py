"""How groups differ in a variable: p of a test that knows the design, and the standardised gap."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from osteo_epi.errors import DesignError
from osteo_epi.summation import group_sums, sums
from osteo_epi.survey import (
    DesignArrays,
    rao_scott_test,
    survey_regression,
    term_test,
    weighted_mean,
    weighted_variance,
)
from osteo_epi.tables.characteristics._statistics import (
    MEDIAN_IQR,
    Array,
    Group,
    People,
    Variable,
)

P_MEANS, P_RANKS, P_SHARES = "p_means", "p_ranks", "p_shares"
"""Tests: of means, of ranks where the median is given first, of shares."""


def p_of(
    variable: Variable, people: People, design: DesignArrays, statistics: Sequence[str]
) -> tuple[str, float | None]:
    """The test of a variable and its p; None where the groups cannot be compared.

    Notes
    -----
    Means: Wald F of the groups in a design-based regression, for two groups the t of their
    difference. Ranks: the same of the estimated population ranks (Lumley and Scott 2013,
    doi 10.1093/biomet/ass099), ties together at the middle of theirs: R's svyranktest adds their
    weights up in the order of the rows. Shares: Rao and Scott's second-order corrected chi square.
    A group whose people are of one sampling unit, or that is one person, shows no variance of its
    mean: it would be taken for known without error, and p for next to nothing.
    """
    group = np.full(len(people.place), -1)
    for place, one in enumerate(people.groups):
        group[one.people] = np.where(variable.measured[one.people], place, -1)
    codes = people.over_rows(group, -1)
    ranks = not variable.levels and statistics[0] == MEDIAN_IQR
    name = P_SHARES if variable.levels else P_RANKS if ranks else P_MEANS
    try:
        if variable.levels:
            classes = people.over_rows(np.maximum(variable.values, 0), 0)
            return name, _known(rao_scott_test(codes, classes, design, domain=codes >= 0).p)
        outcome = people.over_rows(variable.values, np.nan)
        if _of_one_unit(codes, design):
            return name, None
        if ranks:
            outcome = population_ranks(outcome, np.where(codes >= 0, design.weight, 0.0))
        return name, _known(_regressed(outcome, codes, design))
    # One group, one value, or as few units as groups: there is nothing to compare.
    except (DesignError, np.linalg.LinAlgError):
        return name, None


def _of_one_unit(codes: NDArray[np.int64], design: DesignArrays) -> bool:
    """Whether the people of some group are all of one unit of the first stage."""
    present = np.unique(codes[codes >= 0])
    first = design.stages[0]
    return any(first.present(codes == code).sum() < 2 for code in present)


def _regressed(outcome: Array, codes: NDArray[np.int64], design: DesignArrays) -> float:
    present = np.unique(codes[codes >= 0])
    columns = [np.ones(len(codes)), *((codes == code).astype(float) for code in present[1:])]
    names = [str(place) for place in range(len(columns))]
    fit = survey_regression(
        outcome, np.column_stack(columns), design, names=names, domain=codes >= 0
    )
    return term_test(fit, names[1:])[3]


def population_ranks(values: Array, weight: Array) -> Array:
    """(n,) middle ranks in the population as shares of it, ties together at the middle of theirs.

    Examples
    --------
    >>> population_ranks(np.array([1.0, 1.0, 2.0]), np.array([1.0, 3.0, 1.0])).tolist()
    [0.4, 0.4, 0.9]
    """
    ranks = np.full(len(values), np.nan)
    inside = np.flatnonzero((weight > 0) & ~np.isnan(values))
    _, tie = np.unique(values[inside], return_inverse=True)
    size = group_sums(tie, weight[inside])
    ranks[inside] = (np.cumsum(size) - size / 2)[tie] / size.sum()
    return ranks


def _known(p: float) -> float | None:
    return None if np.isnan(p) else float(p)


def smd_of(variable: Variable, people: People, weight: Array) -> float | None:
    """Standardised mean difference; of more than two groups the mean over all pairs.

    Notes
    -----
    Of a number the absolute difference of means over the root of the mean of the two variances
    (Austin 2009, doi 10.1002/sim.3697); of shares the Mahalanobis distance of the levels but one
    (Yang and Dalton 2012, SAS Global Forum 335), for yes and no the difference over the root of
    the mean of p (1 − p).
    """
    found = [_moments(variable, group, weight) for group in people.groups]
    gaps = [
        _gap(*one, *other)
        for one, other in combinations([pair for pair in found if pair is not None], 2)
    ]
    known = [gap for gap in gaps if gap is not None]
    return float(np.mean(known)) if known else None


def _moments(variable: Variable, group: Group, weight: Array) -> tuple[Array, Array] | None:
    """(k,) means and (k, k) covariance of people; of levels without the first."""
    measured = variable.measured[group.people]
    values, weight = variable.values[group.people][measured], weight[group.people][measured]
    if len(values) < 2:
        return None
    if not variable.levels:
        spread = weighted_variance(values, weight)
        return np.array([weighted_mean(values, weight)]), np.array([[spread]])
    share = group_sums(values, weight, size=len(variable.levels)) / sums(weight)
    return share[1:], (np.diag(share) - np.outer(share, share))[1:, 1:]


def _gap(mean_1: Array, spread_1: Array, mean_2: Array, spread_2: Array) -> float | None:
    """The gap in units of its spread; None where people do not vary in a way the groups differ."""
    difference, spread = mean_1 - mean_2, (spread_1 + spread_2) / 2
    inverse = np.linalg.pinv(spread, hermitian=True)
    if not spread.any() or not np.allclose(spread @ inverse @ difference, difference):
        return None
    return float(np.sqrt(difference @ inverse @ difference))
