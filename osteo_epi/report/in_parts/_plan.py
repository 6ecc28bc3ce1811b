"""The parts of the input: a file each, or a range of rows of a large Parquet file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from osteo_epi.cohort import (
    Collection,
    Faults,
    OneFile,
    collected,
    columns_stored,
    files_named,
    row_groups,
)
from osteo_epi.errors import SchemaError
from osteo_epi.files import digest_of
from osteo_epi.findings import Finding
from osteo_epi.progress import with_progress
from osteo_epi.report._size import refuse_large_text
from osteo_epi.report.choices import Choices

MOST_CELLS = 12_000_000
"""Cells of a part of a Parquet file, which are read at once: 2,000,000 rows of 6 columns."""
_BESIDE = ("accept_errors",)
"""Choices that change no byte of a part: whether it may be made at all."""


@dataclass(frozen=True)
class Part:
    """One part: what is read at once, and written to one file.

    Parameters
    ----------
    number
        From 1, in the order of the files and their rows.
    file
        The file, with the range of its rows.
    sha256
        Of all bytes of the file.
    size
        [bytes] Its share of the file.
    state
        Size and time of the file when its bytes were looked at: they have to be the same when it
        has been read.
    """

    number: int
    file: OneFile
    sha256: str
    size: float
    state: tuple[int, int]

    @property
    def output(self) -> str:
        """The file that it is written to."""
        return f"part-{self.number:05d}.parquet"

    @property
    def input(self) -> dict[str, Any]:
        """What it is made of, as the manifest states it."""
        rows = None if self.file.rows is None else [self.file.rows[0], sum(self.file.rows)]
        stated: dict[str, Any] = {"file": self.file.name, "sha256": self.sha256, "rows": rows}
        return stated | ({"folders": dict(self.file.values)} if self.file.values else {})

    @property
    def title(self) -> str:
        """What messages call it."""
        if self.file.rows is None:
            return self.file.name
        start, n = self.file.rows
        return f"{self.file.name} (rows {start + 1:,} to {start + n:,})"

    def refuse_changed(self) -> None:
        """Insist that the file is the one whose bytes were looked at.

        Raises
        ------
        SchemaError
            If it is gone or another.
        """
        if _state(self.file.path) != self.state:
            raise SchemaError(
                f"{self.file.name} was changed while it was read; begin again when it is whole"
            )


def parts_of(choices: Choices, most_rows: int | None = None) -> tuple[list[Part], list[Finding]]:
    """Cut the files of the choices into parts.

    Parameters
    ----------
    choices
        The files, and how they are read.
    most_rows
        Of a part of a Parquet file; as many as 12,000,000 cells have by default.

    Raises
    ------
    SchemaError
        If files cannot be opened or are no tables: all of them are named at once. If they are
        NHANES tables, which are joined before a person is whole.
    """
    given = collected(choices.path, choices.source)
    if given is None:
        path = choices.paths[0]
        if not path.is_file() or choices.source == "nhanes":
            raise SchemaError(
                "tables of NHANES are joined before a person is whole, so they have no parts: "
                "read them in memory, with oe.read or osteo-epi run"
            )
        given = Collection((OneFile(path, path.name),))
    parts: list[Part] = []
    own: dict[str, Faults] = {}
    for file in with_progress(given.files, "looking at files", total=len(given.files)):
        own[file.name] = Faults()
        with own[file.name]:
            parts += _of_file(file, len(parts), choices.source, most_rows)
    faults = Faults()
    faults.of_files(own, files_named)
    faults.refuse()
    return parts, given.findings


def _of_file(file: OneFile, before: int, source: str, most_rows: int | None) -> list[Part]:
    try:
        state, digest = _state(file.path), digest_of(file.path)
    except OSError as error:
        raise SchemaError(f"{file.name} cannot be opened: {error.strerror}") from error
    file = replace(file, sha256=digest)
    groups = row_groups(file.path, source)
    if groups is None:
        refuse_large_text(file.path, file.name)
        return [Part(before + 1, file, digest, state[0], state)]
    most = most_rows or max(1, MOST_CELLS // max(1, len(columns_stored(file.path))))
    total = sum(groups)
    if total <= most:
        return [Part(before + 1, file, digest, state[0], state)]
    return [
        Part(
            before + i, replace(file, rows=(start, n)), digest, state[0] * n / total, state
        )
        for i, (start, n) in enumerate(_ranges(groups, most), start=1)
    ]  # fmt: skip


def _ranges(groups: list[int], most: int) -> Iterator[tuple[int, int]]:
    """Ranges of whole row groups as far as they fit; a larger one is cut.

    >>> list(_ranges([3, 3, 3, 12, 1], most=6))
    [(0, 6), (6, 3), (9, 6), (15, 6), (21, 1)]
    """
    start = n = 0
    for group in groups:
        if n and n + group > most:
            yield start, n
            start, n = start + n, 0
        n += group
        while n > most:
            yield start, most
            start, n = start + most, n - most
    if n:
        yield start, n


def _state(path: Path) -> tuple[int, int]:
    try:
        told = path.stat()
    except OSError as error:
        raise SchemaError(f"{path.name} cannot be opened: {error.strerror}") from error
    return told.st_size, told.st_mtime_ns


def made_by(definition: str, choices: Choices) -> dict[str, Any]:
    """What decides the bytes of every part, beside its input.

    Parameters
    ----------
    definition
        SHA-256 of the definition.
    choices
        Of these, how files are read and people classified.
    """
    return {
        "osteo_epi": version("osteo-epi"),
        "polars": version("polars"),
        "definition": definition,
        "options": stated(choices),
    }


def stated(choices: Choices) -> dict[str, Any]:
    """The options that are not their default and change what is written."""
    options = {}
    for name, choice in choices.catalogue().items():
        value = getattr(choices, name)
        if choice.group in ("read", "classify") and name not in _BESIDE and value != choice.default:
            options[choice.flag.removeprefix("--")] = choice.kind.write(value)
    return options


def key_of(part: Part, made: Mapping[str, Any]) -> str:
    """What two parts share that are the same to the byte."""
    text = json.dumps({**made, "input": part.input}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
