"""A journal table as a sheet: numbers are numbers with the digits printed, and those behind them.

An estimate with its limits is three cells under one heading; a text stays a text and never becomes
a formula, whatever it starts with.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.files import undated
from osteo_epi.language import said
from osteo_epi.tables.writers._align import FIGURE, POINT, numbers
from osteo_epi.tables.writers._libraries import library
from osteo_epi.tables.writers._printed import Printed
from osteo_epi.visible import visible_frame

WIDEST, NARROWEST = 60, 6


def write_excel(path: Path, table: Printed) -> None:
    """Write the table on one sheet, and the unrounded numbers behind it on another."""
    excel = library("openpyxl", path)
    book = excel.Workbook()
    sheet = book.active
    sheet.title = said("Table")
    _write_table(excel, sheet, table)
    if table.values.width:
        _write_values(excel, book.create_sheet(said("Values")), visible_frame(table.values))
    buffer = io.BytesIO()
    book.save(buffer)
    path.write_bytes(undated(buffer.getvalue()))


def _write_table(excel: Any, sheet: Any, table: Printed) -> None:
    spans = _spans(table)
    starts = [1 + sum(spans[:k]) for k in range(len(spans))]
    _text(sheet, 1, 1, table.title).font = excel.styles.Font(bold=True)
    at = 2
    if table.spanners:
        _write_spanners(excel, sheet, at, table.spanners, starts, spans)
        at += 1
    for name, start, span in zip(table.columns, starts, spans, strict=True):
        _heading(excel, sheet, at, start, span, name)
    sheet.freeze_panes = sheet.cell(row=at + 1, column=2)
    sheet.print_title_rows = f"1:{at}"
    _rule(excel, sheet, at, sum(spans))
    before = ""
    for section, indent, row in zip(table.sections, table.indents, table.rows, strict=True):
        if section and section != before:
            at += 1
            _text(sheet, at, 1, section).font = excel.styles.Font(bold=True)
        before = section
        at += 1
        for cell, start, span, side in zip(row, starts, spans, table.align, strict=True):
            _write_cell(excel, sheet, at, start, cell, span, side)
        if indent:
            sheet.cell(row=at, column=1).alignment = excel.styles.Alignment(indent=indent)
    _rule(excel, sheet, at, sum(spans))
    for note in table.notes:
        at += 1
        _text(sheet, at, 1, note)
    _set_widths(excel, sheet, table, starts, spans)
    sheet.page_setup.orientation = "landscape" if sum(spans) > 8 else "portrait"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = excel.worksheet.properties.PageSetupProperties(
        fitToPage=True
    )


def _spans(table: Printed) -> list[int]:
    """Cells that each column takes: as many as the most numbers in one of its cells."""
    return [
        1
        if side == "left"
        else max((len(numbers(row[place])) for row in table.rows), default=1) or 1
        for place, side in enumerate(table.align)
    ]


def _write_cell(
    excel: Any, sheet: Any, row: int, start: int, cell: str, span: int, side: str
) -> None:
    read = [] if side == "left" else numbers(cell)
    if not read:
        place = _text(sheet, row, start, cell)
        place.alignment = excel.styles.Alignment(
            horizontal="left" if side == "left" else "right", vertical="top"
        )
    for step, part in enumerate(read[:span]):
        place = sheet.cell(row=row, column=start + step, value=_whole(part.value))
        place.number_format = part.form


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() else value


def _text(sheet: Any, row: int, column: int, text: str) -> Any:
    """Write a text as a text, without the blanks that align it in print."""
    place = sheet.cell(
        row=row, column=column, value=text.translate({ord(FIGURE): "", ord(POINT): ""})
    )
    place.data_type = "s"
    return place


def _heading(excel: Any, sheet: Any, row: int, start: int, span: int, text: str) -> None:
    place = _text(sheet, row, start, text)
    place.font = excel.styles.Font(bold=True)
    place.alignment = excel.styles.Alignment(
        horizontal="left" if start == 1 else "center", vertical="bottom", wrap_text=True
    )
    if span > 1:
        sheet.merge_cells(
            start_row=row, end_row=row, start_column=start, end_column=start + span - 1
        )


def _write_spanners(
    excel: Any,
    sheet: Any,
    row: int,
    spanners: Sequence[tuple[str, int]],
    starts: Sequence[int],
    spans: Sequence[int],
) -> None:
    at = 0
    for text, n in spanners:
        if text:
            _heading(excel, sheet, row, starts[at], sum(spans[at : at + n]), text)
        at += n


def _rule(excel: Any, sheet: Any, row: int, width: int) -> None:
    line = excel.styles.Border(bottom=excel.styles.Side(style="thin"))
    for column in range(1, width + 1):
        sheet.cell(row=row, column=column).border = line


def _set_widths(
    excel: Any, sheet: Any, table: Printed, starts: Sequence[int], spans: Sequence[int]
) -> None:
    letter = excel.utils.get_column_letter
    for place, (start, span) in enumerate(zip(starts, spans, strict=True)):
        longest = max((_width(row[place]) for row in table.rows), default=0)
        words = max(map(_width, table.columns[place].split()), default=0)
        width = max(longest, words * 1.1) if span == 1 else max(9 * span, words * 1.1)
        for step in range(span):
            each = min(WIDEST, max(NARROWEST, width / span + 2))
            sheet.column_dimensions[letter(start + step)].width = each


def _width(text: str) -> int:
    """Characters; those of Chinese are twice as wide."""
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def _write_values(excel: Any, sheet: Any, values: pl.DataFrame) -> None:
    for place, name in enumerate(values.columns, 1):
        _text(sheet, 1, place, name).font = excel.styles.Font(bold=True)
        sheet.column_dimensions[excel.utils.get_column_letter(place)].width = max(10, len(name) + 2)
    for line, row in enumerate(values.iter_rows(), 2):
        for place, value in enumerate(row, 1):
            if isinstance(value, bool) or (
                value is not None and not isinstance(value, int | float)
            ):
                _text(sheet, line, place, str(value))
            elif value is not None and value == value:
                sheet.cell(row=line, column=place, value=value)
    sheet.freeze_panes = "A2"
