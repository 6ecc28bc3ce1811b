"""A table for a journal: text cells made once, so that every format prints the same numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.errors import OutputError
from osteo_epi.language import said
from osteo_epi.results import Result
from osteo_epi.tables.writers import (
    ALIGNMENTS,
    decimal_cells,
    html,
    latex,
    usual_alignment,
    write_excel,
    write_word,
)
from osteo_epi.visible import csv_bytes, visible


@dataclass(frozen=True, repr=False)
class JournalTable(Result):
    """A finished table: what is printed, in the language that was spoken when it was made.

    Attributes
    ----------
    title
        What stands above it, without "Table 1"; empty for none.
    columns
        Headings; the first is that of the row labels.
    rows
        Cells as they are printed.
    sections
        For each row the heading that it stands under; empty for none.
    notes
        Footnotes, a paragraph each.
    values
        The unrounded numbers behind the cells, without those that are withheld.
    align
        For each column `left`, `right` or `decimal`, points below each other; by default the last
        where all its cells are numbers, else the first.
    spanners
        Headings over several columns, from the left over all: (text, columns), "" for none.
    marks
        For each row its verdict where it is not shown plainly (`suppress`, `review`,
        `show_with_note`), else ""; the class of the row in HTML.
    indents
        For each row how far its label stands to the right; by default 1 in a section, else 0.

    Raises
    ------
    OutputError
        If rows, sections, marks, indents, alignments or spanners do not fit the columns.
    """

    no_figure = "is a table: it is read as it is, or in to_frame()"

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sections: tuple[str, ...]
    notes: tuple[str, ...]
    values: pl.DataFrame
    align: tuple[str, ...] = ()
    spanners: tuple[tuple[str, int], ...] = ()
    marks: tuple[str, ...] = ()
    indents: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Show what steers a terminal, and what Word and Excel refuse, in every format alike."""
        rows = tuple(tuple(map(visible, row)) for row in self.rows)
        texts = {
            "title": visible(self.title),
            "columns": tuple(map(visible, self.columns)),
            "rows": rows,
            "sections": tuple(map(visible, self.sections)),
            "notes": tuple(map(visible, self.notes)),
            "spanners": tuple((visible(text), n) for text, n in self.spanners),
            "align": self.align or _usual_alignments(rows, len(self.columns)),
            "marks": self.marks or ("",) * len(rows),
        }
        for name, value in texts.items():
            object.__setattr__(self, name, value)
        inside = tuple(int(bool(section)) for section in self.sections)
        object.__setattr__(self, "indents", self.indents or inside)
        self._check()

    def _check(self) -> None:
        width, height = len(self.columns), len(self.rows)
        fits = {
            "rows": all(len(row) == width for row in self.rows),
            "sections": len(self.sections) == height,
            "marks": len(self.marks) == height,
            "indents": len(self.indents) == height,
            "align": len(self.align) == width and set(self.align) <= set(ALIGNMENTS),
            "spanners": not self.spanners or sum(n for _, n in self.spanners) == width,
        }
        wrong = [name for name, is_right in fits.items() if not is_right]
        if wrong:
            raise OutputError(
                f"{', '.join(wrong)} of the table do not fit its {width} columns and {height} "
                f"rows; a column is aligned {', '.join(ALIGNMENTS)}"
            )

    def to_polars(self) -> pl.DataFrame:
        """The unrounded numbers."""
        return self.values

    def to_text(self) -> pl.DataFrame:
        """The printed cells, with the section of each row where there are sections.

        A heading that stands over several columns is put before theirs.
        """
        headings = [" ".join(filter(None, pair)) for pair in self._headings()]
        rows: Iterable[tuple[str, ...]] = self.rows
        if any(self.sections):
            # In some language a section is called as one of the columns is.
            headings = [said("Section"), *headings]
            rows = ((name, *row) for name, row in zip(self.sections, self.rows, strict=True))
        schema = dict.fromkeys(_unlike(headings), pl.String)
        return pl.DataFrame([*rows], schema=schema, orient="row")

    def _headings(self) -> list[tuple[str, str]]:
        over = [text for text, n in self.spanners for _ in range(n)] or [""] * len(self.columns)
        return list(zip(over, self.columns, strict=True))

    def aligned(self) -> tuple[tuple[str, ...], ...]:
        """The cells with blanks in the columns aligned `decimal`: centred, points are in a line."""
        columns = [
            decimal_cells([row[place] for row in self.rows])
            if side == "decimal"
            else [row[place] for row in self.rows]
            for place, side in enumerate(self.align)
        ]
        return tuple(zip(*columns, strict=True)) if self.rows else ()

    def to_html(self, *, style: bool = True) -> str:
        """HTML without remote addresses; what comes from data is escaped.

        Parameters
        ----------
        style
            Whether the rules of its look come with it; a page of many tables states
            `tables.STYLE` once.
        """
        true_or_false(style=style)
        return html(self, style=style)

    def to_latex(self) -> str:
        """LaTeX: a longtable with booktabs rules, its head on every page."""
        return latex(self)

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
        writer(target, self)
        return target

    def _summary(self) -> str:
        return f"{len(self.rows)} rows, {len(self.columns)} columns: {self.title}"

    def _repr_html_(self) -> str:
        return self.to_html()


def mark_of(*, is_simulated: bool) -> tuple[str, ...]:
    """The mark that a table of simulated people keeps wherever it is copied to."""
    return (said("SIMULATED people: no evidence about anybody."),) if is_simulated else ()


def _usual_alignments(rows: tuple[tuple[str, ...], ...], width: int) -> tuple[str, ...]:
    if any(len(row) != width for row in rows):
        return ("left",) * width  # refused in a moment
    numbers = (usual_alignment([row[place] for row in rows]) for place in range(1, width))
    return ("left", *numbers)[:width]


def _unlike(names: list[str]) -> list[str]:
    """Names of columns, of which no two are the same."""
    return [name + " " * names[:place].count(name) for place, name in enumerate(names)]


def _write_csv(path: Path, table: JournalTable) -> None:
    """UTF-8 with a mark, without which spreadsheets misread the dashes."""
    path.write_bytes(csv_bytes(table.to_text(), bom=True))


def _write_html(path: Path, table: JournalTable) -> None:
    path.write_text(f'<!doctype html><meta charset="utf-8">{table.to_html()}', encoding="utf-8")


def _write_latex(path: Path, table: JournalTable) -> None:
    path.write_text(table.to_latex(), encoding="utf-8")


WRITERS: dict[str, Callable[[Path, JournalTable], None]] = {
    ".html": _write_html,
    ".tex": _write_latex,
    ".csv": _write_csv,
    ".xlsx": write_excel,
    ".docx": write_word,
}
