"""The figure of a ROC."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from osteo_epi.accuracy import ROC, roc
from osteo_epi.figures import roc_curve


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


def test_many_people_make_a_line_of_few_points_and_results_draw_themselves():
    result = curve("hip", n=50_000)
    assert len(result.cut_points) == 50_001
    axes = Figure().subplots()
    assert result.plot(axes) is axes
    assert len(axes.lines[-1].get_xdata()) <= 2_000
