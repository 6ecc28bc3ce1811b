"""Errors in the data stop every class and every estimate, until somebody accepts them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.cohort import Cohort, checked_people, refuse_errors
from osteo_epi.diagnosis import classify, definition, young_adult_reference
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

ERROR = Finding("sex_unknown", "error", "sex", 2, "2 rows have no sex", "fill it in")
OTHER = Finding("id_twice", "error", "id", 3, "3 rows share an id", "take one row of each")
NOTE = Finding("encoding", "note", "", 0, "read as GB18030")
ROIS = ("lumbar_spine", "femoral_neck", "total_hip")
ZHANG = definition("china_2020", reference="zhang_2007")
HIP = definition("china_2020", reference="zhang_2007", sites=["hip"])


def frame(n: int = 200) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    density = {
        f"abmd_{roi}": rng.normal(0.85, 0.13, n).round(3) for roi in (*ROIS, "total_hip_ctxa")
    }
    return pl.DataFrame(
        {
            "age": np.arange(n) % 60 + 25.0,
            "sex": ["female"] * n,
            "device": ["a", "b"] * (n // 2),
            "wave": ["2010", "2014"] * (n // 2),
            "before": [True, False] * (n // 2),
            "after": [True, True] * (n // 2),
            **density,
        }
    )


def cohort(*findings: Finding) -> Cohort:
    return Cohort.from_frame(frame(), findings=findings)


CORRECTION = oe.calibration.correction_between(
    {
        (name,): oe.agreement.least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.1, 1.6])
        for name in ("a", "b")
    }
)
STEPS: dict[str, Callable[..., Any]] = {
    "classify": lambda p, **a: classify(p, ZHANG, **a),
    "prevalence": lambda p, **a: oe.prevalence(p, ZHANG, **a),
    "people_in_populations": lambda p, **a: oe.population.people_in_populations(
        p, ZHANG, populations=["china_2010"], age_bands=(50, 65, 85), **a
    ),
    "calibrated_prevalence": lambda p, **a: oe.population.calibrated_prevalence(
        p, CORRECTION, ZHANG, uncertainty="none", **a
    ),
    "definition_grid": lambda p, **a: oe.definition_grid(p, [ZHANG, HIP], **a),
    "decompose_difference": lambda p, **a: oe.population.decompose_difference(p, ZHANG, HIP, **a),
    "prevalence_trend": lambda p, **a: oe.population.prevalence_trend(p, ZHANG, over="wave", **a),
    "young_adult_reference": lambda p, **a: young_adult_reference(p, **a),
    "definition": lambda p, **a: definition(
        "china_2020", reference="own_young_adults", people=p, **a
    ),
    "table_one": lambda p, **a: oe.tables.table_one(p, variables=["age"], **a),
    "transitions": lambda p, **a: oe.agreement.transitions(p, first="before", second="after", **a),
    "dxa_qct_equivalence": lambda p, **a: oe.agreement.dxa_qct_equivalence(
        p, reference="zhang_2007", **a
    ),
    "between_devices": lambda p, **a: oe.calibration.between_devices(
        p, column="abmd_total_hip", reference="a", **a
    ),
    "before_after": lambda p, **a: oe.calibration.before_after(p, CORRECTION, **a),
}
pytestmark = pytest.mark.filterwarnings("ignore::osteo_epi.errors.OsteoEpiWarning")


@pytest.mark.parametrize("name", STEPS)
def test_a_step_refuses_errors_until_they_are_accepted(name: str) -> None:
    step = STEPS[name]
    with pytest.raises(SchemaError, match=r"sex_unknown \[sex\] 2 rows have no sex"):
        step(cohort(NOTE, ERROR))
    step(cohort(NOTE, ERROR), accept_errors=True)
    step(cohort(NOTE, ERROR).with_errors_accepted())
    step(cohort(NOTE))


@pytest.mark.parametrize("name", STEPS)
def test_a_frame_carries_no_findings(name: str) -> None:
    STEPS[name](frame())


def test_the_message_says_how_many_more_where_to_see_them_and_the_way_out() -> None:
    with pytest.raises(SchemaError) as caught:
        refuse_errors(cohort(ERROR, OTHER))
    message = str(caught.value)
    for words in (
        "To do: fill it in", "1 more: people.findings", "osteo-epi check FILE",
        "accept_errors=True (--accept-errors)",
    ):  # fmt: skip
        assert words in message


def test_the_classified_cohort_remembers_what_was_accepted() -> None:
    classified = classify(cohort(ERROR), ZHANG, accept_errors=True)
    assert classified.accepted_errors.codes == ("sex_unknown",)
    estimate = oe.prevalence(classified, ZHANG)
    assert any("sex_unknown" in note for note in estimate.notes)


def test_an_error_that_appears_later_is_refused_again() -> None:
    classified = classify(cohort(ERROR), ZHANG, accept_errors=True)
    later = classified.with_findings([OTHER])
    with pytest.raises(SchemaError, match="id_twice"):
        oe.prevalence(later, ZHANG)


def test_data_that_were_mended_are_not_refused() -> None:
    """Of mg/cm² under a heading of g/cm² the user mends the frame, not the file."""
    wrong = frame().with_columns(pl.col("abmd_total_hip") * 1000)
    people = Cohort.from_frame(wrong)
    people = people.with_findings(oe.check(people))
    with pytest.raises(SchemaError, match="unit_suspected"):
        classify(people, ZHANG)
    classify(people.with_frame(frame()), ZHANG)


def test_exchanged_scores_give_no_prevalence(tmp_path: Path) -> None:
    """Z under the heading of T gave 7.1 and 1.8 % in Python without a word."""
    n = 120
    age = np.arange(n) % 40 + 45.0
    rng = np.random.default_rng(5)
    z = rng.normal(0, 1, n)
    t = z - (age - 30) * 0.05
    table = pl.DataFrame(
        {
            "age": age,
            "sex": ["female"] * n,
            **{f"t_score_{roi}_reported": z.round(2) for roi in ROIS},
            **{f"z_score_{roi}_reported": t.round(2) for roi in ROIS},
        }
    )
    table.write_csv(tmp_path / "clinic.csv")
    people = oe.read(tmp_path / "clinic.csv")
    reported = definition("china_2020", reference="reported")
    for step in (classify, oe.prevalence):
        with pytest.raises(SchemaError, match="t_z_swapped"):
            step(people, reported)


def test_one_column_to_be_read_may_be_named_by_itself():
    people = pl.DataFrame({"age": [61.0, 70.0, 500.0] * 20})
    assert checked_people(people, "age", accept_errors=True)[1].errors
