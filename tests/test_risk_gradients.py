"""Our gradients beside published ones, and the forest that both stand in."""

from __future__ import annotations

import io
import math

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from test_risk_association import HIP, cohort

from osteo_epi import norms
from osteo_epi.errors import DefinitionError, DesignError, NormError
from osteo_epi.figures import forest_plot
from osteo_epi.risk import Association, compare_gradients, hazard_ratios, odds_ratios


def association(**options) -> Association:
    return hazard_ratios(cohort(), **HIP, adjust="age", per_sd="sample", **options)


def test_ours_over_the_published_by_hand():
    ours = association(by="sex")
    result = compare_gradients(ours, fracture="hip", measured_at={"abmd_total_hip": "femoral_neck"})
    johnell = norms.load("risk", "johnell_2005").data["gradient"]
    for ratio in ours.ratios:
        (printed,) = [one for one in johnell if one["sex"] == ratio.group]
        of_group = [d for d in result.differences if d.ours.group == ratio.group]
        (pair,) = [d for d in of_group if d.published.source == "johnell_2005"]
        se = math.log(printed["upper"] / printed["lower"]) / (2 * 1.959963984540054)
        gap = math.log(ratio.ratio.estimate / printed["relative_risk"])
        assert pair.z == pytest.approx(gap / math.hypot(se, ratio.log_se), rel=1e-10)
        assert pair.ratio == pytest.approx(math.exp(gap))
        assert (pair.lower < 1 < pair.upper) is bool(pair.p > 0.05)


def test_a_gradient_has_counterparts_of_its_place_fracture_and_sex_only():
    ours = association(by="sex")
    pairs = compare_gradients(ours, fracture="hip").heterogeneity
    # Total hip is a hip, which Marshall has; Johnell's are of the femoral neck.
    assert pairs["published"].unique().to_list() == ["marshall_1996"]
    everybody = compare_gradients(
        association(), fracture="hip", measured_at={"abmd_total_hip": "femoral_neck"}
    )
    assert everybody.heterogeneity["published"].to_list() == ["marshall_1996"]
    whole = compare_gradients(association(), fracture="any")
    assert whole.heterogeneity["published"].to_list() == ["marshall_1996"]
    spine = compare_gradients(association(), fracture="vertebral")
    assert spine.differences == ()
    assert any(note.startswith("total_hip: no published gradient") for note in spine.notes)


def test_the_table_holds_both_with_grade_and_the_source_of_our_sd():
    result = compare_gradients(association(), fracture="hip")
    frame = result.to_frame()
    assert frame["source"].to_list() == ["this study", "marshall_1996", *["johnell_2005"] * 2]
    assert frame["grade"].to_list() == ["", "A", "A", "A"]
    assert any("our standard deviations: people of the model" in note for note in result.notes)
    assert "3 published, 1 pair compared" in repr(result)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"fracture": "wrist"}, DefinitionError, "gradients of any, hip, vertebral"),
        ({"published": ["kanis_1994"]}, NormError, "kanis_1994"),
        ({"published": []}, DefinitionError, "published="),
    ],
)
def test_wrong_questions_are_named(change, error, words):
    with pytest.raises(error, match=words):
        compare_gradients(association(), **{"fracture": "hip"} | change)


@pytest.mark.parametrize("options", [{}, {"per_sd": "sample", "decrease": False}])
def test_ratios_that_are_not_per_sd_decrease_are_not_compared(options):
    ours = hazard_ratios(cohort(), **HIP, **options)
    with pytest.raises(DesignError, match="per standard deviation decrease"):
        compare_gradients(ours, fracture="hip")


def test_a_forest_has_a_row_a_ratio_with_its_numbers_and_people():
    result = association(by="sex")
    axes = result.plot(note="SIMULATED")
    axes.figure.savefig(io.BytesIO(), format="svg")
    labels = [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()]
    assert labels == [f"Total hip, {who}, per SD decrease" for who in ("Women", "Men")]
    first = result.ratios[0].ratio
    shown = [text.get_text() for text in axes.texts]
    assert shown[0] == f"{first.estimate:.2f} ({first.lower:.2f} to {first.upper:.2f})"
    assert "600 people" in axes.get_xlabel()
    assert shown[-1] == "SIMULATED"
    low, high = axes.get_xlim()
    ends = [end for ratio in result.ratios for end in (ratio.ratio.lower, ratio.ratio.upper)]
    assert low < min(ends) < max(ends) < high


def test_published_gradients_are_hollow_and_named():
    axes = Figure().subplots()
    assert compare_gradients(association(), fracture="hip").plot(axes) is axes
    labels = [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()]
    assert labels[1] == "Marshall 1996: Hip (grade A)"
    assert labels[2] == "Johnell 2005: Femoral neck, Men, at 65 years (grade A)"
    faces = [line.get_markerfacecolor() for line in axes.lines if line.get_marker() in "osD"]
    assert [face == "white" for face in faces] == [False, True, True, True]


def test_a_limit_that_is_none_or_far_away_is_cut_with_an_arrow():
    rng = np.random.default_rng(1)
    few = pl.DataFrame({"case": [True] * 3 + [False] * 9, "x": [1, 1, 0, *([0] * 8), 1],
                        "y": rng.normal(size=12)})  # fmt: skip
    axes = forest_plot(odds_ratios(few, event="case", exposures="x"))
    axes.figure.savefig(io.BytesIO(), format="svg")
    assert all(np.isfinite(axes.get_xlim()))


def test_a_level_of_limits_is_not_rounded():
    axes = forest_plot(association(confidence=0.975))
    assert "(97.5 % limits)" in axes.get_xlabel()


def test_what_is_no_association_and_names_no_exposure_is_refused():
    with pytest.raises(DefinitionError, match="association is a dict"):
        compare_gradients({}, fracture="hip")
    with pytest.raises(DefinitionError, match="measured_at names hip"):
        compare_gradients(association(), fracture="hip", measured_at={"hip": "hip"})
