"""What there is to say about a cohort: codes, counts and fixes; nothing is deleted."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._people import Cohort
from osteo_epi.cohort.checks import _devices as check_devices
from osteo_epi.cohort.checks import _people as check_people
from osteo_epi.cohort.checks import _repeats as check_repeats
from osteo_epi.cohort.checks import _scores as check_scores
from osteo_epi.cohort.checks import _sexes as check_sexes
from osteo_epi.cohort.checks import _spine as check_spine
from osteo_epi.cohort.checks import _values as check_values
from osteo_epi.cohort.conform._plausible import AS_GIVEN, without_implausible
from osteo_epi.findings import Finding, Findings, Severity
from osteo_epi.frames import as_polars

_MODULES = (
    check_devices,
    check_people,
    check_repeats,
    check_scores,
    check_sexes,
    check_spine,
    check_values,
)
_RECOMPUTED = frozenset(code for module in _MODULES for code in module.CODES) | {"wrong_type"}


def check(people: Any) -> Findings:
    """Check a cohort, or any frame of canonical columns.

    Parameters
    ----------
    people
        A `Cohort`, or a frame (polars, pandas, pyarrow) in canonical columns.

    Returns
    -------
    Findings
        What was noticed when the file was read, and what is true of the frame as it is now.

    Notes
    -----
    A value outside its plausible range counts as missing. Where that concerns more than 5 % of the
    values of a column on which a class or an estimate rests, and more than one, it is an error;
    else a warning. People who occur more than once, exchanged sexes and scores without a sign are
    errors too, for each gives a wrong number.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [61.0, 70.0], "sex": ["female", "male"],
    ...                       "abmd_femoral_neck": [858.0, 901.0]})
    >>> print(check(frame)[0])
    error: unit_suspected [abmd_femoral_neck] values implausible in g/cm2, and plausible in
    mg/cm2: 2. To do: if so, read with units={"abmd_femoral_neck": "mg/cm2"}
    (--units abmd_femoral_neck=mg/cm2); it is then converted
    """
    data, _ = as_polars(people)
    frame, findings = _typed(data.lazy())
    findings += check_values.check_values(frame)
    frame = without_implausible(frame)
    findings += [
        *check_spine.check_spine(frame),
        *check_scores.check_scores(frame),
        *check_people.check_people(frame),
        *check_repeats.check_repeats(frame),
        *check_sexes.check_sexes(frame),
        *check_devices.check_devices(frame),
    ]
    earlier = people.findings if isinstance(people, Cohort) else Findings()
    return Findings(tuple(f for f in earlier if f.code not in _RECOMPUTED)) + findings


def _typed(frame: pl.LazyFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """The canonical columns in their types; one that has another type is told and left out."""
    schema = frame.collect_schema()
    variables = [codebook()[name] for name in schema if name in codebook()]
    wrong = [v.name for v in variables if not _fits(schema[v.name], v.kind)]
    casts = [
        pl.col(v.name).cast(pl.Float64)
        for v in variables
        if v.kind == "quantity" and v.name not in wrong
    ]
    sound = [v.name for v in variables if v.name not in wrong]
    aside = [a for name in sound if (a := f"{name}{AS_GIVEN}") in schema]
    out = frame.select(*sound, *aside).with_columns(casts).collect()
    fix = "take the file in by osteo_epi.read(path), which brings columns to their types"
    return out, [
        Finding("wrong_type", _severity(n), n, 0, f"the column holds {schema[n]}", fix)
        for n in wrong
    ]


def _severity(name: str) -> Severity:
    """How bad a fault of a column is: of a covariate it stops nobody."""
    return "warning" if codebook()[name].covariate else "error"


def _fits(dtype: pl.DataType, kind: str) -> bool:
    if dtype == pl.Null:
        return True
    if kind == "quantity":
        return dtype.is_numeric()
    if kind == "boolean":
        return dtype == pl.Boolean
    if kind == "date":
        return dtype.is_temporal()
    return not (kind == "category" and dtype.is_numeric())
