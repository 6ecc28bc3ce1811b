"""Where the readings come from: several scanners, and how the QCT was done.

Consensus rows 13 (devices are compared only after calibration) and 16 (the lumbar QCT criterion
rests on Mindways at 120 kV).
"""

from __future__ import annotations

import polars as pl

from osteo_epi.findings import Finding
from osteo_epi.norms import load
from osteo_epi.questions import Asking, People, asked, grouped, rows, together

CODES = (
    "mixed_devices",
    "tube_voltage",
    "tube_voltage_unstated",
    "qct_calibration",
    "qct_calibration_unstated",
)
_DXA = ("abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine", "abmd_l1")
_QCT = ("vbmd_lumbar_spine", "vbmd_l1", "vbmd_l2", "vbmd_l3", "vbmd_l4")
_CRITERION = "china_2020"


def check_devices(people: People) -> Asking[list[Finding]]:
    """Check devices and the QCT protocol of canonical columns."""
    return [f for f in (yield from together([_mixed(people), *_qct(people)])) if f]


def _mixed(people: People) -> Asking[Finding | None]:
    measured = [c for c in _DXA if people.has(c)]
    named = [c for c in ("device_maker", "device") if people.has(c)]
    if not measured or not named:
        return None
    some = pl.any_horizontal([pl.col(c).is_not_null() for c in measured])
    # Only a value says that a row was corrected.
    corrected = (
        pl.col("calibrated_to").is_not_null() if people.has("calibrated_to") else pl.lit(False)
    )
    counts = yield from asked(sums={"n": some.sum(), "done": (some & corrected).sum()})
    n, done = counts["n"], counts["done"]
    if done == n:
        return None
    numbers = yield from together(_scanners(column, some) for column in named)
    column, k = max(zip(named, numbers, strict=True), key=lambda pair: pair[1])
    if k < 2:
        return None
    message = f"DXA readings of {k} different scanners stand together without a calibration"
    if done:
        message += f" of all: {done:,} of {n:,} rows hold a value in calibrated_to"
    fix = "calibrate them to one scale first, or estimate by scanner; readings are not comparable"
    return Finding("mixed_devices", "warning", column, n, message, fix)


def _scanners(column: str, measured: pl.Expr) -> Asking[int]:
    """How many different words a column has among people who were measured."""
    table = yield from grouped({column: pl.col(column)}, sums={"n": measured.sum()})
    return table.filter(pl.col(column).is_not_null() & (pl.col("n") > 0)).height


def _qct(people: People) -> list[Asking[Finding | None]]:
    columns = [c for c in _QCT if people.has(c)]
    rule = load("criteria", _CRITERION).qct
    if not columns or rule is None:
        return []
    scanned = pl.any_horizontal([pl.col(c).is_not_null() for c in columns])
    ground = f"{rule.system} at {rule.tube_voltage:g} kV"
    findings = []
    if people.has("tube_voltage"):
        off_voltage = scanned & (pl.col("tube_voltage") != rule.tube_voltage)
        message = f"QCT scans not at {rule.tube_voltage:g} kV, on which the criterion rests"
        fix = f"class them with care, or calibrate to {rule.tube_voltage:g} kV"
        findings.append(_finding("tube_voltage", "tube_voltage", off_voltage, message, fix))
    if people.has("qct_calibration"):
        other = scanned & ~rule.is_system(pl.col("qct_calibration"))
        message = (
            f"QCT scans calibrated otherwise than by {rule.system}, on which the criterion rests"
        )
        fix = f"class them with care, or calibrate them to {rule.system} in people measured by both"
        findings.append(_finding("qct_calibration", "qct_calibration", other, message, fix))
    for column, code in (
        ("tube_voltage", "tube_voltage_unstated"),
        ("qct_calibration", "qct_calibration_unstated"),
    ):
        where = scanned & pl.col(column).is_null() if people.has(column) else scanned
        message = f"QCT scans that do not state their {column.replace('_', ' ')}"
        fix = f"add the column {column}; the criterion rests on {ground}"
        findings.append(_finding(code, column, where, message, fix))
    return findings


def _finding(
    code: str, column: str, where: pl.Expr, message: str, fix: str
) -> Asking[Finding | None]:
    n = yield from rows(where)
    return Finding(code, "warning", column, n, f"{message}: {n}", fix, where) if n else None
