"""Figures of curves over time."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from osteo_epi.errors import SchemaError
from osteo_epi.figures import incidence_chart, survival_chart
from osteo_epi.risk import cumulative_incidence, survival_curve

LONG = "previous fragility fracture of the hip, spine or humerus"


def people(n: int = 300, groups: int = 2) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    names = ["none", LONG, "c", "d", "e", "f"][:groups]
    return pl.DataFrame(
        {
            "years": np.round(rng.exponential(6, n), 2) + 0.01,
            "fracture": rng.random(n) < 0.4,
            "before": [names[i % groups] for i in range(n)],
        }
    ).with_columns(died=~pl.col("fracture") & pl.Series(rng.random(n) < 0.4))


def incidence(frame: pl.DataFrame, **options):
    return cumulative_incidence(
        frame, time="years", event="fracture", competing="died", at=[5], **options
    )


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_people_at_risk_stand_under_the_axis_where_its_ticks_are():
    frame = people()
    axes = survival_chart(
        survival_curve(frame, time="years", event="fracture", by="before", at=[5])
    )
    axes.figure.savefig(io.BytesIO(), format="svg")
    for tick in axes.get_xticks():
        for name in ("none", LONG):
            own = frame.filter(pl.col("before") == name)
            assert str((own["years"] >= tick).sum()) in texts(axes)
    assert "previous…" in texts(axes)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert " ".join(labels[1].split()).startswith(f"{LONG}: 150 people")
    assert max(len(line) for label in labels for line in label.splitlines()) <= 40
    assert "Bands: limits at each time (95" in axes.get_xlabel()


def test_the_line_is_the_curve_and_ends_with_the_follow_up():
    frame = people()
    result = survival_curve(frame, time="years", event="fracture", at=[5])
    (line,) = result.plot(Figure().subplots()).lines
    x, y = line.get_data()
    assert (x[0], y[0], x[-1]) == (0, 1, frame["years"].max())
    (one,) = result.groups
    assert np.allclose(one.step.at(x), y)


def test_the_competing_event_stands_upon_the_event():
    frame = people()
    result = incidence(frame)
    axes = result.plot()
    axes.figure.savefig(io.BytesIO(), format="svg")
    event, other = result.groups[0], result.competing_groups[0]
    end = frame["years"].max()
    top = max(path.vertices[:, 1].max() for c in axes.collections for path in c.get_paths())
    assert top == pytest.approx(max(event.step.at(end) + other.step.at(end),
                                    np.nanmax(event.band.upper)))  # fmt: skip
    assert axes.get_legend().get_texts()[0].get_text().startswith("died")


def test_areas_of_several_groups_are_refused():
    with pytest.raises(SchemaError, match="stacked=True needs one group"):
        incidence_chart(incidence(people(), by="before"), stacked=True)


def test_bands_of_many_groups_are_left_out():
    axes = incidence_chart(incidence(people(groups=6), by="before"))
    assert len(axes.lines) == 6
    assert not axes.collections
    assert "Bands" not in axes.get_xlabel()
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == 6


def test_many_people_make_a_line_of_few_points():
    rng = np.random.default_rng(1)
    n = 100_000
    frame = pl.DataFrame({"years": rng.exponential(5, n), "fracture": rng.random(n) < 0.5})
    result = survival_curve(frame, time="years", event="fracture", at=[5])
    (line,) = result.plot().lines
    assert len(line.get_xdata()) <= 2_002
