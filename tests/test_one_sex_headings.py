"""Headings that ask for one sex, and codings that stand in a heading without brackets."""

from __future__ import annotations

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.cohort.conform import match

NECK = {"age": [61, 70, 55], "neck BMD": [0.7, 0.8, 0.9]}


def sexes(**columns):
    return oe.read({**NECK, **columns})


@pytest.mark.parametrize(
    ("heading", "cells"),
    [
        ("sex_male", [0, 1, 1]),
        ("male", [0.0, 1.0, 1.0]),
        ("male", ["No", "Yes", "YES"]),
        ("是否男性", ["0", "1", "1"]),
        ("女性", ["是", "否", "否"]),
        ("is_female", [True, False, False]),
        ("gender_M", [0, 1, 1]),
        ("male (1=yes, 2=no)", [2, 1, 1]),
        ("性别1男2女", [2, 1, 1]),
        ("sex_0_female_1_male", [0, 1, 1]),
        ("sex_m1_f2", [2, 1, 1]),
        ("男1女2", [2, 1, 1]),
        ("性别:1-男,2-女", [2, 1, 1]),
    ],
)
def test_what_a_heading_says_of_its_codes_is_followed(heading, cells):
    people = sexes(**{heading: cells})
    assert people["sex"].to_list() == ["female", "male", "male"]
    assert not people.findings.errors


def test_that_a_question_was_read_as_sex_is_said():
    (finding,) = sexes(male=[0, 1, 1]).findings.of("assumed_heading")
    assert finding.message.endswith("so that 0 is female, 1 is male")
    (finding,) = sexes(**{"male (1=no, 2=yes)": [1, 2, 2]}).findings.of("assumed_heading")
    assert finding.message.endswith("so that 1 is female, 2 is male")


@pytest.mark.parametrize(
    "columns",
    [
        {"male": [2, 1, 1]},  # a code that is neither yes nor no
        {"male": [0, 1, 1], "female": [0, 1, 1]},  # the two contradict each other
        {"sexo_m": [0, 1, 1]},  # mujer, or masculino
        {"m": [0, 1, 1]},
    ],
)
def test_a_riddle_is_left_to_the_caller(columns):
    assert "sex" not in sexes(**columns).columns


def test_the_proposal_is_right_when_it_is_followed():
    people = sexes(male=[2, 1, 1])
    (finding,) = people.findings.of("ambiguous_heading")
    assert "map={'male': 'sex'}" in finding.fix
    frame = {**NECK, "male": [2, 1, 1]}
    mapped = oe.read(frame, map={"male": "sex"}, sex_coding={1: "male", 2: "female"})
    assert mapped["sex"].to_list() == ["female", "male", "male"]
    alone = oe.read(frame, map={"male": "sex"})
    assert alone.findings.errors.of("not_understood")


@pytest.mark.parametrize("other", [[1, 0, 0], [0, 1, 1]])
def test_a_column_of_sex_says_it_better(other):
    people = sexes(Sex=["F", "M", "M"], male=other)
    assert people["sex"].to_list() == ["female", "male", "male"]
    assert people["male"].to_list() == other


def test_both_questions_are_one_answer():
    people = sexes(male=[0, 1, None], female=[1, 0, 0])
    assert people["sex"].to_list() == ["female", "male", None]
    assert people["female"].to_list() == [1, 0, 0]


@pytest.mark.parametrize("heading", ["bmd_l1_l2", "L1_male_2", "male nurse", "T1_male", "sex0"])
def test_what_looks_like_a_coding_and_is_none(heading):
    assert match(heading).variable != "sex"


def test_answers_are_no_headings(tmp_path):
    """Rows of people in words are not taken for a second row of headings."""
    file = tmp_path / "words.csv"
    file.write_text("编号,性别,婚姻,股骨颈骨密度\nA,男,male,未测\nB,女,female,0.7\n")
    assert oe.read(file)["sex"].to_list() == ["male", "female"]


def test_types_are_kept():
    people = sexes(male=pl.Series([0, 1, 1], dtype=pl.UInt8))
    assert people.frame.schema["sex"] == pl.Enum(["female", "male"])


def test_two_tables_merged_are_asked_which_column_counts():
    """pandas calls them age_x and age_y; y was read as a unit, so that the second table won."""
    with pytest.raises(oe.SchemaError, match="'age_x' and 'age_y' both mean age; choose one"):
        oe.read({"age_x": [61, 70], "age_y": [61, 71], "sex": ["F", "M"], "neck BMD": [0.7, 0.8]})
    same = oe.read({"age_x": [61, None], "age_y": [61, None], "sex": ["F", "M"]})
    assert same["age"].to_list() == [61.0, None]
    chosen = oe.read({"age_x": [61, 70], "age_y": [61, 71]}, map={"age_y": "age"})
    assert chosen["age"].to_list() == [61.0, 71.0]
    alone = oe.read({"age_y": [61], "sex": ["F"]})
    assert alone["age"].to_list() == [61.0]
