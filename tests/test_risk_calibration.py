"""Calibration of risks: other software, known answers, designs, follow-up, and bad input."""

from __future__ import annotations

import numpy as np
import performance_golden as golden
import polars as pl
import pytest
from test_decision_curve import ALONE, DEATH, FOLLOWED, sample

from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.risk import risk_calibration
from osteo_epi.survey import ReplicateDesign, SurveyDesign

CALIBRATION = [name for name in golden.RECORDS if "valprob" in name or ".calib" in name]


def calibrated(people: pl.DataFrame, **options):
    given = {"risk": "risk", "outcome": "y", "design": "srs"} | options
    return risk_calibration(people, **given)


@pytest.mark.parametrize("record", CALIBRATION)
def test_other_software_gives_the_same_calibration(record):
    assert golden.faults(record, golden.RECORDS[record]["result"]) == []


def test_errors_of_a_unit_sample_are_close_to_those_of_the_likelihood():
    people = sample(2000)
    own = calibrated(people)
    units = calibrated(people.with_columns(u=pl.int_range(2000)), design=SurveyDesign(psu="u"))
    for name in ("intercept", "slope", "recalibration_intercept"):
        assert own.measures[name].estimate == pytest.approx(units.measures[name].estimate)
        assert own.measures[name].se == pytest.approx(units.measures[name].se, rel=0.05)
    assert own.intercept.compatible_with(0)
    assert own.slope.compatible_with(1)
    assert own.ici.estimate < 0.05


def test_risks_that_are_too_extreme_have_a_slope_below_one():
    logit = (pl.col("risk") / (1 - pl.col("risk"))).log()
    people = sample(2000).with_columns(risk=1 / (1 + (-2 * logit).exp()))
    result = calibrated(people)
    assert result.slope.upper < 0.7
    assert result.ici.estimate > 0.05


@pytest.mark.parametrize("given", [{}, {"outcome": None, **FOLLOWED, **DEATH}])
def test_a_jackknife_gives_the_linearised_errors(given):
    people, n = sample(), 240
    without = np.where(np.eye(n, dtype=bool), 0.0, n / (n - 1))
    names = [f"r{i}" for i in range(n)]
    frame = people.with_columns(pl.DataFrame(without, schema=names), one=pl.lit(1.0))
    linear = calibrated(
        frame.with_columns(u=pl.int_range(n)), design=SurveyDesign(psu="u"), **given
    )
    jackknife = calibrated(frame, design=ReplicateDesign("one", tuple(names), kind="JK1"), **given)
    for name, measure in linear.measures.items():
        assert jackknife.measures[name].estimate == pytest.approx(measure.estimate, rel=1e-8)
        if measure.se is not None:
            assert jackknife.measures[name].se == pytest.approx(measure.se, rel=0.1)


@pytest.mark.parametrize("given", [{}, {"outcome": None, **ALONE}])
def test_a_weight_of_two_is_two_people(given):
    people = sample(120).with_columns(w=pl.Series([1.0, 2.0] * 60))
    twice = pl.concat([people, people.filter(pl.col("w") == 2)])
    one = calibrated(people, design=SurveyDesign(weight="w"), **given)
    two = calibrated(twice, **given)
    for name in ("observed_expected", "intercept", "slope"):
        assert one.measures[name].estimate == pytest.approx(two.measures[name].estimate, rel=1e-9)
    assert one.tests.is_empty()


def test_true_risks_are_within_the_band_and_the_groups_hold_everybody():
    result = calibrated(sample(3000), groups=5)
    inside = (pl.col("lower") <= pl.col("risk")) & (pl.col("risk") <= pl.col("upper"))
    assert result.curve.select(inside.mean()).item() > 0.9
    assert result.groups["n"].to_list() == [600] * 5
    assert result.groups["n_events"].sum() == result.n_events
    assert result.distribution["share"].sum() == pytest.approx(1)
    assert not any("flexible curve wants" in note for note in result.notes)


def test_pseudo_values_without_censoring_are_the_outcome():
    people = sample().with_columns(
        years=pl.when("y").then(2.0).otherwise(9.0), status=pl.when("y").then(1).otherwise(0)
    )
    by_time = calibrated(people, outcome=None, **FOLLOWED)
    known = calibrated(people)
    for name in ("observed", "expected", "observed_expected"):
        assert by_time.measures[name].estimate == pytest.approx(known.measures[name].estimate)
    assert by_time.n_events == known.n_events
    assert (by_time.link, known.link) == ("cloglog", "logit")


def test_few_different_risks_have_groups_and_no_curve():
    result = calibrated(sample().with_columns(risk=pl.when("y").then(0.2).otherwise(0.3)).head(60)
                        .with_columns(y=pl.Series([True, False, False] * 20)))  # fmt: skip
    assert result.curve.is_empty()
    assert "ici" not in result.measures
    assert any("too few different risks" in note for note in result.notes)
    assert any("part into 2 groups, not 10" in note for note in result.notes)
    with pytest.raises(AttributeError):
        _ = result.ici


def test_the_weakness_of_hosmer_and_lemeshow_stands_beside_it():
    result = calibrated(sample())
    assert result.tests["test"].str.contains("Hosmer").sum() == 2
    assert any("mostly how many people there are" in note for note in result.notes)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pl.lit(0.2), "is the same in all 240 people"),
        (pl.col("risk").round(0), "are exactly 0 or 1"),
        (100 * pl.col("risk"), "divide by 100"),
    ],
)
def test_what_cannot_be_held_against_an_outcome_is_refused(column, words):
    with pytest.raises(SchemaError, match=words):
        calibrated(sample().with_columns(risk=column))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": 1}, "groups=1"),
        ({"curve": "loess"}, "curve='loess'"),
        ({"knots": 7}, "knots=7"),
        ({"curve": "lowess", "design": SurveyDesign(weight="w")}, "drawn one by one"),
    ],
)
def test_an_argument_that_is_none_is_refused(options, words):
    with pytest.raises(DefinitionError, match=words):
        calibrated(sample(), **options)


def test_a_risk_that_parts_people_does_not_converge():
    people = sample().with_columns(y=pl.col("risk") > 0.3)
    with pytest.raises(DesignError, match="did not converge"):
        calibrated(people)


def test_a_design_without_degrees_of_freedom_has_estimates_and_no_limits():
    rng = np.random.default_rng(4)
    risk = rng.uniform(0.1, 0.9, 120)
    people = pl.DataFrame({"risk": risk, "y": rng.random(120) < risk, "w": np.tile([1.0, 2], 60),
                           "unit": np.arange(120) // 20})  # fmt: skip
    design = SurveyDesign(weight="w", stratum="unit", psu="unit", lonely="adjust")
    result = risk_calibration(people, risk="risk", outcome="y", design=design)
    ratio = result.observed_expected
    assert ratio.estimate == pytest.approx(result.observed.estimate / result.expected.estimate)
    assert np.isnan(ratio.lower)
    assert any("no degrees of freedom" in note for note in result.notes)
