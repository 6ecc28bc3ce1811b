"""Frames in memory: of pandas, Polars, Arrow and DuckDB, and a dict of columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from numbers import Number
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.readers._guard import guarded
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.cohort.readers._text import clean_headings, without_blank
from osteo_epi.engines import refuse_to_bring
from osteo_epi.errors import OsteoEpiError, SchemaError

NAME = "the frame"
_KINDS = (
    "a frame of pandas, Polars (eager or lazy), pyarrow or DuckDB, or a dict of columns of one "
    "length"
)


def is_frame(data: Any) -> bool:
    """Whether data is anything but a path or several paths."""
    if isinstance(data, str | Path):
        return False
    return not (isinstance(data, list | tuple) and all(isinstance(d, str | Path) for d in data))


def read_frame(data: Any) -> Raw:
    """Take a frame in memory as a reader takes a file: as it is, nothing understood.

    Parameters
    ----------
    data
        A frame of pandas (the names of its index are headings too), Polars, pyarrow or DuckDB,
        anything else that offers the Arrow C stream, or a dict of columns.

    Returns
    -------
    Raw
        A column of several kinds, such as numbers and words, is text, as a file would hold it.

    Raises
    ------
    SchemaError
        If it is no frame, has no rows or one heading twice, or its query fails.
    EngineError
        If the people stand in a cluster.

    Examples
    --------
    >>> read_frame({"age": [61, 70], "neck": ["0.812*", 0.7]}).frame.rows()
    [(61, '0.812*'), (70, '0.7')]
    """
    refuse_to_bring(data)
    names, columns = _columns(data)
    headings, findings = clean_headings(names, NAME)
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise SchemaError(f"the columns of {NAME} have several lengths; expected {_KINDS}")
    frame = pl.DataFrame([c.alias(h) for c, h in zip(columns, headings, strict=True)])
    frame, blank = without_blank(frame, NAME)
    label = getattr(getattr(data, "source", None), "label", "")
    return Raw(frame, (), "frame", findings=(*findings, *blank), label=label)


def _columns(data: Any) -> tuple[list[str], list[pl.Series]]:
    """The headings of any frame, and its columns in Polars."""
    if hasattr(data, "with_frame"):
        data = data.frame  # people who were read before, or put together by hand
    if isinstance(data, pl.LazyFrame):
        data = _computed(data.collect)
    if isinstance(data, pl.DataFrame):
        return data.columns, [_without_objects(column) for column in data.get_columns()]
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        return _of_pandas(data)
    if isinstance(data, Mapping):
        return [str(name) for name in data], _of_dict(data)
    if type(data).__module__.startswith("pyarrow") and hasattr(data, "get_fragments"):
        data = _computed(data.to_table)
    if hasattr(data, "__arrow_c_stream__") and type(data).__name__ != "Series":
        import pyarrow as pa

        table = _computed(lambda: pa.table(data))
        return table.column_names, [_of_arrow(column) for column in table.columns]
    raise SchemaError(
        f"expected the path of a file, or {_KINDS}; got {type(data).__name__}"
        + ("" if not isinstance(data, list | tuple) else f" of {_kind_of(data)}")
    )


def _kind_of(data: Iterable[Any]) -> str:
    return ", ".join(sorted({type(item).__name__ for item in data})) or "nothing"


def _computed(query: Callable[[], Any]) -> Any:
    """The rows of what was only a query so far."""
    table, error = _tried(query)
    if error is not None:
        raise SchemaError(
            f"the query of {NAME} fails ({type(error).__name__}): collect it before it is read, "
            "which shows why"
        ) from error
    return table


def _tried(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What a foreign library gives, or its error."""
    try:
        return guarded(call, Path(NAME), "frame", otherwise=f"{NAME} cannot be taken in"), None
    except (OsteoEpiError, OSError) as error:
        return None, error.__cause__ or error


def _of_pandas(data: Any) -> tuple[list[str], list[pl.Series]]:
    """The named levels of the index, then the columns; NaN is pandas' missing value."""
    held = [str(name) for name in data.columns]
    index = [
        (str(name), data.index.get_level_values(level).to_series())
        for level, name in enumerate(data.index.names)
        if name is not None and str(name) not in held
    ]
    names = [name for name, _ in index] + [_heading(name) for name in data.columns]
    columns = [column for _, column in index]
    columns += [data.iloc[:, position] for position in range(data.shape[1])]
    return names, [_pandas_column(column) for column in columns]


def _heading(name: Any) -> str:
    """A heading of several levels is one line; an empty level adds nothing."""
    levels = name if isinstance(name, tuple) else (name,)
    return " ".join(str(level) for level in levels if not _is_missing(level))


def _pandas_column(column: Any) -> pl.Series:
    column = column.reset_index(drop=True)
    series, error = _tried(lambda: pl.from_pandas(column, nan_to_null=True))
    if error is not None or series.dtype.is_object() or _is_extension(series):
        return _of_cells(column.tolist())
    return series


def _is_extension(series: pl.Series) -> bool:
    """Whether a column is of a type of another library's own (periods, intervals of pandas)."""
    return type(series.dtype).__name__ == "Extension"


def _of_arrow(column: Any) -> pl.Series:
    """A column of Arrow; text that is no UTF-8 stays bytes, which `_plain` decodes."""
    import pyarrow as pa
    import pyarrow.types as kinds

    is_text = kinds.is_string(column.type) or kinds.is_large_string(column.type)
    if is_text and _tried(lambda: column.validate(full=True))[1] is not None:
        column = column.cast(pa.large_binary() if column.type == pa.large_string() else pa.binary())
    series, error = _tried(lambda: pl.Series(pl.from_arrow(column)))
    if error is not None or _is_extension(series):
        return _of_cells(column.to_pylist())
    return series


def _of_dict(data: Mapping[Any, Any]) -> list[pl.Series]:
    """Columns of any sequence; one value alone stands for all rows."""
    columns = {name: _values(name, values) for name, values in data.items()}
    n = max((len(c) for c in columns.values() if isinstance(c, pl.Series)), default=1)
    return [c if isinstance(c, pl.Series) else _of_cells([c] * n) for c in columns.values()]


def _values(name: Any, values: Any) -> Any:
    if isinstance(values, pl.Series):
        return _without_objects(values)
    if type(values).__module__.partition(".")[0] == "pandas":
        return _pandas_column(values.to_series() if hasattr(values, "to_series") else values)
    if isinstance(values, str | bytes | Number) or values is None or not hasattr(values, "__len__"):
        return values
    if isinstance(values, Mapping) or getattr(values, "ndim", 1) != 1:
        raise SchemaError(
            f"column {str(name)!r} of {NAME} is {type(values).__name__}, not one value a row; "
            f"expected {_KINDS}"
        )
    cells = values.to_pylist() if hasattr(values, "to_pylist") else list(values)
    return _of_cells(cells)


def _without_objects(column: pl.Series) -> pl.Series:
    return _of_cells(column.to_list()) if column.dtype.is_object() else column


def _of_cells(cells: list[Any]) -> pl.Series:
    """Cells of Python in the one type that they have, else all as text: no kind is guessed."""
    import pyarrow as pa

    series, error = _tried(lambda: pl.Series(pl.from_arrow(pa.array(cells, from_pandas=True))))
    if error is None and not _is_extension(series):
        return series
    return pl.Series([_text(cell) for cell in cells], dtype=pl.String)


def _text(cell: Any) -> str | None:
    if _is_missing(cell):
        return None
    if isinstance(cell, bytes):
        return cell.decode(errors="replace")
    if isinstance(cell, dict | list | tuple | set):
        items = sorted(cell, key=str) if isinstance(cell, set) else cell
        return json.dumps(items, default=str, ensure_ascii=False)
    if isinstance(cell, str | Number | Decimal) or hasattr(cell, "isoformat"):
        return str(cell)
    # What an object says of itself may be where it lies in memory: another text each day.
    return f"<{type(cell).__name__}>"


def _is_missing(cell: Any) -> bool:
    """None, NaN, and pandas' values for missing, of which one is not even equal to itself."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, Number) and bool(cell != cell)
