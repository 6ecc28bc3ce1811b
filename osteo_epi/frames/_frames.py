"""The border: any frame comes in as Polars, and its result goes back as the kind that came.

The rules are written once, as Polars expressions. Other engines cross by Arrow, which keeps the
bits: rules written twice would differ in how they treat NaN, rounding and missing values.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any, Literal

import polars as pl

from osteo_epi.engines import opened
from osteo_epi.errors import SchemaError

Frame = pl.DataFrame | pl.LazyFrame
Restore = Callable[[Frame], Any]
Kind = Literal["polars", "pandas", "arrow"]
"""The library whose frames a caller has."""


def in_one_piece(columns: list[pl.Series]) -> pl.DataFrame:
    """A frame of columns, each in one chunk of memory; the list is emptied.

    Where columns are cut in different places, every look at some of them copies them first. One
    column after the other is joined here, and what it was made of is given back.

    Examples
    --------
    >>> age = pl.Series("age", [61.0]).append(pl.Series([70.0]))
    >>> in_one_piece([age]).n_chunks()
    1
    """
    joined = []
    while columns:
        joined.append(columns.pop(0).rechunk())
    return pl.DataFrame(joined)


def as_polars(data: Any) -> tuple[Frame, Restore]:
    """Take any frame as Polars, with the function that gives a result back in the caller's kind.

    Parameters
    ----------
    data
        A Polars frame (eager or lazy), a pandas frame, a pyarrow table, a `Cohort`, a relation of
        DuckDB or a dataset of pyarrow (both are read in batches, as a lazy frame is), or anything
        that offers the Arrow C stream (narwhals, …; its result is a pyarrow table).

    Returns
    -------
    tuple
        The Polars frame (lazy only where people need not be in memory) and `restore(frame)`.

    Raises
    ------
    SchemaError
        If `data` is no frame, or one of pandas in which a name stands twice or a column holds
        values of several kinds.

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
    # Before anything is asked of its attributes: a remote frame of Spark has each asked for.
    if (elsewhere := opened(data, _from_pandas)) is not None:
        return elsewhere.query, lambda frame: elsewhere.restore(frame.lazy())
    if hasattr(data, "with_frame"):
        return data.frame, lambda frame: data.with_frame(_eager(frame))
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data)
    if hasattr(data, "__arrow_c_stream__") and type(data).__name__ != "Series":
        return pl.DataFrame(data), lambda frame: _eager(frame).to_arrow()
    raise SchemaError(
        f"expected a frame (polars, pandas, pyarrow, or an Arrow stream), got "
        f"{type(data).__name__}; read a file, or a dict of columns, with "
        "osteo_epi.read(data)"
    )


def refuse_lacking(columns: Container[str], names: Iterable[str], *, purpose: str) -> None:
    """Refuse the columns of a frame where some lack without which nothing can be said.

    Examples
    --------
    >>> refuse_lacking(["age"], ["age", "sex"], purpose="density by age")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: density by age needs the column(s) sex, which the data lack; read
    them with osteo_epi.read(data, map={'your heading': 'sex'})
    """
    if missing := [name for name in names if name not in columns]:
        raise SchemaError(
            f"{purpose} needs the column(s) {', '.join(missing)}, which the data lack; read "
            f"them with osteo_epi.read(data, map={{'your heading': '{missing[0]}'}})"
        )


def _eager(frame: Frame) -> pl.DataFrame:
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _from_pandas(data: Any) -> tuple[pl.DataFrame, Restore]:
    """NaN is pandas' missing value, hence null on this side; the index stays the caller's.

    A heading that is no text, as the 0 of a column without a name, becomes one; an empty one is
    what Polars calls it.
    """
    try:
        frame = pl.from_pandas(data, nan_to_null=True)
    except Exception as error:
        raise SchemaError(_no_table(data)) from error
    data = data.set_axis(frame.columns, axis="columns")
    frame = frame.with_columns(_as_pandas_has_them(data, frame))
    return frame, lambda result: _beside(data, frame, _eager(result))


def _as_pandas_has_them(data: Any, frame: pl.DataFrame) -> list[pl.Series]:
    """Columns of objects that hold nothing, which are of no type, and ordered categories.

    Intervals, as `pandas.cut` makes them, and periods are types of pandas alone: they are text.
    """
    columns: list[pl.Series] = []
    for name, dtype in data.dtypes.items():
        column = frame[name]
        if dtype.name == "object" and not column.count():
            columns.append(pl.Series(column.name, [None] * len(column), dtype=pl.Null))
        elif getattr(dtype, "ordered", False) and column.dtype == pl.Categorical:
            columns.append(column.cast(pl.Enum(list(dtype.categories))))
        elif isinstance(column.dtype, pl.BaseExtension):
            columns.append(pl.Series(column.name, data[name].astype("string"), dtype=pl.String))
    return columns


def _no_table(data: Any) -> str:
    """Why Polars cannot take a frame of pandas: a name that stands twice, or mixed values."""
    names = [str(name) for name in data.columns]
    twice = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if twice:
        return f"columns {', '.join(twice)} stand twice in the data: rename or drop one of each"
    mixed = ", ".join(str(name) for name in data.columns if not _is_plain(data[name]))
    return (
        f"columns {mixed} hold values of several kinds, such as numbers and words, or of a kind "
        "that no table has: make each one kind, numbers with "
        'pandas.to_numeric(column, errors="coerce"), which makes words missing, or words with '
        'column.astype("string"); or take the frame in by osteo_epi.read(frame, …)'
    )


def _is_plain(column: Any) -> bool:
    """Whether Polars can take pandas' column."""
    try:
        pl.from_pandas(column, nan_to_null=True)
    except Exception:  # PyArrow, Polars and pandas each raise their own.
        return False
    return True


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


def kind_of(*data: Any) -> Kind:
    """Whose frames a caller has, by the first of these that tells: a frame, a series, a result.

    Examples
    --------
    >>> import pandas as pd
    >>> kind_of(0.95, pd.Series([0.81])), kind_of(pl.LazyFrame()), kind_of([0.81])
    ('pandas', 'polars', 'polars')
    """
    for one in data:
        library = type(one).__module__.partition(".")[0]
        if library in ("polars", "pandas"):
            return library  # type: ignore[return-value]
        if library == "dask":
            return "pandas"
        if library == "pyspark":
            return "arrow"
        if hasattr(one, "frame_kind"):
            return one.frame_kind  # type: ignore[no-any-return]
        if library == "pyarrow" or hasattr(one, "__arrow_c_stream__"):
            return "arrow"
    return "polars"


def in_kind(frame: pl.DataFrame, kind: Kind) -> Any:
    """Give a Polars frame as one of the library that a caller has.

    Examples
    --------
    >>> type(in_kind(pl.DataFrame({"age": [61.0]}), "arrow")).__name__
    'Table'
    """
    if kind == "pandas":
        return to_pandas(frame)
    return frame.to_arrow() if kind == "arrow" else frame
