"""Published equations between makers and methods: applied where they hold, with their error.

They bring groups to one scale. For one patient they are too coarse: the error of a person's
converted value stands in a column beside it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.calibration.table import html_table
from osteo_epi.errors import OutOfRangeWarning, SchemaError
from osteo_epi.norms.library import load
from osteo_epi.norms.records import Calibration, Equation

USE = "for pooling groups, not for one patient"
OUTSIDE = ("null", "keep", "fail")
# No skeleton is denser: a median above it is of another unit.
IMPLAUSIBLE = {"g/cm2": 10.0}


@dataclass(frozen=True)
class PublishedEquations:
    """Equations of one publication with what they may be used for."""

    norm: Calibration

    @property
    def notes(self) -> tuple[str, ...]:
        """Use, error and range in words."""
        said = [f"{self.norm.title}: {USE}."]
        errors = self.norm.errors
        if "mean_individual_percent" in errors:
            low, high = errors["see_percent"]
            said.append(
                f"Average error for one person {errors['mean_individual_percent']} %, standard "
                f"error of estimate {low}–{high} %."
            )
        if any(equation.valid is None for equation in self.norm.equations):
            said.append("No range of densities is printed: do not go far beyond adults' densities.")
        if self.norm.verification != "A":
            said.append(f"Grade {self.norm.verification}: not read in the publication itself.")
        return tuple(said)

    def to_frame(self) -> pl.DataFrame:
        """One row an equation."""
        names = ("source", "target", "roi", "intercept", "slope", "source_unit", "target_unit")
        rows = [
            {name: getattr(equation, name) for name in (*names, "see", "grade")}
            | {"valid": None if equation.valid is None else str(equation.valid)}
            for equation in self.norm.equations
        ]
        return pl.DataFrame(rows, schema_overrides={"see": pl.Float64, "valid": pl.String})

    def __str__(self) -> str:
        return "\n".join((*self.notes, self.norm.cite()))

    def _repr_html_(self) -> str:
        notes = (*self.notes, self.norm.cite())
        return html_table(self.to_frame(), caption=self.norm.title, notes=notes)


def published_equations(equations: str | Calibration, *, folder: Any = None) -> PublishedEquations:
    """Show the equations of a publication, and print what they are for.

    Examples
    --------
    >>> print(published_equations("sbmd_hui_1997").notes[0])
    Standardised BMD of Hologic, Lunar and Norland: for pooling groups, not for one patient.
    """
    norm = equations
    if isinstance(norm, str):
        norm = load("calibration", norm, folder=folder)
    return PublishedEquations(norm)


def convert(
    values: ArrayLike,
    *,
    equations: str | Calibration,
    source: str,
    roi: str,
    outside: str = "null",
) -> NDArray[np.float64]:
    """Convert readings of one maker or method at one region.

    Parameters
    ----------
    values
        Readings [the equation's source unit], shape (n,); NaN stays NaN.
    equations
        A norm of kind "calibration", or its identifier.
    source
        Maker, method or material measured on.
    roi
        Region of interest: an equation holds for its own.
    outside
        Values outside the range in which the equation was established: "null" (NaN, with a
        warning), "keep" (converted, with a warning) or "fail".

    Returns
    -------
    ndarray
        (n,) converted readings [the equation's target unit].

    Raises
    ------
    NormError
        If there is no equation for this source and region.
    SchemaError
        Values outside with outside="fail", or in another unit.

    Examples
    --------
    >>> convert([0.972], equations="sbmd_hui_1997", source="hologic", roi="lumbar_spine").round(4)
    array([1043.6])
    """
    check_choice(outside)
    equation = published_equations(equations).norm.equation(source, roi)
    readings = np.asarray(values, float)
    check_unit(float(np.nanmedian(np.abs(readings))) if readings.size else 0.0, equation, roi)
    beyond = np.zeros(readings.shape, bool)
    if equation.valid is not None:
        inside = pl.select(equation.valid.expression(pl.lit(pl.Series(readings.ravel()))))
        beyond = ~inside.to_series().to_numpy().reshape(readings.shape) & ~np.isnan(readings)
    say_outside(int(beyond.sum()), str(equation.valid), roi, outside)
    made = equation.intercept + equation.slope * readings
    return np.where(beyond, np.nan, made) if outside == "null" else made


def check_choice(outside: str) -> None:
    """Refuse an unknown way with values out of range."""
    if outside not in OUTSIDE:
        raise SchemaError(f"outside={outside!r}: choose one of {', '.join(OUTSIDE)}")


def check_unit(median: float, equation: Equation, roi: str) -> None:
    """Refuse readings that can only be in another unit."""
    if median > IMPLAUSIBLE.get(equation.source_unit, np.inf):
        raise SchemaError(
            f"readings at {roi} have a median above {IMPLAUSIBLE[equation.source_unit]:g}: the "
            f"equation takes {equation.source_unit}; are these mg/cm2?"
        )


def say_outside(count: int, valid: str, roi: str, outside: str) -> None:
    """Warn of values out of an equation's range, or refuse them."""
    if not count:
        return
    said = f"{count} readings at {roi} lie outside {valid}, where the equation was established"
    if outside == "fail":
        raise SchemaError(f"{said}; make them missing, or say outside='null'")
    done = "converted all the same" if outside == "keep" else "not converted"
    warnings.warn(f"{said}: {done}", OutOfRangeWarning, stacklevel=4)
