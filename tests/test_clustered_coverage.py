"""How often limits of a prevalence hold the truth in villages: the committed rows, and some again.

reports/clustered_coverage.csv is made by benchmarks/clustered_coverage.py.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(ROOT / "reports" / "clustered_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("clustered_coverage")
    sys.modules.pop("clustered_coverage", None)


def test_every_setting_has_its_rows(rows, script):
    settings = product(script.PREVALENCE, script.VILLAGES, script.CORRELATION)
    found = rows.select("prevalence", "villages", "correlation").unique()
    assert set(found.rows()) == set(settings)
    assert set(rows["method"]) == {*script.METHODS, "beta, no design"}


def test_the_limits_that_are_the_default_hold_in_94_to_96_of_100(rows):
    """Two to twelve villages a stratum, 5 and 30 %; a design that is left out costs up to 20."""
    holds = rows.filter(method="beta")["holds"]
    assert holds.is_between(0.94, 0.96).all()
    alone = rows.filter(pl.col("correlation") > 0.1, method="beta, no design")["holds"]
    assert alone.max() < 0.9


def test_standard_errors_are_the_spread_of_the_estimates(rows):
    own = rows.filter(method="beta")
    assert (own["mean_se"] / own["sd"]).is_between(0.92, 1.06).all()
    assert (own["mean_error"].abs() < 0.1 * own["sd"]).all()


def test_a_small_part_made_again_is_that_of_the_rows(rows, script):
    again = pl.DataFrame(script.rows(0.3, 4, 0.15, 60))
    keys = ["prevalence", "villages", "correlation", "method"]
    both = rows.join(again, on=keys, suffix="_again")
    assert both.height == len(script.METHODS) + 1
    error = both["sd"] / np.sqrt(60)
    assert ((both["mean_error_again"] - both["mean_error"]).abs() < 3 * error).all()
    assert (both["mean_se_again"] / both["mean_se"]).is_between(0.9, 1.1).all()
