"""Smooth curves, curves adjusted for covariates, and bands."""

from __future__ import annotations

import re
from dataclasses import astuple

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm
from test_roc import sample

from osteo_epi.accuracy import adjusted_roc, compare_independent_roc, roc, smooth_roc
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.survey import ReplicateDesign, SurveyDesign

GIVEN = {"score": "score", "truth": "truth", "direction": "low"}


def jackknife(people: pl.DataFrame) -> tuple[pl.DataFrame, ReplicateDesign]:
    """The people of `sample` with replicate weights that leave out one unit each."""
    units = people["unit"].unique().to_list()
    factor = len(units) / (len(units) - 1)
    columns = [
        pl.when(pl.col("unit") == u).then(0.0).otherwise(pl.col("w") * factor).alias(f"jk{u}")
        for u in units
    ]
    return people.with_columns(columns), ReplicateDesign("w", "jk", kind="JK1")


def normal_people(n: int = 4000) -> pl.DataFrame:
    """Healthy N(0, 1), diseased N(−1.2, 1.5²): intercept 0.8, slope 2/3."""
    rng = np.random.default_rng(5)
    y = rng.random(n) < 0.4
    return pl.DataFrame({"score": np.where(y, -1.2 + 1.5 * rng.normal(size=n), rng.normal(size=n)),
                         "truth": y})  # fmt: skip


@pytest.mark.parametrize("method", ["binormal", "normal"])
def test_a_smooth_curve_finds_the_laws_that_people_were_drawn_from(method):
    result = smooth_roc(normal_people(), **GIVEN, method=method, replicates=300)
    true = {"intercept": 0.8, "slope": 2 / 3, "auc": norm.cdf(0.8 / np.hypot(1, 2 / 3))}
    for name, value in true.items():
        measure = getattr(result, name)
        assert abs(measure.estimate - value) < 3 * measure.se
        assert measure.lower < measure.estimate < measure.upper
    empirical = roc(normal_people(), **GIVEN)
    assert result.auc.se == pytest.approx(empirical.auc.se, rel=0.15)
    band = result.band().to_frame()
    assert (band["lower"] <= band["sensitivity"]).all()
    assert (band["sensitivity"] <= band["upper"]).all()
    at = band.filter(pl.col("specificity") == 0.8)["sensitivity"][0]
    a, b = result.intercept.estimate, result.slope.estimate
    assert at == pytest.approx(norm.cdf(a + b * norm.ppf(0.2)))


def test_the_binormal_curve_depends_on_ranks_only_and_the_normal_one_does_not():
    people = normal_people(400)
    curved = people.with_columns(pl.col("score").exp())
    for method, same in (("binormal", True), ("normal", False)):
        one, two = (
            smooth_roc(p, **GIVEN, method=method, replicates=2).auc.estimate
            for p in (people, curved)
        )
        assert bool(one == pytest.approx(two, rel=1e-12)) is same


def test_a_smooth_curve_of_the_other_direction_is_the_complement():
    people = sample()
    for method in ("binormal", "normal"):
        low, high = (
            smooth_roc(people, **(GIVEN | {"direction": way}), method=method, replicates=2)
            for way in ("low", "high")
        )
        if method == "normal":
            assert low.auc.estimate + high.auc.estimate == pytest.approx(1)
        assert low.auc.estimate > 0.5 > high.auc.estimate


def test_whole_weights_are_people_counted_as_often():
    people = sample(200).with_columns(w=pl.int_range(pl.len()) % 3 + 1.0)
    rows = np.repeat(np.arange(200), people["w"].to_numpy().astype(int))
    again = people[rows]
    design = SurveyDesign(weight="w")
    for method in ("binormal", "normal"):
        one = smooth_roc(people, **GIVEN, method=method, design=design, replicates=5)
        two = smooth_roc(again, **GIVEN, method=method, replicates=5)
        assert one.auc.estimate == pytest.approx(two.auc.estimate, rel=1e-12)
    for method, covariates in (("linear", ["other"]), ("stratified", ["third"])):
        both = (p.with_columns(third=pl.col("unit") % 3) for p in (people, again))
        one, two = (
            adjusted_roc(p, **GIVEN, covariates=covariates, method=method, design=d, replicates=5)
            for p, d in zip(both, (design, None), strict=True)
        )
        assert one.auc.estimate == pytest.approx(two.auc.estimate, rel=1e-10)


def test_designs_reach_every_curve_and_their_errors_agree():
    people, design = jackknife(sample(600))
    units = SurveyDesign(weight="w", psu="unit")
    kinds = (
        lambda d: smooth_roc(people, **GIVEN, design=d).auc,
        lambda d: adjusted_roc(people, **GIVEN, covariates=["other"], design=d,
                               **({} if d is design else {"replicates": 400})).auc,
        lambda d: roc(people, **GIVEN, design=d).at(specificity=0.8),
    )  # fmt: skip
    for kind in kinds:
        drawn, given = kind(units), kind(design)
        assert drawn.estimate == pytest.approx(given.estimate, rel=1e-10)
        assert drawn.se == pytest.approx(given.se, rel=0.35)


def test_a_score_that_cannot_be_smoothed_is_said():
    people = pl.DataFrame({"score": [1.0, 2, 3, 4], "truth": [True, True, False, False]})
    with pytest.raises(SchemaError, match="not to be smoothed: fewer than two of its points"):
        smooth_roc(people, **GIVEN)
    single = pl.DataFrame({"score": [1.0, 1, 3, 4], "truth": [True, True, False, False]})
    with pytest.raises(SchemaError, match="a class has one score only"):
        smooth_roc(single, **GIVEN, method="normal")
    with pytest.raises(DefinitionError, match="method must be one of"):
        smooth_roc(people, **GIVEN, method="kernel")


# Adjusted for covariates.


@pytest.mark.parametrize("method", ["linear", "stratified"])
def test_adjusted_for_nothing_it_is_the_curve_itself(method):
    people = sample()
    design = SurveyDesign(weight="w", psu="unit")
    for options in ({}, {"design": design}, {"direction": "high"}):
        given = GIVEN | options
        adjusted = adjusted_roc(people, **given, covariates=[], method=method, replicates=20)
        crude = roc(people, **given)
        assert adjusted.auc.estimate == crude.auc.estimate == adjusted.crude.estimate
        assert adjusted.difference.estimate == adjusted.difference.se == 0
        # Each corner of a rising piece; the points between them say nothing more.
        ends = [
            c.points().group_by("specificity").agg(low=pl.col("sensitivity").min(),
                                                   high=pl.col("sensitivity").max())
            .sort("specificity") for c in (adjusted, crude)
        ]  # fmt: skip
        assert ends[0].to_numpy() == pytest.approx(ends[1].to_numpy(), abs=1e-12)


def test_stratified_it_is_the_mean_of_the_strata_weighted_by_their_diseased():
    people = sample(600).with_columns(band=pl.col("unit") % 4, sex=pl.col("unit") % 2 == 0)
    for design in (None, SurveyDesign(weight="w")):
        adjusted = adjusted_roc(people, **GIVEN, covariates=["band", "sex"], method="stratified",
                                design=design, replicates=50)  # fmt: skip
        cells = people.partition_by("band", "sex")
        areas = [roc(cell, **GIVEN, design=design).auc.estimate for cell in cells]
        weight = [
            cell.filter("truth")["w"].sum() if design else cell["truth"].sum() for cell in cells
        ]
        assert adjusted.auc.estimate == pytest.approx(np.average(areas, weights=weight), rel=1e-12)
        # The curve that is given has the area that is given.
        x, y = 1 - adjusted.specificity, adjusted.sensitivity
        assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, pytest.approx(1))
        assert np.trapezoid(y, x) == pytest.approx(adjusted.auc.estimate, rel=1e-12)
        at = np.interp(0.31, x, y)
        assert adjusted.band().to_frame()["sensitivity"][69] == pytest.approx(at, abs=1e-9)


def aged(n: int = 3000, *, confounded: bool = True) -> pl.DataFrame:
    """Score falls with age in everybody; the diseased lie 1 SD below the healthy of their age."""
    rng = np.random.default_rng(8)
    age = rng.uniform(50, 80, n)
    chance = 0.1 + 0.015 * (age - 50) if confounded else np.full(n, 0.3)
    y = rng.random(n) < chance
    score, shift = -0.1 * (age - 50) + rng.normal(size=n) - y, ["a", "b", "c"] * (n // 3)
    columns = {"score": score, "truth": y, "age": age, "shift": rng.permutation(shift)}
    return pl.DataFrame(columns)


def test_a_line_takes_age_out_of_the_score():
    people, true = aged(), norm.cdf(1 / np.sqrt(2))
    result = adjusted_roc(people, **GIVEN, covariates=["age", "shift"], replicates=200)
    assert abs(result.auc.estimate - true) < 3 * result.auc.se
    terms = result.coefficients["term"].to_list()
    assert terms == ["intercept", "age", "shift b", "shift c"]
    assert result.coefficients["coefficient"][1] == pytest.approx(-0.1, abs=0.01)
    assert result.difference.estimate == pytest.approx(result.auc.estimate - result.crude.estimate)
    assert result.difference.lower < result.difference.estimate < result.difference.upper
    whole = np.trapezoid(result.sensitivity, 1 - result.specificity)
    assert whole == pytest.approx(result.auc.estimate, rel=1e-12)
    # By definition: the placement of each diseased residual among the healthy ones.
    x = np.column_stack([np.ones(people.height), people["age"],
                         *(people["shift"] == s for s in "bc")])  # fmt: skip
    y, d = people["score"].to_numpy(), people["truth"].to_numpy()
    residual = y - x @ np.linalg.lstsq(x[~d], y[~d], rcond=None)[0]
    by_pairs = (residual[d][:, None] < residual[~d][None]).mean()
    assert result.auc.estimate == pytest.approx(by_pairs, rel=1e-10)


def test_people_without_a_covariate_are_counted():
    people = aged(300).with_columns(
        age=pl.when(pl.int_range(pl.len()) < 7).then(None).otherwise(pl.col("age"))
    )
    result = adjusted_roc(people, **GIVEN, covariates=["age"], replicates=10)
    assert (result.n_covariate_missing, result.n_people) == (7, 300)
    assert result.n_diseased + result.n_healthy == 293
    assert "7 of 300 people with score and truth lack a covariate" in result.notes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"covariates": "age"}, "covariates='age'; expected a list of columns"),
        ({"covariates": ["age", "age"]}, "age stand twice"),
        ({"covariates": ["score"]}, "the score or the truth itself"),
        ({"covariates": ["agee"]}, "column agee, named as covariates=, is not in the data"),
        ({"covariates": ["age"], "method": "stratified"}, "strata of age without a healthy"),
        ({"covariates": ["age", "older"]}, "do not settle a line of 3 terms"),
        ({"covariates": ["gap"]}, "nobody has score, truth and all covariates"),
        ({"covariates": ["age"], "method": "kernel"}, "method must be one of"),
        ({"covariates": ["age"], "replicates": 0}, "replicates=0; expected a whole number"),
    ],
)
def test_bad_covariates_get_their_own_words(options, words):
    people = aged(300).with_columns(older=pl.col("age") + 1, gap=pl.lit(None, pl.Float64))
    with pytest.raises((SchemaError, DefinitionError, DesignError), match=re.escape(words)):
        adjusted_roc(people, **(GIVEN | options))


# Bands.


def test_a_rate_at_the_other_is_on_the_curve_and_its_limits_are_those_of_the_band():
    curve = roc(sample(), **GIVEN)
    band = curve.band([0.0, 0.83, 0.9, 1.0], replicates=400, seed=2)
    one = curve.at(specificity=0.9, replicates=400, seed=2)
    assert astuple(band.measures()[2])[:4] == pytest.approx(astuple(one)[:4], rel=1e-12)
    assert one.estimate == pytest.approx(
        np.interp(0.1, 1 - curve.specificity, curve.sensitivity), rel=1e-12
    )
    assert band.estimate[0] == 1
    assert band.estimate[3] == curve.sensitivity[curve.specificity == 1].max()
    assert (np.diff(curve.band(replicates=50).estimate) <= 0).all()
    turned = curve.at(sensitivity=one.estimate)
    assert turned.estimate == pytest.approx(0.9, abs=0.02)


def test_the_error_of_a_sensitivity_is_that_of_theory():
    """Var of sensitivity at a fixed specificity: its own, and that of the cut-point's share."""
    people = normal_people(2000)
    result = roc(people, **GIVEN).at(specificity=0.8)
    n = people["truth"].sum()
    m, cut = people.height - n, norm.ppf(0.2)
    p = norm.cdf((cut + 1.2) / 1.5)
    slope = norm.pdf((cut + 1.2) / 1.5) / 1.5 / norm.pdf(cut)
    se = np.sqrt(p * (1 - p) / n + slope**2 * 0.2 * 0.8 / m)
    assert result.se == pytest.approx(se, rel=0.12)


def test_many_people_are_drawn_by_groups_of_scores_and_the_limits_stay():
    rng = np.random.default_rng(6)
    y = rng.random(60_000) < 0.3
    people = pl.DataFrame({"score": rng.normal(size=60_000) - y, "truth": y})
    result = roc(people, **GIVEN).at(specificity=0.9, replicates=600)
    p, cut = norm.cdf(norm.ppf(0.1) + 1), norm.ppf(0.1)
    slope = norm.pdf(cut + 1) / norm.pdf(cut)
    se = np.sqrt(p * (1 - p) / y.sum() + slope**2 * 0.09 / (~y).sum())
    assert result.se == pytest.approx(se, rel=0.12)
    assert abs(result.estimate - p) < 4 * se


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda c: c.at(), "say one of specificity= and sensitivity="),
        (lambda c: c.at(specificity=0.9, sensitivity=0.9), "say one of"),
        (lambda c: c.at(specificity=90), "specificity=90; expected a number from 0, up to 1"),
        (lambda c: c.at(sensitivity="0.9"), "sensitivity='0.9'; expected a number"),
        (lambda c: c.band([0.5, float("nan")]), "one of specificities=nan; expected a number"),
        (lambda c: c.band(0.5), "specificities=0.5; expected a list of numbers"),
        (lambda c: c.band([]), "specificities=[]"),
        (lambda c: c.band(replicates=1), "replicates=1; expected a whole number"),
    ],
)
def test_bad_rates_get_their_own_words(ask, words):
    with pytest.raises((DefinitionError, DesignError), match=re.escape(words)):
        ask(roc(sample(), **GIVEN))


def test_only_empirical_curves_are_compared():
    smooth = smooth_roc(sample(), **GIVEN, replicates=2)
    with pytest.raises(DefinitionError, match="second is a SmoothROC; expected a curve that"):
        compare_independent_roc(roc(sample(), **GIVEN), smooth)


def test_replicate_weights_take_no_draws():
    people, design = jackknife(sample(300))
    with pytest.raises(DesignError, match="nothing is drawn: leave replicates= and seed= out"):
        roc(people, **GIVEN, design=design).band(replicates=50)
    with pytest.raises(DesignError, match="replicate weights are their own uncertainty"):
        roc(people, **GIVEN, design=design, uncertainty="bootstrap")
