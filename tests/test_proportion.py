"""Intervals of a proportion: defining equations, coverage, edges. R's records: test_rates.py."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.population.rates import DIFFERENCE_METHODS as DIFFERENCES
from osteo_epi.population.rates import (
    PROPORTION_METHODS,
    proportion,
    proportion_difference,
    standardised_proportion,
    with_proportion,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(PROPORTION_METHODS)), st.integers(1, 120), st.floats(0, 1), st.data())
def test_limits_enclose_the_estimate_mirror_and_widen(method, n, share, data):
    x = round(share * n)
    found = proportion(x, n, method=method)
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1
    mirror = proportion(n - x, n, method=method)
    assert 1 - mirror.upper == pytest.approx(found.lower, abs=1e-9)
    assert 1 - mirror.lower == pytest.approx(found.upper, abs=1e-9)
    wider = proportion(x, n, method=method, confidence=0.99)
    assert wider.lower <= found.lower + 1e-12
    assert found.upper <= wider.upper + 1e-12


@pytest.mark.parametrize(("x", "n"), [(1, 20), (39, 96), (156, 1032)])
def test_searched_limits_satisfy_their_equations(x, n):
    exact = proportion(x, n, method="clopper_pearson")
    assert stats.binom.sf(x - 1, n, exact.lower) == pytest.approx(0.025)
    assert stats.binom.cdf(x, n, exact.upper) == pytest.approx(0.025)
    mid = proportion(x, n, method="mid_p")
    tail = stats.binom.cdf(x - 1, n, mid.upper) + 0.5 * stats.binom.pmf(x, n, mid.upper)
    assert tail == pytest.approx(0.025, rel=1e-10)
    ratio = proportion(x, n, method="likelihood")
    for limit in (ratio.lower, ratio.upper):
        deviance = -2 * (stats.binom.logpmf(x, n, limit) - stats.binom.logpmf(x, n, x / n))
        assert deviance == pytest.approx(stats.chi2.ppf(0.95, 1), rel=1e-8)


def test_the_exact_interval_covers_at_least_its_level():
    n = 15
    found = proportion(np.arange(n + 1), n, method="clopper_pearson")
    for p in np.linspace(0.01, 0.99, 99):
        inside = (found.lower <= p) & (p <= found.upper)
        assert stats.binom.pmf(np.arange(n + 1), n, p)[inside].sum() >= 0.95 - 1e-9


def test_arrays_of_any_shape_come_back_in_that_shape():
    found = proportion(np.array([[0, 3], [5, 10]]), 10, method="mid_p")
    assert found.lower.shape == (2, 2)
    assert found.to_frame().height == 4
    single = proportion(3, 10, method="mid_p")
    assert found.upper[0, 1] == pytest.approx(float(single.upper), rel=1e-12)


def test_nobody_gives_null_and_the_method_stands_in_the_row():
    table = proportion([0, 2], [0, 4], method="jeffreys").to_frame()
    assert table.select("estimate", "lower", "upper").row(0) == (None, None, None)
    assert table["method"].to_list() == ["jeffreys"] * 2


@pytest.mark.parametrize(
    ("x", "n", "options", "error", "message"),
    [
        ([1, 5], [3, 4], {}, SchemaError, "0 missing, 1 outside, of 2"),
        ([np.nan], [4], {}, SchemaError, "1 missing"),
        ([-1], [4], {}, SchemaError, "1 outside"),
        ([1], [4], {"method": "korn"}, DesignError, "unknown interval 'korn'; one of wilson"),
        ([1], [4], {"confidence": 1.0}, DesignError, "between 0 and 1"),
    ],
)
def test_counts_that_are_none_are_refused(x, n, options, error, message):
    with pytest.raises(error, match=message):
        proportion(x, n, **options)


def test_frames_gain_columns_in_their_own_kind():
    import pandas as pd

    frame = pd.DataFrame({"x": [4, 0], "n": [9, 0]}, index=[7, 8])
    found = with_proportion(frame, events="x", n="n", method="agresti_coull")
    assert list(found.index) == [7, 8]
    assert list(found.columns[2:]) == ["estimate", "lower", "upper", "confidence", "method"]
    with pytest.raises(SchemaError, match=r"columns \['y'\] are not"):
        with_proportion(frame, events="y", n="n")


def test_nulls_in_a_frame_are_counted_not_taken_as_zero():
    frame = pl.DataFrame({"x": [1, None], "n": [4, 4]})
    with pytest.raises(SchemaError, match="1 missing"):
        with_proportion(frame, events="x", n="n")


@pytest.mark.parametrize("method", sorted(DIFFERENCES))
@pytest.mark.parametrize("events", [12, 0, 40])
def test_differences_change_sign_with_the_groups(method, events):
    one = proportion_difference(events, 40, reference_events=5, reference_n=60, method=method)
    other = proportion_difference(5, 60, reference_events=events, reference_n=40, method=method)
    assert (one.lower, one.upper) == pytest.approx((-other.upper, -other.lower), abs=1e-12)
    assert one.lower < one.estimate < one.upper


def test_the_score_limit_is_where_the_score_test_rejects():
    """Miettinen and Nurminen's statistic at their limits, maximised without our cubic."""
    from scipy.optimize import minimize_scalar

    found = proportion_difference(
        12, 40, reference_events=5, reference_n=60, method="miettinen_nurminen"
    )
    for difference in (found.lower, found.upper):

        def loss(q, d=difference):
            return -stats.binom.logpmf(5, 60, q) - stats.binom.logpmf(12, 40, q + d)

        span = (max(0, -difference) + 1e-9, min(1, 1 - difference) - 1e-9)
        q = minimize_scalar(loss, bounds=span, method="bounded", options={"xatol": 1e-12}).x
        variance = q * (1 - q) / 60 + (q + difference) * (1 - q - difference) / 40
        z = (12 / 40 - 5 / 60 - difference) / np.sqrt(variance * 100 / 99)
        assert abs(z) == pytest.approx(stats.norm.ppf(0.975), rel=1e-5)


def test_standardising_to_ones_own_structure_gives_the_crude_proportion():
    clinic = pl.DataFrame({"age": ["50-64", "65+"], "low": [14, 41], "seen": [310, 356]})
    own = {"50-64": 310, "65+": 356}
    found = standardised_proportion(clinic, events="low", n="seen", stratum="age", standard=own)
    crude, standardised = found.to_frame()["estimate"]
    assert standardised == pytest.approx(crude, rel=1e-12)
    with pytest.raises(SchemaError, match=r"without people: 65\+"):
        standardised_proportion(clinic.head(1), events="low", n="seen", stratum="age", standard=own)
