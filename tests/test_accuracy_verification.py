"""Accuracy where a part was verified: work by hand, the two methods, samples drawn, bad input."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.accuracy import verified_accuracy
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.survey import ReplicateDesign, SurveyDesign

# 100 test positive, of whom 90 are verified; 400 negative, of whom 80.
PEOPLE = pl.DataFrame(
    {
        "test": [1] * 100 + [0] * 400,
        "truth": [1] * 60 + [0] * 30 + [None] * 10 + [1] * 5 + [0] * 75 + [None] * 320,
        "old": np.arange(500) % 3 == 0,
        "age": 50.0 + np.arange(500) % 37,
        "w": 1.0 + np.arange(500) % 2,
    }
)
OF = {"test": "test", "truth": "truth"}
METHODS = ["begg_greenes", "inverse_probability"]


@pytest.mark.parametrize("method", METHODS)
def test_begg_and_greenes_by_hand(method):
    result = verified_accuracy(PEOPLE.drop("w"), **OF, method=method)
    phi, one, zero = 0.2, 60 / 90, 5 / 80
    sensitivity = phi * one / (phi * one + (1 - phi) * zero)
    assert result.measures["sensitivity"].estimate == pytest.approx(sensitivity, rel=1e-12)
    assert result.measures["ppv"].estimate == pytest.approx(one, rel=1e-12)
    # Their variance of the log-odds of sensitivity; n / (n - 1) comes from the design.
    logit = 1 / (500 * phi * (1 - phi)) + (1 - one) / (90 * one) + (1 - zero) / (80 * zero)
    se = sensitivity * (1 - sensitivity) * np.sqrt(logit * 500 / 499)
    assert result.measures["sensitivity"].se == pytest.approx(se, rel=1e-9)
    specificity = (1 - phi) * (1 - zero) / ((1 - phi) * (1 - zero) + phi * (1 - one))
    assert result.measures["specificity"].estimate == pytest.approx(specificity, rel=1e-12)
    assert (result.n, result.n_verified) == (500, 170)


def test_bounds_by_hand():
    result = verified_accuracy(PEOPLE, **OF)
    assert result.sensitivity_bounds == pytest.approx((60 / (65 + 320), 70 / 75))
    assert result.specificity_bounds == pytest.approx((75 / (105 + 10), 395 / 425))


@pytest.mark.parametrize("design", [None, SurveyDesign(weight="w")])
def test_with_a_covariate_of_two_classes_both_methods_are_the_same(design):
    people = PEOPLE if design else PEOPLE.drop("w")
    one, two = (
        verified_accuracy(people, **OF, covariates=["old"], method=method, design=design)
        for method in METHODS
    )
    for name, measure in one.measures.items():
        other = two.measures[name]
        assert other.estimate == pytest.approx(measure.estimate, rel=1e-9)
        assert (other.lower, other.upper) == pytest.approx((measure.lower, measure.upper), rel=1e-7)


def test_whoever_is_verified_entirely_needs_no_model():
    people = PEOPLE.with_columns(truth=pl.when(pl.col("test") == 1).then(
        pl.col("truth").fill_null(0)).otherwise("truth"))  # fmt: skip
    one, two = (verified_accuracy(people, **OF, method=method).measures for method in METHODS)
    assert one["sensitivity"].se == pytest.approx(two["sensitivity"].se, rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_replicates_give_near_errors(method):
    unit, w = np.arange(500) % 50, PEOPLE["w"].to_numpy()
    left_out = {f"jk{u}": pl.Series(np.where(unit == u, 0, w * 50 / 49)) for u in range(50)}
    people = PEOPLE.with_columns(unit=pl.Series(unit), **left_out)
    options = OF | {"method": method, "covariates": "old"}
    jackknife = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    one = verified_accuracy(people, design=jackknife, **options).measures
    two = verified_accuracy(people, design=SurveyDesign(weight="w", psu="unit"), **options).measures
    for name in ("sensitivity", "specificity", "prevalence"):
        assert one[name].estimate == pytest.approx(two[name].estimate, rel=1e-9)
        assert one[name].se == pytest.approx(two[name].se, rel=0.15)


def _drawn(rng, n=1500):
    """A test of sensitivity 0.8 and specificity 0.9; age and a positive test send to the truth."""
    age = rng.normal(0, 1, n)
    sick = rng.random(n) < 1 / (1 + np.exp(1 - age))
    test = rng.random(n) < np.where(sick, 0.8, 0.1)
    chance = 1 / (1 + np.exp(1.5 - 2 * test - 0.7 * age))
    truth = np.where(rng.random(n) < chance, sick.astype(float), np.nan)
    return pl.DataFrame({"test": test, "truth": truth, "age": age})


def test_samples_drawn_are_unbiased_and_their_errors_are_right():
    rng = np.random.default_rng(20)
    results = [
        verified_accuracy(_drawn(rng), **OF, covariates=["age"], method="inverse_probability")
        for _ in range(120)
    ]
    for name, value in (("sensitivity", 0.8), ("specificity", 0.9)):
        estimates = np.array([r.measures[name].estimate for r in results])
        errors = np.array([r.measures[name].se for r in results])
        spread = estimates.std(ddof=1)
        assert abs(estimates.mean() - value) < 3 * spread / np.sqrt(len(results)) + 0.003
        # The standard deviation of 120 values is known to 6.5 %.
        assert errors.mean() == pytest.approx(spread, rel=0.2)
        naive = np.mean([r.verified_only.measures[name].estimate for r in results])
        assert abs(naive - value) > 0.05


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"method": "ml"}, "unknown method 'ml'"),
        ({}, {"covariates": ["age"]}, "covariate age has 37 values"),
        ({}, {"covariates": ["ages"]}, "column ages, named as covariates="),
        ({"one": pl.lit(1)}, {"covariates": ["one"]}, "the same in all people"),
        ({"site": pl.when(pl.int_range(pl.len()) > 400).then(pl.lit("b")).otherwise(pl.lit("a"))},
         {"covariates": ["site"]}, "1 strata of test and covariates have nobody verified"),
        ({"truth": pl.when(pl.col("test") == 1).then("truth")},
         {"method": "inverse_probability"}, "nobody with one of the two test results"),
        ({"truth": pl.when(pl.col("test") == 1).then("truth")}, {}, "nobody verified"),
    ],
)  # fmt: skip
def test_bad_input_gets_its_own_words(change, options, words):
    people = PEOPLE.drop("w").with_columns(**change)
    with pytest.raises((SchemaError, DesignError), match=words):
        verified_accuracy(people, **OF, **options)


def test_people_without_a_covariate_are_left_out_and_said():
    people = PEOPLE.with_columns(old=pl.when(pl.int_range(pl.len()) >= 7).then("old"))
    result = verified_accuracy(people, **OF, covariates=["old"])
    assert (result.n, result.n_covariates_missing) == (493, 7)
    assert any("7 people with the test lack a covariate" in note for note in result.notes)


def test_a_share_of_1_has_no_limits_and_says_so():
    people = PEOPLE.with_columns(truth=pl.when(pl.col("test") == 0).then(
        pl.col("truth") * 0).otherwise("truth"))  # fmt: skip
    result = verified_accuracy(people, **OF)
    assert result.measures["sensitivity"].estimate == 1
    assert result.measures["sensitivity"].lower is None
    assert any("no limits" in note for note in result.notes)
    assert result.to_frame().filter(measure="sensitivity")["lower"].item() is None
