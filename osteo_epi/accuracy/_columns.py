"""Who is positive by a test, and who is diseased by the truth: read by declaration, never guessed.

An answer is 1, 0 or missing. A column of numbers needs the interval that counts as positive, a
column of classes the classes; a class "not_classifiable" is a missing answer, never "no".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import acceptance_notes, refuse_errors
from osteo_epi.errors import DesignError, NormError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import READING_TOLERANCE, T_TOLERANCE, VBMD_TOLERANCE, Interval
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array, Mask

Positive = str | int | Sequence[str] | None
"""An interval of numbers, `"(-inf, -2.5]"`, one code, or one class or several."""
UNCLASSIFIED = "not_classifiable"


@dataclass(frozen=True)
class Answers:
    """1, 0 or NaN of each row, and what was declared."""

    values: Array
    label: str

    @property
    def known(self) -> Mask:
        """(n,) rows with an answer."""
        return ~np.isnan(self.values)

    @property
    def yes(self) -> Mask:
        """(n,) rows whose answer is yes."""
        return self.values == 1


@dataclass(frozen=True)
class People:
    """The frame of a question with what its readers must know."""

    frame: pl.DataFrame
    notes: tuple[str, ...]

    @classmethod
    def of(cls, people: Any, *, accept_errors: bool) -> People:
        """Refuse open errors, and take any frame as Polars."""
        people = refuse_errors(people, accept_errors=accept_errors)
        frame = as_polars(people)[0].lazy().collect()
        return cls(frame, acceptance_notes(people))

    def column(self, name: str, role: str) -> pl.Series:
        """A column, or an error that says for what it was looked up."""
        if name not in self.frame.columns:
            raise SchemaError(
                f"column {name}, named as {role}=, is not in the data; name one of its "
                f"{counted(len(self.frame.columns), 'column')} (frame.columns)"
            )
        column = self.frame[name]
        return column.fill_nan(None) if column.dtype.is_float() else column

    def answers(
        self, name: str, positive: Positive, role: str, *, tolerance: float | None = None
    ) -> Answers:
        """Who is positive by a column.

        Raises
        ------
        SchemaError
            If the column is absent, nothing says which values are positive, or no such class
            occurs.
        """
        column, word = self.column(name, role), f"{role}_positive"
        if column.dtype == pl.Boolean or (positive is None and _is_binary(column)):
            if positive is not None:
                raise SchemaError(
                    f"{name} says yes or no already: leave {word}= out, or name another column"
                )
            return Answers(_floats(column), name)
        if positive is None:
            raise SchemaError(_undeclared(column, name, word))
        if column.dtype.is_numeric():
            return _in_interval(column, positive, word, tolerance)
        if isinstance(positive, int):
            raise SchemaError(
                f"{name} is {column.dtype}, and {word}= is a number: name its classes, as in "
                f'{word}="osteoporosis"'
            )
        return _in_classes(column, (positive,) if isinstance(positive, str) else positive, word)

    def numbers(self, name: str, role: str) -> Array:
        """(n,) values of a column of numbers, NaN where missing.

        Raises
        ------
        SchemaError
            If the column is absent, holds no numbers, or holds infinite ones.
        """
        column = self.column(name, role)
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            raise SchemaError(
                f"{role} column {name} is {column.dtype}; expected numbers: convert it first"
            )
        values = _floats(column)
        if np.isinf(values).any():
            raise SchemaError(
                f"{int(np.isinf(values).sum())} infinite values in {role} column {name}: make "
                "them missing, or give them the value that they stand for"
            )
        return values

    def domain(self, domain: str | pl.Expr | None) -> Mask:
        """(n,) people that the question is about; an answer that is missing is not inside."""
        if domain is None:
            return np.ones(self.frame.height, dtype=bool)
        named = pl.col(domain) if isinstance(domain, str) else domain
        mask = self.frame.select(_mask=named)["_mask"]
        if mask.dtype != pl.Boolean:
            raise SchemaError(f"domain is {mask.dtype}; expected true or false of each row")
        return mask.fill_null(False).to_numpy()


def tolerance_of(name: str, cut: float) -> float:
    """How near to a cut-off a value of a column stands on it [unit of the column]."""
    if name.startswith("vbmd_"):
        return VBMD_TOLERANCE
    if name.startswith(("t_score", "z_score")):
        return T_TOLERANCE
    return READING_TOLERANCE * max(1.0, abs(cut))


def refuse_one_class(diseased: Mask, counted_rows: Mask, label: str) -> None:
    """Raise SchemaError where the truth has one class only."""
    n, yes = int(counted_rows.sum()), int((diseased & counted_rows).sum())
    if 0 < yes < n:
        return
    if n == 0:
        raise SchemaError(
            f"nobody has both a test and a truth ({label}): look where either is missing"
        )
    kind = "diseased" if yes else "healthy"
    raise SchemaError(
        f"the truth ({label}) has one class only: all {n} people with test and truth are {kind}; "
        "accuracy needs both. Look whether truth_positive= says what was meant, or take a larger "
        "domain"
    )


def missing_notes(tests: Sequence[Answers], true: Answers, rows: Mask) -> list[str]:
    """Say who lacks a test, and who was tested and lacks the truth."""
    total, notes = count(int(rows.sum())), []
    for tested in tests:
        lacking = int((rows & ~tested.known).sum())
        if lacking:
            notes.append(
                f"{count(lacking)} of {total} people lack the test ({tested.label}) and are in no "
                "cell"
            )
        unverified = int((rows & tested.known & ~true.known).sum())
        if unverified:
            positive = int((rows & tested.yes & ~true.known).sum())
            notes.append(
                f"{count(unverified)} of {total} people have the test ({tested.label}) and lack "
                f"the truth ({true.label}), {count(positive)} of them positive: if the test "
                "decided who was verified, sensitivity and specificity are biased"
            )
    return notes


def refuse_confidence(confidence: float) -> None:
    """Raise DesignError for a level outside (0, 1)."""
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")


def _floats(column: pl.Series) -> Array:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _is_binary(column: pl.Series) -> bool:
    if not column.dtype.is_numeric():
        return False
    values = column.drop_nulls()
    return bool(((values == 0) | (values == 1)).all())


def _undeclared(column: pl.Series, name: str, word: str) -> str:
    if column.dtype.is_numeric():
        return (
            f"{name} holds numbers, and nothing says which are positive: give the interval, as in "
            f'{word}="(-inf, -2.5]" (low is diseased) or {word}="[25, inf)"'
        )
    return (
        f"{name} is {column.dtype}, and nothing says which of its classes are positive: name "
        f'them, as in {word}="osteoporosis"'
    )


def _in_interval(
    column: pl.Series, positive: Positive, word: str, tolerance: float | None
) -> Answers:
    if isinstance(positive, int) and not isinstance(positive, bool):
        positive = f"[{positive}, {positive}]"
    if not isinstance(positive, str):
        raise SchemaError(
            f'{column.name} holds numbers: {word}= is one interval, "(-inf, -2.5]", or one code'
        )
    try:
        interval = Interval.parse(positive)
    except NormError as error:
        raise SchemaError(f"{word}: {error}") from error
    ends = [abs(end) for end in (interval.lower, interval.upper) if math.isfinite(end)]
    by = tolerance_of(column.name, max(ends, default=0.0)) if tolerance is None else tolerance
    inside = interval.expression(pl.col(column.name).cast(pl.Float64), tolerance=by)
    answer = column.to_frame().select(inside.alias("_in"))["_in"]
    return Answers(_floats(answer), f"{column.name} in {interval}")


def _in_classes(column: pl.Series, classes: Sequence[str], word: str) -> Answers:
    text = column.cast(pl.String)
    known = text.set(text == UNCLASSIFIED, None) if (text == UNCLASSIFIED).any() else text
    if UNCLASSIFIED in classes:
        raise SchemaError(f"{word}: {UNCLASSIFIED} is a missing answer, not a class; leave it out")
    categories = column.dtype.categories if isinstance(column.dtype, pl.Enum) else known.unique()
    absent = [name for name in classes if name not in categories]
    if absent:
        raise SchemaError(
            f"{word}: no class {', '.join(absent)} in column {column.name}, which is "
            f"{column.dtype} with {counted(known.n_unique(), 'value')}; write the class as the "
            "column does"
        )
    return Answers(_floats(known.is_in(list(classes))), f"{column.name} {' or '.join(classes)}")
