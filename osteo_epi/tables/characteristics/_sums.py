"""Table 1 of people who stand in parts: what adds up, so no medians and no quartiles."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from osteo_epi.summation import group_sums, sums
from osteo_epi.survey import weighted_mean
from osteo_epi.tables.characteristics._statistics import (
    COUNT,
    EVERYBODY,
    MEAN_SD,
    MISSING,
    PERCENT,
    UNWEIGHTED,
    VALUES,
    WEIGHTED,
    Array,
    Group,
    Row,
    Variable,
    levels_of,
    people_of,
    variable_of,
)
from osteo_epi.tables.characteristics._table_one import DESCRIBED, as_classified


@dataclass
class _Moments:
    """n numbers, their weight, mean, and weighted squared deviations from it, added up."""

    n: int = 0
    weight: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, other: _Moments) -> None:
        if other.n == 0:
            return
        weight = self.weight + other.weight
        gap = other.mean - self.mean
        self.squares += other.squares + gap**2 * self.weight * other.weight / weight
        self.mean += gap * other.weight / weight
        self.n, self.weight = self.n + other.n, weight


@dataclass
class TableOneSums:
    """What Table 1 is made of, of people or of parts of them.

    Parameters
    ----------
    is_weighted
        Whether the people are drawn by a design, so that numbers stand there under their weights
        beside those without.
    """

    is_weighted: bool = False
    people: Counter[str] = field(default_factory=Counter)
    about: Counter[tuple[str, str]] = field(default_factory=Counter)
    measured: Counter[tuple[str, str]] = field(default_factory=Counter)
    levels: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    weights: dict[tuple[str, str, str, str], float] = field(default_factory=dict)
    numbers: dict[tuple[str, str, str], _Moments] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)

    def add(self, people: pl.DataFrame, *, by: str, weight: str | None, domain: pl.Series) -> None:
        """Add a part of the people.

        Parameters
        ----------
        people
            Of the part.
        by
            Column whose levels are set side by side.
        weight
            Column of the weights; None for equal ones.
        domain
            (n,) Boolean, whom the table is about; everybody in it has a weight above zero.
        """
        held = people_of(domain.to_numpy(), people[by])
        ones = np.ones(len(held.place))
        weightings = {UNWEIGHTED: ones}
        if self.is_weighted:
            weightings[WEIGHTED] = ones
        if weight is not None:
            weights = people[weight].gather(pl.Series(held.place)).cast(pl.Float64).to_numpy()
            weightings[WEIGHTED] = weights
        groups = (held.everybody, *held.groups)
        self.people.update({group.name: group.people.stop - group.people.start for group in groups})
        for name in DESCRIBED:
            column = as_classified(name, people.columns)
            if name == by or column not in people.columns:
                continue
            self.held |= {column} if people[column].count() else set()
            variable = variable_of(people, column, held)
            for group in groups:
                self._add(variable, group, weightings)

    def _add(self, variable: Variable, group: Group, weightings: dict[str, Array]) -> None:
        measured = variable.measured[group.people]
        values = variable.values[group.people][measured]
        self.about[variable.name, group.name] += variable.number(group)
        self.measured[variable.name, group.name] += len(values)
        if variable.levels:
            counts = np.bincount(values, minlength=len(variable.levels)).tolist()
            for level, n in zip(variable.levels, counts, strict=True):
                self.levels[variable.name, group.name, level] += n
        for name, of_all in weightings.items():
            weight = of_all[group.people][measured]
            if variable.levels:
                of_levels = group_sums(values, weight, size=len(variable.levels)).tolist()
                for level, total in zip(variable.levels, of_levels, strict=True):
                    key = (variable.name, group.name, name, level)
                    self.weights[key] = self.weights.get(key, 0.0) + total
            elif len(values):
                mean = weighted_mean(values, weight)
                squares = float(sums((values - mean) ** 2 * weight))
                part = _Moments(len(values), float(sums(weight)), mean, squares)
                self.numbers.setdefault((variable.name, group.name, name), _Moments()).add(part)

    def values(self, schema: pl.Schema, *, by: str) -> pl.DataFrame:
        """The numbers behind the table, as `table_one` has them.

        Parameters
        ----------
        schema
            Of the people.
        by
            The column of the groups.
        """
        found = [name for name, n in self.people.items() if name != EVERYBODY and n]
        groups = [EVERYBODY, *_ordered(found, schema[by])]
        rows: list[Row] = [
            {"group": name, "statistic": COUNT, "n": self.people[name]} for name in groups
        ]
        for name in DESCRIBED:
            column = as_classified(name, schema.names())
            if column in self.held and name != by:
                rows += self._of_variable(column, groups, schema[column])
        return pl.DataFrame(rows, schema=VALUES, orient="row")

    def _of_variable(self, name: str, groups: Sequence[str], kind: pl.DataType) -> Iterator[Row]:
        about = [group for group in groups if self.about[name, group]]
        held = {level for column, _, level in self.levels if column == name}
        levels = _ordered(held, kind)
        used = {weighting for *_, weighting in self.numbers} | {key[2] for key in self.weights}
        for group in about:
            for weighting in (one for one in (WEIGHTED, UNWEIGHTED) if one in used):
                named = {"variable": name, "group": group, "weighting": weighting}
                rows = self._shares(name, group, weighting, levels) if levels else (
                    self._number(name, group, weighting),
                )  # fmt: skip
                yield from (named | row for row in rows)
        missing = {group: self.about[name, group] - self.measured[name, group] for group in about}
        if any(missing.values()):
            for group, n in missing.items():
                yield {"variable": name, "group": group, "statistic": MISSING, "n": n}

    def _shares(
        self, name: str, group: str, weighting: str, levels: Sequence[str]
    ) -> Iterator[Row]:
        weights = [self.weights.get((name, group, weighting, level), 0.0) for level in levels]
        for level, weight in zip(levels, weights, strict=True):
            row: Row = {"level": level, "statistic": PERCENT, "n": self.levels[name, group, level]}
            if self.measured[name, group]:
                row["estimate"] = weight / math.fsum(weights)
            yield row

    def _number(self, name: str, group: str, weighting: str) -> Row:
        moments = self.numbers.get((name, group, weighting), _Moments())
        row: Row = {"statistic": MEAN_SD, "n": moments.n}
        if moments.n:
            row["estimate"] = moments.mean
        if moments.n > 1:
            spread = moments.squares / moments.weight
            row["sd"] = math.sqrt(spread * moments.n / (moments.n - 1))
        return row


def _ordered(levels: Iterable[str], kind: pl.DataType) -> list[str]:
    """Levels in the order that one table of all people has them in."""
    if kind == pl.Boolean:
        return [level for level in ("true", "false") if level in set(levels)]
    texts = pl.Series(sorted(levels), dtype=pl.String)
    return list(levels_of(texts.cast(kind) if isinstance(kind, pl.Enum) else texts))
