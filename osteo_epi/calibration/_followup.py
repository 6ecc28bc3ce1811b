"""Follow-up scans against the least significant change, and pairs that are not comparable."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from osteo_epi.arguments import one_of
from osteo_epi.cohort import refuse_foreign, screening_method
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars, of_queries, refuse_lacking, refuse_words
from osteo_epi.norms import READING_TOLERANCE, falls_below, load, rises_above

CHANGE = pl.Enum(["decrease", "no_significant_change", "increase"])


@of_queries
def with_area_flag(
    scans: Any,
    *,
    person: str = "person_id",
    area: str,
    date: str = "scan_date",
    norm: str = "leslie_2006",
) -> Any:
    """Flag scans whose bone area differs from the person's previous scan: less precise pairs.

    Parameters
    ----------
    scans
        A frame of any kind, one row a scan.
    person, area, date
        Columns of the identifier, the bone area [cm²] and the date that orders the scans.
    norm
        File of kind `precision` that holds the difference in per cent.

    Returns
    -------
    frame
        With `<area>_change_percent` and `<area>_differs` (null at the first scan).

    Examples
    --------
    >>> scans = pl.DataFrame({"person_id": ["a", "a"], "scan_date": [1, 2], "area": [50.0, 52.0]})
    >>> with_area_flag(scans, area="area")["area_differs"].to_list()
    [None, True]
    """
    frame, restore = as_polars(scans)
    limit = load("precision", norm).data["bone_area"]["flag_above_percent"]
    before = pl.col(area).shift(1).over(person, order_by=date)
    change = 100 * (pl.col(area) / before - 1)
    differs = rises_above(change.abs(), limit, by=100 * READING_TOLERANCE)
    return restore(
        frame.with_columns(change.alias(f"{area}_change_percent"), differs.alias(f"{area}_differs"))
    )


@of_queries
def with_change(
    scans: Any,
    *,
    value: str,
    lsc: float | dict[str, float],
    person: str = "person_id",
    date: str = "scan_date",
    since: Literal["first", "previous"] = "first",
    device: str | None = None,
    cross_device_lsc: float | None = None,
) -> Any:
    """Class each follow-up scan by its change against the least significant change.

    Parameters
    ----------
    scans
        A frame of any kind, one row a scan.
    value
        Column of the reading.
    lsc
        Least significant change in the unit of the reading; by device where `device` is given.
    person, date
        Columns of the identifier and of the date that orders the scans.
    since
        Compare with the `"first"` or the `"previous"` scan.
    device
        Column of the device. A change of device makes the comparison undecided, unless
        `cross_device_lsc` is given (see `cross_device_lsc`).
    cross_device_lsc
        For pairs of scans on two devices, the readings having been cross-calibrated.

    Returns
    -------
    frame
        With `<value>_change`, `<value>_lsc`, `<value>_change_class` and `<value>_change_reason`.
        A change as large as the LSC is a change, and to 1e-6 of the reading it is as large.

    Raises
    ------
    SchemaError
        If an LSC by device comes without the column of the device; if the reading is one of a
        screening method, which follows nobody (see `cohort.screening_method`).

    Examples
    --------
    >>> scans = pl.DataFrame({"person_id": ["a"] * 3, "scan_date": [1, 2, 3],
    ...                       "bmd": [0.900, 0.915, 0.860]})
    >>> with_change(scans, value="bmd", lsc=0.03)["bmd_change_class"].to_list()
    [None, 'no_significant_change', 'decrease']
    """
    one_of(since, "since", ("first", "previous"))
    if isinstance(lsc, dict) and device is None:
        raise SchemaError("an LSC by device needs the column of the device: device=…")
    if screening_method(value) is not None:
        raise SchemaError(
            f"{value} is a result of a screening method, which is not to be used to follow people "
            "or to judge drugs; give the density of spine or hip by DXA or QCT as value="
        )
    refuse_foreign(scans, [value])
    frame, restore = as_polars(scans)
    needed = [person, date, value, *([device] if device else [])]
    refuse_lacking(frame.collect_schema(), needed, purpose="a change")
    refuse_words(frame.collect_schema(), [value], purpose="a change")

    def reference(column: pl.Expr) -> pl.Expr:
        shifted = column.shift(1) if since == "previous" else column.first()
        return shifted.over(person, order_by=date)

    later = pl.col(date).rank("ordinal").over(person) > 1
    reading = pl.col(value).cast(pl.Float64).fill_nan(None)
    change = pl.when(later).then(reading - reference(reading))
    moved = pl.col(device) != reference(pl.col(device)) if device else pl.lit(False)
    own = (
        pl.col(device).cast(pl.String).replace_strict(lsc, default=None, return_dtype=pl.Float64)
        if isinstance(lsc, dict) and device
        else pl.lit(lsc, dtype=pl.Float64)
    )
    limit = pl.when(moved).then(pl.lit(cross_device_lsc, dtype=pl.Float64)).otherwise(own)
    names = [f"{value}_{k}" for k in ("change", "lsc", "change_class", "change_reason")]
    step = frame.with_columns(change.alias(names[0]), limit.alias(names[1]))
    return restore(step.with_columns(*_change_class(names, moved, reading)))


def _change_class(names: list[str], moved: pl.Expr, reading: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    change, limit = pl.col(names[0]), pl.col(names[1])
    near = READING_TOLERANCE * pl.max_horizontal(reading.abs(), (reading - change).abs())
    kind = (
        pl.when(change.is_null() | limit.is_null())
        .then(None)
        .when(falls_below(change.abs(), limit, takes_cut=False, by=near))
        .then(pl.lit("no_significant_change"))
        .when(change > 0)
        .then(pl.lit("increase"))
        .otherwise(pl.lit("decrease"))
    )
    reason = (
        pl.when(change.is_null())
        .then(pl.lit("no earlier reading to compare with"))
        .when(limit.is_null() & moved)
        .then(pl.lit("other device, not cross-calibrated: a new baseline"))
        .when(limit.is_null())
        .then(pl.lit("no least significant change for this device"))
        .otherwise(pl.lit("change against the least significant change"))
    )
    return kind.cast(CHANGE).alias(names[2]), reason.alias(names[3])
