"""What an engine has to offer so that people may stand in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl

from osteo_epi.engines._plan import Elsewhere, Plan
from osteo_epi.errors import SchemaError


class Source(ABC):
    """People in parts, in an engine that is not this process.

    `name` is what a message calls it, `way_over` how its rows are brought here.
    """

    name: str
    way_over: str
    schema: pl.Schema
    _asked: set[str] | None = None
    _first: pl.DataFrame | None = None

    @abstractmethod
    def head(self, n: int, columns: list[str]) -> pl.DataFrame:
        """Bring some columns of the first n rows here."""

    @abstractmethod
    def reduced(
        self, plan: Plan, merge: Plan, keys: tuple[str, ...], columns: list[str]
    ) -> pl.DataFrame:
        """Run a plan on each part, and merge what comes of two parts into what comes of one.

        Parameters
        ----------
        plan
            Rows with `columns` → a table of partial sums.
        merge
            Several such tables, one below the other → one of them.
        keys
            Columns by which its rows are told apart; none where it is one row.
        columns
            Those that the plan reads.
        """

    @abstractmethod
    def mapped(self, query: pl.LazyFrame) -> Any:
        """A frame of this engine: the rows of a query, part by part."""

    def rows_here(self, columns: list[str]) -> pl.DataFrame:
        """What a query that is collected here gets: nothing, while it is asked what it reads.

        Raises
        ------
        Elsewhere
            If it is not asked that, nor for the first rows.
        """
        if self._asked is not None:
            self._asked.update(columns)
            return pl.DataFrame(schema=self.schema)
        if self._first is not None:
            return self._first
        raise Elsewhere(self)

    def columns_read(self, query: pl.LazyFrame) -> list[str]:
        """Find the columns that a query reads of this source, by running it on no rows."""
        self._asked = set()
        try:
            query.collect()
            # Rows are counted by the length of some column.
            return [c for c in self.schema.names() if c in self._asked] or self.schema.names()[:1]
        finally:
            self._asked = None

    @contextmanager
    def first_rows(self, n: int, query: pl.LazyFrame) -> Iterator[None]:
        """Let a query that is collected inside have the first n rows, with what it reads of them.

        Nothing else of a person comes here.
        """
        self._first = self.head(n, self.columns_read(query))
        try:
            yield
        finally:
            self._first = None


def refuse_twice(names: list[str]) -> None:
    """Refuse names of which one stands twice: it could be either column."""
    twice = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if twice:
        raise SchemaError(
            f"columns {', '.join(twice)} stand twice in the data: rename or drop one of each"
        )
