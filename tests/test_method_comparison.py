"""Lines between two methods: kernels against brute force, properties, bad input."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from osteo_epi.agreement import _slopes as kernel
from osteo_epi.agreement import (
    deming,
    error_ratio_from_repeats,
    join_pairs,
    lack_of_fit,
    least_squares,
    paired,
    passing_bablok,
    theil_sen,
    weighted_deming,
)
from osteo_epi.calibration import cross_validate, fit_line, recommend
from osteo_epi.errors import SchemaError


def two_devices(n: int, seed: int, *, outliers: int = 0, cv: float = 0.0) -> tuple:
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.5, 1.5, n)
    error = rng.normal(0, 1, (2, n)) * (cv * true if cv else 0.012)
    x, y = true + error[0], 1.08 * true - 0.04 + error[1]
    y[:outliers] += 0.4
    return x, y


LINES = ("least_squares", "deming", "weighted_deming", "passing_bablok", "theil_sen")


def every_slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    x, y = kernel._whole_numbers(x, y)
    i, j = np.triu_indices(len(x), 1)
    dx, dy = x[j] - x[i], y[j] - y[i]
    kept = (dx != 0) | (dy != 0)
    dx, dy = dx[kept], dy[kept]
    return np.sort(np.where(dx == 0, np.inf, dy / np.where(dx == 0, 1, dx)))


@given(st.permutations(list(range(12))))
def test_inversions_equal_brute_force(order: list[int]) -> None:
    places = np.array(order)
    i, j = np.triu_indices(len(places), 1)
    inverted = places[i] > places[j]
    expected = {(int(a), int(b)) for a, b in zip(places[i][inverted], places[j][inverted])}  # noqa: B905
    assert kernel._count_inversions(places) == len(expected)
    large, small = kernel._list_inversions(places)
    assert set(zip(large.tolist(), small.tolist(), strict=True)) == expected
    drawn = kernel._draw_inversions(places, size=20, rng=np.random.default_rng(0))
    assert set(zip(*(d.tolist() for d in drawn), strict=True)) <= expected


@pytest.mark.parametrize("decimals", [0, 1, 2, 3, 12])
def test_ranked_slopes_equal_brute_force(monkeypatch, decimals: int) -> None:
    # Small batches, so that the random narrowing is what is tested; few decimals, so that ties are.
    monkeypatch.setattr(kernel, "SMALL", 0)
    monkeypatch.setattr(kernel, "LISTABLE", (60, 60))
    monkeypatch.setattr(kernel, "DRAWN", (80, 80))
    rng = np.random.default_rng(decimals)
    for n in (3, 7, 40, 90):
        true = rng.normal(1, 0.3, n)
        x, y = (np.round(true + rng.normal(0, 0.1, n), decimals) for _ in (0, 1))
        expected, ranked = every_slope(x, y), kernel.PairwiseSlopes(x, y)
        assert ranked.n == len(expected)
        ranks = np.unique(np.linspace(1, max(ranked.n, 1), 9).astype(int)) if ranked.n else []
        assert ranked.kth(ranks) == pytest.approx([expected[r - 1] for r in ranks], rel=1e-12)
        for value in (-1.0, 0.5, 1.0):
            assert ranked.below(value) == (expected < value - 1e-12).sum()
            assert ranked.through(value) == (expected <= value + 1e-12).sum()


def test_a_large_sample_gives_the_slope_of_brute_force() -> None:
    x, y = two_devices(1_500, 5)
    every = every_slope(x, y)
    kept = every[every != -1]
    smaller = int((kept < -1).sum())
    middle = [(len(kept) - 1) // 2 + smaller, len(kept) // 2 + smaller]
    line = passing_bablok(x, y)
    assert line.slope.estimate == pytest.approx(kept[middle].mean(), rel=1e-12)
    wide = stats.norm.ppf(0.975) * math.sqrt(1_500 * 1_499 * 3_005 / 18)
    low = round((len(kept) - wide) / 2)
    assert line.slope.lower == pytest.approx(kept[low - 1 + smaller], rel=1e-12)
    assert line.slope.upper == pytest.approx(kept[len(kept) - low + smaller], rel=1e-12)


def test_theil_sen_is_scipys() -> None:
    x, y = two_devices(200, 6)
    theirs = stats.theilslopes(y, x)
    ours = theil_sen(x, y)
    values = (ours.slope.estimate, ours.slope.lower, ours.slope.upper)
    assert values == pytest.approx((theirs.slope, theirs.low_slope, theirs.high_slope), rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_exchanging_the_methods_inverts_the_line(seed: int) -> None:
    x, y = two_devices(40, seed)
    forth, back = deming(x, y, interval="analytic"), deming(y, x, interval="analytic")
    assert back.slope.estimate == pytest.approx(1 / forth.slope.estimate, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.floats(0.2, 5))
def test_equivariance_to_the_unit(seed: int, factor: float) -> None:
    x, y = two_devices(40, seed)
    for make in (deming, weighted_deming):
        # Linnet's weights take both methods in one unit, so that one is only nearly equivariant.
        one, other = make(x, y), make(x, factor * y, error_ratio=1 / factor**2)
        near = 2e-2 if make is weighted_deming else 1e-9
        assert other.slope.estimate == pytest.approx(factor * one.slope.estimate, rel=near)


@pytest.mark.parametrize("fit", [passing_bablok, theil_sen])
@pytest.mark.parametrize("interval", ["ranks", "jackknife", "bootstrap"])
def test_six_pairs_nearly_on_a_line_have_every_interval(fit, interval: str) -> None:
    line = fit(range(1, 7), [1, 2, 3, 4, 5, 7], interval=interval, resamples=199)
    assert line.slope.lower <= line.slope.estimate <= line.slope.upper
    assert line.slope.estimate == pytest.approx(1.0)


def test_readings_that_nearly_all_tie_have_the_widest_interval() -> None:
    slope = theil_sen([1, 1, 1, 2, 2, 2], [1, 1, 1, 1, 2, 2]).slope
    assert (slope.lower, slope.estimate, slope.upper) == (0.0, 1.0, 1.0)


def test_an_unknown_interval_and_too_few_people_for_a_bootstrap() -> None:
    x, y = two_devices(3, 1)
    with pytest.raises(SchemaError, match="interval='analytic' is not one of this line's"):
        passing_bablok(x, y, interval="analytic")
    for kind in ("bca", "percentile"):
        with pytest.raises(SchemaError, match="a draw from 3 pairs holds one reading only"):
            deming(x, y, interval="bootstrap", bootstrap_kind=kind)


def test_shuffling_rows_changes_nothing() -> None:
    x, y = two_devices(60, 2)
    order = np.random.default_rng(0).permutation(60)
    for method in LINES:
        one = fit_line(x, y, method=method).slope
        other = fit_line(x[order], y[order], method=method).slope
        assert one.estimate == pytest.approx(other.estimate, rel=1e-12)
        assert one.se == pytest.approx(other.se, rel=1e-9)


def test_an_outlier_moves_deming_and_not_passing_bablok() -> None:
    clean, spoilt = two_devices(60, 3), two_devices(60, 3, outliers=2)
    robust = [passing_bablok(*data).slope.estimate for data in (clean, spoilt)]
    moment = [deming(*data, interval="analytic").slope.estimate for data in (clean, spoilt)]
    assert abs(robust[0] - robust[1]) < 0.02 < abs(moment[0] - moment[1])


def test_error_ratio_comes_from_repeats_of_any_design() -> None:
    rng = np.random.default_rng(8)
    true = rng.normal(1, 0.2, (400, 1))
    x, y = true + rng.normal(0, 0.02, (400, 2)), true + rng.normal(0, 0.01, (400, 3))
    y[::7, 2] = np.nan
    errors = error_ratio_from_repeats(x, y)
    assert errors.ratio == pytest.approx(4, rel=0.15)
    assert (errors.df_x, errors.df_y) == (400, 800 - len(y[::7]))
    same = deming(x[:, 0], y[:, 0], error_ratio=errors, interval="analytic")
    assert same.error_ratio == errors.ratio


def test_intervals_hold_what_they_say() -> None:
    rng, hits = np.random.default_rng(11), {"deming": 0, "passing_bablok": 0, "person": 0}
    runs = 100
    for k in range(runs):
        x, y = two_devices(50, 1000 + k)
        line = deming(x, y)
        hits["deming"] += bool(line.slope.compatible_with(1.08))
        hits["passing_bablok"] += bool(passing_bablok(x, y).slope.compatible_with(1.08))
        true = rng.uniform(0.5, 1.5)
        new = 1.08 * true - 0.04 + rng.normal(0, 0.012)
        p = line.predict([true + rng.normal(0, 0.012)])
        hits["person"] += bool(p.lower[0] <= new <= p.upper[0])
    for name, hit in hits.items():
        assert 0.88 <= hit / runs <= 0.99, name


def test_prediction_narrows_from_person_to_group_to_line() -> None:
    line = deming(*two_devices(80, 4))
    widths = [
        np.diff([p.lower[0], p.upper[0]])[0]
        for p in (line.predict([1.0], people=k) for k in (1, 30, None))
    ]
    assert widths[0] > widths[1] > widths[2]
    assert line.predict([0.1, 1.0]).beyond == 1
    with pytest.raises(SchemaError, match="no covariance"):
        passing_bablok(*two_devices(80, 4)).predict([1.0])


@pytest.mark.parametrize(
    ("data", "method", "model"),
    [
        (two_devices(200, 20), "deming", "constant"),
        (two_devices(200, 21, cv=0.03), "weighted_deming", "proportional"),
        (two_devices(200, 22, outliers=5), "passing_bablok", "constant"),
    ],
)
def test_the_recommendation_names_its_reasons(data: tuple, method: str, model: str) -> None:
    advice = recommend(*data)
    assert (advice.method, advice.error_model) == (method, model)
    assert not advice.slope_compatible_with_1
    assert not advice.identical
    assert "proportional difference found" in str(advice)
    assert len(advice.to_frame()) == len(advice.reasons)


def test_a_nominal_reference_is_fitted_by_least_squares() -> None:
    advice = recommend(
        [0.5, 1.0, 1.5] * 4,
        np.tile([0.51, 1.01, 1.52], 4) + np.arange(12) / 1e4,
        reference_without_error=True,
    )
    assert advice.method == "least_squares"


def test_cross_validation_sees_a_correction_that_helps_and_one_that_does_not() -> None:
    helps = cross_validate(*two_devices(60, 7), method="passing_bablok", folds=6, repeats=2)
    assert helps.rmse < helps.rmse_shift < helps.rmse_uncorrected
    rng = np.random.default_rng(1)
    true = rng.normal(1, 0.02, 40)
    x, y = (true + rng.normal(0, 0.03, 40) for _ in (0, 1))
    useless = cross_validate(x, y, method="deming", folds=5, repeats=2)
    assert useless.rmse > useless.rmse_uncorrected


def test_bootstrap_repeats_with_its_seed() -> None:
    x, y = two_devices(40, 9)
    lines = [passing_bablok(x, y, interval="bootstrap", resamples=50, seed=s) for s in (1, 1, 2)]
    assert lines[0].slope == lines[1].slope != lines[2].slope
    assert lines[0].seed == 1


def test_a_line_says_itself_in_one_line() -> None:
    x, y = two_devices(30, 1)
    line = passing_bablok(x, y)
    assert repr(line) == f"Line(Passing–Bablok: y = {line.intercept} + {line.slope} x, n = 30)"
    assert str(line.slope).startswith(f"{line.slope.estimate:.5g} (")
    assert line.slope.rounded(2).count(" to ") == 1
    assert line.to_pandas()["term"].tolist() == ["intercept", "slope"]
    levels = [1, 1, 2, 2, 3, 3], [1.0, 1.2, 2.0, 2.2, 3.5, 3.7]
    test = lack_of_fit(*levels, line=least_squares(*levels))
    assert repr(test) == "Linearity(lack of fit: F = 4.17 on 1 and 3, p = 0.134)"


def test_results_show_themselves_escaped() -> None:
    line = least_squares(*two_devices(30, 1))
    assert line.to_frame()["term"].to_list() == ["intercept", "slope"]
    assert "<table>" in line._repr_html_()
    assert "&lt;" not in line._repr_html_()


GOOD = ([0.8, 0.9, 1.0, 1.1], [0.82, 0.93, 1.01, 1.14])
FITS = [least_squares, deming, weighted_deming, passing_bablok, theil_sen]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([0.8, 0.9, 1.0], [0.8, 0.9], "unpaired rows: 3 readings of x and 2 of y"),
        ([0.8, 0.9], [0.8, 0.9], "2 complete pairs, at least three"),
        ([0.8] * 4, [0.8, 0.9, 1.0, 1.1], "reference x has zero variance: all 4"),
        ([0.8, 0.9, 1.0, 1.1], [0.8] * 4, "constant readings: all 4 values of y"),
        ([0.8, math.nan, 1.0, 1.1], [0.8, 0.9, 1.0, math.nan], r"2 of 4 pairs lack.*x: 1, y: 1"),
        ([0.8, math.inf, 1.0, 1.1], [0.8, 0.9, 1.0, 1.1], "1 infinite readings in x"),
        ([[0.8, 0.9]], [0.8, 0.9], "x has 2 dimensions"),
    ],
)
def test_bad_input_has_its_own_message(fit, x, y, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        fit(x, y)


@pytest.mark.parametrize("fit", [deming, weighted_deming, passing_bablok, recommend])
def test_methods_that_fall_together_are_refused(fit) -> None:
    with pytest.raises(SchemaError, match="do not rise together"):
        fit([0.8, 0.9, 1.0, 1.1], [1.1, 1.0, 0.9, 0.8])


def test_missing_pairs_are_dropped_only_when_asked() -> None:
    x, y = [*GOOD[0], None], [*GOOD[1], 0.9]
    line = deming(pl.Series(x), pl.Series(y), missing="drop")
    assert (line.n, line.n_missing) == (4, 1)


def test_units_and_pairing() -> None:
    with pytest.raises(SchemaError, match=r"units seem to differ.*1000 times"):
        paired(GOOD[0], [1000 * v for v in GOOD[0]], same_unit=True)
    one = pl.DataFrame({"person_id": ["a", "b", "c"], "bmd": [0.8, 0.9, 1.0]})
    with pytest.raises(SchemaError, match="1 people only in the first and 0 only in the second"):
        join_pairs(one, one.head(2), on="person_id", value="bmd")
    with pytest.raises(SchemaError, match="1 rows too many"):
        join_pairs(pl.concat([one, one.head(1)]), one, on="person_id", value="bmd")


def test_weights_need_positive_readings() -> None:
    with pytest.raises(SchemaError, match="1 of 4 pairs hold a reading that is not positive"):
        weighted_deming([0.0, 0.9, 1.0, 1.1], GOOD[1])
    with pytest.raises(SchemaError, match="not positive"):
        least_squares([-0.1, 0.9, 1.0, 1.1], GOOD[1], proportional=True)
    with pytest.raises(SchemaError, match="error ratio"):
        deming(*GOOD, error_ratio=0)
