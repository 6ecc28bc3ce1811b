"""Answers as people write them: codes, spellings, words; domains and covariates that are none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from osteo_epi.accuracy import (
    accuracy,
    accuracy_table,
    adjusted_roc,
    compare_independent_roc,
    compare_roc,
    compare_tests,
    corrected_prevalence,
    roc,
    stard_flow,
    verified_accuracy,
)
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.survey import SurveyDesign

ROWS = np.arange(60)
PEOPLE = pl.DataFrame(
    {
        "score": ROWS * 7 % 60 * 1.0,
        "other": ROWS * 11 % 60 * 1.0,
        "test": ROWS * 7 % 60 < 25,
        "truth": ROWS % 3 == 0,
        "age": 50.0 + ROWS % 20,
        "unit": ROWS // 3,
    }
)
OF = {"test": "test", "truth": "truth"}
CURVE = {"score": "score", "truth": "truth", "direction": "low"}


def coded(codes: list[int]) -> pl.DataFrame:
    """The truth as codes, the first of which is yes."""
    code = np.where(ROWS % 3 == 0, codes[0], np.array(codes[1:])[ROWS % len(codes[1:])])
    return PEOPLE.with_columns(truth=pl.Series(code))


def test_other_codes_count_as_no_and_are_said():
    people = coded([1, 2, 9])
    results = [
        accuracy(people, **OF, truth_positive=1),
        roc(people, **CURVE, truth_positive=1),
        compare_roc(people, first="score", second="other", truth="truth", truth_positive=1,
                    first_direction="low", second_direction="low"),
        stard_flow(people, **OF, truth_positive=1),
    ]  # fmt: skip
    for result in results:
        assert any("the other codes (2, 9) all count as no" in note for note in result.notes)
    two = [
        accuracy(coded([1, 2]), **OF, truth_positive=1),
        stard_flow(people, **OF, truth_positive=1, truth_inconclusive=9),
    ]
    assert not any("other codes" in note for result in two for note in result.notes)


@pytest.mark.parametrize("code", [np.int64(1), 1.0, np.float64(1)])
def test_a_code_is_a_whole_number_of_any_kind(code):
    assert accuracy(coded([1, 2]), **OF, truth_positive=code).truth == "truth 1"


@pytest.mark.parametrize(
    ("truth", "positive", "words"),
    [
        (["Yes", "no", "yes ", "NO"], "Yes", "15 rows of truth write the class Yes with other"),
        (["yes", "no"], [1], r"truth_positive=\[1\]; expected one class or several"),
        (["yes", "no"], [], r"truth_positive=\[\]; expected one class or several"),
        ([1.5, 2.5], "1.5", "one code is a number without quotes"),
    ],
)
def test_classes_that_are_not_as_declared_are_refused(truth, positive, words):
    people = PEOPLE.with_columns(truth=pl.Series(truth * (60 // len(truth))))
    with pytest.raises(SchemaError, match=words):
        accuracy(people, **OF, truth_positive=positive)


def test_a_class_written_in_two_ways_is_named_in_both():
    people = PEOPLE.with_columns(truth=pl.Series(["Yes", "no", "yes", "No"] * 15))
    assert accuracy(people, **OF, truth_positive=("Yes", "yes")).counts.diseased == 30


def test_a_column_judged_by_itself_is_said():
    results = [
        accuracy(PEOPLE, test="truth", truth="truth"),
        roc(PEOPLE, score="score", truth="score", truth_positive="(-inf, 9]", direction="low"),
    ]
    for result in results:
        assert any("is the truth too" in note for note in result.notes)


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (pl.col("ages") >= 50, 'domain= cannot be worked out: unable to find column "ages"'),
        (pl.col("age") > "x", "domain= cannot be worked out"),
        (pl.col("age").filter(pl.col("test")) > 50, "domain= cannot be worked out"),
        (pl.col("age") > 200, "nobody of 60 rows is in the domain"),
        (pl.col("age"), "domain is Float64"),
    ],
)
def test_a_domain_that_is_none_is_refused(domain, words):
    with pytest.raises(SchemaError, match=words):
        accuracy(PEOPLE, **OF, domain=domain)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pl.when(pl.int_range(pl.len()) == 4).then(float("inf")).otherwise("age"),
         "1 infinite values in covariates column z"),
        (pl.lit("2020-01-01").str.to_date(), "covariates column z is Date; expected numbers"),
        (pl.concat_list("age", "score"), "covariates column z is List"),
    ],
)  # fmt: skip
def test_a_covariate_is_numbers_or_classes(column, words):
    people = PEOPLE.with_columns(z=column)
    with pytest.raises(SchemaError, match=words):
        adjusted_roc(people, **CURVE, covariates=["z"], replicates=2)
    with pytest.raises(SchemaError, match=words):
        verified_accuracy(people, **OF, covariates=["z"], method="inverse_probability")


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        (3, "covariates=3; expected a list of columns"),
        (None, "covariates=None"),
        (["age", "age"], "stand twice"),
        (["truth"], "is the truth, which those not verified lack"),
    ],
)
def test_covariates_of_being_verified_are_other_columns(covariates, words):
    with pytest.raises((SchemaError, DefinitionError), match=words):
        verified_accuracy(PEOPLE, **OF, covariates=covariates)


def test_a_class_in_one_sampling_unit_has_no_error_of_its_own_and_it_is_said():
    people = PEOPLE.with_columns(truth=pl.col("unit") == 3, test=pl.col("score") < 10)
    design = SurveyDesign(psu="unit")
    one = accuracy(people, **OF, design=design)
    assert 0 < one.sensitivity.estimate < 1
    assert one.sensitivity.lower is None
    assert one.lr_positive.lower is None
    assert verified_accuracy(people, **OF, design=design).measures["sensitivity"].lower is None
    others = [
        roc(people, **CURVE, design=design),
        compare_tests(people, first="test", second="test", truth="truth", design=design),
    ]
    for result in (one, *others):
        assert any("all 3 diseased people are in one sampling unit" in n for n in result.notes)


def test_curves_that_share_people_are_said_not_to_be_independent():
    one, two = (roc(PEOPLE, **CURVE | {"score": name}) for name in ("score", "other"))
    shared = compare_independent_roc(one, two)
    assert "60 people are in both curves" in shared.notes[0]
    young, old = (
        roc(PEOPLE, **CURVE, domain=part) for part in (pl.col("age") < 60, pl.col("age") >= 60)
    )
    assert not any("both curves" in note for note in compare_independent_roc(young, old).notes)


def test_tests_that_nobody_tells_apart_have_no_mid_p():
    alike = compare_tests(PEOPLE, first="test", second="test", truth="truth").sensitivity
    assert (alike.p_exact, alike.p_mid) == (1, None)


def test_a_table_takes_a_tolerance_for_the_tests_that_are_cut():
    tests = [("score", "(-inf, 24.5)"), "test"]
    wide = accuracy_table(PEOPLE, truth="truth", tests=tests, tolerance=0.6)
    cut = accuracy(PEOPLE, truth="truth", test="score", test_positive="(-inf, 24.5)", tolerance=0.6)
    assert wide.accuracies[0].measures == cut.measures
    with pytest.raises(DesignError, match="tolerance= has no use"):
        accuracy_table(PEOPLE, truth="truth", tests=["test", "truth"], tolerance=0.6)
    shares = accuracy_table(PEOPLE, truth="truth", tests=tests, prevalence=iter([0.1]))
    assert [list(one.predictive) for one in shares.accuracies] == [[0.1], [0.1]]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"reason": "unit"}, DesignError, "without eligible= everybody is"),
        ({"tolerance": 0.1}, DesignError, "tolerance= has no use"),
        ({"eligible": "old"}, SchemaError, "named as eligible="),
        ({"test_inconclusive": 3}, SchemaError, "leave test_inconclusive= out"),
        ({"test": "score", "test_positive": "(-inf, 9]", "test_inconclusive": "x"}, SchemaError,
         "test_inconclusive: 'x'"),
    ],
)  # fmt: skip
def test_a_flow_names_the_argument_that_is_wrong(options, error, words):
    with pytest.raises(error, match=words):
        stard_flow(PEOPLE, **(OF | options))


def test_a_word_for_missing_that_is_inconclusive_is_a_result_and_not_said_to_be_missing():
    people = PEOPLE.with_columns(
        truth=pl.Series(["是", "否", "不详"] * 20), count=pl.Series(["young"] * 60)
    )
    flow = stard_flow(
        people, test="test", truth="truth", truth_positive="是", truth_inconclusive="不详",
        eligible=pl.col("age") >= 60, reason="count",
    )  # fmt: skip
    assert flow.excluded == {"young": 30}
    assert sum(branch.conditions["inconclusive"] for branch in flow.branches) == 10
    assert not any("word for missing" in note for note in flow.notes)


def test_rows_of_which_a_domain_says_nothing_are_counted():
    people = PEOPLE.with_columns(age=pl.when(pl.int_range(pl.len()) >= 7).then("age"))
    old = pl.col("age") >= 60
    results = [
        accuracy(people, **OF, domain=old),
        roc(people, **CURVE, domain=old),
        compare_tests(people, first="test", second="test", truth="truth", domain=old),
        corrected_prevalence(people, test="test", sensitivity=1, specificity=1, domain=old),
        verified_accuracy(people, **OF, domain=old),
    ]
    for result in results:
        assert any("7 of 60 rows are left out because domain= is" in n for n in result.notes)
    flow = stard_flow(people, **OF, eligible=old)
    assert any("because eligible= is neither true nor false" in note for note in flow.notes)


def test_a_column_without_a_value_is_missing_and_not_of_the_wrong_kind():
    people = PEOPLE.with_columns(score=pl.lit(None))
    with pytest.raises(SchemaError, match="nobody has both a test and a truth"):
        roc(people, **CURVE)


@pytest.mark.parametrize("method", ["begg_greenes", "inverse_probability"])
@pytest.mark.parametrize(
    ("known", "words"),
    [
        (~pl.col("truth"), "0 are diseased and 40 healthy"),
        (pl.lit(value=False), "covariate sex is missing in all people"),
    ],
)
def test_covariates_that_leave_one_class_are_named(method, known, words):
    people = PEOPLE.with_columns(sex=pl.when(known).then(pl.col("unit") % 2))
    with pytest.raises(SchemaError, match=words):
        verified_accuracy(people, **OF, covariates=["sex"], method=method)


def test_a_test_that_looks_the_wrong_way_is_said():
    wrong = accuracy(PEOPLE.with_columns(test=~pl.col("truth")), **OF)
    assert wrong.youden.estimate == -1
    assert any("add up to less than 1" in note for note in wrong.notes)


def test_a_test_that_finds_everybody_is_said_where_two_are_compared():
    people = pl.DataFrame({"a": [1, 0, 1, 0], "all": [1, 1, 1, 1], "sick": [1, 0, 0, 1]})
    notes = compare_tests(people, first="a", second="all", truth="sick").notes
    assert any(note.startswith("all: each of 4 people is positive") for note in notes)


@pytest.mark.parametrize("words", [("true", "false"), ("Yes", "no"), ("是", "否"), ("Y", "N")])
def test_a_column_of_yes_and_no_in_words_is_read_as_such(words):
    """As a CSV file writes true and false."""
    people = pl.DataFrame({"test": [1, 0, 1, 0], "truth": [words[0], words[1], words[1], "不详"]})
    result = accuracy(people, test="test", truth="truth")
    assert (result.counts.diseased, result.counts.healthy) == (1, 2)
    assert any("不详" in note for note in result.notes)


def test_words_beside_yes_and_no_must_be_declared():
    people = pl.DataFrame({"test": [1, 0, 1], "truth": ["yes", "no", "hip"]})
    with pytest.raises(SchemaError, match='truth_positive="yes"'):
        accuracy(people, test="test", truth="truth")
