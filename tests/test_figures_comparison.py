"""The figure of two references compared: what is drawn of what there is."""

from __future__ import annotations

import io

import polars as pl
import pytest

from osteo_epi.cohort import simulate
from osteo_epi.figures import reference_comparison
from osteo_epi.reference import Comparison, Constant, Polynomial, compare, fit_reference


@pytest.fixture(scope="module")
def young_only() -> Comparison:
    return compare("nhanes3_white", "zhang_2007", rois=["femoral_neck", "lumbar_spine"])


@pytest.fixture(scope="module")
def in_people() -> Comparison:
    return compare(
        "nhanes_2005_2008_nhw_derived",
        "nhanes_2005_2010_nhw_derived",
        simulate(2_000, seed=3),
        rois=["femoral_neck"],
        accept_errors=True,
    )


def words(axes) -> str:
    """All words of a figure, drawn once so that a fault of drawing shows."""
    axes.figure.savefig(io.BytesIO(), format="svg")
    found = []
    for one in [*axes.figure.axes, *(c for a in axes.figure.axes for c in a.child_axes)]:
        found += [one.get_xlabel(), one.get_ylabel(), one.get_title(loc="left")]
        found += [t.get_text() for t in (*one.texts, *one.get_yticklabels())]
        legend = one.get_legend()
        found += [t.get_text() for t in legend.get_texts()] if legend else []
    return "\n".join(found)


def test_young_adults_alone_are_one_panel_and_a_sex_that_lacks_has_one_mark(young_only):
    axes = reference_comparison(young_only, note="a note")
    text = words(axes)
    assert len(axes.child_axes) == 1
    for part in ("BMD at T = −2.5 [g/cm²]", "NHANES III", "(Zhang 2007)", "Men", "a note",
                 "difference\n[g/cm²]", "that of the makers as well"):  # fmt: skip
        assert part in text.replace("\n", " ") or part in text
    cuts = young_only.cut_offs.filter(pl.col("t") == -2.5)
    lacking = cuts["difference"].null_count()
    texts = [t.get_text() for t in axes.child_axes[0].texts]
    assert texts.count("not in both") == lacking > 0
    assert "+0.069" in texts
    assert len(texts) == cuts.height + 1


def test_a_sex_of_one_reference_alone_is_said_among_the_prevalences():
    pair = compare("nhanes3_white", "zhang_2007", simulate(2_000, seed=3), rois=["femoral_neck"])
    texts = [t.get_text() for t in reference_comparison(pair).child_axes[-1].texts]
    assert texts.count("not in both") == 2


def test_limits_by_age_are_drawn_where_they_are_known(in_people):
    samples = (simulate(3_000, seed=seed) for seed in (4, 5))
    two = [
        fit_reference(people, rois=["femoral_neck"], mu=Polynomial(3), sigma=Constant())
        for people in samples
    ]
    fitted = compare(*two)
    axes = reference_comparison(fitted)
    bands = axes.child_axes[1].collections
    assert len(bands) == 2
    for band, sex in zip(bands, ("female", "male"), strict=True):
        rows = fitted.by_age.filter(z=-2.0, sex=sex)
        drawn = band.get_paths()[0].vertices[:, 1]
        assert drawn.min() == pytest.approx(rows["difference_lower"].min())
        assert drawn.max() == pytest.approx(rows["difference_upper"].max())
    text = words(axes)
    assert "SIMULATED" in text
    assert "lines by age have none" not in text
    assert "lines by age have none" in words(in_people.plot()).replace("\n", " ")


def test_a_fall_has_a_real_minus(in_people):
    texts = [t.get_text() for panel in in_people.plot().child_axes for t in panel.texts]
    falls = [text for text in texts if text.startswith("−")]
    assert falls
    assert not any(text.startswith("-") for text in texts)


def test_curves_and_a_target_add_a_panel_each(in_people):
    axes = in_people.plot()
    text = words(axes)
    assert len(axes.child_axes) == 3
    for part in ("Difference of BMD", "Z = −2", "Prevalence in the target [%]", "points",
                 "SIMULATED"):  # fmt: skip
        assert part in text
    rows = in_people.prevalence.filter(
        statistic="crude", set="common", definition=in_people.second, sex="female"
    )
    marks = [line.get_xdata()[0] for line in axes.child_axes[2].lines if len(line.get_xdata()) == 1]
    assert 100 * rows["estimate"][0] in marks


def test_names_of_lines_by_age_do_not_cover_each_other(in_people):
    panel = in_people.plot().child_axes[1]
    low, high = panel.get_ylim()
    places = sorted(t.xy[1] for t in panel.texts)
    assert len(places) == 2
    assert places[1] - places[0] > 0.05 * (high - low)


@pytest.mark.parametrize(("confidence", "said"), [(0.95, "95 % limits"), (0.9, "90 % limits")])
def test_the_foot_says_the_level_of_the_limits(confidence, said):
    two = compare("nhanes3_white", "zhang_2007", rois=["femoral_neck"], confidence=confidence)
    assert two.confidence == confidence
    assert said in words(reference_comparison(two))
