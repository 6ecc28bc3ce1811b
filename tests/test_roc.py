"""ROC: other software, the definition by pairs, designs, partial areas, and bad input."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import polars as pl
import pytest
import roc_golden as golden
from agreement_golden import FOLDER
from scipy.stats import norm

from osteo_epi.accuracy import (
    compare_independent_roc,
    compare_roc,
    corrected_prevalence,
    roc,
    smooth_roc,
)
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.survey import ReplicateDesign, SurveyDesign

RECORDS = json.loads((FOLDER / "d_diag_roc.json").read_text())
BOOTSTRAPS = [record for record in RECORDS if record.endswith(".ci_boot")]


def sample(n: int = 300, *, seed: int = 1) -> pl.DataFrame:
    """People of 30 units whose scores have ties, lower in the diseased, with weights."""
    rng = np.random.default_rng(seed)
    unit = np.arange(n) % 30
    truth = rng.random(n) < 0.3
    score = np.round(rng.normal(size=n) - truth + 0.3 * rng.normal(size=30)[unit], 1)
    other = np.round(score + rng.normal(size=n), 1)
    weight = rng.uniform(0.5, 3.0, n)
    columns = {"score": score, "other": other, "truth": truth, "w": weight, "unit": unit}
    return pl.DataFrame(columns)


def by_pairs(people: pl.DataFrame, weight: np.ndarray) -> float:
    """The area by its definition: diseased against healthy, ties a half."""
    x, d = people["score"].to_numpy(), people["truth"].to_numpy()
    sick, well = x[d][:, None], x[~d][None, :]
    wins = (sick < well) + 0.5 * (sick == well)
    joint = weight[d][:, None] * weight[~d][None, :]
    return float((wins * joint).sum() / joint.sum())


@pytest.mark.parametrize("record", RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


@pytest.mark.parametrize("first", ["ost", "qus"])
def test_the_covariance_of_opposite_directions_follows_from_the_test(first):
    theirs = RECORDS[f"osteo_diag.{first}_vs_hu.delong"]["result"]
    areas = [RECORDS[f"osteo_diag.{name}.auc"]["result"] for name in (first, "hu")]
    variances = sum(a["var"] for a in areas)
    implied = (variances - ((areas[0]["auc"] - areas[1]["auc"]) / theirs["z"]) ** 2) / 2
    ours = golden.answer(f"osteo_diag.{first}_vs_hu.delong")["cov"]
    assert ours == pytest.approx(implied, rel=1e-8)
    assert ours != pytest.approx(theirs["cov"], rel=1e-2)


@pytest.mark.parametrize("record", BOOTSTRAPS)
def test_bootstrap_limits_agree_within_monte_carlo_error(record):
    name, score, _ = record.split(".")
    ours = golden.curve(name, score, uncertainty="bootstrap").auc
    low, _, high = RECORDS[record]["result"]["ci"]
    # The 2.5th percentile of 2000 normal draws has an error of 0.06 SD; two of them, 3 errors.
    assert (ours.lower, ours.upper) == pytest.approx((low, high), abs=0.25 * ours.se)


@pytest.mark.parametrize("record", [r for r in RECORDS if r.endswith(".boot")])
def test_a_paired_bootstrap_test_agrees_within_monte_carlo_error(record):
    name, pair, _ = record.split(".")
    theirs = RECORDS[record]["result"]
    ours = golden.comparison(name, *pair.split("_vs_"), uncertainty="bootstrap")
    # The SD of 2000 draws has a relative error of 1/√4000; two of them, 3 errors.
    near = 3 * math.sqrt(2 / 4000)
    assert ours.statistic == pytest.approx(theirs["D"], rel=near)
    steps = [2 * norm.sf(abs(theirs["D"]) * (1 + side * near)) for side in (1, -1)]
    assert steps[0] <= ours.p <= steps[1]
    assert (ours.method, ours.df) == ("bootstrap, paired", math.inf)


def test_a_bootstrap_of_independent_curves_has_the_spread_of_both():
    curves = [golden.curve("osteo_diag", score) for score in ("ost", "qus")]
    ours = compare_independent_roc(*curves, uncertainty="bootstrap")
    assert ours.se == pytest.approx(compare_independent_roc(*curves).se, rel=0.07)
    assert (ours.method, ours.df) == ("bootstrap of independent people", math.inf)
    # The same people twice: other draws, else their difference had no spread.
    same = compare_independent_roc(curves[0], curves[0], uncertainty="bootstrap", seed=3)
    assert same.se == pytest.approx(math.sqrt(2) * curves[0].auc.se, rel=0.07)
    assert same == compare_independent_roc(*[curves[0]] * 2, uncertainty="bootstrap", seed=3)
    with pytest.raises(DesignError, match="seed=3 is of the bootstrap"):
        compare_independent_roc(*curves, seed=3)


def test_a_paired_bootstrap_of_a_design_draws_its_units():
    people, design = sample(900), SurveyDesign(weight="w", psu="unit")
    given = {"first": "score", "first_direction": "low", "second": "other",
             "second_direction": "low", "truth": "truth", "design": design}  # fmt: skip
    drawn = compare_roc(people, **given, uncertainty="bootstrap", replicates=1000)
    linear = compare_roc(people, **given)
    assert drawn.difference == pytest.approx(linear.difference, rel=1e-12)
    assert drawn.df == linear.df
    assert drawn.se == pytest.approx(linear.se, rel=0.15)


@pytest.mark.parametrize("record", [r for r in RECORDS if r.endswith(".smooth_boot")])
def test_bootstrap_limits_of_a_smooth_area_agree_within_monte_carlo_error(record):
    name, score, _ = record.split(".")
    ours = smooth_roc(golden.people(name), score=score, truth="y",
                      direction=golden.direction(score), replicates=1000).auc  # fmt: skip
    # As above, of 1000 draws.
    assert [ours.lower, ours.upper] == pytest.approx(
        RECORDS[record]["result"]["ci"], abs=0.35 * ours.se
    )


@pytest.mark.parametrize("record", [r for r in RECORDS if r.endswith(".ci_se")])
def test_bootstrap_limits_of_a_sensitivity_agree_within_monte_carlo_error(record):
    name, score, _ = record.split(".")
    ours, theirs = golden.curve(name, score).band([0.5, 0.7, 0.9]), RECORDS[record]["result"]
    # Sensitivity goes by steps of one diseased person, and so do its percentiles.
    step = 1 / ours.curve.n_diseased
    for limits, low_or_high in ((ours.lower, "low"), (ours.upper, "high")):
        near = np.maximum(0.25 * ours.se, step) + 1e-12
        assert (np.abs(limits - theirs[low_or_high]) < near).all()


def test_the_area_is_that_of_the_pairs_weighted_or_not():
    people, flat = sample(), np.ones(300)
    given = {"score": "score", "truth": "truth", "direction": "low"}
    plain = roc(people, **given).auc.estimate
    assert plain == pytest.approx(by_pairs(people, flat), rel=1e-12)
    weighted = roc(people, **given, design=SurveyDesign(weight="w")).auc.estimate
    assert weighted == pytest.approx(by_pairs(people, people["w"].to_numpy()), rel=1e-12)


def test_the_other_direction_is_the_complement_and_is_said():
    people = sample()
    low, high = (
        roc(people, score="score", truth="truth", direction=way) for way in ("low", "high")
    )
    assert low.auc.estimate + high.auc.estimate == pytest.approx(1)
    assert any("below 0.5" in note for note in high.notes)
    turned = roc(people.with_columns(-pl.col("score")), score="score", truth="truth",
                 direction="high")  # fmt: skip
    assert turned.auc == low.auc


def test_rows_in_another_order_change_nothing():
    people = sample()
    given = {"score": "score", "truth": "truth", "direction": "low", "partial": (0.7, 0.95)}
    design = SurveyDesign(weight="w", psu="unit")
    one = roc(people, **given, design=design).to_frame()
    two = roc(people.sample(fraction=1, shuffle=True, seed=2), **given, design=design).to_frame()
    numbers = ["estimate", "se", "lower", "upper"]
    assert one.select(numbers).to_numpy() == pytest.approx(two.select(numbers).to_numpy())


def test_replicate_weights_and_linearisation_agree():
    people = sample(600)
    units = people["unit"].unique().to_list()
    factor = len(units) / (len(units) - 1)
    jackknife = people.with_columns(
        pl.when(pl.col("unit") == u).then(0.0).otherwise(pl.col("w") * factor).alias(f"jk{u}")
        for u in units
    )
    given = {"score": "score", "truth": "truth", "direction": "low", "partial": (0.6, 0.9)}
    linear = roc(people, **given, design=SurveyDesign(weight="w", psu="unit"))
    design = ReplicateDesign(weight="w", replicates="jk", kind="JK1")
    replicated = roc(jackknife, **given, design=design)
    for name in ("auc", "partial", "partial_standardised"):
        one, two = getattr(linear, name), getattr(replicated, name)
        assert two.estimate == pytest.approx(one.estimate, rel=1e-10)
        assert two.se == pytest.approx(one.se, rel=0.1)
    pair = {"first": "score", "first_direction": "low", "second": "other",
            "second_direction": "low", "truth": "truth"}  # fmt: skip
    one = compare_roc(people, **pair, design=SurveyDesign(weight="w", psu="unit"))
    two = compare_roc(jackknife, **pair, design=design)
    assert two.difference == pytest.approx(one.difference, rel=1e-10)
    assert two.se == pytest.approx(one.se, rel=0.1)


def test_a_design_of_persons_is_delong_but_for_its_n_minus_1():
    people = sample().with_columns(person=pl.int_range(pl.len()))
    given = {"score": "score", "truth": "truth", "direction": "low"}
    plain = roc(people, **given, design="srs").auc
    units = roc(people, **given, design=SurveyDesign(psu="person")).auc
    assert units.se == pytest.approx(plain.se, rel=0.01)


def test_units_drawn_anew_give_the_linearised_error():
    people = sample(600)
    given = {"score": "score", "truth": "truth", "direction": "low"}
    design = SurveyDesign(weight="w", psu="unit")
    linear = roc(people, **given, design=design).auc
    drawn = roc(people, **given, design=design, uncertainty="bootstrap", replicates=1000).auc
    assert drawn.se == pytest.approx(linear.se, rel=0.1)
    again = roc(people, **given, design=design, uncertainty="bootstrap", replicates=1000).auc
    assert drawn == again


@pytest.mark.parametrize("of", ["specificity", "sensitivity"])
@pytest.mark.parametrize("over", [(0.8, 1.0), (0.55, 0.83), (0.0, 0.4)])
def test_a_partial_area_is_that_under_its_piece_of_the_curve(of, over):
    people = sample()
    result = roc(people, score="score", truth="truth", direction="low", partial=over,
                 partial_of=of)  # fmt: skip
    x, y = result.specificity, result.sensitivity
    if of == "sensitivity":
        x, y = y[::-1], x[::-1]
    # Specificity falls along the points; np.interp wants it to rise, and pieces off the steps.
    grid = np.linspace(*over, 200_001)
    height = np.interp(grid, x[::-1], y[::-1])
    middle = (height[1:] + height[:-1]) / 2
    by_hand = (middle * np.diff(grid)).sum()
    assert result.partial.estimate == pytest.approx(by_hand, rel=1e-4)
    drawn = roc(people, score="score", truth="truth", direction="low", partial=over,
                partial_of=of, uncertainty="bootstrap", replicates=1000)  # fmt: skip
    assert result.partial.se == pytest.approx(drawn.partial.se, rel=0.15)


def test_ranges_that_make_the_whole_add_up_to_the_whole_area():
    given = {"score": "score", "truth": "truth", "direction": "low"}
    whole, lower, upper = (
        roc(sample(), **given, partial=over) for over in ((0.0, 1.0), (0.0, 0.6), (0.6, 1.0))
    )
    for name in ("partial", "partial_standardised"):
        measure = getattr(whole, name)
        assert (measure.estimate, measure.se) == pytest.approx(
            (whole.auc.estimate, whole.auc.se), rel=1e-12
        )
    nearly = roc(sample(), **given, partial=(1e-12, 1.0)).partial
    assert (nearly.estimate, nearly.se) == pytest.approx(
        (whole.auc.estimate, whole.auc.se), rel=1e-9
    )
    parts = lower.partial.estimate + upper.partial.estimate
    assert parts == pytest.approx(whole.auc.estimate, rel=1e-12)


def test_scores_that_differ_by_rounding_are_equal():
    people = pl.DataFrame(
        {"t_score_hip": [(0.558 - 0.858) / 0.120, -2.5, -2.0, -1.0], "y": [1, 0, 1, 0]}
    )
    result = roc(people, score="t_score_hip", truth="y", direction="low")
    assert len(result.cut_points) == 4
    assert result.auc.estimate == (0.5 + 1 + 0 + 1) / 4
    exact = roc(people, score="t_score_hip", truth="y", direction="low", tolerance=0.0)
    assert len(exact.cut_points) == 5


def test_dense_scores_are_not_tied_in_chains():
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(4)
    truth = rng.random(50_000) < 0.2
    score = rng.normal(size=50_000) - truth
    people = pl.DataFrame({"x": score, "y": truth})
    result = roc(people, score="x", truth="y", direction="low")
    assert len(result.cut_points) == 50_001
    wins = mannwhitneyu(score[~truth], score[truth]).statistic
    assert result.auc.estimate == pytest.approx(wins / truth.sum() / (~truth).sum(), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("shift", [0.0, 1e9])
def test_a_score_scaled_or_shifted_has_the_same_curve(scale, shift):
    x, y = np.arange(8.0), [1, 1, 0, 1, 1, 0, 0, 0]
    moved = x * scale if shift == 0 else x + shift
    one, two = (
        roc(pl.DataFrame({"x": s, "y": y}), score="x", truth="y", direction="low")
        for s in (x, moved)
    )
    assert len(two.cut_points) == 9
    assert two.auc == one.auc


def test_an_outlier_ties_nobody_and_a_computed_constant_is_one():
    x = np.append(np.arange(8) / 10, 1e9)
    people = pl.DataFrame({"x": x, "y": [1, 1, 0, 1, 1, 0, 0, 0, 0]})
    assert len(roc(people, score="x", truth="y", direction="low").cut_points) == 10
    computed = people.with_columns(x=pl.when(pl.col("y") == 1).then(0.1 + 0.2).otherwise(0.3))
    with pytest.raises(SchemaError, match="x is constant"):
        roc(computed, score="x", truth="y", direction="low")


@pytest.mark.parametrize("interval", ["wald", "logit"])
@pytest.mark.parametrize("direction", ["low", "high"])
def test_limits_of_a_partial_area_are_within_what_is_possible(interval, direction):
    people = pl.DataFrame({"x": [1.0, 2, 3, 4, 5, 4.5, 6, 7, 8, 9], "y": [1] * 5 + [0] * 5})
    result = roc(
        people, score="x", truth="y", direction=direction, partial=(0.8, 1.0), interval=interval
    )
    raw, standard = result.partial, result.partial_standardised
    assert 0 <= raw.lower <= raw.upper <= 0.2 + 1e-12
    # The one is the other on another scale: 0.02 of 0.2 is the area of chance.
    for end in ("lower", "upper"):
        assert getattr(standard, end) == pytest.approx(
            0.5 + (getattr(raw, end) - 0.02) / 0.36, rel=1e-12
        )
    assert any("below the diagonal" in note for note in result.notes) == (direction == "high")


def test_a_difference_of_areas_is_between_minus_one_and_one_and_no_error_is_no_test():
    x = [1.0, 2, 3, 4, 5, 6, 7, 8]
    z = [8.0, 7.0, 2.0, 6.0, 3.0, 4.0, 1.0, 5.0]
    people = pl.DataFrame({"x": x, "z": z, "y": [1, 1, 1, 1, 0, 0, 0, 0]})
    far = compare_roc(people, first="x", first_direction="low", second="z", second_direction="low",
                      truth="y")  # fmt: skip
    assert -1 <= far.lower < far.upper == 1
    same = compare_roc(people, first="x", first_direction="low", second="x",
                       second_direction="low", truth="y")  # fmt: skip
    assert (same.difference, same.se, same.statistic, same.p) == (0, 0, None, None)
    assert "there is no test" in same.notes[-1]
    perfect = roc(people, score="x", truth="y", direction="low")
    both = compare_independent_roc(perfect, perfect)
    assert (both.se, both.p) == (0, None)


def test_limits_on_the_scale_of_log_odds_stay_inside():
    people = pl.DataFrame({"x": [1.0, 2, 3, 4, 5, 2.5, 6, 7, 8, 9], "y": [1] * 5 + [0] * 5})
    given = {"score": "x", "truth": "y", "direction": "low"}
    wald, logit = (roc(people, **given, interval=way).auc for way in ("wald", "logit"))
    assert wald.upper == 1
    assert logit.upper < 1
    assert roc(people, **given).auc == logit


def test_independent_curves_have_no_covariance_and_domains_keep_the_design():
    people = sample(900).with_columns(half=pl.int_range(pl.len()) < 450)
    given = {"score": "score", "truth": "truth", "direction": "low"}
    design = SurveyDesign(weight="w", psu="unit")
    curves = [roc(people, **given, design=design, domain=pl.col("half") == h) for h in (1, 0)]
    result = compare_independent_roc(*curves)
    assert result.covariance == 0
    assert result.se == pytest.approx(np.hypot(*(c.auc.se for c in curves)))
    assert 29 <= result.df <= 58
    assert curves[0].n_people == 450


def test_nobody_is_dropped_in_silence():
    people = pl.DataFrame(
        {"x": [1.0, 2, 3, None, 5, float("nan"), 7], "y": [1, 1, 0, 1, 0, None, None]}
    )
    result = roc(people, score="x", truth="y", direction="low")
    assert (result.n_people, result.n_diseased, result.n_healthy) == (7, 2, 2)
    lost = (result.n_score_missing, result.n_truth_missing, result.n_both_missing)
    assert lost == (1, 1, 1)
    assert result.notes[0] == "2 of 7 people lack x"
    assert "separates everybody" in result.notes[-1]


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"direction": None}, 'direction is not given: say direction="low"'),
        ({}, {"direction": "<"}, '"low" or "high", not \'<\''),
        ({"score": pl.lit(0.7)}, {}, "score is constant: all 300 people"),
        ({"score": pl.lit("0.7")}, {}, "expected numbers"),
        ({"score": pl.lit(np.inf)}, {}, "300 infinite values"),
        ({"truth": pl.lit(value=True)}, {}, "one class only"),
        ({"truth": pl.int_range(pl.len()) == 0}, {}, "1 diseased by truth"),
        ({}, {"score": "scor"}, "named as score="),
    ],
)
def test_bad_people_get_their_own_words(change, options, words):
    people = sample().with_columns(**change)
    given = {"score": "score", "truth": "truth", "direction": "low"}
    with pytest.raises(SchemaError, match=words):
        roc(people, **(given | options))


@pytest.mark.parametrize(
    "options",
    [
        {"partial": (0.9, 0.8)}, {"partial": (80, 100)}, {"partial": (0.5, 0.5)},
        {"partial_of": "spec"}, {"interval": "exact"}, {"uncertainty": "jackknife"},
        {"confidence": 95},
    ],
)  # fmt: skip
def test_bad_choices_are_refused(options):
    with pytest.raises(DesignError if "partial" in options else DefinitionError):
        roc(sample(), score="score", truth="truth", direction="low", **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"partial": "0.8"}, "partial='0.8'; expected a range within 0 to 1"),
        ({"partial": (0.8, float("nan"))}, "expected a range"),
        ({"partial": (True, 1.0)}, "expected a range"),
        ({"partial": 0.8}, "expected a range"),
        ({"partial_of": "sensitivity"}, 'partial_of="sensitivity" without partial='),
        ({"replicates": 500}, "replicates=500 is of the bootstrap"),
        ({"seed": 1}, "seed=1 is of the bootstrap"),
        ({"uncertainty": "bootstrap", "interval": "logit"}, "leave interval= out"),
        ({"uncertainty": "bootstrap", "replicates": 0}, "replicates=0; expected a whole number"),
        ({"uncertainty": "bootstrap", "replicates": 99.5}, "replicates=99.5; expected a whole"),
        ({"uncertainty": "bootstrap", "seed": "x"}, "seed='x'; expected a whole number"),
        ({"tolerance": float("nan")}, "tolerance=nan; expected a number"),
        ({"tolerance": -0.1}, "tolerance=-0.1; expected a number"),
    ],
)
def test_arguments_that_are_none_or_that_nothing_reads_are_refused(options, words):
    with pytest.raises((DesignError, DefinitionError), match=re.escape(words)):
        roc(sample(), score="score", truth="truth", direction="low", **options)


def test_both_directions_of_a_comparison_are_declared():
    with pytest.raises(SchemaError, match="second_direction is not given"):
        compare_roc(sample(), first="score", first_direction="low", second="other", truth="truth")


def test_a_hundred_thousand_people_are_ranked_not_paired():
    from scipy.stats import rankdata

    rng = np.random.default_rng(3)
    n = 100_000
    truth = rng.random(n) < 0.2
    people = pl.DataFrame({"x": rng.normal(size=n) - truth, "y": truth})
    found = roc(people, score="x", truth="y", direction="low")
    healthy, diseased = int((~truth).sum()), int(truth.sum())
    ranks = rankdata(people["x"].to_numpy())[~truth].sum() - healthy * (healthy + 1) / 2
    # The curve of a hundred thousand: 1.6e9 pairs would be too many to count.
    assert found.auc.estimate == pytest.approx(ranks / (healthy * diseased), abs=1e-12)


def test_an_area_of_two_hips_a_person_has_the_error_between_persons():
    """Each person twice: the area of one row each, and the error of as many persons."""
    rng = np.random.default_rng(3)
    once = pl.DataFrame(
        {
            "person_id": np.arange(60),
            "score": rng.normal(size=60) - np.repeat([1.0, 0.0], 30),
            "truth": np.repeat([True, False], 30),
        }
    )
    asked = {"score": "score", "truth": "truth", "direction": "low"}
    hips = pl.concat([once, once])
    with pytest.raises(SchemaError, match="person_id"):
        roc(hips, **asked)
    both = roc(hips, cluster="person_id", **asked).auc
    persons = roc(once, design=SurveyDesign(psu="person_id"), **asked).auc
    assert (both.estimate, both.se) == pytest.approx((persons.estimate, persons.se), rel=1e-12)
    paired = compare_roc(
        hips.with_columns(other=pl.col("score").reverse()), first="score", first_direction="low",
        second="other", second_direction="low", truth="truth", cluster="person_id",
    )  # fmt: skip
    assert "clusters (person_id)" in paired.notes[0]


def test_tables_of_estimates_have_one_vocabulary():
    score = np.arange(60) % 13
    people = pl.DataFrame({"score": score, "truth": (score + np.arange(60)) % 3 > 0,
                           "test": score > 6})  # fmt: skip
    asked = {"score": "score", "direction": "high", "truth": "truth"}
    for result in (
        roc(people, **asked),
        smooth_roc(people, **asked),
        corrected_prevalence(people, test="test", sensitivity=0.9, specificity=0.8),
    ):
        assert result.to_frame().columns == [
            "measure", "estimate", "se", "lower", "upper", "n", "method",
        ]  # fmt: skip
