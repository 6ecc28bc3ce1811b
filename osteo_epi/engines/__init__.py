"""People in other engines: Spark, Dask, DuckDB; the same expressions run where they stand.

A frame of such an engine goes into `classify`, `check`, `prevalence` and their siblings as any
other. What is asked of it is a query of Polars, which travels to the people (`Plan`); back come
sums by groups (`totals`), or a frame of that engine. There is no scheduler and no shuffle here.

An engine of one's own (Ray, a queue of files) is a `Source`: `partial` on each part, `merged` on
what comes of them. Its people are then taken by the same functions.
"""

from osteo_epi.engines._engines import Opened, opened, refuse_to_bring
from osteo_epi.engines._parts import dealt, from_bytes, gathered, merged, partial, typed
from osteo_epi.engines._plan import Elsewhere, Plan
from osteo_epi.engines._source import Source
from osteo_epi.engines._totals import FIRST, first_rows, from_first_rows, here, totals

__all__ = [
    "FIRST",
    "Elsewhere",
    "Opened",
    "Plan",
    "Source",
    "dealt",
    "first_rows",
    "from_bytes",
    "from_first_rows",
    "gathered",
    "here",
    "merged",
    "opened",
    "partial",
    "refuse_to_bring",
    "totals",
    "typed",
]


def __dir__() -> list[str]:
    return sorted(__all__)
