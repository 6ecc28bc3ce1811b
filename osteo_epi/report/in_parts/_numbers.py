"""Persons and rows as numbers of 64 bits on the disk: how many stand in several parts.

A part keeps four files of numbers: the person of each row; of identifiers with zeros in front, the
number of each without them and with them; its rows, where nobody has an identifier; and of each row
with several densities the number of the scan and of the person, 0 for nobody. All are sorted, so
that a slice of each is as many as the memory holds.
"""

from __future__ import annotations

import itertools
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import codebook, has_identifiers, measured, of_one_scan

Numbers = np.ndarray[Any, np.dtype[np.uint64]]
PERSONS, PADDED, ROWS, SCANS = "persons", "padded", "rows", "scans"
KINDS = (PERSONS, PADDED, ROWS, SCANS)
AT_ONCE = 10_000_000
"""Numbers that are looked at together: 80 MB."""


def numbers_of(people: pl.DataFrame, salt: int) -> dict[str, Numbers]:
    """The numbers of a part.

    Parameters
    ----------
    people
        As they were read.
    salt
        Makes the numbers of no use elsewhere.

    Returns
    -------
    dict
        Of each kind. Two of 1e8 persons have one number by chance in 3 of 10,000 such data sets.
    """
    if not has_identifiers(people):
        rows = people.filter(measured(people.columns))
        told = [name for name in people.columns if name in codebook()]
        unnamed = {PERSONS: _none(), PADDED: _none(), ROWS: np.sort(_of_values(rows, told, salt))}
        return unnamed | {SCANS: _scans_of(people, salt)}
    names = people["person_id"].drop_nulls().cast(pl.String)
    padded = names.filter(names.str.starts_with("0"))
    pairs = pl.DataFrame(
        {"bare": padded.str.strip_chars_start("0").hash(salt), "full": padded.hash(salt)}
    ).sort("bare", "full")
    return {
        PERSONS: names.hash(salt).sort().to_numpy(),
        PADDED: pairs.to_numpy().reshape(-1),
        ROWS: _none(),
        SCANS: _scans_of(people, salt),
    }


def _none() -> Numbers:
    return np.empty(0, np.uint64)


def _scans_of(people: pl.DataFrame, salt: int) -> Numbers:
    """Scan and person of the rows in which enough was measured to tell a scan by."""
    key, enough = of_one_scan(people.columns)
    rows = people.filter(enough)
    whose = np.zeros(len(rows), np.uint64)
    if "person_id" in rows.columns:
        whose = rows["person_id"].cast(pl.String).hash(salt).to_numpy()
        whose = np.where(rows["person_id"].is_null().to_numpy(), np.uint64(0), whose)
    scans = pl.DataFrame({"scan": _of_values(rows, key, salt), "person": whose})
    return scans.sort("scan", "person").to_numpy().reshape(-1)


def _of_values(rows: pl.DataFrame, names: Sequence[str], salt: int) -> Numbers:
    """A number of the values of each row; a column without a value is as one that lacks."""
    numbers = np.zeros(len(rows), np.uint64)
    for name in names:
        values = rows[name].cast(codebook()[name].dtype)
        hashes = values.hash(salt + zlib.crc32(name.encode())).to_numpy()
        numbers += np.where(values.is_null().to_numpy(), np.uint64(0), hashes)
    return numbers


@dataclass(frozen=True)
class Again:
    """What stands in parts more than once.

    Parameters
    ----------
    things
        How many do.
    times
        How often, all of them together.
    pairs
        Of two that are one.
    of
        How often in each part.
    apart
        How many of them, added over the parts in which they stand: as many as `things` where none
        stands in several.
    """

    things: int
    times: int
    pairs: float
    of: tuple[int, ...]
    apart: int


def again(files: Sequence[Path], at_once: int = AT_ONCE, *, once: bool = False) -> Again:
    """How many numbers occur more than once.

    Parameters
    ----------
    files
        Sorted numbers, a file a part.
    at_once
        How many are held in memory.
    once
        Whether what stands in one part several times is taken as once.
    """
    things, times, pairs, of, apart = 0, 0, 0.0, np.zeros(len(files), np.int64), 0
    for low, high in _slices(files, at_once):
        pieces = [_between(file, low, high)[:, 0] for file in files]
        pieces = [np.unique(piece) for piece in pieces] if once else pieces
        values, counts = np.unique(np.concatenate([_none(), *pieces]), return_counts=True)
        values, counts = values[counts > 1], counts[counts > 1]
        things, times = things + len(values), times + int(counts.sum())
        pairs += float((counts * (counts - 1.0)).sum()) / 2
        if len(values):
            held = [piece[np.isin(piece, values)] for piece in pieces]
            of += [len(piece) for piece in held]
            apart += sum(len(np.unique(piece)) for piece in held)
    return Again(things, times, pairs, tuple(of.tolist()), apart)


def persons_in_several(files: Sequence[Path], at_once: int = AT_ONCE) -> tuple[int, int]:
    """How many persons occur in more than one part, and in how many parts together.

    Parameters
    ----------
    files
        The persons of each part, as `numbers_of` gives them.
    at_once
        How many are held in memory.

    Returns
    -------
    tuple
        Persons, and the parts of each, added.
    """
    found = again(files, at_once, once=True)
    return found.things, found.times


def written_otherwise(
    persons: Sequence[Path], padded: Sequence[Path], at_once: int = AT_ONCE
) -> int:
    """How many rows of parts have an identifier that another has but for zeros in front.

    Parameters
    ----------
    persons, padded
        Of each part, as `numbers_of` gives them.
    at_once
        How many are held in memory.
    """
    if not _length(padded):
        return 0
    n = 0
    for low, high in _slices([*persons, *padded], at_once):
        pairs = [_between(file, low, high, width=2) for file in padded]
        zeros = np.concatenate([np.empty((0, 2), np.uint64), *pairs])
        bare = np.concatenate([_none(), *(_between(file, low, high)[:, 0] for file in persons)])
        bare = bare[np.isin(bare, zeros[:, 0])]
        table = pl.DataFrame(
            {"bare": np.r_[bare, zeros[:, 0]], "full": np.r_[bare, zeros[:, 1]]}
        )  # fmt: skip
        several = table.group_by("bare").agg(pl.col("full").n_unique().alias("ways"), pl.len())
        n += int(several.filter(pl.col("ways") > 1)["len"].sum())
    return n


def scans_of_others(files: Sequence[Path], at_once: int = AT_ONCE) -> tuple[int, ...]:
    """How many persons of each part have a scan that is another's as well, or nobody's.

    Parameters
    ----------
    files
        The scans of each part, as `numbers_of` gives them.
    at_once
        How many numbers are held in memory.
    """
    n = np.zeros(len(files), np.int64)
    for low, high in _slices(files, at_once):
        pieces = [_between(file, low, high, width=2) for file in files]
        table = pl.DataFrame(
            np.concatenate([np.empty((0, 2), np.uint64), *pieces]), schema=["scan", "person"]
        ).with_columns(part=np.repeat(np.arange(len(files)), [len(piece) for piece in pieces]))
        table = table.filter(pl.col("scan").is_duplicated())
        once = ~pl.struct("scan", "person").is_duplicated() & (pl.col("person") != 0)
        for part, rows in table.filter(once).group_by("part").len().iter_rows():
            n[part] += rows
    return tuple(n.tolist())


def _length(files: Sequence[Path]) -> int:
    """How many numbers files hold."""
    return sum(file.stat().st_size for file in files) // np.dtype(np.uint64).itemsize


def _slices(files: Sequence[Path], at_once: int) -> Iterator[tuple[int, int]]:
    n = max(1, -(-_length(files) // at_once))
    return itertools.pairwise(int(edge) for edge in np.linspace(0, 2.0**64, n + 1))


def _between(file: Path, low: int, high: int, width: int = 1) -> Numbers:
    """The rows of a file whose first number lies in a slice.

    A file is open for that long alone: there may be more parts than a process may hold open.
    """
    if not file.stat().st_size:
        return _none().reshape(-1, width)
    held = np.asarray(np.memmap(file, np.uint64, "r")).reshape(-1, width)
    start, end = (bisect_left(held, edge, key=lambda row: int(row[0])) for edge in (low, high))
    return held[start:end].copy()
