"""Single values: the unit, the plausible range, codes for missing, columns without a value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.conform._numbers import in_range, share
from osteo_epi.cohort.conform._plausible import AS_GIVEN, given, is_implausible, ranged
from osteo_epi.findings import Finding, Severity

Array = NDArray[np.float64]
CODES = (
    "unit_suspected",
    "not_areal_bmd",
    "wrong_quantity",
    "out_of_range",
    "code_suspected",
    "all_missing",
    "weight_unit_suspected",
    "bmi_mismatch",
)
_HALF, _MOST = 0.5, 0.9
# Of the values measured in a column: above it the missing are too many for an estimate without
# them to be trusted, and one slip of the pen is never too many.
SHARE, AT_LEAST = 0.05, 2
_VOLUMETRIC_OR_HU = (20, 400)
_FEW = 5
# Of a code among scores, and of a warning alone. Some people have scores of 5 SD and more, and not
# the same whole number again and again; exactly 0 is held against the six scores of up to 0.3 on
# either side, of which each is about as frequent as 0 itself.
_EXTREME = 5.0
_BESIDE, _TENTHS = 0.301, 6
_HEAVY_BMI, _BMI_OF_INCHES = 38.0, 90.0
_BMI_OFF = 1.0


def check_values(frame: pl.DataFrame) -> list[Finding]:
    """Check every quantity of a frame of canonical columns by itself."""
    findings = [_all_missing(frame, name) for name in frame.columns if name in codebook()]
    for variable in _quantities(frame):
        findings += _check_range(frame, variable)
        findings += _lookalikes(frame, variable)
        findings += _codes_suspected(frame, variable)
    return [f for f in [*findings, _weight_unit(frame), _bmi_mismatch(frame)] if f]


def unit_findings(frame: pl.DataFrame) -> list[Finding]:
    """What the values of the quantities alone tell: another unit, another quantity, none at all."""
    return [
        finding
        for variable in _quantities(frame)
        for finding in (*_check_range(frame, variable), *_lookalikes(frame, variable))
    ]


def _quantities(frame: pl.DataFrame) -> Iterator[Variable]:
    return (variable for name in frame.columns if (variable := ranged(name)))


def _all_missing(frame: pl.DataFrame, name: str) -> Finding | None:
    if given(frame, name).null_count() < len(frame):
        return None
    severity: Severity = "error" if codebook()[name].strict else "warning"
    message = "the column holds no value at all"
    fix = "check the export and the words or codes for missing"
    return Finding("all_missing", severity, name, len(frame), message, fix)


def _check_range(frame: pl.DataFrame, variable: Variable) -> list[Finding]:
    """Count what is implausible, also where it was set aside when the file was read."""
    values = given(frame, variable.name)
    inside = in_range(values, variable)
    n, outside = values.count(), int((~inside).sum())
    if not outside:
        return []
    if outside > _HALF * n:
        return [_unit_or_quantity(values.drop_nulls(), variable, outside)]
    return [_out_of_range(frame, variable, values.filter(~inside), n)]


def _out_of_range(frame: pl.DataFrame, variable: Variable, outside: pl.Series, n: int) -> Finding:
    """Some values of a column that is sound for the most part."""
    name, (low, high) = variable.name, variable.range or (0, 0)
    many = variable.decides and len(outside) >= AT_LEAST and len(outside) > SHARE * n
    unit, fitting = _fitting(outside, variable)
    also = f"; {fitting} of them would fit in {unit}" if fitting > 1 else ""
    message = (
        f"values outside {low:g} to {high:g} {variable.unit}: {len(outside)} of {n}{also}; they "
        "count as missing"
    )
    rows = "correct these rows in the file; in Python people.frame.filter(finding.where) lists them"
    kept = f"; what was given stands in {name}{AS_GIVEN}"
    fix = rows + (kept if f"{name}{AS_GIVEN}" in frame.columns else "")
    severity: Severity = "error" if many else "warning"
    where = is_implausible(frame, variable)
    return Finding("out_of_range", severity, name, len(outside), message, fix, where)


def _fitting(values: pl.Series, variable: Variable) -> tuple[str, int]:
    """The unit that most of the values would fit in, and how many."""
    counts = {
        unit: int(in_range(values, variable, factor).sum())
        for unit, factor in codebook().convertible(variable).items()
    }
    unit = max(counts, key=counts.__getitem__, default="")
    return unit, counts.get(unit, 0)


def _unit_or_quantity(values: pl.Series, variable: Variable, outside: int) -> Finding:
    unit, n = _fitting(values, variable)
    name = variable.name
    severity: Severity = "warning" if variable.covariate else "error"
    if n >= _MOST * len(values):
        message = f"values implausible in {variable.unit}, and plausible in {unit}: {outside}"
        return Finding("unit_suspected", severity, name, outside, message, _convert(name, unit))
    if name.startswith("abmd") and share(values.is_between(*_VOLUMETRIC_OR_HU)) > _HALF:
        message = f"values that look like mg/cm³ or HU, which is no areal density: {outside}"
        fix = (
            "name the column by map= (--map HEADING=VARIABLE): vbmd_… for QCT, hu_… for CT "
            "attenuation"
        )
        return Finding("not_areal_bmd", "error", name, outside, message, fix)
    message = f"values implausible as {name} [{variable.unit}]: {outside} of {len(values)}"
    fix = (
        "the column may hold another quantity: name it by map= (--map HEADING=VARIABLE), or "
        "state its unit by units= (--units), which counts more than a unit in the heading"
    )
    return Finding("wrong_quantity", severity, name, outside, message, fix)


def _convert(name: str, unit: str) -> str:
    return (
        f'if so, read with units={{"{name}": "{unit}"}} (--units {name}={unit}); it is then '
        "converted"
    )


def _lookalikes(frame: pl.DataFrame, variable: Variable) -> list[Finding]:
    """Values that can be true, and hardly ever are: in another unit they are the usual ones.

    Zeros say nothing. Most of a column is an error; so is a part of it where the column decides a
    class by itself, for the part is then misjudged.
    """
    if not variable.lookalikes:
        return []
    name, values = variable.name, frame[variable.name].drop_nulls()
    values, findings = values.filter(values != 0), []
    for unit, (low, high) in variable.lookalikes.items():
        alike = values.is_between(low, high)
        n, part = int(alike.sum()), share(alike)
        if part <= SHARE or (n < AT_LEAST and part < 1):
            continue
        message = (
            f"values of {low:g} to {high:g}, hardly ever true in {variable.unit} and usual in "
            f"{unit}: {n} of {len(values)}"
        )
        some = f"bring these rows to {variable.unit} in the file, if they are given in {unit}"
        fix = _convert(name, unit) if part > _HALF else some
        severe = (part > _HALF or variable.strict) and not variable.covariate
        severity: Severity = "error" if severe else "warning"
        where = pl.col(name).is_between(low, high) & (pl.col(name) != 0)
        findings.append(Finding("unit_suspected", severity, name, n, message, fix, where))
    return findings


def _codes_suspected(frame: pl.DataFrame, variable: Variable) -> list[Finding]:
    """Usual codes for missing inside the range, repeated, far from nearly everything else."""
    if variable.no_codes:
        return []
    is_score, column = variable.unit == "SD", frame[variable.name]
    column = column.filter(column.is_finite())
    if not is_score and not {column.min(), column.max()} & set(codebook().missing_codes):
        return []
    counts = column.value_counts(name="n").sort(variable.name)
    if len(counts) < _FEW:
        return []
    values, times = counts[variable.name].to_numpy(), counts["n"].to_numpy()
    low, high = (float(counts[variable.name].quantile(share) or 0) for share in (0.25, 0.75))
    sides = ((values[::-1], times[::-1]), (values, times))
    ends = [_codes_at_end(value, n, high - low) for value, n in sides]
    if is_score:
        ends += [_pile_at_end(value, n, high - low) for value, n in sides]
    found = [_suspected(variable.name, codes, n) for codes, n in ends if n >= _FEW][:1]
    return found or (_pile_at_zero(variable.name, values, times) if is_score else [])


def _pile_at_end(values: Array, times: Array, spread: float) -> tuple[list[float], int]:
    """One whole score of 5 SD or more (-6) again and again, where hardly anybody is near it."""
    value, n = float(values[0]), int(times[0])
    near = times[1:][np.abs(values[1:] - value) <= spread].sum()
    is_code = abs(value) >= _EXTREME and value == round(value) and near * _FEW <= n
    return ([value], n) if is_code else ([], 0)


def _pile_at_zero(name: str, values: Array, times: Array) -> list[Finding]:
    """A score of exactly 0 many times as often as those of up to 0.3 SD beside it, by the tenth."""
    n = int(times[values == 0].sum())
    values, times = values[values != 0], times[values != 0]
    beside = times[np.abs(values) <= _BESIDE].sum() / _TENTHS
    whole = (values == values.round()).all()
    if whole or n < max(_FEW, _FEW * beside, SHARE * times.sum()):
        return []
    message = f"value 0 stands {n} times, far more often than those beside it: a code for missing?"
    fix = f'if so, read with missing={{"{name}": [0]}} (--missing {name}=0)'
    return [Finding("code_suspected", "warning", name, n, message, fix, pl.col(name) == 0)]


def _codes_at_end(values: Array, times: Array, spread: float) -> tuple[list[float], int]:
    """Codes that stand together at the end of sorted counts, and how often; none where others do.

    Two codes beside each other (-7 refused, -8 does not know) are near each other, and one true
    value among many codes makes them no measurements.
    """
    usual = [code for code in codebook().missing_codes if code]
    others = ~np.isin(values, usual)
    last = int(others.argmax()) if others.any() else len(values)
    codes, n = values[:last].tolist(), int(times[:last].sum())
    near = times[last:][np.abs(values[last:] - codes[-1]) <= spread].sum() if codes else 0
    return (codes, n) if near * _FEW <= n else ([], 0)


def _suspected(name: str, codes: list[float], n: int) -> Finding:
    told = ", ".join(f"{code:g}" for code in codes)
    several = len(codes) > 1
    message = (
        f"values {told} stand {n} times, far from all others: codes for missing?"
        if several
        else f"value {told} stands {n} times, far from all others: a code for missing?"
    )
    options = " ".join(f"--missing {name}={code:g}" for code in codes)
    fix = f'if so, read with missing={{"{name}": [{told}]}} ({options})'
    where = pl.col(name).is_in(codes)
    return Finding("code_suspected", "warning", name, n, message, fix, where)


def _body(frame: pl.DataFrame) -> pl.Series | None:
    """BMI from weight and height where both are there."""
    if not {"weight", "height"} <= set(frame.columns):
        return None
    return frame.select((pl.col("weight") / (pl.col("height") / 100) ** 2).alias("bmi")).to_series()


def _weight_unit(frame: pl.DataFrame) -> Finding | None:
    """Weight in 斤 or pounds: plausible in itself, not beside a height that is sound."""
    bmi = _body(frame)
    middle = bmi.median() if bmi is not None else None
    if not isinstance(middle, float) or not _HEAVY_BMI <= middle < _BMI_OF_INCHES:
        return None
    n = int(frame["weight"].count())
    message = "with the heights given, half the people would be of extreme weight: 斤 or lb?"
    fix = (
        'if so, read with units={"weight": "斤"} (--units weight=斤), or the same with lb; it is '
        "then converted"
    )
    return Finding("weight_unit_suspected", "error", "weight", n, message, fix)


def _bmi_mismatch(frame: pl.DataFrame) -> Finding | None:
    bmi = _body(frame) if "bmi" in frame.columns else None
    if bmi is None:
        return None
    n = int(((frame["bmi"] - bmi).abs() > _BMI_OFF).sum())
    if not n:
        return None
    off = (pl.col("bmi") - pl.col("weight") / (pl.col("height") / 100) ** 2).abs() > _BMI_OFF
    message = f"given BMI more than {_BMI_OFF:g} kg/m² off weight over height squared: {n}"
    fix = "check the units of weight and height, and these rows"
    return Finding("bmi_mismatch", "warning", "bmi", n, message, fix, off)
