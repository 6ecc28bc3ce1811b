"""From each device's line to corrected readings, with the covariance of all corrections kept.

corrected = shift + factor · reading, per device (and period). What the corrections do to an
estimate made of many devices depends on how they vary together, so the covariance is of all of them
at once; `population.calibrated` carries it on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from osteo_epi.calibration.correct import SEPARATOR, corrected, joined_key
from osteo_epi.calibration.line import Line
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]
Key = tuple[Any, ...]


def spoken(by: Sequence[str], key: Key) -> str:
    """A device in words.

    Examples
    --------
    >>> spoken(("device", "period"), ("lunar_2", 1))
    'device lunar_2, period 1'
    """
    return ", ".join(f"{name} {value}" for name, value in zip(by, key, strict=True))


@dataclass(frozen=True, eq=False)
class Correction:
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
        """Correct readings of people: `calibration.correct.corrected` with this correction."""
        return corrected(people, self, columns=columns, outside=outside)

    def terms(self) -> tuple[pl.Expr, pl.Expr]:
        """Shift and factor of each row, by the columns that make its device."""
        shift, factor = (self.by_device(self.coefficients[:, term]) for term in (0, 1))
        return shift, factor

    def by_device(self, values: Floats) -> pl.Expr:
        """The one of (D,) values that belongs to each row's device; null without a device."""
        known = dict(zip(self.names, values.tolist(), strict=True))
        return joined_key(self.by).replace_strict(known, default=None, return_dtype=pl.Float64)

    def to_frame(self, *, confidence: float = 0.95) -> pl.DataFrame:
        """One row a device: shift and factor with limits, and what 1 unit is corrected to."""
        reach = stats.t.ppf((1 + confidence) / 2, self.df)
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
        notes = (f"Degrees of freedom {self.df:g}.", *((self.label,) if self.label else ()))
        return html_table(self.to_frame(), caption=f"{self} [{self.unit}]", notes=notes)


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
    >>> from osteo_epi.calibration.ols import least_squares
    >>> line = least_squares([0.5, 0.5, 1.0, 1.5], [0.61, 0.59, 1.10, 1.60])
    >>> made = correction_between({("B",): line})
    >>> [round(v, 4) for v in made.coefficients[0].tolist()]
    [-0.1, 1.0]
    """
    _check(lines, by, to)
    keys = tuple(lines)
    theta = np.array([[lines[k].intercept.estimate, lines[k].slope.estimate] for k in keys])
    if covariance is None:
        covariance = blocks([np.array(lines[key].covariance) for key in keys])
    chosen = None if to is None else keys.index(to)
    coefficients, jacobian = _inverted(theta, chosen)
    ends = np.array([lines[key].x_range for key in keys])
    return Correction(
        by=tuple(by),
        keys=keys,
        coefficients=coefficients,
        covariance=jacobian @ covariance @ jacobian.T,
        scale=scale if to is None else f"readings of {spoken(by, to)}",
        limits=theta[:, :1] + theta[:, 1:] * ends,
        df=float(sum(lines[key].df for key in keys)),
        unit=unit,
        source=source,
        label=label,
    )


def _check(lines: Mapping[Key, Line], by: Sequence[str], to: Key | None) -> None:
    bare = [spoken(by, key) for key, line in lines.items() if line.covariance is None]
    if bare:
        raise SchemaError(
            f"the lines of {', '.join(bare)} have no covariance to carry on; fit with "
            "interval='jackknife' or 'bootstrap'"
        )
    flat = [spoken(by, key) for key, line in lines.items() if line.slope.estimate <= 0]
    if flat:
        raise SchemaError(f"the slopes of {', '.join(flat)} are not positive: nothing to invert")
    if to is not None and to not in lines:
        there = ", ".join(spoken(by, key) for key in lines)
        raise SchemaError(f"there is no line of {to} to correct to; there are {there}")


def blocks(parts: Sequence[Floats]) -> Floats:
    """Put (2, 2) covariances of independent lines on the diagonal of a (2D, 2D) one."""
    whole = np.zeros((2 * len(parts),) * 2)
    for k, part in enumerate(parts):
        whole[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = part
    return whole


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
