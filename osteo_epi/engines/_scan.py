"""Rows that Polars asks for as it needs them: a source of its own in a query, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import polars as pl
from polars.io.plugins import register_io_source


class Scan(ABC):
    """Rows that a query reads from somewhere: of each kind one method says whence."""

    @property
    @abstractmethod
    def schema(self) -> pl.Schema:
        """What columns there are, in Polars' types."""

    @abstractmethod
    def batches(self, columns: list[str], n_rows: int | None) -> Iterator[pl.DataFrame]:
        """Give some columns, batch by batch; no more than `n_rows` have to come."""

    def scanned(self) -> pl.LazyFrame:
        """Make the query of all rows."""
        return register_io_source(self, schema=self.schema, is_pure=True)

    def __call__(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        """Give the rows, as Polars asks a source for them."""
        wanted = self.schema.names() if with_columns is None else with_columns
        asked = [] if predicate is None else predicate.meta.root_names()
        read = [name for name in self.schema if name in {*wanted, *asked}]
        for rows in self.batches(read, n_rows if predicate is None else None):
            kept = (rows if predicate is None else rows.filter(predicate)).select(wanted)
            yield kept if n_rows is None else kept.head(n_rows)
            n_rows = None if n_rows is None else max(0, n_rows - kept.height)
            if n_rows == 0:
                return
