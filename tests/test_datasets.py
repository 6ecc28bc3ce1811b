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


@pytest.mark.parametrize("people", [oe.datasets.clinic, oe.datasets.survey])
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
