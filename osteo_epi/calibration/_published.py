"""Published equations between makers and methods: applied where they hold, with their error.

They bring groups to one scale. For one patient they are too coarse: the error of a person's
converted value stands in a column beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.calibration._correction import Correction, chosen_columns, with_corrected
from osteo_epi.cohort import refuse_foreign
from osteo_epi.errors import NormError, OsteoEpiWarning, OutOfRangeWarning, SchemaError
from osteo_epi.findings import Finding
from osteo_epi.frames import Frame, as_polars
from osteo_epi.norms import READING_TOLERANCE, Calibration, Equation, load
from osteo_epi.results import Result
from osteo_epi.rounding import people_who

USE = "for pooling groups, not for one patient"
OUTSIDE = ("null", "keep", "fail")
# No skeleton is denser: a median above it is of another unit.
IMPLAUSIBLE = {"g/cm2": 10.0}
PREFIX = {"g/cm2": "abmd", "mg/cm3": "vbmd"}
VERTEBRAE = ("l1", "l2", "l3", "l4")


@dataclass(frozen=True, repr=False)
class PublishedEquations(Result):
    """Equations of one publication with what they may be used for."""

    no_figure = "is a list of published equations: read it in to_frame()"

    norm: Calibration

    @property
    def notes(self) -> tuple[str, ...]:
        """Use, error and range in words."""
        notes = [f"{self.norm.title}: {USE}."]
        errors = self.norm.errors
        if "mean_individual_percent" in errors:
            low, high = errors["see_percent"]
            notes.append(
                f"Average error for one person {errors['mean_individual_percent']} %, standard "
                f"error of estimate {low}–{high} %."
            )
        if any(equation.valid is None for equation in self.norm.equations):
            notes.append(
                "No range of densities is printed: do not go far beyond adults' densities."
            )
        if self.norm.verification != "A":
            notes.append(f"Grade {self.norm.verification}: not read in the publication itself.")
        return tuple(notes)

    def to_polars(self) -> pl.DataFrame:
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
        return self._shown(caption=self.norm.title, notes=notes)

    def _summary(self) -> str:
        return f"{self.norm.id}, {len(self.norm.equations)} equations"


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
    _check_choice(outside)
    equation = published_equations(equations).norm.equation(source, roi)
    readings = np.asarray(values, float)
    _check_unit(float(np.nanmedian(np.abs(readings))) if readings.size else 0.0, equation, roi)
    beyond = np.zeros(readings.shape, bool)
    if equation.valid is not None:
        inside = pl.select(_within(equation, pl.lit(pl.Series(readings.ravel()))))
        beyond = ~inside.to_series().to_numpy().reshape(readings.shape) & ~np.isnan(readings)
    _report_outside(int(beyond.sum()), str(equation.valid), roi, outside)
    converted = equation.intercept + equation.slope * readings
    return np.where(beyond, np.nan, converted) if outside == "null" else converted


def with_converted(
    people: Any,
    *,
    equations: str | Calibration,
    rois: str | Sequence[str] | None = None,
    maker: str = "device_maker",
    source: str | None = None,
    outside: str = "null",
) -> Any:
    """Add people's densities converted by published equations, with the error for one person.

    Parameters
    ----------
    people
        A frame of any kind with `abmd_<roi>` [g/cm²] or `vbmd_<roi>` [mg/cm³], as the equations
        take them.
    equations
        A norm of kind "calibration", or its identifier.
    rois
        Regions; by default all that have both equations and a column. A region without an equation
        is refused: equations hold for their own region.
    maker
        Column that says whose equation is each person's.
    source
        One source for everybody, instead of the column.
    outside
        As in `convert`.

    Returns
    -------
    frame
        For each region `<name>` and `<name>_error` in the target's unit; `<name>` is
        `sbmd_<roi>` for standardised BMD, else `abmd_<roi>_<target>`. The error is the equation's
        standard error of estimate, or the publication's average error of one person; null where
        neither is printed. A cohort also gets a finding that says what the values are for.

    Raises
    ------
    NormError
        If a region has no equation.
    SchemaError
        If columns are absent, or a maker of measured people has no equation.

    Warns
    -----
    OutOfRangeWarning
        Values outside an equation's range, with their number (eager frames).
    OsteoEpiWarning
        Measured people whose maker is not stated, with their number (eager frames); theirs are
        null.

    Notes
    -----
    After Hui's equations 0.042 g/cm² (4.1 %) were left between makers at the spine (Fan 2010):
    calibrate by phantom or paired scans where these can be had.

    Examples
    --------
    >>> people = pl.DataFrame({"device_maker": ["lunar"], "abmd_total_hip": [0.9]})
    >>> row = with_sbmd(people).row(0, named=True)
    >>> round(row["sbmd_total_hip"], 2), round(row["sbmd_total_hip_error"], 2)
    (850.1, 29.75)
    """
    _check_choice(outside)
    frame, restore = as_polars(people)
    refuse_foreign(people, _densities(frame))
    norm = published_equations(equations).norm
    table = {(e.source, e.roi): e for e in norm.equations}
    schema = frame.collect_schema()
    wanted = _regions(norm, rois, list(schema))
    if source is None and maker not in schema:
        raise SchemaError(
            f"column {maker!r} is not in the data: it says whose equation is each person's; or "
            "name one for everybody, source=…"
        )
    whose = pl.lit(source) if source is not None else pl.col(maker).cast(pl.String)
    new = []
    for roi in wanted:
        mine = {name: e for (name, place), e in table.items() if place == roi}
        if isinstance(frame, pl.DataFrame):
            _check_people(frame, mine, whose, _name(next(iter(mine.values()))), outside)
        new += _columns(mine, whose, roi, norm, outside)
    result = restore(frame.with_columns(*new))
    if not hasattr(result, "with_findings"):
        return result
    message = " ".join(PublishedEquations(norm).notes)
    note = Finding(
        "published_equations", "note", ", ".join(wanted), len(result), message, norm.cite()
    )
    return result.with_findings([note])


def with_sbmd(
    people: Any,
    *,
    equations: str | Calibration = "sbmd_hui_1997",
    rois: str | Sequence[str] | None = None,
    maker: str = "device_maker",
    outside: str = "null",
) -> Any:
    """Add standardised BMD `sbmd_<roi>` [mg/cm²] by maker: `with_converted` with Hui's equations.

    Examples
    --------
    >>> people = pl.DataFrame({"device_maker": ["hologic"], "abmd_femoral_neck": [0.8]})
    >>> with_sbmd(people)["sbmd_femoral_neck"].round(1).to_list()
    [888.6]
    """
    return with_converted(people, equations=equations, rois=rois, maker=maker, outside=outside)


def with_maker_scale(
    people: Any,
    *,
    maker: str,
    equations: str | Calibration = "sbmd_hui_1997",
    source: str = "device_maker",
) -> Any:
    """Bring people's densities to the scale of one maker, by way of standardised BMD.

    So that they can be scored on a reference of that maker. The densities are replaced, each by
    the two equations of its region: to sBMD by its own maker's, and back by the wanted maker's.

    Parameters
    ----------
    people
        A frame of any kind with `abmd_<roi>` [g/cm²].
    maker
        Whose scale is wanted: "hologic", "lunar" or "norland".
    equations
        A norm of kind "calibration" with equations of the makers to one scale, or its identifier.
    source
        Column that says by whose scanner each person was measured.

    Returns
    -------
    frame
        The densities by DXA on the wanted scale [g/cm²], mineral content with them, and
        `calibrated_to`. Single vertebrae take the line of the lumbar spine. Regions without an
        equation (the radius) are null: their readings have no value on that scale. A cohort also
        gets a finding that says what the values are for.

    Raises
    ------
    NormError
        If there is no equation of this maker.
    SchemaError
        If columns are absent, the densities were corrected before, or a maker of measured people
        has no equation.

    Warns
    -----
    OsteoEpiWarning
        Measured people whose maker is not stated, and regions without an equation, with their
        numbers (eager frames); theirs are null.

    Notes
    -----
    For groups: the error of one person's value is about 3.5 %, and 0.042 g/cm² (4.1 %) were left
    between makers at the spine (Fan 2010). Hui 1997, doi 10.1359/jbmr.1997.12.9.1463; Lu 2001,
    doi 10.1007/s001980170087. Better: phantom or paired scans, see `Correction`.

    Examples
    --------
    >>> people = pl.DataFrame({"device_maker": ["hologic"], "abmd_lumbar_spine": [0.81]})
    >>> on_lunar = with_maker_scale(people, maker="lunar")
    >>> on_lunar["abmd_lumbar_spine"].round(4).to_list(), on_lunar["calibrated_to"][0]
    ([0.9235], 'lunar (sbmd_hui_1997)')
    """
    frame, restore = as_polars(people)
    refuse_foreign(people, _densities(frame))
    norm = published_equations(equations).norm
    lines = _lines_onto(norm, maker, source)
    # The columns are the same whichever region's line is asked.
    names = chosen_columns(frame, next(iter(lines.values())), None)
    scaled = frame
    for roi, columns in _by_region(names, list(lines)).items():
        if roi not in lines:
            scaled = _without_equation(scaled, columns)
            continue
        if isinstance(frame, pl.DataFrame):
            mine = {e.source: e for e in norm.equations if e.roi == roi}
            for column in columns:
                _check_people(frame, mine, pl.col(source).cast(pl.String), column, "keep")
        scaled = with_corrected(scaled, lines[roi], columns)
    result = restore(scaled)
    if not hasattr(result, "with_findings"):
        return result
    message = f"densities on the scale of {maker}. {' '.join(PublishedEquations(norm).notes)}"
    note = Finding(
        "published_equations", "note", ", ".join(names), len(result), message, norm.cite()
    )
    return result.with_findings([note])


def _lines_onto(norm: Calibration, maker: str, source: str) -> dict[str, Correction]:
    """Region to the lines from every maker's scale to one maker's, as known numbers."""
    areal = [e for e in norm.equations if e.source_unit == "g/cm2"]
    ends = {e.roi: e for e in areal if e.source == maker}
    if not ends:
        makers = ", ".join(dict.fromkeys(e.source for e in areal))
        raise NormError(f"{norm.id} has no equation for {maker}; it has {makers or 'none'}")
    return {
        roi: _onto(end, [e for e in areal if (e.roi, e.target) == (roi, end.target)], source, norm)
        for roi, end in ends.items()
    }


def _by_region(columns: list[str], rois: list[str]) -> dict[str, list[str]]:
    """Density columns by the region whose equation is theirs; those without one by their own."""
    regions: dict[str, list[str]] = {}
    for column in columns:
        part = column.removeprefix("abmd_")
        place = "lumbar_spine" if part in VERTEBRAE else part
        # A side of the hip stands after the region: femoral_neck_left.
        known = [roi for roi in rois if f"{place}_".startswith(f"{roi}_")]
        regions.setdefault(known[0] if known else place, []).append(column)
    return regions


def _without_equation(frame: Frame, names: list[str]) -> Frame:
    if isinstance(frame, pl.DataFrame):
        n = frame.select(pl.any_horizontal(pl.col(c).is_not_null() for c in names).sum()).item()
        if n:
            message = f"no equation between makers for {', '.join(names)}: {n} people's are missing"
            warnings.warn(message, OsteoEpiWarning, stacklevel=3)
    return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in names)


def _onto(to: Equation, sources: list[Equation], source: str, norm: Calibration) -> Correction:
    lines = [((e.intercept - to.intercept) / to.slope, e.slope / to.slope) for e in sources]
    return Correction(
        by=(source,),
        keys=tuple((e.source,) for e in sources),
        coefficients=np.array(lines),
        covariance=np.zeros((2 * len(lines), 2 * len(lines))),
        scale=f"{to.source} ({norm.id})",
        limits=np.tile([-np.inf, np.inf], (len(lines), 1)),
        df=np.inf,
        source=norm.id,
    )


def _densities(frame: Frame) -> list[str]:
    return [name for name in frame.collect_schema() if name.startswith(("abmd_", "vbmd_"))]


def _check_choice(outside: str) -> None:
    """Refuse an unknown way with values out of range."""
    if outside not in OUTSIDE:
        raise SchemaError(f"outside={outside!r}: choose one of {', '.join(OUTSIDE)}")


def _check_unit(median: float, equation: Equation, roi: str) -> None:
    """Refuse readings that can only be in another unit."""
    if median > IMPLAUSIBLE.get(equation.source_unit, np.inf):
        raise SchemaError(
            f"readings at {roi} have a median above {IMPLAUSIBLE[equation.source_unit]:g}: the "
            f"equation takes {equation.source_unit}; are these mg/cm2?"
        )


def _within(equation: Equation, reading: pl.Expr) -> pl.Expr:
    """Whether a reading lies in the range of an equation that has one, its ends as printed."""
    assert equation.valid is not None
    ends = (equation.valid.lower, equation.valid.upper)
    size = max(abs(end) for end in ends if np.isfinite(end))
    return equation.valid.expression(reading, tolerance=READING_TOLERANCE * size)


def _report_outside(count: int, valid: str, roi: str, outside: str) -> None:
    """Warn of values out of an equation's range, or refuse them."""
    if not count:
        return
    message = f"{count} readings at {roi} lie outside {valid}, where the equation was established"
    if outside == "fail":
        raise SchemaError(f"{message}; make them missing, or say outside='null'")
    done = "converted all the same" if outside == "keep" else "not converted"
    warnings.warn(f"{message}: {done}", OutOfRangeWarning, stacklevel=4)


def _name(equation: Equation) -> str:
    return f"{PREFIX[equation.source_unit]}_{equation.roi}"


def _regions(norm: Calibration, rois: Any, columns: list[str]) -> list[str]:
    known = {e.roi: _name(e) for e in norm.equations}
    regions = [rois] if isinstance(rois, str) else list(rois or ())
    alien = [roi for roi in regions if roi not in known]
    if alien:
        raise NormError(
            f"{norm.id} has no equation for {', '.join(alien)}; it has {', '.join(known)}, and an "
            "equation holds for its own region"
        )
    wanted = regions or [roi for roi, name in known.items() if name in columns]
    absent = [known[roi] for roi in wanted if known[roi] not in columns]
    if absent or not wanted:
        raise SchemaError(
            f"{norm.id} needs the column(s) {', '.join(absent or known.values())}, which are not "
            "in the data"
        )
    return wanted


def _check_people(
    frame: pl.DataFrame, mine: dict[str, Equation], whose: pl.Expr, column: str, outside: str
) -> None:
    """Makers without an equation, makers not stated, and values out of range, counted."""
    roi = next(iter(mine.values())).roi
    makers = frame.select(whose.alias("maker"), column).drop_nulls(column).group_by("maker")
    for (name,), rows in makers:
        if name is None:
            message = (
                f"{len(rows)} people with {column} have no maker stated: theirs is not converted"
            )
            warnings.warn(message, OsteoEpiWarning, stacklevel=4)
        elif name not in mine:
            raise SchemaError(
                f"{people_who(len(rows), 'were')} measured by {name}, for which there is no "
                f"equation at {roi}; there are {', '.join(mine)}"
            )
        else:
            equation = mine[str(name)]
            _check_unit(float(rows[column].abs().median()), equation, roi)  # type: ignore[arg-type]
            if equation.valid is not None:
                beyond = rows.filter(~_within(equation, pl.col(column)))
                _report_outside(len(beyond), str(equation.valid), roi, outside)


def _columns(
    mine: dict[str, Equation], whose: pl.Expr, roi: str, norm: Calibration, outside: str
) -> list[pl.Expr]:
    """Converted value and its error, chosen by maker."""
    first = next(iter(mine.values()))
    reading = pl.col(_name(first))
    name = f"sbmd_{roi}" if first.target == "sbmd" else f"{_name(first)}_{first.target}"
    value, error = pl.lit(None, dtype=pl.Float64), pl.lit(None, dtype=pl.Float64)
    share = norm.errors.get("mean_individual_percent")
    for source, equation in mine.items():
        converted: pl.Expr = equation.intercept + equation.slope * reading
        if equation.valid is not None and outside == "null":
            converted = pl.when(_within(equation, reading)).then(converted)
        see = pl.lit(equation.see, dtype=pl.Float64)
        one = converted * (share / 100) if share and equation.see is None else see
        value = pl.when(whose == source).then(converted).otherwise(value)
        error = pl.when(whose == source).then(one).otherwise(error)
    return [value.alias(name), pl.when(value.is_not_null()).then(error).alias(f"{name}_error")]
