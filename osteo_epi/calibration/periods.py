"""Periods of a device between events, told by date alike for phantom scans and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from osteo_epi.errors import SchemaError
from osteo_epi.frames import enter


def with_period(
    data: Any,
    *,
    changes: Mapping[str, Sequence[Any]],
    device: str = "device",
    date: str = "scan_date",
) -> Any:
    """Number the periods of each device, so that each can have its own phantom line.

    Parameters
    ----------
    data
        A frame of any kind: phantom scans or people. Use the same `changes` for both.
    changes
        Device to the dates from which it read differently (new tube, new software; the day itself
        counts as after). A device that is not named has one period.
    device, date
        Columns of the device and the date of a scan.

    Returns
    -------
    frame
        With `period`, 1 up to the first change and so on; null where a device with changes has no
        date.

    Raises
    ------
    SchemaError
        If a column is absent, or a device named in `changes` is not in the data's types.

    Examples
    --------
    >>> scans = pl.DataFrame({"device": ["A", "A", "B"], "scan_date": [1, 5, 5]})
    >>> with_period(scans, changes={"A": [5]})["period"].to_list()
    [1, 2, 1]
    """
    frame, leave = enter(data)
    there = frame.lazy().collect_schema().names()
    absent = [name for name in (device, date) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; periods need a device and a date")
    number: pl.Expr = pl.lit(1, dtype=pl.Int32)
    for name, dates in changes.items():
        own = pl.col(device).cast(pl.String) == name
        passed = pl.sum_horizontal(
            ((pl.col(date) >= when).cast(pl.Int32) for when in dates), ignore_nulls=False
        )
        number = pl.when(own).then(1 + passed).otherwise(number)
    return leave(frame.with_columns(number.cast(pl.Int32).alias("period")))
