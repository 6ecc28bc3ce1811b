"""Sums, means and squares by group of a table, the same in every order and by any threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from osteo_epi.summation._slices import Codes, group_sums


def sums_by(table: pl.DataFrame, by: Sequence[str], addends: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Sums by group, as a table's own `group_by` would give them, but for the last digit.

    Parameters
    ----------
    table
        Rows to be added up.
    by
        Columns of the groups; none for one row.
    addends
        Name of a sum → what it adds up; null adds nothing.

    Returns
    -------
    polars.DataFrame
        The groups in the order of their first row, n (their rows), and the sums.

    Examples
    --------
    >>> people = pl.DataFrame({"sex": ["female", "male", "female"], "weight": [0.1, 0.2, 0.3]})
    >>> sums_by(people, ["sex"], {"sum": pl.col("weight")}).rows()
    [('female', 2, 0.4), ('male', 1, 0.2)]
    """
    groups, code = _coded(table, by)
    values = table.select(e.cast(pl.Float64).fill_null(0.0).alias(c) for c, e in addends.items())
    added = (
        pl.Series(name, group_sums(code, values[name].to_numpy(), size=groups.height))
        for name in addends
    )
    return groups.with_columns(added)


def moments(rows: pl.LazyFrame | pl.DataFrame, by: Sequence[str], column: str) -> pl.DataFrame:
    """Number, mean and sum of squared deviations of a column, by group.

    Parameters
    ----------
    rows
        A frame or a query; of a query only these columns are held.
    by
        Columns of the groups; none for one row.
    column
        Numbers, none missing.

    Returns
    -------
    polars.DataFrame
        The groups in the order of their first row, n, mean, squares.

    Examples
    --------
    >>> scans = pl.DataFrame({"person": ["a", "b", "a"], "bmd": [0.5, 0.75, 1.0]})
    >>> moments(scans, ["person"], "bmd").rows()
    [('a', 2, 0.75, 0.125), ('b', 1, 0.75, 0.0)]
    """
    table = rows.lazy().select(*by, pl.col(column).cast(pl.Float64)).collect()
    groups, code = _coded(table, by)
    n, values = groups["n"].to_numpy(), table[column].to_numpy()
    # From the lowest, so that readings that are all alike have squares of exactly 0.
    lowest = np.full(len(n), np.inf)
    np.minimum.at(lowest, code, values)
    above = values - lowest[code]
    mean = group_sums(code, above, size=len(n)) / n
    squares = group_sums(code, (above - mean[code]) ** 2, size=len(n))
    return groups.with_columns(mean=pl.Series(lowest + mean), squares=pl.Series(squares))


def _coded(table: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, Codes]:
    """The groups with the number of their rows, and the place of each row's group among them."""
    rows = pl.int_range(pl.len()).alias("_row")
    if not by:
        return pl.DataFrame({"n": [table.height]}), np.zeros(table.height, dtype=np.intp)
    groups = table.select(*by, rows).group_by(by, maintain_order=True).agg("_row")
    n = groups["_row"].list.len().cast(pl.Int64)
    code = np.empty(table.height, dtype=np.intp)
    code[groups["_row"].explode().to_numpy()] = np.repeat(np.arange(groups.height), n.to_numpy())
    return groups.select(*by, n=n), code
