"""Tables of a run for the report: the same journal tables as everywhere, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from osteo_epi import rounding
from osteo_epi.arguments import true_or_false
from osteo_epi.diagnosis import explain, reason_words
from osteo_epi.errors import DefinitionError
from osteo_epi.findings import finding_words as by_code
from osteo_epi.frames import group_label, grouping, worded
from osteo_epi.language import (
    SEPARATOR,
    WITHHELD,
    design_words,
    files_of_finding,
    language,
    phrase,
    said,
    word,
)
from osteo_epi.norms import citation_words, definition_words, reference_words
from osteo_epi.tables._journal import JournalTable, mark_of
from osteo_epi.tables._prevalence import (
    PEOPLE,
    Layout,
    Printer,
    affected_of,
    age_words,
    decimals_of,
    gravest,
    hidden,
    interval_heading,
    people_column,
)
from osteo_epi.tables.characteristics import (
    WEIGHTED,
    characteristics_table,
    is_known_variable,
    variable_words,
)

Row = dict[str, Any]
Line = tuple[str, ...]


class Run(Protocol):
    """What these tables read of a run: its result frames, its label and its manifest."""

    @property
    def prevalence(self) -> pl.DataFrame:
        """Rows of a prevalence."""

    @property
    def flow(self) -> pl.DataFrame:
        """Who is in and who is out, step by step."""

    @property
    def findings(self) -> pl.DataFrame:
        """What was noticed about the data."""

    @property
    def reference(self) -> pl.DataFrame:
        """The young adults compared with."""

    @property
    def manifest(self) -> dict[str, Any]:
        """What was run, on what, with which norms and versions."""

    @property
    def label(self) -> str:
        """What must be said wherever a number of the run is shown."""


class Described(Run, Protocol):
    """A run that says who was studied."""

    @property
    def participants(self) -> pl.DataFrame:
        """The numbers of Table 1, see `characteristics_table`."""


@dataclass(frozen=True)
class Column:
    """A column of a table: heading, alignment, cells."""

    heading: str
    side: str
    cells: Line


def participants(run: Described) -> JournalTable:
    """Table 1: who was studied, from the numbers that the run keeps."""
    design = str(run.manifest["design"])
    weighted = (run.participants["weighting"] == WEIGHTED).any()
    words = said("Survey design: {design}.", design=design_words(design)) if weighted else ""
    # Of those analysed only these have no class; elsewhere the words mean people left out.
    by_z = ("bone_class", "not_classifiable")
    note = (
        said(
            "Only a Z-score applies to women before menopause and younger men; they were analysed, "
            "as without osteoporosis."
        )
        if len(run.participants.filter(variable=by_z[0], level=by_z[1]))
        else ""
    )
    return characteristics_table(
        run.participants,
        levels={by_z: said("Only a Z-score applies")},
        notes=tuple(filter(None, (*_simulated(run), note, words))),
    )


def prevalence(run: Run, *, show_unreliable: bool = False) -> JournalTable:
    """Give the crude and age-standardised prevalence, each with n, interval and people affected.

    Where people are missing, also what it would be if none and if all of them had the class.

    Parameters
    ----------
    run
        A finished run.
    show_unreliable
        Show what the rule of presentation suppresses, with its mark: for the author, not for
        print.
    """
    true_or_false(show_unreliable=show_unreliable)
    rows = run.prevalence.filter(pl.col("statistic") != "age_band")
    lines: dict[tuple[str, str], dict[str, Row]] = {}
    for row in _headed(rows).iter_rows(named=True):
        lines.setdefault((row["_section"], row["_group"]), {})[row["statistic"]] = row
    printer = Printer(show_unreliable, decimals_of(rows))
    columns = _prevalence_columns(printer, rows, list(lines.values()))
    is_standardised = "age_standardised" in rows["statistic"]
    return JournalTable(
        title=said("Prevalence, crude and age-standardised")
        if is_standardised
        else said("Crude prevalence"),
        columns=(said("Group"), *(column.heading for column in columns)),
        rows=_rows([group for _, group in lines], columns),
        sections=tuple(name for name, _ in lines),
        notes=(*_notes(run, printer, rows), *_meaning_of_columns(rows)),
        values=hidden(rows, show_unreliable=show_unreliable),
        align=("left", *(column.side for column in columns)),
        marks=tuple(gravest(list(line.values())) for line in lines.values()),
    )


def _headed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the heading they stand under and their name; of several groupings one heads."""
    by = grouping(rows)
    if len(by) < 2:
        return rows.with_columns(
            _section=worded(pl.col("class")), _group=group_label(rows, words=True)
        )
    above = group_label(rows.drop(by[1:]), words=True)
    return rows.with_columns(
        _section=pl.concat_str(worded(pl.col("class")), above, separator=SEPARATOR),
        _group=group_label(rows.drop(by[0]), words=True),
    )


def _prevalence_columns(
    printer: Printer, rows: pl.DataFrame, lines: Sequence[dict[str, Row]]
) -> list[Column]:
    """The estimates first behind n: they are what a small screen has to show."""
    ones = [next(iter(line.values())) for line in lines]
    columns = [Column(said("n"), "right", tuple(rounding.count(row["n"]) for row in ones))]
    for statistic in dict.fromkeys(rows["statistic"]):
        over = said(
            "{statistic}, {heading}", statistic=word(statistic), heading=interval_heading(rows)
        )
        cells = tuple(printer.estimate(line.get(statistic)) for line in lines)
        columns.append(Column(over, "decimal", cells))
    missing = tuple(rounding.count(row["n_missing"]) for row in ones)
    columns.append(Column(said("Not classifiable"), "right", missing))
    possible = Column(said("Lowest to highest possible, %"), "decimal", _bounds(printer, ones))
    many = rounding.are_many(rows[PEOPLE[0]])
    affected = tuple(_affected(printer, line, many=many) for line in lines)
    people = Column(people_column(many=many), "decimal", affected)
    return columns + [column for column in (possible, people) if any(column.cells)]


def _meaning_of_columns(rows: pl.DataFrame) -> Line:
    text = said("Possible: if none, and if all, of those not classifiable were cases.")
    notes = (text if rows["lowest_possible"].count() else "", affected_of(rows) or "")
    return tuple(filter(None, notes))


def _rows(labels: Sequence[str], columns: Sequence[Column]) -> tuple[Line, ...]:
    cells = zip(*(column.cells for column in columns), strict=True)
    return tuple((label, *row) for label, row in zip(labels, cells, strict=True))


def _bounds(printer: Printer, rows: Sequence[Row]) -> Line:
    """What the crude prevalence would be if none, and if all, of those missing had the class."""
    cells = []
    for row in rows:
        low, high = row["lowest_possible"], row["highest_possible"]
        text = "" if low is None else said(
            "{low} to {high}",
            low=rounding.percent(low, decimals=1),
            high=rounding.percent(high, decimals=1),
        )  # fmt: skip
        cells.append(WITHHELD if text and printer.is_withheld(row) else text)
    return tuple(cells)


def _affected(printer: Printer, line: dict[str, Row], *, many: bool) -> str:
    """The people affected by the statistic that has them; the standardised one comes last."""
    row = next((r for r in reversed(line.values()) if r[PEOPLE[0]] is not None), None)
    if row is None:
        return ""
    if printer.is_withheld(row):
        return WITHHELD
    return rounding.people_interval(*(row[name] for name in PEOPLE), many=many)


def prevalence_by_age(run: Run, *, show_unreliable: bool = False) -> JournalTable:
    """Give the prevalence in each age band, the classes side by side, see `prevalence`."""
    true_or_false(show_unreliable=show_unreliable)
    rows = run.prevalence.filter(pl.col("statistic") == "age_band")
    printer = Printer(show_unreliable, decimals_of(rows))
    labelled = rows.with_columns(_group=group_label(rows, words=True))
    layout = Layout(labelled, printer, lambda row: age_words(row["age_band"]), people=False)
    return JournalTable(
        title=said("Prevalence by age"),
        columns=(said("Age [years]"), *layout.columns),
        rows=layout.rows,
        sections=tuple(group for group, _ in layout.keys),
        notes=_notes(run, printer, rows),
        values=hidden(rows, show_unreliable=show_unreliable),
        align=("left", *layout.align),
        spanners=(("", 1), *layout.spanners),
        marks=layout.marks,
    )


def _notes(run: Run, printer: Printer, rows: pl.DataFrame) -> tuple[str, ...]:
    """What the marks mean, what counted as a case, and whether people are weighted."""
    definition = run.manifest["definition"]
    rules = rows["verdict_rule"].drop_nulls().to_list() if "verdict_rule" in rows.columns else []
    notes = [*_simulated(run)]
    notes += printer.notes(rules[0] if rules else None)
    notes.append(said("Definition: {words}.", words=definition_words(definition["label"])))
    limits = definition["classes"].get(language(), "")
    notes += [said("Classes: {limits}.", limits=limits)] if limits else []
    standard = run.manifest["standard"]
    if "age_standardised" in rows["statistic"] and standard:
        title = reference_words(standard["id"])
        notes.append(said("Standard population: {title}.", title=title))
    notes.append(
        said("Percentages are weighted; n: people, unweighted. CI: confidence interval.")
        if run.manifest["design"]
        else said("Unweighted: a simple random sample. CI: confidence interval.")
    )
    if rows["n_missing"].sum():
        notes.append(said("Not classifiable: missing, and not counted as healthy."))
    return tuple(notes)


def _simulated(run: Run) -> Line:
    return mark_of(is_simulated=bool(run.label))


def citations(run: Run) -> JournalTable:
    """Cite every norm in use, with its grade and the digest of its file."""
    rows = tuple(
        (
            phrase(n["role"]),
            citation_words(n["citation"], n["id"]),
            phrase(n["grade"]),
            n["sha256"][:12] or rounding.MISSING,
        )
        for n in run.manifest["norms"]
    )
    grades = said("; ").join(
        f"{phrase(grade)}{said(': ')}{said(text)}" for grade, text in run.manifest["grades"].items()
    )
    return _listing(
        said("Sources of the numbers used"),
        (said("Part"), said("Source"), said("Grade"), "SHA-256"),
        rows,
        pl.DataFrame(run.manifest["norms"]),
        (said("Grades of a number. {grades}.", grades=grades),),
    )


def reference(run: Run) -> JournalTable:
    """Give the young-adult values behind the T-scores."""
    rows = tuple(
        (
            word(row["roi"]),
            *(rounding.density(row[name]) for name in ("mean", "sd", "cut_off")),
            rounding.count(row["n"]),
            phrase(row["grade"]),
        )
        for row in run.reference.iter_rows(named=True)
    )
    columns = (
        said("Region"),
        said("Mean [g/cm²]"),
        said("SD [g/cm²]"),
        said("BMD at the cut-off [g/cm²]"),
        said("n"),
        said("Grade"),
    )
    return JournalTable(
        title=said("Young adults behind the T-scores"),
        columns=columns,
        rows=rows,
        sections=tuple(word(sex) for sex in run.reference["sex"]),
        notes=_simulated(run),
        values=run.reference,
        align=("left", "decimal", "decimal", "decimal", "right", "left"),
    )


def flow(run: Run) -> JournalTable:
    """Say who is in and who is out: a step a line, its reasons below it where they are several."""
    rows: list[Line] = []
    for order in run.flow["order"].unique(maintain_order=True):
        step = run.flow.filter(pl.col("order") == order)
        rows += _step(step.rows(named=True), said("SIMULATED people") if run.label else "")
    return _listing(
        said("Who is in and who is out"),
        (said("Step"), said("Before"), said("Left out"), said("Reason"), said("Remaining")),
        tuple(rows),
        run.flow,
        _simulated(run),
        align=("left", "right", "right", "left", "right"),
    )


def _step(reasons: Sequence[Row], simulated: str) -> list[Line]:
    """The lines of a step: its numbers once, and each reason for which anybody left on a line."""
    lines: list[Line] = []
    for place, row in enumerate(reasons):
        ends = [rounding.count(row[name]) if place == 0 else "" for name in ("n_in", "n_out")]
        is_first, n = row["order"] == 1, row["n_excluded"]
        reason = reason_words(row["reason"] or "") if n or is_first else ""
        # The label of simulated people is long, and stands at the head of the report.
        reason = simulated if is_first and simulated else reason
        name = phrase(row["step"]) if place == 0 else ""
        lines.append((name, ends[0], "" if is_first else rounding.count(n), reason, ends[1]))
    return lines


def findings(run: Run) -> JournalTable:
    """List what was noticed about the data."""
    rows = tuple(
        (
            phrase(row["severity"]),
            _column_words(row["column"] or "", run.manifest["data"].get("headings", {})),
            rounding.count(row["n"]),
            *finding_words(row),
        )
        for row in run.findings.iter_rows(named=True)
    )
    return _listing(
        said("What was noticed about the data"),
        (said("Severity"), said("Column"), said("Rows"), said("What was seen"), said("What to do")),
        rows,
        run.findings,
        () if rows else (said("Nothing was noticed."),),
        align=("left", "left", "right", "left", "left"),
    )


def _column_words(columns: str, headings: Mapping[str, str]) -> str:
    """Columns by the codebook's words; below them the file's heading, or the code."""
    names = columns.split(", ")
    if not all(is_known_variable(name) for name in names):
        return columns
    labels = said("; ").join(variable_words(name)[0] for name in names)
    beside = ", ".join(headings.get(name, name) for name in names)
    return labels if beside == labels else f"{labels}\n{beside}"


def finding_words(row: Row) -> tuple[str, str]:
    """What was seen and what to do, in the language spoken, of a row of findings."""
    seen, to_do = row["message"] or "", row["fix"] or ""
    words = by_code(row["code"], seen, to_do)
    return (words[0] if words[0] != seen else _of_a_class(row["code"], seen) or seen), words[1]


def _of_a_class(code: str, seen: str) -> str:
    """The sentence of a code that the diagnosis writes; "" for another, and in English."""
    if language() == "en":
        return ""
    try:
        return explain(code, language=language()) + files_of_finding(code, seen)
    except DefinitionError:
        return ""


def notes(run: Run) -> JournalTable:
    """List the restrictions under which the results stand."""
    texts = [str(text) for text in run.manifest["notes"]]
    return _listing(
        said("What has to be known of the results"),
        (said("Note"),),
        tuple((text,) for text in texts),
        pl.DataFrame({"note": texts}, schema={"note": pl.String}),
        () if texts else (said("None."),),
    )


def manifest(run: Run) -> JournalTable:
    """Give what is needed to make the run again."""
    facts = run.manifest
    libraries = ", ".join(f"{name} {v}" for name, v in facts["environment"].items())
    rows = (
        ("osteo-epi", facts["osteo_epi"]),
        (said("Command"), facts["command"]),
        (said("Made"), facts["created"]),
        (said("Data"), ", ".join(facts["data"]["files"]) or facts["data"]["reader"]),
        (said("Data, SHA-256"), facts["data"]["sha256"]),
        (said("Definition"), facts["definition"]["label"]),
        (said("Definition, SHA-256"), facts["definition"]["sha256"]),
        (said("Options"), json.dumps(facts["options"], ensure_ascii=False)),
        (said("Survey design"), facts["design"] or said("none: simple random sample")),
        (said("Seed"), said("none") if facts["seed"] is None else str(facts["seed"])),
        (said("Python and libraries"), libraries),
        *((said("{file}, SHA-256", file=file), d) for file, d in facts["outputs"].items()),
    )
    return _listing(
        said("How to make this run again"),
        (said("Item"), said("Value")),
        rows,
        pl.DataFrame(rows, schema=["item", "value"], orient="row"),
    )


def _listing(
    title: str,
    columns: Line,
    rows: tuple[Line, ...],
    values: pl.DataFrame,
    notes: Sequence[str] = (),
    *,
    align: Line | None = None,
) -> JournalTable:
    """A table of texts."""
    return JournalTable(
        title=title,
        columns=columns,
        rows=rows,
        sections=("",) * len(rows),
        notes=tuple(notes),
        values=values,
        align=align or ("left",) * len(columns),
    )
