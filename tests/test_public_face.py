"""What users type: changing this list is a decision, not an accident."""

from __future__ import annotations

import inspect
import subprocess
import sys

import osteo_epi as oe

PUBLIC = [
    "Cohort",
    "Definition",
    "DefinitionError",
    "DefinitionGrid",
    "DesignError",
    "Finding",
    "Findings",
    "Flow",
    "NormError",
    "OsteoEpiError",
    "OutOfRangeWarning",
    "OutputError",
    "Prevalence",
    "SchemaError",
    "SurveyDesign",
    "accuracy",
    "agreement",
    "calibration",
    "check",
    "classify",
    "codebook",
    "cohort",
    "datasets",
    "definition",
    "definition_axes",
    "definition_grid",
    "diagnosis",
    "explain",
    "figures",
    "norms",
    "population",
    "prevalence",
    "prevalence_trend",
    "read",
    "reference",
    "report",
    "risk",
    "run",
    "simulate",
    "survey",
    "t_score",
    "tables",
    "with_fragility_fracture",
    "with_lumbar_spine",
    "with_screening",
    "with_t_scores",
    "with_z_scores",
    "young_adult_reference",
    "z_score",
]


def test_the_public_names_are_pinned_and_there():
    assert oe.__all__ == PUBLIC
    assert [name for name in PUBLIC if getattr(oe, name, None) is None] == []


def test_a_room_lists_what_it_hands_out_and_nothing_else():
    rooms = [name for name in PUBLIC if getattr(oe, name).__class__.__name__ == "module"]
    assert len(rooms) == 14
    for name in rooms:
        room = getattr(oe, name)
        assert dir(room) == sorted(room.__all__), name
        assert [hidden for hidden in room.__all__ if hidden.startswith("_")] == []


def test_a_function_that_refuses_something_says_what():
    """Where parameters have their section, so has what is raised in the function itself."""
    silent = []
    for room in filter(inspect.ismodule, (getattr(oe, name) for name in dir(oe))):
        for name in getattr(room, "__all__", ()):
            one = inspect.unwrap(getattr(room, name))
            told = inspect.getdoc(one) or ""
            if not inspect.isfunction(one) or "Parameters\n---" not in told:
                continue
            if "raise " in inspect.getsource(one) and "Raises\n---" not in told:
                silent.append(f"{room.__name__}.{name}")
    assert not silent


def test_the_command_line_answers_before_the_heavy_engines_are_loaded():
    heavy = ["polars", "scipy", "matplotlib"]
    code = f"import sys, osteo_epi.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
