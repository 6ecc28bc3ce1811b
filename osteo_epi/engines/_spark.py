"""Spark: partitions through the same expressions, by Arrow; cells come to the driver, no people."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from inspect import signature
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from osteo_epi import errors
from osteo_epi.engines._parts import BUCKETS, ROWS, dealt, from_bytes, merged, partial, typed
from osteo_epi.engines._plan import Plan, refuse_other_versions, versions
from osteo_epi.engines._source import Source, refuse_twice
from osteo_epi.errors import EngineError, OsteoEpiError, SchemaError

DIRECT = 8
"""Partitions whose tables the driver merges itself; those of more are first merged in Spark."""
TABLES = "bucket int, cells binary"
_LOOK = (
    "ask for the same columns there, as frame.write.format('noop').mode('overwrite').save(), and "
    "see what it says of them (values of people may be in it)"
)
_met: set[str] = set()
"""Spark applications one of whose executors was seen to have this package, in these versions."""


class SparkPeople(Source):
    """A frame of Spark.

    Parameters
    ----------
    frame
        A `pyspark.sql.DataFrame`; nothing of it is computed yet.

    Raises
    ------
    SchemaError
        If a name stands twice, or a column is of a type that Arrow or Polars do not have.
    EngineError
        If the executors lack this package.
    """

    name = "a Spark frame"
    way_over = "frame.toArrow() after a filter or a sample"

    def __init__(self, frame: Any) -> None:
        refuse_twice(frame.columns)
        self.frame = frame
        self.zone = _zone(frame.sparkSession)
        self.schema = _polars_schema(frame, self.zone)
        # Spark takes no name with a dot, a backtick or another case for the column that it is.
        self.numbered = frame.toDF(*(f"c{i}" for i in range(len(self.schema))))
        _meet(frame.sparkSession)

    def head(self, n: int, columns: list[str]) -> pl.DataFrame:
        """Bring some columns of the first n rows here."""
        with _in_words():
            people, schema = self._of(columns)
            table = people.limit(n).toArrow()
        return _in_polars(table, schema)

    def reduced(
        self, plan: Plan, merge: Plan, keys: tuple[str, ...], columns: list[str]
    ) -> pl.DataFrame:
        """Run a plan on each partition, and merge what comes of them."""
        people, schema = self._of(columns)
        tables = _sent(people, _partials(plan, merge, schema, keys), TABLES)
        with _in_words():
            if keys and _partitions(people) > DIRECT:
                tables = tables.repartition(min(BUCKETS, DIRECT), "bucket")
                tables = _sent(tables, _merges(merge), TABLES)
            cells = tables.select("cells").toArrow().column("cells").to_pylist()
        if not cells:  # no partition has anybody
            cells = [partial(plan, merge, [], pl.DataFrame(schema=schema))]
        return from_bytes(merged(merge, cells))

    def mapped(self, query: pl.LazyFrame) -> Any:
        """A Spark frame of the rows of a query; nothing is computed until somebody asks."""
        from pyspark.sql.pandas.types import to_arrow_schema

        columns = self.columns_read(query)
        people, schema = self._of(columns)
        kinds = self._spark_types(query.collect_schema())
        arrow = to_arrow_schema(kinds, **_in_zone(to_arrow_schema, self.zone))
        return _sent(people, _rows(Plan.of(_plain(query)), schema, arrow), kinds)

    def _of(self, columns: list[str]) -> tuple[Any, pl.Schema]:
        """The frame with some of its columns, by their numbers, and what these are."""
        places = {name: f"c{i}" for i, name in enumerate(self.schema)}
        schema = pl.Schema({name: self.schema[name] for name in columns})
        return self.numbered.select(*(places[name] for name in columns)), schema

    def _spark_types(self, schema: pl.Schema) -> Any:
        """Fields as they came where the type is the same, else what Spark has in its place."""
        from pyspark.sql.pandas.types import from_arrow_schema
        from pyspark.sql.types import StructType

        plain = pl.DataFrame(schema={n: _spark_has(kind) for n, kind in schema.items()})
        made = from_arrow_schema(plain.to_arrow(compat_level=pl.CompatLevel.oldest()).schema)
        own = {field.name: field for field in self.frame.schema.fields}
        same = {n for n, kind in schema.items() if n in own and self.schema[n] == kind}
        return StructType([own[f.name] if f.name in same else f for f in made.fields])


def _zone(session: Any) -> str:
    """The zone whose days the instants of a session are; UTC where Polars does not know it."""
    zone = str(session.conf.get("spark.sql.session.timeZone"))
    return zone if _is_known(zone) else "UTC"


@cache
def _is_known(zone: str) -> bool:
    try:
        return bool(ZoneInfo(zone))
    except (KeyError, OSError, ValueError):
        return False


def _in_zone(function: Any, zone: str) -> dict[str, Any]:
    """The argument by which PySpark 4.2 and later want to know a zone; before, there was none."""
    return {"timezone": zone} if "timezone" in signature(function).parameters else {}


def _polars_schema(frame: Any, zone: str) -> pl.Schema:
    from pyspark.sql.pandas.types import to_arrow_type

    schema, foreign = {}, []
    for field in frame.schema.fields:
        try:
            kind = to_arrow_type(field.dataType, **_in_zone(to_arrow_type, zone))
            empty = _empty(field.name, kind)
            schema[field.name] = empty.schema[field.name]
        except Exception:  # PySpark, PyArrow and Polars raise each their own.
            foreign.append(f"{field.name} ({field.dataType.simpleString()})")
    if foreign:
        raise SchemaError(
            f"column(s) {', '.join(foreign)} of the Spark frame are of a type that Arrow does not "
            "carry: drop them, or cast them to text, before"
        )
    return pl.Schema(schema)


def _empty(name: str, kind: Any) -> pl.DataFrame:
    import pyarrow as pa

    return pl.DataFrame(pl.from_arrow(pa.schema([(name, kind)]).empty_table()))


def _plain(query: pl.LazyFrame) -> pl.LazyFrame:
    schema = query.collect_schema()
    return query.with_columns(
        pl.col(n).cast(_spark_has(kind)) for n, kind in schema.items() if _spark_has(kind) != kind
    )


def _spark_has(kind: pl.DataType) -> pl.DataType:
    """The type of Spark's that holds all values of one that it lacks."""
    if isinstance(kind, pl.Enum | pl.Categorical):
        return pl.String()
    wider: dict[type[pl.DataType], pl.DataType]
    wider = {pl.UInt8: pl.Int16(), pl.UInt16: pl.Int32(), pl.UInt32: pl.Int64()}
    return wider.get(type(kind), kind)


def _in_polars(table: Any, schema: pl.Schema) -> pl.DataFrame:
    """Columns that come by their numbers, in the order of the schema."""
    import pyarrow as pa

    fields = [_of_known_zone(field, pa) for field in table.schema]
    rows = pl.DataFrame(pl.from_arrow(table.cast(pa.schema(fields))))
    return typed(rows.rename(dict(zip(rows.columns, schema, strict=True))), schema)


def _of_known_zone(field: Any, pa: Any) -> Any:
    """An instant in a zone such as +08:00, which Polars does not know, as one of UTC."""
    zone = getattr(field.type, "tz", None)
    if zone is None or _is_known(zone):
        return field
    return field.with_type(pa.timestamp(field.type.unit, "UTC"))


def _frames(batches: Iterable[Any], schema: pl.Schema) -> Iterator[pl.DataFrame]:
    """Batches of Arrow as frames of a size that is worth a plan."""
    import pyarrow as pa

    held: list[Any] = []
    n = 0
    for batch in batches:
        held.append(batch)
        n += batch.num_rows
        if n >= ROWS:
            yield _in_polars(pa.Table.from_batches(held), schema)
            held, n = [], 0
    if n:
        yield _in_polars(pa.Table.from_batches(held), schema)


def _partials(
    plan: Plan, merge: Plan, schema: pl.Schema, keys: tuple[str, ...]
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What an executor does with a partition of people that are to be added up."""

    def sums(batches: Iterable[Any]) -> Iterator[Any]:
        table = partial(plan, merge, _frames(batches, schema), pl.DataFrame(schema=schema))
        for bucket, cells in dealt(table, keys) if keys else [(0, table)]:
            yield _row(bucket, cells)

    return sums


def _merges(merge: Plan) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What an executor does with the partial tables of one share of the groups."""

    def merges(batches: Iterable[Any]) -> Iterator[Any]:
        tables = [cells for batch in batches for cells in batch.column("cells").to_pylist()]
        if tables:
            yield _row(0, merged(merge, tables))

    return merges


def _row(bucket: int, cells: bytes) -> Any:
    import pyarrow as pa

    kinds = pa.schema([("bucket", pa.int32()), ("cells", pa.binary())])
    return pa.RecordBatch.from_pydict({"bucket": [bucket], "cells": [cells]}, schema=kinds)


def _rows(plan: Plan, schema: pl.Schema, arrow: Any) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """What an executor does with a partition of people that are to be classified."""

    def rows(batches: Iterable[Any]) -> Iterator[Any]:
        run = plan.opened()
        for frame in _frames(batches, schema):
            yield from run(frame).to_arrow().cast(arrow).to_batches()

    return rows


def _partitions(frame: Any) -> int:
    """How many partitions a frame has; many where a remote session does not say."""
    from pyspark.errors import PySparkException

    try:
        return int(frame.rdd.getNumPartitions())
    except PySparkException:
        return DIRECT + 1


def _application(session: Any) -> str:
    """What a session is called; a remote one has no context to ask."""
    from pyspark.errors import PySparkException

    try:
        return str(session.sparkContext.applicationId)
    except PySparkException:
        return str(session.session_id)


def _meet(session: Any) -> None:
    """Ask one executor once what it has installed, before people are sent through it.

    Raises
    ------
    EngineError
        If it lacks the package, or has another version.
    """
    application = _application(session)
    if application in _met:
        return
    one = _sent(session.range(1, numPartitions=1), _introduced(versions()), "id long")
    with _in_words():
        one.collect()
    _met.add(application)


def _sent(people: Any, function: Callable[[Iterable[Any]], Iterator[Any]], kinds: Any) -> Any:
    """Spark's frame of what a function makes of the Arrow batches of each partition."""
    with warnings.catch_warnings():
        # Spark warns of pandas 3 wherever Python is begun; no value passes through pandas here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        return people.mapInArrow(function, kinds)


def _introduced(theirs: tuple[str, ...]) -> Callable[[Iterable[Any]], Iterator[Any]]:
    def same(batches: Iterable[Any]) -> Iterator[Any]:
        refuse_other_versions(theirs)
        yield from batches

    return same


@contextmanager
def _in_words() -> Iterator[None]:
    """Say in one sentence what went wrong on an executor, whose message is a page of its own."""
    from pyspark.errors import PySparkException

    kinds: tuple[type[Exception], ...] = (PySparkException,)
    with suppress(ImportError):  # a remote session needs no Java here
        from py4j.protocol import Py4JJavaError

        kinds = (*kinds, Py4JJavaError)
    try:
        yield
    except kinds as error:
        # Spark's own words may hold the value of a person, and a cause is printed with its error.
        raise _told(str(error)) from None


def _told(text: str) -> OsteoEpiError:
    """The error of an executor, from the text that Spark gives of it."""
    if re.search(r"No module named '(osteo_epi|polars)", text):
        return EngineError(
            "an executor of Spark lacks this package: install osteo-epi[spark] in the versions of "
            f"the driver ({', '.join(versions())}) in the Python that the executors run "
            "(spark.pyspark.python for spark-submit; the variable PYSPARK_PYTHON where Python "
            "begins the session, which takes the first python3 otherwise), or send an environment "
            "that has it (spark.archives)"
        )
    own = re.search(r"osteo_epi\.errors\.(\w+): (.+?)(?=\n\s*\n|\nJVM|\Z)", text, re.DOTALL)
    if own:
        kind = getattr(errors, own[1], EngineError)
        return kind(" ".join(own[2].split()))  # type: ignore[no-any-return]
    of_spark = re.search(r"\[([A-Z][A-Z0-9_.]+)\] ([^\n]+)", text)
    if not of_spark:
        return EngineError(f"Spark stopped: {_LOOK}")
    # About a file it shows no value.
    about_file = of_spark[1].startswith("FAILED_READ_FILE")
    return EngineError(f"Spark stopped ({of_spark[1]}): {of_spark[2] if about_file else _LOOK}")
