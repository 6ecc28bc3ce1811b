"""Who is positive by a test, and who is diseased by the truth: read by declaration, never guessed.

An answer is 1, 0 or missing. A column of numbers needs the interval that counts as positive, a
column of classes the classes; "not_classifiable" and the codebook's words for missing ("unknown",
"不详", an empty cell) are missing answers, never "no".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort import (
    WAY_OUT,
    Cohort,
    acceptance_notes,
    is_missing_word,
    refuse_errors,
)
from osteo_epi.errors import DesignError, NormError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import READING_TOLERANCE, T_TOLERANCE, VBMD_TOLERANCE, Interval
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array, Mask

Positive = str | int | Sequence[str] | None
"""An interval of numbers, `"(-inf, 0.6]"`, one code, or one class or several."""
UNCLASSIFIED = "not_classifiable"
YES, NO = ("true", "yes", "y", "是"), ("false", "no", "n", "否")
"""Words of a column that says yes or no in words, as a CSV file writes true and false."""
NONE = ("none", "nil")
"""Words that say "missing" of a number and "no" of a fracture."""
WORDS = (pl.String, pl.Enum, pl.Categorical)
MOST_CODES = 6
"""Codes that a note names; of more it says how many."""


@dataclass(frozen=True)
class Answers:
    """1, 0 or NaN of each row, what was declared, what to say, and whether numbers were cut.

    `column` is the name of what was read, `other_codes` those that count as no beside one code.
    """

    values: Array
    label: str
    notes: tuple[str, ...] = ()
    cut: bool = False
    column: str = ""
    other_codes: tuple[float, ...] = ()

    @property
    def known(self) -> Mask:
        """(n,) rows with an answer."""
        return ~np.isnan(self.values)

    @property
    def yes(self) -> Mask:
        """(n,) rows whose answer is yes."""
        return self.values == 1

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and which codes count as no where there are several of them."""
        n = len(self.other_codes)
        if n < 2:
            return self.notes
        named = ", ".join(f"{code:g}" for code in self.other_codes) if n <= MOST_CODES else count(n)
        return (
            *self.notes,
            f"{self.label}: the other codes ({named}) all count as no; make those missing that "
            'say "unknown" or "refused"',
        )


@dataclass(frozen=True)
class People:
    """The frame of a question with what its readers must know."""

    frame: pl.DataFrame
    notes: tuple[str, ...]

    @classmethod
    def of(cls, people: Any, *, accept_errors: bool, cluster: str | None = None) -> People:
        """Refuse open errors and people who occur twice, and take any frame as Polars.

        Rows of one person are no people: with `cluster` they are readings of it.
        """
        true_or_false(accept_errors=accept_errors)
        people = refuse_errors(people, accept_errors=accept_errors)
        frame = as_polars(people)[0].lazy().collect()
        notes = acceptance_notes(people)
        if isinstance(people, Cohort) and people.findings:
            return cls(frame, notes)
        return cls(frame, (*notes, *_repeated(frame, cluster, accept_errors=accept_errors)))

    def column(self, name: str, role: str) -> pl.Series:
        """A column, or an error that says for what it was looked up."""
        if not isinstance(name, str):
            raise SchemaError(
                f"{role}= is a {type(name).__name__}; expected the name of one column, as in "
                f'{role}="t_score_femoral_neck"'
            )
        if name not in self.frame.columns:
            raise SchemaError(
                f"column {name}, named as {role}=, is not in the data; name one of its "
                f"{counted(len(self.frame.columns), 'column')} (frame.columns)"
            )
        column = self.frame[name]
        return column.fill_nan(None) if column.dtype.is_float() else column

    def answers(
        self,
        name: str,
        positive: Positive,
        role: str,
        *,
        tolerance: float | None = None,
        word: str | None = None,
        also: Sequence[str] = (),
    ) -> Answers:
        """Who is positive by a column.

        `word` is the argument that declares it, `role`_positive if not given; `also` are classes
        that are an answer although they read as a word for missing.

        Raises
        ------
        SchemaError
            If the column is absent, nothing says which values are positive, no such class occurs,
            or one is written in several ways.
        """
        return replace(
            self._answers(name, positive, role, word or f"{role}_positive", tolerance, also),
            column=name,
        )

    def _answers(
        self,
        name: str,
        positive: Positive,
        role: str,
        word: str,
        tolerance: float | None,
        also: Sequence[str],
    ) -> Answers:
        column = self.column(name, role)
        if column.dtype == pl.Null:
            return Answers(np.full(len(column), np.nan), name)
        if column.dtype == pl.Boolean or (positive is None and _is_binary(column)):
            if positive is not None:
                raise SchemaError(
                    f"{name} says yes or no already: leave {word}= out, or name another column"
                )
            return Answers(_floats(column), name)
        if positive is None:
            said = said_yes(column)
            if said.dtype != pl.Boolean:
                raise SchemaError(_undeclared(column, name, word))
            return Answers(_floats(said), name, _said(_words_for_missing(column), column, "no"))
        if is_number(positive) and float(positive).is_integer():  # type: ignore[arg-type]
            positive = int(positive)  # type: ignore[arg-type]
        if isinstance(positive, bool) or not isinstance(positive, str | int | Sequence):
            raise SchemaError(
                f"{word}= is a {type(positive).__name__}; expected an interval of numbers, one "
                "code, or one class or several"
            )
        if column.dtype.is_numeric():
            return _in_interval(column, positive, word, tolerance)
        if isinstance(positive, int):
            raise SchemaError(
                f"{name} is {column.dtype}, and {word}= is a number: name its classes, as in "
                f'{word}="osteoporosis"'
            )
        classes = (positive,) if isinstance(positive, str) else tuple(positive)
        return _in_classes(column, classes, word, also)

    def classes(self, name: str, role: str) -> tuple[pl.Series, tuple[str, ...]]:
        """A column by which people are parted, words for missing as missing; what is said of it."""
        column = self.column(name, role)
        if column.dtype not in WORDS:
            return column, ()
        text = column.cast(pl.String)
        silent = _silent(text, ()) | (text == UNCLASSIFIED).fill_null(value=False)
        if not silent.any():
            return column, ()
        return column.set(silent, None), _said(text.filter(silent), column, "a class")

    def with_classes(self, names: Mapping[str, str]) -> People:
        """These people, words for missing in columns (to their roles) of classes as missing."""
        parts = [self.classes(name, role) for name, role in names.items()]
        told = tuple(note for _, notes in parts for note in notes)
        if not told:
            return self
        frame = self.frame.with_columns(column for column, notes in parts if notes)
        return People(frame, (*self.notes, *told))

    def numbers(self, name: str, role: str) -> Array:
        """(n,) values of a column of numbers, NaN where missing.

        Raises
        ------
        SchemaError
            If the column is absent, holds no numbers, or holds infinite ones.
        """
        column = self.column(name, role)
        if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
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

    def covariate(self, name: str, role: str = "covariates") -> pl.Series:
        """A column of numbers or classes.

        Raises
        ------
        SchemaError
            If the column is absent, holds infinite numbers, or neither numbers nor classes.
        """
        column = self.column(name, role)
        if column.dtype.is_numeric():
            self.numbers(name, role)
        elif column.dtype not in (pl.Boolean, *WORDS, pl.Null):
            raise SchemaError(
                f"{role} column {name} is {column.dtype}; expected numbers or classes: make "
                "numbers of it (of a date, years), or classes"
            )
        return column

    def domain(self, domain: str | pl.Expr | None, role: str = "domain") -> Mask:
        """(n,) people that the question is about; an answer that is missing is not inside.

        Raises
        ------
        SchemaError
            If a column is absent, the expression fails, it is no answer of each row, or a domain
            holds nobody.
        """
        return self.within(domain, role)[1]

    def within(self, domain: str | pl.Expr | None, role: str = "domain") -> tuple[People, Mask]:
        """The same people, with a note on whom the domain says nothing of, and its (n,) mask."""
        if domain is None:
            return self, np.ones(self.frame.height, dtype=bool)
        answer = self._said_of(domain, role)
        inside = answer.fill_null(value=False).to_numpy()
        if role == "domain" and len(inside) and not inside.any():
            raise SchemaError(
                f"nobody of {counted(len(inside), 'row')} is in the domain: look whether domain= "
                "says what was meant, and whether its columns are missing"
            )
        silent = answer.null_count()
        if not silent:
            return self, inside
        note = (
            f"{count(silent)} of {counted(len(inside), 'row')} are left out because {role}= is "
            "neither true nor false of them: a column that it names is missing"
        )
        return replace(self, notes=(*self.notes, note)), inside

    def _said_of(self, domain: str | pl.Expr, role: str) -> pl.Series:
        """True, false or null of each row."""
        if not isinstance(domain, str | pl.Expr):
            raise SchemaError(
                f"{role} is a {type(domain).__name__}; expected the name of a column, or an "
                f'expression, as in {role}=pl.col("age") >= 50'
            )
        if isinstance(domain, str):
            self.column(domain, role)
        named = pl.col(domain) if isinstance(domain, str) else domain
        try:
            # A column beside the others: a single value is that of every row.
            answer = self.frame.with_columns(_mask=named)["_mask"]
        except pl.exceptions.PolarsError as error:
            fault = str(error).partition("\n")[0]
            raise SchemaError(
                f"{role}= cannot be worked out: {fault}; expected true or false of each row, as "
                f'in {role}=pl.col("age") >= 50'
            ) from error
        if answer.dtype != pl.Boolean:
            raise SchemaError(f"{role} is {answer.dtype}; expected true or false of each row")
        return answer


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
        "accuracy needs both. Look whether truth_positive= says what was meant and no class is "
        'written as a word for missing ("none", "unknown"), or take a larger domain'
    )


def missing_notes(tests: Sequence[Answers], true: Answers, rows: Mask) -> list[str]:
    """Say who lacks a test, and who was tested and lacks the truth."""
    total, notes = count(int(rows.sum())), [n for a in (*tests, true) for n in a.remarks]
    for tested in tests:
        notes += same_column(tested.column, true)
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


def same_column(name: str, true: Answers) -> list[str]:
    """Say where a column is judged by itself."""
    if name != true.column:
        return []
    return [
        f"{name} is the truth too: it is judged by itself, and agrees with itself whatever it is "
        "worth; name another column as truth="
    ]


def refuse_tolerance(tolerance: float | None, *answers: Answers) -> None:
    """Raise DesignError for a tolerance that is none, or that no cut-off asks for."""
    if tolerance is None:
        return
    if not is_number(tolerance) or not 0 <= tolerance < math.inf:
        raise DesignError(
            f"tolerance is how near to a cut-off a value stands on it, 0 at least, got "
            f"{tolerance!r}; leave it out for the usual one"
        )
    if answers and not any(answer.cut for answer in answers):
        named = " and ".join(answer.label for answer in answers)
        raise DesignError(f"tolerance= has no use: no cut-off divides {named}; leave it out")


def is_number(value: Any) -> bool:
    """Whether an argument is a real number; yes or no is none."""
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _floats(column: pl.Series) -> Array:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _is_binary(column: pl.Series) -> bool:
    if not column.dtype.is_numeric():
        return False
    values = column.drop_nulls()
    return bool(((values == 0) | (values == 1)).all())


def _undeclared(column: pl.Series, name: str, word: str) -> str:
    if column.dtype.is_numeric():
        given = column.drop_nulls().unique()
        if len(given) <= MOST_CODES and (given == given.round()).all():
            return (
                f"{name} holds {counted(len(given), 'code')}, and nothing says which are positive: "
                f'give one, as in {word}=1, or an interval of them, as in {word}="[1, 2]"'
            )
        return (
            f"{name} holds numbers, and nothing says which are positive: give the interval, as in "
            f'{word}="(-inf, 0.6]" (low is diseased) or {word}="[25, inf)"'
        )
    return (
        f"{name} is {column.dtype}, and nothing says which of its classes are positive: name "
        f'them as the column writes them, as in {word}="yes"'
    )


def said_yes(column: pl.Series) -> pl.Series:
    """A column of words that all say yes or no as true and false; any other as it is.

    Examples
    --------
    >>> said_yes(pl.Series(["Yes", "no", "未知"])).to_list()
    [True, False, None]
    """
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return column
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    answers = dict.fromkeys(YES, True) | dict.fromkeys(NO, False)
    said = text.is_in(list(answers))
    if not said.any() or not (said | is_missing_word(text) | text.is_null()).all():
        return column
    return text.replace_strict(answers, default=None, return_dtype=pl.Boolean).alias(column.name)


def _words_for_missing(column: pl.Series) -> pl.Series:
    text = column.cast(pl.String)
    return text.filter(is_missing_word(text).fill_null(value=False))


def _in_interval(
    column: pl.Series, positive: Positive, word: str, tolerance: float | None
) -> Answers:
    if isinstance(positive, int) and not isinstance(positive, bool):
        positive = f"[{positive}, {positive}]"
    if not isinstance(positive, str):
        raise SchemaError(
            f'{column.name} holds numbers: {word}= is one interval, "(-inf, 0.6]", or one code'
        )
    try:
        interval = Interval.parse(positive)
    except NormError as error:
        raise SchemaError(f"{word}: {error}; one code is a number without quotes") from error
    ends = [abs(end) for end in (interval.lower, interval.upper) if math.isfinite(end)]
    by = tolerance_of(column.name, max(ends, default=0.0)) if tolerance is None else tolerance
    refuse_tolerance(tolerance)
    inside = interval.expression(pl.col(column.name).cast(pl.Float64), tolerance=by)
    answer = column.to_frame().select(inside.alias("_in"))["_in"]
    code = interval.lower if interval.lower == interval.upper else None
    if code is None:
        return Answers(_floats(answer), f"{column.name} in {interval}", cut=True)
    others = column.filter(~answer).cast(pl.Float64).unique().sort()
    label = f"{column.name} {code:g}"
    return Answers(_floats(answer), label, cut=True, other_codes=tuple(others.to_list()))


def _in_classes(
    column: pl.Series, classes: tuple[str, ...], word: str, also: Sequence[str]
) -> Answers:
    if column.dtype not in (*WORDS, pl.Null):
        raise SchemaError(
            f"{column.name} is {column.dtype}; expected yes or no, numbers, or classes in words: "
            "convert it first"
        )
    if not classes or not all(isinstance(name, str) for name in classes):
        raise SchemaError(
            f"{word}={list(classes)!r}; expected one class or several of {column.name}, as in "
            f'{word}="osteoporosis"'
        )
    text = column.cast(pl.String)
    if UNCLASSIFIED in classes:
        raise SchemaError(f"{word}: {UNCLASSIFIED} is a missing answer, not a class; leave it out")
    answers = [*classes, *also]
    silent = _silent(text, answers)
    known = text.set(silent | (text == UNCLASSIFIED).fill_null(value=False), None)
    categories = column.dtype.categories if isinstance(column.dtype, pl.Enum) else known.unique()
    absent = [name for name in classes if name not in categories]
    if absent:
        raise SchemaError(
            f"{word}: no class {', '.join(map(str, absent))} in column {column.name}, which is "
            f"{column.dtype} with {counted(known.n_unique(), 'value')}; write the class as the "
            "column does"
        )
    _refuse_spellings(known, classes, answers, word)
    label = f"{column.name} {' or '.join(classes)}"
    notes = (*_said(text.filter(silent), column, "healthy"), *_said_none(text, column))
    return Answers(_floats(known.is_in(list(classes))), label, notes)


def _silent(text: pl.Series, classes: Sequence[str]) -> pl.Series:
    """Whether words say nothing; a class that is named is an answer, whatever it says elsewhere."""
    answer = _is_none(text) | text.is_in(list(classes))
    return (is_missing_word(text) & ~answer).fill_null(value=False)


def _is_none(text: pl.Series) -> pl.Series:
    return text.str.strip_chars().str.to_lowercase().is_in(NONE)


def _refuse_spellings(
    text: pl.Series, classes: Sequence[str], named: Sequence[str], word: str
) -> None:
    """Refuse a class that some rows write with other capitals or spaces: they would count as no."""
    plain = text.str.strip_chars().str.to_lowercase()
    alike = plain.is_in([name.strip().lower() for name in classes]) & ~text.is_in(list(named))
    n = int(alike.fill_null(value=False).sum())
    if n:
        raise SchemaError(
            f"{counted(n, 'row')} of {text.name} write the class {' or '.join(classes)} with other "
            f"capitals or spaces, and would count as no: write it in one way, or name every way in "
            f'{word}=("yes", "Yes")'
        )


def _said_none(text: pl.Series, column: pl.Series) -> tuple[str, ...]:
    """How many say none: elsewhere a word for missing, to a question an answer."""
    n = int(_is_none(text).fill_null(value=False).sum())
    if not n:
        return ()
    return (
        f"{counted(n, 'row')} of {column.name} say none, which is taken for an answer; make them "
        "missing where nobody was asked",
    )


def _said(silent: pl.Series, column: pl.Series, other: str) -> tuple[str, ...]:
    """Which words were taken for missing, and not for something else."""
    if silent.is_empty():
        return ()
    words = sorted(silent.str.strip_chars().unique().to_list())
    named = ", ".join(f'"{name}"' for name in words)
    return (
        f"{counted(len(silent), 'row')} of {column.name} hold a word for missing ({named}) and "
        f"count as missing, not as {other}; where it is a class of its own, write it otherwise "
        '(as in "no fracture")',
    )


def _repeated(frame: pl.DataFrame, cluster: str | None, *, accept_errors: bool) -> tuple[str, ...]:
    """Refuse rows of persons who occur more than once, if they are no readings of a cluster."""
    named = cluster is None or cluster in frame.columns
    if "person_id" not in frame.columns or cluster == "person_id" or not named:
        return ()
    known = frame.filter(pl.col("person_id").is_not_null())
    rows = known.height - known["person_id"].n_unique()
    if not rows or (cluster in frame.columns and _nested(known, "person_id", str(cluster))):
        return ()
    several = int(known.select(pl.col("person_id").is_duplicated().sum()).item())
    said = f"repeated_person [person_id] {several} rows of persons who occur more than once"
    if accept_errors:
        return (f"{said}: each row was counted as a person",)
    raise SchemaError(
        f"{said}, and each would count as a person. To do: keep one row a person; declare several "
        'readings of a person with cluster="person_id" where there is that argument; or go on in '
        f"spite of it with {WAY_OUT}"
    )


def _nested(frame: pl.DataFrame, inner: str, outer: str) -> bool:
    """Whether each label of one column lies in one label of the other."""
    return frame.select(inner, outer).n_unique() == frame[inner].n_unique()
