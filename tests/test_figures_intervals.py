"""Estimates with limits as a figure, and every result's figure as Jupyter shows it."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

import osteo_epi as oe
from osteo_epi import agreement, calibration, survey
from osteo_epi.errors import SchemaError
from osteo_epi.figures import alt_text, interval_chart
from osteo_epi.language import speaking

SCANS = pl.DataFrame(
    {
        "person_id": [1, 1, 2, 2, 3, 3] * 2,
        "device": ["A"] * 6 + ["B"] * 6,
        "bmd": [0.9, 0.91, 1, 0.98, 0.85, 0.85, 0.9, 0.92, 1, 0.98, 0.85, 0.86],
    }
)


def test_precision_has_a_row_a_group_with_its_limits_and_so_has_the_least_change():
    axes = calibration.precision(SCANS, value="bmd", by=["device"]).plot(unit="g/cm²")
    first = calibration.precision(SCANS, value="bmd", by=["device"]).to_polars().row(0, named=True)
    for panel, of in zip(axes.child_axes, ("rms_cv_percent", "lsc"), strict=True):
        assert [label.get_text() for label in panel.get_yticklabels()] == ["A", "B"]
        drawn = panel.lines[0].get_xdata()
        assert list(drawn) == [first[f"{of}_lower"], first[f"{of}_upper"]]
    assert axes.child_axes[1].get_xlabel().startswith("Least significant change [g/cm²]")
    assert "A 0.94 (0.53 to 3.51)" in alt_text(axes)


def test_rows_of_a_test_are_in_words_and_say_at_which_prevalence():
    people = {"test": [True, True, False] * 10, "truth": [True, False, False] * 10}
    result = oe.accuracy.accuracy(**people, prevalence=[0.105])
    with speaking("zh"):
        labels = [label.get_text() for label in result.plot().get_yticklabels()]
    assert labels[-1].replace("\n", "") == "阴性预测值，患病率为10.5%时"
    assert not [label for label in labels if re.search("[a-z]", label)]


def test_drift_is_drawn_with_no_change_as_a_line_into_axes_that_are_given():
    steps = calibration.steps_at_events(
        [1.0, 1.01, 0.99, 1.03, 1.02, 1.04], at=range(6), events=[3]
    )
    axes = Figure().subplots()
    assert steps.plot(axes) is axes
    assert list(axes.lines[0].get_xdata()) == [0, 0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["at 3"]


def test_estimates_without_limits_and_other_statistics_are_left_out():
    axes = agreement.kappa([0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]).plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Kappa", "Prevalence-adjusted kappa",
    ]  # fmt: skip
    none = survey.Estimate(np.array([np.nan]), np.eye(1), 0, 1, np.zeros((1, 1)))
    assert "no estimate" in none.plot().texts[0].get_text()


def test_levels_are_said_in_words():
    design = oe.SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu")
    people = oe.datasets.survey()
    means = survey.domain_means(people, values="abmd_total_hip", group="sex", design=design)
    assert [label.get_text() for label in means.plot().get_yticklabels()] == ["Women", "Men"]


def test_another_result_is_refused():
    with pytest.raises(SchemaError, match="Findings is no table of estimates"):
        interval_chart(oe.Findings())


def test_jupyter_shows_a_plot_as_a_picture_without_magic():
    from IPython.core.formatters import DisplayFormatter

    limits = agreement.bland_altman([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    for shown in (limits.plot(), limits.plot().figure):
        data, _ = DisplayFormatter().format(shown)
        assert data["text/html"].startswith("<figure")
    table, _ = DisplayFormatter().format(limits)
    assert "limits of agreement" in table["text/html"]
