"""Types, units, one kind of missing: from the file's columns to canonical ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from difflib import get_close_matches

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort._faults import Faults, StrangerError
from osteo_epi.cohort.conform._coding import (
    coalesced,
    completed_years,
    looks_like_dates,
    one_code,
    texts,
    to_categories,
    to_dates,
    with_one_sex,
)
from osteo_epi.cohort.conform._columns import Plan, plan_columns
from osteo_epi.cohort.conform._fitting import fitting
from osteo_epi.cohort.conform._headings import Match, as_map, normalise, quoted
from osteo_epi.cohort.conform._hips import with_hips
from osteo_epi.cohort.conform._labels import answered
from osteo_epi.cohort.conform._numbers import (
    Numbers,
    bears,
    code_finding,
    half_width,
    to_numbers,
    without_codes,
)
from osteo_epi.cohort.conform.keeping import as_the_files
from osteo_epi.cohort.readers._raw import Declared, Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Severity

Conformed = tuple[pl.Series, list[Finding]]
_WRONG_COLUMN = 0.5
_MORE_THAN_A_DAYS_WORK = 60  # people whom a scanner hardly measures in a day


Needed = Callable[[str], bool]
"""Whether a fault in a variable's column stops the reading."""


def _stops(name: str) -> bool:
    return codebook()[name].stops


def conform(
    raw: Raw, declared: Declared, faults: Faults | None = None, needed: Needed | None = None
) -> tuple[pl.DataFrame, list[Finding]]:
    """Bring a file's columns to canonical names, types, units and null.

    Parameters
    ----------
    raw
        The file as a reader gave it.
    declared
        What the caller said about it.
    faults
        Where faults are gathered; without it they are raised here, all at once.
    needed
        Variables whose faults stop; a column of another one is left out, with a warning.

    Returns
    -------
    tuple
        Canonical columns first, in the codebook's order, then the file's others as they were.

    Raises
    ------
    SchemaError
        Where the file contradicts its headings, or needs a declaration.
    """
    gathered, needed = Faults() if faults is None else faults, needed or _stops
    plan = plan_columns(raw.frame, declared.map, gathered, needed)
    plan = fitting(plan, raw, gathered, needed)
    _refuse_strangers(declared, [*raw.frame.columns, *plan.variables], gathered)
    columns, findings, left = _columns(raw, plan, declared, gathered, needed)
    with gathered.about("sex"):
        columns, told = with_one_sex(columns, declared.sex, len(raw.frame))
        findings += told
    findings = [*raw.findings, *plan.findings, *findings]
    ordered = [columns[name] for name in codebook().variables if name in columns]
    frame = with_hips(pl.DataFrame(ordered))
    with gathered.about("age"):
        frame, more = _with_age(frame)
        findings += more
    if "age" in gathered.columns and "age" in frame.columns:
        frame = frame.drop("age")
    others = [name for name in raw.frame.columns if name in {*plan.others, *left}]
    extra = [_extra_column(raw.frame[heading]) for heading in others]
    names = as_the_files(others, frame.columns)
    extra = [column.alias(names[column.name]) for column in extra]
    if faults is None:
        gathered.refuse()
    return pl.DataFrame([*frame.get_columns(), *extra]), findings


def _columns(
    raw: Raw, plan: Plan, declared: Declared, faults: Faults, needed: Needed
) -> tuple[dict[str, pl.Series], list[Finding], list[str]]:
    """The columns that can be read, what was noticed, and the headings that were left out."""
    columns: dict[str, pl.Series] = {}
    findings: list[Finding] = []
    left: list[str] = []
    for name in sorted(plan.variables, key=list(codebook().variables).index):
        series = []
        for reading in plan.variables[name]:
            # Each column for itself: what both sides of a hip lack is said of both.
            with faults.about(name):
                try:
                    values, noticed = _column(raw, reading, codebook()[name], declared)
                    series.append(values)
                except SchemaError as error:
                    if needed(name):
                        raise
                    left.append(reading.heading)
                    noticed = [_left_out(name, reading, raw, error)]
                findings += noticed
        if series and name not in faults.columns:
            columns[name] = coalesced(series).alias(name)
    return columns, findings, left


def _left_out(name: str, reading: Match, raw: Raw, error: SchemaError) -> Finding:
    """A column that cannot be read and that need not be: what is taken instead."""
    instead = " (the state of menopause then goes by age)" if name == "postmenopausal" else ""
    message = f"left out, so that {name} counts as not stated{instead}: {error}"
    n = int(raw.frame[reading.heading].count())
    return Finding("column_left_out", "warning", reading.heading, n, message)


def _refuse_strangers(declared: Declared, columns: list[str], faults: Faults) -> None:
    """A declaration about a column that is not there is a slip of the pen, not a wish."""
    wholes = [codebook()[name].whole for name in columns if name in codebook()]
    names = {normalise(name) for name in (*columns, *filter(None, wholes))} | {normalise("*")}
    for argument, table in (("units", declared.units), ("missing", declared.missing or {})):
        for name in table:
            if normalise(name) not in names:
                near = ", ".join(get_close_matches(name, columns, n=3, cutoff=0.4)) or "none"
                with faults:
                    raise StrangerError(f"{argument}: there is no column {name!r}; nearest: {near}")


def _column(raw: Raw, reading: Match, variable: Variable, declared: Declared) -> Conformed:
    labels = raw.labels.get(reading.heading, {})
    column, labels, silent = answered(raw.frame[reading.heading], labels, variable)
    series, findings = _typed(column, labels, reading, variable, declared)
    return series, [*silent, *findings]


def _typed(
    column: pl.Series,
    labels: dict[str, str],
    reading: Match,
    variable: Variable,
    declared: Declared,
) -> Conformed:
    codes = declared.codes(*_names(reading, variable))
    column = _without_words(column, tuple(c for c in codes if isinstance(c, str)))
    if variable.kind == "quantity":
        return _quantity(column, reading, variable, declared)
    if variable.kind in ("category", "boolean"):
        coding = reading.coding or labels
        if variable.name == "sex":
            coding = declared.sex_coding or coding or one_code(column, declared.sex)
        # A code of the command line is a number, 9.0; the cells of a text say 9.
        numeric = tuple(t for c in codes if not isinstance(c, str) for t in (str(c), f"{c:g}"))
        column = _without_words(texts(column), numeric) if numeric else column
        return to_categories(column, variable, heading=reading.heading, coding=coding)
    if variable.kind == "date":
        return to_dates(column, variable)
    return _without_answers(_labelled(texts(column), labels), variable), []


def _without_answers(column: pl.Series, variable: Variable) -> pl.Series:
    """A text without the answers that say that there is nothing to say (a reason of 未见异常)."""
    if not variable.missing_words or column.dtype != pl.String:
        return column
    return column.set(variable.says_nothing(column).fill_null(False), None)


def _names(reading: Match, variable: Variable) -> tuple[str, ...]:
    """What a column may be called in a declaration; a hip by the region without a side too."""
    names = (variable.name, reading.heading, variable.whole)
    return tuple(dict.fromkeys(name for name in names if name))


def _without_words(column: pl.Series, words: tuple[str, ...]) -> pl.Series:
    if not words or column.dtype != pl.String:
        return column
    said = column.str.strip_chars().is_in(list(words)).fill_null(False)
    signs = [word for word in words if not word.isalnum()]
    return column.set(said | bears(column, signs) if signs else said, None)


def _labelled(column: pl.Series, labels: dict[str, str]) -> pl.Series:
    return column.replace(labels) if labels else column


def _quantity(
    column: pl.Series,
    reading: Match,
    variable: Variable,
    declared: Declared,
) -> Conformed:
    if variable.name == "age" and looks_like_dates(column):
        return column, []  # settled by _with_age, which sees the scan date
    numbers = to_numbers(column, variable)
    _refuse_text(numbers, reading.heading, variable)
    unit = _unit(reading, variable, declared)
    factor = _factor(unit, variable)
    if factor is None:
        raise SchemaError(
            f"column {reading.heading!r}: {unit} cannot be brought to {variable.unit}, the unit of "
            f"{variable.name}; correct the unit, or the variable with map= "
            "(--map HEADING=VARIABLE)"
        )
    codes = tuple(float(c) for c in declared.codes(*_names(reading, variable)) if _is_code(c))
    values, counts = without_codes(numbers.values, variable, factor=factor, declared=codes)
    findings = [*_parsed(numbers, variable), *code_finding(variable.name, counts)]
    if factor != 1.0:
        message = (
            f"given in {unit} ({reading.heading}), multiplied by {factor:g} to {variable.unit}"
        )
        findings.append(Finding("unit_converted", "note", variable.name, len(values), message))
    return (values * factor if factor != 1.0 else values), findings


def _factor(unit: str | None, variable: Variable) -> float | None:
    """What brings a column to the variable's unit; None where nothing does."""
    if not unit or not variable.unit:
        return 1.0
    return variable.factors.get(unit, codebook().factor(unit, variable.unit))


def _is_code(code: float | str) -> bool:
    return not isinstance(code, str)


def _unit(reading: Match, variable: Variable, declared: Declared) -> str | None:
    """The caller's word on the unit, else the heading's."""
    units = {normalise(key): unit for key, unit in declared.units.items()}
    keys = map(normalise, _names(reading, variable))
    spelled = next((units[key] for key in keys if key in units), None)
    if spelled is None:
        return reading.unit
    unit = codebook().unit(spelled)
    if unit is None:
        names = ", ".join([variable.unit or "", *codebook().convertible(variable)])
        raise SchemaError(f"units: {spelled!r} for {variable.name} is not known; one of {names}")
    return unit


def _refuse_text(numbers: Numbers, heading: str, variable: Variable) -> None:
    """Text among numbers that decide a diagnosis stops the reading; elsewhere it is a finding."""
    n, of = numbers.n_text, len(numbers.text) - int(numbers.values.is_null().sum())
    wrong = variable.strict or n > _WRONG_COLUMN * (n + of)
    if not n or not wrong or not variable.stops:
        return
    first = (numbers.text.arg_max() or 0) + 1
    raise SchemaError(
        f"column {heading!r} ({variable.name}): {n} cells hold text, not a number (the first in "
        f"data row {first}){_of_which(numbers)}; correct them, or declare the word as missing with "
        f'missing={{"{variable.name}": ["…"]}} (--missing {variable.name}=…), or leave the '
        f"column out with {as_map(heading)}"
    )


def _of_which(numbers: Numbers) -> str:
    """What the cells are that nearly are numbers, and what would make them missing."""
    said = ""
    if numbers.bounds:
        said += (
            f"; {numbers.bounds} are bounds, behind < or >: write the number alone where the class "
            "is the same beyond it, or declare the sign, which makes them missing"
        )
    if numbers.remarks:
        said += (
            f"; {numbers.remarks} have a remark in brackets, which belongs in a column of its own"
        )
    if numbers.classes:
        said += f"; {numbers.classes} are classes (as 50-54), which stand for no one value"
    if numbers.brackets:
        said += (
            f"; {numbers.brackets} stand in brackets, as spreadsheets may show negative numbers: "
            "give the cells a minus sign"
        )
    return said


def _parsed(numbers: Numbers, variable: Variable) -> list[Finding]:
    """What had to be done to make numbers of the cells."""
    notes = [
        (
            "full_width",
            "note",
            numbers.full_width,
            "full-width digits or signs read as half-width",
            "",
        ),
        ("comma_decimal", "note", numbers.comma_decimal, "commas read as decimal points", ""),
        ("missing_word", "note", numbers.missing_words, "words for missing that became null", ""),
        ("not_finite", "note", numbers.not_finite, "NaN or infinite cells that became null", ""),
        (
            "minus_behind",
            "warning",
            numbers.minus_behind,
            "numbers with a minus behind them (2.5-), read as negative",
            "correct the file if the sign says something else",
        ),
        (
            "marked_number",
            "warning",
            numbers.marked,
            f"numbers with a sign behind them ({' '.join(numbers.marks)}), read as numbers",
            _marks_declared(numbers, variable),
        ),
        (
            "text_in_numbers",
            "error" if variable.stops else "warning",
            numbers.n_text,
            "cells of text, not a number, that became null",
            f'correct them, or declare the word with missing={{"{variable.name}": ["…"]}} '
            f"(--missing {variable.name}=…)",
        ),
    ]
    said = {"text_in_numbers": _of_which(numbers)}
    return [
        Finding(code, severity, variable.name, n, f"{message}: {n}{said.get(code, '')}", fix)  # type: ignore[arg-type]
        for code, severity, n, message, fix in notes
        if n
    ]


def _marks_declared(numbers: Numbers, variable: Variable) -> str:
    """How the signs behind numbers make them missing."""
    return (
        "if a sign says that its value does not hold, declare it with "
        f'missing={{"{variable.name}": {json.dumps(numbers.marks, ensure_ascii=False)}}} '
        f"({' '.join(_missing(variable.name, mark) for mark in numbers.marks)})"
    )


def _missing(name: str, word: str) -> str:
    return f"--missing {quoted(f'{name}={word}')}"


def _extra_column(column: pl.Series) -> pl.Series:
    """A column of its own name: numbers where every cell is one, else as it was."""
    if column.dtype != pl.String:
        return column
    plain = half_width(column)
    plain = plain.set((plain == "").fill_null(False), None)
    code = plain.str.contains(r"^0\d").fill_null(False).any()
    numbers = plain.cast(pl.Float64, strict=False)
    sound = not code and numbers.null_count() == plain.null_count() and numbers.is_finite().all()
    return numbers if sound and numbers.null_count() < len(numbers) else column


def _with_age(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Age from the date of birth, where the file gives one instead, and the date of the scan."""
    birth = codebook()["birth_date"]
    kind = looks_like_dates(frame["age"]) if "age" in frame.columns else None
    if kind is None:
        if "age" in frame.columns or not {"birth_date", "scan_date"} <= set(frame.columns):
            return frame, []
    elif kind == "years of birth" or "scan_date" not in frame.columns:
        raise SchemaError(
            f"column age holds {kind}, not ages in years; give a column of scan dates "
            "(scan_date, 检查日期) beside full dates of birth, or compute the age before reading"
        )
    else:
        dates, _ = to_dates(frame["age"], birth)
        frame = frame.drop("age").with_columns(dates.alias("birth_date"))
    age = completed_years(pl.col("birth_date"), pl.col("scan_date")).alias("age")
    frame = frame.with_columns(age)
    ordered = [name for name in codebook().variables if name in frame.columns]
    message = "age in completed years was computed from dates of birth and scan"
    scanned = frame["scan_date"].filter(frame["age"].is_not_null())
    n = len(scanned)
    fix = "check that the scan dates are those of the measurement"
    one_day = n >= _MORE_THAN_A_DAYS_WORK and scanned.n_unique() == 1
    if one_day:
        message += "; all scans are of one day, as if it were that of the export"
        fix += ", else these people are made too old"
    severity: Severity = "warning" if kind or one_day else "note"
    return frame.select(ordered), [Finding("age_computed", severity, "age", n, message, fix)]
