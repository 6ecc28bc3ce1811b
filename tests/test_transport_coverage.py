"""How often limits of a transported threshold hold the truth: the committed rows, and one again.

reports/transport_coverage.csv is made by benchmarks/transport_coverage.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(ROOT / "reports" / "transport_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("transport_coverage")
    sys.modules.pop("transport_coverage", None)


def test_every_step_of_the_plan_has_a_row_with_its_truth(rows, script):
    plan = [
        (law, line, pairs, of, sample, quantity)
        for law, line, pairs, sample, of in script.PLAN
        for quantity in script.QUANTITIES
    ]
    keys = ("law", "line", "pairs", "pairs_of", "sample", "quantity")
    assert rows.select(keys).rows() == plan
    least = pl.when(pl.col("line") == script.BOOTSTRAP).then(249).otherwise(999)
    assert rows.select((pl.col("samples") >= least).all()).item()
    for row in rows.iter_rows(named=True):
        assert row["truth"] == pytest.approx(script.true_values(row["law"])[row["quantity"]], 1e-5)


def test_limits_hold_as_often_as_readme_says(rows):
    deming = rows.filter(pl.col("line") == "deming")
    assert deming["holds"].is_between(0.93, 0.97).all()
    assert (deming["mean_se"] / deming["sd"]).is_between(0.96, 1.06).all()
    # The jackknife does not suit a median of slopes: too large in the mean, and too unsteady.
    jackknife = rows.filter(pl.col("line") == "passing_bablok", pl.col("quantity") == "difference")
    assert jackknife["holds"].is_between(0.9, 0.93).all()
    assert (jackknife["mean_se"] / jackknife["sd"]).is_between(1.1, 1.3).all()
    assert (rows["mean_error"].abs() < 0.001).all()


def test_the_truth_is_that_of_a_very_large_sample(script):
    rng = np.random.default_rng(3)
    shift, factor = script.LAWS["shifted"]
    bone = rng.normal(script.MEAN, script.SD, 2_000_000)
    score = shift + factor * bone + rng.normal(0, script.ERROR, len(bone))
    new, old = (np.mean(score < cut) for cut in (shift + factor * script.CUT, script.CUT))
    assert script.true_values("shifted") == pytest.approx(
        {"new": new, "difference": new - old}, abs=0.001
    )


def test_a_small_part_made_again_is_that_of_the_rows(rows, script):
    step = script.PLAN[0]
    tables = np.array([script.limits(*step, seed) for seed in range(25)])
    again = pl.DataFrame(script.summary(step, tables))
    assert again.columns == rows.columns
    keys = ["law", "line", "pairs", "pairs_of", "sample", "quantity"]
    both = again.join(rows, on=keys, suffix="_rows")
    assert both.height == len(script.QUANTITIES)
    assert (both["mean_se"] / both["mean_se_rows"]).is_between(0.8, 1.25).all()
    assert ((both["mean_error"] - both["mean_error_rows"]).abs() < both["sd"]).all()
