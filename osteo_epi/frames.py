"""The border: any frame comes in as Polars, and its result goes back as the kind that came.

The rules are written once, as Polars expressions. Other engines cross by Arrow, which keeps the
bits: rules written twice would differ in how they treat NaN, rounding and missing values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from osteo_epi.errors import SchemaError

Frame = pl.DataFrame | pl.LazyFrame
Restore = Callable[[Frame], Any]


def as_polars(data: Any) -> tuple[Frame, Restore]:
    """Take any frame as Polars, with the function that gives a result back in the caller's kind.

    Parameters
    ----------
    data
        A Polars frame (eager or lazy), a pandas frame, a pyarrow table, a `Cohort`, or anything
        that offers the Arrow C stream (DuckDB, narwhals, …; its result is a pyarrow table).

    Returns
    -------
    tuple
        The Polars frame (lazy only if it came lazy) and `restore(frame)`.

    Raises
    ------
    SchemaError
        If `data` is no frame.

    Examples
    --------
    >>> import polars as pl
    >>> frame, restore = as_polars(pl.LazyFrame({"age": [61.0]}))
    >>> type(restore(frame.with_columns(pl.col("age") + 1))).__name__
    'LazyFrame'
    """
    if isinstance(data, pl.LazyFrame):
        return data, lambda frame: frame.lazy()
    if isinstance(data, pl.DataFrame):
        return data, _eager
    if hasattr(data, "with_frame"):
        return data.frame, lambda frame: data.with_frame(_eager(frame))
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data)
    if hasattr(data, "__arrow_c_stream__"):
        return pl.DataFrame(data), lambda frame: _eager(frame).to_arrow()
    raise SchemaError(
        f"expected a frame (polars, pandas, pyarrow, or an Arrow stream), got "
        f"{type(data).__name__}; read a file with osteo_epi.read(path)"
    )


def _eager(frame: Frame) -> pl.DataFrame:
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _from_pandas(data: Any) -> tuple[pl.DataFrame, Restore]:
    """NaN is pandas' missing value, hence null on this side; the index stays the caller's."""
    frame = pl.from_pandas(data, nan_to_null=True)
    return frame, lambda result: _beside(data, frame, _eager(result))


def _beside(original: Any, before: pl.DataFrame, after: pl.DataFrame) -> Any:
    """Columns that no rule touched are the caller's own, with their dtype; the rest is new."""
    if after.height != before.height:
        return to_pandas(after)
    same = [c for c in after.columns if c in before.columns and after[c].equals(before[c])]
    out = original[same].copy(deep=False)
    new = to_pandas(after.drop(same))
    for name in new:
        out[name] = new[name].array
    return out[after.columns]


def to_pandas(frame: pl.DataFrame) -> Any:
    """Give a Polars frame as pandas; three-valued answers stay so: its plain bool knows no missing.

    Examples
    --------
    >>> to_pandas(pl.DataFrame({"fracture": [True, None]}))["fracture"].dtype
    BooleanDtype
    """
    answers = [c for c, kind in frame.schema.items() if kind == pl.Boolean]
    return frame.to_pandas().astype(dict.fromkeys(answers, "boolean"))
