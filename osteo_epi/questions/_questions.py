"""What checks ask of people: counts and sums, all that is asked at once in one pass.

A check is a generator. It gives what it asks, is sent the answers, and returns its findings; checks
that go `together` share their passes, of which each may read a table of 1e9 rows. So a check is
written once, for a frame in memory, for a file that is streamed and for people in another engine.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import polars as pl

from osteo_epi.engines import FIRST, Elsewhere, first_rows, totals

T = TypeVar("T")
LOOK = FIRST
"""Rows of people in another engine at which a look is taken where no sum answers."""
_FAR, _DIGITS = 1e5, 5


@dataclass(frozen=True)
class Question:
    """Aggregates by name: of everybody, or by the groups of `by`.

    `made` are columns of which several of them are, under names that no other question has.
    """

    sums: Mapping[str, pl.Expr] = field(default_factory=dict)
    largest: Mapping[str, pl.Expr] = field(default_factory=dict)
    least: Mapping[str, pl.Expr] = field(default_factory=dict)
    by: Mapping[str, pl.Expr] = field(default_factory=dict)
    made: Mapping[str, pl.Expr] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all aggregates."""
        return (*self.sums, *self.largest, *self.least)


@dataclass(frozen=True)
class Values:
    """How often each value stands in a column."""

    values: pl.Expr


Asking = Generator[tuple[Question | Values, ...], tuple[Any, ...], T]
"""A check that asks, and comes to a T."""


class People:
    """The people of whom checks ask.

    Parameters
    ----------
    query
        Their rows, wherever they stand.
    schema
        Columns that are looked at.
    in_memory
        Whether the rows are here: then a pass a column costs nothing.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [44.0, 61.0, None]})
    >>> people = People.of(frame)
    >>> people.answer(together([rows(pl.col("age") >= 50), rows(pl.col("age").is_null())]))
    [1, 1]
    """

    def __init__(self, query: pl.LazyFrame, schema: pl.Schema, *, in_memory: bool) -> None:
        self.query, self.schema, self.in_memory = query, schema, in_memory
        self.columns = tuple(schema)
        self.elsewhere = ""
        self._first: pl.DataFrame | None = None

    @classmethod
    def of(cls, frame: pl.DataFrame | pl.LazyFrame) -> People:
        """Those of a frame, with all its columns."""
        return cls(frame.lazy(), frame.collect_schema(), in_memory=isinstance(frame, pl.DataFrame))

    def without(self, columns: Iterable[str]) -> People:
        """The same people, of whom some columns are not looked at."""
        left = pl.Schema({name: kind for name, kind in self.schema.items() if name not in columns})
        return People(self.query, left, in_memory=self.in_memory)

    def changed(self, columns: Iterable[pl.Expr]) -> People:
        """The same people with other values in some columns."""
        query = self.query.with_columns(columns)
        query = query.collect().lazy() if self.in_memory else query
        return People(query, self.schema, in_memory=self.in_memory)

    @property
    def in_part(self) -> bool:
        """Whether a look was taken, and not everybody was seen."""
        return self._first is not None and self._first.height >= LOOK

    def has(self, *names: str) -> bool:
        """Whether all these columns are there."""
        return all(name in self.schema for name in names)

    def look(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """Rows themselves, for what no sum tells; of people in another engine of the first ones."""
        if self._first is None:
            try:
                # Those that are looked at alone: what is of another type is found by its name.
                return query(self.query.select(self.columns)).collect(engine="streaming")
            except Elsewhere as elsewhere:
                self._take_first(elsewhere)
        assert self._first is not None
        return query(self._first.lazy()).collect()

    def sample(self, n: int, names: Sequence[str], *where: pl.Expr) -> pl.DataFrame:
        """Some 100,000 of n rows that hold these columns: evenly spaced, or those of a look."""
        held = pl.all_horizontal(pl.col(names).is_not_null(), *where)
        every = max(1, n // LOOK)
        if self._first is None:
            try:
                query = self.query.filter(held).select(pl.col(names).gather_every(every))
                return query.collect(engine="streaming")
            except Elsewhere as elsewhere:
                self._take_first(elsewhere)
        assert self._first is not None
        return self._first.filter(held).select(names)

    def _take_first(self, elsewhere: Elsewhere) -> None:
        self.elsewhere = elsewhere.source.name
        self._first = first_rows(self.query.select(self.columns), LOOK)

    def answer(self, check: Asking[T]) -> T:
        """Answer all that a check asks, and give what it comes to."""
        answers: Any = None
        while True:
            try:
                asked = check.send(answers)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            answers = self._answers(asked)

    def _answers(self, asked: tuple[Question | Values, ...]) -> tuple[Any, ...]:
        """One pass for all sums of everybody, and one for each way of making groups."""
        answers: dict[int, Any] = {}
        passes: dict[tuple[str, ...], dict[int, Question]] = {}
        columns = {place: one.values for place, one in enumerate(asked) if isinstance(one, Values)}
        for place, one in enumerate(asked):
            if isinstance(one, Question):
                passes.setdefault(tuple(one.by), {})[place] = one
        for by, questions in passes.items():
            answers |= self._pass(by, questions)
        answers |= self._counts(columns)
        return tuple(answers[place] for place in range(len(asked)))

    def _pass(self, by: tuple[str, ...], questions: dict[int, Question]) -> dict[int, Any]:
        kinds = {
            kind: [
                expression.alias(f"{place} {name}")
                for place, one in questions.items()
                for name, expression in getattr(one, kind).items()
            ]
            for kind in ("sums", "largest", "least")
        }
        first = next(iter(questions.values()))
        made = [e.alias(name) for one in questions.values() for name, e in one.made.items()]
        query = self.query.with_columns(made) if made else self.query
        table = totals(query, [e.alias(name) for name, e in first.by.items()], **kinds)
        if not by:
            row = table.row(0, named=True)
            return {
                place: {name: row[f"{place} {name}"] for name in one.names}
                for place, one in questions.items()
            }
        table = table.sort(by)
        groups = [table[name] for name in by]
        return {
            place: pl.DataFrame(
                [*groups, *(table[f"{place} {name}"].alias(name) for name in one.names)]
            )
            for place, one in questions.items()
        }

    def _counts(self, columns: dict[int, pl.Expr]) -> dict[int, pl.DataFrame]:
        """Values and how often they stand, sorted; of rows that are read again in one pass."""
        n = [pl.len().alias("n")]
        if self.in_memory or len(columns) < 2:
            tables = {
                place: totals(self.query.select(values.alias("value")), ["value"], sums=n)
                for place, values in columns.items()
            }
        else:
            named = [values.alias(str(place)) for place, values in columns.items()]
            long = self.query.select(named).unpivot(variable_name="column", value_name="value")
            table = totals(long, ["column", "value"], sums=n)
            tables = {
                place: table.filter(pl.col("column") == str(place)).select("value", "n")
                for place in columns
            }
        return {place: table.drop_nulls().sort("value") for place, table in tables.items()}


def together(checks: Iterable[Asking[T]]) -> Asking[list[T]]:
    """Several checks in step: what they ask in one round is asked at once."""
    running: dict[int, tuple[Asking[T], Any]] = {i: (c, None) for i, c in enumerate(checks)}
    ends: dict[int, T] = {}
    n = len(running)
    while running:
        questions: dict[int, tuple[Question | Values, ...]] = {}
        for place, (check, answers) in running.items():
            try:
                questions[place] = check.send(answers)
            except StopIteration as end:
                ends[place] = end.value
        if not questions:
            break
        flat = iter((yield tuple(one for listed in questions.values() for one in listed)))
        running = {
            place: (running[place][0], tuple(next(flat) for _ in listed))
            for place, listed in questions.items()
        }
    return [ends[place] for place in range(n)]


def rows(where: pl.Expr) -> Asking[int]:
    """How many rows an expression is true in; null is not."""
    answer = yield from asked(sums={"n": where.sum()})
    return int(answer["n"] or 0)


def asked(
    *,
    sums: Mapping[str, pl.Expr] | None = None,
    largest: Mapping[str, pl.Expr] | None = None,
    least: Mapping[str, pl.Expr] | None = None,
    made: Mapping[str, pl.Expr] | None = None,
) -> Asking[dict[str, Any]]:
    """Aggregates of everybody, by their names."""
    (answer,) = yield (Question(sums or {}, largest or {}, least or {}, {}, made or {}),)
    return answer  # type: ignore[no-any-return]


def grouped(
    by: Mapping[str, pl.Expr],
    *,
    sums: Mapping[str, pl.Expr] | None = None,
    largest: Mapping[str, pl.Expr] | None = None,
) -> Asking[pl.DataFrame]:
    """Aggregates by groups, one row a group, in their order; one row where there are none."""
    (answer,) = yield (Question(sums or {}, largest or {}, {}, by),)
    return answer if by else pl.DataFrame([answer])


def value_counts(
    name: str, low: float, high: float, exact: Sequence[float]
) -> Asking[pl.DataFrame]:
    """Finite values of a quantity with the range [low, high] and how often they stand, in order.

    But for those `exact` they are taken to their `grains`.
    """
    column = pl.col(name)
    values = pl.when(column.is_in(list(exact))).then(column).otherwise(grains(name, low, high))
    (answer,) = yield (Values(values),)
    return answer  # type: ignore[no-any-return]


def grains(name: str, low: float, high: float) -> pl.Expr:
    """Finite values of a quantity, rounded to a grain of which there are at most 1e5 in its range.

    It is finer than any instrument gives them: a table of values is never as long as that of the
    people.
    """
    decimals = max(0, _DIGITS - len(str(int(high - low))))
    column = pl.col(name)
    return (
        pl.when(column.is_between(low, high))
        .then(column.round(decimals))
        .when(column.is_finite())
        .then(column.clip(-_FAR, _FAR).round(0))
    )


def many_values(values: pl.Expr) -> Asking[bool]:
    """Whether a column holds three different values or more."""
    ends = yield from asked(largest={"high": values.max()}, least={"low": values.min()})
    low, high = ends["low"], ends["high"]
    if low is None or low == high:
        return False
    return (yield from rows((values > low) & (values < high))) > 0
