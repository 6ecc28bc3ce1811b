"""Columns of any type to one value a cell, of a type that every later step can hold and write."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.readers._guard import guarded
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_WIDE = (pl.Int128, pl.UInt128)
_SCALAR = (pl.Null, pl.Boolean, pl.String, pl.Date, pl.Datetime, pl.Time, pl.Enum)
_CELL = "cell"
_DAYS = (-719_161, 2_932_895)  # 0001-01-02 to 9999-12-30: a time zone may add a day
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def plain_columns(raw: Raw) -> Raw:
    """Bring each column of a file or a frame to plain values.

    Parameters
    ----------
    raw
        As a reader gave it.

    Returns
    -------
    Raw
        Decimals and whole numbers of 128 bits as numbers, or as their digits where a number would
        lose some; bytes and categories as text. Lists, records and lengths of time become text
        too: `types` names them, for a variable of the codebook cannot be read from such a column.
        What cannot even be written as text is left out, with a finding.

    Examples
    --------
    >>> frame = pl.DataFrame({"neck": [[0.8, 0.7]], "id": pl.Series([7], dtype=pl.Int128)})
    >>> plain = plain_columns(Raw(frame, (), "frame"))
    >>> plain.frame.rows(), plain.types
    ([('[0.8,0.7]', 7)], {'neck': 'List(Float64)'})
    """
    columns, types, findings = [], {}, []
    for given in raw.frame.get_columns():
        column, impossible = _within_calendar(given)
        findings += impossible
        plain, is_odd = _plain(column)
        if is_odd:
            types[column.name] = str(column.dtype)
            findings.append(_told(column, plain))
        if plain is not None:
            columns.append(plain.alias(column.name))
    frame = pl.DataFrame(columns) if columns else raw.frame.clear()
    return replace(raw, frame=frame, types=types, findings=(*raw.findings, *findings))


def _told(column: pl.Series, plain: pl.Series | None) -> Finding:
    done = "left out" if plain is None else "kept as text"
    message = f"the column holds {column.dtype}, which is not one plain value a cell; {done}"
    fix = "make it a column of numbers, text or dates before it is read, if it is needed"
    severity = "warning" if plain is None else "note"
    n = len(column) - column.null_count()
    return Finding("odd_type", severity, column.name, n, message, fix)  # type: ignore[arg-type]


def _within_calendar(column: pl.Series) -> tuple[pl.Series, list[Finding]]:
    """Dates of the years 1 to 9999: the day, the year or the text of any other is a panic."""
    dtype = column.dtype
    if dtype == pl.Date:
        per_day, (first, last) = 1, _DAYS
    elif dtype == pl.Time:
        per_day, first, last = 24 * 3600 * 10**9, 0, 0
    elif isinstance(dtype, pl.Datetime) and dtype.time_unit in _PER_DAY:
        per_day, (first, last) = _PER_DAY[dtype.time_unit], _DAYS
    else:  # 64 bits of nanoseconds hold the years 1677 to 2262 alone
        return column, []
    number = column.to_physical().cast(pl.Int64)
    possible = number.is_between(first * per_day, (last + 1) * per_day - 1).fill_null(True)
    if possible.all():
        return column, []
    n = int((~possible).sum())
    message = f"cells that are no dates of the years 1 to 9999, now null: {n}"
    finding = Finding("not_dates", "warning", column.name, n, message, "write them as 2019-03-05")
    return column.set(~possible, None), [finding]


def _plain(column: pl.Series) -> tuple[pl.Series | None, bool]:
    """The column in a plain type, None where there is none; and whether that is no plain value."""
    dtype = column.dtype
    if column.null_count() == len(column) and dtype not in _SCALAR and not dtype.is_numeric():
        return pl.repeat(None, len(column), dtype=pl.Null, eager=True), False
    if dtype in _WIDE or (isinstance(dtype, pl.Decimal) and not dtype.scale):
        return _whole(column), False
    if isinstance(dtype, pl.Decimal) or type(dtype).__name__ == "Float16":
        return column.cast(pl.Float64), False
    if dtype == pl.Categorical:
        return column.cast(pl.String), False
    if dtype == pl.Binary:
        text = _decoded(column)
        return text, text is None
    if dtype.is_numeric() or dtype in _SCALAR:
        return column, False
    return _written(column), True


def _whole(column: pl.Series) -> pl.Series:
    """Whole numbers, as text where 64 bits do not hold all of them."""
    numbers = column.cast(pl.Int64, strict=False)
    return numbers if numbers.null_count() == column.null_count() else column.cast(pl.String)


def _decoded(column: pl.Series) -> pl.Series | None:
    """Bytes as text, in the one encoding that fits all cells; None where none does."""
    cells = column.to_list()
    for encoding in ("utf-8", "gb18030"):
        try:
            texts = [None if cell is None else cell.decode(encoding) for cell in cells]
        except UnicodeDecodeError:
            continue
        return None if any(_CONTROL.search(text) for text in texts if text) else pl.Series(texts)
    return None


def _written(column: pl.Series) -> pl.Series | None:
    """Lists and records as JSON, lengths of time as ISO 8601; None where they cannot be written."""
    if column.dtype == pl.Duration:
        return column.dt.to_string("iso")
    if _holds_bytes(column.dtype):
        return None
    packed = column.alias(_CELL).to_frame().select(pl.struct(_CELL)).to_series()
    try:
        text = guarded(packed.struct.json_encode, Path(column.name), "frame", otherwise=_CELL)
    except SchemaError:
        return None
    bare = text.str.replace(rf'^\{{"{_CELL}":', "").str.replace(r"\}$", "")
    return bare.set(column.is_null(), None)


def _holds_bytes(dtype: Any) -> bool:
    """Whether there are bytes somewhere in a nested type."""
    if isinstance(dtype, pl.Struct):
        return any(_holds_bytes(part.dtype) for part in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_bytes(dtype.inner)
    return dtype in (pl.Binary, pl.Object)


def canonical_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Plain columns so written that equal values are equal, whatever type held them.

    A whole number may be held as one of 8 or 64 bits or as a float, because another row lacks it;
    a date as a point in time at midnight.

    Examples
    --------
    >>> canonical_values(pl.DataFrame({"age": [61.0, None]}))["age"].to_list()
    ['61', None]
    """
    return frame.select(_canonical(frame[name]) for name in frame.columns)


def _canonical(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        days = column.dt.date()
        is_day = (column.dt.replace_time_zone(None) == days).fill_null(True).all()
        return (days if is_day else column.dt.cast_time_unit("us")).cast(pl.String)
    if column.dtype.is_float():
        column = column.fill_nan(None).cast(pl.Float64)
    text = column.cast(pl.String)
    return text.str.strip_suffix(".0") if column.dtype.is_float() else text
