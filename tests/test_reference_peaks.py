"""The ways to choose young adults, side by side: means, cut-offs, errors, implied prevalence."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import SchemaError
from osteo_epi.reference import peaks

ROI = "femoral_neck"


@pytest.fixture(scope="module")
def people():
    return oe.simulate(12_000, seed=4)


@pytest.fixture(scope="module")
def table(people) -> pl.DataFrame:
    return peaks(people, roi=ROI, target=people).to_frame()


def test_decades_give_the_young_adult_reference_of_the_same_ages(people, table):
    for way, ages in (("20–29 years", (20, 29)), ("20–39 years", (20, 39))):
        own = oe.young_adult_reference(people, ages=ages, rois=(ROI,))
        for row in table.filter(pl.col("way") == way).to_dicts():
            value = own.mean_sd(row["sex"], ROI)
            assert (row["n"], row["mean"], row["sd"]) == (
                value.n, pytest.approx(value.mean), pytest.approx(value.sd)
            )  # fmt: skip
            assert row["cut_off"] == pytest.approx(value.mean - 2.5 * value.sd)


def test_the_error_of_a_cut_off_is_that_of_normal_people(table):
    """Linearised over a simple random sample, near SD √(1/n + 2.5²/(2(n − 1)))."""
    for row in table.filter(pl.col("way") == "20–39 years").to_dicts():
        expected = row["sd"] * np.sqrt(1 / row["n"] + 2.5**2 / (2 * (row["n"] - 1)))
        assert row["cut_off_se"] == pytest.approx(expected, rel=0.05)
        reach = (row["cut_off_upper"] - row["cut_off_lower"]) / 2
        assert reach == pytest.approx(1.959964 * row["cut_off_se"])


def test_the_implied_prevalence_is_that_of_the_definition_engine(people, table):
    for row in table.filter(pl.col("way") == "20–29 years").to_dicts():
        own = oe.young_adult_reference(people, ages=(20, 29), rois=(ROI,))
        rules = oe.definition("nchs_bone_2021", reference=own, sites=[ROI], sex_rule="own_sex")
        women_and_men = oe.prevalence(people, rules, by="sex", classes=["osteoporosis"])
        crude = women_and_men.to_frame().filter(
            pl.col("statistic") == "crude", pl.col("sex") == row["sex"]
        )
        assert row["prevalence"] == pytest.approx(crude["estimate"][0])


def test_the_difference_between_two_ways_varies_less_than_their_prevalences(people):
    """Both cut-offs rest on overlapping young adults; 40 samples show whether the limits hold."""
    differences, widths = [], []
    for seed in range(40):
        some = people.frame.sample(3000, seed=seed)
        rows = peaks(some, roi=ROI, target=people).to_frame()
        row = rows.filter(pl.col("way") == "20–39 years", pl.col("sex") == "female").row(
            0, named=True
        )
        differences.append(row["difference"])
        widths.append((row["difference_upper"] - row["difference_lower"]) / 2 / 1.959964)
    assert np.std(differences) == pytest.approx(np.mean(widths), rel=0.35)


def test_weights_of_the_people_are_taken(people):
    frame = people.frame.with_columns(survey_weight=pl.when(pl.col("age") < 25).then(9.0)
                                      .otherwise(1.0))  # fmt: skip
    weighted = peaks(frame, roi=ROI)
    assert "survey_weight" in weighted.design
    plain = peaks(frame, roi=ROI, design="srs").to_frame()
    assert weighted.to_frame()["mean"][0] != plain["mean"][0]


def test_bad_input_is_told_in_its_own_words(people):
    with pytest.raises(SchemaError, match="abmd_trochanter_of_nobody"):
        peaks(people, roi="trochanter_of_nobody")
    old = people.frame.filter(pl.col("age") >= 55)
    with pytest.raises(SchemaError, match="none between 20 and 49"):
        peaks(old, roi=ROI)
