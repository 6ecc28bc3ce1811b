"""Datasets of pyarrow, such as a folder of Parquet in an object store: read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

BATCH = 1 << 17
"""Rows of a batch at most."""


class DatasetRows:
    """The rows of a dataset, in a query: only the columns that it reads, batch by batch.

    Polars' own `scan_pyarrow_dataset` brings all rows here before it goes on with them.

    Parameters
    ----------
    dataset
        A `pyarrow.dataset.Dataset`.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.schema = pl.DataFrame(pl.from_arrow(dataset.schema.empty_table())).schema

    def scanned(self) -> pl.LazyFrame:
        """Make the query."""
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
        read = [n for n in self.schema if n in {*wanted, *asked}]
        left = n_rows
        for batch in self.dataset.to_batches(columns=read, batch_size=BATCH):
            rows = pl.DataFrame(pl.from_arrow(batch)).cast({n: self.schema[n] for n in read})
            kept = (rows if predicate is None else rows.filter(predicate)).select(wanted)
            yield kept if left is None else kept.head(left)
            left = None if left is None else left - kept.height
            if left is not None and left <= 0:
                return
