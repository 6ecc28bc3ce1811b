"""osteo-epi: from a densitometry export to an osteoporosis prevalence that can be defended.

>>> import osteo_epi as oe
>>> people = oe.simulate(2_000, seed=1)
>>> hip_and_spine = ["lumbar_spine", "femoral_neck", "total_hip"]
>>> young = oe.young_adult_reference(people, ages=(20, 39), rois=hip_and_spine)
>>> definition = oe.definition("china_2020", reference=young)
>>> result = oe.prevalence(people, definition, by=["sex"], standard="china_2010",
...                        age_bands=(50, 60, 70, float("inf")))
>>> result.to_frame().filter(statistic="age_standardised")["sex"].unique().sort().to_list()
['all', 'female', 'male']

Names load on first use, so that the command line answers at once.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

__version__ = version("osteo-epi")

_HOMES = {
    "cohort": ("Cohort", "Finding", "Findings", "Flow", "check", "codebook", "read"),
    "cohort.simulate": ("simulate",),
    "norms.score": ("t_score", "with_t_scores", "with_z_scores", "z_score"),
    "diagnosis": (
        "Definition",
        "classify",
        "definition",
        "explain",
        "with_fragility_fracture",
        "with_lumbar_spine",
        "young_adult_reference",
    ),
    "population": (
        "DefinitionGrid",
        "Prevalence",
        "SurveyDesign",
        "definition_axes",
        "definition_grid",
        "prevalence",
        "prevalence_trend",
    ),
    "report.run": ("run",),
    "errors": (
        "DefinitionError",
        "DesignError",
        "NormError",
        "OsteoEpiError",
        "OutOfRangeWarning",
        "OutputError",
        "SchemaError",
    ),
}
_ROOMS = ("agreement", "calibration", "norms", "population", "report")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted([*_HOME_OF, *_ROOMS])

if TYPE_CHECKING:
    from osteo_epi import agreement, calibration, norms, population, report
    from osteo_epi.cohort import Cohort, Finding, Findings, Flow, check, codebook, read
    from osteo_epi.cohort.simulate import simulate
    from osteo_epi.diagnosis.classify import classify
    from osteo_epi.diagnosis.define import definition
    from osteo_epi.diagnosis.definition import Definition
    from osteo_epi.diagnosis.explain import explain
    from osteo_epi.diagnosis.fracture import with_fragility_fracture
    from osteo_epi.diagnosis.own_reference import young_adult_reference
    from osteo_epi.diagnosis.spine import with_lumbar_spine
    from osteo_epi.errors import (
        DefinitionError,
        DesignError,
        NormError,
        OsteoEpiError,
        OutOfRangeWarning,
        OutputError,
        SchemaError,
    )
    from osteo_epi.norms.score import t_score, with_t_scores, with_z_scores, z_score
    from osteo_epi.population.definition_grid import DefinitionGrid, definition_grid
    from osteo_epi.population.design import SurveyDesign
    from osteo_epi.population.grid_axes import definition_axes
    from osteo_epi.population.prevalence import prevalence
    from osteo_epi.population.prevalence_result import Prevalence
    from osteo_epi.population.trend import prevalence_trend
    from osteo_epi.report.run import run


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"osteo_epi.{name}")
    if name in _HOME_OF:
        return getattr(import_module(f"osteo_epi.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'osteo_epi' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
