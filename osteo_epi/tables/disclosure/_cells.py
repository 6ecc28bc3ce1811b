"""A table of counts as an outsider sees it: cells, and the sums that tie them together.

Cells of all tables that are published together form one system, because a margin that two tables
share ties the one to the other. A total that exceeds the sum of its listed parts leaves a
remainder, which anybody can compute: it is a cell of its own, though no table prints it. A wider
band is the sum of the narrower ones within it, in whichever tables they stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.errors import SchemaError
from osteo_epi.tables.disclosure._levels import Above, levels_above, refuse_nested_columns

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Key = tuple[str, ...]
Nested = Mapping[str, Mapping[str, Sequence[str]]]
Mask = NDArray[np.bool_]
ALL = "all"
MISSING = "(missing)"


@dataclass(frozen=True)
class CountTable:
    """Counts and their sums.

    Attributes
    ----------
    by
        Names of the dimensions.
    keys
        (cells,) the level of each dimension; "all" in a margin. Remainders come last and have the
        key of their total.
    counts
        (cells,) true counts.
    listed
        How many of the cells are printed; those after them are remainders.
    sums
        (equations, cells) matrix whose product with the counts is 0.
    """

    by: tuple[str, ...]
    keys: tuple[Key, ...]
    counts: NDArray[np.int64]
    listed: int
    sums: csr_array

    @property
    def margins(self) -> NDArray[np.int64]:
        """(cells,) over how many dimensions a cell is summed."""
        return np.array([sum(level == ALL for level in key) for key in self.keys])

    def name(self, cell: int) -> str:
        """A cell as a reader would call it."""
        key = zip(self.by, self.keys[cell], strict=True)
        levels = ", ".join(f"{d}={level}" for d, level in key if level != ALL) or "total"
        return levels if cell < self.listed else f"unlisted part of {levels}"


def read_cells(
    tables: Sequence[pl.DataFrame],
    *,
    count: str,
    by: Sequence[str],
    total: str,
    nested: Nested | None = None,
) -> tuple[CountTable, list[list[int]]]:
    """Join tables into one system; also the cell of each row of each table.

    Raises
    ------
    SchemaError
        If counts are missing, negative or not whole, keys repeat, tables disagree on a margin,
        parts exceed their total, or groupings overlap and are not nested.
    """
    counts: dict[Key, int] = {}
    rows: list[list[int]] = []
    places: dict[Key, int] = {}
    for number, table in enumerate(tables, 1):
        keys = _keys(table, count=count, by=by, total=total)
        values = _counts(table, count)
        for key, value in zip(keys, values, strict=True):
            if counts.setdefault(key, value) != value:
                raise SchemaError(
                    f"table {number} has another {count!r} than a table before it in a row that "
                    f"both have; make the tables from the same people"
                )
            places.setdefault(key, len(places))
        rows.append([places[key] for key in keys])
    above = _above(list(counts), by, tables, nested)
    return _system(counts, tuple(by), above), rows


def _above(
    keys: list[Key], by: Sequence[str], tables: Sequence[pl.DataFrame], nested: Nested | None
) -> list[Above]:
    """For each dimension the levels that a level lies within, the total the last of them."""
    levels = {name: {key[d] for key in keys} - {ALL, MISSING} for d, name in enumerate(by)}
    if nested is None:
        pairs = {frozenset(p) for t in tables for p in combinations(set(t.columns) & set(by), 2)}
        refuse_nested_columns(levels, pairs)
    unknown = sorted(set(nested or {}) - set(by))
    if unknown:
        raise SchemaError(f"nested names {', '.join(unknown)}, which is not among by={list(by)}")
    within = {name: levels_above(name, levels[name], (nested or {}).get(name, {})) for name in by}
    deep = [name for name, above in within.items() if any(above.values())]
    if len(deep) > 1:
        raise SchemaError(
            f"{' and '.join(deep)} both have levels within levels: tables of two such groupings "
            "cannot be protected together; publish one of the groupings of either"
        )
    return [
        {level: (*higher, ALL) for level, higher in within[name].items()} | {MISSING: (ALL,)}
        for name in by
    ]


def _keys(table: pl.DataFrame, *, count: str, by: Sequence[str], total: str) -> list[Key]:
    present = [d for d in by if d in table.columns]
    if count not in table.columns or not present:
        raise SchemaError(
            f"a table needs the column {count!r} and one of {list(by)}; it has {table.columns}"
        )
    levels = table.select(
        pl.col(d).cast(pl.String).fill_null(MISSING).replace(total, ALL)
        if d in present
        else pl.lit(ALL).alias(d)
        for d in by
    )
    repeated = int(levels.is_duplicated().sum())
    if repeated:
        raise SchemaError(
            f"{repeated} rows share their levels of {present}; name every column that tells rows "
            f"apart in by="
        )
    return levels.rows()


def _counts(table: pl.DataFrame, count: str) -> list[int]:
    values = table[count].cast(pl.Float64)
    wrong = table.height - int(((values >= 0) & (values == values.round())).fill_null(False).sum())
    if wrong:
        raise SchemaError(
            f"{count!r} must hold whole numbers of people: {wrong} of {table.height} rows are "
            f"missing, negative or fractional; weighted totals are not counts of people"
        )
    return values.cast(pl.Int64).to_list()


def _system(counts: dict[Key, int], by: tuple[str, ...], above: list[Above]) -> CountTable:
    keys, values = list(counts), list(counts.values())
    place = {key: i for i, key in enumerate(keys)}
    equations: list[dict[int, int]] = []
    complete: set[tuple[int, int]] = set()
    listed = sorted(_parts(keys, place, above).items(), key=lambda e: len(e[0][1]))
    for (parent, over), parts in listed:
        if len(over) > 1 and any((parent, d) in complete for d in over):
            continue  # follows from the sums over single dimensions
        remainder = values[parent] - sum(values[i] for i in parts)
        if remainder < 0:
            raise SchemaError(
                f"the rows that make up a total exceed it, along {[by[d] for d in over]}; "
                f"check that groups do not overlap"
            )
        equation = {parent: 1, **dict.fromkeys(parts, -1)}
        if remainder:
            equation[len(keys)] = -1
            keys.append(keys[parent])
            values.append(remainder)
        else:
            complete.update((parent, d) for d in over if len(over) == 1)
        equations.append(equation)
    return CountTable(by, tuple(keys), np.array(values), len(counts), _matrix(equations, len(keys)))


def _parts(
    keys: list[Key], place: dict[Key, int], above: list[Above]
) -> dict[tuple[int, tuple[int, ...]], list[int]]:
    """For each total and set of dimensions that it is summed over, its widest listed parts."""
    parts: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for i, key in enumerate(list(keys)):
        concrete = [d for d, level in enumerate(key) if level != ALL]
        for size in range(1, len(concrete) + 1):
            for over in combinations(concrete, size):
                for parent in _lifted(key, over, above):
                    if parent in place:
                        parts.setdefault((place[parent], over), []).append(i)
    return {
        (parent, over): [i for i in within if not _held(keys[i], over, above, within, place)]
        for (parent, over), within in parts.items()
    }


def _lifted(key: Key, over: tuple[int, ...], above: list[Above]) -> list[Key]:
    """Keys of which a cell is a part, wider in every one of the dimensions."""
    wider = product(*(above[d][key[d]] for d in over))
    places = [dict(zip(over, levels, strict=True)) for levels in wider]
    return [tuple(lift.get(d, level) for d, level in enumerate(key)) for lift in places]


def _held(
    key: Key, over: tuple[int, ...], above: list[Above], parts: list[int], place: dict[Key, int]
) -> bool:
    """Whether another of the parts holds a cell already, as a wider band does."""
    chains = [(key[d], *above[d][key[d]]) for d in over]
    if all(len(chain) == 2 for chain in chains):
        return False  # nothing but the total is wider
    listed = set(parts)
    for levels in product(*chains):
        lift = dict(zip(over, levels, strict=True))
        wider = tuple(lift.get(d, level) for d, level in enumerate(key))
        if wider != key and place.get(wider) in listed:
            return True
    return False


def _matrix(equations: list[dict[int, int]], size: int) -> csr_array:
    from scipy.sparse import csr_array

    rows = [r for r, equation in enumerate(equations) for _ in equation]
    columns = [c for equation in equations for c in equation]
    signs = [s for equation in equations for s in equation.values()]
    return csr_array((np.array(signs, float), (rows, columns)), shape=(len(equations), size))
