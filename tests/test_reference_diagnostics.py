"""Diagnostics of a curve: true curves pass, each wrong one fails by the criterion of its fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.reference import Constant, Polynomial, PSpline, diagnose, fit_curve
from osteo_epi.survey import ReplicateDesign, SurveyDesign, bootstrap_replicates

TERMS = {"mu": Polynomial(2), "sigma": Polynomial(1)}


def sample(n: int = 3000, seed: int = 1, noise=None) -> pl.DataFrame:
    """A median that bends and a spread that grows, normal or with another noise."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 85, n).round(1)
    z = rng.normal(size=n) if noise is None else noise(rng, n)
    y = 1 - 0.00012 * (age - 30) ** 2 + (0.08 + 0.0006 * (age - 20)) * z
    return pl.DataFrame({"age": age, "y": y, "device": rng.choice(["a", "b", "c"], n)})


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return sample()


@pytest.fixture(scope="module")
def curve(people):
    return fit_curve(people, "y", family="normal", **TERMS)


@pytest.fixture(scope="module")
def found(curve, people):
    return diagnose(curve, people, by=["device"])


def test_the_effective_number_is_less_what_weights_and_units_cost(curve, people, found):
    assert found.n_effective == pytest.approx(len(people))
    weighted = people.with_columns(w=pl.when(pl.col("device") == "a").then(4.0).otherwise(1.0))
    by_weight = diagnose(curve, weighted, folds=0, design=SurveyDesign(weight="w"))
    w = weighted["w"].to_numpy()
    kish = w.sum() ** 2 / (w**2).sum()
    assert 0.9 * kish < by_weight.n_effective < 1.01 * kish
    in_pairs = pl.concat([people.with_row_index("unit")] * 2)
    by_unit = diagnose(curve, in_pairs, folds=0, design=SurveyDesign(psu="unit"))
    assert by_unit.n_effective == pytest.approx(len(people), rel=0.05)


def test_a_true_curve_passes(found):
    assert found.passed
    assert found.failures == ()
    assert set(found.card["verdict"]) == {"pass"}
    assert found.same
    assert found.notes == ()
    assert "passed" in repr(found)
    assert found.to_frame().equals(found.card)
    assert (
        "ours" in found.card.row(by_predicate=pl.col("criterion") == "mean", named=True)["source"]
    )
    worms = found.card.row(by_predicate=pl.col("criterion") == "worms", named=True)
    assert worms["source"].startswith("van Buuren")


@pytest.mark.parametrize(
    ("fault", "noise", "terms"),
    [
        ("mean", None, {"mu": Constant(), "sigma": Polynomial(1)}),
        ("spread", None, {"mu": Polynomial(2), "sigma": Constant()}),
        ("skewness", lambda rng, n: (rng.gamma(4, size=n) - 4) / 2, TERMS),
        ("kurtosis", lambda rng, n: rng.standard_t(7, n) / 1.5, TERMS),
    ],
)
def test_a_wrong_curve_fails_by_the_criterion_of_its_fault(fault, noise, terms):
    people = sample(noise=noise)
    wrong = diagnose(fit_curve(people, "y", family="normal", **terms), people, folds=0)
    assert not wrong.passed
    assert {fault, "worms"} <= set(wrong.failures)
    if fault != "mean":  # a mean that is off within a band is spread as well
        assert not {"mean", "spread"} - {fault} & set(wrong.failures)
    row = wrong.card.row(by_predicate=pl.col("criterion") == fault, named=True)
    assert row["value"] > row["threshold"]
    assert row["to_do"]
    assert row["where"]


def test_the_family_that_a_failure_asks_for_passes():
    people = sample().with_columns(y=(pl.col("y") * 3).exp())
    assert "skewness" in diagnose(fit_curve(people, "y", family="normal"), people).failures
    assert diagnose(fit_curve(people, "y", family="bccg"), people).passed


def test_other_people_of_another_level_are_found_below(curve):
    lower = sample(2000, seed=5).with_columns(y=pl.col("y") - 0.03)
    other = diagnose(curve, lower)
    assert not other.same
    assert {"mean", "coverage"} <= set(other.failures)
    assert other.cross_validation.is_empty()
    assert other.held_out_deviance is None
    assert any("not those of the fit" in note for note in other.notes)
    held_out = other.card.row(by_predicate=pl.col("criterion") == "held_out", named=True)
    assert held_out["verdict"] == "not judged"
    # A centile of a curve that lies too high has more people below: a positive shift.
    assert other.coverage.filter(percent=50.0)["shift"][0] > 0.1
    np.testing.assert_allclose(other.worm_coefficients["b0"], -0.3, atol=0.25)
    assert other.q_totals["df"].to_list()[:4] == [10.0] * 4


def test_z_statistics_are_those_of_dagostino_anscombe_and_wilson(found, curve, people):
    z = curve.z(people["age"], people["y"])
    assert found.q_statistics["n"].sum() == len(people)
    for row in found.q_statistics.to_dicts():
        own = z[(people["age"] >= row["first"]) & (people["age"] <= row["last"])]
        n = len(own)
        assert row["z1"] == pytest.approx(np.sqrt(n) * own.mean(), rel=1e-12)
        root = np.cbrt(own.var()) - (1 - 2 / (9 * n - 9))
        assert row["z2"] == pytest.approx(root / np.sqrt(2 / (9 * n - 9)), rel=1e-12)
        assert row["z3"] == pytest.approx(stats.skewtest(own).statistic, rel=1e-12)
        assert row["z4"] == pytest.approx(stats.kurtosistest(own).statistic, rel=1e-12)
        assert row["k2"] == pytest.approx(stats.normaltest(own).statistic, rel=1e-12)


def test_q_totals_take_off_the_degrees_of_freedom_as_gamlss(found):
    totals = found.q_totals
    assert totals["df"].to_list() == pytest.approx([10 - 3, 10 - 1.5, 10.0, 10.0, 20.0])
    q = (found.q_statistics.select("z1", "z2", "z3", "z4").to_numpy() ** 2).sum(axis=0)
    np.testing.assert_allclose(totals["q"][:4], q, rtol=1e-12)
    np.testing.assert_allclose(totals["p"], stats.chi2.sf(totals["q"], totals["df"]), rtol=1e-10)


def test_more_groups_where_the_degrees_of_freedom_need_them(people):
    rough = fit_curve(people, "y", family="normal", mu=PSpline(df=10), sigma=Constant())
    more = diagnose(rough, people, folds=0)
    assert more.q_statistics.height == 14
    assert "14 groups of age in place of 10" in more.notes[0]
    few = diagnose(rough, people, folds=0, cuts=[40, 60])
    assert few.q_totals["p"][0] is None
    row = few.card.row(by_predicate=pl.col("criterion") == "mean", named=True)
    assert row["verdict"] == "not judged"


def test_worms_are_ordered_residuals_less_normal_quantiles(found, curve, people):
    row = found.worm_coefficients.row(0, named=True)
    own = people.filter(pl.col("age").is_between(row["first"], row["last"]))
    z = np.sort(curve.z(own["age"], own["y"]))
    expected = stats.norm.ppf((np.arange(len(z)) + 0.5) / len(z))
    cubic = np.polynomial.polynomial.polyfit(expected, z - expected, 3)
    np.testing.assert_allclose([row[f"b{i}"] for i in range(4)], cubic, rtol=1e-8)
    points = found.worms.filter(ages=row["ages"])
    np.testing.assert_allclose(points["deviation"], z - expected, atol=1e-12)
    p = stats.norm.cdf(expected)
    reach = stats.norm.ppf(0.975) * np.sqrt(p * (1 - p) / len(z)) / stats.norm.pdf(expected)
    np.testing.assert_allclose(points["upper"], reach, rtol=1e-9)
    inside = (points["deviation"].abs() <= points["upper"]).mean()
    assert inside > 0.8


def test_many_points_are_thinned_with_both_ends_kept(curve):
    many = diagnose(curve, sample(6000, seed=3), folds=0, cuts=[50])
    for ages, own in many.worms.group_by("ages"):
        assert own.height == 400, ages
    assert many.worms["expected"].max() > 3


def test_shares_have_wilsons_interval(found, curve, people):
    row = found.coverage.row(1, named=True)
    assert (row["ages"], row["percent"]) == ("20–85", 10.0)
    z = curve.z(people["age"], people["y"])
    share = (z <= stats.norm.ppf(0.1)).mean()
    assert row["share"] == pytest.approx(share)
    limits = stats.binomtest(int(share * len(z) + 0.5), len(z)).proportion_ci(method="wilson")
    assert (row["lower"], row["upper"]) == pytest.approx((limits.low, limits.high), abs=1e-4)


def test_moments_and_fillibens_correlation(found, curve, people):
    z = curve.z(people["age"], people["y"])
    row = found.moments.row(0, named=True)
    assert row["skewness"] == pytest.approx(stats.skew(z))
    assert row["kurtosis"] == pytest.approx(stats.kurtosis(z))
    assert row["variance"] == pytest.approx(z.var())
    r = stats.probplot(z)[1][2]
    assert row["filliben"] == pytest.approx(r, abs=1e-4)


def test_a_curve_of_too_many_degrees_of_freedom_predicts_worse(people):
    few = people.head(250)
    wiggly = fit_curve(few, "y", family="normal", mu=PSpline(df=15), sigma=PSpline(df=15))
    plain = fit_curve(few, "y", family="normal", **TERMS)
    first, second = (diagnose(each, few, seed=2) for each in (wiggly, plain))
    assert wiggly.fit.deviance < plain.fit.deviance
    assert first.held_out_deviance > second.held_out_deviance
    again = diagnose(wiggly, few, seed=2)
    assert again.cross_validation.equals(first.cross_validation)
    assert not diagnose(wiggly, few, seed=3).cross_validation.equals(first.cross_validation)


def test_a_device_that_reads_high_is_named(people):
    high = people.with_columns(y=pl.col("y") + pl.when(device=pl.lit("b")).then(0.03).otherwise(0))
    high = high.with_columns(pl.when(pl.col("age") < 21).then(None).otherwise("device").alias("x"))
    high = high.with_columns(device=pl.when(pl.col("x").is_null()).then(None).otherwise("device"))
    off = diagnose(fit_curve(high, "y", family="normal", **TERMS), high, by=["device"], folds=0)
    row = off.card.row(by_predicate=pl.col("criterion") == "group_mean", named=True)
    assert (row["verdict"], row["factor"]) == ("fail", "device")
    assert row["where"].startswith("b:")
    levels = off.subgroups.rows_by_key("level", named=True, unique=True)
    assert levels["b"]["lower"] > 0 > levels["a"]["upper"]
    test = off.subgroup_tests.row(0, named=True)
    assert (test["of"], test["df1"]) == ("mean", 2.0)
    assert test["p"] < 1e-6
    unstated = int(high["device"].null_count())
    assert any(note == f"device: not stated of {unstated:,} people, who are in no level"
               for note in off.notes)  # fmt: skip


def test_equal_means_are_tested_as_by_analysis_of_variance(found, curve, people):
    z = curve.z(people["age"], people["y"])
    groups = [z[people["device"] == level] for level in "abc"]
    f, p = stats.f_oneway(*groups)
    test = found.subgroup_tests.row(0, named=True)
    assert test["f"] == pytest.approx(f, rel=0.05)
    assert test["p"] == pytest.approx(p, abs=0.02)


def test_levels_of_few_people_have_no_limits(curve, people):
    rare = people.with_columns(device=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("z"))
                               .otherwise("device"))  # fmt: skip
    levels = diagnose(curve, rare, by=["device"], folds=0).subgroups
    row = levels.row(by_predicate=pl.col("level") == "z", named=True)
    assert (row["n"], row["mean"], row["sd"]) == (5, None, None)
    alone = diagnose(curve, people.with_columns(device=pl.lit("a")), by=["device"], folds=0)
    assert alone.subgroup_tests["p"].to_list() == [None, None]
    assert alone.passed


def test_thin_ends_fail(people):
    thin = pl.concat([people.filter(pl.col("age").is_between(30, 70)),
                      people.filter(pl.col("age") > 80).head(8)])  # fmt: skip
    card = diagnose(fit_curve(thin, "y", family="normal", **TERMS), thin, folds=0).card
    row = card.row(by_predicate=pl.col("criterion") == "edge_people", named=True)
    assert (row["verdict"], row["value"], row["threshold"]) == ("fail", 8.0, 30.0)
    assert "fewer ages" in row["to_do"]


def test_the_error_at_an_end_is_in_sd_of_the_people(found, curve):
    row = found.edges.row(0, named=True)
    expected = curve.parameter_errors([20.0], "mu")[0] / curve.parameters([20.0])["sigma"][0]
    assert row["se"] == pytest.approx(expected)
    assert row["se_ratio"] > 1.5


def test_centiles_in_order_and_their_least_gap(found, curve):
    assert found.crossing["n"].sum() == 0
    row = found.crossing.row(0, named=True)
    gap = curve.quantile([row["age"]], 0.10) - curve.quantile([row["age"]], 0.03)
    assert row["gap"] == pytest.approx(gap[0])


def test_people_outside_the_ages_are_counted_and_not_judged(curve, people):
    older = people.with_columns(age=pl.when(pl.int_range(pl.len()) < 7).then(95.0).otherwise("age"))
    found = diagnose(curve, older)
    assert found.n == len(people) - 7
    assert any(note.startswith("7 of the people are outside 20–85 years") for note in found.notes)


def test_units_of_a_design_stay_together_and_count_once(people):
    """Everybody twice, as a unit of two: judged as one each, and never predicted by the twin."""
    once = people.head(1200).with_columns(unit=pl.int_range(1200), one=1.0)
    twice = pl.concat([once, once])
    single, double = (fit_curve(each, "y", family="normal", weight="one", **TERMS)
                      for each in (once, twice))  # fmt: skip
    plain = diagnose(single, once, by=["device"], design=SurveyDesign("one"), seed=4)
    paired = diagnose(double, twice, by=["device"], design=SurveyDesign("one", psu="unit"), seed=4)
    assert paired.same
    for name in ("z1", "z2", "z3"):
        np.testing.assert_allclose(paired.q_statistics[name], plain.q_statistics[name], rtol=0.02,
                                   atol=0.02)  # fmt: skip
    np.testing.assert_allclose(paired.subgroups["se"], plain.subgroups["se"], rtol=1e-6)
    np.testing.assert_allclose(paired.coverage["lower"], plain.coverage["lower"], atol=1e-3)
    assert paired.held_out_deviance == pytest.approx(plain.held_out_deviance, abs=1e-6)
    naive = diagnose(double, twice, design=SurveyDesign("one"), folds=0)
    assert naive.moments["n_effective"][0] == pytest.approx(2400)
    assert paired.moments["n_effective"][0] == pytest.approx(1200, rel=0.01)


def test_weights_of_a_survey_are_those_of_the_curve():
    rng = np.random.default_rng(80)
    biased = sample(4000, seed=8).with_columns(w=pl.lit(1.0))
    # High readings drawn four times as often, and weighted back.
    z = biased["y"].to_numpy()
    kept = rng.random(4000) < np.where(z > np.median(z), 0.8, 0.2)
    drawn = biased.filter(pl.Series(kept)).with_columns(
        survey_weight=pl.when(pl.col("y") > float(np.median(z))).then(1.25).otherwise(5.0)
    )
    curve = fit_curve(drawn, "y", family="normal", **TERMS)
    assert curve.weight == "survey_weight"
    found = diagnose(curve, drawn, folds=3)
    assert found.same
    assert not {"mean", "coverage", "held_out"} & set(found.failures)
    assert found.moments["n_effective"][0] < 0.8 * found.n
    equal = diagnose(curve, drawn, design="srs")
    assert {"mean", "coverage"} & set(equal.failures)
    assert any("fitted with survey_weight" in note for note in equal.notes)


def test_replicate_weights_judge_alike(people):
    few = people.head(600).with_columns(one=1.0)
    curve = fit_curve(few, "y", family="normal", weight="one", **TERMS)
    design = SurveyDesign("one")
    drawn = bootstrap_replicates(design.arrays(few), seed=77, n_replicates=200)
    replicated = few.hstack(drawn.to_frame())
    by_weights = ReplicateDesign(
        weight="one", replicates=[f"replicate_{i + 1}" for i in range(200)], kind="bootstrap"
    )
    found = diagnose(curve, replicated, by=["device"], design=by_weights, folds=2)
    plain = diagnose(curve, few, by=["device"], design=design, folds=2)
    np.testing.assert_allclose(found.subgroups["se"], plain.subgroups["se"], rtol=0.2)
    assert found.passed == plain.passed


def test_a_simple_random_sample_has_the_errors_of_its_design(people):
    """Without weights the people of a band are summed alone; with equal ones, by the design."""
    some = people.head(900).with_columns(one=1.0)
    curve = fit_curve(some, "y", family="normal", weight="one", **TERMS)
    design = diagnose(curve, some, by=["device"], design=SurveyDesign("one"), folds=0)
    simple = diagnose(replace(curve, weight=None), some, by=["device"], folds=0)
    assert simple.design == "simple random sample"
    for name in ("coverage", "edges"):
        one, two = (
            getattr(each, name).select("share", "lower", "upper") for each in (design, simple)
        )
        np.testing.assert_allclose(one, two, rtol=1e-10)
    np.testing.assert_allclose(design.subgroups["se"], simple.subgroups["se"], rtol=1e-10)


def test_thresholds_are_replaced_and_said(curve, people):
    strict = diagnose(curve, people, folds=0, thresholds={"edge_people": 5000})
    row = strict.card.row(by_predicate=pl.col("criterion") == "edge_people", named=True)
    assert (row["verdict"], row["source"], row["threshold"]) == ("fail", "as given", 5000.0)
    assert strict.limits["edge_people"] == 5000
    with pytest.raises(DefinitionError, match="unknown limit 'shfit'; there are significance"):
        diagnose(curve, people, thresholds={"shfit": 0.2})
    with pytest.raises(DefinitionError, match="expected above 0"):
        diagnose(curve, people, thresholds={"shift": -1})


def test_the_card_in_chinese(curve, people):
    card = diagnose(curve, people, folds=0, language="zh").card
    assert "拟合收敛" in card["meaning"].to_list()
    with pytest.raises(DefinitionError, match="expected one of en, zh"):
        diagnose(curve, people, folds=0, language="fr")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"percents": [0, 50]}, "between 0 and 100"),
        ({"confidence": 1.2}, "between 0 and 1"),
        ({"edge": 0}, "years above 0"),
        ({"folds": 1}, "2 at least, or 0 for none"),
        ({"groups": 0}, "expected a whole number from 1"),
        ({"cuts": [60, 40]}, "ascending order"),
        ({"cuts": [20.2]}, "fewer than 20 people are"),
    ],
)
def test_wrong_choices_are_refused(curve, people, options, message):
    with pytest.raises(DefinitionError, match=message):
        diagnose(curve, people, **options)


def test_wrong_people_are_refused(curve, people):
    with pytest.raises(SchemaError, match="column\\(s\\) y are not in the data"):
        diagnose(curve, people.drop("y"))
    with pytest.raises(SchemaError, match="12 people have y and an age of 20–85 years"):
        diagnose(curve, people.head(12))
    with pytest.raises(SchemaError, match="by: column centre is not in the data"):
        diagnose(curve, people, by=["centre"])
    with pytest.raises(SchemaError, match="values, expected 40 levels at most"):
        diagnose(curve, people, by=["y"])
    lms = fit_curve(people, "y", **TERMS)
    with pytest.raises(SchemaError, match="0 or below in 1 row"):
        diagnose(lms, people.with_columns(y=pl.when(pl.int_range(pl.len()) < 1).then(0.0)
                                          .otherwise("y")))  # fmt: skip


def test_heaped_ages_give_fewer_groups(people):
    heaped = people.with_columns(age=(pl.col("age") / 10).round() * 10)
    curve = fit_curve(heaped, "y", family="normal", **TERMS)
    found = diagnose(curve, heaped, folds=0)
    assert found.q_statistics.height <= 7
    assert any("groups of age in place of 10" in note for note in found.notes)
    both = heaped.with_columns(sex=pl.Series(["female", "male"] * 1500))
    assert any("both sexes" in note for note in diagnose(curve, both, folds=0).notes)


def weighted(seed: int, noise=None) -> pl.DataFrame:
    weight = np.random.default_rng(1000 + seed).uniform(0.5, 3, 1200)
    return sample(1200, seed, noise).with_columns(w=weight)


def test_weights_keep_the_stated_chance_of_a_false_alarm():
    """Of 60 true curves of weighted people, coverage fails in 1 of 100; 4 failed by tails alone."""
    false = []
    for seed in range(60):
        people = weighted(seed)
        curve = fit_curve(people, "y", family="normal", weight="w", **TERMS)
        judged = diagnose(curve, people, design=SurveyDesign(weight="w"), folds=0)
        false += judged.failures
    assert false.count("coverage") + false.count("edge_coverage") <= 2
    assert len(false) <= 6


def test_weights_do_not_hide_a_curve_that_is_wrong():
    caught = 0
    for seed in range(10):
        people = weighted(seed, lambda rng, n: (rng.gamma(1.5, size=n) - 1.5) / 1.5**0.5)
        curve = fit_curve(people, "y", family="normal", weight="w", **TERMS)
        judged = diagnose(curve, people, design=SurveyDesign(weight="w"), folds=0)
        caught += {"coverage", "skewness", "worms"} <= set(judged.failures)
    assert caught == 10
