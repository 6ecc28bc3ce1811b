"""The page of a study: what was found first, then tables and figures, methods, notes, sources."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from html import escape
from typing import Any

from osteo_epi.figures import (
    Picture,
    calibration_chart,
    cut_point_panel,
    decision_chart,
    incidence_chart,
    roc_curve,
    stard_diagram,
)
from osteo_epi.findings import Finding
from osteo_epi.report._page import to_html
from osteo_epi.report.choices import in_options
from osteo_epi.report.laboratory._methods import chinese, english
from osteo_epi.report.laboratory._study import ThresholdStudy
from osteo_epi.report.laboratory._tables import study_tables
from osteo_epi.report.laboratory._words import study_verdict
from osteo_epi.rounding import count

SIMULATED = "SIMULATED people: no evidence about anybody"
"""On a figure, where the whole label has no room."""
SECTIONS = {
    "accuracy": ("At the cut-off", ("accuracy",), ()),
    "roc": ("Over all cut-offs", (), ("roc",)),
    "cut_points": ("Cut-points side by side", ("cut_points",), ("cut_points",)),
    "prediction": ("What it predicts", ("association", "incidence"), ("incidence",)),
    "decision": ("What deciding by it is worth", ("decision",), ("decision",)),
    "calibration": ("Whether the predicted risks are true", ("calibration",), ("calibration",)),
    "stard": ("Who is in and who is out", (), ("stard",)),
}
"""Section to its heading, its tables and its figures, in the order of the page."""


def pictures(study: ThresholdStudy) -> dict[str, Picture]:
    """Every figure of the report by the name of its file; each carries the label."""
    note = SIMULATED if study.label else ""
    charts: dict[str, Any] = {
        "stard": (partial(stard_diagram, title=note), study.flow),
        "roc": (partial(roc_curve, band=study.band, note=note), study.roc),
        "cut_points": (partial(cut_point_panel, note=note), study.cut_points),
    }
    if study.incidence is not None:
        charts["incidence"] = (partial(incidence_chart, note=note), study.incidence)
    if study.decision is not None:
        charts["decision"] = (partial(decision_chart, note=note), study.decision)
    for k, result in enumerate(study.calibrations.values(), 1):
        charts[f"calibration_{k}"] = (partial(calibration_chart, note=note), result)
    warned = "SIMULATED people. " if note else ""
    return {
        name: Picture.drawn(draw, result, caption=f"{warned}{result._summary()}")
        for name, (draw, result) in charts.items()
    }


def page(
    study: ThresholdStudy,
    drawn: dict[str, Picture],
    *,
    command: str,
    source: str,
    findings: Iterable[Finding] = (),
) -> str:
    """The report as one HTML file that loads nothing from anywhere.

    Parameters
    ----------
    study
        What was found.
    drawn
        Its figures, of `pictures`.
    command
        What makes the report again.
    source
        Where the people come from.
    findings
        What was noticed about the data.
    """
    import nbformat

    cells = [
        _text("# What a cut-off is worth"),
        _shown(_banner(study, source)),
        _text("## In short"),
        _shown("".join(f"<p>{escape(line)}</p>" for line in study_verdict(study))),
        *_body(study, drawn),
        _text("## Methods, to paste"),
        _shown(
            f'<p class="methods" lang="en">{escape(english(study))}</p>'
            f'<p class="methods" lang="zh-Hans">{escape(chinese(study))}</p>'
        ),
        _text("## What has to be known"),
        _shown(
            _list((*_noticed(findings), *_in_options(study.notes))) or "<p>Nothing was noticed.</p>"
        ),
        _text("## Sources"),
        _shown(_sources(study)),
        _text("## How to make it again"),
        _shown(f"<pre>{escape(command)}</pre>"),
    ]
    title = f"What a cut-off is worth: {study.question.rule}"
    book = nbformat.v4.new_notebook(cells=cells)
    return to_html(book, title=title + (" (simulated)" if study.label else ""))


def _body(study: ThresholdStudy, drawn: dict[str, Picture]) -> list[Any]:
    made = study_tables(study)
    cells = []
    for heading, of_tables, of_figures in SECTIONS.values():
        shown = [made[name].to_html() for name in of_tables if name in made]
        shown += [
            picture._repr_html_()
            for name, picture in drawn.items()
            if name.rstrip("0123456789").rstrip("_") in of_figures
        ]
        if shown:
            cells += [_text(f"## {heading}"), *map(_shown, shown)]
    return cells


def _banner(study: ThresholdStudy, source: str) -> str:
    warning = f'<p class="label">{escape(study.label)}</p>' if study.label else ""
    return (
        f'{warning}<p class="lead">{count(study.accuracy.n_people)} people from '
        f"<b>{escape(source)}</b>: <b>{escape(study.question.rule)}</b> against "
        f"<b>{escape(study.accuracy.truth)}</b>.</p>"
    )


def _list(lines: tuple[str, ...]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _noticed(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Warnings about the data; notes stand in the file alone, accepted errors among the notes."""
    warnings = (finding.told() for finding in findings if finding.severity == "warning")
    return _in_options(warnings)


def _in_options(texts: Iterable[str]) -> tuple[str, ...]:
    """What is advised, as the command that makes such a page is told it."""
    return tuple(in_options(text, "thresholds") for text in texts)


def _sources(study: ThresholdStudy) -> str:
    if study.sources:
        return _list(study.sources)
    return "<p>The cut-off was stated by the user; no norm of the library was used.</p>"


def _text(words: str) -> Any:
    import nbformat

    return nbformat.v4.new_markdown_cell(words)


def _shown(html: str) -> Any:
    """A cell that shows HTML in which all that comes from data is escaped."""
    import nbformat

    output = nbformat.v4.new_output("display_data", data={"text/html": html})
    return nbformat.v4.new_code_cell("", outputs=[output])
