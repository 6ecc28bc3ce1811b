"""The figures of decision curves and of calibration."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from test_decision_curve import ALONE, sample

from osteo_epi.errors import SchemaError
from osteo_epi.figures import decision_chart
from osteo_epi.risk import decision_curve, risk_calibration


def test_a_decision_chart_has_a_line_a_strategy_and_a_band_a_risk():
    curve = decision_curve(sample(), risks=["risk", "other"], tests=["y"], outcome="y",
                           thresholds=[0.1, 0.2, 0.3], design="srs")  # fmt: skip
    axes = decision_chart(curve, note="SIMULATED")
    axes.figure.savefig(io.BytesIO(), format="svg")
    assert [line.get_label() for line in axes.lines] == list(curve.strategies)
    assert len(axes.collections) == 3
    np.testing.assert_allclose(axes.lines[0].get_ydata(), curve.net_benefit[0])
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [10, 20, 30])
    assert "240 people" in axes.get_xlabel()
    assert "SIMULATED" in [text.get_text() for text in axes.texts]
    assert axes.get_ylim()[0] < 0 < curve.event_share < axes.get_ylim()[1]


def test_treatments_avoided_are_per_hundred_people():
    curve = decision_curve(sample(), risks="risk", **ALONE, thresholds=[0.2], design="srs")
    axes = decision_chart(curve, measure="interventions_avoided")
    (line,) = axes.lines
    avoided = curve.interventions_avoided("risk")["interventions_avoided"]
    assert line.get_ydata() == pytest.approx(100 * avoided.to_numpy())
    with pytest.raises(SchemaError, match="measure='benefit'"):
        decision_chart(curve, measure="benefit")


@pytest.mark.parametrize("curve", ["spline", "lowess"])
def test_a_calibration_chart_has_curve_groups_and_the_people_below(curve):
    result = risk_calibration(sample(), risk="risk", outcome="y", curve=curve, design="srs")
    axes = Figure().subplots()
    assert result.plot(axes) is axes
    axes.figure.savefig(io.BytesIO(), format="svg")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["risks that are true", "curve", "10 groups by risk"]
    assert len(axes.patches) == 50
    assert max(bar.get_y() + bar.get_height() for bar in axes.patches) < 0
    assert len(axes.collections) == (2 if curve == "spline" else 1)
    assert "O/E" in axes.get_xlabel()


def test_a_calibration_without_a_curve_is_drawn():
    people = sample(60).with_columns(
        risk=pl.Series([0.2, 0.3] * 30), y=pl.Series([True, False, False] * 20)
    )
    axes = risk_calibration(people, risk="risk", outcome="y", design="srs").plot()
    assert "curve" not in [text.get_text() for text in axes.get_legend().get_texts()]
