"""A prevalence carries the uncertainty of the calibration that its readings went through."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from osteo_epi.calibration import Correction, phantom_lines
from osteo_epi.cohort import simulate, simulate_phantom
from osteo_epi.diagnosis import definition, young_adult_reference
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.norms import YoungAdultReference
from osteo_epi.population import calibrated_prevalence, prevalence
from osteo_epi.survey import SurveyDesign

ASKED = {"classes": ["osteoporosis"], "age_bands": (50, 90)}
MEAN, SD = 0.80, 0.12


@pytest.fixture(scope="module")
def rules():
    """The femoral neck by DXA alone, against Zhang 2007 (0.927, 0.12): the cut-off is 0.627."""
    return definition(
        "china_2020", reference="zhang_2007", sites=["femoral_neck"], evidence=["dxa"]
    )


def people_of(devices: tuple[str, ...] = ("A",), n: int = 4000) -> pl.DataFrame:
    """Women whose densities are the quantiles of a normal distribution, by device."""
    bmd = MEAN + SD * stats.norm.ppf((np.arange(n) + 0.5) / n)
    frames = [
        pl.DataFrame({"abmd_femoral_neck": bmd}).with_columns(device=pl.lit(name))
        for name in devices
    ]
    return pl.concat(frames).with_columns(
        age=pl.lit(65.0), sex=pl.lit("female"), postmenopausal=pl.lit(True)
    )


def correction_of(covariance, devices: tuple[str, ...] = ("A",), df: float = 100.0) -> Correction:
    size = len(devices)
    return Correction(
        by=("device",),
        keys=tuple((name,) for name in devices),
        coefficients=np.tile([0.0, 1.0], (size, 1)),
        covariance=np.array(covariance, float),
        scale="readings of device A",
        limits=np.tile([0.0, 2.0], (size, 1)),
        df=df,
        source="a covariance given",
    )


def crude(result) -> dict:
    return result.to_frame().row(0, named=True)


# ---- worked by hand


def test_an_uncertain_shift_moves_the_density_at_the_cut_off(rules):
    """d prevalence / d shift = −φ(z)/SD at the cut-off: 0.002 g/cm² is 0.23 points."""
    sigma = 0.002
    correction = correction_of([[sigma**2, 0], [0, 0]])
    row = crude(calibrated_prevalence(people_of(), correction, rules, **ASKED))
    expected = sigma * stats.norm.pdf((0.627 - MEAN) / SD) / SD
    assert row["se_calibration"] == pytest.approx(expected, rel=0.02)
    assert row["se"] == pytest.approx(np.hypot(row["se_design"], row["se_calibration"]))


def test_an_uncertain_factor_moves_it_in_proportion_to_the_cut_off(rules):
    sigma = 0.003
    correction = correction_of([[0, 0], [0, sigma**2]])
    row = crude(calibrated_prevalence(people_of(), correction, rules, **ASKED))
    expected = 0.627 * sigma * stats.norm.pdf((0.627 - MEAN) / SD) / SD
    assert row["se_calibration"] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("shared", "factor"), [(0.0, np.sqrt(0.5)), (1.0, 1.0), (-1.0, 0.0)])
def test_how_devices_vary_together_decides(rules, shared, factor):
    """Two equal halves: independent errors average out, a shared one does not."""
    sigma = 0.002
    covariance = np.zeros((4, 4))
    covariance[::2, ::2] = sigma**2 * np.array([[1, shared], [shared, 1]])
    correction = correction_of(covariance, ("A", "B"))
    people = people_of(("A", "B"), n=2000)
    row = crude(calibrated_prevalence(people, correction, rules, **ASKED))
    single = sigma * stats.norm.pdf((0.627 - MEAN) / SD) / SD
    assert row["se_calibration"] == pytest.approx(factor * single, rel=0.03, abs=2e-5)


def test_degrees_of_freedom_and_limits(rules):
    correction = correction_of([[0.004**2, 0], [0, 0]], df=28)
    row = crude(calibrated_prevalence(people_of(), correction, rules, interval="mean", **ASKED))
    parts = np.array([row["se_design"], row["se_calibration"]]) ** 2
    df = parts.sum() ** 2 / (parts[0] ** 2 / 3999 + parts[1] ** 2 / 28)
    assert row["df"] == int(df)
    reach = stats.t.ppf(0.975, df) * row["se"]
    assert [row["lower"], row["upper"]] == pytest.approx(
        [row["estimate"] - reach, row["estimate"] + reach]
    )
    assert row["lower"] < row["lower_design"] < row["upper_design"] < row["upper"]
    p = row["estimate"]
    assert row["n_effective"] == pytest.approx(p * (1 - p) / row["se"] ** 2)


def test_a_flag_follows_the_larger_error(rules):
    """A calibration of three degrees of freedom leaves few where it is most of the error."""
    people = people_of(n=400)
    sure, unsure = (
        crude(
            calibrated_prevalence(
                people, correction_of([[error**2, 0], [0, 0]], df=3), rules, **ASKED
            )
        )
        for error in (1e-5, 0.08)
    )
    assert sure["flag"] == ""
    assert unsure["df"] < 8
    assert "df < 8" in unsure["flag"]
    assert "effective n <" in unsure["flag"]


def test_a_correction_without_error_changes_nothing(rules):
    correction = correction_of(np.zeros((2, 2)))
    found = calibrated_prevalence(people_of(n=300), correction, rules, **ASKED).to_frame()
    plain = prevalence(people_of(n=300), rules, **ASKED).to_frame()
    numbers = ["estimate", "se", "lower", "upper", "n_effective", "df", "deff", "n"]
    for name in numbers:
        assert found[name].to_list() == pytest.approx(plain[name].to_list(), rel=1e-9), name


# ---- in a survey


@pytest.fixture(scope="module")
def survey():
    people = simulate(3000, seed=8, devices="seven_centres")
    return people, phantom_lines(simulate_phantom(seed=8)).correction(to="lunar_1")


def own(made):
    """Against the study's own young adults."""
    rois = ("lumbar_spine", "femoral_neck", "total_hip", "radius_33")
    return definition("china_2020", reference=young_adult_reference(made, rois=rois))


def test_the_estimate_is_that_of_corrected_people(survey):
    people, correction = survey
    how = {"by": ["sex"], "standard": "china_2010", "classes": ["osteoporosis"]}
    how["people_affected"] = "standard"
    corrected = correction.apply(people, outside="allow")
    expected = prevalence(corrected, own(corrected), **how).to_frame()
    for made_of in (people, corrected):
        rules = own(made_of)
        none = calibrated_prevalence(people, correction, rules, uncertainty="none", **how)
        assert none.to_frame().equals(expected)
    delta = calibrated_prevalence(people, correction, rules, **how)
    rows = delta.to_frame()
    assert rows["estimate"].equals(expected["estimate"])
    assert (rows["se"] >= expected["se"]).all()
    assert rows["method"].str.contains("calibration uncertainty added by the delta method").all()
    affected = rows.filter(statistic="age_standardised", sex="female").row(0, named=True)
    size = affected["people_affected"] / affected["estimate"]
    assert affected["people_affected_upper"] == pytest.approx(size * affected["upper"])
    assert "SIMULATED" in delta.meta["label"]
    assert any("lunar_1 by phantom, 10 scans a device" in note for note in delta.notes)


def test_a_shift_that_all_share_cancels_against_the_studys_own_reference(survey):
    people, correction = survey
    shared = np.kron(np.ones((7, 7)), [[0.004**2, 0], [0, 0]])
    common = replace(correction, covariance=shared)
    how = {"by": ["sex"], "classes": ["osteoporosis"]}
    rules = own(correction.apply(people, outside="allow"))
    names = [field.name for field in fields(YoungAdultReference)]
    known = YoungAdultReference(**{name: getattr(rules.reference, name) for name in names})
    moving = crude(calibrated_prevalence(people, common, rules, **how))
    standing = crude(calibrated_prevalence(people, common, replace(rules, reference=known), **how))
    assert standing["se_calibration"] > 0.003
    assert moving["se_calibration"] < standing["se_calibration"] / 5


def test_the_interval_of_the_calibration_holds_the_truth_as_often_as_said(rules):
    """Forty phantoms, the same people: the spread of estimates is what se_calibration says."""
    people = people_of(("lunar_1", "lunar_2"), n=1500)
    estimates, errors = [], []
    for seed in range(40):
        scans = simulate_phantom(seed=seed).filter(pl.col("device").is_in(["lunar_1", "lunar_2"]))
        correction = phantom_lines(scans).correction(to="lunar_1")
        kind = "delta" if seed < 3 else "none"
        row = crude(calibrated_prevalence(people, correction, rules, uncertainty=kind, **ASKED))
        estimates.append(row["estimate"])
        errors += [row["se_calibration"]] if kind == "delta" else []
    spread = np.std(estimates, ddof=1)
    low, high = np.sqrt(39 / stats.chi2.ppf([0.995, 0.005], 39))
    assert low * spread < np.mean(errors) < high * spread


def test_a_reference_made_of_others_stands_as_it_is(survey):
    people, correction = survey
    how = {"uncertainty": "none", "by": ["sex"], "classes": ["osteoporosis"]}
    others = own(simulate(2000, seed=9))
    found = calibrated_prevalence(people, correction, others, **how).to_frame()
    corrected = correction.apply(people, outside="allow")
    assert found.equals(prevalence(corrected, others, by=["sex"], classes=["osteoporosis"]).frame)


# ---- bootstrap


def test_bootstrap_meets_the_delta_method(rules):
    correction = correction_of([[0.004**2, 0], [0, 0]])
    how = {"uncertainty": "bootstrap", "replicates": 120, "seed": 1}
    people = people_of(n=1000)
    delta = crude(calibrated_prevalence(people, correction, rules, **ASKED))
    drawn = crude(calibrated_prevalence(people, correction, rules, **how, **ASKED))
    assert drawn["se"] == pytest.approx(delta["se"], rel=0.25)
    assert drawn["lower"] < drawn["estimate"] < drawn["upper"]
    assert drawn["upper"] - drawn["lower"] == pytest.approx(
        delta["upper"] - delta["lower"], rel=0.3
    )
    assert drawn["se_calibration"] is None
    assert "120 bootstrap replicates; interval: percentiles" in drawn["method"]
    assert "Korn" not in drawn["method"]


def test_bootstrap_draws_sampling_units_and_is_repeatable(rules):
    """Ten units whose people are alike: the bootstrap's error is that of ten, not of a thousand."""
    people = people_of(n=1000).with_columns(psu=pl.int_range(pl.len()) // 100, stratum=pl.lit(1))
    design = SurveyDesign(psu="psu", stratum="stratum")
    how = {"uncertainty": "bootstrap", "replicates": 60, "seed": 3, "design": design}
    correction = correction_of([[1e-12, 0], [0, 0]])
    first = calibrated_prevalence(people, correction, rules, **how, **ASKED)
    again = calibrated_prevalence(people, correction, rules, **how, **ASKED)
    # Polars adds in any order: the last bit may differ.
    assert_frame_equal(first.to_frame(), again.to_frame(), rel_tol=1e-12)
    row = crude(first)
    assert row["se"] == pytest.approx(row["se_design"], rel=0.3)
    assert row["se"] > 3 * np.sqrt(row["estimate"] * (1 - row["estimate"]) / 1000)


def test_refusals(rules):
    correction, people = correction_of(np.eye(2) * 1e-6), people_of(n=50)
    with pytest.raises(DesignError, match="unknown uncertainty 'jackknife'"):
        calibrated_prevalence(people, correction, rules, uncertainty="jackknife", **ASKED)
    with pytest.raises(DesignError, match="needs seed="):
        calibrated_prevalence(people, correction, rules, uncertainty="bootstrap", **ASKED)
    with pytest.raises(SchemaError, match="without phantom scans"):
        calibrated_prevalence(people.with_columns(device=pl.lit("Z")), correction, rules, **ASKED)
    alone = {"design": SurveyDesign(psu="psu", lonely="adjust"), "uncertainty": "bootstrap"}
    with pytest.raises(DesignError, match="1 strata have one sampling unit"):
        calibrated_prevalence(
            people.with_columns(psu=pl.lit(1)), correction, rules, seed=1, **alone, **ASKED
        )
