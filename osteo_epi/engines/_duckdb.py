"""DuckDB: a relation streams in and out by batches of Arrow, and is nowhere whole.

The people stand in this process, so every question can be asked of them: the relation is a query
of Polars that reads it batch by batch. What comes of it is a relation again, whose rows are
computed while DuckDB asks for them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from osteo_epi.engines._scan import Scan
from osteo_epi.engines._source import refuse_twice
from osteo_epi.errors import EngineError, SchemaError

BATCH = 1 << 17
"""Rows of a batch."""
READERS = ("to_arrow_reader", "fetch_record_batch", "fetch_arrow_reader")
"""What versions of DuckDB call a reader of batches, the newest first."""
PATIENCE = 200
"""How often a connection is asked that is busy, a hundredth of a second apart."""


class RelationRows(Scan):
    """The rows of a relation, in a query: only the columns that it reads, batch by batch.

    Parameters
    ----------
    relation
        A `duckdb.DuckDBPyRelation`; nothing of it is computed yet.

    Raises
    ------
    SchemaError
        If a name stands twice, or a column is of a type that Polars does not have.
    EngineError
        If DuckDB cannot run it.
    """

    def __init__(self, relation: Any) -> None:
        refuse_twice(relation.columns)
        self.relation = relation
        self._schema = _polars_schema(relation)
        self._lock = threading.Lock()
        self._streams: list[_Stream] = []
        self._scans = 0

    @property
    def schema(self) -> pl.Schema:
        """What columns there are."""
        return self._schema

    def batches(self, columns: list[str], n_rows: int | None) -> Iterator[pl.DataFrame]:
        """Give the rows as DuckDB computes them."""
        with self._lock:
            # A connection has one stream at a time: who reads already takes the rest into memory.
            for other in self._streams:
                other.hold()
            stream = _Stream(_reader(self.relation, columns, n_rows))
            self._streams.append(stream)
        try:
            while True:
                with self._lock:
                    batch = stream.next()
                if batch is None:
                    return
                rows = pl.DataFrame(batch)
                yield rows.cast({name: self.schema[name] for name in rows.columns})
        finally:
            with self._lock:
                self._streams.remove(stream)
                stream.close()

    @contextmanager
    def scan(self) -> Iterator[None]:
        """Free the connection when DuckDB has what it wants of the last of its scans.

        Polars would do it a little later, and the next query of the caller's would meet it busy.
        """
        with self._lock:
            self._scans += 1
        try:
            yield
        finally:
            with self._lock:
                self._scans -= 1
                for stream in self._streams if not self._scans else ():
                    stream.close()

    def relation_of(self, query: pl.LazyFrame) -> Any:
        """A relation of the rows of a query, which are computed whenever DuckDB scans it.

        It stands on a connection of its own, in memory: one connection cannot read a stream and
        feed it at once. That has one thread, for several hold back what is not yet its turn. Its
        columns have the types that they had; enumerations stay ENUM. Before version 2 a relation
        over a stream could be read only once: there a pyarrow table is given.
        """
        import duckdb

        if duckdb.__version__.startswith(("0.", "1.")):
            return query.collect().to_arrow()
        rows, connection = _Rows(query, self), duckdb.connect()
        connection.execute("set threads = 1; set enable_progress_bar = false")
        relation = connection.from_arrow(rows)
        own = dict(zip(self.relation.columns, map(str, self.relation.types), strict=True))
        columns = []
        for (name, kind), has in zip(rows.schema.items(), relation.types, strict=True):
            want = own[name] if self.schema.get(name) == kind else _duckdb_has(kind)
            cast = "" if want in (None, str(has)) else f"::{want} AS {quoted(name)}"
            columns.append(quoted(name) + cast)
        return relation.project(", ".join(columns))


class _Stream:
    """Batches of a relation as DuckDB computes them; held ones first, where it had to be closed."""

    def __init__(self, reader: Any) -> None:
        self._held: deque[Any] = deque()
        self._reader = reader

    def next(self) -> Any:
        return self._held.popleft() if self._held else self._read()

    def _read(self) -> Any:
        try:
            return None if self._reader is None else self._reader.read_next_batch()
        except StopIteration:
            return None
        except Exception as error:
            raise _told(error) from error

    def hold(self) -> None:
        while (batch := self._read()) is not None:
            self._held.append(batch)
        self._reader = None

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._held.clear()


def _reader(relation: Any, columns: list[str], n_rows: int | None) -> Any:
    """A reader of batches, which has the connection for itself until it is closed."""
    for _ in range(PATIENCE):
        try:
            rows = relation.project(", ".join(map(quoted, columns)))
            rows = rows if n_rows is None else rows.limit(n_rows)
            return next(getattr(rows, name) for name in READERS if hasattr(rows, name))(BATCH)
        except Exception as error:
            # Polars lets go of a source a moment after it has answered the query.
            if type(error).__name__ != "ResourceInUseException":
                raise _told(error) from error
            time.sleep(0.01)
    raise EngineError(
        "the connection of the relation has a result open that was not read to its end: read or "
        "close it, or make the relation on a connection of its own (connection.cursor())"
    )


class _Rows:
    """What DuckDB scans: each time a new stream over the rows of a query."""

    def __init__(self, query: pl.LazyFrame, people: RelationRows) -> None:
        self.query, self.people, self.schema = query, people, query.collect_schema()
        self._kinds = _arrow(pl.DataFrame(schema=self.schema)).schema

    def __arrow_c_schema__(self) -> Any:
        return self._kinds.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self._kinds, self._batches()).__arrow_c_stream__()

    def _batches(self) -> Iterator[Any]:
        batches = self.query.collect_batches(chunk_size=BATCH, lazy=True, engine="streaming")
        with self.people.scan():
            for rows in batches:
                yield from _arrow(rows).cast(self._kinds).to_batches()


def _arrow(rows: pl.DataFrame) -> Any:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())


def _polars_schema(relation: Any) -> pl.Schema:
    """Types of the columns; nothing is read for it."""
    reader = _reader(relation, relation.columns, 0)
    arrow = reader.schema
    reader.close()
    schema, foreign = {}, []
    for field, kind in zip(arrow, relation.types, strict=True):
        try:
            schema[field.name] = _enumeration(kind) or _polars_has(field)
        except Exception:  # PyArrow and Polars raise each their own.
            foreign.append(f"{field.name} ({kind})")
    if foreign:
        raise SchemaError(
            f"column(s) {', '.join(foreign)} of the relation are of a type that Polars does not "
            "have: drop them, or cast them to VARCHAR, before"
        )
    return pl.Schema(schema)


def _polars_has(field: Any) -> pl.DataType:
    import pyarrow as pa

    if pa.types.is_interval(field.type) or pa.types.is_union(field.type):
        raise TypeError  # Polars does not raise at these, but ends in a panic.
    return pl.DataFrame(pl.from_arrow(pa.schema([field]).empty_table())).schema[field.name]


def _enumeration(kind: Any) -> pl.Enum | None:
    """An ENUM with its words in their order; batches of Arrow bring the words alone."""
    if kind.id != "enum":
        return None
    return pl.Enum(dict(kind.children)["values"])


def _duckdb_has(kind: pl.DataType) -> str | None:
    """The type of DuckDB's for one that would come as another by Arrow."""
    if isinstance(kind, pl.Enum) and len(kind.categories):
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in kind.categories)
        return f"ENUM({words})"
    return None


def quoted(name: str) -> str:
    """A name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _told(error: Exception) -> EngineError:
    """What went wrong, without DuckDB's own words: they may hold a value of a person."""
    return EngineError(
        f"DuckDB could not give the rows of the relation ({type(error).__name__}): write it to a "
        "table first (relation.to_table), which shows why; a relation over a stream of Arrow can "
        "be read only once, and must be made a table in any case"
    )
