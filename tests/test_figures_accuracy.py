"""The figure of a ROC."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from osteo_epi.accuracy import ROC, CutPoints, adjusted_roc, cut_points, roc, smooth_roc
from osteo_epi.figures import cut_point_panel, roc_curve


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
    assert "SIMULATED" in axes.get_xlabel()
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
    assert "SIMULATED" in below.get_xlabel()
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
