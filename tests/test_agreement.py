"""Agreement: coverage, identities, repeated measures, streams, bad input."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from osteo_epi.agreement import (
    bland_altman,
    bland_altman_repeated,
    concordance,
    correlation,
    equivalence,
    intraclass,
    kappa,
    kappa_of_table,
    kendall_w,
    krippendorff,
    raters,
    transitions,
)
from osteo_epi.errors import SchemaError


def readings(n: int = 60, seed: int = 0, *, bias: float = 0.0, slope: float = 1.0) -> tuple:
    rng = np.random.default_rng(seed)
    true = rng.normal(0.95, 0.15, n)
    return true + rng.normal(0, 0.01, n), bias + slope * true + rng.normal(0, 0.01, n)


@pytest.mark.parametrize("interval", ["approximate", "mover", "exact"])
def test_the_intervals_of_the_limits_cover(interval: str) -> None:
    rng, z, n, runs = np.random.default_rng(1), stats.norm.ppf(0.975), 20, 4_000
    hits = 0
    for difference in rng.normal(0, 1, (runs, n)):
        upper = bland_altman(np.zeros(n), difference, interval=interval).upper
        hits += upper.lower <= z <= upper.upper
    low = 0.915 if interval == "approximate" else 0.94
    assert low <= hits / runs <= 0.965


def test_exact_limits_lean_outward() -> None:
    ba = bland_altman(*readings())
    for limit, sign in ((ba.upper, 1), (ba.lower, -1)):
        out, inward = (limit.upper, limit.lower) if sign > 0 else (limit.lower, limit.upper)
        assert abs(out - limit.estimate) > abs(inward - limit.estimate)


def test_exchanging_the_methods_turns_the_signs() -> None:
    x, y = readings(bias=0.05)
    one, other = bland_altman(x, y), bland_altman(y, x)
    assert one.bias.estimate == pytest.approx(-other.bias.estimate)
    assert one.lower.upper == pytest.approx(-other.upper.lower)


def test_percent_and_log_scales_agree_for_a_proportional_difference() -> None:
    x, y = readings(slope=1.10)
    percent, ratio = bland_altman(x, y, scale="percent"), bland_altman(x, y, scale="log")
    assert percent.bias.estimate == pytest.approx(100 * 2 * 0.10 / 2.10, rel=0.05)
    assert ratio.bias.estimate == pytest.approx(1.10, rel=0.01)
    assert ratio.lower.estimate < ratio.bias.estimate < ratio.upper.estimate
    assert bland_altman(x, y).proportional.p < 1e-6
    assert percent.proportional.p > 1e-4


def test_a_method_that_reads_twice_the_other_correlates_and_does_not_agree() -> None:
    x, _ = readings()
    a, c = correlation(x, 2 * x), concordance(x, 2 * x)
    assert a.pearson.estimate == pytest.approx(1)
    assert a.kendall == pytest.approx(1)
    assert c.ccc.estimate < 0.3
    assert c.precision == pytest.approx(1)
    assert intraclass(np.column_stack([x, 2 * x]))["ICC2"].estimate < 0.3
    assert "not agreement" in a.note
    assert "not agreement" in a.to_frame()["note"][0]
    assert "correlation says nothing" in bland_altman(x, 1.2 * x).notes[0]


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-0.3, 0.3), seed=st.integers(0, 1000))
def test_only_consistency_forgives_a_constant_shift(shift: float, seed: int) -> None:
    x, y = readings(30, seed)
    same, moved = (intraclass(np.column_stack([x, v])) for v in (y, y + shift))
    assert moved["ICC3"].estimate == pytest.approx(same["ICC3"].estimate, rel=1e-6)
    assert concordance(x, y + shift).precision == pytest.approx(concordance(x, y).precision)


def test_icc_forms_are_indexed_and_ordered() -> None:
    table = intraclass(np.column_stack(readings())).to_frame()
    assert table["form"].to_list() == ["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]
    assert (table["lower"] < table["estimate"]).all()
    ratings = np.column_stack(readings())
    ratings[:3, 0] = np.nan
    assert (intraclass(ratings).n, intraclass(ratings).n_missing) == (57, 3)


def test_tost_is_the_interval_within_the_margin() -> None:
    x, y = readings(bias=0.02)
    e = equivalence(x, y, margin=0.025)
    within = e.difference.lower > -0.025 and e.difference.upper < 0.025
    assert e.equivalent == within
    assert not equivalence(x, y, margin=0.02).equivalent
    assert equivalence(x, y, margin=(0.0, 0.04)).equivalent
    two_sided = stats.ttest_1samp(y - x, 0).confidence_interval(0.90)
    assert (e.difference.lower, e.difference.upper) == pytest.approx(tuple(two_sided))


def test_repeated_measures_widen_the_limits_of_means() -> None:
    rng = np.random.default_rng(4)
    people, k = 200, 3
    who = np.repeat(np.arange(people), k)
    true = np.repeat(rng.normal(1, 0.1, people), k)
    person_bias = np.repeat(rng.normal(0, 0.01, people), k)
    x = true + rng.normal(0, 0.02, people * k)
    y = true + person_bias + 0.03 + rng.normal(0, 0.03, people * k)
    total = math.sqrt(0.01**2 + 0.02**2 + 0.03**2)
    for design in ("varies", "constant"):
        ba = bland_altman_repeated(x, y, person=who, true_value=design)
        assert ba.sd == pytest.approx(total, rel=0.06)
        assert ba.bias.estimate == pytest.approx(0.03, abs=0.005)
        assert ba.n_people == people
        assert ba.upper.lower < ba.upper.estimate < ba.upper.upper
    means = [v.reshape(people, k).mean(axis=1) for v in (x, y)]
    assert bland_altman(*means).sd < 0.75 * total


def test_one_pair_a_person_is_the_plain_analysis() -> None:
    x, y = readings(40)
    plain = bland_altman(x, y, interval="mover")
    same = bland_altman_repeated(x, y, person=np.arange(40), true_value="varies")
    for name in ("bias", "lower", "upper"):
        one, other = getattr(plain, name), getattr(same, name)
        assert (other.estimate, other.lower, other.upper) == pytest.approx(
            (one.estimate, one.lower, one.upper), rel=1e-12
        )


def test_repeats_of_unequal_number_in_either_method() -> None:
    ba = bland_altman_repeated(
        [1.0, 1.1, 0.9, 0.8, 0.82],
        [1.0, 0.95, 0.93, 0.8],
        person=["a", "a", "b", "c", "c"],
        y_person=["a", "b", "b", "c"],
        true_value="constant",
    )
    assert ba.n == 9
    assert ba.bias.estimate == pytest.approx(np.mean([1.0 - 1.05, 0.94 - 0.9, 0.8 - 0.81]))
    with pytest.raises(SchemaError, match="1 person was measured by one method only"):
        bland_altman_repeated(
            [1.0] * 3, [1.0] * 3, person=[1, 2, 3], y_person=[1, 2, 2], true_value="constant"
        )
    with pytest.raises(SchemaError, match="unpaired rows"):
        bland_altman_repeated([1.0, 1.1], [1.0], person=[1, 2], y_person=[1], true_value="varies")


def test_kappa_by_hand_and_its_limits() -> None:
    k = kappa_of_table([[20, 5], [10, 15]])
    assert (k.observed, k.expected) == pytest.approx((0.7, 0.5))
    assert k.pabak.estimate == pytest.approx(0.4)
    assert kappa_of_table([[5, 0], [0, 7]]).kappa.estimate == 1
    assert kappa_of_table([[0, 5], [5, 0]]).kappa.estimate == pytest.approx(-1)
    with pytest.raises(SchemaError, match="all 9 people are in one class"):
        kappa_of_table([[9, 0], [0, 0]])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=9, max_size=9))
def test_weighted_kappa_of_two_classes_is_plain_and_scores_are_symmetric(cells: list[int]) -> None:
    table = np.array(cells).reshape(3, 3) + 1
    two = np.array([[table[0, 0], table[0, 1]], [table[1, 0], table[1, 1]]])
    values = [
        kappa_of_table(two, weights=w).kappa.estimate for w in ("none", "linear", "quadratic")
    ]
    assert values == pytest.approx([values[0]] * 3)
    turned = kappa_of_table(table.T, weights="quadratic").kappa
    assert turned.estimate == pytest.approx(
        kappa_of_table(table, weights="quadratic").kappa.estimate
    )


def test_kappa_takes_classes_in_their_own_order() -> None:
    kind = pl.Enum(["osteoporosis", "low_bone_mass", "normal"])
    a = pl.Series(["normal", "osteoporosis", "low_bone_mass", "normal", None], dtype=kind)
    b = pl.Series(["normal", "low_bone_mass", "low_bone_mass", "normal", "normal"], dtype=kind)
    k = kappa(a, b, weights="linear")
    assert k.classes == ("osteoporosis", "low_bone_mass", "normal")
    assert (k.n, k.n_missing) == (4, 1)
    with pytest.raises(SchemaError, match="1 person has a class that is not among"):
        kappa(["a", "b", "c"], ["a", "b", "b"], classes=["a", "b"])
    with pytest.raises(SchemaError, match="unpaired rows"):
        kappa(["a", "b", "c"], ["a", "b"])


def test_krippendorff_worked_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's alpha-reliability", example C: nominal 0.743,
    # ordinal 0.815, interval 0.849.
    n = np.nan
    a = [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n]
    b = [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3]
    c = [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n]
    d = [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n]
    table = np.array([a, b, c, d]).T
    alphas = [krippendorff(table, level=k) for k in ("nominal", "ordinal", "interval")]
    assert alphas == pytest.approx([0.743, 0.815, 0.849], abs=6e-4)


def test_raters_agree_with_themselves() -> None:
    one = np.tile([[0], [1], [2], [1], [0]], (1, 3))
    assert raters(one).fleiss.estimate == pytest.approx(1)
    assert raters(one).by_class["kappa"].to_list() == pytest.approx([1, 1, 1])
    assert kendall_w(one).w == pytest.approx(1)
    with pytest.raises(SchemaError, match="at least three people and two classes"):
        raters([[0, 0], [0, 0], [0, 0]])


def test_transitions_count_and_class() -> None:
    people = pl.DataFrame(
        {
            "own": ["low", "low", "normal", "normal", None],
            "us": ["low", "normal", "normal", "normal", "low"],
        }
    )
    t = transitions(people, first="own", second="us", classes=["low", "normal"])
    assert t.counts.tolist() == [[1, 1], [0, 2]]
    assert (t.n, t.n_missing) == (4, 1)
    assert t.reclassified.estimate == 0.25
    assert t.to_frame().filter(pl.col("own") == "low")["share"].to_list() == [0.5, 0.5]
    assert t.kappa(weights="none").kappa.estimate == pytest.approx(0.5)
    assert "25.0 % change class" in t._repr_html_()


@pytest.mark.parametrize("make", [bland_altman, concordance, correlation])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], "unpaired rows"),
        ([1.0, 2.0], [1.0, 2.0], "2 complete pairs"),
        ([1.0, 2.0, math.nan], [1.0, 2.0, 3.0], "1 of 3 pairs lack a reading"),
    ],
)
def test_bad_input_of_two_methods(make, x, y, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        make(x, y)


@pytest.mark.parametrize("make", [bland_altman, concordance])
def test_differing_units_are_refused_where_differences_are_taken(make) -> None:
    x, y = readings()
    with pytest.raises(SchemaError, match="units seem to differ"):
        make(x, 1000 * y)
    assert correlation(x, 1000 * y).n == 60


def test_constant_differences_have_their_own_message() -> None:
    with pytest.raises(SchemaError, match="all 4 differences are equal"):
        equivalence([1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 3.5, 4.5], margin=1)
    with pytest.raises(SchemaError, match="the margin must be positive"):
        equivalence(*readings(), margin=-1)
    with pytest.raises(SchemaError, match="constant readings"):
        intraclass(np.ones((5, 2)))
    with pytest.raises(SchemaError, match=r"not positive: no percent difference"):
        bland_altman([-1.0, 2.0, 3.0], [1.0, 2.0, 3.0], scale="percent")
