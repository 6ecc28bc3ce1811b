"""From people to a population: prevalence, standardisation, people affected."""

from osteo_epi.population import rates
from osteo_epi.population._calibrated import calibrated_prevalence
from osteo_epi.population._description import (
    bmd_by_age,
    bmd_moments,
    bmd_of_parts,
    evidence_overlap,
    overlap_of_parts,
)
from osteo_epi.population._participants import LEFT_OUT, could_be_measured, participants
from osteo_epi.population._presentation import presentation
from osteo_epi.population._prevalence import prevalence
from osteo_epi.population._query import check_groups, check_query
from osteo_epi.population._result import ALL, Prevalence
from osteo_epi.population._rows import people_affected, population_size
from osteo_epi.population.definitions._axes import definition_axes, with_cut_off
from osteo_epi.population.definitions._comparison import (
    COMMON,
    OWN,
    DefinitionGrid,
    definition_grid,
)
from osteo_epi.population.definitions._decomposition import Decomposition, decompose_difference
from osteo_epi.population.definitions._projection import people_in_populations
from osteo_epi.population.definitions._trend import Trend, prevalence_trend

__all__ = [
    "ALL",
    "COMMON",
    "LEFT_OUT",
    "OWN",
    "Decomposition",
    "DefinitionGrid",
    "Prevalence",
    "Trend",
    "bmd_by_age",
    "bmd_moments",
    "bmd_of_parts",
    "calibrated_prevalence",
    "check_groups",
    "check_query",
    "could_be_measured",
    "decompose_difference",
    "definition_axes",
    "definition_grid",
    "evidence_overlap",
    "overlap_of_parts",
    "participants",
    "people_affected",
    "people_in_populations",
    "population_size",
    "presentation",
    "prevalence",
    "prevalence_trend",
    "rates",
    "with_cut_off",
]


def __dir__() -> list[str]:
    return sorted(__all__)
