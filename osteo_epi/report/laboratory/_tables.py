"""The tables of the report: cells as they are printed, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from osteo_epi.accuracy import CutPoints
from osteo_epi.report.laboratory._reached import said_steps
from osteo_epi.report.laboratory._study import ThresholdStudy
from osteo_epi.risk import TREAT_NONE
from osteo_epi.rounding import MISSING, count, fixed, level, number, percent, percent_interval
from osteo_epi.tables import JournalTable

NAMES = {
    "sensitivity": "Sensitivity, %",
    "specificity": "Specificity, %",
    "ppv": "Positive predictive value, %",
    "npv": "Negative predictive value, %",
    "proportion_correct": "Classified as the truth is, %",
    "prevalence": "With the condition by the truth, %",
    "apparent_prevalence": "Positive by the test, %",
    "lr_positive": "Likelihood ratio of a positive test",
    "lr_negative": "Likelihood ratio of a negative test",
    "diagnostic_odds_ratio": "Diagnostic odds ratio",
    "youden": "Youden's index",
    "auc": "Area under the ROC curve",
    "observed": "Observed, %",
    "expected": "Expected by the risk, %",
    "observed_expected": "Observed over expected",
    "intercept": "Calibration intercept",
    "slope": "Calibration slope",
}
METHODS = {
    "wilson": "Wilson",
    "log": "log scale",
}
SHARES = {name for name, words in NAMES.items() if words.endswith("%")}
RATIOS = ("lr_positive", "lr_negative", "diagnostic_odds_ratio", "observed_expected")
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.3)


def study_tables(study: ThresholdStudy) -> dict[str, JournalTable]:
    """Every table of the report by the name of its file."""
    made = {
        "accuracy": _accuracy(study),
        "cut_points": _cut_points(study),
        "stard": _flow(study),
    }
    if study.association is not None:
        made["association"] = _association(study)
    if study.incidence is not None:
        made["incidence"] = _incidence(study)
    if study.decision is not None:
        made["decision"] = _decision(study)
    if study.calibrations:
        made["calibration"] = _calibration(study)
    return made


def _table(
    study: ThresholdStudy,
    title: str,
    columns: Iterable[str],
    rows: Iterable[tuple[str, ...]],
    values: pl.DataFrame,
    *notes: str,
) -> JournalTable:
    """A table whose title, notes and numbers all carry the label."""
    said = [study.label] if study.label else []
    lines = tuple(rows)
    if study.label:
        title, values = f"SIMULATED people. {title}", values.with_columns(label=pl.lit(study.label))
    return JournalTable(
        title=title, columns=tuple(columns), rows=lines, sections=("",) * len(lines),
        notes=(*said, *(note for note in notes if note)), values=values,
    )  # fmt: skip


def _accuracy(study: ThresholdStudy) -> JournalTable:
    level_ = level(study.accuracy.confidence)
    values = study.accuracy.to_polars()
    area = study.roc.to_polars()
    values = pl.concat([values, area], how="diagonal_relaxed")
    rows = [
        (_named(row), _estimate(row), count(row["n"]), way(row["method"]))
        for row in values.iter_rows(named=True)
    ]
    return _table(
        study,
        f"{study.question.rule} against {study.accuracy.truth}",
        ("Measure", f"Estimate ({level_} limits)", "n", "Method"),
        rows,
        values,
        f"Survey design: {study.accuracy.design}.",
        "n: people that the measure rests on, unweighted.",
    )


def way(method: str) -> str:
    """How limits were made, as a paper says it."""
    return METHODS.get(method, method.replace("wald", "Wald"))


def _named(row: dict[str, Any]) -> str:
    words = NAMES.get(row["measure"], row["measure"])
    at = row.get("at_prevalence")
    return words if at is None else f"{words}, at a prevalence of {percent(at, decimals=1)} %"


def _estimate(row: dict[str, Any]) -> str:
    ends = (row["estimate"], row["lower"], row["upper"])
    if row["measure"] in SHARES:
        return percent_interval(*ends, decimals=1)
    return limited(*ends, decimals=2 if row["measure"] in RATIOS else 3)


def limited(
    value: float | None, lower: float | None, upper: float | None, *, decimals: int = 2
) -> str:
    """A number with its limits."""
    middle, *ends = (fixed(v, decimals=decimals) for v in (value, lower, upper))
    return middle if MISSING in (middle, *ends) else f"{middle} ({ends[0]} to {ends[1]})"


def _share(measure: Any) -> str:
    if measure is None:
        return MISSING
    return percent_interval(measure.estimate, measure.lower, measure.upper, decimals=1)


def _both(sensitivity: Any, specificity: Any) -> str:
    if sensitivity is None or specificity is None:
        return MISSING
    return " / ".join(percent(m.estimate, decimals=0) for m in (sensitivity, specificity))


def _cut_points(study: ThresholdStudy) -> JournalTable:
    result = study.cut_points
    rows = [
        (
            point.label, limited_at(point), _share(point.sensitivity), _share(point.specificity),
            _both(point.sensitivity_corrected, point.specificity_corrected),
            percent(point.share_positive, decimals=1), count(point.n),
        )
        for point in result.points
    ]  # fmt: skip
    return _table(
        study,
        f"Cut-points of {result.score} against {result.truth}",
        (
            "Criterion", "Cut-point", "Sensitivity, %", "Specificity, %",
            "In others, %", "Positive, %", "n",
        ),
        rows,
        result.to_polars(),
        _of_bootstrap(result),
    )  # fmt: skip


def _of_bootstrap(result: CutPoints) -> str:
    if not result.replicates:
        return "No limits and no correction: no bootstrap was asked for."
    return (
        f"In parentheses {level(result.confidence)} limits. In others: sensitivity / specificity "
        "in other people of the population, since a cut-point looks best in the people that it "
        "was chosen in."
    )


def limited_at(point: Any) -> str:
    """A cut-point with its limits."""
    middle, *ends = (_place(v) for v in (point.cut_point, point.lower, point.upper))
    return middle if point.lower is None else f"{middle} ({ends[0]} to {ends[1]})"


def _place(value: float | None) -> str:
    return number(value, digits=4).replace("-", "−")


def _flow(study: ThresholdStudy) -> JournalTable:
    values = study.flow.to_polars()
    rows = [
        (f"{box[:1].upper()}{box[1:]}", count(n)) for box, n in values.select("box", "n").rows()
    ]
    return _table(study, "People at each step", ("Step", "n"), rows, values)


def _association(study: ThresholdStudy) -> JournalTable:
    result = study.association
    assert result is not None
    values = result.to_polars()
    rows = [
        (
            f"{row['exposure']}, {row['contrast']}",
            limited(row["estimate"], row["lower"], row["upper"]),
            number(row["sd"], digits=4), str(row["sd_source"]), count(row["n_events"]),
            count(row["n"]),
        )
        for row in values.iter_rows(named=True)
    ]  # fmt: skip
    measure = str(values["measure"][0])
    adjusted = study.question.adjust
    return _table(
        study,
        f"{measure[:1].upper()}{measure[1:]} of {study.question.outcome}",
        ("Contrast", f"Ratio ({level(study.question.confidence)} limits)", "SD", "SD of",
         "Events", "n"),
        rows,
        values,
        f"Adjusted for {', '.join(adjusted)}." if adjusted else "Not adjusted.",
        f"n: {said_steps(study.steps)}.",
    )  # fmt: skip


def _incidence(study: ThresholdStudy) -> JournalTable:
    result = study.incidence
    assert result is not None
    values = result.to_polars()
    rows = [
        (
            f"{row['event']}, {row['group']}", number(row["time"]), count(row["n_at_risk"]),
            percent_interval(row["incidence"], row["lower"], row["upper"], decimals=1),
        )
        for row in values.iter_rows(named=True)
    ]  # fmt: skip
    competing = study.question.competing
    return _table(
        study,
        f"Cumulative incidence of {study.question.outcome} by the cut-off",
        ("Event, people", "Until", "Still followed", "Share, %"),
        rows,
        values,
        f"Competing event: {competing} (Aalen and Johansen)." if competing else
        "No competing event was named.",
    )  # fmt: skip


def _decision(study: ThresholdStudy) -> JournalTable:
    result = study.decision
    assert result is not None
    values = result.to_polars()
    names = [name for name in result.strategies if name != TREAT_NONE]
    cells = {
        (row["strategy"], round(row["threshold"], 3)): limited(
            *(100 * row[k] for k in ("net_benefit", "lower", "upper"))
        )
        for row in values.iter_rows(named=True)
    }
    rows = [
        (percent(at, decimals=0), *(cells[name, at] for name in names))
        for at in THRESHOLDS
        if (names[0], at) in cells
    ]
    return _table(
        study,
        f"Net benefit per 100 people ({level(result.confidence)} limits), by {result.outcome}",
        ("Risk, %", *names),
        rows,
        values,
        "Risk: from which one would treat. To treat nobody has a net benefit of 0. The file holds "
        "every threshold.",
    )


def _calibration(study: ThresholdStudy) -> JournalTable:
    values = pl.concat(
        result.to_polars().select(pl.lit(risk).alias("risk"), "*")
        for risk, result in study.calibrations.items()
    )
    rows = [
        (f"{row['risk']}: {NAMES[row['measure']]}", _estimate(row), count(row["n"]))
        for row in values.iter_rows(named=True)
        if row["measure"] in NAMES
    ]
    return _table(
        study,
        f"Calibration of the predicted risks of {study.question.outcome}",
        ("Measure", f"Estimate ({level(study.question.confidence)} limits)", "n"),
        rows,
        values,
    )
