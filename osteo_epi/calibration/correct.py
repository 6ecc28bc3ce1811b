"""Apply a correction to people: what is corrected, what refuses, and what is said of it.

Mineral content is corrected with its area, so that ΣBMC/Σarea of vertebrae is that of corrected
densities. A frame says in `calibrated_to` that it was corrected: twice would be wrong.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi.cohort.findings import Finding
from osteo_epi.errors import OutOfRangeWarning, SchemaError
from osteo_epi.frames import Frame, enter

if TYPE_CHECKING:
    from osteo_epi.calibration.correction import Correction

DONE = "calibrated_to"
SEPARATOR = " · "
PREFIX = {"g/cm2": "abmd_", "mg/cm3": "vbmd_"}
# Other machines than the one whose phantom was scanned.
OTHERS = ("_ctxa", "_pdxa", "_by_rule")
OUTSIDE = ("warn", "fail", "allow")


def joined_key(by: Sequence[str]) -> pl.Expr:
    """One text a device, from the columns that make it; null where one of them is."""
    texts = [pl.col(c).cast(pl.String) for c in by]
    return texts[0] if len(texts) == 1 else pl.concat_str(texts, separator=SEPARATOR)


def corrected(
    people: Any,
    correction: Correction,
    *,
    columns: Sequence[str] | None = None,
    outside: str = "warn",
) -> Any:
    """Correct people's readings by the device that made them.

    Parameters
    ----------
    people
        A frame of any kind with the columns that make a device.
    correction
        From `PhantomLines.correction` or `correction_between`.
    columns
        Readings to correct; by default every areal density by DXA with its mineral content, or
        every volumetric density for a phantom in mg/cm³. One correction holds for all of them: a
        phantom knows no regions.
    outside
        Readings outside those of the phantom, where the line is extrapolated: "warn" (an
        `OutOfRangeWarning` with their number), "fail", or "allow".

    Returns
    -------
    frame
        The columns corrected, and `calibrated_to`. A cohort also gets findings that say so.

    Raises
    ------
    SchemaError
        Nothing to correct, corrected before, a device without phantom scans, readings whose device
        is not stated, mineral content without its area, or areal columns by a volumetric phantom.

    Examples
    --------
    >>> from osteo_epi.calibration.correction import correction_between
    >>> from osteo_epi.calibration.ols import least_squares
    >>> line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    >>> people = pl.DataFrame({"device": ["B"], "abmd_total_hip": [0.9]})
    >>> corrected(people, correction_between({("B",): line}))["abmd_total_hip"].round(6).to_list()
    [0.8]
    """
    if outside not in OUTSIDE:
        raise SchemaError(f"outside={outside!r}: choose one of {', '.join(OUTSIDE)}")
    frame, leave = enter(people)
    chosen = chosen_columns(frame, correction, columns)
    count = check_devices(frame, correction, chosen)
    if count and outside != "allow":
        _say_outside(count, correction, outside)
    made = leave(with_corrected(frame, correction, chosen))
    if not hasattr(people, "with_findings"):
        return made
    return made.with_findings(_findings(frame, correction, chosen, count))


def with_corrected(frame: Frame, correction: Correction, columns: Sequence[str]) -> Frame:
    """Correct checked columns: expressions only."""
    # Looked up once for all columns, and taken away again.
    shift, factor = pl.col("_shift"), pl.col("_factor")
    made = [shift + factor * pl.col(name) for name in columns]
    for name in columns:
        roi = name.removeprefix("abmd_")
        mineral = pl.col(f"bmc_{roi}")
        if name.startswith("abmd_") and f"bmc_{roi}" in frame.collect_schema():
            made.append((shift * pl.col(f"area_{roi}") + factor * mineral).alias(f"bmc_{roi}"))
    named = [new.alias(name) for new, name in zip(made, columns, strict=False)]
    found = dict(zip(("_shift", "_factor"), correction.terms(), strict=True))
    step = frame.with_columns(**found).with_columns(*named, *made[len(columns) :])
    return step.drop(list(found)).with_columns(pl.lit(correction.scale).alias(DONE))


def chosen_columns(
    frame: Frame, correction: Correction, columns: Sequence[str] | None
) -> list[str]:
    """Columns to correct; refuses what could only be corrected wrongly."""
    schema, prefix = frame.collect_schema(), PREFIX.get(correction.unit, "")
    offered = [n for n in schema if n.startswith(prefix) and not n.endswith(OTHERS)]
    chosen = offered if columns is None else list(columns)
    absent = [n for n in (*correction.by, *chosen) if n not in schema]
    if absent or not chosen:
        raise SchemaError(
            f"a correction of [{correction.unit}] by {', '.join(correction.by)} needs the columns "
            f"{', '.join(absent) or prefix + '…'}; they are not in the data"
        )
    alien = [n for n in chosen if n.startswith(tuple(PREFIX.values())) and not n.startswith(prefix)]
    if alien:
        raise SchemaError(
            f"{', '.join(alien)}: a phantom read in {correction.unit} does not correct them"
        )
    if DONE in schema:
        raise SchemaError(
            f"the data were corrected before (they have {DONE!r}): apply a correction to the "
            "readings as they were made"
        )
    regions = [n.removeprefix("abmd_") for n in chosen if n.startswith("abmd_")]
    bare = [f"bmc_{r}" for r in regions if f"bmc_{r}" in schema and f"area_{r}" not in schema]
    if bare:
        raise SchemaError(
            f"{', '.join(bare)} cannot be corrected without the area of the same region; give it, "
            "or leave the mineral content out"
        )
    return chosen


def check_devices(frame: Frame, correction: Correction, columns: Sequence[str]) -> int:
    """Every reading has a device with phantom scans; count readings outside the phantom's."""
    key, low, high = pl.col("_key"), pl.col("_low"), pl.col("_high")
    limits = [correction.by_device(side) for side in correction.limits.T]
    beyond = [((pl.col(c) < low) | (pl.col(c) > high)).sum() for c in columns]
    table = (
        frame.lazy()
        .filter(pl.any_horizontal(pl.col(c).is_not_null() for c in columns))
        .with_columns(joined_key(correction.by).alias("_key"), _low=limits[0], _high=limits[1])
        .group_by(key.alias("device"))
        .agg(pl.len().alias("people"), pl.sum_horizontal(beyond).alias("beyond"))
        .collect(engine="streaming")
    )
    unstated = table.filter(pl.col("device").is_null())["people"].sum()
    if unstated:
        raise SchemaError(
            f"{unstated} people have readings and no {' or no '.join(correction.by)}: which "
            "correction is theirs cannot be told; fill it in, or leave their readings out"
        )
    strange = table.filter(~pl.col("device").is_in(correction.names)).sort("device")
    if len(strange):
        named = ", ".join(strange["device"].head(5).to_list())
        raise SchemaError(
            f"{strange['people'].sum()} people were measured on {len(strange)} devices without "
            f"phantom scans ({', '.join(correction.by)}: {named}): they cannot be corrected; scan "
            "the phantom there, or leave these readings out by name"
        )
    return int(table["beyond"].sum())


def _say_outside(count: int, correction: Correction, outside: str) -> None:
    said = (
        f"{count} readings lie outside those of the phantom: there the line of their device is "
        "extrapolated"
    )
    if outside == "fail":
        raise SchemaError(f"{said}; make them missing, or say outside='warn'")
    warnings.warn(said, OutOfRangeWarning, stacklevel=4)


def _findings(
    frame: Frame, correction: Correction, columns: Sequence[str], beyond: int
) -> list[Finding]:
    schema = frame.collect_schema()
    rows = frame.lazy().select(pl.len()).collect().item()
    found = [Finding("calibrated", "note", ", ".join(columns), rows, f"{correction}")]
    if beyond:
        message = f"{beyond} readings outside those of the phantom, corrected by extrapolation"
        found.append(
            Finding("beyond_phantom", "note", "", beyond, message, "look how far outside they lie")
        )
    left = [n for n in schema if n.endswith("_reported") and n.startswith(("t_score", "z_score"))]
    if left:
        message = "scores as the devices reported them rest on uncorrected densities"
        fix = "score the corrected densities; do not use reference='reported'"
        found.append(Finding("uncorrected_scores", "warning", ", ".join(left), rows, message, fix))
    return found
