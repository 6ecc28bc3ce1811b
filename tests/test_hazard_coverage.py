"""How often limits of hazard ratios hold their truth: the committed rows, and two samples again.

reports/hazard_coverage.csv is made by benchmarks/hazard_coverage.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(ROOT / "reports" / "hazard_coverage.csv")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield __import__("hazard_coverage")
    sys.modules.pop("hazard_coverage", None)


def test_every_line_of_the_plan_has_a_row(rows, script):
    plan = [(kind, limits, str(per_sd)) for kind, limits, per_sd, _ in script.PLAN]
    assert rows.select("sample", "limits", "per_sd").rows() == plan
    assert (rows["samples"] >= 2000).all()


def test_limits_hold_as_often_as_readme_says(rows):
    def holds(sample: str, limits: str, per_sd: str) -> float:
        own = pl.col("sample").eq(sample) & pl.col("limits").eq(limits)
        return rows.filter(own & pl.col("per_sd").eq(per_sd))["holds"].item()

    error = 3 * rows["holds_error"].max()
    assert holds("simple", "people", "1.0") == pytest.approx(0.95, abs=error)
    assert holds("survey", "design", "1.0") == pytest.approx(0.95, abs=error)
    # Fifty clusters, without a correction for few.
    assert 0.93 <= holds("clustered", "cluster", "1.0") <= 0.95
    # The error of an estimated standard deviation is in the limits.
    assert holds("simple", "people", "sample") == pytest.approx(0.95, abs=error)
    assert holds("survey", "design", "population") == pytest.approx(0.95, abs=error)
    # Who leaves out how people were drawn.
    assert holds("clustered", "people", "1.0") < 0.8
    assert holds("survey", "unweighted", "1.0") < 0.01
    right = rows.filter(pl.col("limits") != "unweighted")
    assert (right["mean_error"].abs() < 0.005).all()


def test_a_row_is_made_again(script):
    frame = script.simulate(2)
    assert frame.height == len(script.PLAN)
    assert (frame["mean_se"] > 0).all()
