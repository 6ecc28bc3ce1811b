"""A query that a user gave and that cannot be run: said in words, without a value of anybody.

Polars names the first values that it could not convert, which are of people. So nothing of its
message is passed on but columns, types and numbers of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import polars as pl

from osteo_epi.errors import SchemaError

FAULTS = (pl.exceptions.PolarsError, OSError)
"""What running a query ends in: an error of Polars, or of a file that it reads."""
_TYPE = r"([\w() ]+)"
_DIFFERS = re.compile(rf"data type mismatch for column (.+?): incoming: {_TYPE} != target: {_TYPE}")
_CONVERTS = re.compile(
    rf"conversion from `{_TYPE}` to `{_TYPE}` failed in column '([^']*)' for \d+ out of "
)
"""Its numbers are of the batch in which it ended, which hangs on the threads: they are not said."""
_PARSES = re.compile(rf"could not parse `.*` as dtype `{_TYPE}` at column '([^']*)' \(column")
_LACKS = re.compile(r'unable to find column "([^"]*)"')
_NUMBER = re.compile(r"U?Int|Float")
_READ = "let osteo_epi.read read the file or the folder, which counts what it cannot read"


@contextmanager
def running(*data: Any) -> Iterator[None]:
    """Say of a lazy frame among the data that it cannot be run, where that is why work inside ends.

    Whether it is, is found by running it once more, alone: a fault of ours stays what it is.

    Raises
    ------
    SchemaError
        Naming what is wrong with the query, and what to do.

    Examples
    --------
    >>> people = pl.LazyFrame({"age": ["61", "sixty"]}).with_columns(pl.col("age").cast(pl.Int64))
    >>> with running(people):
    ...     people.collect()
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: the lazy frame that was given cannot be run: column age cannot be
    turned from str into i64 in some rows. Cast with strict=False, which makes them missing; ...
    """
    try:
        yield
    except FAULTS as error:
        queries = [one for one in data if isinstance(one, pl.LazyFrame)]
        fault = next(filter(None, map(_fault, queries)), None)
        if fault is None:
            raise error
        # Not "from" it: what follows an error in a notebook is Polars' own message.
        raise SchemaError(f"the lazy frame that was given cannot be run: {_told(fault)}") from None


def _fault(query: pl.LazyFrame) -> Exception | None:
    """What a query ends in by itself; its rows are let go as they come."""
    try:
        query.collect_schema()
        for _ in query.collect_batches(lazy=True, engine="streaming"):
            pass
    except FAULTS as error:
        return error
    except Exception:  # of another engine, or of a function of the user's: said by itself
        return None
    return None


def _told(fault: Exception) -> str:
    """What is wrong, of what Polars says, and what to do."""
    text = str(fault).partition("\n")[0]
    if isinstance(fault, FileNotFoundError):
        name = PurePath(fault.filename or text.rpartition(": ")[2]).name
        return f"no such file: {name}. Scan the files that are there now"
    if isinstance(fault, OSError):
        return f"its file cannot be read ({type(fault).__name__}). See that it is there and yours"
    if found := _DIFFERS.search(text):
        column, *kinds = found.groups()
        in_each = (
            "; or cast it in each, pl.concat([pl.scan_parquet(file).with_columns("
            f"pl.col('{column}').cast(pl.Float64)) for file in files])"
        )
        return (
            f"column {column} is {kinds[0]} in one file and {kinds[1]} in another. Take the folder "
            "in by osteo_epi.read(folder)" + in_each * all(_NUMBER.match(kind) for kind in kinds)
        )
    if found := _CONVERTS.search(text):
        kind, into, column = found.groups()
        return (
            f"column {column} cannot be turned from {kind} into {into} in some rows. Cast with "
            f"strict=False, which makes them missing; or {_READ}"
        )
    if found := _PARSES.search(text):
        kind, column = found.groups()
        return (
            f"column {column} holds what is no {kind}, the type of its first rows. Scan it with "
            f"infer_schema_length=None; or {_READ}"
        )
    if found := _LACKS.search(text):
        return f"it names the column {found.group(1)}, which is not there. Look at its expressions"
    return f"it ends in {type(fault).__name__} of Polars. Its own .collect() shows where"
