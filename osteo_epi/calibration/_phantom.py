"""A phantom scanned several times on every device: each device's line, and how sure it is.

Two ways lead to a line. With nominal densities, taken as free of error, each device is regressed on
them. Without, one device is the reference and the means of its own scans take their place; their
error then goes into every other device's line, and ties those lines to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement import (
    UNIT_RATIO,
    Line,
    Linearity,
    PointEstimate,
    as_covariance,
    coefficients,
    lack_of_fit,
    least_squares,
)
from osteo_epi.calibration._correction import Correction, Key, correction_between, device_label
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, as_polars, in_callers_kind, on_people
from osteo_epi.norms import load
from osteo_epi.results import Result
from osteo_epi.summation import moments

Floats = NDArray[np.float64]

LEAST_SCANS = 3

SWAPPED = 0.1
"""Share of the range by which a denser insert may read lower: close inserts may change places."""

NONLINEAR = 0.01
"""Below this p of the lack-of-fit test a line is said not to be enough; ours, not published."""


def with_nominal(
    scans: Any, *, insert: str = "insert", quantity: str = "abmd", norm: str = "esp_nominal"
) -> Any:
    """Add the nominal density of each phantom insert.

    Parameters
    ----------
    scans
        A frame of any kind, one row an insert and scan.
    insert
        Column of the inserts' names ("l1", "l2", "l3" of the European Spine Phantom).
    quantity
        "abmd" [g/cm²] or "vbmd" [mg/cm³].
    norm
        File of kind `published` with the nominal values; give your phantom's own certificate.

    Returns
    -------
    frame
        With `nominal`.

    Raises
    ------
    SchemaError
        If an insert has no nominal value of this quantity.

    Examples
    --------
    >>> with_nominal(pl.DataFrame({"insert": ["l1", "l3"]}))["nominal"].to_list()
    [0.5, 1.5]
    """
    frame, restore = as_polars(scans)
    rows = load("published", norm).estimates
    known = {row["insert"]: float(row["value"]) for row in rows if row["quantity"] == quantity}
    names = frame.lazy().select(pl.col(insert).cast(pl.String).unique()).collect()[insert]
    unknown = sorted(str(name) for name in names if name not in known)
    if unknown:
        raise SchemaError(
            f"{norm} has no nominal {quantity} for the inserts {unknown}; it has {sorted(known)}"
        )
    values = pl.col(insert).cast(pl.String).replace_strict(known, return_dtype=pl.Float64)
    return restore(frame.with_columns(values.alias("nominal")))


@dataclass(frozen=True)
class PhantomLine:
    """One device's readings of the phantom on its nominal densities."""

    key: Key
    line: Line
    linearity: Linearity
    inserts: int
    scans: int


@dataclass(frozen=True, repr=False, eq=False)
class PhantomLines(Result):
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
        target = key if isinstance(key, tuple) else (key,)
        return next(d for d in self.devices if d.key == target)

    @in_callers_kind
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
        target = None if to is None else to if isinstance(to, tuple) else (to,)
        lines = {device.key: device.line for device in self.devices}
        return correction_between(
            lines,
            self.covariance,
            by=self.by,
            to=target,
            scale=self.scale,
            unit=self.unit,
            source=f"phantom, {self.scans_label}",
            label=self.label,
        )

    @property
    def scans_label(self) -> str:
        """The fewest and the most scans of a device in words."""
        scans = [d.scans for d in self.devices]
        few, many = min(scans), max(scans)
        return f"{few} scans a device" if few == many else f"{few} to {many} scans a device"

    def to_polars(self) -> pl.DataFrame:
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
        return self._shown(caption=self._summary(), notes=notes)

    def _summary(self) -> str:
        return f"phantom, readings on {self.scale} [{self.unit}], {len(self)} devices"


@on_people("value")
def phantom_lines(
    scans: Any = None,
    *,
    value: Column = "abmd",
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
    >>> from osteo_epi.cohort import simulate_phantom
    >>> lines = phantom_lines(simulate_phantom(seed=1))
    >>> len(lines), lines["lunar_1"].scans
    (7, 10)
    """
    from scipy.linalg import block_diag

    table = as_polars(scans)[0].lazy().collect()
    _check_columns(table, [*by, insert, value, *([] if nominal is None else [nominal])])
    reference_key: Key = reference if isinstance(reference, tuple) else (reference,)
    column = "_nominal" if nominal is None else nominal
    if nominal is None:
        table = _with_reference_means(
            table, by=by, insert=insert, value=value, reference_key=reference_key
        )
    _check_inserts(table, insert=insert, nominal=column)
    groups = dict(sorted(table.group_by(by), key=lambda item: tuple(map(str, item[0]))))
    lines = []
    for key, rows in groups.items():
        _check_device(rows, value=value, insert=insert, nominal=column, name=device_label(by, key))
        lines.append(_line(key, rows, value, column, insert, confidence))
    joint = block_diag(*(np.array(device.line.covariance) for device in lines))
    scale = "nominal density"
    if nominal is None:
        joint, scale = (
            _with_shared_error(joint, groups, lines, reference_key),
            f"readings of {device_label(by, reference_key)}",
        )
        lines = [_restated(device, joint, k, reference_key) for k, device in enumerate(lines)]
    stated = unit or ("mg/cm3" if value.startswith("vbmd") else "g/cm2")
    return PhantomLines(tuple(lines), tuple(by), scale, stated, joint, _label(table))


def _check_columns(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Columns are there, and nothing is missing in them."""
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise SchemaError(f"phantom scans lack the columns {absent}; there are {frame.columns}")
    lost = {name: int(frame[name].null_count()) for name in names}
    lost |= {n: lost[n] + int(frame[n].is_nan().sum()) for n in names if frame[n].dtype.is_float()}
    if any(lost.values()):
        gaps = ", ".join(f"{n} in {name!r}" for name, n in lost.items() if n)
        raise SchemaError(f"phantom scans have missing values ({gaps}); leave those rows out")


def _check_inserts(frame: pl.DataFrame, *, insert: str, nominal: str) -> None:
    """One insert has one nominal density, and two inserts do not share one."""
    known = frame.select(insert, nominal).unique()
    for name, other in ((insert, nominal), (nominal, insert)):
        twice = known.group_by(name).len().filter(pl.col("len") > 1)
        if len(twice):
            raise SchemaError(
                f"{len(twice)} values of {name!r} stand with more than one value of {other!r}: "
                "a phantom's insert has one nominal density; correct the table of scans"
            )


def _check_device(scans: pl.DataFrame, *, value: str, insert: str, nominal: str, name: str) -> None:
    """The readings of one device can make a line, and were read on their own nominal values."""
    by_insert = scans.group_by(_insert=insert).agg(
        n=pl.len(),
        nominal=pl.col(nominal).first(),
        mean=pl.col(value).mean(),
        width=pl.col(value).max() - pl.col(value).min(),
    )
    if len(by_insert) < 2:
        raise SchemaError(
            f"{name}: the phantom was read at one density only; a line needs two inserts, and a "
            "test of linearity three"
        )
    if scans[value].max() == scans[value].min():
        raise SchemaError(
            f"{name}: constant readings, all {len(scans)} are equal; is {value!r} the reading?"
        )
    few = by_insert.filter(pl.col("n") < LEAST_SCANS)
    if len(few):
        raise SchemaError(
            f"{name}: {len(few)} inserts have fewer than three phantom scans "
            f"(fewest: {min(few['n'].to_list())}); scan the phantom again, ten times is usual"
        )
    if (by_insert["width"] == 0).all():
        raise SchemaError(
            f"{name}: constant readings, the repeats of every insert are identical; are they "
            "copies of one scan, or the nominal values?"
        )
    _check_unit(scans, value, nominal, name)
    _check_order(by_insert, name)
    _check_labels(scans, value, insert, name)


def _check_unit(scans: pl.DataFrame, value: str, nominal: str, name: str) -> None:
    """mg for g is a thousandfold; areal for volumetric nominal values a hundredfold."""
    sizes = [float(np.median(np.abs(scans[c].to_numpy()))) for c in (value, nominal)]
    ratio = max(sizes) / min(sizes) if min(sizes) > 0 else np.inf
    if ratio > UNIT_RATIO:
        raise SchemaError(
            f"{name}: the readings and the nominal values seem to be in different units (their "
            f"medians differ {ratio:.0f}-fold): g/cm² against mg/cm², or areal readings against "
            "volumetric nominal values? Read the phantom on its nominal values of the same quantity"
        )


def _check_order(by_insert: pl.DataFrame, name: str) -> None:
    """Inserts in another order than their nominal values, by more than scanners can differ."""
    mean = by_insert.sort("nominal")["mean"].to_numpy()
    if np.diff(mean).min() < -SWAPPED * np.ptp(mean):
        raise SchemaError(
            f"{name}: the inserts' readings do not stand in the order of their nominal values: "
            "read on the wrong nominal, vertebrae swapped or counted from the other end? Correct "
            "the labels of the inserts"
        )


def _check_labels(scans: pl.DataFrame, value: str, insert: str, name: str) -> None:
    """Single readings that belong to another insert by their size."""
    medians = scans.group_by(insert).agg(pl.col(value).median()).sort(value)
    levels = medians[value].to_numpy()
    own = scans[insert].replace_strict(medians[insert], range(len(levels)), return_dtype=pl.Int64)
    place = own.to_numpy()
    away = np.abs(scans[value].to_numpy()[:, None] - levels)
    strayed = away.min(axis=1) < away[np.arange(len(place)), place]
    strayed &= away[np.arange(len(place)), place] > np.diff(levels).min() / 2
    if strayed.any():
        raise SchemaError(
            f"{name}: {int(strayed.sum())} of {len(place)} readings stand nearer to another "
            "insert's readings than to their own: vertebrae relabelled in some scans, or the "
            "device changed in between? Correct the labels, or give the periods their own lines "
            "(by=('device', 'period'), see with_period)"
        )


def _with_reference_means(
    table: pl.DataFrame, *, by: Sequence[str], insert: str, value: str, reference_key: Key
) -> pl.DataFrame:
    """Add `_nominal`: the mean reading of each insert on the reference device."""
    groups = dict(table.group_by(by))
    own = groups.get(reference_key)
    if own is None:
        there = ", ".join(sorted(device_label(by, key) for key in groups))
        raise SchemaError(
            f"without nominal densities give reference=, one of the devices scanned: {there}"
        )
    # Under a name of ours: the column of inserts may be called n or mean.
    read = own.select(_insert=insert, _value=value)
    means = moments(read, ["_insert"], "_value").select("_insert", _nominal="mean")
    joined = table.join(
        means, left_on=insert, right_on="_insert", how="left", maintain_order="left"
    )
    lost = joined["_nominal"].null_count()
    if lost:
        raise SchemaError(
            f"{lost} readings are of inserts that the reference, "
            f"{device_label(by, reference_key)}, did not scan; leave them out"
        )
    return joined


def _shared_error(
    nominal: Mapping[Key, Floats], slopes: Mapping[Key, float], *, reference_key: Key, sd: float
) -> Floats:
    """Covariance that the error of the reference's means puts into all lines at once.

    Parameters
    ----------
    nominal
        Device to its (n,) values of x, one a reading.
    slopes
        Device to its slope.
    reference_key
        The reference.
    sd
        Scatter of the reference's repeats.

    Returns
    -------
    ndarray
        (2D, 2D), in the order of `nominal`; zero for the reference itself.

    Notes
    -----
    To first order an error d of x acts on a line as −slope · d acts in y.
    """
    levels, repeats = np.unique(nominal[reference_key], return_counts=True)
    maps = []
    for key, x in nominal.items():
        counts = (x[:, None] == levels).sum(axis=0)
        design = np.column_stack([np.ones(len(levels)), levels])
        hat = np.linalg.solve((design.T * counts) @ design, design.T * counts)
        maps.append(0 * hat if key == reference_key else slopes[key] * hat)
    stacked = np.vstack(maps)
    return stacked @ np.diag(sd**2 / repeats) @ stacked.T


def _line(
    key: Key, rows: pl.DataFrame, value: str, nominal: str, insert: str, confidence: float
) -> PhantomLine:
    x, y = rows[nominal].to_numpy(), rows[value].cast(pl.Float64).to_numpy()
    line = least_squares(x, y, confidence=confidence)
    inserts = rows[insert].n_unique()
    return PhantomLine(key, line, lack_of_fit(x, y, line=line), inserts, len(rows) // inserts)


def _with_shared_error(
    joint: Floats, groups: dict[Key, pl.DataFrame], lines: list[PhantomLine], reference_key: Key
) -> Floats:
    """Nothing is uncertain about the reference's own line; its means are in all the others."""
    place = [device.key for device in lines].index(reference_key)
    joint[2 * place : 2 * place + 2] = 0.0
    return joint + _shared_error(
        {key: rows["_nominal"].to_numpy() for key, rows in groups.items()},
        {device.key: device.line.slope.estimate for device in lines},
        reference_key=reference_key,
        sd=lines[place].linearity.sd_repeats,
    )


def _restated(device: PhantomLine, joint: Floats, k: int, reference_key: Key) -> PhantomLine:
    """The line with intervals that hold the reference's error as well."""
    block = joint[2 * k : 2 * k + 2, 2 * k : 2 * k + 2]
    line, own = device.line, device.key == reference_key
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
        term: PointEstimate = getattr(device.line, name)
        row |= {name: term.estimate, f"{name}_lower": term.lower, f"{name}_upper": term.upper}
    test = device.linearity
    row |= {"linearity_f": test.f, "linearity_p": test.p, "largest_deviation": test.largest}
    return row | {"sd_repeats": test.sd_repeats, "inserts": device.inserts, "scans": device.scans}


def _label(table: pl.DataFrame) -> str:
    """What simulated scans say of themselves."""
    if "label" not in table.columns:
        return ""
    return "; ".join(sorted(table["label"].drop_nulls().unique().to_list()))
