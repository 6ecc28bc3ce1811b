"""Published equations applied to people: by maker and region, with the error for one person."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import polars as pl

from osteo_epi.calibration.published import (
    PublishedEquations,
    check_choice,
    check_unit,
    published_equations,
    say_outside,
)
from osteo_epi.cohort.findings import Finding
from osteo_epi.errors import NormError, OsteoEpiWarning, SchemaError
from osteo_epi.frames import enter
from osteo_epi.norms.records import Calibration, Equation

PREFIX = {"g/cm2": "abmd", "mg/cm3": "vbmd"}


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
    check_choice(outside)
    frame, leave = enter(people)
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
            _check_people(frame, mine, whose, roi, outside)
        new += _columns(mine, whose, roi, norm, outside)
    made = leave(frame.with_columns(*new))
    if not hasattr(made, "with_findings"):
        return made
    said = " ".join(PublishedEquations(norm).notes)
    note = Finding("published_equations", "note", ", ".join(wanted), len(made), said, norm.cite())
    return made.with_findings([note])


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


def _name(equation: Equation) -> str:
    return f"{PREFIX[equation.source_unit]}_{equation.roi}"


def _regions(norm: Calibration, rois: Any, columns: list[str]) -> list[str]:
    known = {e.roi: _name(e) for e in norm.equations}
    asked = [rois] if isinstance(rois, str) else list(rois or ())
    alien = [roi for roi in asked if roi not in known]
    if alien:
        raise NormError(
            f"{norm.id} has no equation for {', '.join(alien)}; it has {', '.join(known)}, and an "
            "equation holds for its own region"
        )
    wanted = asked or [roi for roi, name in known.items() if name in columns]
    absent = [known[roi] for roi in wanted if known[roi] not in columns]
    if absent or not wanted:
        raise SchemaError(
            f"{norm.id} needs the column(s) {', '.join(absent or known.values())}, which are not "
            "in the data"
        )
    return wanted


def _check_people(
    frame: pl.DataFrame, mine: dict[str, Equation], whose: pl.Expr, roi: str, outside: str
) -> None:
    """Makers without an equation, makers not stated, and values out of range, counted."""
    column = _name(next(iter(mine.values())))
    makers = frame.select(whose.alias("maker"), column).drop_nulls(column).group_by("maker")
    for (name,), rows in makers:
        if name is None:
            said = f"{len(rows)} people with {column} have no maker stated: theirs is not converted"
            warnings.warn(said, OsteoEpiWarning, stacklevel=4)
        elif name not in mine:
            raise SchemaError(
                f"{len(rows)} people were measured by {name}, for which there is no equation at "
                f"{roi}; there are {', '.join(mine)}"
            )
        else:
            equation = mine[str(name)]
            check_unit(float(rows[column].abs().median()), equation, roi)  # type: ignore[arg-type]
            if equation.valid is not None:
                beyond = rows.filter(~equation.valid.expression(pl.col(column)))
                say_outside(len(beyond), str(equation.valid), roi, outside)


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
        made: pl.Expr = equation.intercept + equation.slope * reading
        if equation.valid is not None and outside == "null":
            made = pl.when(equation.valid.expression(reading)).then(made)
        see = pl.lit(equation.see, dtype=pl.Float64)
        one = made * (share / 100) if share and equation.see is None else see
        value = pl.when(whose == source).then(made).otherwise(value)
        error = pl.when(whose == source).then(one).otherwise(error)
    return [value.alias(name), pl.when(value.is_not_null()).then(error).alias(f"{name}_error")]
