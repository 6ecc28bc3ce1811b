"""What a classification says beside the class: assumptions, contradictions, other grounds."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.diagnosis import classification_findings, classify, definition
from osteo_epi.findings import Finding

RULES = definition("china_2020", reference="nhanes3_white")
WOMEN = pl.DataFrame(
    {
        "age": [48.0, 48.0, 48.0, 66.0, 66.0],
        "sex": ["female"] * 5,
        "postmenopausal": [False, True, None, None, None],
        "menopause_age": [45.0, 45.0, 50.0, 51.0, None],
        "abmd_lumbar_spine": [0.9] * 5,
        "abmd_femoral_neck": [0.7] * 5,
        "abmd_total_hip": [0.8] * 5,
    }
)


def finding(people: pl.DataFrame, code: str, rules=RULES) -> Finding | None:
    """The finding of a code about people classified by a definition, or None."""
    findings = classification_findings(classify(people, rules), rules)
    of_code = [found for found in findings if found.code == code]
    assert len(of_code) < 2, "one finding says it"
    return of_code[0] if of_code else None


def test_women_taken_as_postmenopausal_by_age_alone_are_counted() -> None:
    said = finding(WOMEN, "menopause_taken_from_age")
    assert said is not None
    assert said.n == 1
    assert said.message.startswith("1 of 5 women")
    assert "--menopause-unknown unknown" in said.fix


@pytest.mark.parametrize(
    "rules",
    [
        definition("china_2020", reference="nhanes3_white", menopause_unknown="unknown"),
        definition("nchs_bone_2021"),
    ],
    ids=["not taken from age", "women are judged by age"],
)
def test_nothing_is_said_of_menopause_where_nothing_is_assumed(rules) -> None:
    assert finding(WOMEN, "menopause_taken_from_age", rules) is None


def test_a_state_of_menopause_against_its_age_is_a_finding() -> None:
    """Stated premenopausal with a menopause at 45 behind her; and one still to come."""
    said = finding(WOMEN, "menopause_contradictory")
    assert said is not None
    assert said.n == 2
    assert said.column == "postmenopausal, menopause_age"
    assert WOMEN.filter(said.where)["menopause_age"].to_list() == [45.0, 50.0]


def test_men_have_no_menopause_to_contradict() -> None:
    men = WOMEN.with_columns(pl.lit("male").alias("sex"))
    assert finding(men, "menopause_contradictory") is None


def test_a_volumetric_density_of_zero_is_counted_and_a_negative_one_is_not() -> None:
    people = pl.DataFrame(
        {"age": [84.0] * 3, "sex": ["male"] * 3, "vbmd_l1": [-5.2, 0.0, 70.0], "vbmd_l2": [3.1] * 3}
    )
    said = finding(people, "vbmd_zero")
    assert said is not None
    assert (said.n, said.column) == (1, "vbmd_l1, vbmd_l2")
    assert people.filter(said.where).height == 1
