"""Controlled rounding of tables of counts: the other way to protect small cells.

Every count becomes a neighbouring multiple of the base such that the rounded cells still add up.
Rounding each cell to its nearest multiple does not protect: 2 + 2 = 4 becomes 0 + 0 = 5, from which
anybody concludes that neither part is empty. A rounded table that adds up is itself a table that
could have been counted, so 0, or the base, is always among the values that a cell may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.errors import OutputError
from osteo_epi.frames import as_polars
from osteo_epi.html import html_table
from osteo_epi.results import Result
from osteo_epi.tables.disclosure._cells import ALL, CountTable, Nested, read_cells
from osteo_epi.tables.disclosure._solver import solve_whole

FURTHEST = 3  # multiples that a count may move in a table that nearer ones cannot solve


@dataclass(frozen=True, repr=False)
class Rounded(Result):
    """Tables of counts rounded to multiples of a base that add up.

    Attributes
    ----------
    tables
        The tables in their order, without other columns of numbers: percentages of the true counts
        would undo the rounding; make them from the rounded counts.
    base
        What all counts are multiples of; true counts lie less than `steps` × base away.
    steps
        1 wherever neighbouring multiples suffice, as in every table of two dimensions.
    """

    no_figure = "holds tables: read them in to_frame()"

    tables: tuple[pl.DataFrame, ...]
    base: int
    steps: int

    def to_polars(self) -> pl.DataFrame:
        """The table; several ones below each other."""
        return pl.concat(self.tables, how="diagonal_relaxed")

    def _summary(self) -> str:
        tables = "1 table" if len(self.tables) == 1 else f"{len(self.tables)} tables"
        return f"{tables} in multiples of {self.base}"

    def _repr_html_(self) -> str:
        return "".join(map(html_table, self.tables))


def round_counts(
    data: Any,
    *,
    by: Sequence[str],
    base: int,
    count: str = "n",
    total: str = ALL,
    nested: Nested | None = None,
) -> Rounded:
    """Round all counts to multiples of a base so that the rounded tables still add up.

    Parameters
    ----------
    data
        A frame of counts, or several that are published together, as in `suppress_counts`.
    by
        Columns that tell the cells apart.
    base
        The base; take the threshold of the rule that applies.
    count, total
        Column of counts [people], and the level that marks a margin.
    nested
        Levels made of others, as in `suppress_counts`.

    Returns
    -------
    Rounded

    Raises
    ------
    SchemaError
        If counts are not whole numbers, keys repeat, or parts exceed their total.
    OutputError
        If no rounded table adds up.

    Notes
    -----
    Zero-restricted controlled rounding (Cox 1987): multiples stay, others go to a neighbouring
    multiple, with the least sum of distances.

    Examples
    --------
    >>> table = pl.DataFrame({"sex": ["female", "male", "all"], "n": [12, 2, 14]})
    >>> round_counts(table, by=["sex"], base=5).tables[0].rows()
    [('female', 10), ('male', 5), ('all', 15)]
    """
    if base < 2:
        raise OutputError(f"rounding to {base} changes nothing; take a base of 2 or more")
    several = list(data) if isinstance(data, list | tuple) else [data]
    tables = [as_polars(table)[0].lazy().collect() for table in several]
    cells, rows = read_cells(tables, count=count, by=by, total=total, nested=nested)
    values, steps = _nearest_additive(cells, base)
    rounded = tuple(
        _replace(table, values[places], count, by)
        for table, places in zip(tables, rows, strict=True)
    )
    return Rounded(rounded, base, steps)


def _replace(
    table: pl.DataFrame, values: NDArray[np.int64], count: str, by: Sequence[str]
) -> pl.DataFrame:
    numbers = [c for c, kind in table.schema.items() if kind.is_numeric() and c not in by]
    return table.with_columns(pl.Series(count, values)).drop(set(numbers) - {count})


def _nearest_additive(cells: CountTable, base: int) -> tuple[NDArray[np.int64], int]:
    for steps in range(1, FURTHEST + 1):
        values = _search(cells, base, steps)
        if values is not None:
            return values, steps
    raise OutputError(
        f"no table of multiples of {base} adds up within {FURTHEST} steps of the counts; "
        f"hide small counts instead"
    )


def _search(cells: CountTable, base: int, steps: int) -> NDArray[np.int64] | None:
    """Integer programme over (multiple, distance) of each cell."""
    from scipy.optimize import Bounds, LinearConstraint

    exact = cells.counts / base
    low, high = np.floor(exact) - (steps - 1), np.ceil(exact) + (steps - 1)
    size = len(exact)
    eye = np.eye(size)
    away = np.block([[eye, -eye], [-eye, -eye]])  # |multiple - exact| <= distance
    adds_up = np.hstack([cells.sums.toarray(), np.zeros(cells.sums.shape)])
    result = solve_whole(
        np.concatenate([np.zeros(size), np.ones(size)]),
        integrality=np.repeat([1, 0], size),
        bounds=Bounds(
            np.concatenate([np.maximum(low, 0), np.zeros(size)]),
            np.concatenate([high, np.full(size, np.inf)]),
        ),
        constraints=[
            LinearConstraint(away, -np.inf, np.concatenate([exact, -exact])),
            LinearConstraint(adds_up, 0, 0),
        ],
    )
    return None if result.x is None else base * np.round(result.x[:size]).astype(np.int64)
