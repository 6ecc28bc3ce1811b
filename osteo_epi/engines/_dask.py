"""Dask: partitions of pandas through the same expressions, by the scheduler that the caller has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import polars as pl

from osteo_epi.engines._parts import from_bytes, gathered, merged, partial, typed
from osteo_epi.engines._plan import Plan, versions
from osteo_epi.engines._source import Source
from osteo_epi.errors import EngineError, OsteoEpiError

TOGETHER = 8
"""Tables of partial sums that one task merges."""
FromPandas = Callable[[Any], tuple[pl.DataFrame, Callable[[pl.DataFrame], Any]]]


class DaskPeople(Source):
    """A dataframe of Dask.

    Parameters
    ----------
    frame
        A `dask.dataframe.DataFrame`; nothing of it is computed yet.
    from_pandas
        See `opened`; it travels to where the partitions are.

    Raises
    ------
    SchemaError
        If a name stands twice, or a column is of a type that no table has.
    """

    name = "a Dask dataframe"
    way_over = "frame.compute() after a filter or a sample"

    def __init__(self, frame: Any, from_pandas: FromPandas) -> None:
        self.frame, self.from_pandas = frame, from_pandas
        self.schema = _polars_schema(frame._meta_nonempty, from_pandas)
        self._head = 0, pl.DataFrame(schema=self.schema)

    def head(self, n: int, columns: list[str]) -> pl.DataFrame:
        """Bring the first n rows here, of no more partitions than hold them, and keep them."""
        asked, held = self._head
        place = 0
        with _in_words():
            while asked < n and held.height < n and place < self.frame.npartitions:
                part = self.frame.get_partition(place).compute()
                rows = self._work(self.schema.names()).rows(part)[0]
                held = rows if place == 0 else held.vstack(rows.head(n - held.height))
                place += 1
        self._head = max(n, asked), held
        return held.head(n).select(columns)

    def reduced(
        self, plan: Plan, merge: Plan, keys: tuple[str, ...], columns: list[str]
    ) -> pl.DataFrame:
        """Run a plan on each partition, and merge what comes of them, eight at a time."""
        from dask import delayed

        work = delayed(self._work(columns, plan, merge), traverse=False)
        tables = [delayed(_partial)(part, work) for part in self._people(columns).to_delayed()]
        while len(tables) > 1:
            shares = [tables[i : i + TOGETHER] for i in range(0, len(tables), TOGETHER)]
            tables = [delayed(_merged)(work, *share) for share in shares]
        with _in_words():
            return from_bytes(tables[0].compute())

    def mapped(self, query: pl.LazyFrame) -> Any:
        """A Dask dataframe of the rows of a query; nothing is computed until somebody asks."""
        columns = self.columns_read(query)
        people, work = self._people(columns), self._work(columns, Plan.of(query))
        return people.map_partitions(_rows, work, meta=_rows(people._meta, work))

    def _people(self, columns: list[str]) -> Any:
        named = {str(name): name for name in self.frame.columns}
        return self.frame[[named[name] for name in columns]]

    def _work(self, columns: list[str], *plans: Plan) -> _Work:
        schema = pl.Schema({name: self.schema[name] for name in columns})
        return _Work(self.from_pandas, schema, plans)


class _Work(NamedTuple):
    """What a task has to know of the partition that it is given, and what it does with it."""

    from_pandas: FromPandas
    schema: pl.Schema
    plans: tuple[Plan, ...]

    def rows(self, part: Any) -> tuple[pl.DataFrame, Callable[[pl.DataFrame], Any]]:
        """The rows of a partition in their types, and the way back to pandas."""
        frame, restore = self.from_pandas(part)
        return typed(frame, self.schema), restore


def _partial(part: Any, work: _Work) -> bytes:
    plan, merge = work.plans
    frames = gathered([work.rows(part)[0]])
    return partial(plan, merge, frames, pl.DataFrame(schema=work.schema))


def _merged(work: _Work, *tables: bytes) -> bytes:
    return merged(work.plans[1], tables)


def _rows(part: Any, work: _Work) -> Any:
    rows, restore = work.rows(part)
    (plan,) = work.plans
    return restore(plan.opened()(rows))


def _polars_schema(example: Any, from_pandas: FromPandas) -> pl.Schema:
    """Types of the columns, by the rows that Dask makes up to say what a partition is like."""
    schema = from_pandas(example)[0].schema
    unknown = {
        str(name)
        for name, kind in example.dtypes.items()
        if kind.name == "category" and _are_unknown(kind.categories)
    }
    return pl.Schema({n: pl.Categorical() if n in unknown else k for n, k in schema.items()})


def _are_unknown(categories: Any) -> bool:
    """Whether Dask says no categories, or none, as of ordered ones that stand in Parquet."""
    from dask.dataframe.utils import UNKNOWN_CATEGORIES

    return not len(categories) or UNKNOWN_CATEGORIES in categories


@contextmanager
def _in_words() -> Iterator[None]:
    """Let our own error out as it was raised: from another process it comes with a traceback."""
    try:
        yield
    except OsteoEpiError as error:
        raise getattr(error, "exception", error) from None
    except ModuleNotFoundError as error:
        raise EngineError(
            f"a worker of Dask lacks a package ({error.name}): install osteo-epi[dask] in the "
            f"versions that are here ({', '.join(versions())}) on every worker"
        ) from error
