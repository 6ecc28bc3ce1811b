"""People in parts as a cluster has them, without one: plans travel as bytes, parts are merged."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.engines import Plan, Source, dealt, from_bytes, gathered, merged, partial


class InParts(Source):
    """Rows of a frame, dealt to `n` parts in turn; the last ones are empty where rows are few."""

    name = "parts"
    way_over = "parts.frame"

    def __init__(self, frame: pl.DataFrame, n: int, rows: int = 1 << 18) -> None:
        self.schema, self.rows, self.reads, self.looks = frame.schema, rows, [], []
        self.parts = [frame.gather_every(n, offset) for offset in range(n)]

    def head(self, n: int, columns: list[str]) -> pl.DataFrame:
        self.looks.append(columns)
        return pl.concat(self.parts).head(n).select(columns)

    def reduced(
        self, plan: Plan, merge: Plan, keys: tuple[str, ...], columns: list[str]
    ) -> pl.DataFrame:
        self.reads.append(columns)
        empty = pl.DataFrame(schema={name: self.schema[name] for name in columns})
        tables = [
            partial(plan, merge, gathered([part.select(columns)], self.rows), empty)
            for part in self.parts
        ]
        if keys:
            buckets: dict[int, list[pl.DataFrame | bytes]] = {}
            for table in tables:
                for place, cells in dealt(table, keys):
                    buckets.setdefault(place, []).append(cells)
            tables = [merged(merge, cells) for cells in buckets.values()] or tables
        return from_bytes(merged(merge, tables))

    def mapped(self, query: pl.LazyFrame) -> Any:
        columns, plan = self.columns_read(query), Plan.of(query)
        return pl.concat([plan.opened()(part.select(columns)) for part in self.parts])
