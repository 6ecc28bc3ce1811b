"""Figures of a reference, and `Result.plot`: what is drawn, what is said, what is refused."""

from __future__ import annotations

import io

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from osteo_epi import figures
from osteo_epi.agreement import bland_altman, deming, kendall_w, passing_bablok
from osteo_epi.cohort import simulate
from osteo_epi.datasets import survey
from osteo_epi.errors import SchemaError
from osteo_epi.figures import CROWD, centile_chart, peak_chooser, plot
from osteo_epi.reference import (
    Constant,
    Curve,
    Peaks,
    Polynomial,
    balance,
    bands,
    fit_curve,
    fit_local_polynomial,
    fit_quantiles,
    fit_reference,
    outliers,
    peaks,
    sample_size,
    sensitivity,
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


@pytest.fixture(scope="module")
def women() -> pl.DataFrame:
    return survey().frame.filter(pl.col("sex") == "female")


@pytest.fixture(scope="module")
def curve(women) -> Curve:
    return fit_curve(women, "abmd_femoral_neck", mu=Polynomial(3), sigma=Constant())


@pytest.fixture(scope="module")
def young() -> Peaks:
    people = simulate(6_000, seed=3)
    return peaks(people, roi="femoral_neck", target=people)


def test_centiles_are_named_with_region_sex_units_n_and_model(curve, women):
    # Lines under the axes break where the canvas ends.
    text = words(centile_chart(curve, people=women, note="SIMULATED")).replace("\n", " ")
    for part in (
        "Femoral neck, Women",
        "Areal BMD [g/cm²]",
        "Age [years]",
        "3rd",
        "97th",
        f"n = {curve.n:,}",
        "Cole–Green",
        "95 % interval of the median",
        "SIMULATED",
    ):
        assert part in text


def test_the_lines_are_the_curves_centiles_and_the_band_holds_the_median(curve):
    axes = centile_chart(curve, percents=(2.5, 50, 97.5))
    assert [t.get_text() for t in axes.texts] == ["2.5th", "50th", "97.5th"]
    ages, median = axes.lines[1].get_data()
    np.testing.assert_allclose(median, curve.quantile(ages, 0.5))
    (band,) = axes.collections
    edges = band.get_paths()[0].vertices
    width = float(np.ptp(edges[edges[:, 0] == ages[0], 1]))
    se = curve.parameter_errors(ages[:1], "mu")[0]
    assert width == pytest.approx(2 * 1.96 * se, rel=0.01)


def test_bands_are_drawn_with_the_peak_and_the_line_of_t(curve, women):
    limits = bands(curve, women, percents=(3, 50, 97))
    axes = limits.plot(people=women)
    text = words(axes).replace("\n", " ")
    for part in ("T = −2.5", "limits by delta", "3rd", "97th"):
        assert part in text
    assert "25th" not in text
    (level,) = {line.get_ydata()[0] for line in axes.lines if line.get_linewidth() == 1.1 and
                len(line.get_xdata()) == 2}  # fmt: skip
    assert level == limits.line[0]
    without = bands(curve, women, percents=(3, 97)).plot()
    assert "band:" not in words(without)


def test_a_peak_at_the_edge_is_drawn_without_limits(women):
    falling = fit_curve(women, "abmd_femoral_neck", mu=Polynomial(1), sigma=Constant())
    limits = bands(falling, women, percents=(50,))
    assert limits.peak["lower"][0] is None
    assert "T = −2.5" in words(limits.plot())


@pytest.mark.parametrize("family", ["normal", "log_normal"])
def test_the_band_is_in_the_units_of_the_measurement(women, family):
    fitted = fit_curve(women, "abmd_total_hip", family=family, mu=Polynomial(3), sigma=Constant())
    edges = centile_chart(fitted).collections[0].get_paths()[0].vertices[:, 1]
    assert 0.4 < edges.min() < edges.max() < 1.2


def test_names_of_close_lines_do_not_cover_each_other(curve):
    axes = centile_chart(curve, percents=(48, 49, 50, 51, 52))
    low, high = axes.get_ylim()
    places = sorted(t.xyann[1] for t in axes.texts)
    assert np.diff(places).min() > 0.04 * (high - low)


def test_a_crowd_is_counted_and_not_dotted(curve):
    rng = np.random.default_rng(0)
    people = pl.DataFrame(
        {
            "age": rng.uniform(20, 80, CROWD + 1),
            "abmd_femoral_neck": rng.normal(0.8, 0.1, CROWD + 1),
        }
    )
    axes = centile_chart(curve, people=people)
    assert "darker: more people" in words(axes)
    assert not any(line.get_marker() == "." for line in axes.get_lines())
    few = centile_chart(curve, people=people.head(50).to_pandas())
    assert any(line.get_marker() == "." for line in few.get_lines())


def test_quantiles_are_drawn_without_a_band(women):
    fitted = fit_quantiles(women, "abmd_femoral_neck", percents=(10, 50, 90))
    axes = fitted.plot(people=women)
    text = words(axes)
    assert [t.get_text() for t in axes.texts] == ["10th", "50th", "90th", "SIMULATED people"]
    assert "quantile regression" in text
    assert "interval" not in text
    assert not axes.collections


def test_a_smoothed_mean_is_drawn_with_its_error_and_the_sd(women):
    smooth = fit_local_polynomial(women, "abmd_femoral_neck", bandwidth=5.0)
    axes = smooth.plot(people=women)
    assert [t.get_text() for t in axes.texts] == ["−1 SD", "mean", "+1 SD", "SIMULATED people"]
    (band,) = axes.collections
    first = smooth.to_frame().row(0, named=True)
    edges = [y for x, y in band.get_paths()[0].vertices if x == first["age"]]
    assert np.ptp(edges) == pytest.approx(2 * 1.96 * first["mean_se"], rel=1e-3)
    assert "bandwidth 5 years" in words(axes)


def test_people_without_the_column_are_refused(curve):
    with pytest.raises(SchemaError, match=r"abmd_femoral_neck are not in people=.*leave people="):
        centile_chart(curve, people=pl.DataFrame({"age": [50.0]}))


def test_the_chooser_names_ways_ages_people_and_both_sexes(young):
    text = words(peak_chooser(young, note="SIMULATED"))
    for part in ("BMD at T = −2.5 [g/cm²]", "20–29 years", "Women", "Men", "n ", "SIMULATED"):
        assert part in text
    assert "Prevalence in the target" in text
    first = young.to_frame()["prevalence"][0]
    assert f"{100 * first:.1f}%" in text


def test_cut_offs_are_drawn_with_their_intervals():
    result = peaks(simulate(6_000, seed=3), roi="total_hip")
    axes = peak_chooser(result)
    spans = {tuple(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2}
    rows = result.to_frame().select("cut_off_lower", "cut_off_upper").rows()
    assert spans == set(rows)


def test_a_reference_is_a_panel_a_region_and_sex_and_says_simulated():
    people = survey()
    terms = {"mu": Polynomial(3), "sigma": Constant()}
    reference = fit_reference(people, rois=["femoral_neck", "total_hip"], **terms)
    axes = reference.plot(note="a note")
    text = words(axes)
    assert len(axes.child_axes) == 4
    for part in ("Femoral neck, Women", "Total hip, Men", "SIMULATED people", "a note", "97th"):
        assert part in text
    women, men = (sum(len(x.get_xdata()) for x in p.lines[:1]) for p in axes.child_axes[:2])
    measured = people.frame.drop_nulls("abmd_femoral_neck")["sex"].value_counts()
    assert {women, men} == set(measured["count"])


def test_a_region_without_a_curve_leaves_its_panel_empty():
    people = survey().frame
    man = pl.col("sex") == "male"
    people = people.with_columns(abmd_total_hip=pl.when(~man).then(pl.col("abmd_total_hip")))
    terms = {"mu": Polynomial(3), "sigma": Constant(), "young": None}
    reference = fit_reference(people, rois=["femoral_neck", "total_hip"], **terms)
    assert [p.get_visible() for p in reference.plot().child_axes] == [True, True, True, False]


def test_a_result_plots_itself_and_jupyter_shows_it(curve, young):
    for result in (curve, young):
        axes = result.plot()
        assert axes._repr_html_().startswith('<figure style="margin:1rem 0"><img ')
        assert "figcaption" in axes._repr_html_()


def test_given_axes_are_drawn_into_and_given_back(curve, young):
    left, right = Figure(layout="constrained").subplots(1, 2)
    assert curve.plot(left) is left
    assert young.plot(ax=right) is right
    assert "Femoral neck" in words(left)
    assert not hasattr(left, "_repr_html_")


def test_figures_that_were_there_are_found():
    x = np.linspace(0.6, 1.1, 30)
    y = x + np.tile([0.01, -0.01, 0.02], 10)
    assert bland_altman(x, y).plot().get_ylabel() == "Difference, y − x [g/cm²]"
    assert "Identity" in words(deming(x, y).plot(x=x, y=y))
    assert "Interval of a person" not in words(passing_bablok(x, y).plot(x=x, y=y))
    given = Figure().subplots()
    assert bland_altman(x, y).plot(given) is given


RULES = [
    {"name": "disease", "column": "secondary_cause", "exclude": [True], "missing": "keep"},
    {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"},
]


def test_each_rule_has_a_row_of_how_far_it_moves_the_cut_off():
    moved = sensitivity(simulate(6_000, seed=3), RULES, roi="femoral_neck")
    axes = moved.plot()
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows[:3] == ["no rule", "without disease", "disease alone"]
    drawn = [x for line in axes.lines for x in line.get_xdata() if line.get_marker() == "o"]
    own = moved.rows.filter(pl.col("sex") == "female", pl.col("rules") != "all rules")
    assert drawn == own["shift"].to_list()
    assert "Shift of the BMD at T = −2.5 [g/cm²]" in words(axes)


def test_bars_are_people_and_thin_bands_are_hollow():
    counted = balance(simulate(2_000, seed=1))
    axes = counted.plot()
    rows = counted.rows.filter(pl.col("factor") == "all")
    assert sorted(bar.get_height() for bar in axes.patches) == rows["n"].sort().to_list()
    hollow = [bar for bar in axes.patches if bar.get_facecolor() == (1, 1, 1, 1)]
    assert len(hollow) == rows["thin"].sum() > 0
    assert "hollow" in words(axes)
    planned = sample_size(cut_off_se=0.1, response=0.8).plot()
    assert "828 in all, 1,036 to be invited" in words(planned)
    colours = [patch.get_facecolor() for patch in planned.get_legend().get_patches()]
    assert colours[0] != colours[1]


def test_people_far_off_a_curve_are_marked(curve, women):
    far = outliers(curve, women, limit=3)
    axes = far.plot()
    marked = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() == "D")
    assert marked == far.rows["n"].sum() > 0
    assert f"Femoral neck: {marked} flagged" in words(axes)
    with pytest.raises(SchemaError, match="column years is not in the people"):
        far.plot(age="years")


def test_a_result_without_a_figure_says_so():
    with pytest.raises(SchemaError, match="KendallW is one number without limits"):
        kendall_w([[1, 1], [2, 2], [3, 3]]).plot()
    with pytest.raises(SchemaError, match="str is no result"):
        plot("a")


def test_each_figure_of_a_reference_is_at_the_door():
    assert {"centile_chart", "peak_chooser", "plot", "reference_chart", "smoothed_mean"} <= set(
        figures.__all__
    )
