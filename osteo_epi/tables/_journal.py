"""A table for a journal: text cells made once, so that every format prints the same numbers.

`JournalTable` is any such table; `prevalence_table` makes one of a prevalence.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.errors import OutputError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.labels import group_label, people_heading, word
from osteo_epi.norms import cite
from osteo_epi.population import presentation
from osteo_epi.results import Result
from osteo_epi.tables import _office as journal_office
from osteo_epi.visible import csv_bytes, visible

if TYPE_CHECKING:
    from great_tables import GT

SECTION = "_section"
NEEDED = ("class", "statistic", "age_band", "estimate", "se", "lower", "upper", "n", "n_missing")
WITHHELD = "*"
MARKS = {
    "suppress": ("", f"{WITHHELD} Withheld: not precise enough to be shown."),
    "show_with_note": ("†", "† The complement of this percentage is not precise."),
    "review": ("‡", "‡ To be reviewed by a statistician before it is published."),
}
PEOPLE_SE = "people_affected_se"
PEOPLE = ("people_affected", "people_affected_lower", "people_affected_upper")


@dataclass(frozen=True, repr=False)
class JournalTable(Result):
    """A finished table.

    Attributes
    ----------
    title
        What stands above it.
    columns
        Headings; the first is that of the row labels.
    rows
        Cells as they are printed.
    sections
        For each row the heading that it stands under; empty for none.
    notes
        Footnotes.
    values
        The unrounded numbers behind the cells.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sections: tuple[str, ...]
    notes: tuple[str, ...]
    values: pl.DataFrame

    def __post_init__(self) -> None:
        """Show what steers a terminal, and what Word and Excel refuse, in every format alike."""
        texts = {
            "title": visible(self.title),
            "columns": tuple(map(visible, self.columns)),
            "rows": tuple(tuple(map(visible, row)) for row in self.rows),
            "sections": tuple(map(visible, self.sections)),
            "notes": tuple(map(visible, self.notes)),
        }
        for name, value in texts.items():
            object.__setattr__(self, name, value)

    def to_frame(self) -> pl.DataFrame:
        """The unrounded numbers."""
        return self.values

    def to_text(self) -> pl.DataFrame:
        """The printed cells, with the section of each row where there are sections."""
        table = pl.DataFrame(self.rows, schema=dict.fromkeys(self.columns, pl.String), orient="row")
        if not any(self.sections):
            return table
        return table.insert_column(0, pl.Series("Section", self.sections))

    def to_html(self) -> str:
        """HTML without remote addresses; what comes from data is escaped."""
        return self._great().as_raw_html()

    def to_latex(self) -> str:
        """LaTeX with booktabs rules."""
        return self._great().as_latex()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the table in the format of the path's ending: html, tex, csv, xlsx, docx.

        Raises
        ------
        OutputError
            If the ending is none of these, the file exists, or a library is absent.
        """
        target = Path(path)
        writer = WRITERS.get(target.suffix.lower())
        if writer is None:
            raise OutputError(f"{target.name}: expected an ending of {', '.join(WRITERS)}")
        if target.exists():
            raise OutputError(f"{target.name} exists; choose another name or remove it first")
        writer(self, target)
        return target

    def _great(self) -> GT:
        from great_tables import GT

        ids = [f"c{i}" for i in range(len(self.columns))]
        table = pl.DataFrame(self.rows, schema=dict.fromkeys(ids, pl.String), orient="row")
        groups = SECTION if any(self.sections) else None
        if groups:
            table = table.with_columns(pl.Series(SECTION, self.sections))
        styled = GT(table, groupname_col=groups, id="journal").tab_header(self.title)
        styled = styled.cols_label(cases=dict(zip(ids, self.columns, strict=True)))
        styled = styled.cols_align("right", columns=ids[1:])
        for note in self.notes:
            styled = styled.tab_source_note(note)
        return styled

    def _summary(self) -> str:
        return f"{len(self.rows)} rows, {len(self.columns)} columns: {self.title}"

    def _repr_html_(self) -> str:
        return self.to_html()


def _write_csv(table: JournalTable, path: Path) -> None:
    """UTF-8 with a mark, without which spreadsheets misread the dashes."""
    path.write_bytes(csv_bytes(table.to_text(), bom=True))


def _write_html(table: JournalTable, path: Path) -> None:
    path.write_text(table.to_html(), encoding="utf-8")


def _write_latex(table: JournalTable, path: Path) -> None:
    path.write_text(table.to_latex(), encoding="utf-8")


def _write_excel(table: JournalTable, path: Path) -> None:
    journal_office.write_excel(path, table.title, table.to_text(), table.notes)


def _write_word(table: JournalTable, path: Path) -> None:
    journal_office.write_word(path, table.title, table.columns, _with_sections(table), table.notes)


def _with_sections(table: JournalTable) -> list[tuple[str, ...]]:
    """Rows with a row of its own before each section, as Word tables have them."""
    lines: list[tuple[str, ...]] = []
    before = ""
    for section, row in zip(table.sections, table.rows, strict=True):
        if section != before:
            lines.append((section,))
        lines.append(row)
        before = section
    return lines


WRITERS: dict[str, Callable[[JournalTable, Path], None]] = {
    ".html": _write_html,
    ".tex": _write_latex,
    ".csv": _write_csv,
    ".xlsx": _write_excel,
    ".docx": _write_word,
}


def prevalence_table(
    result: Any,
    *,
    rule: str | None = None,
    decimals: int = 1,
    title: str = "Prevalence",
) -> JournalTable:
    """Table of prevalences with standard errors, intervals, n and those missing.

    Parameters
    ----------
    result
        A `Prevalence`, or a frame with its columns.
    rule
        Id of a rule of presentation, e.g. "nchs_proportion": what it suppresses is withheld with
        its limits and people affected, the rest is marked. No rule by default.
    decimals
        Decimals of the percentages.
    title
        What stands above the table.

    Returns
    -------
    JournalTable
        A section for each class of bone density.

    Raises
    ------
    SchemaError
        If a column is absent.

    Examples
    --------
    >>> rows = pl.DataFrame({"definition": ["who"], "class": ["osteoporosis"], "sex": ["female"],
    ...     "statistic": ["crude"], "age_band": [None], "estimate": [0.291], "se": [0.01],
    ...     "lower": [0.272], "upper": [0.311], "confidence": [0.95], "n": [2000],
    ...     "n_missing": [80]})
    >>> prevalence_table(rows).rows
    (('Women', 'Crude', '2,000', '80', '29.1 (27.2–31.1)', '1.0'),)
    """
    frame, _ = as_polars(result.to_frame() if hasattr(result, "definition") else result)
    table = frame.lazy().collect()
    absent = [name for name in NEEDED if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; pass the result of prevalence()")
    if rule is not None:
        table = presentation(table, rule=rule)
    table = table.with_columns(group_label(table, words=True).alias("_group"))
    people = people_heading(table)
    rows = tuple(
        _line(row, decimals, people is not None, rule is not None)
        for row in table.iter_rows(named=True)
    )
    return JournalTable(
        title=title,
        columns=_columns(table, people),
        rows=rows,
        sections=tuple(word(c) for c in table["class"]),
        notes=tuple(_notes(result, table, rule)),
        values=_hidden(table.drop("_group")),
    )


def _columns(table: pl.DataFrame, people: str | None) -> tuple[str, ...]:
    levels = table["confidence"].drop_nulls().to_list() if "confidence" in table.columns else []
    level = rounding.level(levels[0]) if levels else "confidence"
    return (
        "Group",
        "Estimate",
        "n",
        "Not classifiable",
        f"Prevalence, % ({level} interval)",
        "SE, %",
        *([people] if people else []),
    )


def _line(row: dict[str, Any], decimals: int, with_people: bool, judged: bool) -> tuple[str, ...]:
    verdict = row["verdict"] if judged else "show"
    what = row["age_band"] if row["statistic"] == "age_band" else word(row["statistic"])
    head = (row["_group"], what or rounding.MISSING)
    counts = (rounding.count(row["n"]), rounding.count(row["n_missing"]))
    if verdict == "suppress":
        return (*head, *counts, WITHHELD, WITHHELD, *([WITHHELD] if with_people else []))
    limits = (row["estimate"], row["lower"], row["upper"])
    mark = MARKS[verdict][0] if verdict in MARKS else ""
    interval = rounding.percent_interval(*limits, decimals=decimals) + mark
    people = [rounding.millions_interval(*(row[name] for name in PEOPLE))] if with_people else []
    return (*head, *counts, interval, rounding.percent(row["se"], decimals=decimals), *people)


def _hidden(table: pl.DataFrame) -> pl.DataFrame:
    """The numbers behind the cells, without those that are withheld."""
    if "verdict" not in table.columns:
        return table
    shown = pl.col("verdict") != "suppress"
    numbers = (
        *("estimate", "se", "lower", "upper", "lowest_possible", "highest_possible"),
        *("deff", "n_effective", PEOPLE_SE, *PEOPLE),
    )
    return table.with_columns(
        pl.when(shown).then(pl.col(name)).alias(name) for name in numbers if name in table.columns
    )


def _notes(result: Any, table: pl.DataFrame, rule: str | None) -> list[str]:
    notes = []
    for name, label in (("definition", "Definition"), ("standard", "Standard population")):
        text = getattr(result, name, None)
        if isinstance(text, str):
            notes.append(f"{label}: {text}.")
    classes = getattr(result, "meta", {}).get("classes")
    notes += [f"Classes: {classes}."] if classes else []
    if isinstance(getattr(result, "design", None), str):
        notes.append(f"Survey design: {result.design}.")
    notes.append("n: people, unweighted. SE: standard error.")
    if rule is not None:
        notes += [text for verdict, (_, text) in MARKS.items() if verdict in set(table["verdict"])]
        notes.append(f"Rule of presentation: {cite(rule, kind='presentation')}")
    return notes
