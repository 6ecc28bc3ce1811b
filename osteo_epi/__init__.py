"""osteo-epi: from a densitometry export to an osteoporosis prevalence that can be defended.

>>> import osteo_epi as oe
>>> people = oe.simulate(2_000, seed=1)
>>> hip_and_spine = ["lumbar_spine", "femoral_neck", "total_hip"]
>>> young = oe.young_adult_reference(people, ages=(20, 39), rois=hip_and_spine)
>>> definition = oe.definition("china_2020", reference=young)
>>> result = oe.prevalence(people, definition, by=["sex"], standard="china_2010",
...                        age_bands=(50, 60, 70, float("inf")))
>>> result.to_frame().filter(statistic="age_standardised")["sex"].unique().sort().to_list()
['female', 'male', 'all']

Names load on first use, so that the command line answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_DOORS = {
    "cohort": ("Cohort", "Flow", "check", "codebook", "read", "simulate"),
    "norms": ("t_score", "with_t_scores", "with_z_scores", "z_score"),
    "diagnosis": (
        "Definition",
        "classify",
        "definition",
        "explain",
        "with_fragility_fracture",
        "with_lumbar_spine",
        "young_adult_reference",
    ),
    "survey": ("SurveyDesign",),
    "population": (
        "DefinitionGrid",
        "Prevalence",
        "definition_axes",
        "definition_grid",
        "prevalence",
        "prevalence_trend",
    ),
    "risk": ("with_screening",),
    "report": ("run",),
    "findings": ("Finding", "Findings"),
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
_ROOMS = (
    *("accuracy", "agreement", "calibration", "cohort", "datasets", "diagnosis", "figures"),
    *("norms", "population", "reference", "report", "risk", "survey", "tables"),
)
_DOOR_OF = {name: door for door, names in _DOORS.items() for name in names}
__all__ = sorted([*_DOOR_OF, *_ROOMS])

if TYPE_CHECKING:
    from osteo_epi import (
        accuracy,
        agreement,
        calibration,
        cohort,
        datasets,
        diagnosis,
        figures,
        norms,
        population,
        reference,
        report,
        risk,
        survey,
        tables,
    )
    from osteo_epi.cohort import Cohort, Flow, check, codebook, read, simulate
    from osteo_epi.diagnosis import (
        Definition,
        classify,
        definition,
        explain,
        with_fragility_fracture,
        with_lumbar_spine,
        young_adult_reference,
    )
    from osteo_epi.errors import (
        DefinitionError,
        DesignError,
        NormError,
        OsteoEpiError,
        OutOfRangeWarning,
        OutputError,
        SchemaError,
    )
    from osteo_epi.findings import Finding, Findings
    from osteo_epi.norms import t_score, with_t_scores, with_z_scores, z_score
    from osteo_epi.population import (
        DefinitionGrid,
        Prevalence,
        definition_axes,
        definition_grid,
        prevalence,
        prevalence_trend,
    )
    from osteo_epi.report import run
    from osteo_epi.risk import with_screening
    from osteo_epi.survey import SurveyDesign


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"osteo_epi.{name}")
    if name in _DOOR_OF:
        return getattr(import_module(f"osteo_epi.{_DOOR_OF[name]}"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("osteo-epi")
    raise AttributeError(f"module 'osteo_epi' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
