"""Decision curves: other software, variances by their definition, designs, and bad input."""

from __future__ import annotations

import numpy as np
import performance_golden as golden
import polars as pl
import pytest

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk import decision_curve, risk_calibration
from osteo_epi.survey import ReplicateDesign, SurveyDesign

DCA = [name for name in golden.RECORDS if "dca" in name]
DEATH = {"competing": "status", "competing_positive": 2}
FOLLOWED = {"time": "years", "event": "status", "event_positive": 1, "at": 5.0}
ALONE = FOLLOWED | {"nothing_competes": True}


def sample(n: int = 240, *, seed: int = 3) -> pl.DataFrame:
    """People of 24 units with two risks, an outcome, and a follow-up with deaths."""
    rng = np.random.default_rng(seed)
    unit = np.arange(n) % 24
    risk = 1 / (1 + np.exp(1 - rng.normal(size=n) - 0.3 * rng.normal(size=24)[unit]))
    blurred = np.clip(risk + 0.1 * rng.normal(size=n), 0.01, 0.99)
    fracture = np.ceil(rng.exponential(4 / risk)).clip(max=20) / 2
    death, left = rng.exponential(12, n), rng.uniform(3, 9, n)
    years = np.minimum(np.minimum(fracture, death), left)
    status = np.where(years == fracture, 1, np.where(years == death, 2, 0))
    return pl.DataFrame(
        {
            "risk": risk, "other": blurred, "y": rng.random(n) < risk, "years": years,
            "status": status, "t_score": np.round(-1.5 - 2 * risk + rng.normal(size=n), 1),
            "w": rng.uniform(0.5, 3.0, n), "unit": unit,
        }
    )  # fmt: skip


@pytest.mark.parametrize("record", DCA)
def test_other_software_gives_the_same_net_benefit(record):
    assert golden.faults(record, golden.RECORDS[record]["result"]) == []


@pytest.mark.parametrize("competing", [{"nothing_competes": True}, DEATH])
def test_a_variance_over_jackknife_weights_is_near_that_of_the_linearised_form(competing):
    people, n = sample(), 240
    without = np.where(np.eye(n, dtype=bool), 0.0, n / (n - 1))
    names = [f"r{i}" for i in range(n)]
    frame = people.with_columns(pl.DataFrame(without, schema=names)).with_columns(one=pl.lit(1.0))
    given = {"risks": ["risk", "other"], "thresholds": [0.2, 0.4], **FOLLOWED, **competing}
    linear = decision_curve(people, **given, design="srs")
    design = ReplicateDesign("one", tuple(names), kind="JK1")
    jackknife = decision_curve(frame, **given, design=design)
    np.testing.assert_allclose(linear.net_benefit, jackknife.net_benefit, rtol=1e-12)
    np.testing.assert_allclose(linear.se, jackknife.se, rtol=0.02)
    gaps = [curve.difference("risk", "other")["se"] for curve in (linear, jackknife)]
    np.testing.assert_allclose(*gaps, rtol=0.02)


def test_the_variance_of_treating_all_is_greenwoods():
    people = sample()
    curve = decision_curve(people, risks="risk", **ALONE, thresholds=[0.2], design="srs")
    at_risk, variance, free = len(people), 0.0, 1.0
    for time in np.unique(people["years"]):
        here = people.filter(pl.col("years") == time)
        events = int((here["status"] == 1).sum()) if time <= 5 else 0
        free *= 1 - events / at_risk
        variance += events / (at_risk * (at_risk - events))
        at_risk -= len(here)
    expected = free * np.sqrt(variance) / 0.8 * np.sqrt(240 / 239)
    assert curve.se[curve.strategies.index("treat all"), 0] == pytest.approx(expected, rel=1e-9)
    assert curve.event_share == pytest.approx(1 - free)


@pytest.mark.parametrize("given", [{"outcome": "y"}, ALONE, FOLLOWED | DEATH])
def test_a_weight_of_two_is_two_people(given):
    people = sample(120).with_columns(w=pl.Series([1.0, 2.0] * 60))
    twice = pl.concat([people, people.filter(pl.col("w") == 2)])
    asked = {"risks": ["risk", "other"], "thresholds": [0.1, 0.3], **given}
    one = decision_curve(people, **asked, design=SurveyDesign(weight="w"))
    two = decision_curve(twice, **asked, design="srs")
    np.testing.assert_allclose(one.net_benefit, two.net_benefit, rtol=1e-12)


def test_people_of_a_unit_are_not_taken_for_independent():
    people = sample()
    ten = pl.concat([people.with_columns(unit=pl.Series(range(240)))] * 10)
    given = {"risks": "risk", "outcome": "y", "thresholds": [0.3]}
    curve = decision_curve(ten, **given, design=SurveyDesign(psu="unit"))
    alone = decision_curve(people, **given, design="srs")
    np.testing.assert_allclose(curve.se, alone.se, rtol=1e-9)
    assert curve.df == 239


def test_a_stated_prevalence_takes_cases_and_controls_apart():
    people = sample()
    given = {"risks": "risk", "outcome": "y", "thresholds": [0.1, 0.3], "design": "srs"}
    own = decision_curve(people, **given)
    stated = decision_curve(people, **given, prevalence=own.event_share)
    np.testing.assert_allclose(stated.net_benefit, own.net_benefit, rtol=1e-12)
    assert (stated.se[0] < own.se[0]).all()
    assert stated.standardised("treat all")["se"].to_list() == [0, 0]


def test_tests_are_strategies_at_every_threshold():
    low = ("t_score", "(-inf, -2.5]")
    curve = decision_curve(
        sample(), risks="risk", tests=[low, ("t_score", "(-inf, -1]")], outcome="y",
        thresholds=[0.1, 0.4], design="srs",
    )  # fmt: skip
    assert curve.strategies[1:3] == ("t_score in (-inf, -2.5]", "t_score in (-inf, -1]")
    positive = (sample()["t_score"] <= -2.5) & sample()["y"]
    assert curve.true_positive[1].tolist() == [positive.sum() / 240] * 2


def test_one_test_is_named_without_a_list_and_no_risk_is_called_as_a_strategy():
    given = {"outcome": "y", "thresholds": [0.2], "design": "srs"}
    assert decision_curve(sample(), tests="y", **given).net_benefit[0, 0] == sample()["y"].mean()
    with pytest.raises(DefinitionError, match="none is called treat all or treat none"):
        decision_curve(sample().rename({"risk": "treat all"}), risks="treat all", **given)


def test_a_standardised_net_benefit_and_interventions_avoided_have_limits():
    curve = decision_curve(sample(), risks="risk", outcome="y", thresholds=[0.2], design="srs")
    share = curve.standardised("risk").row(0, named=True)
    assert share["standardised_net_benefit"] == curve.net_benefit[0, 0] / curve.event_share
    assert 0 < share["se"] < curve.se[0, 0] / curve.event_share
    avoided = curve.interventions_avoided("risk").row(0, named=True)
    gap = curve.difference("risk", "treat all").row(0, named=True)
    assert avoided["se"] == pytest.approx(4 * gap["se"])
    assert curve.difference("treat none", "treat none")["se"].to_list() == [0]


def test_curves_are_of_the_same_people_and_say_who_is_left_out():
    rows = pl.int_range(pl.len())
    people = sample().with_columns(
        risk=pl.when(rows >= 7).then("risk"), t_score=pl.when(rows < 235).then("t_score"),
    )  # fmt: skip
    given = {"risks": ["risk", "other"], "tests": [("t_score", "(-inf, -2.5]")]}
    for what in ({"outcome": "y"}, ALONE):
        curve = decision_curve(people, **given, **what, design="srs")
        assert curve.n == 228
        assert "7 of 240 people lack risk" in curve.notes
        assert "5 of 240 people lack t_score in (-inf, -2.5]" in curve.notes


def test_frax_is_in_percent():
    people = sample().with_columns(frax_major=100 * pl.col("risk"))
    given = {"outcome": "y", "thresholds": [0.2], "design": "srs"}
    frax = decision_curve(people, risks="frax_major", **given)
    own = decision_curve(people, risks="risk", **given)
    np.testing.assert_allclose(frax.net_benefit, own.net_benefit)
    assert "frax_major is in percent by the codebook: divided by 100" in frax.notes
    edge = people.with_columns(frax_major=pl.lit(20.0))
    assert decision_curve(edge, risks="frax_major", **given).true_positive[0, 0] > 0
    shares = people.with_columns(frax_major=0.3 * pl.col("risk"))
    with pytest.raises(SchemaError, match="look like shares"):
        decision_curve(shares, risks="frax_major", **given)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (100 * pl.col("risk"), "look like percent: divide by 100"),
        (pl.col("risk") - 0.5, "is a probability"),
        (pl.col("risk") * 1000, "is a probability"),
        (pl.lit(None, pl.Float64), "nobody of the domain has this risk"),
        (pl.lit("high"), "expected numbers"),
    ],
)
def test_what_is_no_risk_is_refused(column, words):
    with pytest.raises(SchemaError, match=words):
        decision_curve(sample().with_columns(risk=column), risks="risk", outcome="y")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"risks": ()}, "nothing to compare"),
        ({"thresholds": [0.0, 0.5]}, "at 0 everybody is treated"),
        ({"thresholds": [0.5, 1]}, "at 0 everybody is treated"),
        ({"thresholds": 20}, "a percentage is divided by 100"),
        ({"thresholds": []}, "expected one number at least"),
        ({"outcome": None}, "in one of two ways"),
        ({"time": "years", "event": "status"}, "in one of two ways"),
        ({"outcome": None, "time": "years", "at": 5}, "event= is not given"),
        ({"outcome": None, **FOLLOWED, "at": None}, "at=None"),
        ({"outcome": None, **FOLLOWED, "prevalence": 0.1}, "leave it out"),
        ({"prevalence": 10}, "prevalence=10"),
        ({"at": 5}, "at= has no use with outcome="),
        ({"competing": "status", "at": 5}, "competing=, at= have no use with outcome="),
        ({"outcome": None, **FOLLOWED, "outcome_positive": 1}, "has no use with time="),
        ({"tests": [("t_score",)]}, "one of tests="),
        ({"risks": 3}, "expected columns"),
        ({"risks": ["risk", "risk"]}, "each risk and test is named once"),
        ({"tests": ["y", "y"]}, "each risk and test is named once"),
        ({"confidence": 95}, "confidence=95"),
    ],
)
def test_an_argument_that_is_none_is_refused(options, words):
    given = {"risks": "risk", "outcome": "y"} | options
    with pytest.raises(DefinitionError, match=words):
        decision_curve(sample(), **given)


def test_what_did_not_happen_is_refused():
    people = sample().with_columns(y=pl.lit(False))
    with pytest.raises(SchemaError, match="none of 240 people has the outcome"):
        decision_curve(people, risks="risk", outcome="y")
    with pytest.raises(SchemaError, match="nobody with years and every risk is followed so long"):
        decision_curve(people, risks="risk", **ALONE | {"at": 50})
    with pytest.raises(SchemaError, match=r"up to 0\.1"):
        decision_curve(people, risks="risk", **ALONE | {"at": 0.1})
    with pytest.raises(DefinitionError, match="no strategy"):
        decision_curve(sample(), risks="risk", outcome="y").difference("risk", "all")


def test_points_without_anybody_followed_to_the_end_are_said():
    people = sample().with_columns(years=pl.when(pl.col("risk") > 0.6).then(2.0).otherwise("years"))
    curve = decision_curve(people, risks="risk", **ALONE, thresholds=[0.1, 0.7], design="srs")
    assert any("last seen is carried on" in note for note in curve.notes)


@pytest.mark.parametrize("measure", [decision_curve, risk_calibration])
def test_deaths_that_nobody_declares_are_refused(measure):
    """As censoring they make the observed risk too high; a column of deaths is sign enough."""
    people = sample().with_columns(fracture=pl.col("status") == 1, death=pl.col("status") == 2)
    named = {"risks" if measure is decision_curve else "risk": "risk"}
    asked = {"time": "years", "event": "fracture", "at": 5.0, **named}
    with pytest.raises(SchemaError, match="column death: a competing event coded as censoring"):
        measure(people, **asked)
    with pytest.raises(SchemaError, match="leave one out"):
        measure(people, **asked, competing="death", nothing_competes=True)
    with pytest.raises(SchemaError, match="column status has 2 codes beside that of the event"):
        measure(people, **named, **FOLLOWED)
    with pytest.raises(DefinitionError, match="nothing_competes= has no use with outcome="):
        measure(people, **named, outcome="y", nothing_competes=True)
    assert measure(people, **asked, nothing_competes=True).n == 240


def test_a_constant_risk_or_test_is_said():
    flat = sample().with_columns(other=pl.lit(0.3), found=pl.lit(value=True))
    curve = decision_curve(flat, risks=["risk", "other"], tests="found", outcome="y")
    said = [note for note in curve.notes if "is the same in all 240 people" in note]
    assert [note.split()[0] for note in said] == ["other", "found"]
