"""Frames whose columns have any type and any values, in any library that holds frames."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from seeds import people

import osteo_epi as oe

_WHOLE = [0, 1, 2, -9, 99, 999, 127, 255, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**53 + 1,
          2**63 - 1, -(2**63) + 1, 2**64 - 1, 2**100, 20190305, 43530]  # fmt: skip
_REAL = [0.0, -0.0, 0.7, 1e-300, 1e20, -1e20, 1e300, float("inf"), float("-inf"), float("nan"),
         5e-324, 61.5, 2.0**63, 999.0]  # fmt: skip
_TEXT = ["", " ", "NA", "女", "male", "F", "1", "2", "0,7", "1e20", "nan", "2019-03-05", "99999999",
         "\x00", "\x1b[31m", "a\nb", "\ud83d", "=1+1", "x" * 5000, "0.8*", "yes", "L1", "１",
         "0" * 400, "262143-12-31"]  # fmt: skip
_NAMES = [*oe.codebook().variables, "remark", "unnamed_1", "age (file)"]
_WIDTHS = {
    pl.Int8: (-(2**7), 2**7 - 1), pl.Int16: (-(2**15), 2**15 - 1), pl.Int32: (-(2**31), 2**31 - 1),
    pl.Int64: (-(2**63), 2**63 - 1), pl.UInt8: (0, 2**8 - 1), pl.UInt16: (0, 2**16 - 1),
    pl.UInt32: (0, 2**32 - 1), pl.UInt64: (0, 2**64 - 1), pl.Int128: (-(2**127), 2**127 - 1),
}  # fmt: skip


def frame(number: int) -> Any:
    """Frame `number`: sound columns, some of them exchanged for columns of any type."""
    rng = random.Random(f"frame {number}")
    n = rng.choice([0, 1, 2, 8, 8, 8])
    sound = people(8).head(n)
    names = [*sound.columns, *_NAMES]
    if rng.random() < 0.8:  # what an input costs is its columns'
        sound = sound.select(rng.sample(sound.columns, 3))
    changed = {}
    for name in rng.sample(names, rng.choice([1, 1, 2, 4])):
        make = rng.choice(_MAKERS)
        changed[name] = [None] * n if rng.random() < 0.03 else make(n, rng)
    columns = {
        name: column if isinstance(column, pl.Series) else pl.Series(column)
        for name, column in changed.items()
    }
    return _held(sound.with_columns(column.alias(name) for name, column in columns.items()), rng)


def _held(table: pl.DataFrame, rng: random.Random) -> Any:
    """The same table in one of the libraries, where that can hold it."""
    holders: list[Callable[[pl.DataFrame], Any]] = [
        lambda t: t,
        lambda t: t.lazy(),
        lambda t: t.to_arrow(),
        lambda t: t.to_dict(as_series=False),
        lambda t: t.to_pandas(),
        lambda t: pd.DataFrame({name: t[name].to_numpy() for name in t.columns}),
        lambda t: pd.DataFrame(t.to_dict(as_series=False), dtype=object),
        lambda t: t.to_pandas(use_pyarrow_extension_array=True),
    ]
    try:
        return rng.choice(holders)(table)
    except BaseException as error:  # it is not the reading that is tried here
        if isinstance(error, KeyboardInterrupt):
            raise
        return table


def _some(values: list[Any], n: int, rng: random.Random) -> list[Any]:
    chosen = values if rng.random() < 0.6 else [rng.choice(values)]
    return [None if rng.random() < 0.1 else rng.choice(chosen) for _ in range(n)]


def _whole(n: int, rng: random.Random) -> pl.Series:
    dtype, (low, high) = rng.choice(list(_WIDTHS.items()))
    return pl.Series(_some([v for v in _WHOLE if low <= v <= high], n, rng), dtype=dtype)


def _real(n: int, rng: random.Random) -> pl.Series:
    cells = pl.Series(_some(_REAL, n, rng), dtype=pl.Float64)
    return cells.cast(pl.Float32) if rng.random() < 0.3 else cells


def _text(n: int, rng: random.Random) -> pl.Series:
    cells = [c for c in _some(_TEXT, n, rng) if c is None or c.isprintable() or rng.random() < 0.9]
    plain = [None if c is None else c.encode("utf-8", "replace").decode() for c in cells]
    series = pl.Series((plain + [None] * n)[:n], dtype=pl.String)
    return rng.choice([series, series, series.cast(pl.Categorical)])


def _instant(n: int, rng: random.Random) -> pl.Series:
    numbers = pl.Series(_some([w for w in _WHOLE if abs(w) < 2**63], n, rng), dtype=pl.Int64)
    unit: Any = rng.choice(["ms", "us", "ns"])
    zone = rng.choice([None, "UTC", "Asia/Shanghai", "America/New_York"])
    if rng.random() < 0.3:
        return numbers.clip(-(2**31), 2**31 - 1).cast(pl.Int32).cast(pl.Date)
    return numbers.cast(pl.Datetime(unit, zone) if rng.random() < 0.6 else pl.Duration(unit))


def _time(n: int, rng: random.Random) -> pl.Series:
    numbers = pa.array(_some([0, 1, 86_400 * 10**9, 2**62, -1], n, rng), pa.int64())
    return pl.Series(numbers.view(pa.time64("ns")))


def _decimal(n: int, rng: random.Random) -> pl.Series:
    cells = _some([Decimal("0.7"), Decimal("9" * 20), Decimal("-1.25"), Decimal(0)], n, rng)
    return pl.Series(cells, dtype=pl.Decimal(38, rng.choice([0, 2, 9])), strict=False)


def _bytes(n: int, rng: random.Random) -> pl.Series:
    return pl.Series(
        _some([b"0.7", b"\xff\xfe", b"", "女".encode("gb18030"), b"\x00"], n, rng), dtype=pl.Binary
    )


def _nested(n: int, rng: random.Random) -> pl.Series:
    inner = rng.choice([_whole, _real, _text, _bytes, _instant])(n, rng)
    kind = rng.randrange(4)
    table = inner.alias("a").to_frame()
    if kind == 0:
        return table.select(pl.concat_list("a", "a")).to_series()
    if kind == 1:
        return table.select(pl.struct("a", b="a")).to_series()
    if kind == 2:
        return table.select(pl.concat_list(pl.struct("a"))).to_series()
    return table.select(pl.col("a").reshape((-1, 1))).to_series()


def _truth(n: int, rng: random.Random) -> pl.Series:
    return pl.Series(_some([True, False], n, rng), dtype=pl.Boolean)


def _chosen(n: int, rng: random.Random) -> pl.Series:
    return pl.Series(_some(["female", "male"], n, rng), dtype=pl.Enum(["male", "female"]))


def _mixed(n: int, rng: random.Random) -> pl.Series:
    cells = _some([1, 0.7, "0.812*", None, np.float32(3), b"x", [1], {"a": 1}], n, rng)
    return pl.Series(cells, dtype=pl.Object)


_MAKERS: list[Callable[[int, random.Random], pl.Series]] = [
    _whole, _whole, _real, _real, _text, _text, _instant, _instant, _time, _decimal, _bytes,
    _nested, _nested, _truth, _chosen, _mixed,
]  # fmt: skip
