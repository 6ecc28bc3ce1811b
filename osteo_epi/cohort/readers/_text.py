"""CSV, TSV and what is called .xls and is text: cells as text, parsed later.

A large file's columns that surely are quantities are read as numbers where all of their cells are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import as_written, is_sure
from osteo_epi.cohort.readers._encoding import decoded, first_lines, unpacked
from osteo_epi.cohort.readers._guard import guarded
from osteo_epi.cohort.readers._layout import (
    REMEDY,
    ROWS,
    Layout,
    is_summary,
    known,
    lay_out,
    like_values,
)
from osteo_epi.cohort.readers._page import as_text, charset, is_page
from osteo_epi.cohort.readers._raw import Form, NoRowsError, Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding
from osteo_epi.visible import from_texts

_SEPARATORS = (",", "\t", ";", "|")
_DECIMAL = re.compile(r"^[-+]?\d+[.,]\d+$")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?$", flags=re.ASCII)
_HEAD = 1 << 20
_QUOTED = tuple(f"'{sign}".encode() for sign in "=+-@＝＋－＠")
"""How a cell begins that a spreadsheet would compute, where it was written as text (`as_texts`)."""
_PLAIN = Form()
_TAIL = 20
"""Short rows, from the last, that are looked at for totals."""


def read_text(path: Path, *, form: Form = _PLAIN, **_: object) -> Raw:
    """Read a separated text file, compressed with gzip or not.

    UTF-8 is tried first and strictly, because other encodings decode most of it without an error
    and give nonsense; see `decoded`. The separator is the one of , tab ; | by which most headings
    are known, and that the first line holds most of.

    Raises
    ------
    SchemaError
        If it is no text, has no rows, headings that occur twice, or rows longer than the headings.
    """
    data = first_lines(path) if form.top else unpacked(path)
    page = is_page(data[:_HEAD])
    if page and form.encoding is None:
        form = replace(form, encoding=charset(data[:_HEAD]))
    body, encoding, noticed = decoded(data, form, path.name)
    del data
    if page:
        body = guarded(partial(as_text, body.decode(), form), path, "csv").encode()
        noticed = (
            *noticed,
            _called(path, "a page of HTML or XML", "its table of the most known headings"),
        )
    elif path.suffix.casefold() == ".xls":
        noticed = (*noticed, _called(path, "a text table", "it"))
    if form.skip_rows is None:
        body = body.lstrip(b"\r\n")
    head = body[:_HEAD].decode(errors="ignore")
    if not head.strip() and not body.decode().strip():
        raise SchemaError(f"{path.name} holds no data; export the data again")
    separator, rows, ends = guarded(lambda: _top(head, form), path, "csv")
    layout = lay_out(rows, form, path.name)
    headings, findings = clean_headings(list(layout.names), path.name)
    body = _with_one_heading(body, head, layout, ends, separator)
    below = rows[layout.start + layout.depth :]
    numbers = _quantities(headings, below, form) if len(body) > _HEAD else []
    frame = _table(body, path, separator, headings, numbers)
    findings += _cut_off(body, separator, len(headings))
    findings += _short_rows(head, layout, ends, separator, path.name)
    frame, more = without_blank(frame, path.name)
    findings = [*noticed, *layout.findings, *findings, *more]
    return Raw(frame, (path,), "csv", encoding, findings=tuple(findings))


def _cut_off(body: bytes, separator: str, width: int) -> list[Finding]:
    """Say that the file ends within a row, as one that was not copied whole does.

    >>> _cut_off(b"id,sex,age\\n1,F,61\\n2,M", ",", 3)[0].code
    'cut_off'
    >>> _cut_off(b"id,age\\n1,61\\n2,7\\n", ",", 2), _cut_off(b"id,age\\n1,61\\nTotal", ",", 2)
    ([], [])
    """
    last = body[-_HEAD:].rpartition(b"\n")[2].decode(errors="ignore")
    cells = last.count(separator) + 1 if '"' not in last else width
    if not 1 < cells < width:
        return []
    message = (
        f"the file ends within a row, after {cells} of {width} cells: what it says is not whole"
    )
    fix = "copy or export the file again; if it is whole, end its last row with a line's end"
    return [Finding("cut_off", "warning", "", 1, message, fix)]


def _short_rows(
    head: str, layout: Layout, ends: list[int], separator: str, file: str
) -> list[Finding]:
    """Say that rows have fewer cells than there are headings; refuse where all of them have.

    A cell that is lacking within a row, or a separator within a heading, puts what stands behind
    it under wrong headings. Looked at are the rows of the first megabyte.

    >>> rows = "id,sex,age\\n1,F,61\\n2,72\\n"
    >>> _short_rows(rows, Layout(0, 1, ("id", "sex", "age")), [11], ",", "clinic.csv")[0].n
    1
    """
    last = layout.start + layout.depth
    width = max((i for i, name in enumerate(layout.names, start=1) if name.strip()), default=0)
    body = io.StringIO(head[ends[last - 1] if last else 0 :].rpartition("\n")[0], newline="")
    rows: list[list[str]] = []  # of more than a remark
    with suppress(csv.Error):  # a quote without an end, which Polars has taken otherwise
        rows = [row for row in csv.reader(body, delimiter=separator) if sum(map(bool, row)) > 1]
    short = [row for row in rows if len(row) < width]
    n = len(short)
    if n and n == len(rows):
        raise SchemaError(
            f"{file}: no row has as many cells as there are headings ({width}, separated by "
            f"{separator!r}), so that values may stand under wrong headings; quote a heading that "
            "holds the separator, or end the rows with the separators of their empty cells"
        )
    # Of the last rows, which may be of totals, those are no people.
    n -= sum(is_summary(row[0]) for row in short[-_TAIL:])
    if not n:
        return []
    message = f"rows with fewer cells than the {width} headings: {n}; the last ones are missing"
    fix = (
        "see that no cell is left out within them, for what stands behind it is under a wrong "
        "heading; export the data again"
    )
    return [Finding("short_rows", "warning", "", n, message, fix)]


def _quantities(headings: list[str], rows: list[list[str]], form: Form) -> list[str]:
    """Headings of quantities whose first cells are plain numbers; none that the caller names.

    >>> _quantities(["id", "age", "weight"], [["007", "61", "64.5"], ["8", "", "70 kg"]], Form())
    ['age']
    """
    return [
        heading
        for place, heading in enumerate(headings)
        if heading not in form.wanted
        and is_sure(heading)
        and codebook()[str(as_written(heading).variable)].kind == "quantity"
        and all(_NUMBER.match(row[place]) for row in rows if len(row) > place and row[place])
    ]


def _table(
    body: bytes, path: Path, separator: str, headings: list[str], numbers: list[str]
) -> pl.DataFrame:
    """The cells as text; those of `numbers` as what they say, where every one is a number.

    Both ways give the same numbers, to the last bit: text is read by the same rules later. A number
    takes half the memory of a text, and a large file is mostly numbers.
    """
    options: dict[str, Any] = {
        "separator": separator,
        "infer_schema": False,
        "new_columns": headings,
        "raise_if_empty": False,
    }
    misfit = (
        f"{path.name}: the rows do not fit its {len(headings)} headings separated by "
        f"{separator!r}; quote the cells that hold the separator, delete it where it ends a row, "
        "or export the data again"
    )
    if numbers:
        types = [pl.Float64 if heading in numbers else pl.String for heading in headings]
        with suppress(SchemaError):
            typed = partial(pl.read_csv, body, schema_overrides=types, **options)
            return _unquoted(guarded(typed, path, "csv"), body)
    plain = partial(pl.read_csv, body, **options)
    return _unquoted(guarded(plain, path, "csv", otherwise=misfit), body)


def _unquoted(frame: pl.DataFrame, body: bytes) -> pl.DataFrame:
    """The cells as they were before they were quoted for a spreadsheet."""
    # One sign is looked for in a few milliseconds, two at a time in a second each.
    quoted = b"'" in body and any(mark in body for mark in _QUOTED)
    return from_texts(frame) if quoted else frame


def _called(path: Path, kind: str, what: str) -> Finding:
    message = f"the file is called {path.suffix} and is {kind}; {what} was read"
    return Finding("other_kind", "note", "", 0, message, "give it its right extension")


def _top(head: str, form: Form) -> tuple[str, list[list[str]], list[int]]:
    """The separator, the first rows, and where in the text each of them ends."""
    line = head.lstrip("\r\n").partition("\n")[0]
    ways = {}
    for separator in sorted(_SEPARATORS, key=line.count, reverse=True):
        rows, _ = _rows(head, separator)
        score = max(known(row, form.wanted) for row in rows)
        ways[separator] = score if any(len(row) > 1 for row in rows) else 0
    best = max(ways, key=lambda separator: ways[separator])
    return best, *_rows(head, best)


def _rows(head: str, separator: str) -> tuple[list[list[str]], list[int]]:
    place = 0

    def lines() -> Iterator[str]:
        nonlocal place
        for line in io.StringIO(head, newline=""):
            place += len(line)
            yield line

    rows, ends = [], []
    for row in csv.reader(lines(), delimiter=separator):
        rows.append(row)
        ends.append(place)
        if len(rows) == ROWS:
            break
    return rows, ends


def _with_one_heading(
    body: bytes, head: str, layout: Layout, ends: list[int], separator: str
) -> bytes:
    """The text from its one row of headings on; one is written where there is not just one."""
    if not layout.start and layout.depth == 1:
        return body
    last = layout.start + layout.depth
    start = len(head[: ends[last - 1]].encode()) if last else 0
    names = separator.join(f'"{i}"' for i in range(len(layout.names)))
    return names.encode() + b"\n" + body[start:]


def clean_headings(names: list[str], file: str) -> tuple[list[str], list[Finding]]:
    """Trimmed headings; an empty one is numbered, a pattern renamed, one that is twice refused."""
    trimmed = [(name or "").strip() for name in names]
    twice = sorted({name for name in trimmed if name and trimmed.count(name) > 1})
    if any(_DECIMAL.match(name) for name in trimmed) or (twice and like_values(trimmed)):
        # They are not shown, for they are a participant's.
        raise SchemaError(
            f"{file}: the first row looks like values where headings should stand; {REMEDY}"
        )
    if twice:
        raise SchemaError(
            f"{file}: the heading{'s' * (len(twice) > 1)} {', '.join(map(repr, twice))} "
            f"stand{'' if twice[1:] else 's'} more than once; rename the columns in the file so "
            "that each tells what it is"
        )
    numbered = [name or f"unnamed_{i}" for i, name in enumerate(trimmed, start=1)]
    headings, findings = without_patterns(numbered)
    if n := sum(not name for name in trimmed):
        message = f"columns without a heading: {n}; named unnamed_ and their number"
        fix = (
            "if the headings stand in two rows, with merged cells, say so with header_rows=2 "
            "(--header-rows 2); else write headings in the file"
        )
        findings.append(Finding("no_heading", "note", "", 0, message, fix))
    return headings, findings


def without_blank(frame: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Leave out wholly empty rows and nameless columns; refuse a table without rows."""
    nameless = _blank_columns(frame, [n for n in frame.columns if n.startswith("unnamed_")])
    if not len(frame) or _empty(frame).all():
        raise NoRowsError(f"{file} has headings but no rows of data; export the data again")
    frame = frame.drop(nameless)
    # A row is looked at whole only where the first column says nothing: most files hold none.
    empty = _empty(frame) if _empty(frame, frame.columns[0]).any() else None
    n = 0 if empty is None else int(empty.sum())
    findings = [Finding("empty_rows", "note", "", n, f"wholly empty rows left out: {n}")] * bool(n)
    return (frame.filter(~empty) if n and empty is not None else frame), findings


def without_patterns(names: list[str]) -> tuple[list[str], list[Finding]]:
    """Another name for a heading that Polars takes for a pattern of names: "*", or "^…$".

    >>> without_patterns(["age", "*"])[0]
    ['age', 'column *']
    """
    plain, findings = list(names), []
    for place, name in enumerate(names):
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            plain[place] = f"column {name}"
            while plain.count(plain[place]) > 1:
                plain[place] = f"another {plain[place]}"
            message = f"the heading stands for several names; called {plain[place]!r}"
            findings.append(Finding("renamed_heading", "note", name, 0, message))
    return plain, findings


_BLANK = (
    (cs.string().str.strip_chars() == "").fill_null(True),
    (~cs.string()).is_null(),
)
"""Of cells that are text, and of others: whether they hold nothing but blanks."""


def _empty(frame: pl.DataFrame, *names: str) -> pl.Series:
    """Rows whose cells in these columns, or in all, hold nothing but blanks."""
    return frame.select(names or frame.columns).select(pl.all_horizontal(*_BLANK)).to_series()


def _blank_columns(frame: pl.DataFrame, names: list[str]) -> list[str]:
    """Which of the columns are blank in every row; a stray cell at XFD1 makes 16,000 of them."""
    if not names:
        return []
    is_blank = frame.select(names).select(*(blank.all() for blank in _BLANK))
    return [name for name in names if is_blank.item(0, name)]
