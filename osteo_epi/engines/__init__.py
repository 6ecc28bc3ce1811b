"""People in other engines: Spark, Dask, DuckDB; the same expressions run where they stand.

A frame of such an engine goes into `classify`, `check`, `prevalence` and their siblings as any
other. What is asked of it is a query of Polars, which travels to the people (`Plan`); back come
sums by groups (`totals`), or a frame of that engine. There is no scheduler and no shuffle here.
"""

from osteo_epi.engines._engines import Opened, opened
from osteo_epi.engines._plan import Elsewhere
from osteo_epi.engines._totals import first_rows, from_first_rows, totals

__all__ = ["Elsewhere", "Opened", "first_rows", "from_first_rows", "opened", "totals"]


def __dir__() -> list[str]:
    return sorted(__all__)
