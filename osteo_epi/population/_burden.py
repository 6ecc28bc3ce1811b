"""How many people: the standard population's counts times the rates."""

from __future__ import annotations

import numpy as np

from osteo_epi.norms import StandardPopulation
from osteo_epi.survey import Array

Affected = tuple[Array, Array, Array]


def population_size(
    standard: StandardPopulation, *, sex: str | None = None, band: str | None = None
) -> float:
    """People in a standard population, or in one sex or band of it; NaN where it counts none.

    Examples
    --------
    >>> from osteo_epi import norms
    >>> china = norms.load("standard_population", "china_2010").collapse((50, float("inf")))
    >>> population_size(china, sex="male")
    168486133.0
    """
    if not standard.holds_counts or (sex is not None and not standard.by_sex):
        return float("nan")
    counts = standard.counts(sex)
    return float(counts[band] if band is not None else sum(counts.values()))


def people_affected(estimate: Array, lower: Array, upper: Array, *, population: Array) -> Affected:
    """People with the condition, with limits.

    Parameters
    ----------
    estimate, lower, upper
        (k,) rate in the population and its limits, between 0 and 1. For several strata together
        (both sexes) give the rate standardised over them jointly to this population: its limits
        then hold the strata's covariance, which sums of separate limits do not.
    population
        (k,) people in the population that the rate stands for, known without error.

    Returns
    -------
    tuple of ndarray
        (k,) people, lower, upper; not rounded.

    Examples
    --------
    >>> [float(x) for x in people_affected(0.0646, 0.06, 0.07, population=168486133.0)]
    [10884204.1918, 10109167.98, 11794029.31]
    """
    size = np.asarray(population, dtype=float)
    return size * estimate, size * lower, size * upper
