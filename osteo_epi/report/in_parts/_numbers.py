"""Persons and rows as numbers of 64 bits on the disk: how many stand in several parts.

A part keeps four files of numbers: the person of each row; of identifiers with zeros in front, the
number of each without them and with them; where nobody has an identifier, its rows, with what each
of them has; and of each row with several densities the scan and the person, 0 for nobody. All are
sorted, so that a slice of each is as many as the memory holds.
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

from osteo_epi.cohort import codebook, has_identifiers, measured, of_one_scan, places

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
        has = rows.select(places(told)).to_series()
        numbers = _sorted(_of_values(rows, told, salt), has)
        return {PERSONS: _none(), PADDED: _none(), ROWS: numbers, SCANS: _scans_of(people, salt)}
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
    return _sorted(_of_values(rows, key, salt), whose)


def _sorted(first: Numbers, second: Numbers | pl.Series) -> Numbers:
    """Two numbers a row, in order."""
    table = pl.DataFrame({"first": first, "second": second}).sort("first", "second")
    return table.to_numpy().reshape(-1)


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
    """Rows that stand in parts more than once.

    Parameters
    ----------
    pairs
        How many pairs are one, by what they have (has, pairs, n_apart); of `n_apart` rows one
        stands in another part.
    of
        How many rows of a part do (has, part, n).
    """

    pairs: pl.DataFrame
    of: pl.DataFrame


def rows_again(files: Sequence[Path], at_once: int = AT_ONCE) -> Again:
    """Which rows occur more than once.

    Parameters
    ----------
    files
        The rows of each part, as `numbers_of` gives them.
    at_once
        How many numbers are held in memory.
    """
    pairs, of = [], []
    n = pl.col("n").cast(pl.Float64)
    for table in _several(files, at_once):
        rows = table.group_by("first", pl.col("second").alias("has")).agg(
            pl.len().alias("n"), pl.col("part").n_unique().alias("parts")
        )
        apart = (pl.col("parts") > 1).sum().alias("n_apart")
        pairs.append(rows.group_by("has").agg((n * (n - 1) / 2).sum().alias("pairs"), apart))
        of.append(table.group_by(pl.col("second").alias("has"), "part").agg(pl.len().alias("n")))
    return Again(
        pl.concat(pairs).group_by("has").sum(), pl.concat(of).group_by("has", "part").sum()
    )  # fmt: skip


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
    persons, times = 0, 0
    for low, high in _slices(files, at_once):
        pieces = [np.unique(_between(file, low, high)) for file in files]
        _, counts = np.unique(np.concatenate([_none(), *pieces]), return_counts=True)
        persons += int((counts > 1).sum())
        times += int(counts[counts > 1].sum())
    return persons, times


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
    for table in _several(files, at_once):
        once = ~pl.struct("first", "second").is_duplicated() & (pl.col("second") != 0)
        for part, rows in table.filter(once).group_by("part").len().iter_rows():
            n[part] += rows
    return tuple(n.tolist())


def _several(files: Sequence[Path], at_once: int) -> Iterator[pl.DataFrame]:
    """Of two numbers a row those whose first occurs more than once, with the place of the part."""
    for low, high in _slices(files, at_once):
        pieces = [_between(file, low, high, width=2) for file in files]
        first = np.sort(np.concatenate([_none(), *(piece[:, 0] for piece in pieces)]))
        again = np.unique(first[1:][first[1:] == first[:-1]])
        held = [piece[_among(piece[:, 0], again)] for piece in pieces]
        yield pl.DataFrame(
            np.concatenate([np.empty((0, 2), np.uint64), *held]), schema=["first", "second"]
        ).with_columns(part=np.repeat(np.arange(len(files)), [len(piece) for piece in held]))


def _among(numbers: Numbers, several: Numbers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which numbers are among others; both are sorted."""
    if not len(several):
        return np.zeros(len(numbers), np.bool_)
    near = np.searchsorted(several, numbers).clip(max=len(several) - 1)
    return np.asarray(several[near] == numbers)


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
