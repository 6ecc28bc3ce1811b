"""Survey statistics of a frame: its columns by name, as of the arrays that they hold."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi import survey
from osteo_epi.errors import DesignError, SchemaError

PEOPLE = oe.datasets.survey().frame
DESIGN = oe.SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu")
ARRAYS = DESIGN.arrays(PEOPLE)
NECK = PEOPLE["abmd_femoral_neck"].fill_null(float("nan")).to_numpy()
HIP = PEOPLE["abmd_total_hip"].fill_null(float("nan")).to_numpy()
IS_OLD = (PEOPLE["age"] >= 50).to_numpy()


def test_a_mean_of_a_column_is_that_of_its_array():
    wanted = survey.mean(NECK, ARRAYS, domain=IS_OLD)
    for domain in (IS_OLD, pl.col("age") >= 50):
        named = survey.mean(PEOPLE, values="abmd_femoral_neck", design=DESIGN, domain=domain)
        assert (named.value[0], named.se[0], named.n) == (wanted.value[0], wanted.se[0], wanted.n)
    assert named.to_frame()["of"].to_list() == ["abmd_femoral_neck"]


def test_several_columns_and_a_column_as_the_domain():
    people = PEOPLE.with_columns(is_old=pl.col("age") >= 50)
    columns = ["abmd_femoral_neck", "abmd_total_hip"]
    both = survey.mean(people.to_pandas(), values=columns, design=DESIGN, domain="is_old")
    wanted = survey.mean(np.column_stack([NECK, HIP]), ARRAYS, domain=IS_OLD)
    assert both.value.tolist() == wanted.value.tolist()
    assert isinstance(both.to_frame(), pd.DataFrame)
    assert both.to_frame()["of"].tolist() == columns


def test_totals_ratios_quantiles_and_variances():
    total = survey.total(PEOPLE, "abmd_femoral_neck", design=DESIGN)
    assert total.value[0] == survey.total(NECK, ARRAYS).value[0]
    ratio = survey.ratio(
        PEOPLE, numerator="abmd_femoral_neck", denominator="abmd_total_hip", design=DESIGN
    )
    assert ratio.value[0] == survey.ratio(NECK, HIP, ARRAYS).value[0]
    median = survey.survey_quantile(
        PEOPLE, values="abmd_total_hip", probability=[0.5], design=DESIGN
    )
    assert median.value[0] == survey.survey_quantile(HIP, [0.5], ARRAYS).value[0]
    spread = survey.variance_of(PEOPLE, values="abmd_total_hip", design=DESIGN)
    assert spread.value[0] == survey.variance_of(HIP, ARRAYS).value[0]


def test_what_follows_a_frame_stands_in_the_order_of_the_function():
    """The design, second in place, was taken for nothing and said to be lacking."""
    named = survey.total(PEOPLE, values="abmd_femoral_neck", design=DESIGN)
    assert survey.total(PEOPLE, "abmd_femoral_neck", DESIGN).value[0] == named.value[0]
    ratio = survey.ratio(PEOPLE, "abmd_femoral_neck", "abmd_total_hip", DESIGN)
    assert ratio.value[0] == survey.ratio(NECK, HIP, ARRAYS).value[0]
    with pytest.raises(TypeError, match="too many positional arguments"):
        survey.total(PEOPLE, "abmd_femoral_neck", DESIGN, IS_OLD)


def test_groups_are_called_by_their_levels():
    sexes = survey.domain_means(PEOPLE, values="abmd_total_hip", group="sex", design=DESIGN)
    table = sexes.to_polars()
    assert table["of"].to_list() == ["female", "male"]
    women = survey.mean(
        PEOPLE, values="abmd_total_hip", design=DESIGN, domain=pl.col("sex") == "female"
    )
    assert table["estimate"][0] == pytest.approx(women.value[0], rel=1e-12)
    assert table["se"][0] == pytest.approx(women.se[0], rel=1e-12)


def test_two_classifications_of_a_frame():
    people = PEOPLE.with_columns(
        is_low=pl.col("abmd_total_hip") < 0.8, place=pl.col("stratum").cast(pl.String)
    ).with_columns(is_low=pl.when(pl.col("age") > 85).then(None).otherwise("is_low"))
    named = survey.rao_scott_test(people, row="sex", column="is_low", design=DESIGN)
    row = (people["sex"].cast(pl.String) == "male").cast(pl.Int64).to_numpy()
    column = people["is_low"].cast(pl.Int64).fill_null(-1).to_numpy()
    assert named == survey.rao_scott_test(row, column, ARRAYS)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"values": "abmd_hip", "design": DESIGN}, "which the data do not have; did you mean"),
        ({"values": "age"}, "say how the people of the frame were sampled"),
        ({"values": NECK, "design": DESIGN}, "values names a column of the frame"),
    ],
)
def test_what_is_missing_is_said(how, words):
    with pytest.raises(DesignError, match=words):
        survey.mean(PEOPLE, **how)


def test_a_domain_of_numbers_is_no_mask():
    """0 and 1 would be read as the places of rows: a median of the wrong people."""
    people = PEOPLE.with_columns(old=(pl.col("age") >= 50).cast(pl.Int8))
    for estimate in (survey.mean, partial(survey.survey_quantile, probability=[0.5])):
        with pytest.raises(DesignError, match="domain is Int8; expected true or false"):
            estimate(people, values="abmd_total_hip", design=DESIGN, domain="old")
    with pytest.raises(DesignError, match="domain is Int64"):
        survey.survey_quantile(HIP, [0.5], ARRAYS, domain=IS_OLD.astype(np.int64))
    with pytest.raises(DesignError, match="true or false of 3 rows, and the design has"):
        survey.mean(HIP, ARRAYS, domain=IS_OLD[:3])


def test_a_domain_may_be_a_series_and_what_it_does_not_say_is_no():
    people = PEOPLE.to_pandas()
    says = (people["age"] >= 50).astype("boolean").where(people["age"] < 80)
    wanted = survey.mean(
        PEOPLE, values="age", design=DESIGN, domain=pl.col("age").is_between(50, 80, closed="left")
    )
    for domain in (says, pl.from_pandas(says)):
        given = survey.mean(people, values="age", design=DESIGN, domain=domain)
        assert (given.value[0], given.se[0]) == (wanted.value[0], wanted.se[0])
    with pytest.raises(SchemaError, match="their indices differ"):
        survey.mean(people, values="age", design=DESIGN, domain=says.sort_values())
    sample = survey.bootstrap_replicates(ARRAYS, n_replicates=20, seed=1)
    with pytest.raises(DesignError, match="domain is Int64"):
        survey.replicate_mean(HIP, sample, domain=IS_OLD.astype(np.int64))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: survey.mean("bmd", DESIGN),
            r'^values names the column bmd, and no frame .*: mean\(people, values="bmd", design=',
        ),
        (lambda: survey.total(values=["bmd", "age"], design=ARRAYS), "values names columns, and"),
        (lambda: survey.ratio("bmd", NECK, ARRAYS), 'numerator="bmd", denominator=…, design='),
        (lambda: survey.domain_means(NECK, "sex", ARRAYS), "group names the column sex, and no"),
        (lambda: survey.rao_scott_test("sex", "age", ARRAYS), "row names the column sex, and no"),
        (lambda: survey.survey_quantile("bmd", [0.5], DESIGN), 'values="bmd", probability=…, des'),
        (
            lambda: survey.mean(NECK, DESIGN),
            r"design names columns.*=design.arrays\(people\)",
        ),
        (lambda: survey.survey_regression("bmd", NECK, ARRAYS), "survey_regression takes values"),
        (lambda: survey.survey_regression(PEOPLE, NECK, ARRAYS), "outcome is a DataFrame, and"),
        (lambda: survey.standardised_mean(NECK, "age", NECK, ARRAYS), "stratum names the column"),
        (lambda: survey.replicate_mean("bmd", DESIGN), "values names the column bmd, and replic"),
        (lambda: survey.replicate_total(NECK, DESIGN), r"sample=design.sample\(people\)"),
        (lambda: survey.replicate_ratio("bmd", NECK, DESIGN), "numerator names the column bmd"),
    ],
)
def test_a_name_without_a_frame_is_told_how_the_call_reads(call, words):
    """NumPy and Python said which types they could not convert or compare."""
    with pytest.raises(DesignError, match=words):
        call()


@pytest.mark.parametrize("call", [survey.mean, survey.total, survey.variance_of])
def test_words_of_people_in_the_place_of_values_are_not_shown(call):
    for words in (pl.Series(["secret"] * len(NECK)), np.array(["secret"] * len(NECK))):
        with pytest.raises(SchemaError, match="values holds what is no number") as told:
            call(words, ARRAYS)
        assert "secret" not in str(told.value)
