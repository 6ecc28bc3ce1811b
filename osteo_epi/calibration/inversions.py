"""Pairs that two orderings of the same points put the other way round, without listing them all.

A permutation of 0 … n − 1 is split bit by bit from the top, stably. At each bit the pairs whose
higher bits agree and whose bit is (1, 0) are the inverted ones, so every inverted pair is met at
exactly one level. Counting takes O(n log n) time and O(n) memory in whole-array steps; drawing a
pair at random and listing all pairs cost the same plus what is drawn or listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Short = NDArray[np.int32]


@dataclass(frozen=True)
class Level:
    """One bit of the split: the values in place, and for each the ones before it in its segment."""

    values: Short
    ones: NDArray[np.bool_]
    ones_before: Short
    first_one: Short

    def counts(self) -> Short:
        """Inverted pairs that each value closes at this level (nought where its bit is one)."""
        return np.where(self.ones, 0, self.ones_before)

    def total(self) -> int:
        """Inverted pairs at this level."""
        return int(np.sum(self.ones_before, where=~self.ones, dtype=np.int64))

    def partners(self) -> NDArray:
        """The values whose bit is one, in place order; `first_one` points into them."""
        return self.values[self.ones]


def levels(permutation: NDArray) -> Iterator[Level]:
    """Split a permutation of 0 … n − 1 bit by bit, from the highest.

    Parameters
    ----------
    permutation
        Integers 0 … n − 1, each once, shape (n,).
    """
    values = np.asarray(permutation, dtype=np.int32)  # half the memory traffic of int64
    places = np.arange(len(values), dtype=np.int32)
    for bit in range(max(len(values) - 1, 0).bit_length() - 1, -1, -1):
        ones = ((values >> bit) & 1).astype(bool)
        before = np.cumsum(ones, dtype=np.int32) - ones
        start = (values >> (bit + 1)) << (bit + 1)
        first_one = before[start]
        within = before - first_one
        yield Level(values, ones, within, first_one)
        target = np.where(ones, start + (1 << bit) + within, places - within)
        split = np.empty_like(values)
        split[target] = values
        values = split


def count(permutation: NDArray) -> int:
    """Count the inverted pairs.

    Examples
    --------
    >>> count(np.array([2, 0, 1]))
    2
    """
    return sum(level.total() for level in levels(permutation))


def per_value(permutation: NDArray) -> Ints:
    """Count, for each value, the inverted pairs that it belongs to; shape (n,), by value.

    Examples
    --------
    >>> per_value(np.array([2, 0, 1])).tolist()
    [1, 1, 2]
    """
    n = len(permutation)
    total = np.zeros(n, dtype=np.int64)
    for bit, level in zip(
        range(max(n - 1, 0).bit_length() - 1, -1, -1), levels(permutation), strict=True
    ):
        start = (level.values >> (bit + 1)) << (bit + 1)
        zeros_before = np.arange(n) - start - level.ones_before
        # A segment that holds a one is full below it: it has exactly 2**bit zeros.
        total[level.values] += np.where(level.ones, (1 << bit) - zeros_before, level.ones_before)
    return total


def draw(permutation: NDArray, *, size: int, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Draw inverted pairs uniformly with replacement.

    Returns
    -------
    tuple
        The larger and the smaller value of each pair, shape (size,); empty where nothing inverts.
    """
    totals = np.array([level.total() for level in levels(permutation)], dtype=np.int64)
    share = rng.multinomial(size, totals / max(totals.sum(), 1)) if totals.any() else totals
    large: list[NDArray] = [np.empty(0, np.int64)]
    small: list[NDArray] = [np.empty(0, np.int64)]
    for level, wanted, total in zip(levels(permutation), share, totals, strict=True):
        if wanted == 0:
            continue
        ends = np.cumsum(level.counts(), dtype=np.int64)
        picks = np.sort(rng.integers(0, total, wanted))
        place = np.searchsorted(ends, picks, side="right")
        nth = picks - (ends[place] - level.ones_before[place])
        large.append(level.partners()[level.first_one[place] + nth])
        small.append(level.values[place])
    return np.concatenate(large), np.concatenate(small)


def listed(permutation: NDArray) -> tuple[NDArray, NDArray]:
    """List every inverted pair: the larger and the smaller value of each.

    Examples
    --------
    >>> large, small = listed(np.array([2, 0, 1]))
    >>> sorted(zip(large.tolist(), small.tolist()))
    [(2, 0), (2, 1)]
    """
    large: list[NDArray] = [np.empty(0, np.int64)]
    small: list[NDArray] = [np.empty(0, np.int64)]
    for level in levels(permutation):
        counts = level.counts()
        place = np.flatnonzero(counts)
        size = counts[place].astype(np.int64)
        nth = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        large.append(level.partners()[np.repeat(level.first_one[place], size) + nth])
        small.append(np.repeat(level.values[place], size))
    return np.concatenate(large), np.concatenate(small)
