"""Precision error: how much repeat scans of the same people differ, and what follows from it.

The root mean square of the people's SDs (in the unit of the reading; preferred to %CV) is pooled
over degrees of freedom, so any design may be used: 15 people × 3 scans, 30 × 2, or unequal numbers.
An arithmetic mean of SDs, or wrong degrees of freedom, understates the error (Glüer 1995).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.agreement import Line, PointEstimate, critical_value
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.frames import (
    Column,
    as_polars,
    in_callers_kind,
    on_people,
    ratings_given,
    refuse_words,
)
from osteo_epi.norms import READING_TOLERANCE, falls_below, load
from osteo_epi.results import Result
from osteo_epi.rounding import number
from osteo_epi.summation import moments, sums_by

VERTEBRAE = ("l1", "l2", "l3", "l4")


@dataclass(frozen=True, repr=False)
class PrecisionError(Result):
    """RMS-SD and RMS-%CV with their exact chi-square intervals, for one group of scans."""

    rms_sd: PointEstimate
    rms_cv_percent: PointEstimate
    df: int
    people: int
    scans: int
    mean: float
    confidence: float
    group: tuple[tuple[str, Any], ...] = ()

    def upper_limit(self, *, confidence: float = 0.95) -> float:
        """One-sided upper limit of the RMS-SD."""
        from scipy import stats

        return self.rms_sd.estimate * math.sqrt(self.df / stats.chi2.ppf(1 - confidence, self.df))

    def lsc(self, *, confidence: float = 0.95) -> PointEstimate:
        """Least significant change between two scans, in the unit of the reading.

        z·√2·RMS-SD with z the normal quantile of the confidence (2.7718 at 95 %; ISCD prints
        2.77), and the interval of the RMS-SD carried along.
        """
        return _scaled(self.rms_sd, lsc_factor(confidence))

    def lsc_percent(self, *, confidence: float = 0.95) -> PointEstimate:
        """Least significant change in per cent, from the RMS-%CV."""
        return _scaled(self.rms_cv_percent, lsc_factor(confidence))

    def to_polars(self) -> pl.DataFrame:
        """One row: the group, RMS-SD, RMS-%CV, LSC, degrees of freedom and design."""
        row: dict[str, Any] = dict(self.group)
        values = {"rms_sd": self.rms_sd, "rms_cv_percent": self.rms_cv_percent, "lsc": self.lsc()}
        for name, value in values.items():
            row |= {name: value.estimate}
            row |= {f"{name}_lower": value.lower, f"{name}_upper": value.upper}
        names = ("df", "people", "scans", "mean", "confidence")
        return pl.DataFrame([row | {name: getattr(self, name) for name in names}])

    def _summary(self) -> str:
        return f"precision error: RMS-SD {self.rms_sd}, df {self.df}"


@dataclass(frozen=True, repr=False)
class PrecisionTable(Result):
    """Precision error of each group (technologist, device, site, set of vertebrae)."""

    groups: tuple[PrecisionError, ...]

    def __iter__(self) -> Iterator[PrecisionError]:
        return iter(self.groups)

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, key: Any) -> PrecisionError:
        wanted = key if isinstance(key, tuple) else (key,)
        return next(g for g in self.groups if tuple(v for _, v in g.group) == wanted)

    def to_polars(self) -> pl.DataFrame:
        """One row per group."""
        return pl.concat([group.to_polars() for group in self.groups], how="vertical_relaxed")

    def _summary(self) -> str:
        return f"precision error, groups: {len(self)}"


def lsc_factor(confidence: float) -> float:
    """√2 times the normal quantile: what turns a precision error into a least significant change.

    Examples
    --------
    >>> round(lsc_factor(0.95), 4)
    2.7718
    """
    return math.sqrt(2) * critical_value(confidence)


@in_callers_kind
def precision_of(
    repeats: Any, *, columns: Sequence[str] | None = None, confidence: float = 0.95
) -> PrecisionError:
    """Precision error from a table of repeats.

    Parameters
    ----------
    repeats
        Shape (people, scans), or a frame; NaN where a scan is missing. People with one scan tell
        nothing and are left out.
    columns
        Of a frame, one a scan; all by default.
    confidence
        Of the chi-square intervals.

    Raises
    ------
    SchemaError
        If the repeats are no table of people by scans.

    Examples
    --------
    >>> error = precision_of([[0.90, 0.91], [1.00, 0.98], [0.85, 0.85]])
    >>> round(error.rms_sd.estimate, 5), error.df
    (0.00913, 3)
    """
    values = np.asarray(ratings_given(repeats, columns), float)
    if values.ndim != 2:
        raise SchemaError("repeats need the shape (people, scans)")
    people = np.repeat(np.arange(len(values)), values.shape[1])
    frame = pl.DataFrame({"person": people, "value": values.ravel()}).filter(~pl.col.value.is_nan())
    return precision(frame, person="person", value="value", confidence=confidence).groups[0]


@on_people("person", "value")
def precision(
    scans: Any = None,
    *,
    person: Column = "person_id",
    value: Column,
    by: Sequence[str] = (),
    confidence: float = 0.95,
) -> PrecisionTable:
    """Precision error of repeat scans, for each group.

    Parameters
    ----------
    scans
        A frame of any kind, one row a scan.
    person
        Column of the person's identifier. Repeats are the rows of one person within a group.
    value
        Column of the reading.
    by
        Columns that make the groups: technologist, device, site, …
    confidence
        Of the intervals.

    Returns
    -------
    PrecisionTable

    Raises
    ------
    SchemaError
        Columns missing, nobody scanned twice, or all repeats identical.

    Notes
    -----
    Degrees of freedom Σ(scans − 1); RMS-%CV pools the people's own (SD/mean)². Interval of the
    variance by chi-square (Glüer 1995, Osteoporos Int 5:262–270).

    Examples
    --------
    >>> scans = pl.DataFrame({"person_id": ["a", "a", "b", "b"], "device": ["D1"] * 4,
    ...                       "bmd": [0.90, 0.92, 1.00, 1.01]})
    >>> table = precision(scans, value="bmd", by=["device"])
    >>> table["D1"].df
    2
    """
    frame = as_polars(scans)[0].lazy()
    _columns(frame, [person, value, *by])
    refuse_words(frame.collect_schema(), [value], purpose="a precision error")
    if taken := {"n", "mean", "squares"} & {person, *by}:
        raise SchemaError(
            f"columns {sorted(taken)} of person= or by= have names that the sums of a precision "
            "error take: rename them"
        )
    read = frame.with_columns(pl.col(value).cast(pl.Float64).fill_nan(None))
    scanned = moments(read.filter(pl.col(value).is_not_null()), [*by, person], value)
    repeated = scanned.filter(pl.col.n > 1)
    if repeated.height == 0:
        raise SchemaError(
            f"nobody has two readings of {value!r} in one group of {list(by)}: a precision study "
            "needs repeat scans, one row a scan, of the same person"
        )
    pooled = _pooled(repeated, by)
    if (pooled["squares"] == 0).any():
        raise SchemaError(
            f"constant readings: all repeats of {value!r} are identical in "
            f"{int((pooled['squares'] == 0).sum())} groups; are they copies of one scan?"
        )
    rows = pooled.sort(by).iter_rows(named=True) if by else pooled.iter_rows(named=True)
    return PrecisionTable(tuple(_error(row, by, confidence) for row in rows))


def _pooled(people: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """What each group's error is made of, from n, mean and squares of its people."""
    variance = pl.col.squares / (pl.col.n - 1)
    addends = {
        "scans": pl.col.n,
        "squares": pl.col.squares,
        "relative": (pl.col.n - 1) * variance / pl.col.mean**2,
        "total": pl.col.n * pl.col.mean,
    }
    return sums_by(people, by, addends)


@dataclass(frozen=True, repr=False)
class PrecisionCheck(Result):
    """Pass or fail of each group against the least that is acceptable, with its source."""

    table: pl.DataFrame
    site: str
    minimum_percent: float
    least_df: int
    source: str
    verification: str

    def to_polars(self) -> pl.DataFrame:
        """One row per group: RMS-%CV, minimum, verdict, reason."""
        return self.table

    def _repr_html_(self) -> str:
        note = f"{self.source}; minimum graded {self.verification}"
        return self._shown(self.table, caption=f"precision: {self.site}", notes=(note,))

    def _summary(self) -> str:
        passed = int((self.table["verdict"] == "pass").sum())
        return f"{self.site}, {passed} of {self.table.height} groups pass"


@in_callers_kind
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

    Raises
    ------
    NormError
        If the norm has no minimum for the site.

    Examples
    --------
    >>> from osteo_epi.calibration import precision_of
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


@in_callers_kind
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
    frame = as_polars(scans)[0].lazy()
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


@dataclass(frozen=True, repr=False)
class CrossDeviceLSC(Result):
    """LSC between scans on two devices: from the pairs, and the floor that precision sets."""

    lsc: float
    from_precision: float
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self._by_name()])

    def _summary(self) -> str:
        return f"cross-device LSC {number(self.lsc)} by {self.method}"


@in_callers_kind
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

    Raises
    ------
    SchemaError
        If the line's error is in proportion to the reading.

    Examples
    --------
    >>> from osteo_epi.agreement import deming
    >>> line = deming([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    >>> round(cross_device_lsc(line, x_error=0.01, y_error=0.01).lsc, 3)
    0.028
    """
    if line.error_model != "constant":
        raise SchemaError("the LSC in one unit needs a line with constant error: deming")
    z = critical_value(confidence)
    floor = z * math.hypot(line.slope.estimate * x_error, y_error)
    return CrossDeviceLSC(max(z * line.residual_sd, floor), floor, confidence, line.method)


def _scaled(value: PointEstimate, factor: float) -> PointEstimate:
    """An estimate and its interval times a constant."""
    numbers = (value.estimate, value.se, value.lower, value.upper)
    first, se, low, high = (None if v is None else v * factor for v in numbers)
    assert first is not None
    return PointEstimate(first, se, low, high)


def _error(row: dict[str, Any], by: Sequence[str], confidence: float) -> PrecisionError:
    from scipy import stats

    df = int(row["scans"] - row["n"])
    shares = ((1 + confidence) / 2, (1 - confidence) / 2)
    low, high = (math.sqrt(df / stats.chi2.ppf(share, df)) for share in shares)

    def estimate(squares: float, unit: float) -> PointEstimate:
        value = unit * math.sqrt(squares / df)
        return PointEstimate(value, None, value * low, value * high)

    return PrecisionError(
        rms_sd=estimate(row["squares"], 1.0),
        rms_cv_percent=estimate(row["relative"], 100.0),
        df=df,
        people=row["n"],
        scans=int(row["scans"]),
        mean=row["total"] / row["scans"],
        confidence=confidence,
        group=tuple((name, row[name]) for name in by),
    )


def _columns(frame: pl.LazyFrame, names: Sequence[str]) -> None:
    there = frame.collect_schema().names()
    absent = [name for name in names if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")


def _verdict(group: PrecisionError, minimum: float, least: int) -> dict[str, Any]:
    value = group.rms_cv_percent
    if group.df < least:
        verdict, reason = "too_few_scans", f"{group.df} degrees of freedom, {least} are asked for"
    elif falls_below(value.estimate, minimum, takes_cut=True, by=100 * READING_TOLERANCE):
        verdict, reason = "pass", f"RMS-%CV not above {minimum}"
    else:
        verdict, reason = "fail", f"RMS-%CV above {minimum}: train again, and repeat the study"
    row = dict(group.group) | {"rms_cv_percent": value.estimate, "lower": value.lower}
    row |= {"upper": value.upper, "minimum_percent": minimum, "df": group.df}
    return row | {"verdict": verdict, "reason": reason}


def _sum(quantity: str, vertebrae: Sequence[str]) -> pl.Expr:
    return pl.sum_horizontal([pl.col(f"{quantity}_{v}") for v in vertebrae], ignore_nulls=False)
