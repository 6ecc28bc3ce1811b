"""The slices that every sum is cut into.

Floating-point addition is not associative: the same weights added in another order, or in parts by
two threads, differ in the last digits, and then so do the bytes of every table made of them. Here
each addend is cut at fixed places into three slices. The places are powers of two so far above the
largest addend that a slice's sum is exact, in whatever order it is made; only the three exact sums
are added with rounding, always in the same order.

Source: Demmel and Nguyen 2015, Parallel Reproducible Summation, IEEE Transactions on Computers
64(7):2060-2070, doi:10.1109/TC.2014.2345391 (after Rump's error-free vector transformation).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

SLICES = 3
MANTISSA = 53
# Above it a place to cut at would be infinite: such numbers are no weights and no densities.
LARGEST_EXPONENT = 1020
# Arrays are summed in blocks of columns, and of numbers, that fit into the cache.
BLOCK = 16
NUMBERS = 1 << 15


def cuts(largest: float, n: int) -> tuple[float, ...]:
    """Places at which n addends, none larger than `largest` in size, are cut.

    Each is 1.5 times a power of two, so that the sum with an addend of either sign has the same
    spacing of doubles.

    Examples
    --------
    >>> cuts(1.0, 4)
    (24.0, 2.1316282072803006e-14, 1.8932661725304283e-29)
    """
    below = math.frexp(largest)[1]
    spread = max(n - 1, 0).bit_length() + 1
    places = []
    for _ in range(SLICES):
        power = below + spread
        places.append(math.ldexp(1.5, power))
        below = power - MANTISSA
    return tuple(places)


def sliced(values: Any, places: tuple[float, ...]) -> list[Any]:
    """The slices of an array or of a Polars expression, the largest first.

    What is below the last place is dropped: less than 2^-80 of the largest addend times their
    number.
    """
    slices, rest = [], values
    for place in places:
        part = (rest + place) - place
        slices.append(part)
        rest = rest - part
    return slices


def sums(values: Array) -> Array:
    """Column sums.

    Parameters
    ----------
    values
        (n, …) addends; numbers that are not finite are added as they are.

    Returns
    -------
    ndarray
        (…) sums over the first axis, the same in every order of the n rows.

    Examples
    --------
    >>> sums(np.array([1e16, 1.0, -1e16])), sums(np.array([1.0, -1e16, 1e16]))
    (np.float64(1.0), np.float64(1.0))
    """
    table = np.asarray(values, dtype=float)
    places = _cuts_of(table)
    if places is None:
        return np.sort(table, axis=0).sum(axis=0)
    parts = np.zeros((SLICES, *table.shape[1:]))
    step = max(NUMBERS * len(table) // max(table.size, 1), 1)
    for start in range(0, len(table), step):  # the blocks' sums are exact, and so is theirs
        _add_slices(parts, table[start : start + step], places)
    return parts[0] + (parts[1] + parts[2])


def _add_slices(parts: Array, block: Array, places: tuple[float, ...]) -> None:
    """Add the column sums of a block's slices, in room that is used again."""
    rest, part = block.copy(), np.empty_like(block)
    for i, place in enumerate(places):
        np.add(rest, place, out=part)
        part -= place
        rest -= part
        parts[i] += np.einsum("i...->...", part)


def group_sums(group: Codes, values: Array, *, size: int = 0) -> Array:
    """Sums by group, as `np.bincount` with weights gives them.

    Parameters
    ----------
    group
        (n,) group 0 … of each row.
    values
        (n,) addends.
    size
        Number of groups at least.

    Returns
    -------
    ndarray
        (groups,) sums, the same in every order of the rows.

    Examples
    --------
    >>> group_sums(np.array([0, 1, 0]), np.array([0.5, 2.0, 0.25]), size=3)
    array([0.75, 2.  , 0.  ])
    """
    addends = np.asarray(values, dtype=float)
    places = _cuts_of(addends)
    if places is None:
        order = np.argsort(addends, kind="stable")
        return np.bincount(group[order], addends[order], minlength=size).astype(float)
    groups = max(size, int(group.max(initial=-1)) + 1)
    # Few groups: in blocks that fit into the cache; many: as many sums as addends, and all at once.
    step = NUMBERS if groups * BLOCK <= NUMBERS else max(len(addends), 1)
    parts = np.zeros((SLICES, groups))
    for start in range(0, len(addends), step):
        there = slice(start, start + step)
        for i, part in enumerate(sliced(addends[there], places)):
            parts[i] += np.bincount(group[there], part, minlength=groups)
    return parts[0] + (parts[1] + parts[2])


def weighted_sums(weight: Array, table: Array) -> Array:
    """Column sums of an (n,) or (n, k) table under (n,) weights: `weight @ table`."""
    columns = np.asarray(table, dtype=float)
    return sums(weight * columns if columns.ndim == 1 else weight[:, None] * columns)


def cross_products(table: Array) -> Array:
    """(k, k) sums of products of the columns of an (n, k) table: `table.T @ table`.

    Examples
    --------
    >>> cross_products(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[10., 14.],
           [14., 20.]])
    """
    k = table.shape[1]
    product = np.empty((k, k))
    for i in range(k):
        for first in range(i, k, BLOCK):
            there = slice(first, min(first + BLOCK, k))
            product[i, there] = sums(table[:, [i]] * table[:, there])
        product[i:, i] = product[i, i:]
    return product


def _cuts_of(table: Array) -> tuple[float, ...] | None:
    """Where to cut an array; None where a number is not finite, or too large to be cut."""
    if not table.size:
        return cuts(0.0, 0)
    largest = max(float(table.max()), -float(table.min()))
    if not math.isfinite(largest) or math.frexp(largest)[1] + 64 > LARGEST_EXPONENT:
        return None
    return cuts(largest, len(table))


def whole_sums(largest: float, n: int) -> bool:
    """Whether sums of n whole numbers up to `largest` are exact as they are, in any order."""
    return largest * n < 2.0**MANTISSA


def slice_columns(name: str, values: pl.Expr, *, largest: float, n: int) -> list[pl.Expr]:
    """Columns to be added up by `pl.sum`, whatever the grouping and the threads.

    Parameters
    ----------
    name
        Beginning of the columns' names.
    values
        The addends.
    largest
        No addend is larger in size.
    n
        Number of addends at least.

    Returns
    -------
    list of Expr
        Columns `name 0` … of slices; `of_slices` joins their sums.
    """
    places = cuts(largest, n)
    return [part.alias(f"{name} {i}") for i, part in enumerate(sliced(values, places))]


def names_of_slices(name: str) -> list[str]:
    """Names of the columns of `slice_columns`."""
    return [f"{name} {i}" for i in range(SLICES)]


def of_slices(name: str) -> pl.Expr:
    """The sum, from the sums of the columns of `slice_columns`."""
    first, second, third = (pl.col(part) for part in names_of_slices(name))
    return (first + (second + third)).alias(name)
