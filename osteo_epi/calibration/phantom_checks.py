"""What has to hold before a phantom may correct anybody: each fault with its own message."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from osteo_epi.calibration.pairs import UNIT_RATIO
from osteo_epi.errors import SchemaError

LEAST_SCANS = 3
SWAPPED = 0.1
"""Share of the range by which a denser insert may read lower: close inserts may change places."""


def check_columns(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Columns are there, and nothing is missing in them."""
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise SchemaError(f"phantom scans lack the columns {absent}; there are {frame.columns}")
    lost = {name: int(frame[name].null_count()) for name in names}
    lost |= {n: lost[n] + int(frame[n].is_nan().sum()) for n in names if frame[n].dtype.is_float()}
    if any(lost.values()):
        said = ", ".join(f"{n} in {name!r}" for name, n in lost.items() if n)
        raise SchemaError(f"phantom scans have missing values ({said}); leave those rows out")


def check_inserts(frame: pl.DataFrame, *, insert: str, nominal: str) -> None:
    """One insert has one nominal density, and two inserts do not share one."""
    known = frame.select(insert, nominal).unique()
    for name, other in ((insert, nominal), (nominal, insert)):
        twice = known.group_by(name).len().filter(pl.col("len") > 1)
        if len(twice):
            raise SchemaError(
                f"{len(twice)} values of {name!r} stand with more than one value of {other!r}: "
                "a phantom's insert has one nominal density; correct the table of scans"
            )


def check_device(scans: pl.DataFrame, *, value: str, insert: str, nominal: str, name: str) -> None:
    """The readings of one device can make a line, and were read on their own nominal values."""
    by_insert = scans.group_by(insert).agg(
        n=pl.len(),
        nominal=pl.col(nominal).first(),
        mean=pl.col(value).mean(),
        width=pl.col(value).max() - pl.col(value).min(),
    )
    if len(by_insert) < 2:
        raise SchemaError(
            f"{name}: the phantom was read at one density only; a line needs two inserts, and a "
            "test of linearity three"
        )
    if scans[value].max() == scans[value].min():
        raise SchemaError(
            f"{name}: constant readings, all {len(scans)} are equal; is {value!r} the reading?"
        )
    few = by_insert.filter(pl.col("n") < LEAST_SCANS)
    if len(few):
        raise SchemaError(
            f"{name}: {len(few)} inserts have fewer than three phantom scans "
            f"(fewest: {min(few['n'].to_list())}); scan the phantom again, ten times is usual"
        )
    if (by_insert["width"] == 0).all():
        raise SchemaError(
            f"{name}: constant readings, the repeats of every insert are identical; are they "
            "copies of one scan, or the nominal values?"
        )
    _check_unit(scans, value, nominal, name)
    _check_order(by_insert, name)
    _check_labels(scans, value, insert, name)


def _check_unit(scans: pl.DataFrame, value: str, nominal: str, name: str) -> None:
    """mg for g is a thousandfold; areal for volumetric nominal values a hundredfold."""
    sizes = [float(np.median(np.abs(scans[c].to_numpy()))) for c in (value, nominal)]
    ratio = max(sizes) / min(sizes) if min(sizes) > 0 else np.inf
    if ratio > UNIT_RATIO:
        raise SchemaError(
            f"{name}: the readings and the nominal values seem to be in different units (their "
            f"medians differ {ratio:.0f}-fold): g/cm² against mg/cm², or areal readings against "
            "volumetric nominal values? Read the phantom on its nominal values of the same quantity"
        )


def _check_order(by_insert: pl.DataFrame, name: str) -> None:
    """Inserts in another order than their nominal values, by more than scanners can differ."""
    mean = by_insert.sort("nominal")["mean"].to_numpy()
    if np.diff(mean).min() < -SWAPPED * np.ptp(mean):
        raise SchemaError(
            f"{name}: the inserts' readings do not stand in the order of their nominal values: "
            "read on the wrong nominal, vertebrae swapped or counted from the other end? Correct "
            "the labels of the inserts"
        )


def _check_labels(scans: pl.DataFrame, value: str, insert: str, name: str) -> None:
    """Single readings that belong to another insert by their size."""
    medians = scans.group_by(insert).agg(pl.col(value).median()).sort(value)
    levels = medians[value].to_numpy()
    own = scans[insert].replace_strict(medians[insert], range(len(levels)), return_dtype=pl.Int64)
    place = own.to_numpy()
    away = np.abs(scans[value].to_numpy()[:, None] - levels)
    strayed = away.min(axis=1) < away[np.arange(len(place)), place]
    strayed &= away[np.arange(len(place)), place] > np.diff(levels).min() / 2
    if strayed.any():
        raise SchemaError(
            f"{name}: {int(strayed.sum())} of {len(place)} readings stand nearer to another "
            "insert's readings than to their own: vertebrae relabelled in some scans, or the "
            "device changed in between? Correct the labels, or give the periods their own lines "
            "(by=('device', 'period'), see with_period)"
        )
