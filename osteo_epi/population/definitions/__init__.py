"""The same people under several definitions: grid, decomposition, trend."""

from osteo_epi.population.definitions._axes import (
    choices,
    definition_axes,
    differing,
    short_names,
    taking,
    with_cut_off,
)
from osteo_epi.population.definitions._comparison import (
    COMMON,
    OWN,
    DefinitionGrid,
    definition_grid,
)
from osteo_epi.population.definitions._decomposition import (
    Decomposition,
    decompose_difference,
    shapley,
)
from osteo_epi.population.definitions._trend import Trend, prevalence_trend, slope_coefficients

__all__ = [
    "COMMON",
    "OWN",
    "Decomposition",
    "DefinitionGrid",
    "Trend",
    "choices",
    "decompose_difference",
    "definition_axes",
    "definition_grid",
    "differing",
    "prevalence_trend",
    "shapley",
    "short_names",
    "slope_coefficients",
    "taking",
    "with_cut_off",
]
