"""How often limits of curves hold a known truth: the committed rows, and a small part made again.

reports/curve_coverage.csv is made by benchmarks/curve_coverage.py.
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
    return pl.read_csv(ROOT / "reports" / "curve_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("curve_coverage")
    sys.modules.pop("curve_coverage", None)


def test_every_law_size_and_method_has_every_age_and_quantity(rows, script):
    per_config = len(script.AGES) * len(script.PERCENTS) + 4
    configs = rows.group_by("smoothness", "family", "n", "method").len()
    assert configs.height == len(script.TRUTHS) * len(script.PLAN)
    assert (configs["len"] == per_config).all()
    for family in script.TRUTHS:
        truth = rows.filter(pl.col("family") == family)["truth"].to_numpy()
        own = np.tile(script.true_values(family), len(script.PLAN))
        np.testing.assert_allclose(truth, own, rtol=1e-5)


def test_limits_of_centiles_hold_the_truth_in_the_mean_over_ages(rows):
    """What README says: near 95 % over all ages and at both ends, less where the median bends."""
    chosen = (pl.col("smoothness") == "chosen") & (pl.col("method") == "delta")
    delta = rows.filter(chosen, pl.col("age").is_not_null())
    overall = delta.group_by("family", "n").agg(pl.col("holds").mean())
    assert overall["holds"].is_between(0.93, 0.97).all()
    edges = delta.filter(pl.col("age").is_in([21.0, 84.0]))
    assert edges.group_by("family", "n").agg(pl.col("holds").mean())["holds"].min() > 0.93
    bends = delta.filter(pl.col("age").is_in([50.0, 60.0]))
    assert bends["holds"].min() >= 0.8
    # The error of the curve itself, apart from its bias, is told at every age.
    assert (delta["mean_se"] / delta["sd"]).is_between(0.85, 1.3).all()


def test_with_more_df_than_the_truth_needs_limits_hold_where_the_median_bends(rows):
    """The bias is that of the choice of smoothness, not of the limits."""
    stated = rows.filter(pl.col("smoothness") == "12 df", pl.col("age").is_in([50.0, 60.0]))
    held = stated.group_by("family", "n").agg(pl.col("holds").mean())["holds"]
    # Five centiles of 200 samples at two ages, which go together: 3 of their errors of 1.5 %.
    assert held.is_between(0.905, 0.995).all()
    assert held.mean() > 0.94


def test_a_small_part_made_again_is_that_of_the_rows(rows, script):
    tables = np.array([script.limits("bccg", 500, "delta", seed) for seed in range(12)])
    again = pl.DataFrame(script.summary("bccg", 500, "delta", tables))
    assert again.columns == rows.columns[1:]
    chosen = rows.filter(pl.col("smoothness") == "chosen").drop("smoothness")
    both = chosen.join(again, on=["family", "n", "method", "age", "quantity"], suffix="_again")
    medians = both.filter(pl.col("quantity") == "p50")
    assert medians.height == len(script.AGES)
    assert (medians["mean_se_again"] / medians["mean_se"]).is_between(0.8, 1.25).all()
    assert ((medians["mean_error_again"] - medians["mean_error"]).abs() < medians["sd"]).all()
