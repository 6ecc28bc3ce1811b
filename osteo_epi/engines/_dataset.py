"""Datasets of pyarrow, such as a folder of Parquet in an object store: read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from osteo_epi.engines._scan import Scan

BATCH = 1 << 17
"""Rows of a batch at most."""


class DatasetRows(Scan):
    """The rows of a dataset, in a query: only the columns that it reads, batch by batch.

    Polars' own `scan_pyarrow_dataset` brings all rows here before it goes on with them.

    Parameters
    ----------
    dataset
        A `pyarrow.dataset.Dataset`.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self._schema = pl.DataFrame(pl.from_arrow(dataset.schema.empty_table())).schema

    @property
    def schema(self) -> pl.Schema:
        """What columns there are."""
        return self._schema

    def batches(self, columns: list[str], n_rows: int | None) -> Iterator[pl.DataFrame]:
        """Give the rows as the dataset reads them."""
        for batch in self.dataset.to_batches(columns=columns, batch_size=BATCH):
            rows = pl.DataFrame(pl.from_arrow(batch))
            yield rows.cast({name: self.schema[name] for name in columns})
