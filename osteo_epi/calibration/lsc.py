"""What a precision error is held against: minima, sets of vertebrae, a second device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import polars as pl
from scipy import stats

from osteo_epi.calibration.line import Line
from osteo_epi.calibration.precision import PrecisionError, PrecisionTable, precision
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.frames import enter
from osteo_epi.norms.library import load

VERTEBRAE = ("l1", "l2", "l3", "l4")


@dataclass(frozen=True)
class PrecisionCheck:
    """Pass or fail of each group against the least that is acceptable, with its source."""

    table: pl.DataFrame
    site: str
    minimum_percent: float
    least_df: int
    source: str
    verification: str

    def to_frame(self) -> pl.DataFrame:
        """One row per group: RMS-%CV, minimum, verdict, reason."""
        return self.table

    def _repr_html_(self) -> str:
        note = f"{self.source}; minimum graded {self.verification}"
        return html_table(self.table, caption=f"precision: {self.site}", notes=(note,))


def check_precision(
    errors: PrecisionTable | PrecisionError, *, site: str, norm: str = "iscd_2019"
) -> PrecisionCheck:
    """Compare the RMS-%CV of each group with the minimum acceptable.

    Parameters
    ----------
    errors
        What `precision` or `precision_of` gave.
    site
        `"lumbar_spine"`, `"total_hip"`, `"femoral_neck"`: as the norm names it.
    norm
        File of kind `precision` that holds the minima and the design.

    Returns
    -------
    PrecisionCheck
        Verdict `pass`, `fail`, or `too_few_scans` below the norm's degrees of freedom.

    Examples
    --------
    >>> from osteo_epi.calibration.precision import precision_of
    >>> error = precision_of([[1.0, 1.01], [0.9, 0.92], [1.1, 1.1]])
    >>> check_precision(error, site="total_hip").to_frame()["verdict"].to_list()
    ['too_few_scans']
    """
    record = load("precision", norm)
    minima = dict(record.data["minimum_acceptable_percent"])
    grade = minima.pop("verification", record.verification)
    if site not in minima:
        raise NormError(f"precision/{norm} has no minimum for {site!r}; it has {sorted(minima)}")
    least = min(design["df"] for design in record.data["design"])
    groups = (errors,) if isinstance(errors, PrecisionError) else errors.groups
    rows = [_verdict(group, minima[site], least) for group in groups]
    return PrecisionCheck(
        pl.DataFrame(rows), site, minima[site], least, str(record.citation), str(grade)
    )


def _verdict(group: PrecisionError, minimum: float, least: int) -> dict[str, Any]:
    value = group.rms_cv_percent
    if group.df < least:
        verdict, reason = "too_few_scans", f"{group.df} degrees of freedom, {least} are asked for"
    elif value.estimate <= minimum:
        verdict, reason = "pass", f"RMS-%CV not above {minimum}"
    else:
        verdict, reason = "fail", f"RMS-%CV above {minimum}: train again, and repeat the study"
    row = dict(group.group) | {"rms_cv_percent": value.estimate, "lower": value.lower}
    row |= {"upper": value.upper, "minimum_percent": minimum, "df": group.df}
    return row | {"verdict": verdict, "reason": reason}


def precision_of_vertebrae(
    scans: Any, *, person: str = "person_id", confidence: float = 0.95
) -> PrecisionTable:
    """Precision error of every set of two, three or four of L1–L4, from one precision study.

    Parameters
    ----------
    scans
        One row a scan, with bmc_l1 … bmc_l4 [g] and area_l1 … area_l4 [cm²].
    person
        Column of the person's identifier.
    confidence
        Of the intervals.

    Returns
    -------
    PrecisionTable
        Group `vertebrae`, e.g. "L1 L2 L4"; BMD of a set is ΣBMC/Σarea. A follow-up on fewer
        vertebrae takes the LSC of its own set (ISCD 2023).

    Examples
    --------
    >>> one = {f"{q}_{v}": [10.0, 10.2] for q in ("bmc", "area") for v in ("l1", "l2", "l3", "l4")}
    >>> study = pl.DataFrame({"person_id": ["a", "a"], **one})
    >>> table = precision_of_vertebrae(study.with_columns(bmc_l1=pl.Series([10.0, 10.5])))
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: constant readings: all repeats of 'bmd' are identical in ...
    """
    frame = enter(scans)[0].lazy()
    sets = [c for size in (2, 3, 4) for c in combinations(VERTEBRAE, size)]
    parts = [
        frame.select(
            pl.col(person),
            vertebrae=pl.lit(" ".join(v.upper() for v in chosen)),
            bmd=_sum("bmc", chosen) / _sum("area", chosen),
        )
        for chosen in sets
    ]
    return precision(
        pl.concat(parts), person=person, value="bmd", by=["vertebrae"], confidence=confidence
    )


def _sum(quantity: str, vertebrae: Sequence[str]) -> pl.Expr:
    return pl.sum_horizontal([pl.col(f"{quantity}_{v}") for v in vertebrae], ignore_nulls=False)


@dataclass(frozen=True)
class CrossDeviceLSC:
    """LSC between scans on two devices: from the pairs, and the floor that precision sets."""

    lsc: float
    from_precision: float
    confidence: float
    method: str

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([vars(self)])

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption="cross-device LSC")


def cross_device_lsc(
    line: Line, *, x_error: float, y_error: float, confidence: float = 0.95
) -> CrossDeviceLSC:
    """Least significant change between a scan on device x and a later one on device y.

    Parameters
    ----------
    line
        The in-vivo cross-calibration y on x (constant error model).
    x_error, y_error
        Precision errors (RMS-SD) of the two devices.
    confidence
        Two-sided.

    Returns
    -------
    CrossDeviceLSC
        `lsc` = z × SD of the scatter about the line: it holds both devices' precision and what
        the line does not explain; never below `from_precision` = z·√((slope·PE_x)² + PE_y²).

    Examples
    --------
    >>> from osteo_epi.calibration.deming import deming
    >>> line = deming([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    >>> round(cross_device_lsc(line, x_error=0.01, y_error=0.01).lsc, 3)
    0.028
    """
    if line.error_model != "constant":
        raise SchemaError("the LSC in one unit needs a line with constant error: deming")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    floor = z * math.hypot(line.slope.estimate * x_error, y_error)
    return CrossDeviceLSC(max(z * line.residual_sd, floor), floor, confidence, line.method)
