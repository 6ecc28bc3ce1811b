"""CSV and TSV: UTF-8 first and strictly, then GB18030; every cell as text, parsed later."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from osteo_epi.cohort.readers._guard import guarded
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_SEPARATORS = (",", "\t", ";", "|")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")
_DECIMAL = re.compile(r"^[-+]?\d+[.,]\d+$")
_HEAD = 1 << 20


def read_text(path: Path, **_: object) -> Raw:
    """Read a separated text file.

    UTF-8 is tried first and strictly, because GB18030 decodes most UTF-8 without an error and
    gives nonsense. The separator is the one of , tab ; | that the line of headings holds most of.

    Raises
    ------
    SchemaError
        If it is no text, has no rows, headings that occur twice, or rows longer than the headings.
    """
    data, encoding = _decode(path)
    head = data[:_HEAD].decode(errors="ignore")
    if not head.strip():
        raise SchemaError(f"{path.name} holds no data; export the data again")
    separator = max(_SEPARATORS, key=head.partition("\n")[0].count)
    first = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
    names = guarded(lambda: next(first), path, "csv")
    headings, findings = clean_headings(names, path.name)
    misfit = (
        f"{path.name}: the rows do not fit its {len(headings)} headings separated by "
        f"{separator!r}; quote the cells that hold the separator, or export the data again"
    )
    options: dict[str, Any] = {
        "separator": separator,
        "infer_schema": False,
        "new_columns": headings,
        "raise_if_empty": False,
    }
    frame = guarded(lambda: pl.read_csv(data, **options), path, "csv", otherwise=misfit)
    frame, more = without_blank(frame, path.name)
    return Raw(frame, (path,), "csv", encoding, {}, (*_encoded(encoding), *findings, *more))


def _decode(path: Path) -> tuple[bytes, str]:
    """The text as UTF-8, without mark and leading empty lines, and the encoding that it had."""
    data = path.read_bytes()
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\n" not in text:  # as a Macintosh wrote before 2001
            text = text.replace("\r", "\n")
        plain = text.lstrip("\r\n").encode()
        if _CONTROL.search(plain):
            raise SchemaError(f"{path.name} is binary, not text; export the data as CSV (UTF-8)")
        return plain, encoding
    raise SchemaError(
        f"{path.name} is neither UTF-8 nor GB18030 text; save it as CSV UTF-8 and read it again"
    )


def _encoded(encoding: str) -> tuple[Finding, ...]:
    if encoding == "utf-8-sig":
        return ()
    message = f"the file is not UTF-8; it was read as {encoding.upper()}"
    fix = "check that Chinese text is readable; save as CSV UTF-8 to be certain"
    return (Finding("encoding", "note", "", 0, message, fix),)


def clean_headings(names: list[str], file: str) -> tuple[list[str], list[Finding]]:
    """Trimmed headings; an empty one is numbered, one that occurs twice is refused."""
    trimmed = [(name or "").strip() for name in names]
    twice = sorted({name for name in trimmed if name and trimmed.count(name) > 1})
    if any(_DECIMAL.match(name) for name in trimmed):  # not shown: they are a participant's
        raise SchemaError(
            f"{file}: the first row holds measurements where the headings should stand; add a line "
            "of headings that tells what each column is"
        )
    if twice:
        raise SchemaError(
            f"{file}: the heading{'s' * (len(twice) > 1)} {', '.join(map(repr, twice))} "
            "stand more than once; rename the columns in the file so that each tells what it is"
        )
    headings = [name or f"unnamed_{i}" for i, name in enumerate(trimmed, start=1)]
    n = sum(not name for name in trimmed)
    if not n:
        return headings, []
    message = f"columns without a heading: {n}; named unnamed_ and their number"
    return headings, [Finding("no_heading", "note", "", 0, message, "merged cells? name them")]


def without_blank(frame: pl.DataFrame, file: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Leave out wholly empty rows and nameless columns; refuse a table without rows."""
    nameless = [n for n in frame.columns if n.startswith("unnamed_") and _empty(frame, n).all()]
    if not len(frame) or _empty(frame).all():
        raise SchemaError(f"{file} has headings but no rows of data; export the data again")
    frame = frame.drop(nameless)
    # A row is looked at whole only where the first column says nothing: most files hold none.
    empty = _empty(frame) if _empty(frame, frame.columns[0]).any() else None
    n = 0 if empty is None else int(empty.sum())
    findings = [Finding("empty_rows", "note", "", n, f"wholly empty rows left out: {n}")] * bool(n)
    return (frame.filter(~empty) if n and empty is not None else frame), findings


def _empty(frame: pl.DataFrame, *names: str) -> pl.Series:
    """Rows whose cells in these columns, or in all, hold nothing but blanks."""
    cells = frame.select(names or frame.columns)
    blank = (cs.string().str.strip_chars() == "").fill_null(True)
    return cells.select(pl.all_horizontal(blank, (~cs.string()).is_null())).to_series()
