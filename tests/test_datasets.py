"""The data that come with the toolkit: simulated and saying so, and what their README says."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import osteo_epi as oe

DATA = Path(__file__).parents[1] / "data"


def test_the_files_are_what_their_script_makes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(DATA)
    import make_synthetic

    monkeypatch.setattr(make_synthetic, "HERE", tmp_path)
    make_synthetic.main()
    for made in sorted(tmp_path.iterdir()):
        assert made.read_bytes() == (DATA / made.name).read_bytes(), made.name


@pytest.mark.parametrize("people", [oe.datasets.clinic, oe.datasets.survey, oe.datasets.follow_up])
def test_people_say_in_every_row_and_in_their_label_that_they_are_simulated(people):
    cohort = people()
    (column,) = {"模拟数据", "synthetic"} & set(cohort.columns)
    assert cohort[column].cast(pl.String).is_in(["是", "true"]).all()
    assert "SIMULATED" in repr(cohort)
    assert cohort.findings.errors.codes == ()


def test_the_survey_carries_a_design_whose_weights_and_units_matter():
    people = oe.datasets.survey()
    design = oe.SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu")
    definition = oe.definition("china_2020", reference="nhanes3_white_female", sex_rule="female")
    rows = oe.prevalence(people, definition, design=design).to_frame()
    crude = rows.filter(statistic="crude", **{"class": "osteoporosis"}).row(0, named=True)
    assert crude["df"] == 32 - 8
    assert crude["deff"] > 1.2
    # Older people have more places than their share.
    weighted = (people["age"] * people["survey_weight"]).sum() / people["survey_weight"].sum()
    assert people["age"].mean() > weighted + 5


def test_a_follow_up_holds_the_gradient_that_it_was_drawn_from():
    people = oe.datasets.follow_up()
    assert not (people["fracture"] & people["death"]).any()
    assert people["follow_up_years"].is_between(0, 13, closed="right").all()
    profile = oe.norms.load("simulation", "china_2010").data
    ratio = oe.risk.hazard_ratios(
        people, time="follow_up_years", event="fracture", competing="death",
        exposures="vbmd_lumbar_spine", adjust=["age", "sex"],
        per_sd=profile["solved"]["qct_sd"]["female"],
    )["vbmd_lumbar_spine"]  # fmt: skip
    assert ratio.lower < profile["follow_up"]["relative_risk_per_sd"] < ratio.upper


def test_the_clinical_risk_is_of_the_size_that_people_have():
    result = oe.risk.risk_calibration(
        oe.datasets.follow_up(), risk="clinical_risk", time="follow_up_years", event="fracture",
        competing="death", at=10,
    )  # fmt: skip
    assert result.observed_expected.lower < 1 < result.observed_expected.upper
