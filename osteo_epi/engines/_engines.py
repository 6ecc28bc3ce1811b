"""Which engine a frame is of, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl

from osteo_epi.engines._apart import refuse_together
from osteo_epi.engines._plan import scanned
from osteo_epi.engines._source import Source
from osteo_epi.errors import EngineError


class Opened(NamedTuple):
    """People of another engine as a query, and how the rows of a query become a frame of theirs."""

    query: pl.LazyFrame
    restore: Callable[[pl.LazyFrame], Any]


def opened(data: Any, from_pandas: Callable[[Any], Any]) -> Opened | None:
    """Open a frame of Spark, Dask or DuckDB, or a dataset of pyarrow; None where it is no such.

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
    if _is_of_spark(data):
        from osteo_epi.engines._spark import SparkPeople

        return opened(SparkPeople(data), from_pandas)
    if _is_of_dask(data):
        from osteo_epi.engines._dask import DaskPeople

        return opened(DaskPeople(data, from_pandas), from_pandas)
    if library in ("duckdb", "_duckdb") and hasattr(data, "project"):
        from osteo_epi.engines._duckdb import RelationRows

        relation = RelationRows(data)
        return Opened(relation.scanned(), relation.relation_of)
    if library == "pyarrow" and hasattr(data, "get_fragments"):
        from osteo_epi.engines._dataset import DatasetRows

        return Opened(DatasetRows(data).scanned(), lambda query: query)
    return None


def _is_of_spark(data: Any) -> bool:
    return type(data).__module__.partition(".")[0] == "pyspark" and hasattr(data, "mapInArrow")


def _is_of_dask(data: Any) -> bool:
    library = type(data).__module__.partition(".")[0]
    return library == "dask" and getattr(data, "ndim", 0) == 2 and hasattr(data, "map_partitions")


def refuse_to_bring(data: Any) -> None:
    """Refuse to bring everybody of a cluster here, which whoever reads a frame would do unsaid.

    Raises
    ------
    EngineError
        That says what to do there, and how some of them are brought here.

    Examples
    --------
    >>> refuse_to_bring(pl.DataFrame({"age": [61.0]}))
    """
    if not (_is_of_spark(data) or _is_of_dask(data) or isinstance(data, Source)):
        return
    rename, bring = (
        "frame.withColumnRenamed('your heading', 'sex')",
        "frame.limit(100000).toArrow()",
    )
    if _is_of_dask(data):
        rename = "frame.rename(columns={'your heading': 'sex'})"
        bring = "frame.head(100000, npartitions=-1)"
    raise EngineError(
        "reading takes a frame in whole, and these people stand in a cluster: bring its columns to "
        f"the codebook's names, words and units there ({rename}; `osteo-epi variables` lists them) "
        "and give it to check, classify and prevalence as it is. What some of it would be read as, "
        f"osteo_epi.read({bring}) says"
    )
