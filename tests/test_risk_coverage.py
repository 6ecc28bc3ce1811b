"""How often limits of risks hold their truth: the committed rows, and a few samples again.

reports/risk_coverage.csv is made by benchmarks/risk_coverage.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(ROOT / "reports" / "risk_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("risk_coverage")
    sys.modules.pop("risk_coverage", None)


def test_every_experiment_has_its_rows(rows, script):
    assert set(rows["experiment"]) == set(script.EXPERIMENTS)
    assert (rows.filter(pl.col("experiment") != "optimism")["samples"] >= 1000).all()


def test_limits_hold_within_monte_carlo_error(rows):
    limits = rows.drop_nulls("holds")
    assert ((limits["holds"] - 0.95).abs() <= 3 * limits["holds_error"]).all()
    assert ((limits["mean_se"] / limits["sd"] - 1).abs() <= 0.07).all()


def test_validation_takes_off_the_optimism(rows):
    of = dict(rows.filter(experiment="optimism").select("method", "mean_error").rows())
    error = rows.filter(experiment="optimism")["mean_error_se"].max()
    assert of["apparent"] > 5 * error
    assert abs(of["bootstrap"]) <= 3 * error


@pytest.mark.parametrize("model", ["cox", "cause_specific", "fine_gray"])
def test_the_script_still_gives_such_rows(script, model):
    gap, se, low, high = script.risk(model)(10)[model]
    assert low < gap < high
    assert abs(gap) < 4 * se
