"""How the table of a result is read for a figure: parts with rows, rows with marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from osteo_epi.figures._words import joined
from osteo_epi.figures.estimates._measures import measure_words
from osteo_epi.frames import in_natural_order
from osteo_epi.language import said, word
from osteo_epi.results import Result
from osteo_epi.rounding import number, percent

LIMITS = ("estimate", "lower", "upper")
MOST_SERIES = 6
DIGITS = 3
"""Of the largest number of a part; all others have its decimals."""
BESIDE = ("method", "standard", "flag", "interval", "verdict", "reason")
"""Columns of text that say how a row came about, and name none."""
FEW = 4
"""From so many places on, numbers at places are drawn over them instead of one below the other."""


def table_of(result: Result) -> pl.DataFrame:
    """The rows of a result as they are in its frame."""
    return result.to_polars()


def unsaid(_: Any) -> str:
    """No words: of a mark that is alone in its row, of a foot that there is not."""
    return ""


@dataclass(frozen=True)
class Series:
    """One of several marks of a row: what it is called, and its columns, limits if there are."""

    name: Callable[[Any], str] = unsaid
    columns: tuple[str, ...] = LIMITS


@dataclass(frozen=True)
class Part:
    """One panel of a figure: what it draws of a result's table.

    Attributes
    ----------
    heading
        What is drawn, the name of its axis.
    labels
        Columns that name a row; by default those whose text is not the same in all rows.
    only
        A column and the values of it that are drawn.
    series, by
        The marks of a row: several columns of it, or the levels of a column.
    line, ratio
        The value of no difference, and whether the axis is one of logarithms.
    in_unit
        Whether its numbers have the unit of the readings, which a table does not know.
    natural
        Whether rows stand as a reader counts their names, whatever the table's order.
    dashed
        Columns whose values are drawn as dashed lines.
    over, along
        A column of numbers that the estimates are drawn over where there are at least `few`, and
        what it is called.
    table
        The rows, where they are to be turned.
    words
        What codes are called here.
    foot
        What stands under the panel.
    finding
        What is said of it in a sentence, where that is more than whether limits hold `line`.
    """

    heading: Callable[[Any], str]
    labels: tuple[str, ...] = ()
    only: tuple[str, tuple[str, ...]] | None = None
    series: tuple[Series, ...] = (Series(),)
    by: str = ""
    line: float | None = None
    ratio: bool = False
    in_unit: bool = False
    natural: bool = False
    dashed: tuple[str, ...] = ()
    over: str = ""
    along: Callable[[], str] = str
    few: int = FEW
    table: Callable[[Any], pl.DataFrame] = table_of
    words: Callable[[], Mapping[str, str]] = dict
    foot: Callable[[Any], str] = unsaid
    finding: Callable[[Any], str] = unsaid


@dataclass(frozen=True)
class Mark:
    """An estimate with its limits, where it has them, and the series that it is of."""

    series: str
    estimate: float
    lower: float | None = None
    upper: float | None = None

    @property
    def has_limits(self) -> bool:
        """Whether both limits are known."""
        return self.lower is not None and self.upper is not None

    def holds(self, value: float) -> bool:
        """Whether a value lies within the limits; without limits it does."""
        return (self.lower is None or self.lower <= value) and (
            self.upper is None or value <= self.upper
        )


@dataclass(frozen=True)
class Read:
    """A part as it is drawn: its rows by label, or by place on the axis it is drawn over."""

    part: Part
    heading: str
    foot: str
    finding: str
    rows: dict[Any, list[Mark]]
    dashed: tuple[float, ...]
    is_over: bool

    @property
    def names(self) -> list[str]:
        """Its series in the order of the rows."""
        return list(dict.fromkeys(mark.series for mark in self.marks))

    @property
    def marks(self) -> list[Mark]:
        """All marks of its rows."""
        return [mark for marks in self.rows.values() for mark in marks]

    @property
    def decimals(self) -> int:
        """Decimals of all its numbers: the largest has three digits, a ratio two decimals."""
        if self.part.ratio:
            return 2
        ends = [abs(value) for mark in self.marks
                for value in (mark.estimate, mark.lower, mark.upper)
                if value is not None and math.isfinite(value)]  # fmt: skip
        # What begins with a 1 has a digit more: shares up to 1 have three decimals, as those below.
        largest = max(ends, default=0.0) / 2
        return max(0, DIGITS - 1 - math.floor(math.log10(largest))) if largest > 0 else 0


def read(part: Part, result: Result, *, unit: str = "") -> Read:
    """The rows of a part of a result that have an estimate, each with its marks."""
    frame = part.table(result)
    if part.only is not None:
        column, values = part.only
        frame = frame.filter(pl.col(column).is_in(values))
    by = part.by if part.by in frame.columns else ""
    labels = _labels(part, frame, by) or _keys(result, frame)
    if by and frame[by].n_unique() > MOST_SERIES:
        labels, by = [by, *labels], ""
    is_over = bool(part.over) and frame[part.over].n_unique() >= part.few
    rows: dict[Any, list[Mark]] = {}
    for place, row in enumerate(frame.iter_rows(named=True), start=1):
        if is_over:
            label: Any = row[part.over]
        else:
            label = _label(part, {name: row[name] for name in labels}, place, frame.height)
            label = label if by or label not in rows else f"{label} ({place})"
        marks = _marks(part, row, result, _said(part, by, row[by]) if by else "")
        if marks:
            rows.setdefault(label, []).extend(marks)
    if part.natural and not is_over:
        rows = {label: rows[label] for label in in_natural_order(rows)}
    dashed = [value for name in part.dashed if name in frame.columns
              for value in frame[name].drop_nulls().unique()]  # fmt: skip
    heading = part.heading(result)
    if part.in_unit and unit:
        heading += said(" [{unit}]", unit=unit)
    words = (heading, part.foot(result), part.finding(result))
    return Read(part, *words, rows, tuple(dashed), is_over)


def _labels(part: Part, frame: pl.DataFrame, by: str) -> list[str]:
    named = [name for name in part.labels if name in frame.columns]
    return named or [
        name for name, dtype in frame.schema.items()
        if dtype == pl.String and name not in (*BESIDE, by) and frame[name].n_unique() > 1
    ]  # fmt: skip


def _keys(result: Any, frame: pl.DataFrame) -> list[str]:
    """Columns by which a result is broken down, where one row alone does not show them."""
    by = getattr(getattr(result, "correction", result), "by", ())
    return [name for name in by if name in frame.columns] if isinstance(by, tuple) else []


def _marks(part: Part, row: Mapping[str, Any], result: Result, level: str) -> list[Mark]:
    marks = []
    for one in part.series:
        estimate, *ends = (None if _is_nan(row[name]) else row[name] for name in one.columns)
        if estimate is not None:
            marks.append(Mark(level or one.name(result), estimate, *ends))
    return marks


def _is_nan(value: float | None) -> bool:
    return value is not None and math.isnan(value)


def _label(part: Part, names: Mapping[str, Any], place: int, height: int) -> str:
    words = [_said(part, column, name) for column, name in names.items() if name is not None]
    if words:
        return joined(*words)
    return said("Estimate") if height == 1 or part.by else said("Row {n}", n=place)


def _said(part: Part, column: str, name: Any) -> str:
    """What a column says of a row, in words."""
    own = part.words()
    if f"{column}={name}" in own:
        return own[f"{column}={name}"]
    if isinstance(name, list):
        return said(", ").join(number(one).replace("-", "−") for one in name)
    if isinstance(name, bool):
        return said("yes") if name else said("no")
    if isinstance(name, float | int):
        return _place(column, name)
    if isinstance(name, date):
        return name.isoformat()
    return own.get(str(name)) or measure_words().get(str(name)) or word(name)


def _place(column: str, value: float) -> str:
    """A number that names a row: a prevalence, a threshold, a time."""
    shown = number(value).replace("-", "−")
    words = {
        "at_prevalence": said("at a prevalence of {share}%", share=percent(value, decimals=1)),
        "threshold": said("at a risk of {share}%", share=percent(value, decimals=1)),
        "probability": said("percentile {n}", n=number(100 * value)),
        "x": said("at {x}", x=shown),
        "at": said("at {x}", x=shown),
    }
    return words.get(column, shown)
