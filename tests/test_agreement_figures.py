"""Figures of two methods and of phantom series: what they say, and what they refuse."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest

from osteo_epi.agreement import (
    bland_altman,
    bland_altman_repeated,
    deming,
    passing_bablok,
    transitions,
)
from osteo_epi.calibration import with_control_chart
from osteo_epi.errors import SchemaError
from osteo_epi.figures import (
    CROWD,
    draw_bland_altman,
    draw_control_chart,
    draw_line,
    draw_transitions,
)


def readings(n: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.normal(1, 0.15, n)
    return true + rng.normal(0, 0.01, n), 1.05 * true + rng.normal(0, 0.01, n)


def words(figure) -> str:
    """All words of a figure, drawn once so that a fault of drawing shows."""
    figure.savefig(io.BytesIO(), format="svg")
    found = [figure.get_supxlabel()]
    for axes in figure.axes:
        found += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title()]
        found += [t.get_text() for t in axes.texts]
        legend = axes.get_legend()
        found += [t.get_text() for t in legend.get_texts()] if legend else []
    return "\n".join(found)


@pytest.mark.parametrize(("scale", "y"), [("difference", "[g/cm²]"), ("log", "Ratio y/x")])
def test_bland_altman_names_limits_n_and_interval(scale: str, y: str) -> None:
    text = words(draw_bland_altman(bland_altman(*readings(), scale=scale), note="simulated"))
    for part in ("bias", "upper limit", "lower limit", "n = 50", "exact", "simulated", y):
        assert part in text


def test_the_line_is_drawn_with_both_intervals_and_identity() -> None:
    x, y = readings()
    text = words(draw_line(deming(x, y), x, y))
    for part in ("identity", "a person", "the line", "Deming", "jackknife", "n = 50"):
        assert part in text
    with pytest.raises(SchemaError, match="no covariance"):
        draw_line(passing_bablok(x, y), x, y)


def test_a_crowd_is_counted_and_not_dotted() -> None:
    x, y = readings(CROWD + 1)
    axes = draw_line(deming(x, y, interval="analytic"), x, y).axes[0]
    assert not any(line.get_marker() == "." for line in axes.get_lines())


def test_the_control_chart_draws_one_series() -> None:
    frame = pl.DataFrame({"device": "D", "scan_date": range(60), "bmd": readings(60)[0]})
    chart = with_control_chart(frame, value="bmd")
    text = words(draw_control_chart(chart, value="bmd", events=(30,), title="D"))
    assert "CUSUM upward" in text
    assert "limit 5 SD" in text
    two = pl.concat([chart, chart.with_columns(baseline_mean=pl.lit(2.0))])
    with pytest.raises(SchemaError, match="one device at a time"):
        draw_control_chart(two, value="bmd")


def test_transitions_show_counts_and_shares() -> None:
    people = pl.DataFrame(
        {
            "own": ["normal", "osteoporosis", "normal", "normal"],
            "us": ["normal", "osteoporosis", "osteoporosis", "normal"],
        }
    )
    table = transitions(people, first="own", second="us", classes=["osteoporosis", "normal"])
    text = words(draw_transitions(table))
    assert "2\n67 %" in text
    assert "25.0 % change class" in text


def test_a_result_without_points_is_refused() -> None:
    x, y = readings(12)
    result = bland_altman_repeated(x, y, person=np.arange(12) // 2, true_value="varies")
    with pytest.raises(SchemaError, match="keeps no single differences"):
        draw_bland_altman(result)
