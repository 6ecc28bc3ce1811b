"""The figures of a ROC, of cut-points, and of thresholds."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from osteo_epi.accuracy import (
    ROC,
    CutPoints,
    Threshold,
    adjusted_roc,
    compare_thresholds,
    cut_points,
    roc,
    smooth_roc,
    threshold,
    transport,
)
from osteo_epi.agreement import deming, least_squares
from osteo_epi.calibration import correction_between
from osteo_epi.datasets import survey
from osteo_epi.figures import cut_point_panel, roc_curve, threshold_chart, transport_chart


def curve(score: str, n: int = 400, **options) -> ROC:
    rng = np.random.default_rng(2)
    truth = rng.random(n) < 0.3
    people = pl.DataFrame({"hip": rng.normal(size=n) - truth, "age": rng.normal(size=n) + truth})
    people = people.with_columns(fracture=pl.Series(truth))
    way = {"hip": "low", "age": "high"}[score]
    return roc(people, score=score, truth="fracture", direction=way, **options)


def test_each_curve_runs_from_corner_to_corner_with_its_area():
    axes = roc_curve(curve("hip"), beside=[curve("age")], note="SIMULATED")
    axes.figure.savefig(io.BytesIO(), format="svg")
    lines = [line for line in axes.lines if "AUC" in line.get_label()]
    assert len(lines) == 2
    for line in lines:
        x, y = line.get_data()
        assert (x[0], y[0], x[-1], y[-1]) == pytest.approx((0, 0, 1, 1))
        assert (np.diff(x) >= 0).all()
    assert "SIMULATED" in [text.get_text() for text in axes.texts]
    assert axes.get_title(loc="left") == "ROC against fracture"


@pytest.mark.parametrize("of", ["specificity", "sensitivity"])
def test_a_partial_range_is_shaded(of):
    result = curve("hip", partial=(0.8, 1.0), partial_of=of)
    (shade,) = roc_curve(result).patches
    box = shade.get_bbox()
    ends = (box.x0, box.x1) if of == "specificity" else (box.y0, box.y1)
    assert ends == pytest.approx((0.0, 0.2) if of == "specificity" else (0.8, 1.0))


def test_a_band_is_drawn_with_its_curve_and_curves_of_other_kinds_beside_it():
    rng = np.random.default_rng(2)
    truth = rng.random(400) < 0.3
    age = rng.normal(65, 8, 400)
    people = pl.DataFrame({"hip": rng.normal(size=400) - truth, "age": age, "fracture": truth})
    given = {"score": "hip", "truth": "fracture", "direction": "low"}
    empirical = roc(people, **given)
    smooth = smooth_roc(people, **given, replicates=50)
    adjusted = adjusted_roc(people, **given, covariates=["age"], replicates=50)
    axes = empirical.band(replicates=50).plot(beside=[smooth, adjusted])
    words = [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]
    assert words[0] == "95 % limits at each specificity"
    assert [w.split(":")[0] for w in words[1:]] == [
        "hip, low", "hip, low, binormal", "hip, low, adjusted for age"
    ]  # fmt: skip
    (shade,) = axes.collections
    box = shade.get_datalim(axes.transData)
    assert (box.x0, box.x1, box.y1) == pytest.approx((0, 1, 1))
    for other in (smooth, adjusted):
        assert other.plot().get_title(loc="left") == "ROC against fracture"
        assert other.band().plot().collections
    turned = empirical.band([0.5, 0.8], replicates=20)
    assert roc_curve(empirical, band=turned).collections


def test_many_people_make_a_line_of_few_points_and_results_draw_themselves():
    result = curve("hip", n=50_000)
    assert len(result.cut_points) == 50_001
    axes = Figure().subplots()
    assert result.plot(axes) is axes
    assert len(axes.lines[-1].get_xdata()) <= 2_000


def panel(**options) -> tuple[Axes, CutPoints]:
    rng = np.random.default_rng(2)
    truth = rng.random(400) < 0.3
    people = pl.DataFrame({"hip": rng.normal(size=400) - truth, "fracture": truth})
    given = {"score": "hip", "truth": "fracture", "direction": "low", "replicates": 40}
    result = cut_points(people, **(given | options))
    return result.plot(note="SIMULATED"), result


def test_every_cut_point_stands_in_its_row_with_its_limits():
    axes, result = panel(beside="(-inf, -1)", cost_ratio=0.25)
    axes.figure.savefig(io.BytesIO(), format="svg")
    above, below = axes.child_axes
    assert len(above.get_yticklabels()) == len(result.points) == 7
    marks = {
        (float(x), int(y))
        for line in above.lines
        if line.get_marker() in ("o", "D")
        for x, y in zip(*line.get_data(), strict=True)
    }
    assert marks == {(point.cut_point, row) for row, point in enumerate(result.points)}
    ends = [line.get_xdata() for line in above.lines if len(line.get_xdata()) == 2]
    youden = result["youden"]
    assert any(tuple(x) == (youden.lower, youden.upper) for x in ends)
    assert "SIMULATED" in [text.get_text() for text in below.texts]
    assert "diseased" in below.get_xlabel()
    assert above.get_xlim() == below.get_xlim()
    corrected = f"{100 * youden.sensitivity_corrected.estimate:.0f} / "
    assert any(text.get_text().startswith(corrected) for text in above.texts)


def test_a_criterion_without_a_cut_point_says_so_and_no_bootstrap_says_whose_rates_they_are():
    axes, result = panel(criteria=("cost", "youden"), cost_ratio=1e9, replicates=0)
    above, _ = axes.child_axes
    texts = [text.get_text() for text in above.texts]
    none = sum(not np.isfinite(point.cut_point) for point in result.points)
    assert texts.count("no cut-point") == none
    assert any("in these" in text for text in texts)


def test_a_panel_of_cut_points_goes_into_axes_that_are_given():
    given = Figure().subplots()
    _, result = panel(criteria=("youden",))
    assert cut_point_panel(result, given, x="Hip [SD]") is given
    assert given.child_axes[1].get_xlabel().startswith("Hip [SD]")


VBMD = "vbmd_lumbar_spine"
CHINA = threshold("china_2020", VBMD)
LOWER = Threshold.stated(VBMD, "(-inf, 47.5)", source="stated by the user")


def scanned(n: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    score = rng.normal(95, 30, n)
    sex = rng.choice(["female", "male"], n)
    return pl.DataFrame({VBMD: score, "sex": sex, "fracture": rng.normal(70, 25, n) > score})


def marks_of(axes: Axes) -> list[float]:
    return [
        float(x) for line in axes.lines for x in line.get_xdata() if line.get_marker() != "None"
    ]


def words_of(axes: Axes) -> list[str]:
    return [plain(text.get_text()) for text in axes.get_legend().get_texts()]


def plain(text: str) -> str:
    return text.replace("\n", " ")


def test_a_transport_shows_both_cut_offs_with_limits_and_each_group_under_either():
    rng = np.random.default_rng(5)
    truth = rng.uniform(40, 180, 50)
    line = deming(truth + rng.normal(0, 3, 50), 9 + truth + rng.normal(0, 3, 50))
    result = transport(scanned(), CHINA, relation=line)
    axes = result.plot(note="own words")
    axes.figure.savefig(io.BytesIO(), format="svg")
    above, below = axes.child_axes
    cuts = [line.get_xdata()[0] for line in above.lines if len(line.get_xdata()) == 2]
    row = result.cut_points().row(0, named=True)
    assert cuts == [80.0, row["carried"]]
    (shade,) = above.patches
    assert (shade.get_bbox().x0, shade.get_bbox().x1) == pytest.approx((row["lower"], row["upper"]))
    shares = [m.estimate for change in result.changes for m in (change.old, change.new)]
    assert marks_of(below) == pytest.approx([100 * share for share in shares])
    faces = [line.get_mfc() for line in below.lines if line.get_marker() != "None"]
    assert [face == "white" for face in faces] == [True, False] * 3
    texts = [text.get_text() for text in below.texts]
    assert texts.pop() == "own words"
    assert [text.split(" (")[0] for text in texts] == ["All", "Women", "Men"]
    assert all("difference +" in text for text in texts)
    assert "300 people" in below.get_xlabel()


def test_a_cut_off_that_is_not_carried_says_so_and_one_of_another_scale_is_not_drawn():
    axes = transport(scanned(), LOWER, relation="phantom_k2hpo4_caco3").plot()
    above, below = axes.child_axes
    assert words_of(above) == ["Women", "Men", "old cut-off < 47.5"]
    assert all("not carried" in text.get_text() for text in below.texts)
    above, below = transport(scanned(), LOWER).plot().child_axes
    assert words_of(above) == ["Women", "Men", "old cut-off < 47.5"]
    assert all("the cut-off stays" in text.get_text() for text in below.texts)
    above, _ = transport(scanned(), CHINA, relation=-3.0).plot().child_axes
    assert words_of(above)[2:] == ["old cut-off < 80", "new cut-off < 77"]
    assert not above.patches
    scores = scanned().rename({VBMD: "hu_l1"})
    stated = Threshold.stated("vbmd_l1", "(-inf, 80)", source="x")
    relation = least_squares([50, 100, 150], [85, 160, 241])
    above = transport(scores, stated, score="hu_l1", relation=relation).plot().child_axes[0]
    assert [word.split(" <")[0] for word in words_of(above)] == ["Women", "Men", "new cut-off"]
    assert above.get_xlabel() == "hu_l1 [HU]"


def test_many_devices_share_a_line_of_the_legend():
    lines = {(name,): least_squares([0, 100, 200], [k, 100 + k, 200.1 + k])
             for k, name in enumerate("ABCDE")}  # fmt: skip
    correction = correction_between(lines, unit="mg/cm3")
    people = scanned().with_columns(device=pl.Series(list("ABCDE") * 60))
    above = transport(people, CHINA, relation=correction).plot().child_axes[0]
    assert words_of(above)[2:] == ["old cut-off < 80", "new cut-offs, one a device"]


def test_thresholds_side_by_side_have_a_line_a_row_and_the_colour_in_common():
    long = "a cut-off that the user states for another population and another calibration"
    result = compare_thresholds(
        scanned(), truth="fracture", thresholds={"consensus": CHINA, long: LOWER}
    )
    axes = result.plot()
    axes.figure.savefig(io.BytesIO(), format="svg")
    above, below = axes.child_axes
    assert words_of(above) == ["Women", "Men", "< 80", "< 47.5"]
    assert marks_of(below) == [100 * one.prevalence.estimate for one in result.candidates]
    first, second = (plain(text.get_text()) for text in below.texts)
    assert "difference" not in first
    assert second.startswith(f"{long}, < 47.5: ")
    assert "difference −" in second
    assert "sensitivity" in first
    colours = [line.get_color() for line in above.lines if len(line.get_xdata()) == 2]
    marks = [line.get_mec() for line in below.lines if line.get_marker() != "None"]
    assert colours == marks
    assert "accuracy against fracture" in plain(below.get_xlabel())


def test_simulated_people_are_labelled_in_both_figures():
    people = survey()
    cuts = [Threshold.stated("abmd_total_hip", f"(-inf, {c}]", source="x") for c in (0.7, 0.6)]
    given = Figure().subplots()
    for axes in (
        transport_chart(transport(people, cuts[0], to=cuts[1]), given),
        compare_thresholds(people, thresholds=cuts).plot(x="Hip"),
    ):
        assert "SIMULATED people" in [text.get_text() for text in axes.child_axes[-1].texts]
    assert given.child_axes


def test_thresholds_of_two_columns_have_a_distribution_each():
    people = scanned().with_columns(hu_l1=pl.col(VBMD) * 1.5)
    attenuation = Threshold.stated("hu_l1", "(-inf, 110]", source="x")
    axes = threshold_chart(compare_thresholds(people, thresholds=[CHINA, attenuation]))
    assert [panel.get_xlabel() for panel in axes.child_axes[:2]] == [
        "Lumbar spine (QCT) [mg/cm³]", "hu_l1 [HU]"
    ]  # fmt: skip
    assert [words_of(panel)[2:] for panel in axes.child_axes[:2]] == [["< 80"], ["≤ 110"]]
