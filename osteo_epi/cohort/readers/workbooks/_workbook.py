"""Excel and OpenDocument workbooks: the sheet that holds people, and its cells."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl

from osteo_epi.cohort.readers._guard import foreign, refuse
from osteo_epi.cohort.readers._layout import ROWS, known, lay_out
from osteo_epi.cohort.readers._raw import Form, Raw
from osteo_epi.cohort.readers._text import clean_headings, without_blank
from osteo_epi.cohort.readers.workbooks._lost import of_lost
from osteo_epi.cohort.readers.workbooks._merged import merged_cells, of_hidden, without_merged
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Severity

_PLAIN = Form()
_FEWEST = 2  # rows of a table: headings and one row of data


def read_excel(path: Path, *, form: Form = _PLAIN, **_: object) -> Raw:
    """Read one sheet of a workbook: the one that is named, else that of the most known headings."""
    tops, book = foreign("workbook_tops", path, rows=ROWS) or refuse(path, "excel")
    names: list[str] = book["sheets"]
    rows = [_rows(top) for top in tops]
    number = _sheet(names, form.sheet, path.name)
    findings: list[Finding] = []
    if number is None:
        number, findings = _most_known(names, rows, form, book["hidden"])
    if len(rows[number]) < _FEWEST:
        raise SchemaError(
            f"{path.name}: sheet {names[number]!r} has no rows of data; name another with sheet= "
            f"(--sheet; {', '.join(names)})"
        )
    merged, hidden, lost = merged_cells(path, names[number], book["first"][number])
    layout = lay_out(rows[number], form, path.name, merged)
    (body,), _meta = foreign(
        "workbook", path, sheet=number, skip_rows=layout.start + layout.depth
    ) or refuse(path, "excel")
    width = max(body.width, len(layout.names))
    headings, more = clean_headings([*layout.names, *[""] * (width - len(layout.names))], path.name)
    body.columns = headings[: body.width]
    above = layout.start + layout.depth
    more += [*of_hidden(hidden, above, len(body)), *of_lost(lost, above, body)]
    body, told = without_merged(body, merged, above, form)
    body, blank = without_blank(body, path.name)
    findings = [*findings, *layout.findings, *more, *told, *blank]
    return Raw(body, (path,), "excel", findings=tuple(findings))


def _rows(top: pl.DataFrame) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in top.rows()]


def _most_known(
    names: list[str], tops: list[list[list[str]]], form: Form, hidden: Sequence[str]
) -> tuple[int, list[Finding]]:
    """The sheet with the most known headings, of equals the first.

    One that is hidden, as an older version may be, only where none that is shown has half as many.
    """
    scores = [max((known(row, form.wanted) for row in top), default=0) for top in tops]
    half = max(scores, default=0) / 2
    order = [
        (name not in hidden and score >= half, score, len(top) >= _FEWEST, name not in hidden)
        for score, top, name in zip(scores, tops, names, strict=True)
    ]
    number = max(range(len(names)), key=order.__getitem__)
    if len(names) == 1:
        return number, []
    heads = [_headings(top, form) for top in tops]
    own = heads[number]
    twins = [names[i] for i, head in enumerate(heads) if i != number and head and head == own]
    message = f"the workbook has {len(names)} sheets; {names[number]!r} was read"
    message += (
        ", whose headings are known best" if scores[0] < scores[number] == max(scores) else ""
    )
    message += "; it is hidden" if names[number] in hidden else ""
    fix = f"name another with sheet= (--sheet; {', '.join(names)})"
    if not twins:
        severity: Severity = "warning" if names[number] in hidden else "note"
        return number, [Finding("several_sheets", severity, "", 0, message, fix)]
    message += f"; {', '.join(map(repr, twins))} with the same headings were not"
    fix += "; to read all, put their rows into one sheet, with a column that tells them apart"
    return number, [Finding("several_sheets", "warning", "", 0, message, fix)]


def _headings(top: list[list[str]], form: Form) -> tuple[str, ...]:
    """The headings of a sheet; none of one that has no table, as a list of answers has not."""
    with suppress(SchemaError):  # of the sheet that is read it is said there
        return lay_out(top, form, "").names if len(top) >= _FEWEST else ()
    return ()


def _sheet(names: list[str], sheet: str | int | None, file: str) -> int | None:
    """The number of the sheet that is named, by its name or, failing that, its number from 0."""
    if not names:
        raise SchemaError(f"{file} has no sheet with a table; export the data again")
    if sheet is None or sheet in names:
        return None if sheet is None else names.index(str(sheet))
    text = str(sheet)
    number = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= number < len(names):
        listed = ", ".join(f"{i} {name!r}" for i, name in enumerate(names))
        raise SchemaError(f"{file} has no sheet {sheet!r} (--sheet); it has {listed}")
    return number
