"""`Weight (kg)` and `wt`: the body's and the survey's, and no stop for what nothing reads."""

from __future__ import annotations

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import SchemaError

KG = [51.4, 45.9, 73.6, 64.0, 58.2, 80.1]
SAMPLE = [812.5, 1400.0, 95.0, 60.0, 2210.0, 48.0]


def read(**columns: list[float]):
    frame = pl.DataFrame({"Age": [61, 70, 66, 58, 81, 72], "Femoral neck BMD": [0.7] * 6})
    return oe.read(frame.with_columns(pl.Series(k, v) for k, v in columns.items()))


@pytest.mark.parametrize("bare", ["wt", "weight", "WT"])
def test_a_bare_weight_beside_that_of_the_body_is_the_survey_s(bare):
    people = read(**{"Weight (kg)": KG, bare: SAMPLE})
    assert people["weight"].to_list() == KG
    assert people["survey_weight"].to_list() == SAMPLE
    (said,) = people.findings.of("assumed_heading")
    assert said.column == bare
    assert "'Weight (kg)'" in said.message
    assert said.severity == "warning"


def test_beside_strata_or_units_it_is_the_survey_s_where_it_is_no_kilograms():
    people = read(wt=SAMPLE, strata=[1, 1, 1, 2, 2, 2])
    assert people["survey_weight"].to_list() == SAMPLE
    assert "weight" not in people.columns
    body = read(wt=KG, strata=[1, 1, 1, 2, 2, 2])
    assert body["weight"].to_list() == KG
    assert "survey_weight" not in body.columns


def test_alone_it_is_the_body_s():
    assert read(wt=KG)["weight"].to_list() == KG


def test_beside_named_weights_of_the_survey_it_is_the_body_s():
    people = read(wt=KG, survey_weight=SAMPLE, psu=[1, 1, 2, 2, 3, 3])
    assert people["weight"].to_list() == KG


@pytest.mark.parametrize("factor", [1.0, 2.2046])
def test_the_same_weight_twice_is_no_survey_s_and_stops_nobody(factor):
    people = read(**{"Weight (kg)": KG, "wt": [round(x * factor, 1) for x in KG]})
    assert "survey_weight" not in people.columns
    assert "weight" not in people.columns
    (said,) = people.findings.of("column_left_out")
    assert said.column == "Weight (kg), wt"
    assert not people.findings.of("several_sides")


def test_two_columns_of_what_a_diagnosis_rests_on_are_refused():
    with pytest.raises(SchemaError, match="both mean abmd_femoral_neck; choose one") as error:
        read(**{"FN BMD": [0.7] * 6})
    assert "without a side" not in str(error.value)


def test_readings_of_two_sides_are_said_in_a_sentence():
    people = read(**{"L1-L4 BMD left": [0.7] * 6, "L1-L4 BMD": [0.8] * 6})
    (said,) = people.findings.of("several_sides")
    assert said.message.endswith("taken is the one without a side, where that is missing left")
