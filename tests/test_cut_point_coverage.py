"""How often limits of a cut-point hold, and its optimism: the committed rows, and some made again.

reports/cut_point_coverage.csv is made by benchmarks/cut_point_coverage.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
BEST = pl.col("criterion") != "sensitivity"


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(ROOT / "reports" / "cut_point_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("cut_point_coverage")
    sys.modules.pop("cut_point_coverage", None)


def test_every_law_has_every_criterion_and_correction(rows, script):
    assert rows.height == len(script.PLAN) * len(script.CRITERIA) * len(script.CORRECTIONS)
    for row in rows.iter_rows(named=True):
        truth = script.true_cut_point(row["criterion"], row["sd"])
        assert row["true_cut_point"] == pytest.approx(truth, abs=1e-4)


def test_limits_of_a_cut_point_hold_nearly_as_often_as_they_say(rows):
    assert rows["holds"].min() > 0.89
    youden = rows.filter(pl.col("criterion") == "youden")["holds"]
    assert youden.min() > 0.95 - 2 * rows["holds_error"][0]


def test_cross_validation_leaves_no_optimism_and_the_bootstrap_some(rows):
    validated = rows.filter(BEST, correction="cross_validation")
    assert (validated["corrected"].abs() < 2 * validated["corrected_error"]).all()
    bootstrap = rows.filter(BEST, correction="bootstrap")
    assert (bootstrap["corrected"] > 0).all()
    assert (bootstrap["corrected"] < 0.45 * bootstrap["apparent"]).all()


def test_limits_of_corrected_rates_hold_nearly_as_often_as_they_say(rows):
    for name in ("sensitivity_holds", "specificity_holds"):
        assert rows[name].min() > 0.92
    assert rows["youden_holds"].min() > 0.88


def test_a_small_part_made_again_is_the_same_law(rows, script):
    again = pl.DataFrame(list(script.rows(40, 20, 1.0, 20)))
    kept = rows.filter(n=40)
    assert again.height == kept.height
    for row, old in zip(again.to_dicts(), kept.to_dicts(), strict=True):
        assert row["criterion"] == old["criterion"]
        error = old["rmse"] / 20**0.5
        assert row["corrected"] == pytest.approx(old["corrected"], abs=3 * error)
