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
    control_chart,
    method_comparison,
    plot,
)


def readings(n: int = 50) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true = rng.normal(1, 0.15, n)
    return true + rng.normal(0, 0.01, n), 1.05 * true + rng.normal(0, 0.01, n)


def words(axes) -> str:
    """All words of a figure, drawn once so that a fault of drawing shows."""
    from matplotlib.text import Text

    axes.figure.savefig(io.BytesIO(), format="svg")
    return "\n".join(text.get_text() for text in axes.figure.findobj(Text))


@pytest.mark.parametrize(("scale", "y"), [("difference", "[g/cm²]"), ("log", "Ratio y/x")])
def test_bland_altman_names_limits_n_and_interval(scale: str, y: str) -> None:
    text = words(plot(bland_altman(*readings(), scale=scale), note="simulated"))
    for part in ("Bias", "Upper limit", "Lower limit", "slope", "n = 50", "exact", "simulated", y):
        assert part in text


def test_the_line_is_drawn_with_both_intervals_and_identity() -> None:
    x, y = readings()
    text = words(method_comparison(deming(x, y), x, y))
    for part in ("Identity", "of a person", "of the line", "Deming", "jackknife", "n = 50"):
        assert part in text
    bare = words(method_comparison(passing_bablok(x, y), x, y))
    assert "of a person" not in bare
    assert "Identity" in bare


def test_two_methods_stand_on_equal_scales() -> None:
    x, y = readings()
    axes = deming(x, y).plot(x=x, y=y)
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_aspect() == 1.0


def test_a_bias_that_grows_is_drawn_as_the_line_fitted() -> None:
    result = bland_altman(*readings())
    slanting = result.plot().get_lines()[2]
    x, y = slanting.get_xdata(), slanting.get_ydata()
    assert (y[1] - y[0]) / (x[1] - x[0]) == pytest.approx(result.proportional.slope.estimate)


def test_a_crowd_is_counted_and_not_dotted() -> None:
    x, y = readings(CROWD + 1)
    axes = method_comparison(deming(x, y, interval="analytic"), x, y)
    assert not any(line.get_marker() == "." for line in axes.get_lines())


def test_the_control_chart_draws_one_series() -> None:
    frame = pl.DataFrame({"device": "D", "scan_date": range(60), "bmd": readings(60)[0]})
    chart = with_control_chart(frame, value="bmd")
    text = words(control_chart(chart, value="bmd", events=(30,), title="D"))
    assert "CUSUM upward" in text
    assert "Limit 5 SD" in text
    two = pl.concat([chart, chart.with_columns(baseline_mean=pl.lit(2.0))])
    with pytest.raises(SchemaError, match="one device at a time"):
        control_chart(two, value="bmd")


def test_transitions_show_counts_and_shares() -> None:
    people = pl.DataFrame(
        {
            "own": ["normal", "osteoporosis", "normal", "normal"],
            "us": ["normal", "osteoporosis", "osteoporosis", "normal"],
        }
    )
    table = transitions(people, first="own", second="us", classes=["osteoporosis", "normal"])
    text = words(plot(table))
    assert "2\n67%" in text
    assert "25.0% (0.6–80.6) change class" in text


def test_a_result_without_points_is_drawn_by_its_bias_and_limits() -> None:
    x, y = readings(12)
    result = bland_altman_repeated(x, y, person=np.arange(12) // 2, true_value="varies")
    axes = plot(result)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Bias", "Lower limit", "Upper limit",
    ]  # fmt: skip
    assert result.bias.estimate in [x for line in axes.lines for x in line.get_xdata()]
