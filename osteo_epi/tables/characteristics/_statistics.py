"""What Table 1 says of a variable in a group: counts, shares, means, quartiles; a row each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.errors import SchemaError
from osteo_epi.frames import codes_of, in_natural_order
from osteo_epi.rounding import count
from osteo_epi.summation import group_sums, sums
from osteo_epi.survey import (
    DesignArrays,
    mean,
    weighted_mean,
    weighted_quantiles,
    weighted_variance,
)

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]
EVERYBODY = "all"
WEIGHTED, UNWEIGHTED = "weighted", "unweighted"
MEAN_SD, MEAN_SE, MEDIAN_IQR = "mean_sd", "mean_se", "median_iqr"
NUMBERS = (MEAN_SD, MEAN_SE, MEDIAN_IQR)
"""Statistics of a number."""
PERCENT, MISSING, COUNT, SMD = "percent", "missing", "count", "smd"
VALUES = {
    "variable": pl.String,
    "level": pl.String,
    "group": pl.String,
    "weighting": pl.String,
    "statistic": pl.String,
    "n": pl.Int64,
    "estimate": pl.Float64,
    "sd": pl.Float64,
    "se": pl.Float64,
    "lower_quartile": pl.Float64,
    "upper_quartile": pl.Float64,
}
"""Columns of the numbers behind Table 1; `group` is null where a row compares the groups.

The standard errors, which need the design, are made where `mean_se` is asked for: they cost many
times what the other numbers do.
"""
RULE = "school"
"""The median as it is taught, the middle of two values; quartiles alike."""
OF_WOMEN = {
    *("postmenopausal", "menopause_age", "years_since_menopause", "ovaries_removed", "pregnant"),
}
"""Variables of the codebook that are of women only: a man is not missing there."""

MOST_VALUES, MOST_LEVELS = 12, 60
"""Columns up to which groups can be read side by side: of a number, the values of a short scale
such as vertebrae fractured; of other levels, the largest division that people are tabled by, the
states of a country (51 in the United States, 34 in China)."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """A column of Table 1, and where among the people who is in it."""

    name: str
    people: slice


@dataclass(frozen=True)
class People:
    """The m people of the table, group after group, so that each group is a slice of a column.

    Parameters
    ----------
    place
        (m,) rows of the frame.
    groups
        One after the other; who is of none comes last.
    n_rows
        Of the frame.
    """

    place: NDArray[np.uint32]
    groups: tuple[Group, ...]
    n_rows: int

    @property
    def everybody(self) -> Group:
        """The column for all."""
        return Group(EVERYBODY, slice(0, len(self.place)))

    @property
    def n_ungrouped(self) -> int:
        """Those who are of no group, and so in the column for all only."""
        return len(self.place) - (self.groups[-1].people.stop if self.groups else 0)

    def over_rows(self, values: NDArray[Any], none: float) -> NDArray[Any]:
        """(n,) values of the people in the rows of the frame, as the design has them."""
        column = np.full(self.n_rows, none, dtype=values.dtype)
        column[self.place] = values
        return column


def people_of(inside: Mask, by: pl.Series | None) -> People:
    """Put the rows that are inside in the order of their groups, those that hold anybody.

    Raises SchemaError where there are more groups than can be read side by side.
    """
    place = np.flatnonzero(inside).astype(np.uint32)
    if by is None:
        return People(place, (), len(inside))
    column = _whole(by.gather(pl.Series(place)))
    levels = levels_of(column)
    _refuse_many(levels, by)
    code = codes_of(column, levels)
    code[code < 0] = len(levels)
    ends = np.cumsum(np.bincount(code, minlength=len(levels) + 1)).tolist()
    slices = [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]
    groups = [Group(*one) for one in zip(levels, slices, strict=False)]
    # In a few numbers of bytes a stable sort goes by counting.
    order = np.argsort(code.astype(np.min_scalar_type(len(levels))), kind="stable")
    held = tuple(group for group in groups if group.people.start < group.people.stop)
    return People(place[order], held, len(inside))


def _whole(column: pl.Series) -> pl.Series:
    """Levels as a prevalence has them: NaN is none, and whole numbers have no decimal point."""
    if not column.dtype.is_float():
        return column
    known = column.fill_nan(None)
    whole = known.cast(pl.Int64, strict=False)
    return whole if whole.eq_missing(known).all() else known


def _refuse_many(levels: Sequence[str], column: pl.Series) -> None:
    most = MOST_VALUES if column.dtype.is_float() else MOST_LEVELS
    if len(levels) > most:
        raise SchemaError(
            f"by column {column.name} has {count(len(levels))} levels, a column of the table for "
            f"each, and {most} can be read side by side: name a coarser column, or make one of "
            f'bands, as in people.with_columns(band=pl.col("{column.name}").cut([60, 70, 80]))'
        )


@dataclass(frozen=True)
class Variable:
    """A column of the people, read once, in their order.

    Parameters
    ----------
    name
        Of the column.
    levels
        In their order; none of a number.
    values
        (m,) numbers, NaN where missing; or places in the levels, −1 where missing.
    applies
        (m,) people whom the variable is about; None for all.
    """

    name: str
    levels: tuple[str, ...]
    values: NDArray[Any]
    applies: Mask | None

    @cached_property
    def measured(self) -> Mask:
        """(m,) people with a value."""
        known = self.values >= 0 if self.levels else ~np.isnan(self.values)
        return known if self.applies is None else self.applies & known

    def number(self, group: Group) -> int:
        """How many people of a group it is about."""
        start, stop = group.people.start, group.people.stop
        return stop - start if self.applies is None else int(self.applies[group.people].sum())


def variable_of(frame: pl.DataFrame, name: str, people: People) -> Variable:
    """Read a column: a number as it is, anything else as the levels that people have."""
    place = pl.Series(people.place)
    column = frame[name].gather(place)
    levels = () if column.dtype.is_numeric() else levels_of(column)
    if levels:
        values: NDArray[Any] = codes_of(column, levels)
    elif column.dtype.is_numeric():
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    else:  # of nobody
        values = np.full(len(column), np.nan)
    applies = None
    if name in OF_WOMEN and "sex" in frame.columns:
        sex = frame["sex"].gather(place).cast(pl.String)
        applies = (sex == "female").fill_null(True).to_numpy()
    return Variable(name, levels, values, applies)


def levels_of(column: pl.Series) -> tuple[str, ...]:
    """Levels that occur in the order of an Enum, else as they are counted; of yes and no both."""
    if column.dtype == pl.Boolean:
        return ("true", "false") if column.count() else ()
    if isinstance(column.dtype, pl.Enum):
        present = set(column.unique().drop_nulls().cast(pl.String))
        return tuple(level for level in column.dtype.categories if level in present)
    return tuple(dict.fromkeys(in_natural_order(column.drop_nulls().unique().cast(pl.String))))


@dataclass(frozen=True)
class Weighting:
    """How people count: their (m,) weights above zero, and the design over all n rows."""

    weight: Array
    design: DesignArrays


def described(
    variable: Variable,
    people: People,
    groups: Sequence[Group],
    weightings: Mapping[str, Weighting],
    statistics: Sequence[str],
) -> Iterator[Row]:
    """Rows of a variable: each statistic or level in each group, then those missing.

    Parameters
    ----------
    variable
        Of the people.
    people
        Whom the table is about.
    groups
        Side by side.
    weightings
        `weighted` and `unweighted`, one or both.
    statistics
        Of a number.
    """
    about = [group for group in groups if variable.number(group)]
    for group in about:
        for name, weighting in weightings.items():
            one = _InGroup(variable, people, group, weighting)
            named = {"variable": variable.name, "group": group.name, "weighting": name}
            found = one.shares(statistics) if variable.levels else map(one.number, statistics)
            yield from (named | row for row in found)
    missing = {
        group.name: variable.number(group) - int(variable.measured[group.people].sum())
        for group in about
    }
    if any(missing.values()):
        for name, n in missing.items():
            yield {"variable": variable.name, "group": name, "statistic": MISSING, "n": n}


class _InGroup:
    """Those of a group who have a value, with their weights."""

    def __init__(
        self, variable: Variable, people: People, group: Group, weighting: Weighting
    ) -> None:
        self.values, self.weight = variable.values[group.people], weighting.weight[group.people]
        measured = variable.measured[group.people]
        if not measured.all():
            self.values, self.weight = self.values[measured], self.weight[measured]
        self.variable, self.people, self.group = variable, people, group
        self.design = weighting.design

    def shares(self, statistics: Sequence[str]) -> Iterator[Row]:
        """How many have each level, and their share of those measured; no share of nobody."""
        size = len(self.variable.levels)
        counts = np.bincount(self.values, minlength=size)
        with np.errstate(invalid="ignore"):
            share = group_sums(self.values, self.weight, size=size) / sums(self.weight)
        errors = self._errors() if MEAN_SE in statistics and len(self.values) else None
        for place, level in enumerate(self.variable.levels):
            row: Row = {"level": level, "statistic": PERCENT, "n": int(counts[place])}
            if len(self.values):
                row["estimate"] = float(share[place])
            if errors is not None:
                row["se"] = float(errors[place])
            yield row

    def number(self, name: str) -> Row:
        """A mean with SD or SE, or a median with quartiles; nothing of nobody."""
        row: Row = {"statistic": name, "n": len(self.values)}
        if not row["n"]:
            return row
        if name == MEDIAN_IQR:
            found = weighted_quantiles(self.values, self.weight, [0.25, 0.5, 0.75], rule=RULE)
            low, middle, high = map(float, found)
            return row | {"estimate": middle, "lower_quartile": low, "upper_quartile": high}
        row["estimate"] = weighted_mean(self.values, self.weight)
        if row["n"] > 1:
            row["sd"] = math.sqrt(weighted_variance(self.values, self.weight))
            row |= {"se": float(self._errors()[0])} if name == MEAN_SE else {}
        return row

    def _errors(self) -> Array:
        """(k,) standard errors of the means, or of the shares, by the design."""
        rows = np.zeros(len(self.people.place), dtype=bool)
        rows[self.group.people] = self.variable.measured[self.group.people]
        domain = self.people.over_rows(rows, False)
        values = self.people.over_rows(self.variable.values, -1)
        if self.variable.levels:
            values = values[:, None] == np.arange(len(self.variable.levels))
        return mean(values.astype(float), self.design, domain=domain).se
