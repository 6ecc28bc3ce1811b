"""The same people give the same bytes: whatever their order, and however many threads count."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteo_epi.agreement import least_squares
from osteo_epi.calibration import (
    Correction,
    before_after,
    correction_between,
    mixed_line,
    precision,
)
from osteo_epi.population.rates import standardised_rate
from osteo_epi.summation import (
    cross_products,
    group_sums,
    names_of_slices,
    of_slices,
    slice_columns,
    sums,
    sums_by,
    weighted_sums,
)
from osteo_epi.survey import SurveyDesign, marginal_means, survey_regression

RUNS = Path(__file__).with_name("bytes_of_runs.py")
THREADS = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
numbers = st.lists(
    st.floats(-1e12, 1e12, allow_subnormal=False) | st.floats(-1e-3, 1e-3), min_size=1, max_size=60
)


def hashes(kind: str, threads: int, orders: int) -> list[str]:
    words = dict.fromkeys(THREADS, str(threads))
    answer = subprocess.run(
        [sys.executable, str(RUNS), kind, "6000", str(orders)],
        env=os.environ | words, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return list(json.loads(answer.stdout))


@pytest.mark.parametrize(("kind", "orders"), [("units", 10), ("weights", 3), ("own", 2)])
def test_the_tables_of_a_run_do_not_know_the_order_of_people_or_the_number_of_threads(kind, orders):
    """Ten orders under one thread and ten under two: twenty runs, one hash."""
    assert len({digest for threads in (1, 2) for digest in hashes(kind, threads, orders)}) == 1


@pytest.mark.parametrize("shape", [(100_001,), (40_000, 3), (2, 70_000)])
def test_sums_in_blocks_are_those_of_the_whole(shape):
    """More numbers than a block holds, from both ends and by group."""
    rng = np.random.default_rng(3)
    table = rng.normal(size=shape) * 10.0 ** rng.integers(-9, 9, shape)
    assert np.array_equal(sums(table), sums(table[::-1]))
    exact = [math.fsum(column) for column in table.reshape(len(table), -1).T]
    assert np.ravel(sums(table)) == pytest.approx(exact, rel=1e-13)
    column, group = np.ravel(table), rng.integers(0, 7, table.size)
    by_group = group_sums(group, column)
    assert by_group == pytest.approx([math.fsum(column[group == g]) for g in range(7)], rel=1e-13)
    many = group_sums(group * 9_000, column)[::9_000]
    assert np.array_equal(by_group, many)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(numbers, st.randoms(use_true_random=False))
def test_a_sum_is_the_same_in_every_order_and_as_near_as_the_exact_one(values, random):
    table = np.array(values)
    mixed = values.copy()
    random.shuffle(mixed)
    total = float(sums(table))
    assert total == float(sums(np.array(mixed)))
    largest = float(np.abs(table).max())
    close = 2.0**-80 * len(values) * largest
    assert total == pytest.approx(math.fsum(values), rel=2.0**-51, abs=close)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(numbers, st.integers(1, 5), st.randoms(use_true_random=False))
def test_sums_by_group_are_the_same_in_numpy_and_in_polars_and_in_every_order(
    values, groups, random
):
    rows = [(i % groups, value) for i, value in enumerate(values)]
    random.shuffle(rows)
    group, table = np.array([g for g, _ in rows]), np.array([x for _, x in rows])
    expected = [float(sums(table[group == g])) for g in range(groups)]
    ours = group_sums(group, table, size=groups)
    assert ours == pytest.approx(expected, rel=2.0**-51, abs=2.0**-80 * np.abs(table).max() * 60)
    largest, n = float(np.abs(table).max()), len(table)
    frame = pl.DataFrame({"group": group, "x": table}).lazy()
    cut = frame.with_columns(slice_columns("s", pl.col("x"), largest=largest, n=n))
    added = (
        cut.group_by("group").agg(pl.col(names_of_slices("s")).sum()).with_columns(of_slices("s"))
    )
    for engine in ("in-memory", "streaming"):
        got = added.collect(engine=engine).sort("group")
        assert got["s"].to_list() == ours[got["group"].to_numpy()].tolist()


def test_a_million_weights_add_up_to_the_last_digit():
    weight = np.random.default_rng(3).lognormal(8, 1.5, 1_000_000)
    assert float(sums(weight)) == math.fsum(weight)
    assert float(sums(weight[::-1])) == math.fsum(weight)


def test_large_parts_that_cancel_leave_the_small_one():
    assert float(sums(np.array([1e16, 1.0, -1e16]))) == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.7e308])
def test_what_cannot_be_cut_is_added_as_it_is(value):
    table = np.array([value, 1.0, 2.0])
    np.testing.assert_equal(sums(table), table.sum())
    np.testing.assert_equal(group_sums(np.array([0, 0, 1]), table), [value + 1.0, 2.0])


def test_products_are_those_of_matrices():
    rng = np.random.default_rng(5)
    table, weight = rng.standard_normal((500, 20)), rng.random(500)
    np.testing.assert_allclose(cross_products(table), table.T @ table, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(weighted_sums(weight, table), weight @ table, rtol=1e-12, atol=1e-12)
    assert sums(np.empty((0, 2))).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_regressions_do_not_know_the_order_of_people(family):
    rng, n = np.random.default_rng(5), 2_000
    frame = pl.DataFrame({"w": rng.lognormal(3, 1, n), "psu": rng.integers(0, 60, n)})
    age, height = rng.uniform(50, 90, n), rng.normal(160, 7, n)
    table = np.column_stack([np.ones(n), age, age**2, height])
    line = (age - 70) / 15 + (height - 160) / 20
    outcome = {
        "gaussian": line + rng.normal(size=n),
        "binomial": (rng.random(n) < 1 / (1 + np.exp(-line))).astype(float),
        "poisson": rng.poisson(np.exp(line / 2)).astype(float),
    }[family]
    answers = []
    for order in (np.arange(n), rng.permutation(n)):
        design = SurveyDesign(weight="w", psu="psu").arrays(frame[order])
        fit = survey_regression(outcome[order], table[order], design, family=family)
        older = table[order] + np.array([0, 1.0, 0, 0])
        means = marginal_means(fit, [table[order], older], design)
        answers.append([fit.value, fit.covariance.ravel(), means.value, means.covariance.ravel()])
    assert all(map(np.array_equal, *answers))


def test_rates_do_not_know_the_order_of_people():
    rng, n = np.random.default_rng(6), 5_000
    people = pl.DataFrame(
        {
            "band": rng.choice(["50-64", "65-74", "75+"], n),
            "cases": rng.random(n) < 0.03,
            "years": rng.gamma(2.0, 1.3, n),
        }
    )
    tables = [
        standardised_rate(
            table, cases="cases", person_years="years", stratum="band",
            standard={"50-64": 0.6, "65-74": 0.3, "75+": 0.1},
        ).to_frame()
        for table in (people, people.sample(fraction=1.0, shuffle=True, seed=2))
    ]  # fmt: skip
    assert tables[0].equals(tables[1])


def calibrated() -> tuple[pl.DataFrame, Correction]:
    """Scans of people, three each on two devices, and a correction between these."""
    rng, people = np.random.default_rng(8), 1_500
    rows = {
        "person_id": np.arange(people).repeat(6),
        "device": np.tile(["x", "x", "x", "y", "y", "y"], people),
        "abmd_total_hip": rng.normal(0.9, 0.1, people).repeat(6) + rng.normal(0, 0.02, people * 6),
    }
    lines = {
        (name,): least_squares([0.5, 1.0, 1.5, 1.2], [0.6 + shift, 1.1, 1.6, 1.31])
        for name, shift in (("x", 0.0), ("y", 0.02))
    }
    return pl.DataFrame(rows), correction_between(lines)


CALIBRATED = {
    "precision": lambda scans, _: precision(scans, value="abmd_total_hip", by=["device"]),
    "precision of all": lambda scans, _: precision(scans, value="abmd_total_hip"),
    "mixed_line": lambda scans, _: mixed_line(scans, value="abmd_total_hip", reference="x").line,
    "before_after": lambda scans, correction: before_after(scans, correction),
}


@pytest.mark.parametrize("name", CALIBRATED)
def test_calibration_knows_neither_order_nor_threads(name: str) -> None:
    """A group's means and squares, and the sums of them, came in the order of the threads."""
    scans, correction = calibrated()
    tables = {
        repr(CALIBRATED[name](table, correction).to_frame().rows())
        for table in (scans, scans, scans, scans.sample(fraction=1.0, shuffle=True, seed=4))
    }
    assert len(tables) == 1


def test_sums_of_weights_by_group_know_no_order() -> None:
    rng, n = np.random.default_rng(9), 5_000
    people = pl.DataFrame({"sex": rng.choice(["f", "m"], n), "w": rng.lognormal(3, 1, n)})
    tables = [
        sums_by(table, ["sex"], {"w": pl.col("w")}).sort("sex")
        for table in (people, people.reverse())
    ]
    assert tables[0].equals(tables[1])
    assert tables[0]["w"].to_list() == [
        math.fsum(people.filter(pl.col("sex") == sex)["w"]) for sex in ("f", "m")
    ]
