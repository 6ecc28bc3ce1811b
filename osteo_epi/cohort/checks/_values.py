"""Single values: the unit, the plausible range, codes for missing, columns without a value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.conform._numbers import in_range
from osteo_epi.cohort.conform._plausible import AS_GIVEN, given, is_implausible, ranged
from osteo_epi.findings import Finding, Severity
from osteo_epi.questions import (
    Asking,
    People,
    asked,
    rows,
    together,
    value_counts,
)

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
_NEVER_MEANT = ("kg/m2",)  # nobody gives densities so, and a content [g] looks like it
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


def check_values(people: People) -> Asking[list[Finding]]:
    """Check every quantity of canonical columns by itself."""
    known = [name for name in people.columns if name in codebook()]
    quantities = list(_quantities(people))
    # In a column of reasons all may have said that there is none, which is missing.
    asked_of = [name for name in known if not codebook()[name].missing_words]
    checks: list[Asking[list[Finding]]] = [_all_missing(people, name) for name in asked_of]
    for variable in quantities:
        checks += [
            _check_range(people, variable),
            _lookalikes(variable),
            _codes_suspected(variable),
        ]
    checks += [_weight_unit(people), _bmi_mismatch(people)]
    return [finding for findings in (yield from together(checks)) for finding in findings]


def unit_findings(people: People) -> Asking[list[Finding]]:
    """What the values of the quantities alone tell: another unit, another quantity, none at all."""
    checks = [
        check
        for variable in _quantities(people)
        for check in (_check_range(people, variable), _lookalikes(variable))
    ]
    return [finding for findings in (yield from together(checks)) for finding in findings]


def _quantities(people: People) -> Iterator[Variable]:
    return (variable for name in people.columns if (variable := ranged(name)))


def _all_missing(people: People, name: str) -> Asking[list[Finding]]:
    counts = yield from asked(sums={"n": given(people.schema, name).count(), "of": pl.len()})
    if counts["n"]:
        return []
    severity: Severity = "error" if codebook()[name].strict else "warning"
    message = "the column holds no value at all"
    fix = "check the export and the words or codes for missing"
    return [Finding("all_missing", severity, name, counts["of"], message, fix)]


def _check_range(people: People, variable: Variable) -> Asking[list[Finding]]:
    """Count what is implausible, also where it was set aside when the file was read."""
    values = given(people.schema, variable.name)
    outside = ~in_range(values, variable)
    counts = yield from asked(sums={"n": values.count(), "outside": outside.sum()})
    n, n_outside = counts["n"], counts["outside"]
    if not n_outside:
        return []
    units = {u: f for u, f in codebook().convertible(variable).items() if u not in _NEVER_MEANT}
    most = n_outside > _HALF * n
    fitting = {unit: in_range(values, variable, factor) for unit, factor in units.items()}
    sums = {unit: (fits if most else fits & outside).sum() for unit, fits in fitting.items()}
    # NAME is no unit.
    sums[variable.name] = values.is_between(*_VOLUMETRIC_OR_HU).sum()
    found = yield from asked(sums=sums)
    dense = found.pop(variable.name)
    unit = max(found, key=found.__getitem__, default="")
    fit = (unit, found.get(unit, 0))
    if most:
        return [_unit_or_quantity(variable, n, n_outside, fit, dense)]
    return [_out_of_range(people, variable, n_outside, n, fit)]


def _out_of_range(
    people: People, variable: Variable, outside: int, n: int, fit: tuple[str, int]
) -> Finding:
    """Some values of a column that is sound for the most part."""
    name, (low, high), (unit, fitting) = variable.name, variable.range or (0, 0), fit
    many = variable.decides and outside >= AT_LEAST and outside > SHARE * n
    also = f"; {fitting} of them would fit in {unit}" if fitting > 1 else ""
    message = (
        f"values outside {low:g} to {high:g} {variable.unit}: {outside} of {n}{also}; they "
        "count as missing"
    )
    listed = (
        "correct these rows in the file; in Python people.frame.filter(finding.where) lists them"
    )
    kept = f"; what was given stands in {name}{AS_GIVEN}"
    fix = listed + (kept if f"{name}{AS_GIVEN}" in people.schema else "")
    severity: Severity = "error" if many else "warning"
    where = is_implausible(people.schema, variable)
    return Finding("out_of_range", severity, name, outside, message, fix, where)


def _unit_or_quantity(
    variable: Variable, of: int, outside: int, fit: tuple[str, int], dense: int
) -> Finding:
    """Most values of a column: of another unit that fits them, or of another quantity."""
    name, (unit, n) = variable.name, fit
    severity: Severity = "warning" if variable.covariate else "error"
    if n >= _MOST * of:
        message = f"values implausible in {variable.unit}, and plausible in {unit}: {outside}"
        return Finding("unit_suspected", severity, name, outside, message, _convert(name, unit))
    if name.startswith("abmd") and dense > _HALF * of:
        message = f"values that look like mg/cm³ or HU, which is no areal density: {outside}"
        fix = (
            "name the column by map= (--map HEADING=VARIABLE): vbmd_… for QCT, hu_… for CT "
            "attenuation"
        )
        return Finding("not_areal_bmd", "error", name, outside, message, fix)
    message = f"values implausible as {name} [{variable.unit}]: {outside} of {of}"
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


def _lookalikes(variable: Variable) -> Asking[list[Finding]]:
    """Values that can be true, and hardly ever are: in another unit they are the usual ones.

    Zeros say nothing. Most of a column is an error; so is a part of it where the column decides a
    class by itself, for the part is then misjudged.
    """
    if not variable.lookalikes:
        return []
    name, column = variable.name, pl.col(variable.name)
    bands = variable.lookalikes.items()
    alike = {unit: column.is_between(low, high) & (column != 0) for unit, (low, high) in bands}
    sums = {unit: where.sum() for unit, where in alike.items()}
    counts = yield from asked(sums={**sums, name: (column != 0).sum()})
    of, findings = counts[name], []
    for unit, (low, high) in bands:
        n, part = counts[unit], counts[unit] / max(of, 1)
        if part <= SHARE or (n < AT_LEAST and part < 1):
            continue
        message = (
            f"values of {low:g} to {high:g}, hardly ever true in {variable.unit} and usual in "
            f"{unit}: {n} of {of}"
        )
        some = f"bring these rows to {variable.unit} in the file, if they are given in {unit}"
        fix = _convert(name, unit) if part > _HALF else some
        severe = (part > _HALF or variable.strict) and not variable.covariate
        severity: Severity = "error" if severe else "warning"
        findings.append(Finding("unit_suspected", severity, name, n, message, fix, alike[unit]))
    return findings


def _codes_suspected(variable: Variable) -> Asking[list[Finding]]:
    """Usual codes for missing inside the range, repeated, far from nearly everything else."""
    if variable.no_codes:
        return []
    name, is_score = variable.name, variable.unit == "SD"
    if not is_score:
        finite = pl.when(pl.col(name).is_finite()).then(pl.col(name))
        ends = yield from asked(largest={"high": finite.max()}, least={"low": finite.min()})
        if not set(ends.values()) & set(codebook().missing_codes):
            return []
    low, high = variable.range or (0.0, 0.0)
    counts = yield from value_counts(name, low, high, codebook().missing_codes)
    if len(counts) < _FEW:
        return []
    values, times = counts["value"].to_numpy(), counts["n"].to_numpy()
    low, high = (float(counts["value"].quantile(share) or 0) for share in (0.25, 0.75))
    sides = ((values[::-1], times[::-1]), (values, times))
    ends_found = [_codes_at_end(value, n, high - low) for value, n in sides]
    if is_score:
        ends_found += [_pile_at_end(value, n, high - low) for value, n in sides]
    found = [_suspected(name, codes, n) for codes, n in ends_found if n >= _FEW][:1]
    return found or (_pile_at_zero(name, values, times) if is_score else [])


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


def _body(people: People) -> pl.Expr | None:
    """BMI from weight and height where both are there."""
    if not people.has("weight", "height"):
        return None
    return pl.col("weight") / (pl.col("height") / 100) ** 2


def _weight_unit(people: People) -> Asking[list[Finding]]:
    """Weight in 斤 or pounds: plausible in itself, not beside a height that is sound."""
    bmi = _body(people)
    if bmi is None:
        return []
    heavy, inches = yield from together(
        _median_reaches(bmi, limit) for limit in (_HEAVY_BMI, _BMI_OF_INCHES)
    )
    if not heavy or inches:
        return []
    n = yield from rows(pl.col("weight").is_not_null())
    message = "with the heights given, half the people would be of extreme weight: 斤 or lb?"
    fix = (
        'if so, read with units={"weight": "斤"} (--units weight=斤), or the same with lb; it is '
        "then converted"
    )
    return [Finding("weight_unit_suspected", "error", "weight", n, message, fix)]


def _median_reaches(values: pl.Expr, limit: float) -> Asking[bool]:
    """Whether the median is a limit or more, by counts: no value has to be beside another."""
    below = values < limit
    counts = yield from asked(sums={"n": values.count(), "below": below.sum()})
    twice, n = 2 * counts["below"], counts["n"]
    if twice == n and n:  # it is the mean of the two in the middle
        middle = yield from asked(
            largest={"low": values.filter(below).max()}, least={"high": values.filter(~below).min()}
        )
        return bool((middle["low"] + middle["high"]) / 2 >= limit)
    return bool(twice < n)


def _bmi_mismatch(people: People) -> Asking[list[Finding]]:
    bmi = _body(people) if people.has("bmi") else None
    if bmi is None:
        return []
    off = (pl.col("bmi") - bmi).abs() > _BMI_OFF
    n = yield from rows(off)
    if not n:
        return []
    message = f"given BMI more than {_BMI_OFF:g} kg/m² off weight over height squared: {n}"
    fix = "check the units of weight and height, and these rows"
    return [Finding("bmi_mismatch", "warning", "bmi", n, message, fix, off)]
