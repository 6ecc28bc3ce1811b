"""Every kind of result draws or says what it is instead; numbers drawn are those of its frame."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import osteo_epi as oe
from osteo_epi import accuracy, agreement, calibration, figures, reference, risk, survey
from osteo_epi.errors import SchemaError
from osteo_epi.figures import alt_text
from osteo_epi.figures.estimates import ESTIMATES
from osteo_epi.language import speaking
from osteo_epi.population import rates
from osteo_epi.results import Result

X = [0.8, 0.9, 1.0, 1.1, 0.95, 0.85]
Y = [0.83, 0.92, 1.04, 1.13, 0.96, 0.9]
RISKS = pl.DataFrame(
    {
        "risk": [0.71, 0.62, 0.35, 0.42, 0.32, 0.18],
        "old": [0.5, 0.6, 0.4, 0.4, 0.5, 0.4],
        "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
        "fracture": [True, True, True, False, True, False],
        "sex": ["female", "female", "male", "male", "female", "male"],
        "age": [80, 61, 77, 70, 66, 64],
    }
)
FOLLOWED = {"time": "years", "event": "fracture"}
TESTS = pl.DataFrame(
    {
        "low": [True] * 30 + [False] * 70,
        "lower": [True] * 20 + [False] * 80,
        "truth": [True] * 20 + [False] * 10 + [True] * 5 + [False] * 65,
    }
)
BANDS = {"50-64": 6_500, "65+": 2_500}
HIPS = pl.DataFrame(
    {
        "age": ["50-64", "65+"] * 2,
        "town": ["north"] * 2 + ["south"] * 2,
        "hip": [5, 77, 9, 60],
        "years": [19_876.0, 6_020.0, 20_000.0, 5_000.0],
    }
)


def kinds() -> set[type[Result]]:
    """All kinds of results that the package has, in whichever room."""
    for module in pkgutil.walk_packages(oe.__path__, "osteo_epi."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {kind for kind in _below(Result) if kind.__module__.startswith("osteo_epi.")}


def _below(kind: type[Result]) -> Iterator[type[Result]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def test_each_kind_draws_or_says_what_it_is_instead() -> None:
    nothing = figures.plot.dispatch(object)
    drawn = {kind for kind in kinds() if figures.plot.dispatch(kind) is not nothing}
    told = {kind for kind in kinds() if kind.no_figure}
    assert not {kind.__name__ for kind in kinds() - drawn - told}, "draw it, or say why not"
    assert not {kind.__name__ for kind in drawn & told}, "it has a figure: say nothing"


def test_the_kinds_without_a_figure_are_few() -> None:
    assert sorted(kind.__name__ for kind in kinds() if kind.no_figure) == [
        "Catalogue", "ClassifiedParts", "Codebook", "Decisions", "Findings", "JournalTable",
        "KendallW", "Linearity", "Publication", "PublishedEquations", "PublishedRange",
        "RaoScott", "Recommendation", "RiskModel", "Rounded", "Run", "Suppressed", "Threshold",
        "ThresholdStudy", "TripodItems",
    ]  # fmt: skip


def test_one_without_a_figure_says_where_its_numbers_are() -> None:
    with pytest.raises(SchemaError, match=r"^Findings is a list of findings: .* to_frame\(\)"):
        oe.Findings().plot()


def _repeated() -> list[list[float]]:
    return [[0.90, 0.91], [1.00, 0.98], [0.85, 0.85], [1.1, 1.12]]


def _line() -> agreement.Line:
    return agreement.least_squares(X, Y)


def _correction() -> calibration.Correction:
    return calibration.correction_between({("B",): _line(), ("C",): _line()})


def _corrected() -> calibration.BeforeAfter:
    people = pl.DataFrame({"device": ["B", "B", "C"], "abmd_total_hip": [0.9, 1.0, 0.95]})
    return calibration.before_after(people, _correction())


def _validated() -> risk.Validation:
    rng = np.random.default_rng(1)
    age = rng.uniform(50, 85, 200)
    years = rng.exponential(20 * np.exp(-0.04 * (age - 65)))
    people = pl.DataFrame({"age": age, "years": np.minimum(years, 12), "fracture": years < 12})
    model = risk.fit_risk_model(people, **FOLLOWED, predictors=("age",), at=(5, 10))
    return risk.validate_risk_model(model, replicates=10)


def _exposed() -> risk.TwoByTwo:
    cells = {(True, True): 39, (True, False): 57, (False, True): 62, (False, False): 208}
    rows = [pair for pair, n in cells.items() for _ in range(n)]
    people = pl.DataFrame(rows, schema=["prior", "fracture"], orient="row")
    half = people.with_columns(centre=pl.int_range(pl.len()) % 2)
    return risk.two_by_two(half, exposure="prior", outcome="fracture", strata=["centre"])


def _girls() -> reference.HeightAdjustment:
    draw = np.random.default_rng(1)
    age, size = draw.uniform(5, 18, 600), draw.normal(size=600)
    bone = 0.3 + 0.03 * age + 0.03 * size + 0.05 * draw.normal(size=600)
    girls = pl.DataFrame({"age": age, "height": 75 + 5.5 * age + 6 * size, "abmd_l1": bone})
    curves = [reference.fit_curve(girls, column) for column in ("abmd_l1", "height")]
    return reference.height_adjustment(*curves, girls)


def _powers() -> reference.FractionalPowers:
    women = oe.simulate(600, seed=1).frame.filter(pl.col("sex") == "female")
    return reference.choose_powers(women, "abmd_femoral_neck", number=1, family="normal")


def _regressed() -> survey.Regression:
    people = pl.DataFrame({"w": [1.0, 2, 1, 2], "age": [50.0, 60, 70, 80]})
    table, names = survey.covariates(people, ["age"])
    design = survey.SurveyDesign(weight="w").arrays(people)
    return survey.survey_regression(np.array([0.9, 0.8, 0.8, 0.6]), table, design, names=names)


def _design() -> survey.DesignArrays:
    return survey.SurveyDesign(weight="w").arrays(pl.DataFrame({"w": [1.0] * 40}))


def _means() -> survey.Estimate:
    design = oe.SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu")
    people = oe.datasets.survey()
    return survey.domain_means(people, values="abmd_total_hip", group="sex", design=design)


def _compared() -> accuracy.ROCComparison:
    return accuracy.compare_roc(
        RISKS, first="risk", second="old", first_direction="high", second_direction="high",
        truth="fracture",
    )  # fmt: skip


def _methods() -> accuracy.AccuracyComparison:
    return accuracy.compare_tests(TESTS, first="low", second="lower", truth="truth")


def _ratings() -> list[list[int]]:
    return [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def _verified() -> accuracy.VerifiedAccuracy:
    truth = [1] * 60 + [0] * 30 + [None] * 10 + [1] * 5 + [0] * 75 + [None] * 20
    people = pl.DataFrame({"test": [1] * 100 + [0] * 100, "truth": truth})
    return accuracy.verified_accuracy(people, test="test", truth="truth")


EXAMPLES: dict[type[Result], Callable[[], Result]] = {
    accuracy.Accuracy: lambda: accuracy.accuracy(TESTS, test="low", truth="truth"),
    accuracy.AccuracyComparison: _methods,
    accuracy.AccuracyTable: lambda: accuracy.accuracy_table(
        TESTS, tests={"low": None, "lower": None}, truth="truth"
    ),
    accuracy.CorrectedPrevalence: lambda: accuracy.corrected_prevalence(
        TESTS, test="low", sensitivity=0.9, specificity=0.8
    ),
    accuracy.PairedShares: lambda: _methods().sensitivity,
    accuracy.ROCComparison: _compared,
    accuracy.VerifiedAccuracy: _verified,
    agreement.BlandAltman: lambda: agreement.bland_altman_repeated(
        X, Y, person=[1, 1, 2, 2, 3, 3], true_value="varies"
    ),
    agreement.Concordance: lambda: agreement.concordance(X, Y),
    agreement.Correlation: lambda: agreement.correlation(X, Y),
    agreement.Equivalence: lambda: agreement.equivalence(X, Y, margin=0.05),
    agreement.ErrorRatio: lambda: agreement.error_ratio_from_repeats(_repeated(), _repeated()),
    agreement.Intraclass: lambda: agreement.intraclass(_ratings()),
    agreement.Kappa: lambda: agreement.kappa([0, 0, 1, 1, 1, 0], [0, 0, 1, 1, 0, 0]),
    agreement.Prediction: lambda: _line().predict([0.85, 0.9, 1.0]),
    agreement.Raters: lambda: agreement.raters([[0, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 1]]),
    calibration.BeforeAfter: _corrected,
    calibration.Correction: _correction,
    calibration.CrossDeviceLSC: lambda: calibration.cross_device_lsc(
        _line(), x_error=0.01, y_error=0.01
    ),
    calibration.CrossValidation: lambda: calibration.cross_validate(
        np.array(X * 4), np.array(Y * 4), method="deming"
    ),
    calibration.PrecisionCheck: lambda: calibration.check_precision(
        calibration.precision_of(_repeated()), site="total_hip"
    ),
    calibration.PrecisionError: lambda: calibration.precision_of(_repeated()),
    calibration.PrecisionTable: lambda: calibration.precision(
        pl.DataFrame({"person_id": [1, 1, 2, 2], "bmd": [0.9, 0.91, 1.0, 0.98]}), value="bmd"
    ),
    calibration.Steps: lambda: calibration.steps_at_events(
        [1.0, 1.01, 0.99, 1.03, 1.02, 1.04], at=range(6), events=[3]
    ),
    calibration.VarianceComponents: lambda: calibration.variance_components(_repeated()),
    rates.DirectRate: lambda: rates.direct_rate(
        [5, 77], [19_876, 6_020], [6_500, 2_500], per=100_000
    ),
    rates.IndirectRates: lambda: rates.indirect_rate(
        HIPS, cases="hip", person_years="years", stratum="age", by=["town"],
        reference=HIPS.filter(pl.col("town") == "south"),
    ),
    rates.Proportion: lambda: rates.proportion([2, 3], [4, 9]),
    rates.ProportionDifference: lambda: rates.proportion_difference(
        3, 4, reference_events=2, reference_n=4
    ),
    rates.Rate: lambda: rates.rate([25, 9], [10_000, 10_000], per=1_000),
    rates.RateRatio: lambda: rates.rate_ratio(
        65, 25_903, reference_cases=288, reference_person_years=105_264.75
    ),
    rates.Smr: lambda: rates.smr(4, 3.2),
    rates.Standardised: lambda: rates.standardised_rate(
        HIPS, cases="hip", person_years="years", stratum="age", standard=BANDS, by=["town"]
    ),
    reference.FractionalPowers: _powers,
    reference.HeightAdjustment: _girls,
    reference.WeightedKappa: lambda: reference.WeightedKappa(
        agreement.PointEstimate(0.6, 0.05, 0.5, 0.7), 40, 39, ("osteoporosis", "normal")
    ),
    risk.BrierScore: lambda: risk.brier_score(RISKS, risk="risk", **FOLLOWED, at=7),
    risk.Concordance: lambda: risk.concordance(RISKS, risk="risk", **FOLLOWED),
    risk.ConcordanceComparison: lambda: risk.compare_concordance(
        RISKS, first="risk", second="age", second_direction="high", **FOLLOWED
    ),
    risk.CurveComparison: lambda: risk.compare_curves(RISKS, **FOLLOWED, by="sex"),
    risk.HorizonComparison: lambda: risk.compare_brier(
        RISKS, first="risk", second="old", **FOLLOWED, at=7
    ),
    risk.PersonYears: lambda: risk.person_years(RISKS, **FOLLOWED),
    risk.Reclassification: lambda: risk.reclassification(
        RISKS, first="old", second="risk", outcome="fracture", cut_offs=[0.45]
    ),
    risk.TimeDependentAUC: lambda: risk.time_dependent_auc(
        RISKS, risk="risk", **FOLLOWED, at=(5, 6, 7, 8)
    ),
    risk.TwoByTwo: _exposed,
    risk.Validation: _validated,
    survey.Estimate: _means,
    survey.Quantiles: lambda: survey.survey_quantile(
        np.arange(40.0), [0.25, 0.5], _design()
    ),
    survey.Regression: _regressed,
}  # fmt: skip


def test_each_kind_of_estimate_has_an_example_here() -> None:
    assert {kind.__name__ for kind in ESTIMATES} == {kind.__name__ for kind in EXAMPLES}
    assert set(ESTIMATES) == set(EXAMPLES)


@pytest.fixture(scope="module")
def examples() -> dict[type[Result], Result]:
    return {kind: make() for kind, make in EXAMPLES.items()}


def _panels(axes: Axes) -> list[Axes]:
    return axes.child_axes or [axes]


def _values(result: Result) -> np.ndarray:
    """All numbers of a frame."""
    frame = result.to_polars().select(pl.selectors.numeric().cast(pl.Float64))
    return np.array([v for column in frame for v in column if v is not None])


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_what_is_drawn_stands_in_the_frame(kind: type[Result], examples: dict) -> None:
    result = examples[kind]
    known, drawn = _values(result), []
    for panel in _panels(result.plot()):
        is_over = panel.get_ylabel() != ""
        for line in panel.lines:
            points = line.get_ydata() if is_over else line.get_xdata()
            # Level lines are not of the frame: they go from end to end, or have no mark.
            if line.get_marker() in ("None", None, "<", ">") or not len(points):
                continue
            drawn += list(map(float, points))
    assert drawn
    assert all(np.isclose(value, known, rtol=1e-12).any() for value in drawn)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_each_is_told_in_chinese_and_goes_into_axes_given(
    kind: type[Result], examples: dict
) -> None:
    given = Figure().subplots()
    with speaking("zh"):
        axes = examples[kind].plot(given)
        told = alt_text(axes)
    assert axes is given
    assert told.endswith("。")
    names = {*RISKS.columns, *TESTS.columns, *HIPS["town"], "B", "C", "ICC", "Kappa", "age"}
    english = {word for word in _words_in(told) if not any(name in word for name in names)}
    assert english <= {
        "Fleiss",
        "Krippendorff",
        "Pearson",
        "Spearman",
        "Kendall",
        "Brier",
        "RMS",
        "cm",
    }


def _words_in(text: str) -> set[str]:
    letters = "".join(letter if letter.isascii() and letter.isalpha() else " " for letter in text)
    return {word for word in letters.split() if len(word) > 1}


def test_numbers_of_a_panel_have_the_same_decimals(examples: dict) -> None:
    shares = [text.get_text() for text in examples[accuracy.Accuracy].plot().texts]
    assert shares[:2] == ["0.800 (0.609 to 0.911)", "0.867 (0.772 to 0.926)"]
    rates_of = [text.get_text() for text in rates.rate([25, 900], [1e4, 1e4], per=1e5).plot().texts]
    assert rates_of == ["250 (162 to 369)", "9,000 (8,422 to 9,608)"]


def test_a_difference_has_its_line_at_zero_and_a_ratio_at_one_on_logarithms(examples: dict) -> None:
    risks, ratios, difference = examples[risk.TwoByTwo].plot().child_axes
    assert [panel.get_xscale() for panel in (risks, ratios, difference)] == [
        "linear", "log", "linear",
    ]  # fmt: skip
    dotted = [
        [line.get_xdata()[0] for line in panel.lines if line.get_ls() == ":"]
        for panel in (risks, ratios, difference)
    ]
    assert dotted == [[], [1], [0]]


def test_the_finding_says_whether_limits_hold_no_difference() -> None:
    text = alt_text(EXAMPLES[rates.RateRatio]().plot())
    assert text == "Rate ratio. Estimate 0.92 (0.69 to 1.20). The limits hold 1."


def test_a_ratio_of_nought_has_no_mark_but_its_numbers() -> None:
    axes = rates.smr(0, 3.2).plot()
    assert "0.00 (0.00 to 1.15)" in [text.get_text() for text in axes.texts]
    assert all(np.isfinite(line.get_xdata()).all() for line in axes.lines)
    assert axes.get_xlim()[0] > 0


def test_several_times_are_drawn_over_time_few_in_rows(examples: dict) -> None:
    over = examples[risk.TimeDependentAUC].plot()
    assert (over.get_xlabel().splitlines()[0], over.get_ylabel()) == (
        "Time",
        "Area under the curve",
    )
    assert list(over.lines[1].get_xdata()) == [5, 6, 7, 8]
    assert [label.get_text() for label in examples[risk.BrierScore].plot().child_axes[1]
            .get_yticklabels()] == ["at 7"]  # fmt: skip


def test_the_margin_of_equivalence_is_drawn() -> None:
    axes = agreement.equivalence(X, Y, margin=0.05).plot()
    dashed = [line.get_xdata()[0] for line in axes.lines if line.get_ls() == "--"]
    assert sorted(dashed) == [-0.05, 0.05]
    assert alt_text(axes).endswith("The limits lie within the margin: equivalent.")
    narrow = agreement.equivalence(X, Y, margin=0.01).plot()
    assert alt_text(narrow).endswith("equivalence is not shown.")


def test_a_unit_that_is_stated_stands_at_the_axis() -> None:
    steps = EXAMPLES[calibration.Steps]()
    assert steps.plot(unit="g/cm²").get_xlabel().startswith("Change of the mean reading [g/cm²]")
    share = EXAMPLES[accuracy.Accuracy]()
    assert "g/cm²" not in share.plot(unit="g/cm²").get_xlabel()


def test_no_limit_above_is_an_arrow_and_written_as_one() -> None:
    ratio = rates.rate_ratio(5, 100, reference_cases=0, reference_person_years=100)
    axes = ratio.plot()
    assert axes.texts[0].get_text() == "∞ (0.92 to ∞)"
    assert ">" in [line.get_marker() for line in axes.lines]


def test_the_intercept_of_a_regression_is_no_effect(examples: dict) -> None:
    axes = examples[survey.Regression].plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["age"]


def test_more_tests_than_can_be_told_apart_are_rows() -> None:
    tests = {f"test_{i}": pl.int_range(pl.len()) % (i + 2) == 0 for i in range(7)}
    people = TESTS.with_columns(**tests)
    axes = accuracy.accuracy_table(people, tests=dict.fromkeys(tests), truth="truth").plot()
    assert axes.get_legend() is None
    assert len(axes.get_yticks()) == 7 * 4


def test_rows_without_names_are_counted() -> None:
    values = np.array([0.3, 0.6])
    axes = survey.Estimate(values, np.eye(2) * 1e-4, 40, 39, np.zeros((40, 2))).plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Row 1", "Row 2"]


def test_a_selection_says_its_reasons_in_the_language_of_the_figure() -> None:
    rule = {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"}
    chosen = reference.select(oe.simulate(2_000, seed=1), [rule])
    with speaking("zh"):
        axes = chosen.plot()
    assert "体质量指数不在[18.5, 30)之内" in alt_text(axes)
    assert "Body mass index" in alt_text(chosen.plot())


def test_simulated_people_are_marked_in_the_figure_of_a_part() -> None:
    people = oe.simulate(500, seed=1)
    chosen = reference.select(
        people,
        [{"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "exclude"}],
    )
    told = " ".join(text.get_text() for text in chosen.plot().texts)
    assert told.count("SIMULATED people") >= 1


def test_devices_and_ages_stand_as_a_reader_counts() -> None:
    spans = pl.DataFrame(
        {"device": ["lunar_10", "lunar_2"], "difference": [0.1, 0.2], "lower": [0.0, 0.1],
         "upper": [0.2, 0.3]}
    )  # fmt: skip
    lines = pl.DataFrame({"device": ["b 10", "b 9"], "intercept": 0.0, "slope": [1.0, 1.1]})
    scans = pl.DataFrame({"device": ["b 9", "b 10"], "nominal": [0.5, 1.0], "abmd": [0.5, 1.1]})
    panels = figures.phantom_deviations(lines, scans).child_axes
    assert [panel.get_title(loc="left") for panel in panels] == ["b 9", "b 10"]
    axes = figures.differences_between({"": spans}, reference="lunar_1")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lunar_2", "lunar_10"]
    many = pl.DataFrame({"device": ["lunar_10"] * 4 + ["lunar_2"] * 4,
                         "person_id": [1, 1, 2, 2] * 2,
                         "bmd": [0.9, 0.91, 1.0, 0.98] * 2})  # fmt: skip
    table = calibration.precision(many, value="bmd", by=["device"]).plot()
    for panel in table.child_axes:
        names = [label.get_text() for label in panel.get_yticklabels()]
        assert names == ["lunar_2", "lunar_10"]
    # The place of each is that of its name.
    first, second = axes.collections[0].get_segments()
    assert first[0][1] < second[0][1]


def test_bars_of_a_study_are_the_people_of_its_frame() -> None:
    size = accuracy.accuracy_sample_size(
        sensitivity=0.9, specificity=0.8, prevalence=0.2, precision=0.05, response=0.8
    )
    axes, rows = size.plot(), size.to_polars()
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert ends == [n for row in rows.to_dicts() for n in (row["n_design"], row["invited"])]
    dark = [bar for bar in axes.patches if bar.get_alpha() == 1.0]
    assert [bar.get_width() for bar in dark] == [size.n]


def test_a_drift_begins_and_is_signalled_where_its_frame_says() -> None:
    days = pl.DataFrame({"scan_date": range(40)}).with_columns(
        bmd=1 + 0.004 * ((7 * pl.col("scan_date")) % 13 - 6) / 6,
        device=pl.lit("B"),
    )
    later = 0.02 * (pl.col("scan_date") > 25)
    both = pl.concat([days, days.with_columns(pl.col("bmd") - later, device=pl.lit("A"))])
    charted = calibration.with_control_chart(both, value="bmd", by=["device"])
    found = calibration.signals(charted, by=["device"])
    axes = found.plot()
    row = found.to_polars().row(0, named=True)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A", "B"]
    assert list(axes.lines[0].get_xdata()) == [row["onset"], row["first_signal"]]
    assert axes.lines[1].get_marker() == "v"
    assert [text.get_text() for text in axes.texts][1] == "no signal"
    assert alt_text(axes).startswith("Signals of drift in 1 of 2 series. A −")


def test_everybody_with_a_risk_is_in_its_steps_and_others_are_counted() -> None:
    values = [0.02, 0.05, None, 0.4, 0.41]
    people = pl.DataFrame({f"risk_{t}": values for t in range(1, 9)})
    predicted = risk.PredictedRisk(people, tuple(people.columns), 1, 0, ())
    axes = predicted.plot()
    assert len(axes.patches) == 6
    assert {sum(step.get_data().values) for step in axes.patches} == {4}
    assert "without one: 1" in axes.get_xlabel()
    assert "Further groups not drawn: 2" in axes.get_xlabel()


def test_curves_that_were_not_compared_are_refused() -> None:
    other = accuracy.roc(RISKS, score="age", truth="fracture", direction="high")
    with pytest.raises(SchemaError, match="expected the two that were compared"):
        _compared().plot(curves=[other, other])
    names = ("risk", "old")
    pair = [accuracy.roc(RISKS, score=n, truth="fracture", direction="high") for n in names]
    assert "Difference of the areas" in _compared().plot(curves=pair).get_xlabel()


DRAWN = [n for n in figures.__all__ if hasattr(getattr(figures, n), "__wrapped__")]


@pytest.mark.parametrize("name", DRAWN)
def test_another_thing_than_the_figures_own_is_refused_in_words(name: str) -> None:
    """People, where a result is drawn, ended in what an attribute or a column was called."""
    draw = getattr(figures, name)
    needed = {
        p.name: "x"
        for p in list(inspect.signature(draw).parameters.values())[1:]
        if p.default is p.empty and p.kind is not p.VAR_KEYWORD
    }
    people = [oe.datasets.survey()] * (name not in ("plot", "flow_diagram"))  # of which they draw
    for given in (*people, pl.DataFrame({"x": [1.0]}), "x"):
        with pytest.raises(SchemaError):
            draw(given, **needed)


def test_what_fails_in_a_figures_own_result_is_no_mistake_of_the_user() -> None:
    with pytest.raises(AttributeError):
        figures.bland_altman(agreement.bland_altman(X, Y), ax="no axes")
