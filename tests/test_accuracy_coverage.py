"""How often limits of accuracy hold a known truth: the committed rows, and a small part made again.

reports/accuracy_coverage.csv is made by benchmarks/accuracy_coverage.py.
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
    return pl.read_csv(ROOT / "reports" / "accuracy_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("accuracy_coverage")
    sys.modules.pop("accuracy_coverage", None)


def test_every_experiment_has_its_rows(rows, script):
    assert set(rows["experiment"]) == set(script.EXPERIMENTS)
    assert rows.select("experiment", "setting", "method").is_duplicated().sum() == 0


def test_errors_of_an_area_are_its_spread(rows):
    """But where the truth of the design is not told."""
    told = rows.filter(~pl.col("method").is_in(
        ["DeLong, as if independent", "without a design", "weights alone"]
    ))  # fmt: skip
    assert (told["mean_se"] / told["sd"]).is_between(0.92, 1.08).all()


def test_limits_on_the_log_odds_hold_where_plain_ones_do_not(rows):
    """What the docstring of `roc` says of an area near 1 and of few people."""
    areas = rows.filter(pl.col("experiment").is_in(["auc_normal", "auc_ties", "auc_small"]))
    logit = areas.filter(pl.col("method") == "DeLong, logit")
    assert logit["holds"].is_between(0.93, 0.965).all()
    wald = areas.filter(pl.col("method") == "DeLong, wald")
    assert wald["holds"].min() < 0.91


def test_weights_and_units_are_needed_and_suffice(rows):
    def of(experiment: str, method: str) -> dict:
        return rows.filter(experiment=experiment, method=method).row(0, named=True)

    for experiment in ("auc_clustered", "auc_survey"):
        for method in ("design-based, wald", "design-based, logit"):
            row = of(experiment, method)
            assert abs(row["mean_error"]) < 0.15 * row["sd"]
            assert row["holds"] > 0.925
    assert of("auc_clustered", "DeLong, as if independent")["holds"] < 0.9
    assert of("auc_survey", "without a design")["holds"] < 0.92


def test_a_small_part_made_again_is_that_of_the_rows(rows, script):
    again = pl.DataFrame(script.rows("auc_ties", 60))
    both = rows.join(again, on=["experiment", "setting", "method"], suffix="_again")
    assert both.height == 3
    assert (both["mean_se_again"] / both["mean_se"]).is_between(0.95, 1.05).all()
    error = both["sd"] / np.sqrt(60)
    assert ((both["mean_error_again"] - both["mean_error"]).abs() < 3 * error).all()
