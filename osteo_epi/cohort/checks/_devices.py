"""Where the readings come from: several scanners, and how the QCT was done.

Consensus rows 13 (devices are compared only after calibration) and 16 (the lumbar QCT criterion
rests on Mindways at 120 kV).
"""

from __future__ import annotations

import polars as pl

from osteo_epi.findings import Finding, rows_where
from osteo_epi.norms import load

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


def check_devices(frame: pl.DataFrame) -> list[Finding]:
    """Check devices and the QCT protocol of a frame of canonical columns."""
    return [f for f in [_mixed(frame), *_qct(frame)] if f]


def _mixed(frame: pl.DataFrame) -> Finding | None:
    measured = [c for c in _DXA if c in frame.columns]
    named = [c for c in ("device_maker", "device") if c in frame.columns]
    if not measured or not named:
        return None
    some = frame.filter(pl.any_horizontal([pl.col(c).is_not_null() for c in measured]))
    # Only a value says that a row was corrected.
    done = some["calibrated_to"].count() if "calibrated_to" in some.columns else 0
    if done == len(some):
        return None
    column = max(named, key=lambda c: some[c].drop_nulls().n_unique())
    k = some[column].drop_nulls().n_unique()
    if k < 2:
        return None
    message = f"DXA readings of {k} different scanners stand together without a calibration"
    if done:
        message += f" of all: {done:,} of {len(some):,} rows hold a value in calibrated_to"
    fix = "calibrate them to one scale first, or estimate by scanner; readings are not comparable"
    return Finding("mixed_devices", "warning", column, len(some), message, fix)


def _qct(frame: pl.DataFrame) -> list[Finding]:
    columns = [c for c in _QCT if c in frame.columns]
    rule = load("criteria", _CRITERION).qct
    if not columns or rule is None:
        return []
    scanned = pl.any_horizontal([pl.col(c).is_not_null() for c in columns])
    ground = f"{rule.system} at {rule.tube_voltage:g} kV"
    findings = []
    if "tube_voltage" in frame.columns:
        off_voltage = scanned & (pl.col("tube_voltage") != rule.tube_voltage)
        message = f"QCT scans not at {rule.tube_voltage:g} kV, on which the criterion rests"
        fix = f"class them with care, or calibrate to {rule.tube_voltage:g} kV"
        findings.append(_finding(frame, "tube_voltage", "tube_voltage", off_voltage, message, fix))
    if "qct_calibration" in frame.columns:
        other = scanned & ~rule.is_system(pl.col("qct_calibration"))
        message = (
            f"QCT scans calibrated otherwise than by {rule.system}, on which the criterion rests"
        )
        fix = f"class them with care, or calibrate them to {rule.system} in people measured by both"
        findings.append(_finding(frame, "qct_calibration", "qct_calibration", other, message, fix))
    for column, code in (
        ("tube_voltage", "tube_voltage_unstated"),
        ("qct_calibration", "qct_calibration_unstated"),
    ):
        where = scanned & pl.col(column).is_null() if column in frame.columns else scanned
        message = f"QCT scans that do not state their {column.replace('_', ' ')}"
        fix = f"add the column {column}; the criterion rests on {ground}"
        findings.append(_finding(frame, code, column, where, message, fix))
    return [f for f in findings if f]


def _finding(
    frame: pl.DataFrame, code: str, column: str, where: pl.Expr, message: str, fix: str
) -> Finding | None:
    n = rows_where(frame, where)
    return Finding(code, "warning", column, n, f"{message}: {n}", fix, where) if n else None
