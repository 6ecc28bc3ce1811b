"""Columns that name a person: kept out of what is written of people, unless somebody keeps them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._columns import column_of
from osteo_epi.cohort.conform._headings import as_written
from osteo_epi.cohort.conform.keeping import PERSON, tells_of_a_person
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

ALL = "all"
"""What keeps every column."""
BIRTH = "birth_date"
_NUMBER_LENGTH = 18
"""Signs of an identity number: columns of shorter texts are not searched for one."""
_ENOUGH = 0.5
"""Share of a column's values by which it holds identity numbers."""


def without_identity(
    frame: pl.DataFrame, *, keep: Sequence[str] = ()
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """Leave out what tells who people are before they are written.

    By their headings or their form: names, addresses, telephone and identity numbers, identifiers
    beside `person_id`, physicians, remarks in free text, and the date of birth where the age is
    there.

    Parameters
    ----------
    frame
        Classified people.
    keep
        Columns that stay all the same; "all" for every one.

    Returns
    -------
    frame
        Without these columns. `person_id` stays, for it links rows; where it holds identity
        numbers each person has a number of this file instead, in the order of the rows.
    findings
        A note that says which columns, and how to keep one.

    Raises
    ------
    SchemaError
        If a column to keep is not there; the message names those that would be left out.

    Examples
    --------
    >>> people = pl.DataFrame({"person_id": ["110101199003070011", "110101199003070038"],
    ...                        "姓名": ["甲", "乙"], "device_name": ["A", "B"]})
    >>> left, notes = without_identity(people)
    >>> left.to_dict(as_series=False)
    {'person_id': ['1', '2'], 'device_name': ['A', 'B']}
    >>> without_identity(people, keep=["all"])[0].equals(people)
    True
    """
    if ALL in keep and ALL not in frame.columns:
        return frame, ()
    kept = {_there(name, frame.columns) for name in keep}
    named = [n for n in _naming(frame.columns) if n not in kept]
    numbered = [
        n for n in frame.columns
        if n not in (*kept, *named) and _holds_identity_numbers(frame[n])
    ]  # fmt: skip
    left = frame.drop(*named, *(n for n in numbered if n != PERSON))
    findings = []
    if out := [name for name in frame.columns if name not in left.columns]:
        findings.append(_left_out(out, frame.height))
    if PERSON in numbered:
        left = left.with_columns(_number_of(frame[PERSON]))
        findings.append(_replaced(frame[PERSON].count()))
    return left, tuple(findings)


def _there(name: str, columns: list[str]) -> str:
    column = column_of(name, columns)
    if column is None:
        left_out = ", ".join(_naming(columns)) or "none"
        raise SchemaError(
            f"keep={name!r}: there is no such column; those that would be left out: {left_out}"
        )
    return column


def _naming(columns: list[str]) -> list[str]:
    """Columns that tell who a person is; a date of birth does, and the analysis reads the age."""
    aged = "age" in columns
    return [
        n
        for n in columns
        if n != PERSON and (tells_of_a_person(n) or (aged and as_written(n).variable == BIRTH))
    ]


def _holds_identity_numbers(values: pl.Series) -> bool:
    if values.dtype != pl.String or not values.count():
        return False
    is_long = values.str.len_bytes() >= _NUMBER_LENGTH
    if is_long.sum() < _ENOUGH * values.count():
        return False
    (pattern,) = codebook().identifying["numbers"]
    matches = values.filter(is_long).str.strip_chars().str.contains(pattern).sum()
    return bool(matches >= _ENOUGH * values.count())


def _number_of(persons: pl.Series) -> pl.Series:
    """A number for each person, alike in all of their rows."""
    order = {value: str(k) for k, value in enumerate(persons.drop_nulls().unique(
        maintain_order=True), 1)}  # fmt: skip
    return persons.replace_strict(order, default=None, return_dtype=pl.String).alias(PERSON)


def _left_out(columns: list[str], n: int) -> Finding:
    return Finding(
        "identifying_left_out", "note", ", ".join(columns), n,
        "tell, or may tell, who people are by their heading or form (names, numbers, addresses, "
        "remarks, a date of birth beside the age): not written with the classified people",
        f"keep one with keep=[{columns[0]!r}] (--keep {_quoted(columns[0])}), every one with "
        "keep='all' (--keep all)",
    )  # fmt: skip


def _replaced(n: int) -> Finding:
    return Finding(
        "identity_number_replaced", "note", PERSON, n,
        "identity numbers: what is written of the classified people has a number of this file "
        "for each person instead",
        "keep them with keep=['person_id'] (--keep person_id)",
    )  # fmt: skip


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else f'"{name}"'
