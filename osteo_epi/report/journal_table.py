"""A table for a journal: text cells made once, so that every format prints the same numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from great_tables import GT

from osteo_epi.errors import OutputError
from osteo_epi.report import journal_office

SECTION = "_section"


@dataclass(frozen=True)
class JournalTable:
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
        ids = [f"c{i}" for i in range(len(self.columns))]
        table = pl.DataFrame(self.rows, schema=dict.fromkeys(ids, pl.String), orient="row")
        groups = SECTION if any(self.sections) else None
        if groups:
            table = table.with_columns(pl.Series(SECTION, self.sections))
        made = GT(table, groupname_col=groups, id="journal").tab_header(self.title)
        made = made.cols_label(cases=dict(zip(ids, self.columns, strict=True)))
        made = made.cols_align("right", columns=ids[1:])
        for note in self.notes:
            made = made.tab_source_note(note)
        return made

    def _repr_html_(self) -> str:
        return self.to_html()


def _write_csv(table: JournalTable, path: Path) -> None:
    """UTF-8 with a mark, without which spreadsheets misread the dashes."""
    table.to_text().write_csv(path, include_bom=True)


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
