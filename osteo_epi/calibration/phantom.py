"""A phantom scanned several times on every device: each device's line, and how sure it is.

Two ways lead to a line. With nominal densities, taken as free of error, each device is regressed on
them. Without, one device is the reference and the means of its own scans take their place; their
error then goes into every other device's line, and ties those lines to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.calibration.correction import (
    Correction,
    Key,
    blocks,
    correction_between,
    spoken,
)
from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.line import Line, as_covariance, coefficients
from osteo_epi.calibration.linearity import Linearity, lack_of_fit
from osteo_epi.calibration.ols import least_squares
from osteo_epi.calibration.phantom_checks import check_columns, check_device, check_inserts
from osteo_epi.calibration.phantom_nominal import shared_error, with_reference_means
from osteo_epi.calibration.table import html_table
from osteo_epi.frames import enter

Floats = NDArray[np.float64]

NONLINEAR = 0.01
"""Below this p of the lack-of-fit test a line is said not to be enough; ours, not published."""


@dataclass(frozen=True)
class PhantomLine:
    """One device's readings of the phantom on its nominal densities."""

    key: Key
    line: Line
    linearity: Linearity
    inserts: int
    scans: int


@dataclass(frozen=True, eq=False)
class PhantomLines:
    """Every device's line, with the covariance of all intercepts and slopes together.

    `covariance` is (2D, 2D) in the order intercept, slope, intercept, slope, … of `devices`.
    `scale` says what x is: nominal densities, or the readings of a reference device.
    """

    devices: tuple[PhantomLine, ...]
    by: tuple[str, ...]
    scale: str
    unit: str
    covariance: Floats = field(repr=False)
    label: str = ""

    def __iter__(self) -> Iterator[PhantomLine]:
        return iter(self.devices)

    def __len__(self) -> int:
        return len(self.devices)

    def __getitem__(self, key: Any) -> PhantomLine:
        wanted = key if isinstance(key, tuple) else (key,)
        return next(d for d in self.devices if d.key == wanted)

    def correction(self, *, to: Any = None) -> Correction:
        """How readings of every device are taken to one scale.

        Parameters
        ----------
        to
            The device whose scale it shall be (its key, a tuple with several `by` columns); None:
            the scale of x itself. T-scores need the scale of the device or maker behind their
            reference people, which a phantom's nominal densities are not.

        Returns
        -------
        Correction
        """
        wanted = None if to is None else to if isinstance(to, tuple) else (to,)
        lines = {device.key: device.line for device in self.devices}
        return correction_between(
            lines,
            self.covariance,
            by=self.by,
            to=wanted,
            scale=self.scale,
            unit=self.unit,
            source=f"phantom, {self.scans_said}",
            label=self.label,
        )

    @property
    def scans_said(self) -> str:
        """The fewest and the most scans of a device in words."""
        scans = [d.scans for d in self.devices]
        few, many = min(scans), max(scans)
        return f"{few} scans a device" if few == many else f"{few} to {many} scans a device"

    def to_frame(self) -> pl.DataFrame:
        """One row a device: intercept and slope with limits, linearity, scatter, counts."""
        return pl.DataFrame([_row(self.by, device) for device in self.devices])

    def _repr_html_(self) -> str:
        notes = [self.label] if self.label else []
        bent = [d for d in self.devices if d.linearity.p is not None and d.linearity.p < NONLINEAR]
        if bent:
            notes.append(
                f"a line is not enough for {len(bent)} of {len(self)} devices (p < {NONLINEAR}): "
                "largest_deviation says by how much; their intervals are too narrow"
            )
        caption = f"phantom, readings on {self.scale}, [{self.unit}]"
        return html_table(self.to_frame(), caption=caption, notes=tuple(notes))


def phantom_lines(
    scans: Any,
    *,
    value: str = "abmd",
    nominal: str | None = "nominal",
    by: Sequence[str] = ("device",),
    insert: str = "insert",
    reference: Any = None,
    unit: str | None = None,
    confidence: float = 0.95,
) -> PhantomLines:
    """Regress each device's phantom readings on nominal densities, or on a reference device.

    Parameters
    ----------
    scans
        A frame of any kind, one row an insert and scan; every insert at least three times a device.
    value
        Column of the reading.
    nominal
        Column of the nominal density, in the same unit; None: the mean readings of `reference`
        take its place.
    by
        Columns that make a device: ("device",), or ("device", "period").
    insert
        Column of the insert's name.
    reference
        With nominal=None: the device that others are regressed on (its key).
    unit
        Of reading and nominal density; "g/cm2" for columns abmd…, "mg/cm3" for vbmd….
    confidence
        Of the Student intervals.

    Returns
    -------
    PhantomLines

    Raises
    ------
    SchemaError
        Missing columns or values, fewer than three scans, one density only, constant readings,
        units that differ, inserts read on the wrong nominal or relabelled: each with its own
        message.

    Notes
    -----
    Least squares over single readings, by device (as in Zeng 2019, doi:10.1002/jbmr.3757: European
    Spine Phantom, ten scans at each centre); linearity by lack of fit. Repeats are taken as
    independent: positions shared by the inserts of one scan are not modelled.

    Examples
    --------
    >>> from osteo_epi.cohort.simulate import simulate_phantom
    >>> lines = phantom_lines(simulate_phantom(seed=1))
    >>> len(lines), lines["lunar_1"].scans
    (7, 10)
    """
    table = enter(scans)[0].lazy().collect()
    check_columns(table, [*by, insert, value, *([] if nominal is None else [nominal])])
    wanted: Key = reference if isinstance(reference, tuple) else (reference,)
    column = "_nominal" if nominal is None else nominal
    if nominal is None:
        table = with_reference_means(table, by=by, insert=insert, value=value, wanted=wanted)
    check_inserts(table, insert=insert, nominal=column)
    groups = dict(sorted(table.group_by(by), key=lambda item: tuple(map(str, item[0]))))
    lines = []
    for key, rows in groups.items():
        check_device(rows, value=value, insert=insert, nominal=column, name=spoken(by, key))
        lines.append(_line(key, rows, value, column, insert, confidence))
    joint = blocks([np.array(device.line.covariance) for device in lines])
    scale = "nominal density"
    if nominal is None:
        joint, scale = (
            _with_shared_error(joint, groups, lines, wanted),
            f"readings of {spoken(by, wanted)}",
        )
        lines = [_restated(device, joint, k, wanted) for k, device in enumerate(lines)]
    named = unit or ("mg/cm3" if value.startswith("vbmd") else "g/cm2")
    return PhantomLines(tuple(lines), tuple(by), scale, named, joint, _label(table))


def _line(
    key: Key, rows: pl.DataFrame, value: str, nominal: str, insert: str, confidence: float
) -> PhantomLine:
    x, y = rows[nominal].to_numpy(), rows[value].cast(pl.Float64).to_numpy()
    line = least_squares(x, y, confidence=confidence)
    inserts = rows[insert].n_unique()
    return PhantomLine(key, line, lack_of_fit(x, y, line), inserts, len(rows) // inserts)


def _with_shared_error(
    joint: Floats, groups: dict[Key, pl.DataFrame], lines: list[PhantomLine], wanted: Key
) -> Floats:
    """Nothing is uncertain about the reference's own line; its means are in all the others."""
    place = [device.key for device in lines].index(wanted)
    joint[2 * place : 2 * place + 2] = 0.0
    return joint + shared_error(
        {key: rows["_nominal"].to_numpy() for key, rows in groups.items()},
        {device.key: device.line.slope.estimate for device in lines},
        wanted=wanted,
        sd=lines[place].linearity.sd_repeats,
    )


def _restated(device: PhantomLine, joint: Floats, k: int, wanted: Key) -> PhantomLine:
    """The line with intervals that hold the reference's error as well."""
    block = joint[2 * k : 2 * k + 2, 2 * k : 2 * k + 2]
    line, own = device.line, device.key == wanted
    pair = (0.0, 1.0) if own else (line.intercept.estimate, line.slope.estimate)
    terms = coefficients(pair, block, df=line.df, confidence=line.confidence)
    note = "the reference itself" if own else "carries the error of the reference's means"
    restated = replace(
        line,
        intercept=terms[0],
        slope=terms[1],
        covariance=as_covariance(block),
        notes=(note,),
    )
    test = replace(device.linearity, f=None, p=None) if own else device.linearity
    return replace(device, line=restated, linearity=test)


def _row(by: tuple[str, ...], device: PhantomLine) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(by, device.key, strict=True))
    for name in ("intercept", "slope"):
        found: Estimate = getattr(device.line, name)
        row |= {name: found.estimate, f"{name}_lower": found.lower, f"{name}_upper": found.upper}
    test = device.linearity
    row |= {"linearity_f": test.f, "linearity_p": test.p, "largest_deviation": test.largest}
    return row | {"sd_repeats": test.sd_repeats, "inserts": device.inserts, "scans": device.scans}


def _label(table: pl.DataFrame) -> str:
    """What simulated scans say of themselves."""
    if "label" not in table.columns:
        return ""
    return "; ".join(sorted(table["label"].drop_nulls().unique().to_list()))
