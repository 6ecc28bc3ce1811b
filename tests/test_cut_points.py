"""Cut-points: other software, each criterion by its definition, designs, optimism, bad input."""

from __future__ import annotations

import json
import re

import cutpoint_golden as golden
import numpy as np
import polars as pl
import pytest
from agreement_golden import FOLDER

from osteo_epi.accuracy import CRITERIA, accuracy, cut_points
from osteo_epi.agreement import deming
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.survey import ReplicateDesign, SurveyDesign, survey_regression

RECORDS = json.loads((FOLDER / "d_diag_cutpoints.json").read_text())
BOOTSTRAPS = [record for record in RECORDS if record.endswith(".bootstrap")]
GIVEN = {"score": "score", "truth": "truth", "direction": "low"}
FOUND = {"reference": "t", "reference_positive": "(-inf, -2.5]"}
REFERENCE = FOUND | {"error_ratio": 0.01}


def sample(n: int = 400, *, seed: int = 1) -> pl.DataFrame:
    """People of 40 units, whose scores of one decimal are lower in the diseased."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    score = np.round(rng.normal(100, 20, n) - 25 * truth, 1)
    t = np.round((score - 110) / 20 + rng.normal(0, 0.4, n), 2)
    fracture = rng.random(n) < 1 / (1 + np.exp((score - 60) / 15))
    weight, unit = rng.uniform(0.5, 3, n), np.arange(n) % 40
    return pl.DataFrame({"score": score, "truth": truth, "t": t, "fracture": fracture,
                         "w": weight, "unit": unit})  # fmt: skip


def by_hand(people: pl.DataFrame, weight: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Rates at every cut-point, from their definition."""
    x, d = people["score"].to_numpy(), people["truth"].to_numpy()
    w = np.ones(len(x)) if weight is None else weight
    values = np.unique(x)
    cuts = np.concatenate([[-np.inf], (values[1:] + values[:-1]) / 2, [np.inf]])
    below = x[None, :] < cuts[:, None]
    return {
        "cut": cuts,
        "se": (below * (w * d)).sum(axis=1) / (w * d).sum(),
        "sp": (~below * (w * ~d)).sum(axis=1) / (w * ~d).sum(),
        "positive": (below * w).sum(axis=1) / w.sum(),
    }


@pytest.mark.parametrize("record", RECORDS)
def test_other_software_gives_the_same_numbers(record):
    assert golden.faults(record, RECORDS[record]["result"]) == []


@pytest.mark.parametrize("record", BOOTSTRAPS)
def test_limits_of_a_cut_point_agree_within_monte_carlo_error(record):
    name, score, _ = record.split(".")
    low, high = RECORDS[record]["result"]["threshold"]
    # A rank of 2.5 % of 2000 samples has an error of 0.35 %, and so has ours: 1 % to 4 %.
    wide, narrow = (
        golden.found(name, score, criteria=("youden",), replicates=2000, stratified=True,
                     confidence=level)["youden"]
        for level in (0.98, 0.92)
    )  # fmt: skip
    assert wide.lower <= low <= narrow.lower
    assert narrow.upper <= high <= wide.upper


def test_where_proc_takes_one_of_equals_it_is_among_ours():
    theirs = RECORDS["osteo_diag.qus.coords"]["result"]["weighted"]["threshold"]
    costs = {"criteria": ("cost",), "cost_ratio": 0.5, "prevalence": 0.2}
    ours = golden.found("osteo_diag", "qus", **costs)["cost"]
    assert len(ours.tied) == 2
    assert any(cut == pytest.approx(theirs, rel=1e-12) for cut in ours.tied)
    assert ours.cut_point == max(ours.tied)


@pytest.mark.parametrize("weighted", [False, True])
def test_each_criterion_of_the_curve_is_its_definition(weighted):
    people = sample()
    weight = people["w"].to_numpy() if weighted else None
    hand = by_hand(people, weight)
    design = SurveyDesign(weight="w") if weighted else "srs"
    result = cut_points(people, **GIVEN, cost_ratio=0.2, design=design, replicates=0)
    se, sp, w = hand["se"], hand["sp"], np.ones(400) if weight is None else weight
    share = (w * people["truth"].to_numpy()).sum() / w.sum()
    best = {
        "youden": se + sp,
        "closest": -np.hypot(1 - se, 1 - sp),
        "sensitivity": np.where(se >= 0.9, sp, -1),
        "specificity": np.where(sp >= 0.9, se, -1),
        "cost": -(share * (1 - se) + 0.2 * (1 - share) * (1 - sp)),
        "prevalence": -abs(hand["positive"] - share),
    }
    for name, value in best.items():
        point = result[name]
        k = int(np.flatnonzero(np.isclose(hand["cut"], point.cut_point))[0])
        assert value[k] == pytest.approx(value.max(), rel=1e-12)
        assert point.sensitivity.estimate == pytest.approx(se[k], rel=1e-12)
        assert point.specificity.estimate == pytest.approx(sp[k], rel=1e-12)
        assert point.share_positive == pytest.approx(hand["positive"][k], rel=1e-12)
        assert people.filter(pl.col("score") < point.cut_point)["score"].max() == point.observed
        assert set(np.round(point.tied, 6)) in (
            set(),
            set(np.round(hand["cut"][np.isclose(value, value.max(), rtol=1e-12)], 6)),
        )


def test_the_line_is_that_of_deming():
    people = sample()
    line = deming(people["t"], people["score"], error_ratio=0.01)
    point = cut_points(people, **GIVEN, **REFERENCE, replicates=200)["deming"]
    by_line = line.intercept.estimate - 2.5 * line.slope.estimate
    assert point.cut_point == pytest.approx(by_line, rel=1e-10)
    assert point.lower < point.cut_point < point.upper
    turned = people.with_columns(t=-pl.col("t"))
    other = cut_points(turned, **GIVEN, reference="t", reference_positive="[2.5, inf)",
                       error_ratio=0.01, replicates=0)["deming"]  # fmt: skip
    assert other.cut_point == pytest.approx(by_line, rel=1e-10)


def test_equipercentile_finds_as_many_as_the_reference_test_among_those_who_have_it():
    people = sample().with_columns(t=pl.when(pl.int_range(pl.len()) % 4 > 0).then("t"))
    point = cut_points(people, **GIVEN, **REFERENCE, replicates=0)["equipercentile"]
    known = people.drop_nulls("t")
    by_reference = known.filter(pl.col("t") <= -2.5).height
    # Scores have ties, so the number may be off by less than a group of them.
    assert known.filter(pl.col("score") < point.cut_point).height == pytest.approx(
        by_reference, abs=1
    )
    assert point.n == known.height == 300


def test_the_risk_is_that_of_a_logistic_regression_weighted_or_not():
    people = sample()
    for design in (SurveyDesign(weight="w"), SurveyDesign()):
        arrays = design.arrays(people)
        table = np.column_stack([np.ones(400), people["score"].to_numpy()])
        y = people["fracture"].to_numpy().astype(float)
        a, b = survey_regression(y, table, arrays, family="binomial").value
        point = cut_points(people, **GIVEN, outcome="fracture", risk=0.2, design=design,
                           criteria=("risk",), replicates=0)["risk"]  # fmt: skip
        assert point.cut_point == pytest.approx((np.log(0.2 / 0.8) - a) / b, rel=1e-8)
        table[:, 1] = people["t"].to_numpy()
        c, d = survey_regression(y, table, arrays, family="binomial").value
        point = cut_points(people, **GIVEN, **FOUND, outcome="fracture", design=design,
                           criteria=("risk",), replicates=0)["risk"]  # fmt: skip
        assert point.cut_point == pytest.approx((c - 2.5 * d - a) / b, rel=1e-8)


def test_a_stated_cut_point_is_judged_as_accuracy_judges_it_and_has_no_optimism():
    people = sample().with_columns(score=pl.col("score").round(0))
    for text in ("(-inf, 80)", "(-inf, 80]"):
        point = cut_points(people, **GIVEN, beside=text, replicates=20)["stated"]
        expected = accuracy(people, test="score", test_positive=text, truth="truth")
        assert point.sensitivity == expected.sensitivity
        assert point.specificity == expected.specificity
        assert point.sensitivity_corrected == point.sensitivity
        assert (point.lower, point.upper) == (None, None)


def test_a_tolerance_wider_than_half_a_step_moves_no_cut_point_off_its_rates():
    people = sample().with_columns((pl.col("score") / 10).round() * 10)
    fine, wide = (
        cut_points(people, **GIVEN, criteria=("youden", "closest"), replicates=50, tolerance=by)
        for by in (0.01, 8.0)
    )
    assert wide.points == fine.points
    assert wide["youden"].observed == wide["youden"].cut_point - 5


def test_samples_without_the_reference_test_or_the_outcome_have_no_cut_point():
    few = pl.int_range(pl.len()) < 4
    people = sample().with_columns(
        t=pl.when(few).then(pl.Series([-3.0, -2.0, -2.9, -2.2] * 100)),
        fracture=pl.when(few).then(pl.Series([True, False] * 200)),
    )
    names = ("deming", "equipercentile", "risk")
    result = cut_points(people, **GIVEN, **REFERENCE, outcome="fracture", risk=0.2,
                        criteria=names, replicates=300)  # fmt: skip
    lost = [note for note in result.notes if "samples have no cut-point" in note]
    assert any("as many as t" in note for note in lost)


def test_limits_of_rates_are_those_of_a_cut_point_stated_beforehand_by_the_design():
    people = sample()
    design = SurveyDesign(weight="w", psu="unit")
    point = cut_points(people, **GIVEN, design=design, replicates=50)["youden"]
    at = f"(-inf, {point.cut_point!r})"
    expected = accuracy(people, test="score", test_positive=at, truth="truth", design=design)
    for name in ("sensitivity", "specificity"):
        ours, theirs = getattr(point, name), getattr(expected, name)
        assert (ours.estimate, ours.lower, ours.upper) == pytest.approx(
            (theirs.estimate, theirs.lower, theirs.upper), rel=1e-10
        )


def test_samples_and_optimism_are_those_of_a_plain_loop():
    """The table of weights against one sample after the other."""
    people, r = sample(120), 60
    result = cut_points(people, **GIVEN, replicates=r, seed=7, correction="bootstrap")["youden"]
    order = np.argsort(people["score"].to_numpy(), kind="stable")
    drawn = np.random.default_rng(7).integers(0, 120, (r, 120))
    cuts, optimism = [], []
    for places in drawn:
        again = people[order[places]]
        point = cut_points(again, **GIVEN, criteria=("youden",), replicates=0)["youden"]
        at = f"(-inf, {point.cut_point!r})"
        there = accuracy(people, test="score", test_positive=at, truth="truth")
        cuts.append(point.cut_point)
        optimism.append(point.youden.estimate - there.youden.estimate)
    tail = int(np.ceil(0.025 * r))
    assert (result.lower, result.upper) == pytest.approx(
        (sorted(cuts)[tail - 1], sorted(cuts)[-tail]), rel=1e-12
    )
    corrected = result.youden.estimate - np.mean(optimism)
    assert result.youden_corrected.estimate == pytest.approx(corrected, rel=1e-12)


def test_people_left_out_judge_the_cut_point_that_was_found_without_them():
    """The deal of people to ten parts, twenty times, one part after the other."""
    people, design = sample(100).sort("score", maintain_order=True), SurveyDesign(weight="w")
    score, sick, w = (people[name].to_numpy() for name in ("score", "truth", "w"))
    rng, part, sums = np.random.default_rng((0, 10)), np.empty(100, dtype=int), np.zeros(4)
    for _ in range(20):
        for kind in (sick, ~sick):
            part[rng.permutation(np.flatnonzero(kind))] = np.arange(kind.sum()) % 10
        for left in (part == k for k in range(10)):
            point = cut_points(people.filter(~left), **GIVEN, criteria=("youden",), design=design,
                               replicates=0)["youden"]  # fmt: skip
            hit = score < point.cut_point
            masks = (left & sick & hit, left & ~sick & ~hit, left & sick, left & ~sick)
            sums += [w[mask].sum() for mask in masks]
    ours = cut_points(people, **GIVEN, criteria=("youden",), design=design, replicates=5)["youden"]
    assert ours.sensitivity_corrected.estimate == pytest.approx(sums[0] / sums[2], rel=1e-12)
    assert ours.specificity_corrected.estimate == pytest.approx(sums[1] / sums[3], rel=1e-12)
    assert ours.youden_corrected.estimate < ours.youden.estimate


def test_units_are_left_out_whole():
    """People who stand twice in the data are no new people: nothing is gained by them."""
    people = sample(100).with_columns(unit=pl.int_range(pl.len()))
    twice = pl.concat([people, people])
    given = {**GIVEN, "criteria": ("youden",), "replicates": 20}
    corrected = [
        cut_points(frame, **given, design=SurveyDesign(psu="unit"))["youden"].youden_corrected
        for frame in (people, twice)
    ]
    assert corrected[0].estimate == pytest.approx(corrected[1].estimate, abs=0.02)
    assert corrected[0].se == pytest.approx(corrected[1].se, rel=0.1)


def test_a_design_draws_its_units_and_cases_and_controls_are_drawn_apart():
    people = sample()
    units = cut_points(people, **GIVEN, design=SurveyDesign(psu="unit"), criteria=("youden",))
    apart = cut_points(people, **GIVEN, stratified=True, criteria=("youden",))
    plain = cut_points(people, **GIVEN, criteria=("youden",))
    assert units.replicates == apart.replicates == plain.replicates == 1000
    assert {(p["youden"].cut_point) for p in (units, apart, plain)} == {plain["youden"].cut_point}
    widths = [p["youden"].upper - p["youden"].lower for p in (units, apart, plain)]
    assert max(widths) < 2 * min(widths)
    again = cut_points(people, **GIVEN, design=SurveyDesign(psu="unit"), criteria=("youden",))
    assert units["youden"] == again["youden"]


def test_equally_good_cut_points_are_named_and_the_middle_one_taken():
    people = pl.DataFrame({"score": [1.0, 2, 3, 4, 5, 6], "truth": [1, 1, 0, 1, 0, 0]})
    result = cut_points(people, **GIVEN, criteria=("youden",), replicates=0)
    assert result["youden"].tied == (2.5, 4.5)
    assert result["youden"].cut_point == 2.5
    assert any("2 cut-points are equally good, 2.5 to 4.5" in note for note in result.notes)


def test_a_rate_put_first_takes_what_the_other_has_to_give():
    people = pl.DataFrame({"score": [1.0, 2, 3, 4, 5, 6], "truth": [1, 1, 0, 0, 1, 0]})
    result = cut_points(people, **GIVEN, sensitivity=0.5, specificity=0.3, replicates=0)
    assert result["sensitivity"].cut_point == 2.5
    assert result["specificity"].cut_point == 5.5
    everybody = cut_points(people, **GIVEN, sensitivity=1.0, replicates=0)["sensitivity"]
    assert everybody.cut_point == 5.5


def test_nobody_positive_may_be_best_and_is_said():
    people = pl.DataFrame({"score": [1.0, 2, 3, 4, 5, 6], "truth": [0, 1, 1, 0, 1, 0]})
    nobody = cut_points(people, **GIVEN, criteria=("cost",), cost_ratio=1e6, replicates=100)
    assert nobody["cost"].cut_point == -np.inf
    assert nobody["cost"].observed is None
    assert "best where nobody is positive" in nobody.notes[-1]
    assert nobody.to_frame()["lower"].item() == -np.inf


def test_a_score_that_runs_against_the_reference_has_no_cut_point_and_it_is_said():
    people = sample().with_columns(t=-pl.col("t") - 5)
    result = cut_points(people, **GIVEN, **REFERENCE, criteria=("deming", "youden"), replicates=50)
    assert result["deming"].cut_point is None
    assert result.to_frame()["cut_point"][0] is None
    assert "does not follow the reference test" in result.notes[-1]


def test_directions_mirror_each_other():
    people = sample()
    low = cut_points(people, **GIVEN, criteria=CRITERIA[:4], replicates=100)
    turned = people.with_columns(score=-pl.col("score"))
    high = cut_points(turned, **(GIVEN | {"direction": "high"}), criteria=CRITERIA[:4],
                      replicates=100)  # fmt: skip
    for name in CRITERIA[:4]:
        assert high[name].cut_point == pytest.approx(-low[name].cut_point)
        assert high[name].youden_corrected == low[name].youden_corrected


def test_a_domain_is_not_the_whole_and_gaps_are_counted():
    people = sample().with_columns(
        score=pl.when(pl.int_range(pl.len()) != 3).then("score"), old=pl.int_range(pl.len()) < 200
    )
    result = cut_points(people, **GIVEN, domain="old", replicates=20)
    assert result.n_people == 200
    assert result.n_diseased + result.n_healthy == 199
    assert "1 of 200 people lack score" in result.notes


def test_words_for_missing_in_an_outcome_are_said():
    answer = pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("unknown"))
    people = sample().with_columns(
        fracture=answer.when("fracture").then(pl.lit("yes")).otherwise(pl.lit("no"))
    )
    result = cut_points(people, **GIVEN, outcome="fracture", outcome_positive="yes", risk=0.2,
                        criteria=("risk",), replicates=0)  # fmt: skip
    assert result["risk"].n == 395
    assert any("fracture" in note and "5" in note for note in result.notes)


def test_the_table_has_every_criterion_with_its_columns():
    result = cut_points(sample(), **GIVEN, **REFERENCE, cost_ratio=0.2, outcome="fracture",
                        beside="(-inf, 80)", replicates=30)  # fmt: skip
    frame = result.to_frame()
    assert frame["criterion"].to_list() == [*CRITERIA, "stated"]
    assert frame.drop("lower", "upper").null_count().sum_horizontal().item() == 0
    assert result._repr_html_().count("<tr>") == 11
    assert result.curve().height == len(result.curve_cut_points)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"direction": None}, 'direction is not given: say direction="low"'),
        ({"score": pl.lit(0.7)}, {}, "score is constant"),
        ({"truth": pl.lit(value=True)}, {}, "one class only"),
        ({"t": pl.lit(-3.0)}, REFERENCE, "constant or empty"),
        ({"t": pl.lit(-1.0)}, {"reference": "t", "reference_positive": "(-inf, -2.5]"},
         "none of 400 people .* are positive"),
        ({"t": pl.lit(None, pl.Float64)}, {"reference": "t", "reference_positive": "(-inf, 1]"},
         "none of 0 people"),
        ({}, REFERENCE | {"reference": "dxa"}, "named as reference="),
        ({"fracture": pl.lit(value=True)}, {"outcome": "fracture", "risk": 0.1},
         "all 400 people .* are positive"),
    ],
)  # fmt: skip
def test_bad_people_get_their_own_words(change, options, words):
    with pytest.raises(SchemaError, match=words):
        cut_points(sample().with_columns(**change), **(GIVEN | options))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"criteria": ("yoden",)}, DesignError, "choose from youden"),
        ({"criteria": "youden"}, DefinitionError, "expected a list of words"),
        ({"criteria": ("youden", "youden")}, DefinitionError, "stand twice"),
        ({"criteria": ("cost",)}, DesignError, 'criterion "cost" needs cost_ratio='),
        ({"criteria": ("deming",)}, DesignError, "needs reference="),
        ({"reference": "t", "error_ratio": 1.0}, DesignError, "needs reference_positive="),
        ({"outcome": "fracture"}, DesignError, "needs the risk to be met"),
        (REFERENCE | {"reference_positive": "(-3, -2)"}, DesignError, "with one end"),
        ({"beside": 80.0}, DesignError, "with one end"),
        ({"beside": "(80, inf)"}, DesignError, "finds high scores"),
        ({"sensitivity": 90}, DefinitionError, "sensitivity=90"),
        ({"cost_ratio": 0}, DefinitionError, "cost_ratio=0"),
        ({"prevalence": 1.0}, DefinitionError, "prevalence=1.0"),
        ({"replicates": 0.5}, DefinitionError, "replicates=0.5"),
        ({"replicates": True}, DefinitionError, "replicates=True"),
        ({"confidence": 95}, DefinitionError, "confidence"),
        ({"correction": "harrell"}, DefinitionError, "must be one of cross_validation, bootstrap"),
        ({"stratified": "yes"}, DefinitionError, "stratified"),
        ({"stratified": True, "cost_ratio": 0.2}, DesignError, "state prevalence="),
        ({"stratified": True, "design": SurveyDesign(weight="w")}, DesignError, "leave it out"),
        (FOUND | {"stratified": True}, DesignError, "name the others in criteria="),
        ({"replicates": 1}, DefinitionError, "one sample has no spread"),
        ({"beside": ["(-inf, 80)", "(-inf, 80)"]}, DesignError, "twice: leave one out"),
        ({"replicates": 0, "seed": 3}, DesignError, "seed=3 is of the bootstrap"),
        ({"replicates": 0, "correction": "bootstrap"}, DesignError, "correction='bootstrap' is of"),
        ({"risk": 0.2}, DesignError, 'only "risk" reads it'),
        ({"reference_positive": "(-inf, 0]"}, DesignError, "reference_positive= has no use"),
        ({"outcome_positive": "yes"}, DesignError, "outcome_positive= has no use"),
        (REFERENCE | {"criteria": ("youden",)}, DesignError, "reference= has no use"),
        ({"criteria": ("youden",), "sensitivity": 0.8}, DesignError, "sensitivity= has no use"),
        ({"criteria": ("youden",), "cost_ratio": 0.9}, DesignError, "cost_ratio= has no use"),
        ({"criteria": ("risk",), "outcome": "fracture", "risk": 0.2, "reference": "t"}, DesignError,
         'only "deming" or "equipercentile" reads it'),
    ],
)  # fmt: skip
def test_bad_choices_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        cut_points(sample(), **(GIVEN | options))


def test_replicate_weights_give_cut_points_without_limits():
    people = sample().with_columns(pl.col("w").alias(f"rep{i}") * (1 + 0.01 * i) for i in range(4))
    design = ReplicateDesign(weight="w", replicates="rep", kind="JK1")
    with pytest.raises(DesignError, match="replicates=0"):
        cut_points(people, **GIVEN, design=design)
    point = cut_points(people, **GIVEN, design=design, replicates=0)["youden"]
    assert (point.lower, point.youden_corrected) == (None, None)
    assert point.sensitivity.estimate > 0.5


def test_a_name_that_is_no_criterion_of_the_result_is_refused():
    with pytest.raises(SchemaError, match="there are youden"):
        cut_points(sample(), **GIVEN, criteria=("youden",), replicates=0)["cost"]


@pytest.mark.parametrize("pattern", golden.DIFFERENT)
def test_a_difference_that_is_listed_is_one(pattern):
    differing = {
        path
        for record in RECORDS
        for path in golden.unlike(record, RECORDS[record]["result"])
        if re.fullmatch(pattern, path)
    }
    assert differing
