"""From each device's line to corrected readings, with the covariance of all corrections kept.

corrected = shift + factor · reading, per device (and period). What the corrections do to an
estimate made of many devices depends on how they vary together, so the covariance is of all of them
at once; calibrated prevalence carries it on.

Mineral content is corrected with its area, so that ΣBMC/Σarea of vertebrae is that of corrected
densities. A frame says in `calibrated_to` that it was corrected: twice would be wrong.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement import Line, critical_value
from osteo_epi.cohort import codebook
from osteo_epi.errors import OutOfRangeWarning, SchemaError
from osteo_epi.findings import Finding
from osteo_epi.frames import Frame, as_polars
from osteo_epi.norms import READING_TOLERANCE, out_of_range
from osteo_epi.results import Result
from osteo_epi.rounding import number, people_who

Floats = NDArray[np.float64]
Key = tuple[Any, ...]

DONE = "calibrated_to"
SEPARATOR = " · "
PREFIX = {"g/cm2": "abmd_", "mg/cm3": "vbmd_"}
# Other machines than the one whose phantom was scanned, and values that are set aside.
OTHERS = ("_ctxa", "_pdxa", "_by_rule", "_as_given")
OUTSIDE = ("warn", "fail", "allow")


@dataclass(frozen=True, repr=False, eq=False)
class Correction(Result):
    """Shift and factor of each device, with the covariance of all of them.

    Parameters
    ----------
    by
        Columns that make a device.
    keys
        (D,) devices.
    coefficients
        (D, 2) shift [unit] and factor: corrected = shift + factor · reading.
    covariance
        (2D, 2D) of the coefficients, device by device.
    scale
        What corrected readings stand for.
    limits
        (D, 2) readings between which each device's line was established.
    df
        Degrees of freedom of the covariance.
    unit
        "g/cm2" or "mg/cm3".
    source
        What it rests on, in words.
    label
        What a reader must know, e.g. that the scans are simulated.
    """

    by: tuple[str, ...]
    keys: tuple[Key, ...]
    coefficients: Floats
    covariance: Floats = field(repr=False)
    scale: str
    limits: Floats = field(repr=False)
    df: float
    unit: str = "g/cm2"
    source: str = ""
    label: str = ""

    @property
    def names(self) -> list[str]:
        """Devices as one text each, as `joined_key` makes them of a frame's rows."""
        return [SEPARATOR.join(map(str, key)) for key in self.keys]

    def __str__(self) -> str:
        return f"corrected to {self.scale} by {self.source}"

    def block(self, place: int) -> Floats:
        """(2, 2) covariance of one device's shift and factor."""
        return self.covariance[2 * place : 2 * place + 2, 2 * place : 2 * place + 2]

    def moved(self, change: Floats) -> Correction:
        """The same correction with (2D,) added to its coefficients: a draw, or a step."""
        return replace(self, coefficients=self.coefficients + np.reshape(change, (-1, 2)))

    def axes(self) -> Floats:
        """(rank, 2D) independent changes of the coefficients, each of one standard error.

        Their outer products add up to the covariance; devices that are not corrected have none.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        kept = values > values.max(initial=0) * 1e-12
        return (vectors[:, kept] * np.sqrt(values[kept])).T

    def apply(
        self, people: Any, *, columns: Sequence[str] | None = None, outside: str = "warn"
    ) -> Any:
        """Correct people's readings by the device that made them.

        Parameters
        ----------
        people
            A frame of any kind with the columns that make a device.
        columns
            Readings to correct, a region of the hip with its left and right; by default every
            areal density by DXA with its mineral content, or every volumetric density for a
            phantom in mg/cm³. One correction holds for all of them: a phantom knows no regions.
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
            Nothing to correct, corrected before, a device without phantom scans, readings whose
            device is not stated, mineral content without its area, or areal columns by a
            volumetric phantom.

        Examples
        --------
        >>> from osteo_epi.calibration import correction_between
        >>> from osteo_epi.agreement import least_squares
        >>> line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
        >>> people = pl.DataFrame({"device": ["B"], "abmd_total_hip": [0.9]})
        >>> correction = correction_between({("B",): line})
        >>> correction.apply(people)["abmd_total_hip"].round(6).to_list()
        [0.8]
        """
        if outside not in OUTSIDE:
            raise SchemaError(f"outside={outside!r}: choose one of {', '.join(OUTSIDE)}")
        frame, restore = as_polars(people)
        chosen = chosen_columns(frame, self, columns)
        count = check_devices(frame, self, chosen)
        if count and outside != "allow":
            _report_outside(count, outside)
        result = restore(with_corrected(frame, self, chosen))
        if not hasattr(people, "with_findings"):
            return result
        return result.with_findings(_findings(frame, self, chosen, count))

    def terms(self) -> tuple[pl.Expr, pl.Expr]:
        """Shift and factor of each row, by the columns that make its device."""
        shift, factor = (self.by_device(self.coefficients[:, term]) for term in (0, 1))
        return shift, factor

    def by_device(self, values: Floats) -> pl.Expr:
        """The one of (D,) values that belongs to each row's device; null without a device."""
        known = dict(zip(self.names, values.tolist(), strict=True))
        return joined_key(self.by).replace_strict(known, default=None, return_dtype=pl.Float64)

    def to_polars(self, *, confidence: float = 0.95) -> pl.DataFrame:
        """One row a device: shift and factor with limits, and what 1 unit is corrected to."""
        reach = critical_value(confidence, self.df)
        rows = []
        for place, (key, pair) in enumerate(zip(self.keys, self.coefficients, strict=True)):
            row: dict[str, Any] = dict(zip(self.by, key, strict=True))
            errors = np.sqrt(np.diag(self.block(place)))
            for name, value, se in zip(("shift", "factor"), pair, errors, strict=True):
                row |= {name: value, f"{name}_se": se}
                row |= {f"{name}_lower": value - reach * se, f"{name}_upper": value + reach * se}
            low, high = self.limits[place]
            rows.append(row | {"lowest": low, "highest": high, "confidence": confidence})
        return pl.DataFrame(rows)

    def _repr_html_(self) -> str:
        notes = (f"Degrees of freedom {number(self.df)}.", *filter(None, (self.label,)))
        return self._shown(caption=f"{self} [{self.unit}]", notes=notes)

    def _summary(self) -> str:
        return f"{self}, {len(self.keys)} devices"


def correction_between(
    lines: Mapping[Key, Line],
    covariance: Floats | None = None,
    *,
    by: Sequence[str] = ("device",),
    to: Key | None = None,
    scale: str = "the x of the lines",
    unit: str = "g/cm2",
    source: str = "lines",
    label: str = "",
) -> Correction:
    """Turn lines reading = intercept + slope · x, one a device, into corrections.

    Parameters
    ----------
    lines
        Device's key to its line; x is one scale for all (a phantom's nominal density, or a
        reference device read in the same people).
    covariance
        (2D, 2D) of intercepts and slopes; None: lines that are independent of each other.
    by
        Columns that make a key.
    to
        Key of the device whose scale is wanted; None: the scale of x.
    scale, unit, source, label
        What is said of it.

    Returns
    -------
    Correction
        Its covariance by the delta method.

    Raises
    ------
    SchemaError
        If a line has no covariance, the wanted device has no line, or a slope is not positive.

    Examples
    --------
    >>> from osteo_epi.agreement import least_squares
    >>> line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    >>> correction = correction_between({("B",): line})
    >>> [round(v, 4) for v in correction.coefficients[0].tolist()]
    [-0.1, 1.0]
    """
    from scipy.linalg import block_diag

    _check(lines, by, to)
    keys = tuple(lines)
    theta = np.array([[lines[k].intercept.estimate, lines[k].slope.estimate] for k in keys])
    if covariance is None:
        covariance = block_diag(*(np.array(lines[key].covariance) for key in keys))
    chosen = None if to is None else keys.index(to)
    coefficients, jacobian = _inverted(theta, chosen)
    ends = np.array([lines[key].x_range for key in keys])
    return Correction(
        by=tuple(by),
        keys=keys,
        coefficients=coefficients,
        covariance=jacobian @ covariance @ jacobian.T,
        scale=scale if to is None else f"readings of {device_label(by, to)}",
        limits=theta[:, :1] + theta[:, 1:] * ends,
        df=float(sum(lines[key].df for key in keys)),
        unit=unit,
        source=source,
        label=label,
    )


def device_label(by: Sequence[str], key: Key) -> str:
    """Name a device by its columns.

    Examples
    --------
    >>> device_label(("device", "period"), ("lunar_2", 1))
    'device lunar_2, period 1'
    """
    return ", ".join(f"{name} {value}" for name, value in zip(by, key, strict=True))


def joined_key(by: Sequence[str]) -> pl.Expr:
    """One text a device, from the columns that make it; null where one of them is."""
    texts = [pl.col(c).cast(pl.String) for c in by]
    return texts[0] if len(texts) == 1 else pl.concat_str(texts, separator=SEPARATOR)


def chosen_columns(
    frame: Frame, correction: Correction, columns: Sequence[str] | None
) -> list[str]:
    """Columns to correct; refuses what could only be corrected wrongly."""
    schema, prefix = frame.collect_schema(), PREFIX.get(correction.unit, "")
    offered = [n for n in schema if n.startswith(prefix) and not n.endswith(OTHERS)]
    chosen = offered if columns is None else _with_sides(columns, schema)
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
    _refuse_corrected(frame, chosen)
    regions = [n.removeprefix("abmd_") for n in chosen if n.startswith("abmd_")]
    bare = [f"bmc_{r}" for r in regions if f"bmc_{r}" in schema and f"area_{r}" not in schema]
    if bare:
        raise SchemaError(
            f"{', '.join(bare)} cannot be corrected without the area of the same region; give it, "
            "or leave the mineral content out"
        )
    return chosen


def _refuse_corrected(frame: Frame, columns: Sequence[str]) -> None:
    if done := corrected_rows(frame, columns):
        raise SchemaError(
            f"the data were corrected before ({DONE!r} holds a value in {done[0]:,} of "
            f"{done[1]:,} rows with these readings): apply a correction to the readings as they "
            "were made, of all people at once"
        )


def corrected_rows(frame: Frame, columns: Sequence[str]) -> tuple[int, int] | None:
    """How many rows with readings were corrected, of how many; None where none was.

    Only a value in `calibrated_to` says that a row was: the column alone says nothing.
    """
    if DONE not in frame.collect_schema():
        return None
    read = pl.any_horizontal(pl.col(c).is_not_null() for c in columns)
    counts = frame.lazy().select((read & pl.col(DONE).is_not_null()).sum(), n=read.sum())
    done, n = counts.collect().row(0)
    return (done, n) if done else None


def _with_sides(columns: Sequence[str], schema: pl.Schema) -> list[str]:
    """A region of the hip goes with its left and right, of which a class is made."""
    known = codebook().variables
    sides = [n for n in schema if n in known and n not in columns and known[n].whole in columns]
    return [*columns, *sides]


def check_devices(frame: Frame, correction: Correction, columns: Sequence[str]) -> int:
    """Every reading has a device with phantom scans; count readings outside the phantom's."""
    key, low, high = pl.col("_key"), pl.col("_low"), pl.col("_high")
    limits = [correction.by_device(side) for side in correction.limits.T]
    near = READING_TOLERANCE * pl.max_horizontal(low.abs(), high.abs())
    beyond = [out_of_range(pl.col(c), low, high, by=near).sum() for c in columns]
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
            f"{people_who(int(unstated), 'have')} readings and no {' or no '.join(correction.by)}: "
            "which correction is theirs cannot be told; fill it in, or leave their readings out"
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


def with_corrected(frame: Frame, correction: Correction, columns: Sequence[str]) -> Frame:
    """Correct checked columns: expressions only."""
    # Looked up once for all columns, and taken away again.
    shift, factor = pl.col("_shift"), pl.col("_factor")
    terms = [shift + factor * pl.col(name) for name in columns]
    for name in columns:
        roi = name.removeprefix("abmd_")
        mineral = pl.col(f"bmc_{roi}")
        if name.startswith("abmd_") and f"bmc_{roi}" in frame.collect_schema():
            terms.append((shift * pl.col(f"area_{roi}") + factor * mineral).alias(f"bmc_{roi}"))
    named = [new.alias(name) for new, name in zip(terms, columns, strict=False)]
    looked_up = dict(zip(("_shift", "_factor"), correction.terms(), strict=True))
    step = frame.with_columns(**looked_up).with_columns(*named, *terms[len(columns) :])
    return step.drop(list(looked_up)).with_columns(pl.lit(correction.scale).alias(DONE))


def _report_outside(count: int, outside: str) -> None:
    message = (
        f"{count} readings lie outside those of the phantom: there the line of their device is "
        "extrapolated"
    )
    if outside == "fail":
        raise SchemaError(f"{message}; make them missing, or say outside='warn'")
    warnings.warn(message, OutOfRangeWarning, stacklevel=3)


def _findings(
    frame: Frame, correction: Correction, columns: Sequence[str], beyond: int
) -> list[Finding]:
    schema = frame.collect_schema()
    rows = frame.lazy().select(pl.len()).collect().item()
    findings = [Finding("calibrated", "note", ", ".join(columns), rows, f"{correction}")]
    if beyond:
        message = f"{beyond} readings outside those of the phantom, corrected by extrapolation"
        findings.append(
            Finding("beyond_phantom", "note", "", beyond, message, "look how far outside they lie")
        )
    left = [n for n in schema if n.endswith("_reported") and n.startswith(("t_score", "z_score"))]
    if left:
        message = "scores as the devices reported them rest on uncorrected densities"
        fix = "score the corrected densities; do not use reference='reported'"
        findings.append(
            Finding("uncorrected_scores", "warning", ", ".join(left), rows, message, fix)
        )
    return findings


def _check(lines: Mapping[Key, Line], by: Sequence[str], to: Key | None) -> None:
    bare = [device_label(by, key) for key, line in lines.items() if line.covariance is None]
    if bare:
        raise SchemaError(
            f"the lines of {', '.join(bare)} have no covariance to carry on; fit with "
            "interval='jackknife' or 'bootstrap'"
        )
    flat = [device_label(by, key) for key, line in lines.items() if line.slope.estimate <= 0]
    if flat:
        raise SchemaError(f"the slopes of {', '.join(flat)} are not positive: nothing to invert")
    if to is not None and to not in lines:
        there = ", ".join(device_label(by, key) for key in lines)
        raise SchemaError(f"there is no line of {to} to correct to; there are {there}")


def _inverted(theta: Floats, to: int | None) -> tuple[Floats, Floats]:
    """(D, 2) shift and factor, and their (2D, 2D) derivatives by intercepts and slopes."""
    a, b = theta.T
    a0, b0 = (0.0, 1.0) if to is None else theta[to]
    jacobian = np.zeros((2 * len(theta),) * 2)
    for k in range(len(theta)):
        if k == to:
            continue
        rows = slice(2 * k, 2 * k + 2)
        jacobian[rows, rows] = [[-b0 / b[k], b0 * a[k] / b[k] ** 2], [0.0, -b0 / b[k] ** 2]]
        if to is not None:
            jacobian[rows, 2 * to : 2 * to + 2] = [[1.0, -a[k] / b[k]], [0.0, 1 / b[k]]]
    return np.column_stack([a0 - b0 * a / b, b0 / b]), jacobian
