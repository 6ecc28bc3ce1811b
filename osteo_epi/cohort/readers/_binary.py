"""Excel, Parquet and the files of statistical packages, through the libraries that keep them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from osteo_epi.cohort.conform._headings import as_written
from osteo_epi.cohort.readers._guard import foreign, refuse
from osteo_epi.cohort.readers._layout import ROWS, known, lay_out
from osteo_epi.cohort.readers._raw import Form, Raw
from osteo_epi.cohort.readers._text import clean_headings, without_blank, without_patterns
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_PLAIN = Form()
_TOP = 1000  # rows of a Parquet file by which its columns are known
_FEWEST = 2  # rows of a table: headings and one row of data


def read_parquet(path: Path, *, form: Form = _PLAIN, **_: object) -> Raw:
    """Read a Parquet file, types as they are."""
    rows = _TOP if form.top else None
    (frame,), _meta = foreign("parquet", path, rows=rows) or refuse(path, "parquet")
    frame.columns, renamed = without_patterns(frame.columns)
    frame, findings = without_blank(frame, path.name)
    return Raw(frame, (path,), "parquet", findings=(*renamed, *findings))


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
    layout = lay_out(rows[number], form, path.name)
    (body,), _meta = foreign(
        "workbook", path, sheet=number, skip_rows=layout.start + layout.depth
    ) or refuse(path, "excel")
    width = max(body.width, len(layout.names))
    headings, more = clean_headings([*layout.names, *[""] * (width - len(layout.names))], path.name)
    body.columns = headings[: body.width]
    body, blank = without_blank(body, path.name)
    return Raw(body, (path,), "excel", findings=(*findings, *layout.findings, *more, *blank))


def _rows(top: pl.DataFrame) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in row] for row in top.rows()]


def _most_known(
    names: list[str], tops: list[list[list[str]]], form: Form, hidden: Sequence[str]
) -> tuple[int, list[Finding]]:
    """The sheet with the most known headings, of equals one that is shown, then the first."""
    scores = [max((known(row, form.wanted) for row in top), default=0) for top in tops]
    order = [
        (score, len(top) >= _FEWEST, name not in hidden)
        for score, top, name in zip(scores, tops, names, strict=True)
    ]
    number = max(range(len(names)), key=order.__getitem__)
    if len(names) == 1:
        return number, []
    heads = [lay_out(top, form, "").names if len(top) >= _FEWEST else () for top in tops]
    twins = [names[i] for i, head in enumerate(heads) if i != number and head == heads[number]]
    message = f"the workbook has {len(names)} sheets; {names[number]!r} was read"
    message += ", whose headings are known best" if scores[number] > scores[0] else ""
    fix = f"name another with sheet= (--sheet; {', '.join(names)})"
    if not twins:
        return number, [Finding("several_sheets", "note", "", 0, message, fix)]
    message += f"; {', '.join(map(repr, twins))} with the same headings were not"
    fix += "; to read all, put their rows into one sheet, with a column that tells them apart"
    return number, [Finding("several_sheets", "warning", "", 0, message, fix)]


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


def read_statistical(path: Path, *, reader: str, form: Form = _PLAIN, **_: object) -> Raw:
    """Read a SAS, Stata or SPSS file with its value labels, by the one library or the other.

    A variable whose name says nothing (v4) goes by its label, where that is a known heading.
    """
    answer = foreign("polars_readstat", path) or foreign("pyreadstat", path, reader=reader)
    (frame,), meta = answer or refuse(path, reader)
    columns, renamed = without_patterns(frame.columns)
    # What the file says of a column is under the name that the file gives it.
    plain = dict(zip(frame.columns, columns, strict=True))
    labels, titles = (
        {plain[name]: said for name, said in meta[part].items() if name in plain}
        for part in ("labels", "titles")
    )
    frame.columns = columns
    frame, blank = without_blank(frame, path.name)
    names, told = _told_by_title(frame.columns, titles, form)
    labels = {names.get(name, name): values for name, values in labels.items()}
    frame = frame.rename(names)
    counts = {names.get(plain[n], plain[n]): k for n, k in meta.get("declared", {}).items()}
    told = [*told, *_declared(counts)]
    return Raw(frame, (path,), reader, labels=labels, findings=(*renamed, *blank, *told))


def _declared(counts: dict[str, int]) -> list[Finding]:
    """Count what the file itself declares missing, by column where the column will be read."""
    read = {name: n for name, n in counts.items() if as_written(name).variable}
    others = {name: n for name, n in counts.items() if name not in read}
    message = "values that the file declares missing became null"
    findings = [
        Finding("declared_missing", "note", name, n, f"{message}: {n}") for name, n in read.items()
    ]
    if others:
        n = sum(others.values())
        more = f"{message} in {len(others)} other columns: {n}"
        findings.append(Finding("declared_missing", "note", "", n, more))
    return findings


def _told_by_title(
    columns: list[str], titles: dict[str, str], form: Form
) -> tuple[dict[str, str], list[Finding]]:
    """Names that say nothing → the label that is a known heading; those that are mapped stay."""
    silent = [name for name in columns if not known([name], form.wanted)]
    chosen = {n: t for n in silent if (t := titles.get(n, "").strip()) and known([t])}
    # A label takes no variable from a column whose name says it, nor from another's label.
    taken = [_variable(chosen.get(name, name)) for name in columns]
    names = {n: title for n, title in chosen.items() if taken.count(_variable(title)) == 1}
    if not names:
        return names, []
    listed = ", ".join(f"{name} {title!r}" for name, title in names.items())
    message = f"names that say nothing were read by the labels of their variables: {listed}"
    fix = "where one is wrong, name the variable with map={name: variable} (--map NAME=VARIABLE)"
    return names, [Finding("variable_labels", "note", ", ".join(names), 0, message, fix)]


def _variable(heading: str) -> str:
    return as_written(heading).variable or heading
