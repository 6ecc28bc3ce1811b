"""Readings of several scanners in one reference: refused, or corrected with the error carried.

A reference mean is that of one scale. A correction to one scale is estimated from a few scans of
a phantom, and everybody on a device shares its error: more people do not take it away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.calibration import Correction
from osteo_epi.cohort import WAY_OUT, checked_people, codebook
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import as_polars
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array

CORRECTED = "calibrated_to"
DEVICES = ("device", "device_maker")
WHO = ("person_id", "scan_date", "birth_date", "age", "sex")


def measured(frame: pl.DataFrame) -> pl.Expr:
    """Whether anybody's density by DXA was read; without such a column, everybody counts."""
    columns = [name for name in frame.columns if name.startswith("abmd_")]
    return pl.any_horizontal(pl.col(columns).is_not_null()) if columns else pl.lit(True)


def readings(frame: pl.DataFrame) -> list[str]:
    """Columns of what a scanner read, as the codebook knows them."""
    book = codebook().variables
    return [
        name
        for name in frame.columns
        if name in book and book[name].roi and book[name].kind == "quantity"
    ]


def sound_people(people: Any, *, accept_errors: bool) -> tuple[Any, Findings]:
    """People as the door of files takes them in, whatever frame they came in.

    Raises
    ------
    SchemaError
        As `cohort.checked_people`, about who they are, their ages and densities.
    """
    names = as_polars(people)[0].collect_schema().names()
    read = [*WHO, *(name for name in names if name.startswith("abmd_"))]
    return checked_people(people, read, accept_errors=accept_errors)


def _scales(people: pl.DataFrame) -> tuple[int, list[str]]:
    """How many people were corrected, and to which scales: only a value says so."""
    if CORRECTED not in people.columns:
        return 0, []
    stated = people[CORRECTED].cast(pl.String).drop_nulls()
    return len(stated), stated.unique().sort().to_list()


def scanner_column(people: pl.DataFrame) -> str | None:
    """The column that tells most scanners apart; None where none is stated."""
    named = [name for name in DEVICES if name in people.columns and people[name].count()]
    return max(named, key=lambda name: people[name].drop_nulls().n_unique(), default=None)


def device_findings(
    frame: pl.DataFrame, calibration: Correction | None = None
) -> Iterator[Finding]:
    """Say what the scanners do to a reference.

    Parameters
    ----------
    frame
        The people.
    calibration
        The correction that their readings went, or will go, through.

    Yields
    ------
    Finding
        Several uncalibrated, some people corrected and others not, or corrected to several scales
        (errors); corrected without the correction at hand (warning); one alone, or none stated.
    """
    people = frame.filter(measured(frame))
    yield from _half_corrected(people)
    column = scanner_column(people)
    if column is None:
        yield Finding(
            "device_not_stated", "warning", "device", people.height,
            f"{counted(people.height, 'row')} with densities and no scanner stated: whether they "
            "are of one scale cannot be told",
            "add the column device, or device_maker",
        )  # fmt: skip
        return
    k, unstated = people[column].drop_nulls().n_unique(), people[column].null_count()
    if unstated:
        yield Finding(
            "device_not_stated", "warning", column, unstated,
            f"{count(unstated)} of {counted(people.height, 'row')} with densities state no "
            "scanner: whether all are of one scale cannot be told",
            f"fill in {column}, or leave these people out by a rule on {column} with "
            'missing = "exclude"',
            measured(frame) & pl.col(column).is_null(),
        )  # fmt: skip
    elif k == 1:
        yield Finding(
            "one_device", "note", column, people.height,
            "all densities are of one scanner: the reference holds for its scale alone",
            "name the scanner with the reference; others are calibrated to it first",
        )  # fmt: skip
    if k > 1 and calibration is None:
        yield from _pooled(people, column, k)


def _half_corrected(people: pl.DataFrame) -> Iterator[Finding]:
    """Densities of several scales: some corrected and others not, or to more than one."""
    done, scales = _scales(people)
    if 0 < done < people.height:
        yield Finding(
            "partly_calibrated", "error", CORRECTED, people.height - done,
            f"{count(done)} of {counted(people.height, 'row')} with densities were corrected to "
            f"{' and '.join(scales)}, and {count(people.height - done)} were not: their mean and "
            "SD are those of no scale",
            "correct the readings as they were made, of all people at once (Correction.apply); "
            f"or leave the others out beforehand: people.filter(pl.col({CORRECTED!r})"
            ".is_not_null()); where they were read on that scale, write its name into "
            f"{CORRECTED}",
        )  # fmt: skip
    if len(scales) > 1:
        yield Finding(
            "several_scales", "error", CORRECTED, done,
            f"{counted(done, 'row')} with densities were corrected to {len(scales)} scales "
            f"({', '.join(scales)}): their mean and SD are those of no scale",
            "correct the readings as they were made to one scale, or keep one by a rule on "
            f'{CORRECTED}, only = ["…"] (--exclusions)',
        )  # fmt: skip


def _pooled(people: pl.DataFrame, column: str, k: int) -> Iterator[Finding]:
    done, scales = _scales(people)
    if done and (done < people.height or len(scales) > 1):
        return  # Said already, of the scales.
    if done:
        yield Finding(
            "calibration_error_not_carried", "warning", column, people.height,
            f"densities of {k} scanners were corrected to one scale, and the error of that "
            "correction is not in the standard errors",
            "give the correction that was applied as calibration=",
        )  # fmt: skip
        return
    yield Finding(
        "mixed_devices", "error", column, people.height,
        f"densities of {k} scanners stand together without a calibration: their mean and SD are "
        "those of no scale",
        "give calibration= the correction that phantom scans make "
        "(osteo_epi.calibration.phantom_lines(…).correction()), or keep one scanner by a rule on "
        f"{column}, only = [\"…\"] (--exclusions)",
    )  # fmt: skip


def refuse_pooled(frame: pl.DataFrame, calibration: Correction | None) -> None:
    """Refuse densities of several scanners that stand together without a calibration.

    Raises
    ------
    SchemaError
        With the ways out.
    """
    for finding in device_findings(frame, calibration):
        if finding.severity == "error":
            raise SchemaError(
                f"{finding.told().removeprefix('error: ')}; or go on in spite of it with {WAY_OUT}"
            )


def calibrated(people: Any, calibration: Correction | None) -> Any:
    """The people on one scale: corrected where they are not yet.

    Raises
    ------
    SchemaError
        If they were corrected to another scale, or some of them and others not; or as
        `Correction.apply`.
    """
    if calibration is None:
        return people
    frame = as_polars(people)[0].lazy()
    if CORRECTED not in frame.collect_schema():
        return calibration.apply(people)
    table = frame.collect()
    read = table.filter(measured(table))
    done, scales = _scales(read)
    if not done:
        return calibration.apply(people)
    if done < read.height:
        raise SchemaError(str(next(_half_corrected(read))).removeprefix("error: "))
    if scales != [calibration.scale]:
        raise SchemaError(
            f"column {CORRECTED}: the densities were corrected to {' and '.join(scales)}, and "
            f"calibration= corrects to {calibration.scale}; give the correction that was applied"
        )
    return people


def calibration_covariance(
    frame: pl.DataFrame, calibration: Correction, density: Array, share: Array
) -> Array:
    """What a correction adds to the covariance of a mean and SD.

    Parameters
    ----------
    frame
        The people, with the columns that make a device.
    calibration
        The correction that the densities went through.
    density
        (n,) corrected [g/cm²].
    share
        (n,) weights that sum to 1; 0 for who is not among them.

    Returns
    -------
    ndarray
        (2, 2) of mean and SD, by the delta method: a corrected density is shift + factor ·
        reading, so the mean changes by the device's share of people with its shift, by their share
        times reading with its factor; the SD by the same, each times (density − mean)/SD.
    """
    inside = share > 0
    weights, y = share[inside], density[inside]
    numbers = calibration.by_device(np.arange(len(calibration.keys), dtype=np.float64))
    place = frame.select(numbers).to_series().filter(pl.Series(inside))
    if place.null_count():
        raise SchemaError(
            f"column(s) {', '.join(calibration.by)}: {counted(place.null_count(), 'row')} of a "
            "device that calibration= does not correct"
        )
    device = place.to_numpy().astype(np.intp)
    shift, factor = calibration.coefficients[device].T
    raw = (y - shift) / factor
    n, mean = len(y), float(weights @ y)
    variance = float(weights @ (y - mean) ** 2) * n / (n - 1)
    spread = (y - mean) / np.sqrt(variance) * n / (n - 1)
    jacobian = np.zeros((2, 2 * len(calibration.keys)))
    for row, by_mean in enumerate((weights, weights * spread)):
        np.add.at(jacobian[row], 2 * device, by_mean)
        np.add.at(jacobian[row], 2 * device + 1, by_mean * raw)
    return np.asarray(jacobian @ calibration.covariance @ jacobian.T)
