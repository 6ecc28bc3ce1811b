"""How many people a study of a test or a risk needs: by hand, by others, by what is reached."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from osteo_epi.accuracy import (
    accuracy_sample_size,
    auc_comparison_sample_size,
    auc_sample_size,
    kappa_sample_size,
    roc,
)
from osteo_epi.errors import DefinitionError
from osteo_epi.risk import hazard_ratio_sample_size, prediction_sample_size

PLANS = {
    "accuracy precision": lambda **o: accuracy_sample_size(
        prevalence=0.2, sensitivity=0.9, specificity=0.8, precision=0.05, **o
    ),
    "accuracy test": lambda **o: accuracy_sample_size(
        prevalence=0.2, sensitivity=0.9, against=0.8, **o
    ),
    "auc precision": lambda **o: auc_sample_size(auc=0.8, prevalence=0.3, precision=0.05, **o),
    "auc test": lambda **o: auc_sample_size(auc=0.8, prevalence=0.3, against=0.7, **o),
    "auc comparison": lambda **o: auc_comparison_sample_size(
        first=0.85, second=0.8, prevalence=0.3, correlation=0.5, **o
    ),
    "kappa precision": lambda **o: kappa_sample_size(kappa=0.7, share=0.3, precision=0.1, **o),
    "kappa test": lambda **o: kappa_sample_size(kappa=0.7, share=0.3, against=0.5, **o),
    "hazard ratio": lambda **o: hazard_ratio_sample_size(hazard_ratio=1.5, event_share=0.1, **o),
    "prediction": lambda **o: prediction_sample_size(
        parameters=24, r_squared=0.288, outcome_share=0.174, **o
    ),
    "prediction in time": lambda **o: prediction_sample_size(
        parameters=30, r_squared=0.051, rate=0.065, horizon=2, mean_follow_up=2.07, **o
    ),
}


def test_shares_by_hand():
    size = accuracy_sample_size(prevalence=0.1, sensitivity=0.9, precision=0.05)
    z = 1.959963984540054
    assert size.needs[0].n_counted == math.ceil(z**2 * 0.09 / 0.0025) == 139
    assert size.n == 1390


def test_prediction_as_printed_by_pmsampsize():
    """Examples of its help page, type "b" and "s"; Riley et al. 2019."""
    binary = PLANS["prediction"]()
    assert [need.n for need in binary.needs] == [623, 662, 221]
    in_time = PLANS["prediction in time"]()
    assert in_time.needs[0].n == 5143
    assert in_time.n == 5143


def test_the_r_squared_of_a_c_statistic_is_that_of_normal_scores():
    """Against the likelihood of many people drawn so, as Riley et al. 2021 have it."""
    import statsmodels.api as sm

    stated = prediction_sample_size(parameters=24, c_statistic=0.8, outcome_share=0.1)
    n, rng = 200_000, np.random.default_rng(1)
    sick = np.arange(n) < 0.1 * n
    score = rng.normal(size=n) + sick * math.sqrt(2) * ndtri(0.8)
    fit = sm.GLM(sick * 1.0, sm.add_constant(score), family=sm.families.Binomial()).fit()
    drawn = 1 - math.exp((fit.deviance - fit.null_deviance) / n)
    assert stated.assumptions["r_squared"] == pytest.approx(drawn, abs=0.003)


def test_events_of_a_hazard_ratio_by_hand_in_either_direction():
    up, down = (hazard_ratio_sample_size(hazard_ratio=hr, event_share=0.1) for hr in (1.6, 1 / 1.6))
    assert up.n == down.n
    z = 1.959963984540054 + 0.8416212335729143
    assert up.needs[0].n_counted == math.ceil(z**2 / math.log(1.6) ** 2) == 36


@pytest.mark.parametrize("auc", [0.6, 0.8, 0.95])
def test_the_area_is_as_precise_as_wished_and_no_more(auc):
    """Within 10 % by the error that DeLong gives of as many normal scores."""

    size = auc_sample_size(auc=auc, prevalence=0.4, precision=0.03)
    rng = np.random.default_rng(1)
    sick = np.arange(size.n) < 0.4 * size.n
    errors = []
    for _ in range(10):
        score = rng.normal(size=size.n) + sick * math.sqrt(2) * ndtri(auc)
        people = pl.DataFrame({"score": score, "sick": sick})
        errors.append(roc(people, score="score", truth="sick", direction="high").auc.se)
    assert 1.96 * np.mean(errors) == pytest.approx(0.03, rel=0.1)


def test_exponential_scores_ask_for_what_hanley_and_mcneil_have():
    """Their variance of an area of 0.8 with 50 of each: Q1 2/3, Q2 0.7111."""
    size = auc_sample_size(auc=0.8, prevalence=0.5, precision=0.05, scores="exponential")
    n = size.n / 2
    spread = (n - 1) * (0.8 / 1.2 - 0.64 + 1.28 / 1.8 - 0.64)
    assert 1.96 * math.sqrt((0.16 + spread) / n**2) == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_protocol_says_every_number_in_two_languages(plan):
    size = plan(design_effect=1.5, response=0.8)
    simple = plan()
    assert size.n == pytest.approx(1.5 * simple.n, abs=1)
    for language in ("en", "zh"):
        text = size.protocol(language)
        assert "{" not in text
        for number in (size.n, size.invited, *(need.n for need in size.needs)):
            assert f"{number:,}" in text
    assert size.to_frame()["decides"].sum() == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: accuracy_sample_size(prevalence=0.2, precision=0.05), "say which share"),
        (lambda: accuracy_sample_size(prevalence=0.2, sensitivity=0.9), "precision="),
        (
            lambda: accuracy_sample_size(
                prevalence=0.2, sensitivity=0.9, precision=0.1, against=0.5
            ),
            "one of the two",
        ),
        (lambda: accuracy_sample_size(prevalence=20, sensitivity=0.9, precision=0.1), "prevalence"),
        (lambda: auc_sample_size(auc=0.8, prevalence=0.3, against=0.8), "equal"),
        (lambda: auc_sample_size(auc=0.4, prevalence=0.3, precision=0.1), "auc=0.4"),
        (lambda: auc_sample_size(auc=0.8, prevalence=0.3, precision=1e-9), "billion"),
        (lambda: auc_sample_size(auc=0.8, prevalence=0.3, precision="a"), "precision='a'"),
        (lambda: auc_sample_size(auc=0.8, prevalence=0.3, precision=1), "below 0.5"),
        (
            lambda: auc_comparison_sample_size(first=0.8, second=0.7, prevalence=0.3, power=None),
            "power=None",
        ),
        (
            lambda: auc_comparison_sample_size(first=0.8, second=0.7, prevalence=0.3, power=0.01),
            "power=0.01; expected a number above 0.05",
        ),
        (lambda: hazard_ratio_sample_size(hazard_ratio=1, event_share=0.1), "hazard_ratio=1"),
        (lambda: prediction_sample_size(parameters=5, r_squared=0.2), "what the outcome is"),
        (
            lambda: prediction_sample_size(parameters=5, r_squared=0.2, rate=0.1, horizon=5),
            "mean_follow_up",
        ),
        (
            lambda: prediction_sample_size(parameters=5, outcome_share=0.1),
            "how much the model explains",
        ),
        (
            lambda: prediction_sample_size(parameters=5, outcome_share=0.1, r_squared=0.9),
            "r_squared=0.9",
        ),
        (lambda: PLANS["kappa test"](power=1.5), "power"),
    ],
)
def test_what_cannot_be_planned_is_refused(call, words):
    with pytest.raises(DefinitionError, match=words):
        call()


def test_an_aim_of_precision_has_no_power():
    with pytest.raises(DefinitionError, match="power= is for"):
        accuracy_sample_size(prevalence=0.2, sensitivity=0.9, precision=0.05, power=0.9)
