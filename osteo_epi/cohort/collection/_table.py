"""One table of several files: their columns by the codebook, each in one type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._people import Source
from osteo_epi.cohort.collection._drift import Shape
from osteo_epi.cohort.collection._files import OneFile, files_named
from osteo_epi.findings import Finding, findings_of_files
from osteo_epi.frames import in_one_piece
from osteo_epi.rounding import counted

_EXACT = 1 << 53
"""Up to here a float holds every whole number."""


@dataclass(frozen=True)
class Table:
    """Conformed columns with what was noticed on the way to them.

    Parameters
    ----------
    frame
        Canonical columns, then the file's others.
    findings
        What reading noticed.
    origin
        Where it comes from.
    rows
        How many rows there were before those of one person were joined.
    label
        What the data are called; "" for the names of the files.
    shape
        What is compared between files.
    is_filled
        Whether identifiers below a merged cell are filled down: within a file, never beyond it.
    """

    frame: pl.DataFrame
    findings: list[Finding]
    origin: Source
    rows: int
    label: str = ""
    shape: Shape = field(default_factory=Shape)
    is_filled: bool = False


def joined(files: Sequence[OneFile], tables: list[Table]) -> Table:
    """One table of those of several files; the list is emptied.

    Parameters
    ----------
    files
        The files.
    tables
        Of each of them.

    Returns
    -------
    Table
        The codebook's columns in its types and order, then the others: in the type that all files
        have, else as text. A column that a file lacks is null in its rows.
    """
    names = [file.name for file in files]
    told = findings_of_files({n: t.findings for n, t in zip(names, tables, strict=True)})
    if len(files) > 1:
        rows = sum(table.rows for table in tables)
        message = f"{len(files)} files read as one table of {rows:,} rows: {files_named(names)}"
        told.insert(0, Finding("files_joined", "note", "", 0, message))
    rows = sum(table.rows for table in tables)
    origin = _origin(files, [table.origin for table in tables])
    label = "" if len(files) <= 2 else f"{counted(len(files), 'file')} ({files_named(names)})"
    frames = [table.frame for table in tables]
    tables.clear()
    return Table(_stacked(frames), told, origin, rows, label, is_filled=True)


def common_type(name: str, types: Sequence[pl.DataType], *, is_long: bool = False) -> pl.DataType:
    """The type of a column that files have in these: the codebook's, theirs, else text.

    Parameters
    ----------
    name
        Of the column.
    types
        In each of the files.
    is_long
        Whether it holds a whole number that no float holds, see `long_numbers`.

    Examples
    --------
    >>> common_type("village", [pl.Null(), pl.Int64(), pl.Float64()])
    Float64
    >>> common_type("village", [pl.Int64(), pl.Float64()], is_long=True)
    String
    >>> common_type("village", [pl.Float64(), pl.String()])
    String
    """
    true_or_false(is_long=is_long)
    if name in codebook():
        return codebook()[name].dtype
    known = list(dict.fromkeys(kind for kind in types if kind != pl.Null))
    if len(known) <= 1:
        return known[0] if known else pl.Null()
    numbers = all(kind.is_numeric() for kind in known)
    if is_long and not all(kind.is_signed_integer() for kind in known):
        return pl.String()
    if numbers and all(kind.is_integer() for kind in known):
        return pl.Int64()
    return pl.Float64() if numbers else pl.String()


def long_numbers(frame: pl.DataFrame) -> list[str]:
    """Columns, none of the codebook's, of whole numbers that a float would round.

    Examples
    --------
    >>> long_numbers(pl.DataFrame({"scan": [2**53 + 1], "village": [7]}))
    ['scan']
    """
    whole = [n for n, kind in frame.schema.items() if kind.is_integer() and n not in codebook()]
    ends = frame.select(
        pl.max_horizontal(pl.col(name).max() > _EXACT, pl.col(name).min() < -_EXACT).alias(name)
        for name in whole
    )
    return [name for name, is_long in ends.row(0, named=True).items() if is_long] if whole else []


def in_type(column: pl.Series, kind: pl.DataType) -> pl.Series:
    """A column in another type; a whole number in text without a point."""
    if column.dtype == kind:
        return column
    if kind == pl.String and column.dtype.is_float():
        return column.cast(pl.String).str.strip_suffix(".0")
    return column.cast(kind)


def merged(lists: Sequence[Sequence[str]]) -> list[str]:
    """Names of several lists, each once, in an order that keeps that of each as far as one can.

    Examples
    --------
    >>> merged([["age", "sex"], ["age", "smoker", "sex", "village"]])
    ['age', 'smoker', 'sex', 'village']
    """
    order: list[str] = []
    for names in lists:
        place = 0
        for name in names:
            if name in order:
                place = order.index(name) + 1
            else:
                order.insert(place, name)
                place += 1
    return order


def _stacked(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The frames below each other, a column after the other; the list is emptied."""
    names = merged([frame.columns for frame in frames])
    ordered = [name for name in codebook().variables if name in names]
    ordered += [name for name in names if name not in codebook()]
    long = {name for frame in frames for name in long_numbers(frame)}
    schema = {
        name: common_type(
            name, [f.schema[name] for f in frames if name in f.columns], is_long=name in long
        )
        for name in ordered
    }
    columns = []
    for name, kind in schema.items():
        parts = []
        for place, frame in enumerate(frames):
            if name in frame.columns:
                parts.append(in_type(frame[name], kind))
                frames[place] = frame.drop(name) if len(frame.columns) > 1 else frame
            else:
                parts.append(pl.repeat(None, len(frame), dtype=kind, eager=True).alias(name))
        columns.append(pl.concat([part.alias(name) for part in parts]))
    frames.clear()
    return in_one_piece(columns)


def _origin(files: Sequence[OneFile], origins: Sequence[Source]) -> Source:
    """Where all come from: the digest is that of the bytes of one file after the other."""
    readers = dict.fromkeys(origin.reader for origin in origins)
    encodings = dict.fromkeys(origin.encoding for origin in origins if origin.encoding)
    source = Source.of_files([file.path for file in files], reader=", ".join(readers))
    design: Mapping[str, str] = {}
    headings: Mapping[str, str] = {}
    for origin in reversed(origins):
        design, headings = {**design, **origin.design}, {**headings, **origin.headings}
    return replace(
        source, files=tuple(file.name for file in files), design=design, headings=headings,
        encoding=", ".join(encodings) or None,
    )  # fmt: skip
