"""The columns of all parts: each in one type, so that the folder is read as one table."""

from __future__ import annotations

import base64
import io
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from osteo_epi.cohort import (
    Faults,
    codebook,
    column_of,
    columns_promised,
    common_type,
    in_type,
    merged,
    strangers_promised,
)
from osteo_epi.diagnosis import Definition
from osteo_epi.errors import SchemaError
from osteo_epi.report.choices import Choices
from osteo_epi.report.in_parts._plan import Part

_ANYWHERE = " in any file"
"""How it ends what is said of a column to keep, when all parts are made."""


@dataclass
class Headings:
    """The columns that the files of several parts will have, which are asked for when they matter.

    Parameters
    ----------
    choices
        How the files are read.
    parts
        Of these files.
    """

    choices: Choices
    parts: Sequence[Part]

    @cached_property
    def of_files(self) -> list[tuple[str, ...] | None]:
        """The columns of each file; None where its first rows do not tell."""
        files = {part.file.path: part.file for part in self.parts}
        how = self.choices.arguments("read")
        promised = [(columns_promised(path, **how), files[path].values) for path in files]
        return [None if names is None else (*names, *values) for names, values in promised]

    @cached_property
    def columns(self) -> set[str]:
        """Of all files whose first rows tell."""
        return {name for names in self.of_files for name in names or ()}

    def to_keep(self, columns: Sequence[str], strangers: list[str]) -> list[str]:
        """Columns to keep of a part: those that it has, and those that no file can have.

        Parameters
        ----------
        columns
            Of the part.
        strangers
            Filled with what is said of the others.
        """
        absent = [n for n in self.choices.keep if n != "all" and column_of(n, columns) is None]
        elsewhere = [
            name for name in absent
            if any(there is None or column_of(name, there) for there in self.of_files)
        ]  # fmt: skip
        strangers += map(_of_keep, elsewhere)
        return [name for name in self.choices.keep if name not in elsewhere]

    def refuse_strangers(self) -> None:
        """Insist before work is spent that each column that is declared stands in some file.

        Raises
        ------
        SchemaError
            If it stands in none; nothing is said where the first rows of a file do not tell.
        """
        how = self.choices.arguments("read")
        if not any(how.get(name) for name in ("map", "units", "missing")):
            return
        said = []
        for file in {part.file.path: part.file for part in self.parts}.values():
            strangers = strangers_promised(file, **how)
            if not strangers:
                return
            said.append(strangers)
        refuse_strangers(said)

    def unseen(self, said: Sequence[str], others: Sequence[Sequence[str]]) -> list[str]:
        """What is said of declared columns that a part lacks, and no other one is known to have.

        Parameters
        ----------
        said
            Of the part.
        others
            Of other parts that are made.
        """
        how, files = self.choices.arguments("read"), {p.file.path: p.file for p in self.parts}
        declared = [text for text in said if not text.endswith(_ANYWHERE)]
        promised = [strangers_promised(file, **how) for file in files.values() if declared]
        lacks = [_about(texts) for texts in (*others, *promised) if texts is not None]
        kept = [
            text
            for text, name in ((_of_keep(name), name) for name in self.choices.keep)
            if text in said
            and all(text in texts for texts in others)
            and column_of(name, sorted(self.columns)) is None
        ]
        return [
            *(text for text in declared if all(_about([text]) <= about for about in lacks)),
            *(text.removesuffix(_ANYWHERE) for text in kept),
        ]

    def of_regions(self, columns: Container[str], definition: Definition) -> list[pl.Expr]:
        """Null columns of regions that no column of a part is of, and of another file there is one.

        The people are those in whom these regions were not measured, and not none of a definition.
        """
        if any(name in columns for name in _wanted(definition)):
            return []
        named = self.named(definition)
        return [pl.lit(None, codebook()[name].dtype).alias(name) for name in named]

    def named(self, definition: Definition) -> list[str]:
        """Columns of the files that are of regions which a definition reads."""
        wanted = _wanted(definition)
        return [name for name in wanted if name in codebook() and name in self.columns]


def refuse_strangers(said: Sequence[Sequence[str]]) -> None:
    """Insist that a column that is declared stands in some file: of each, what it lacks is said.

    Examples
    --------
    >>> refuse_strangers([["map: no column 'a'; nearest: b"], []])
    """
    about = [_about(texts) for texts in said]
    common = set.intersection(*about) if about else set()
    faults = Faults()
    for text in said[0] if said else ():
        if text.partition(";")[0] in common:
            with faults:
                raise SchemaError(text)
    faults.refuse()


def _about(said: Sequence[str]) -> set[str]:
    """What is said of columns that lack; the names that are near differ between files."""
    return {text.partition(";")[0] for text in said}


def _of_keep(name: str) -> str:
    return f"keep={name!r}: there is no such column{_ANYWHERE}"


def _wanted(definition: Definition) -> list[str]:
    names = ("abmd_{}", "t_score_{}_reported")
    return [name.format(roi) for roi in definition.scored for name in names]


def columns_of_all(schemas: Sequence[pl.Schema], long: Container[str] = ()) -> pl.Schema:
    """The columns that some part has, in an order that keeps that of each.

    Parameters
    ----------
    schemas
        The columns of each part.
    long
        Those that hold whole numbers which a float would round.

    Examples
    --------
    >>> first, second = pl.Schema({"age": pl.Float64}), pl.Schema({"k": pl.Null, "age": pl.Float64})
    >>> columns_of_all([first, second]).names()
    ['k', 'age']
    """
    names = merged([schema.names() for schema in schemas])
    types = {name: [s[name] for s in schemas if name in s] for name in names}
    return pl.Schema({n: common_type(n, t, is_long=n in long) for n, t in types.items()})


def aligned(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """A part with all of these columns; one that it lacks is null."""
    columns = [
        in_type(frame[name], kind)
        if name in frame.columns
        else pl.repeat(None, len(frame), dtype=kind, eager=True).alias(name)
        for name, kind in schema.items()
    ]
    return pl.DataFrame(columns)


def as_made(frame: pl.DataFrame, entry: Mapping[str, Any]) -> pl.DataFrame | None:
    """A part with its own columns, from what it was made for others; None where types changed."""
    made = unpacked(entry["columns"]).schema
    before = {new: name for name, new in entry["renamed"].items()}
    own = frame.rename(before, strict=False).select(made.names())
    return own if own.schema == made else None


def packed(frame: pl.DataFrame) -> str:
    """The names and types of columns as a text."""
    buffer = io.BytesIO()
    frame.clear().write_ipc(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def unpacked(text: str) -> pl.DataFrame:
    """No row of the columns that a text tells."""
    return pl.read_ipc(io.BytesIO(base64.b64decode(text)))
