"""A cohort's own design is used and named; half of one is refused; "srs" says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from osteo_epi.cohort import columns_stated, read, recognised_design, recognised_weight
from osteo_epi.datasets import survey
from osteo_epi.diagnosis import definition, young_adult_reference
from osteo_epi.errors import DesignError
from osteo_epi.population import (
    bmd_by_age,
    decompose_difference,
    definition_grid,
    prevalence,
    prevalence_trend,
)
from osteo_epi.reference import Constant, Polynomial, fit_curve
from osteo_epi.report import run
from osteo_epi.survey import SurveyDesign
from osteo_epi.tables import table_one

DESIGN = SurveyDesign("survey_weight", "stratum", "psu")
NCHS = definition("nchs_bone_2021")


def sampled(n: int = 240) -> pl.DataFrame:
    """People of a survey: weights, strata and units as the codebook calls them."""
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "age": np.resize([25.0, 31.0, 55.0, 68.0, 72.0], n),
            "sex": np.resize(["female", "male"], n),
            "cycle": np.resize(["2006", "2006", "2008"], n),
            "abmd_femoral_neck": rng.normal(0.72, 0.13, n).round(3),
            "abmd_lumbar_spine": rng.normal(0.95, 0.16, n).round(3),
            "survey_weight": rng.uniform(500.0, 9000.0, n).round(1),
            "stratum": np.resize([1, 2, 3], n),
            "psu": np.resize([1, 1, 1, 2, 2, 2], n),
        }
    )


PEOPLE = sampled()


def test_nhanes_women_by_their_design(shared: Path) -> None:
    """18.3 % by weights, strata and units; 19.4 % when each person counts alike."""
    people = read(shared / "data" / "nhanes" / "2017-2018", source="nhanes")
    shown = {}
    for how in (None, "srs"):
        rows = prevalence(people, NCHS, by="sex", classes=["osteoporosis"], design=how).to_frame()
        women = rows.filter(statistic="crude", sex="female")
        shown[how] = round(100 * women["estimate"].item(), 1)
    assert shown == {None: 18.3, "srs": 19.4}


def test_a_result_names_the_design_that_it_took() -> None:
    by_name = prevalence(PEOPLE, NCHS)
    assert by_name.design == str(DESIGN)
    assert any("survey_weight, stratum, psu" in n and 'design="srs"' in n for n in by_name.notes)
    stated = prevalence(PEOPLE, NCHS, design=DESIGN)
    assert_frame_equal(by_name.to_frame(), stated.to_frame())
    assert not any("recognised" in note for note in stated.notes)
    assert prevalence(PEOPLE, NCHS, design="srs").design == "simple random sample"


def test_replicate_weights_and_probabilities_are_not_passed_over() -> None:
    """Weights beside them were taken for a simple random sample's, and equal ones for the survey's.

    Four repeats of a blood sugar are no replicates.
    """
    people = PEOPLE.select("age", "sex", "survey_weight")
    beside = ["repwt1", "repwt2", "repwt3", "repwt4", "fpc", "bs1", "bs2", "bs3", "bs4"]
    columns = {name: pl.col("survey_weight") * 2 for name in beside}
    notes = recognised_design(people.with_columns(**columns)).notes
    assert [note.partition(", and nothing uses")[0] for note in notes[1:]] == [
        "repwt1, repwt2, repwt3, repwt4 look like replicate weights",
        "fpc looks like the size of a finite population",
    ]
    (note,) = recognised_design(PEOPLE.select("age", sampling_probability=0.01)).notes
    assert "probabilities of being sampled" in note


OTHER = definition("nchs_bone_2021", sites=["femoral_neck"])
ESTIMATES: dict[str, Any] = {
    "grid": lambda people, **how: definition_grid(people, [NCHS, OTHER], **how),
    "trend": lambda people, **how: prevalence_trend(people, NCHS, **how),
    "split": lambda people, **how: decompose_difference(people, NCHS, OTHER, **how),
}


@pytest.mark.parametrize("name", ESTIMATES)
def test_every_estimate_takes_it(name: str) -> None:
    estimate = ESTIMATES[name]
    by_name, stated = estimate(PEOPLE), estimate(PEOPLE, design=DESIGN)
    assert_frame_equal(by_name.to_frame(), stated.to_frame())
    assert by_name.design == stated.design == str(DESIGN)
    assert any("recognised" in note for note in by_name.notes)
    assert estimate(PEOPLE, design="srs").design == "simple random sample"


def test_table_one_takes_it() -> None:
    by_name = table_one(PEOPLE, variables=["age"])
    stated = table_one(PEOPLE, variables=["age"], design=DESIGN)
    assert_frame_equal(by_name.values, stated.values)
    assert f"Survey design: {DESIGN}." in by_name.notes
    plain = table_one(PEOPLE.drop("survey_weight", "stratum", "psu"), variables=["age"])
    assert table_one(PEOPLE, variables=["age"], design="srs").values.equals(plain.values)


def test_a_reference_of_the_people_takes_their_weights() -> None:
    choices: dict[str, Any] = {"rois": ("femoral_neck",), "least": 2}
    by_name = young_adult_reference(PEOPLE, **choices)
    assert by_name.weight == "survey_weight"
    equal = young_adult_reference(PEOPLE, weight="equal", **choices)
    plain = young_adult_reference(PEOPLE.drop("survey_weight", "stratum", "psu"), **choices)
    assert equal.weight is None
    assert equal.entries == plain.entries != by_name.entries


def test_curves_take_the_weights() -> None:
    by_name = bmd_by_age(PEOPLE, NCHS, width=20)
    assert by_name.equals(bmd_by_age(PEOPLE, NCHS, weight="survey_weight", width=20))
    assert not by_name.equals(bmd_by_age(PEOPLE, NCHS, weight="equal", width=20))


def test_a_curve_by_age_takes_the_weights() -> None:
    how: dict[str, Any] = {"mu": Polynomial(1), "sigma": Constant(), "family": "normal"}
    by_name = fit_curve(PEOPLE, "abmd_femoral_neck", **how)
    stated = fit_curve(PEOPLE, "abmd_femoral_neck", weight="survey_weight", **how)
    equal = fit_curve(PEOPLE, "abmd_femoral_neck", weight="equal", **how)
    ages = [30.0, 60.0]
    assert_frame_equal(by_name.centiles(ages), stated.centiles(ages))
    assert equal.weight is None
    assert not equal.centiles(ages).equals(stated.centiles(ages))


def test_columns_without_values_are_no_design() -> None:
    empty = PEOPLE.with_columns(pl.lit(None).alias(c) for c in DESIGN.columns)
    assert recognised_design(empty).design == SurveyDesign()
    assert recognised_weight(empty) is None


HALVES = {
    # KNHANES as it comes: its units alone have a name that is known.
    "units alone": {"survey_weight": "wt_itvex", "stratum": "kstrata"},
    "no name known": {"survey_weight": "wt_itvex", "stratum": "kstrata", "psu": "primary"},
}


@pytest.mark.parametrize("renamed", HALVES.values(), ids=HALVES)
def test_half_a_design_is_refused_and_its_columns_named(renamed: dict[str, str]) -> None:
    people = PEOPLE.rename(renamed)
    with pytest.raises(DesignError, match="half a survey design") as error:
        prevalence(people, NCHS)
    message = str(error.value)
    assert "wt_itvex looks like weights" in message
    assert "kstrata looks like strata" in message
    assert 'SurveyDesign(weight="wt_itvex", stratum="kstrata"' in message
    assert "--weight wt_itvex --stratum kstrata" in message
    assert 'design="srs"' in message
    assert "--no-design" in message
    units = renamed.get("psu", "psu")
    stated = prevalence(people, NCHS, design=SurveyDesign("wt_itvex", "kstrata", units))
    columns = ["estimate", "se", "lower", "upper"]
    usual = prevalence(PEOPLE, NCHS).to_frame()
    assert_frame_equal(stated.to_frame().select(columns), usual.select(columns))
    with pytest.raises(DesignError, match="half a survey design") as error:
        young_adult_reference(people, rois=("femoral_neck",), least=2)
    # It takes weights and no design, and so do its words.
    assert "design=" not in str(error.value)
    assert 'weight="wt_itvex"' in str(error.value)
    assert young_adult_reference(people, rois=("femoral_neck",), least=2, weight="wt_itvex")


def test_units_alone_without_anything_like_weights() -> None:
    people = PEOPLE.drop("survey_weight", "stratum")
    with pytest.raises(DesignError, match="no column looks like weights") as error:
        prevalence(people, NCHS)
    assert 'SurveyDesign(weight="…", psu="psu")' in str(error.value)
    assert prevalence(people, NCHS, design=SurveyDesign(psu="psu")).design.startswith("equal")
    assert recognised_design(people, psu="psu").design == SurveyDesign(psu="psu")


def test_weights_of_two_values_are_weights_where_the_name_says_so() -> None:
    two = pl.Series(np.resize([1.0, 9.0], PEOPLE.height))
    with pytest.raises(DesignError, match="wt_itvex looks like weights"):
        prevalence(PEOPLE.drop("survey_weight").with_columns(wt_itvex=two), NCHS)
    with pytest.raises(DesignError, match="no column looks like weights"):
        prevalence(PEOPLE.drop("survey_weight").with_columns(overweight=two), NCHS)


def test_the_weight_of_the_body_is_no_weight_of_a_survey() -> None:
    n = PEOPLE.height
    body = PEOPLE.drop("survey_weight", "stratum", "psu").with_columns(
        weight=pl.Series(np.linspace(45.0, 95.0, n)),
        birth_weight=pl.Series(np.linspace(2400.0, 4100.0, n)),
        HE_wt=pl.Series(np.linspace(45.0, 95.0, n)),
        age_strata=pl.Series(np.resize(["young", "old"], n)),
    )
    by_name = recognised_design(body)
    assert by_name.design == SurveyDesign()
    assert by_name.notes == ()


def test_weights_alone_are_a_design_and_what_may_complete_it_is_said() -> None:
    by_name = recognised_design(PEOPLE.rename({"stratum": "kstrata"}).drop("psu"))
    assert by_name.design == SurveyDesign("survey_weight")
    assert any("kstrata looks like strata" in note for note in by_name.notes)


def test_a_design_is_one_of_three_things() -> None:
    with pytest.raises(DesignError, match="'srs' or None"):
        prevalence(PEOPLE, NCHS, design="simple")


def test_a_design_is_named_as_the_file_names_it(tmp_path: Path) -> None:
    headings = {"survey_weight": "WTMEC2YR", "stratum": "SDMVSTRA", "psu": "SDMVPSU"}
    survey().frame.drop("device_maker", "device").rename(headings).write_csv(tmp_path / "a.csv")
    how = {"reference": "zhang_2007", "weight": "WTMEC2YR", "stratum": "SDMVSTRA"}
    found = run(tmp_path / "a.csv", psu="SDMVPSU", **how).prevalence
    assert found.equals(run(tmp_path / "a.csv", reference="zhang_2007").prevalence)


def test_what_may_be_the_weight_of_the_body_is_none_of_a_survey_until_it_is_said() -> None:
    people = read(
        {"age": [61.0, 70.0], "sex": ["F", "M"], "wt": [58.0, 71.0], "height": [160, 170]}
    )
    assert "weight" in people.columns
    with pytest.raises(DesignError, match="--map wt=survey_weight"):
        columns_stated(people, weight="wt")
