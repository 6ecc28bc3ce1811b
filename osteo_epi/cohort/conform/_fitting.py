"""Columns whose type no variable of their kind can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort._faults import Faults
from osteo_epi.cohort.conform._columns import Plan
from osteo_epi.cohort.conform._headings import Match, as_map
from osteo_epi.cohort.conform.keeping import left_as
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_TIMES = (pl.Date, pl.Datetime, pl.Time)
_EXPECTED = {
    "quantity": "one number",
    "boolean": "true or false, or yes or no in words,",
    "category": "one word",
    "date": "one date",
    "label": "one text",
    "id": "one text or whole number",
}


def fitting(
    plan: Plan,
    raw: Raw,
    faults: Faults | None = None,
    needed: Callable[[str], bool] | None = None,
) -> Plan:
    """Leave out of a plan the columns that hold what their variables cannot be.

    Parameters
    ----------
    plan
        Which column becomes which variable.
    raw
        The columns.
    faults, needed
        As `conform` has them.

    Returns
    -------
    Plan
        Without them: they keep their own names, and a finding says so.

    Raises
    ------
    SchemaError
        If a diagnosis or an estimate rests on such a variable.

    Examples
    --------
    >>> from osteo_epi.cohort.conform._columns import plan_columns
    >>> frame = pl.DataFrame({"age": [True]})
    >>> fitting(plan_columns(frame, {}), Raw(frame, (), "frame"))
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: column 'age' (age) holds Boolean; give one number [years] a ...
    """
    gathered, stops = (
        Faults() if faults is None else faults,
        needed or (lambda name: codebook()[name].stops),
    )
    variables, others, findings = {}, list(plan.others), list(plan.findings)
    for name, readings in plan.variables.items():
        variable = codebook()[name]
        kinds = {m.heading: _stranger(m, variable, raw) for m in readings}
        kept = tuple(m for m in readings if kinds[m.heading] is None)
        if kept:
            variables[name] = kept
        for reading in readings:
            if kind := kinds[reading.heading]:
                with gathered.about(name):
                    findings.append(_told(reading, variable, kind, raw, stops=stops(name)))
                others += [reading.heading] * (reading.heading not in others)
    if faults is None:
        gathered.refuse()
    order = raw.frame.columns
    return replace(
        plan,
        variables=variables,
        others=tuple(sorted(others, key=order.index)),
        findings=tuple(findings),
    )


def _stranger(reading: Match, variable: Variable, raw: Raw) -> str | None:
    """The type of a column that its variable cannot have; None where it can."""
    if kind := raw.types.get(reading.heading):
        return kind
    column = raw.frame[reading.heading]
    dtype = column.dtype
    if column.null_count() == len(column):
        return None
    if variable.kind == "quantity":
        is_birth = variable.name == "age" and dtype in (pl.Date, pl.Datetime)
        strange = not is_birth and (dtype == pl.Boolean or dtype in _TIMES)
    elif variable.kind == "date":
        strange = dtype in (pl.Boolean, pl.Time)
    else:
        strange = variable.kind in ("boolean", "category") and dtype in _TIMES
    return str(dtype) if strange else None


def _told(reading: Match, variable: Variable, kind: str, raw: Raw, *, stops: bool) -> Finding:
    heading, unit = reading.heading, f" [{variable.unit}]" if variable.unit else ""
    message = f"column {heading!r} ({variable.name}) holds {kind}"
    fix = f"give {_EXPECTED[variable.kind]}{unit} a row"
    if stops:
        raise SchemaError(f"{message}; {fix}, or leave the column out with {as_map(heading)}")
    n = int(raw.frame[heading].count())
    said = f"the column holds {kind}, and is not taken for {variable.name}; {left_as(heading)}"
    return Finding("odd_type", "warning", heading, n, said, fix)
