"""Which engine a frame is of, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl

from osteo_epi.engines._apart import refuse_together
from osteo_epi.engines._plan import scanned
from osteo_epi.engines._source import Source


class Opened(NamedTuple):
    """People of another engine as a query, and how the rows of a query become a frame of theirs."""

    query: pl.LazyFrame
    restore: Callable[[pl.LazyFrame], Any]


def opened(data: Any, from_pandas: Callable[[Any], Any]) -> Opened | None:
    """Open a frame of Spark, Dask or DuckDB; None where it is of none of them.

    Parameters
    ----------
    data
        Anything.
    from_pandas
        Takes a frame of pandas as Polars, and gives the function that gives one back: the
        partitions of Dask are such frames.
    """
    if isinstance(data, Source):
        return Opened(
            scanned(data.schema, data), lambda query: data.mapped(refuse_together(query, data))
        )
    library = type(data).__module__.partition(".")[0]
    if library == "pyspark" and hasattr(data, "mapInArrow"):
        from osteo_epi.engines._spark import SparkPeople

        return opened(SparkPeople(data), from_pandas)
    if library == "dask" and getattr(data, "ndim", 0) == 2 and hasattr(data, "map_partitions"):
        from osteo_epi.engines._dask import DaskPeople

        return opened(DaskPeople(data, from_pandas), from_pandas)
    if library in ("duckdb", "_duckdb") and hasattr(data, "project"):
        from osteo_epi.engines._duckdb import RelationRows

        rows = RelationRows(data)
        return Opened(rows.scanned(), rows.relation_of)
    return None
