"""One part of the people: rows in, rows or partial sums out, as the executors of any engine do it.

Tables of partial sums travel as bytes of Arrow, so that no engine has a say in their types.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import polars as pl

from osteo_epi.engines._plan import Plan
from osteo_epi.errors import EngineError

ROWS = 1 << 18
"""Rows that a plan is run on at once: below them its own start weighs more than they do."""
BUCKETS = 64
"""Shares into which groups are dealt where partial tables of many parts are merged."""


def gathered(batches: Iterable[pl.DataFrame], rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """Batches joined to frames of `rows` rows or a little more; none where there are none.

    Examples
    --------
    >>> [f.height for f in gathered([pl.DataFrame({"age": [61.0, 70.0]})] * 3, rows=3)]
    [4, 2]
    """
    held: list[pl.DataFrame] = []
    n = 0
    for batch in batches:
        held.append(batch)
        n += batch.height
        if n >= rows:
            yield pl.concat(held)
            held, n = [], 0
    if n:
        yield pl.concat(held)


def typed(rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Rows of a part in the types that all parts were said to have.

    Raises
    ------
    EngineError
        If a column of the part lacks, or is of another type.
    """
    lacking = [name for name in schema if name not in rows.columns]
    if lacking:
        raise EngineError(
            f"a part of the people lacks the column(s) {', '.join(lacking)}, which the others "
            "have: give every part the same columns, empty ones where nothing was measured"
        )
    other = [n for n, kind in schema.items() if rows.schema[n] != kind]
    unfit = [n for n in other if not _fits(rows[n], schema[n])]
    if unfit:
        kinds = ", ".join(f"{n} ({rows.schema[n]} for {schema[n]})" for n in unfit)
        raise EngineError(
            f"a part of the people has column(s) of another type than the others: {kinds}, and "
            "some values do not fit; cast them in every part to one type before"
        )
    return rows.select(schema.names()).with_columns(_cast(rows[n], schema[n]) for n in other)


def _cast(column: pl.Series, kind: pl.DataType) -> pl.Series:
    """Values in another type; a whole number in words is the one that other parts have."""
    cast = column.cast(kind)
    is_worded = kind == pl.String and column.dtype.is_float()
    return cast.str.strip_suffix(".0") if is_worded else cast


def _fits(column: pl.Series, kind: pl.DataType) -> bool:
    """Whether a column has its values in another type: 61.5 is cut to 61 without an error."""
    try:
        cast = column.cast(kind)
        words = not (column.dtype.is_numeric() or column.dtype.is_temporal())
        return words or cast.cast(column.dtype).equals(column)
    except pl.exceptions.PolarsError:
        return False


def partial(plan: Plan, merge: Plan, frames: Iterable[pl.DataFrame], empty: pl.DataFrame) -> bytes:
    """The partial sums of one part, in bytes."""
    run = plan.opened()
    # A part without people has the sums of nobody: one row where there are no groups.
    return merged(merge, (run(frame) for frame in _or(frames, empty)))


def merged(merge: Plan, tables: Iterable[pl.DataFrame | bytes]) -> bytes:
    """Several tables of partial sums as one, in bytes; held are never more than two."""
    run, whole = merge.opened(), None
    for table in tables:
        part = from_bytes(table) if isinstance(table, bytes) else table
        whole = part if whole is None else run(pl.concat([whole, part]))
    assert whole is not None, "there is a table a part"
    return to_bytes(whole)


def dealt(table: bytes, keys: tuple[str, ...]) -> Iterator[tuple[int, bytes]]:
    """The rows of a table by the bucket of their group, so that equal groups meet in one place."""
    rows = from_bytes(table)
    bucket = pl.struct(keys).hash(seed=0) % BUCKETS
    for (place,), share in rows.group_by(bucket.alias("_bucket")):
        yield int(place), to_bytes(share.select(rows.columns))


def _or(frames: Iterable[pl.DataFrame], empty: pl.DataFrame) -> Iterator[pl.DataFrame]:
    some = False
    for frame in frames:
        some = True
        yield frame
    if not some:
        yield empty


def to_bytes(table: pl.DataFrame) -> bytes:
    """A table in bytes."""
    file = io.BytesIO()
    table.write_ipc(file)
    return file.getvalue()


def from_bytes(table: bytes) -> pl.DataFrame:
    """The table that bytes hold."""
    return pl.read_ipc(io.BytesIO(table))
