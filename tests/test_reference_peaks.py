"""The ways to choose young adults, side by side: means, cut-offs, errors, implied prevalence."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.reference import peaks
from osteo_epi.survey import ReplicateDesign, SurveyDesign, bootstrap_replicates

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


def test_the_formula_of_the_error_of_a_cut_off_is_that_of_10_000_samples():
    """SD √(1/n + 2.5²/(2(n − 1))), of normal young adults."""
    rng = np.random.default_rng(1)
    for n in (30, 200):
        y = rng.normal(0.9, 0.12, (10_000, n))
        cut_offs = y.mean(axis=1) - 2.5 * y.std(axis=1, ddof=1)
        formula = 0.12 * np.sqrt(1 / n + 2.5**2 / (2 * (n - 1)))
        assert cut_offs.std() == pytest.approx(formula, rel=0.03)


@pytest.fixture(scope="module")
def drawn_anew(people) -> pl.DataFrame:
    result = peaks(people, roi=ROI, target=people, method="bootstrap", replicates=100, seed=3)
    assert result.method == "bootstrap"
    # Each of 100 samples has a fit: what is said is of the ages alone.
    assert all("looked for" in note for note in result.notes)
    return result.to_frame()


def test_a_bootstrap_gives_the_errors_of_all_ways(table, drawn_anew):
    given = ["sex", "way", "n", "mean", "sd", "cut_off", "prevalence", "difference"]
    assert drawn_anew.select(given).equals(table.select(given))
    both = table.join(drawn_anew, on=["sex", "way"], suffix="_again")
    fixed = pl.col("way").is_in(["20–29 years", "20–39 years"])
    for name in ("mean_se", "sd_se", "cut_off_se"):
        ratio = both.filter(fixed).select(pl.col(f"{name}_again") / pl.col(name)).to_series()
        assert ratio.is_between(0.75, 1.3).all()
    # Of the curve, the delta method holds the bias of smoothing too, and the bootstrap its choice.
    chosen = both.filter(~fixed).select(pl.col("cut_off_se_again") / pl.col("cut_off_se"))
    assert chosen.to_series().is_between(0.5, 2).all()


def test_a_bootstrap_gives_the_difference_of_prevalences_limits_for_every_way(table, drawn_anew):
    others = drawn_anew.filter(pl.col("way") != "20–29 years")
    assert others["difference_lower"].null_count() == 0
    reach = pl.col("difference_upper") - pl.col("difference_lower")
    wide = pl.col("way") == "20–39 years"
    ours, theirs = (each.filter(wide).select(reach).to_series() for each in (drawn_anew, table))
    assert (ours / theirs).is_between(0.7, 1.4).all()


def test_replicate_weights_are_taken_with_the_survey_s_own_formula(people):
    frame = people.frame.with_columns(one=1.0, unit=pl.int_range(pl.len()) // 20)
    units = SurveyDesign("one", psu="unit")
    made = bootstrap_replicates(units.arrays(frame), seed=7, n_replicates=80).to_frame("rw")
    design = ReplicateDesign("one", "rw", kind="bootstrap")
    found = peaks(frame.hstack(made), roi=ROI, design=design)
    assert found.method == "replicates"
    linear = peaks(frame, roi=ROI, design=units).to_frame()
    ratio = found.to_frame()["cut_off_se"][0] / linear["cut_off_se"][0]
    assert 0.75 < ratio < 1.3
    few = ReplicateDesign("one", ("rw1", "rw2", "rw3"), kind="bootstrap")
    with pytest.raises(DesignError, match="3 replicate weights"):
        peaks(frame.hstack(made), roi=ROI, design=few)
    with pytest.raises(DesignError, match="read by method='replicates'"):
        peaks(frame.hstack(made), roi=ROI, design=design, method="delta")


def test_weights_of_the_people_are_taken(people):
    frame = people.frame.with_columns(survey_weight=pl.when(pl.col("age") < 25).then(9.0)
                                      .otherwise(1.0))  # fmt: skip
    weighted = peaks(frame, roi=ROI)
    assert "survey_weight" in weighted.design
    plain = peaks(frame, roi=ROI, design="srs").to_frame()
    assert weighted.to_frame()["mean"][0] != plain["mean"][0]


def test_limits_over_few_units_are_students(people):
    frame = people.frame.with_columns(
        stratum=pl.int_range(pl.len()) % 3, psu=pl.int_range(pl.len()) % 6
    )
    design = SurveyDesign(stratum="stratum", psu="psu")
    for row in peaks(frame, roi=ROI, design=design).to_frame().to_dicts():
        reach = (row["cut_off_upper"] - row["cut_off_lower"]) / 2
        assert reach == pytest.approx(3.182446 * row["cut_off_se"])


def test_people_of_the_target_without_a_weight_do_not_count(people, table):
    none = pl.when(pl.int_range(pl.len()) % 10 > 0).then(1.0)
    target = people.frame.with_columns(survey_weight=none)
    kept = peaks(people, roi=ROI, target=target).to_frame()["prevalence"]
    assert kept.is_finite().all()
    same = peaks(people, roi=ROI, target=target.filter(pl.col("survey_weight") > 0)).to_frame()
    assert kept.to_list() == same["prevalence"].to_list()


def test_a_sex_or_way_that_is_not_there_is_said(people):
    older = people.frame.filter((pl.col("sex") == "male") & (pl.col("age") >= 30))
    notes = " ".join(peaks(older, roi=ROI, target=people).notes)
    assert "nobody with a density is female" in notes
    assert "male: fewer than 30 people for 20–29 years" in notes
    assert "differences are from 20–39 years" in notes
    coded = people.frame.with_columns(sex=pl.col("sex").cast(pl.String).str.head(1))
    with pytest.raises(SchemaError, match="values other than female, male"):
        peaks(coded, roi=ROI)


def test_bad_input_is_told_in_its_own_words(people):
    with pytest.raises(SchemaError, match="abmd_trochanter_of_nobody"):
        peaks(people, roi="trochanter_of_nobody")
    old = people.frame.filter(pl.col("age") >= 55)
    with pytest.raises(SchemaError, match="none between 20 and 49"):
        peaks(old, roi=ROI)


def of_ages(first: int, last: int, slope: float = -0.003) -> pl.DataFrame:
    """Women, 40 of each age, whose density changes by so much a year."""
    age = np.repeat(np.arange(first, last + 1), 40).astype(float)
    noise = np.random.default_rng(2).normal(0, 0.1, len(age))
    return pl.DataFrame(
        {"age": age, "sex": "female", "abmd_femoral_neck": 1.0 + slope * (age - 20) + noise}
    )


@pytest.mark.parametrize(
    ("ages", "slope", "starts", "word"),
    [((40, 70), -0.003, (40, 40), "first"), ((20, 44), 0.004, (39, 40), "last")],
)
def test_a_peak_at_an_end_of_the_people_is_said_and_no_band_lies_past_them(
    ages, slope, starts, word
):
    result = peaks(of_ages(*ages, slope=slope), roi=ROI)
    table = {row["way"]: row for row in result.to_frame().to_dicts()}
    assert table["best five years"]["first"] == starts[1]
    assert table["peak ± 5 years"]["first"] == starts[0]
    assert table["peak ± 5 years"]["last"] <= ages[1]
    said = [note for note in result.notes if f"the {word} age of these people" in note]
    assert len(said) == 1
    assert "peak ± 5 years, best five years, maximum of the curve" in said[0]


def test_a_decade_of_which_people_lack_is_said_with_the_ages_that_there_are():
    notes = " ".join(peaks(of_ages(28, 60), roi=ROI).notes)
    assert "20–29 years, 20–39 years: these people are of 28–60 years" in notes
    inner = " ".join(peaks(of_ages(20, 60), roi=ROI).notes)
    assert "are a part of those ages" not in inner
