"""Tables as Excel and Word files; the libraries are loaded only when one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

import polars as pl

from osteo_epi.errors import OutputError


def write_excel(path: Path, title: str, table: pl.DataFrame, notes: Sequence[str]) -> None:
    """Write a sheet: title, headings, cells as text, notes.

    Cells are text because "29.1 (27.3–31.0)" is; a level that starts with "=" stays a level and
    never becomes a formula.
    """
    excel = _library("openpyxl", path)
    book = excel.Workbook()
    sheet = book.active
    sheet.title = "Table"
    lines = [(title,), tuple(table.columns), *table.rows(), *((note,) for note in notes)]
    for number, line in enumerate(lines, 1):
        for place, text in enumerate(line, 1):
            sheet.cell(row=number, column=place, value=text).data_type = "s"
    for number in (1, 2):
        for cell in sheet[number]:
            cell.font = excel.styles.Font(bold=True)
    sheet.freeze_panes = "A3"
    book.save(path)


def write_word(
    path: Path,
    title: str,
    columns: Sequence[str],
    lines: Sequence[tuple[str, ...]],
    notes: Sequence[str],
) -> None:
    """Write a Word table; a line of one cell is the heading of a section across all columns."""
    document = _library("docx", path).Document()
    document.add_paragraph(title)
    grid = document.add_table(rows=1, cols=len(columns), style="Light List")
    for cell, text in zip(grid.rows[0].cells, columns, strict=True):
        cell.text = text
    for line in lines:
        cells = grid.add_row().cells
        if len(line) == 1:
            cells[0].merge(cells[-1]).text = line[0]
        else:
            for cell, text in zip(cells, line, strict=True):
                cell.text = text
    for note in notes:
        document.add_paragraph(note)
    document.save(str(path))


def _library(name: str, path: Path) -> ModuleType:
    try:
        return import_module(name)
    except ImportError:
        package = {"docx": "python-docx"}.get(name, name)
        raise OutputError(f"{path.suffix} files need {package}; install {package}") from None
