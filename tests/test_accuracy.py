"""Accuracy of a test against a truth: other software, work by hand, designs, and bad input."""

from __future__ import annotations

import json
import re

import accuracy_golden as golden
import numpy as np
import polars as pl
import pytest
from agreement_golden import FOLDER, numbers

from osteo_epi.accuracy import (
    MEASURES,
    Threshold,
    accuracy,
    accuracy_table,
    compare_tests,
    compare_thresholds,
    corrected_prevalence,
    cut_points,
    roc,
    stard_flow,
)
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.risk import decision_curve, follow_up, odds_ratios, two_by_two
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "d_diag_accuracy.json").read_text())
# The example of Agresti: 2 x 2 worked by hand below.
PEOPLE = pl.DataFrame(
    {
        "test": [1] * 30 + [0] * 10 + [1] * 20 + [0] * 140,
        "truth": [1] * 40 + [0] * 160,
        "w": [2.0] * 100 + [1.0] * 100,
        "unit": np.arange(200) // 4,
    }
)


@pytest.mark.parametrize("record", RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


@pytest.mark.parametrize("pattern", golden.DIFFERENT)
def test_a_reason_names_a_number_that_differs(pattern):
    differing = [
        f"{record}/{path}"
        for record, content in RECORDS.items()
        for result in [content["result"]]
        for path, _ in numbers(golden.rows(result) if "statistic" in result else result)
        if re.fullmatch(pattern, f"{record}/{path}")
    ]
    assert differing


def test_the_measures_by_hand():
    result = accuracy(PEOPLE, test="test", truth="truth")
    by_hand = {
        "sensitivity": 30 / 40, "specificity": 140 / 160, "ppv": 30 / 50, "npv": 140 / 150,
        "lr_positive": 0.75 / 0.125, "lr_negative": 0.25 / 0.875,
        "diagnostic_odds_ratio": 30 * 140 / (20 * 10), "youden": 0.625,
        "proportion_correct": 170 / 200, "prevalence": 0.2, "apparent_prevalence": 0.25,
    }  # fmt: skip
    assert tuple(result.measures) == MEASURES
    for name, value in by_hand.items():
        assert getattr(result, name).estimate == pytest.approx(value, rel=1e-14)
    assert result.table().rows() == [("positive", 30, 20), ("negative", 10, 140)]


def test_predictive_values_at_the_peoples_own_prevalence_are_their_own():
    result = accuracy(PEOPLE, test="test", truth="truth", prevalence=[0.2, 0.05])
    ppv, npv = result.predictive[0.2]
    assert (ppv.estimate, npv.estimate) == pytest.approx((30 / 50, 140 / 150))
    assert result.predictive[0.05][0].estimate == pytest.approx(6 / (6 + 19))
    frame = result.to_frame().filter(pl.col("at_prevalence") == 0.05)
    assert frame["measure"].to_list() == ["ppv", "npv"]
    assert frame.select((pl.col("lower") < pl.col("estimate")).all()).item()


def test_likelihood_ratios_by_score_are_those_of_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    result = accuracy(PEOPLE, test="test", truth="truth", ratio_interval="score")
    for measure, x1, x0 in ((result.lr_positive, 30, 20), (result.lr_negative, 10, 140)):
        theirs = confint_proportions_2indep(x1, 40, x0, 160, compare="ratio", method="score")
        assert (measure.lower, measure.upper) == pytest.approx(theirs, rel=1e-8)


def test_odds_ratio_by_score_is_that_of_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    result = accuracy(PEOPLE, test="test", truth="truth", ratio_interval="score")
    theirs = confint_proportions_2indep(30, 40, 20, 160, compare="odds-ratio", method="score")
    ratio = result.diagnostic_odds_ratio
    assert (ratio.lower, ratio.upper) == pytest.approx(theirs, rel=1e-5)


def test_an_empty_cell_has_score_limits_and_no_log_limits():
    people = pl.DataFrame({"test": [1] * 9 + [0] * 11, "truth": [1] * 12 + [0] * 8})
    log = accuracy(people, test="test", truth="truth")
    assert log.lr_positive.lower is None
    assert any("ratio_interval" in note for note in log.notes)
    score = accuracy(people, test="test", truth="truth", ratio_interval="score", prevalence=0.1)
    for name in ("lr_positive", "diagnostic_odds_ratio"):
        measure = score.measures[name]
        assert measure.estimate == measure.upper == np.inf
        assert measure.lower > 1
    assert score.predictive[0.1][0].upper == 1


def test_a_value_on_the_cut_off_stands_on_it():
    people = pl.DataFrame({"t_score_hip": [(0.558 - 0.858) / 0.120, -2.4], "truth": [True, False]})
    at = {"test": "t_score_hip", "truth": "truth"}
    assert accuracy(people, **at, test_positive="(-inf, -2.5]").counts.true_positive == 1
    assert accuracy(people, **at, test_positive="(-inf, -2.5)").counts.true_positive == 0
    wide = accuracy(people, **at, test_positive="(-inf, -2.5]", tolerance=0.2)
    assert wide.counts.false_positive == 1


def test_classes_are_truths_and_not_classifiable_is_missing():
    classes = ["osteoporosis", "normal", "not_classifiable", "low_bone_mass"]
    people = pl.DataFrame({"test": [True, False, True, False], "bone_class": classes})
    result = accuracy(people, test="test", truth="bone_class", truth_positive="osteoporosis")
    assert (result.counts.n, result.n_truth_missing, result.n_people) == (3, 1, 4)
    assert "lack the truth" in result.notes[0]
    with pytest.raises(SchemaError, match="missing answer, not a class"):
        accuracy(people, test="test", truth="bone_class", truth_positive="not_classifiable")


def test_nobody_is_dropped_in_silence():
    people = pl.DataFrame(
        {"test": [1.0, 0, None, None, 1, 1, float("nan")], "truth": [1, 0, 1, None, None, None, 0]}
    )
    result = accuracy(people, test="test", truth="truth")
    assert (result.n_test_missing, result.n_truth_missing, result.n_both_missing) == (2, 2, 1)
    lacking, unverified = result.notes[:2]
    assert lacking.startswith("3 of 7 people lack the test")
    assert "2 of them positive" in unverified


def test_equal_weights_give_the_binomial_estimates_and_near_errors():
    plain = accuracy(PEOPLE, test="test", truth="truth")
    weighted = accuracy(
        PEOPLE.with_columns(w=3.0), test="test", truth="truth", design=SurveyDesign(weight="w")
    )
    for name in MEASURES:
        one, two = plain.measures[name], weighted.measures[name]
        assert two.estimate == pytest.approx(one.estimate)
        assert two.lower == pytest.approx(one.lower, rel=0.1)


def test_weights_make_shares_of_the_population_and_replicates_near_errors():
    weighted = accuracy(PEOPLE, test="test", truth="truth",
                        design=SurveyDesign(weight="w", psu="unit"))  # fmt: skip
    w, t, d = (PEOPLE[c].to_numpy() for c in ("w", "test", "truth"))
    assert weighted.specificity.estimate == pytest.approx(
        w[(t == 0) & (d == 0)].sum() / w[d == 0].sum()
    )
    units = np.unique(PEOPLE["unit"])
    factors = {
        f"jk{u}": np.where(PEOPLE["unit"] == u, 0, w * len(units) / (len(units) - 1)) for u in units
    }
    people = PEOPLE.with_columns(**{k: pl.Series(v) for k, v in factors.items()})
    design = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    jackknife = accuracy(people, test="test", truth="truth", design=design)
    for name in ("specificity", "ppv", "prevalence"):
        one, two = weighted.measures[name], jackknife.measures[name]
        assert two.estimate == pytest.approx(one.estimate)
        assert two.se == pytest.approx(one.se, rel=0.1)


def test_a_design_based_sensitivity_is_a_survey_mean_of_the_diseased():
    from osteo_epi.survey import mean

    design = SurveyDesign(weight="w", psu="unit")
    result = accuracy(PEOPLE, test="test", truth="truth", design=design)
    sick = (PEOPLE["truth"] == 1).to_numpy()
    theirs = mean(PEOPLE["test"].to_numpy(), design.arrays(PEOPLE), domain=sick)
    assert result.sensitivity.estimate == pytest.approx(theirs.value[0], rel=1e-12)
    assert result.sensitivity.se == pytest.approx(theirs.se[0], rel=1e-12)


def test_two_tests_are_compared_in_those_whom_one_alone_has_right():
    people = PEOPLE.with_columns(other=pl.Series([1] * 36 + [0] * 4 + [1] * 40 + [0] * 120))
    result = compare_tests(people, first="test", second="other", truth="truth")
    sensitivity, specificity = result.sensitivity, result.specificity
    assert (sensitivity.first_only, sensitivity.second_only) == (0, 6)
    assert sensitivity.p_exact == pytest.approx(2 * 0.5**6)
    assert sensitivity.p_mid == pytest.approx(0.5**6)
    assert specificity.difference == pytest.approx(20 / 160)
    assert specificity.lower < 20 / 160 < specificity.upper
    weighted = compare_tests(people, first="test", second="other", truth="truth",
                             design=SurveyDesign(weight="w", psu="unit"))  # fmt: skip
    assert weighted.specificity.p < 0.05
    assert weighted.specificity.p_exact is None


def test_tango_limits_of_a_published_example():
    # Tango 1998: 44 pairs, of which the second method alone succeeds in 1.
    pairs = {"first": [1] * 43 + [0], "second": [1] * 44, "truth": [1] * 44}
    healthy = {"first": [0], "second": [0], "truth": [0]}
    people = pl.concat([pl.DataFrame(pairs), pl.DataFrame(healthy)])
    result = compare_tests(people, first="first", second="second", truth="truth").sensitivity
    assert (result.lower, result.upper) == pytest.approx((-0.118, 0.059), abs=1e-3)


def test_a_correction_carries_the_variance_of_what_the_test_is_worth():
    validated = accuracy(PEOPLE, test="test", truth="truth")
    tested = pl.DataFrame({"test": [True] * 80 + [False] * 120 + [None] * 5})
    result = corrected_prevalence(tested, test="test", accuracy=validated)
    assert (result.n, result.n_missing) == (200, 5)
    assert result.prevalence.estimate == pytest.approx((0.4 + 0.875 - 1) / 0.625)
    known = corrected_prevalence(tested, test="test", sensitivity=0.75, specificity=0.875)
    assert result.prevalence.se > known.prevalence.se
    none = corrected_prevalence(
        pl.DataFrame({"test": [False] * 50}), test="test", sensitivity=0.8, specificity=0.9
    )
    assert none.prevalence.estimate == 0
    assert none.untruncated.estimate < 0
    assert "outside 0 to 1" in none.notes[0]


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"truth": pl.lit(1)}, {}, "one class only: all 200 people .* are diseased"),
        ({"truth": pl.lit(None, pl.Int64)}, {}, "nobody has both"),
        ({"truth": pl.lit(None)}, {}, "nobody has both"),
        ({"truth": pl.lit(None)}, {"truth_positive": "yes"}, "nobody has both"),
        (
            {
                "truth": pl.when(pl.col("truth") == 1)
                .then(pl.lit("hip"))
                .otherwise(pl.lit("unknown"))
            },
            {"truth_positive": "hip"},
            "no class is written as a word for missing",
        ),
        ({"test": pl.lit(0.7)}, {}, r'give the interval, as in test_positive="\(-inf, 0.6\]"'),
        ({"test": pl.lit("low")}, {}, "name them"),
        ({"test": pl.lit("low")}, {"test_positive": "lo"}, "no class lo in column test"),
        ({"test": pl.lit(0.7)}, {"test_positive": "< 0.7"}, "is not an interval"),
        ({"test": pl.lit(value=True)}, {"test_positive": "yes"}, "says yes or no already"),
        ({}, {"test": "tset"}, "column tset, named as test=, is not in the data"),
        ({}, {"test": ["test"]}, "test= is a list; expected the name of one column"),
        ({}, {"truth": None}, "truth= is a NoneType"),
        ({}, {"domain": pl.col("w")}, "expected true or false"),
        ({}, {"domain": "old"}, "column old, named as domain=, is not in the data"),
        ({}, {"domain": [True]}, "the values differ in number: 1 of domain"),
        ({"test": pl.lit(0.7)}, {"test_positive": True}, "test_positive= is a bool"),
        ({"test": pl.lit("low")}, {"test_positive": 0.7}, "test_positive= is a float"),
        ({"test": pl.lit([1])}, {"test_positive": "lo"}, "expected yes or no, numbers, or classes"),
        ({"person_id": pl.lit("a")}, {}, r"repeated_person .*200 rows .*cluster=\"person_id\""),
    ],
)
def test_bad_people_get_their_own_words(change, options, words):
    people = PEOPLE.with_columns(**change)
    with pytest.raises(SchemaError, match=words):
        accuracy(people, **({"test": "test", "truth": "truth"} | options))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ratio_interval": "exact"}, "unknown ratio_interval"),
        ({"ratio_interval": "score", "design": SurveyDesign(weight="w")}, 'take "log"'),
        ({"prevalence": 5}, "between 0 and 1"),
        ({"prevalence": "0.1"}, "between 0 and 1, got '0.1'"),
        ({"prevalence": [0.1, float("nan")]}, "between 0 and 1, got nan"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"confidence": "0.95"}, "confidence='0.95'; expected between 0 and 1"),
        ({"tolerance": float("nan")}, "0 at least, got nan"),
        ({"tolerance": -1}, "0 at least, got -1"),
        ({"tolerance": 0.1}, "no use: no cut-off divides test and truth"),
        ({"interval": "beta"}, "unknown interval"),
    ],
)
def test_bad_choices_get_their_own_words(options, words):
    error = DefinitionError if "confidence" in options else DesignError
    with pytest.raises(error, match=words):
        accuracy(PEOPLE, test="test", truth="truth", **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs what the test is worth"),
        ({"sensitivity": 0.4, "specificity": 0.6}, "no better than chance"),
        ({"sensitivity": 85, "specificity": 0.9}, "between 0 and 1"),
        ({"sensitivity": float("nan"), "specificity": 0.9}, "between 0 and 1"),
        ({"sensitivity": "0.8", "specificity": 0.9}, "between 0 and 1"),
        ({"sensitivity": 0.8, "specificity": 0.9, "n_sensitivity": 9.5}, "a whole number"),
        ({"accuracy": 0.9}, "accuracy= is a float"),
        ({"accuracy": 0.9, "n_sensitivity": 50}, "leave sensitivity=, .* out"),
    ],
)
def test_a_correction_needs_a_test_better_than_chance(options, words):
    with pytest.raises(DesignError, match=words):
        corrected_prevalence(PEOPLE, test="test", **options)


def test_a_perfect_test_in_few_people_keeps_limits():
    people = pl.DataFrame({"test": [1] * 5 + [0] * 5, "truth": [1] * 5 + [0] * 5})
    result = accuracy(people, test="test", truth="truth")
    assert result.youden.estimate == 1
    assert 0 < result.youden.lower < 1


def test_a_design_has_no_predictive_value_where_nobody_is_positive():
    people = PEOPLE.with_columns(test=pl.lit(0))
    design = SurveyDesign(weight="w", psu="unit")
    result = accuracy(people, test="test", truth="truth", design=design, prevalence=0.1)
    row = result.to_frame().filter(pl.col("at_prevalence").is_null(), measure="ppv")
    assert result.ppv.n == 0
    assert row["estimate"].is_null().all()
    assert (result.specificity.estimate, result.specificity.upper) == (1, 1)
    assert 0.9 < result.specificity.lower < 1


def test_a_test_that_says_the_same_of_all_is_said():
    result = accuracy(PEOPLE.with_columns(test=pl.lit(1)), test="test", truth="truth")
    assert any("says the same of all 200 people" in note for note in result.notes)
    assert result.npv.n == 0
    assert result.to_frame().filter(measure="npv")["estimate"].item() is None


def test_score_limits_of_a_ratio_of_two_shares_of_1():
    # Nobody tests negative. At the lower limit r the restricted shares are 1 and r, so that
    # z² = (1 - r) n1 / (r k) with k = N / (N - 1).
    people = pl.DataFrame({"test": [1] * 30, "truth": [1] * 12 + [0] * 18})
    result = accuracy(people, test="test", truth="truth", ratio_interval="score")
    z = 1.959963984540054
    assert result.lr_positive.lower == pytest.approx(12 / (12 + z**2 * 30 / 29), rel=1e-9)
    assert result.lr_positive.upper == pytest.approx((18 + z**2 * 30 / 29) / 18, rel=1e-9)


def test_two_shares_without_variance_are_no_knowledge():
    everybody = pl.DataFrame({"test": [1] * 30, "truth": [1] * 12 + [0] * 18, "w": [2.0, 1] * 15})
    log = accuracy(everybody, test="test", truth="truth")
    assert log.lr_positive.lower is None
    design = SurveyDesign(weight="w")
    weighted = accuracy(everybody, test="test", truth="truth", design=design).youden
    assert weighted.estimate == 0
    assert -0.5 < weighted.lower < 0 < weighted.upper < 0.5
    alike = compare_tests(everybody, first="test", second="test", truth="truth", design=design)
    assert alike.sensitivity.lower is None


def test_limits_of_a_difference_stay_within_the_possible():
    people = PEOPLE.head(44).with_columns(
        test=pl.Series([1] * 39 + [0] * 5), other=pl.Series([0] * 39 + [1] * 5)
    )
    design = SurveyDesign(weight="w")
    result = compare_tests(people, first="test", second="other", truth="truth", design=design)
    assert result.sensitivity.upper == 1


@pytest.mark.parametrize("word", ["unknown", "不详", "", " N/A ", "Not done", "未测"])
def test_a_word_for_missing_is_a_missing_answer(word):
    people = pl.DataFrame(
        {"test": ["low", "low", word, "high", "high"], "truth": ["yes", "no", "yes", word, "no"]}
    )
    options = {"test_positive": "low", "truth_positive": "yes"}
    result = accuracy(people, test="test", truth="truth", **options)
    assert (result.counts.n, result.n_test_missing, result.n_truth_missing) == (3, 1, 1)
    assert "word for missing" in " ".join(result.notes)
    enum = people.with_columns(truth=pl.col("truth").cast(pl.Enum(["no", "yes", word])))
    assert accuracy(enum, test="test", truth="truth", **options).n_truth_missing == 1


def test_whoever_reads_answers_says_which_words_were_taken_for_missing():
    rows = np.arange(40)
    people = pl.DataFrame(
        {"score": rows * 7 % 40 * 1.0, "years": 1.0 + rows,
         "happened": np.array(["unknown", "hip", "no", "no"])[rows % 4]}
    )  # fmt: skip
    curve = roc(people, score="score", truth="happened", truth_positive="hip", direction="high")
    followed = follow_up(people, time="years", event="happened", event_positive="hip")
    flow = stard_flow(people, test="score", test_positive="[9, inf)", truth="happened",
                      truth_positive="hip")  # fmt: skip
    for result in (curve, followed, flow):
        assert any("10 rows of happened hold a word for missing" in n for n in result.notes)


def test_whoever_compares_by_answers_says_so_too():
    rows = np.arange(40)
    score = rows * 7 % 40 * 1.0
    people = pl.DataFrame(
        {"score": score, "vbmd_l1": 2.5 * score, "risk": (1 + rows) / 50, "fell": rows % 3 == 0,
         "happened": np.array(["unknown", "hip", "no", "no"])[rows % 4]}
    )  # fmt: skip
    stated = [Threshold.stated("vbmd_l1", f"(-inf, {cut})", source="x") for cut in (40, 60)]
    happened = {"outcome": "happened", "outcome_positive": "hip"}
    cuts = {"score": "score", "truth": "fell", "direction": "high", "replicates": 0}
    for result in (
        compare_thresholds(people, thresholds=stated, truth="happened", truth_positive="hip"),
        cut_points(people, **cuts, criteria=["equipercentile"], reference="happened",
                   reference_positive="hip"),
        cut_points(people, **cuts, criteria=["risk"], risk=0.3, **happened),
        decision_curve(people, risks="risk", tests=[("happened", "hip")], outcome="fell"),
        decision_curve(people, risks="risk", **happened),
        odds_ratios(people, exposures="score", event="happened", event_positive="hip"),
        two_by_two(people, exposure="fell", **happened),
        two_by_two(people, exposure="happened", exposure_positive="hip", outcome="fell"),
    ):  # fmt: skip
        assert sum("10 rows of happened hold a word for" in note for note in result.notes) == 1


def test_none_is_an_answer_and_is_said():
    people = pl.DataFrame({"test": [1, 0, 1, 0], "truth": ["none", "None ", "hip", "hip"]})
    result = accuracy(people, test="test", truth="truth", truth_positive="hip")
    assert result.counts.healthy == 2
    assert any("2 rows of truth say none, which is taken for an answer" in n for n in result.notes)


def test_a_word_for_missing_that_is_named_is_an_answer():
    people = pl.DataFrame({"test": [1, 0, 1, 0], "truth": ["nd", "nd", "hip", "hip"]})
    result = accuracy(people, test="test", truth="truth", truth_positive="nd")
    assert result.counts.diseased == 2


def test_estimated_errors_of_a_perfect_test_widen_the_limits_of_a_prevalence():
    tested = pl.DataFrame({"test": [False] * 50})
    sure = corrected_prevalence(tested, test="test", sensitivity=1, specificity=1)
    assert 0.05 < sure.prevalence.upper < 0.1
    worth = {"sensitivity": 1, "specificity": 1, "n_sensitivity": 20, "n_specificity": 20}
    nobody = corrected_prevalence(tested, test="test", **worth)
    assert nobody.prevalence.upper >= sure.prevalence.upper
    some = pl.DataFrame({"test": [True] * 8 + [False] * 42})
    wide = corrected_prevalence(some, test="test", **worth).prevalence
    narrow = corrected_prevalence(some, test="test", sensitivity=1, specificity=1).prevalence
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


@pytest.mark.parametrize(("positive", "estimate"), [(False, 0), (True, 1)])
def test_limits_outside_what_is_possible_are_none_and_not_one_point(positive, estimate):
    """0 of 100 positive by a test that errs in 20 of 100 healthy is no prevalence of 0 (0 to 0)."""
    tested = pl.DataFrame({"test": [positive] * 100})
    result = corrected_prevalence(tested, test="test", sensitivity=0.9, specificity=0.8)
    ours = result.prevalence
    assert (ours.estimate, ours.lower, ours.upper) == (estimate, None, None)
    assert not 0 < result.untruncated.lower < 1
    assert any("both limits lie outside 0 to 1" in note for note in result.notes)


def test_limits_of_a_corrected_prevalence_by_hand():
    def wilson(p, n, sign):
        z = 1.959963984540054
        half = z * np.sqrt(p * (1 - p) / n + z**2 / 4 / n**2)
        return (p + z**2 / 2 / n + sign * half) / (1 + z**2 / n)

    def formula(a, se, sp):
        return (a + sp - 1) / (se + sp - 1)

    tested = pl.DataFrame({"test": np.arange(200) < 80})
    result = corrected_prevalence(
        tested, test="test", sensitivity=0.85, specificity=0.9, n_sensitivity=100,
        n_specificity=150,
    ).prevalence  # fmt: skip
    middle = formula(0.4, 0.85, 0.9)
    moves = [
        formula(wilson(0.4, 200, -1), 0.85, 0.9), formula(0.4, wilson(0.85, 100, 1), 0.9),
        formula(0.4, 0.85, wilson(0.9, 150, -1)),
    ]  # fmt: skip
    lower = middle - np.sqrt(sum((middle - move) ** 2 for move in moves))
    assert result.lower == pytest.approx(lower, rel=1e-12)


def test_a_correction_takes_limits_of_its_own_level_only():
    validated = accuracy(PEOPLE, test="test", truth="truth", confidence=0.9)
    with pytest.raises(DesignError, match="make both at one confidence"):
        corrected_prevalence(PEOPLE, test="test", accuracy=validated)


def test_a_person_who_occurs_twice_counts_twice_only_if_that_is_accepted():
    people = PEOPLE.with_columns(person_id=pl.int_range(200) // 2)
    result = accuracy(people, test="test", truth="truth", accept_errors=True)
    assert result.counts.n == 200
    assert "repeated_person" in result.notes[0]


@pytest.mark.parametrize("method", ["wilson", "clopper_pearson", "jeffreys", "agresti_coull"])
def test_intervals_of_a_share_are_those_of_statsmodels(method):
    from statsmodels.stats.proportion import proportion_confint

    names = {"clopper_pearson": "beta"}
    result = accuracy(PEOPLE, test="test", truth="truth", interval=method).sensitivity
    theirs = proportion_confint(30, 40, method=names.get(method, method))
    assert (result.lower, result.upper) == pytest.approx(theirs, rel=1e-12)


def _readings():
    """Three readings of each of 20 people, as in the R of the test below."""
    row = np.arange(1, 61)
    person = (row - 1) // 3 + 1
    truth = (row * 7) % 10 < 4
    return pl.DataFrame(
        {
            "person_id": person,
            "truth": truth,
            "test": np.where(truth, person % 4 != 0, person % 5 == 0),
            "other": (row * 3) % 7 < 3,
            "s": person % 2,
            "w": 1.0 + person % 3,
        }
    )


READ = {"truth": "truth", "cluster": "person_id"}


def test_readings_of_a_person_vary_together_as_in_r():
    # R survey 4.1.1: svymean(~test, subset(svydesign(ids=~person, weights=~1), truth==1)),
    # svyciprop(method="beta", df=degf), and the mean of test - other.
    people = _readings().drop("w")
    result = accuracy(people, test="test", **READ)
    sensitivity, specificity = result.sensitivity, result.specificity
    assert sensitivity.se == pytest.approx(0.10471347707292386, rel=1e-12)
    limits = (0.48285064074774775, 0.92464494130903152)
    assert (sensitivity.lower, sensitivity.upper) == pytest.approx(limits, rel=1e-8)
    assert specificity.se == pytest.approx(0.083360402794282237, rel=1e-12)
    assert result.notes[0].startswith("60 readings of 20 clusters (person_id)")
    paired = compare_tests(people, first="test", second="other", **READ).sensitivity
    assert paired.difference == pytest.approx(0.375)
    assert paired.se == pytest.approx(0.13852290962591013, rel=1e-12)
    assert paired.df == 19


def test_readings_within_a_survey_design_as_in_r():
    # R survey 4.1.1: svydesign(ids=~person, strata=~s, weights=~w, nest=TRUE).
    people = _readings()
    strata = SurveyDesign(weight="w", stratum="s")
    sensitivity = accuracy(people, test="test", design=strata, **READ).sensitivity
    assert sensitivity.estimate == pytest.approx(0.72549019607843135, rel=1e-12)
    assert sensitivity.se == pytest.approx(0.10960284031228898, rel=1e-12)
    # Units that hold whole persons already: errors are those between the units.
    units = SurveyDesign(weight="w", psu="unit")
    people = people.with_columns(unit=pl.col("person_id") // 4)
    one = accuracy(people, test="test", design=units, **READ).sensitivity
    two = accuracy(people.drop("person_id"), test="test", design=units, truth="truth").sensitivity
    assert one == two


def test_a_jackknife_of_persons_is_near_the_errors_between_persons():
    people = _readings()
    w, person = people["w"].to_numpy(), people["person_id"].to_numpy()
    left_out = {f"jk{p}": pl.Series(np.where(person == p, 0, w * 20 / 19)) for p in range(1, 21)}
    jackknife = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    one = accuracy(people.with_columns(**left_out), test="test", design=jackknife, **READ)
    two = accuracy(people, test="test", design=SurveyDesign(weight="w"), **READ)
    assert one.sensitivity.se == pytest.approx(two.sensitivity.se, rel=0.1)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"cluster": "person"}, "column person, named as cluster=, is not in the data"),
        ({"person_id": pl.lit(1)}, {}, "is one cluster"),
        ({"person_id": pl.when(pl.col("s") == 0).then(1)}, {}, "missing in 30 rows"),
        ({"s": pl.int_range(pl.len()) % 2}, {"design": SurveyDesign(weight="w", stratum="s")},
         "20 clusters .* lie in more than one"),
        ({}, {"ratio_interval": "score"}, "or clusters take"),
    ],
)  # fmt: skip
def test_bad_clusters_get_their_own_words(change, options, words):
    with pytest.raises((SchemaError, DesignError), match=words):
        accuracy(_readings().with_columns(**change), test="test", **(READ | options))


def test_tests_side_by_side_are_each_accuracy_and_each_comparison():
    people = PEOPLE.drop("w").with_columns(
        score=pl.Series(np.r_[np.arange(40) - 5.0, np.arange(160)]),
        other=pl.Series([1] * 36 + [0] * 4 + [1] * 40 + [0] * 119 + [None]),
    )
    tests = [("test", None), ("other", None), ("score", "[10, inf)"), ("score", "[20, inf)")]
    table = accuracy_table(people, tests=tests, truth="truth", prevalence=0.1)
    frame = table.to_frame()
    assert frame["test"].unique(maintain_order=True).to_list() == [
        *("test", "other", "score in [10, inf)", "score in [20, inf)")
    ]
    row = frame.row(by_predicate=(pl.col("test") == "other")
                    & (pl.col("measure") == "specificity"), named=True)  # fmt: skip
    alone = accuracy(people, test="other", truth="truth").specificity
    pair = compare_tests(people, first="other", second="test", truth="truth").specificity
    assert (row["estimate"], row["n"], row["n_paired"]) == (alone.estimate, 159, 159)
    assert (row["difference"], row["p"]) == (pair.difference, pair.p_exact)
    assert frame.filter(test="test")["difference"].is_null().all()
    assert any("1 of 200 people lack the test (other)" in note for note in table.notes)
    design, people = SurveyDesign(weight="w", psu="unit"), people.with_columns(w=PEOPLE["w"])
    weighted = accuracy_table(people, tests=["test", "other"], truth="truth", design=design)
    assert weighted.comparisons[0].specificity.p == pytest.approx(
        weighted.to_frame().drop_nulls("p")["p"].to_list()[1]
    )


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("test", "tests= is a str; expected column and what counts"),
        (5, "tests= is a int"),
        ({"test": None}, "names 1 test: for one test take accuracy"),
        (["test", "test"], "names a test twice"),
        ([("test", None), ("w", "(-inf, 1]", 3)], "or pairs of a column"),
        ([5, "test"], "or pairs of a column"),
    ],
)
def test_a_table_of_tests_needs_tests(tests, words):
    with pytest.raises(SchemaError, match=words):
        accuracy_table(PEOPLE, tests=tests, truth="truth")


def test_weights_of_0_and_a_weight_above_all_others_are_said():
    people = pl.DataFrame({"test": [1, 1, 0, 0, 1], "truth": [1, 0, 0, 1, 1],
                           "w": [0.0, 1, 1, 1, 9]})  # fmt: skip
    result = accuracy(people, test="test", truth="truth", design=SurveyDesign(weight="w"))
    assert any("1 of 5 rows have weight 0: out of the sample" in n for n in result.notes)
    assert any("more weight than all others together" in note for note in result.notes)
