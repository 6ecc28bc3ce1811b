"""Sums by groups of people, wherever they stand, whose last digit depends on no partitioning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from osteo_epi.engines import totals
from osteo_epi.summation._slices import names_of_slices, of_slices, slice_columns, whole_sums


class Addend(NamedTuple):
    """What is added up over people, and what has to be known of it before.

    Parameters
    ----------
    values
        The addends; null adds nothing.
    largest
        No addend is larger in size.
    whole
        Whether all are whole numbers.
    """

    values: pl.Expr
    largest: float
    whole: bool = False


def exact_totals(
    people: pl.LazyFrame | pl.DataFrame,
    by: Sequence[str],
    addends: Mapping[str, Addend],
    *,
    n: int,
    counts: Iterable[pl.Expr] = (),
) -> pl.DataFrame:
    """Add people up by groups.

    Threads, batches and partitions add in an order of their own, so what is no whole number is cut
    into slices first, whose sums are exact in any order.

    Parameters
    ----------
    people
        A frame, or a query; over people of another engine too.
    by
        Columns of the groups; none for one row.
    addends
        Name of a column of sums → what it adds up.
    n
        People at least.
    counts
        Other aggregates that are merged by their sum, as ``pl.len()``.

    Returns
    -------
    polars.DataFrame
        One row a group, in no order.

    Examples
    --------
    >>> people = pl.DataFrame({"sex": ["female", "male", "female"], "weight": [0.1, 0.2, 0.3]})
    >>> weight = {"sum": Addend(pl.col("weight"), 0.3)}
    >>> exact_totals(people, ["sex"], weight, n=3).sort("sex").rows()
    [('female', 0.4), ('male', 0.2)]
    """
    exact = {c: one.whole and whole_sums(one.largest, n) for c, one in addends.items()}
    cut = [
        column
        for name, one in addends.items()
        if not exact[name]
        for column in slice_columns(name, one.values, largest=one.largest, n=n)
    ]
    sums = [one.values.sum().alias(name) for name, one in addends.items() if exact[name]]
    sums += [pl.col(part).sum() for c in addends if not exact[c] for part in names_of_slices(c)]
    table = totals(people.lazy().with_columns(cut), by, sums=[*sums, *counts])
    table = table.with_columns(of_slices(name) for name in addends if not exact[name])
    return table.drop(part for c in addends if not exact[c] for part in names_of_slices(c))
