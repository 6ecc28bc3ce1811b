"""The young adults of a study are estimates too: their error belongs into its intervals."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from polars.io.plugins import register_io_source
from polars.testing import assert_frame_equal
from scipy.stats import norm

from osteo_epi.diagnosis import classify, definition, young_adult_reference
from osteo_epi.errors import PrecisionWarning, SchemaError
from osteo_epi.population import prevalence
from osteo_epi.survey import SurveyDesign, covariance

N_YOUNG, N_OLD = 400, 60_000
YOUNG_MEAN, SD, OLD_MEAN = 0.9, 0.12, 0.72


@pytest.fixture(scope="module")
def women() -> pl.DataFrame:
    """Few young and many old women, femoral neck only: the reference is the larger uncertainty."""
    rng = np.random.default_rng(20261122)
    young = rng.normal(YOUNG_MEAN, SD, N_YOUNG)
    old = rng.normal(OLD_MEAN, SD, N_OLD)
    return pl.DataFrame(
        {
            "age": np.r_[rng.uniform(20, 40, N_YOUNG), rng.uniform(50, 80, N_OLD)],
            "abmd_femoral_neck": np.r_[young, old],
        }
    ).with_columns(sex=pl.lit("female"), postmenopausal=pl.col("age") >= 50)


@pytest.fixture(scope="module")
def rules(women):
    own = young_adult_reference(women)
    return definition("who_1994", reference=own, sites=["femoral_neck"])


def crude(women, rules, **options) -> dict:
    result = prevalence(women, rules, classes=["osteoporosis"], **options)
    return result.to_frame().row(by_predicate=pl.col("statistic") == "crude", named=True)


def test_the_linearised_mean_and_sd_have_the_textbook_variances(women, rules):
    linear = rules.reference.linearised(women)
    sigma = covariance(linear, SurveyDesign().arrays(women))
    values = women.filter(pl.col("age") < 40)["abmd_femoral_neck"].to_numpy()
    about = values - values.mean()
    s2 = values.var(ddof=1)
    # As the mean of a domain, whose size is itself random.
    assert sigma[0, 0] == pytest.approx(s2 * (N_YOUNG - 1) / N_YOUNG**2, rel=1e-4)
    fourth = ((about**2 * N_YOUNG / (N_YOUNG - 1) - s2) ** 2).sum() / (N_YOUNG - 1)
    assert sigma[1, 1] == pytest.approx(fourth / N_YOUNG / (4 * s2), rel=1e-2)
    assert linear.sum(axis=0) == pytest.approx(np.zeros(2), abs=1e-12)


def test_the_added_variance_is_that_of_the_cut_off_times_the_density_there(women, rules):
    """By hand: p = Φ((cut − μ)/σ) and the cut-off mean − 2.5 SD varies by SD²(1/n + 2.5²/2n)."""
    with_error, without = crude(women, rules), crude(women, rules, reference_error=False)
    cut = YOUNG_MEAN - 2.5 * SD
    slope = norm.pdf(cut, OLD_MEAN, SD)
    by_hand = slope**2 * SD**2 * (1 + 2.5**2 / 2) / N_YOUNG
    added = with_error["se"] ** 2 - without["se"] ** 2
    assert with_error["estimate"] == without["estimate"]
    # The young adults drawn are not the normal distribution itself: its fourth moment to 1/5.
    assert added == pytest.approx(by_hand, rel=0.2)
    assert with_error["se"] > 3 * without["se"]
    assert "own young adults" in with_error["method"]
    assert "own young adults" not in without["method"]


@pytest.mark.parametrize("by", [(), ("site",)])
def test_changes_asked_at_once_are_those_asked_one_by_one(women, by):
    """In a domain that a person's rank decides, which meeting several changes must not move."""
    few = pl.concat([women.head(100), women.tail(2_000)]).with_columns(
        survey_weight=1.3 + pl.int_range(pl.len()) % 7 / 10, site=pl.int_range(pl.len()) % 3
    )
    few = few.with_columns(pl.lit(0).alias(name) for name in ("the move", "the domain", "move"))
    own = young_adult_reference(few)
    rules = definition("who_1994", reference=own, sites=["femoral_neck"])
    domain = pl.col("age").rank("ordinal") > 300
    found = prevalence(few, rules, by=by, domain=domain).to_frame()
    column = prevalence(few.with_columns(inside=domain), rules, by=by, domain="inside").to_frame()
    assert_frame_equal(found, column)
    alone = prevalence(few.lazy(), rules, by=by, domain=domain).to_frame()  # whose people are many
    assert_frame_equal(found, alone, rel_tol=1e-12)
    assert (found["se"].drop_nulls() > 0).all()


def test_the_error_shrinks_the_effective_sample_and_its_degrees_of_freedom(women, rules):
    row = crude(women, rules)
    p = row["estimate"]
    assert row["n_effective"] == pytest.approx(p * (1 - p) / row["se"] ** 2)
    assert row["df"] < 2 * N_YOUNG
    assert row["lower"] < p < row["upper"]


def test_rows_that_come_in_another_order_each_time_are_the_same_people(women):
    """So does a join of DuckDB: what is of one person must be read at once."""
    some = pl.concat([women.head(300), women.tail(500)]).sample(fraction=1.0, shuffle=True, seed=2)
    clustered = some.with_columns(centre=pl.int_range(pl.len()) // 20)
    own = young_adult_reference(clustered)
    rules = definition("who_1994", reference=own, sites=["femoral_neck"])
    seeds = itertools.count()

    def rows(columns, predicate, n_rows, _size):
        given = clustered.sample(fraction=1.0, shuffle=True, seed=next(seeds)).lazy()
        given = given if predicate is None else given.filter(predicate)
        yield given.select(columns or clustered.columns).head(n_rows or 800).collect()

    shuffled = register_io_source(rows, schema=clustered.schema, is_pure=True)
    design = SurveyDesign(psu="centre")
    here, there = (crude(people, rules, design=design) for people in (clustered, shuffled))
    assert there["se"] == pytest.approx(here["se"], rel=1e-9)


def test_with_clusters_the_error_of_the_young_follows_the_design(women, rules):
    centres = women.with_row_index("i").with_columns(centre=pl.col("i").cast(pl.Int64) % 20)
    shifted = centres.with_columns(
        abmd_femoral_neck=pl.col("abmd_femoral_neck") + (pl.col("centre") % 5 - 2) * 0.03
    )
    own = young_adult_reference(shifted)
    rules = definition("who_1994", reference=own, sites=["femoral_neck"])
    linear = own.linearised(shifted)
    plain = covariance(linear, SurveyDesign().arrays(shifted))[0, 0]
    clustered = covariance(linear, SurveyDesign(psu="centre").arrays(shifted))[0, 0]
    assert clustered > 2 * plain
    row = crude(shifted, rules, design=SurveyDesign(psu="centre"))
    assert row["se"] > crude(shifted, rules)["se"]


def test_a_reference_of_other_people_is_taken_as_known_and_said_so(women, rules):
    others = women.with_columns(pl.col("abmd_femoral_neck") + 0.01)
    with pytest.raises(SchemaError, match="was not made of these people"):
        rules.reference.linearised(others)
    result = prevalence(others, rules, classes=["osteoporosis"])
    assert any("taken as known" in note for note in result.notes)


def test_classes_alone_cannot_carry_the_error_and_the_result_says_so(women, rules):
    bare = classify(women, rules).select("age", "sex", "bone_class", "sites_complete")
    result = prevalence(bare, rules, classes=["osteoporosis"])
    assert any("taken as known" in note for note in result.notes)


def test_a_region_with_too_few_young_adults_is_left_out_with_a_warning(women):
    few = women.with_row_index("i").with_columns(
        abmd_total_hip=pl.when(pl.col("i") < 5).then(0.9), abmd_femoral_neck_ctxa=0.7
    )
    with pytest.warns(PrecisionWarning, match="only 5 young adults .female. .* total_hip"):
        own = young_adult_reference(few.drop("i"))
    assert own.mean_sd("female", "total_hip") is None
    with pytest.raises(SchemaError, match="only 5 young adults"):
        young_adult_reference(few.drop("i"), rois=("total_hip",))


def test_hips_by_qct_are_not_judged_by_young_adults_on_dxa(women):
    own = young_adult_reference(women)
    assert own.mean_sd("female", "femoral_neck") is not None
    assert own.mean_sd("female", "femoral_neck_ctxa") is None
