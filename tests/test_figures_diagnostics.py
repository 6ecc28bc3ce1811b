"""Figures of how good a curve is: worms, Q statistics, coverage."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from osteo_epi.cohort import simulate
from osteo_epi.figures import coverage_chart, q_statistics, worm_plot
from osteo_epi.reference import Constant, Diagnostics, Polynomial, diagnose, fit_curve


@pytest.fixture(scope="module")
def women() -> pl.DataFrame:
    return simulate(6_000, seed=3).frame.filter(pl.col("sex") == "female")


@pytest.fixture(scope="module")
def good(women) -> Diagnostics:
    curve = fit_curve(women, "abmd_lumbar_spine", mu=Polynomial(4), sigma=Polynomial(1))
    return diagnose(curve, women, folds=0)


@pytest.fixture(scope="module")
def stiff(women) -> Diagnostics:
    curve = fit_curve(women, "abmd_lumbar_spine", mu=Polynomial(1), sigma=Constant())
    return diagnose(curve, women, folds=0)


def words(axes) -> str:
    """All words of a figure, drawn once so that a fault of drawing shows."""
    axes.figure.savefig(io.BytesIO(), format="svg")
    found = []
    for one in [*axes.figure.axes, *(c for a in axes.figure.axes for c in a.child_axes)]:
        found += [one.get_xlabel(), one.get_ylabel(), one.get_title(loc="left")]
        found += [
            t.get_text() for t in (*one.texts, *one.get_xticklabels(), *one.get_yticklabels())
        ]
    return "\n".join(found)


def test_a_worm_a_band_of_age_with_its_cubic_on_common_axes(good):
    axes = worm_plot(good, note="SIMULATED")
    panels = [panel for panel in axes.child_axes if panel.get_visible()]
    ages = good.worm_coefficients["ages"].to_list()
    assert [p.get_title(loc="left") for p in panels] == [f"{band} years" for band in ages]
    assert len({p.get_ylim() for p in panels}) == 1
    text = words(axes)
    for part in ("Lumbar spine: worm plots by age", "Deviation [SD]", "Normal quantile [SD]",
                 "95 %", "SIMULATED"):  # fmt: skip
        assert part in text
    first = good.worm_coefficients.row(0, named=True)
    x, y = panels[0].lines[-1].get_data()
    np.testing.assert_allclose(y, sum(first[f"b{i}"] * x**i for i in range(4)))


def test_every_point_of_a_worm_is_inside_the_axes(stiff):
    axes = worm_plot(stiff)
    low, high = axes.child_axes[0].get_ylim()
    deviation = stiff.worms["deviation"]
    assert low < deviation.min() < deviation.max() < high


def test_the_table_holds_every_z_and_bold_are_those_beyond_two(stiff):
    axes = q_statistics(stiff)
    z = stiff.q_statistics.select("z1", "z2", "z3", "z4").to_numpy()
    cells = {t.get_position()[::-1]: t for t in axes.texts}
    for (row, column), value in np.ndenumerate(z):
        cell = cells[row, column]
        assert float(cell.get_text().replace("−", "-")) == pytest.approx(value, abs=0.051)
        assert (cell.get_fontweight() == "bold") == (abs(value) > 2)
    text = words(axes)
    for part in ("skewness", "p < 0.001", "all ages", "Q statistics"):
        assert part in text


def test_coverage_marks_what_is_beyond_chance(good, stiff):
    crosses = [
        sum(line.get_marker() == "X" for line in coverage_chart(found).lines)
        for found in (good, stiff)
    ]
    assert crosses == [found.coverage["beyond_chance"].sum() for found in (good, stiff)]
    assert crosses[0] == 0 < crosses[1]
    assert "Wilson" in words(coverage_chart(good))


def test_diagnostics_plot_themselves_as_worms(good):
    axes = Figure(layout="constrained").subplots()
    assert good.plot(axes) is axes
    assert "worm plots" in words(axes)
    assert "figcaption" in good.plot()._repr_html_()
