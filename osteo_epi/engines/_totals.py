"""Sums over people, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
from polars import selectors as cs

from osteo_epi.engines._apart import refuse_together
from osteo_epi.engines._plan import Elsewhere, Plan, scanned
from osteo_epi.engines._source import Source

FIRST = 100_000
"""Rows that a look at people of another engine takes."""
SUM, LARGEST, LEAST = "sum", "max", "min"


def totals(
    people: pl.LazyFrame | pl.DataFrame,
    by: Sequence[str | pl.Expr] = (),
    *,
    sums: Iterable[pl.Expr] = (),
    largest: Iterable[pl.Expr] = (),
    least: Iterable[pl.Expr] = (),
) -> pl.DataFrame:
    """Add people up by groups: in one pass here, or in parts where they stand and then merged.

    Parameters
    ----------
    people
        A frame, or a query; over people of another engine too.
    by
        Columns of the groups; none for one row.
    sums, largest, least
        Aggregates that are merged by their sum, maximum and minimum: ``pl.len()``,
        ``(age > 50).sum()``; ``pl.col("weight").max()``; none that a part cannot tell, as a median.

    Returns
    -------
    polars.DataFrame
        One row a group, in no order.

    Raises
    ------
    EngineError
        If people stand elsewhere and the query takes several of them together.

    Examples
    --------
    >>> people = pl.LazyFrame({"sex": ["female", "male", "female"], "age": [61.0, 70.0, 55.0]})
    >>> totals(people, ["sex"], sums=[pl.len().alias("n")], largest=[pl.col("age").max()]
    ...        ).sort("sex").rows()
    [('female', 2, 61.0), ('male', 1, 70.0)]
    """
    kinds = {SUM: list(sums), LARGEST: list(largest), LEAST: list(least)}
    aggregates = [each for listed in kinds.values() for each in listed]
    if not aggregates and not by:  # nothing is asked of anybody
        return pl.DataFrame()
    lazy = people.lazy()
    query = lazy.group_by(by).agg(aggregates) if by else lazy.select(aggregates)
    names = {kind: [one.meta.output_name() for one in listed] for kind, listed in kinds.items()}
    # A count of a part has few bits; a sum of counts may need more.
    counts = cs.by_dtype(pl.UInt32) & cs.by_name([n for listed in names.values() for n in listed])
    query = query.with_columns(counts.cast(pl.Int64))
    try:
        return query.collect(engine="streaming")
    except Elsewhere as elsewhere:
        source = elsewhere.source
    refuse_together(lazy, source)
    keys = tuple(query.collect_schema().names()[: len(by)])
    return _merged_there(query, keys, names, source)


def _merged_there(
    query: pl.LazyFrame, keys: tuple[str, ...], names: dict[str, list[str]], source: Source
) -> pl.DataFrame:
    """The same where the people stand: partial tables, merged as their kinds say."""
    parts = scanned(query.collect_schema())
    merged = [getattr(pl.col(each), kind)() for kind, listed in names.items() for each in listed]
    merge = parts.group_by(keys).agg(merged) if keys else parts.select(merged)
    columns = source.columns_read(query)
    return source.reduced(Plan.of(query), Plan.of(merge), keys, columns)


def here(query: pl.LazyFrame) -> pl.LazyFrame:
    """A query in memory, so that it is not run again by each who asks; elsewhere as it is.

    Examples
    --------
    >>> here(pl.LazyFrame({"age": [61.0]}).filter(pl.col("age") > 50)).collect().height
    1
    """
    try:
        return query.collect().lazy()
    except Elsewhere:
        return query


def from_first_rows(query: pl.LazyFrame, n: int = FIRST) -> pl.DataFrame:
    """What a query gives of everybody, or where they stand elsewhere of the first n rows.

    For questions to which a look is an answer, and which no sum answers: what a column is like.

    Examples
    --------
    >>> from_first_rows(pl.LazyFrame({"age": [61.0, 70.0]}).select(pl.col("age").median())).rows()
    [(65.5,)]
    """
    try:
        return query.collect()
    except Elsewhere as elsewhere:
        with elsewhere.source.first_rows(n, query):
            return query.collect()


def first_rows(people: pl.LazyFrame, n: int = FIRST) -> pl.DataFrame:
    """The first rows of a query: a look at what people are like, not at all of them.

    Of people of another engine the query is asked of their first n rows.

    Examples
    --------
    >>> first_rows(pl.LazyFrame({"age": [61.0, 70.0]}), 1).rows()
    [(61.0,)]
    """
    try:
        return people.head(n).collect(engine="streaming")
    except Elsewhere as elsewhere:
        with elsewhere.source.first_rows(n, people):
            return people.head(n).collect()
