"""The same rates in several populations side by side: another census, a standard, a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.errors import DesignError
from osteo_epi.frames import of_queries
from osteo_epi.norms import StandardPopulation
from osteo_epi.population._prevalence import prevalence
from osteo_epi.population._query import STANDARD


@of_queries
def people_in_populations(
    people: Any,
    definition: Definition,
    *,
    populations: Sequence[str | StandardPopulation],
    **how: Any,
) -> pl.DataFrame:
    """Age-standardised prevalence and people affected in each of several populations.

    Parameters
    ----------
    people, definition
        As for `prevalence`.
    populations
        Standard populations or their identifiers; a forecast is a norm file of the same form.
    how
        Other arguments of `prevalence`: by, classes, design, ages, accept_errors …

    Returns
    -------
    polars.DataFrame
        The `age_standardised` rows of `prevalence`, with the column `population` first.

    Raises
    ------
    DesignError
        If no population is given.

    Notes
    -----
    The rates of the sample's age bands (by sex, where the population has it) are taken to hold in
    every population; the limits hold the error of the rates, not that of a forecast.
    """
    if isinstance(populations, str | StandardPopulation) or not populations:
        raise DesignError("populations must be a list of standard populations, one at least")
    parts = []
    for population in populations:
        chosen = {"standard": population, "people_affected": STANDARD} | how
        rows = prevalence(people, definition, **chosen).to_polars()
        name = population if isinstance(population, str) else population.id
        standardised = rows.filter(pl.col("statistic") == "age_standardised")
        parts.append(standardised.select(pl.lit(name).alias("population"), pl.all()))
    return pl.concat(parts)
