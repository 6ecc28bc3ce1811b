"""What a run states of its people beside the estimates, as counts that add up over parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.diagnosis import TAKEN_FROM_AGE, Definition
from osteo_epi.population import could_be_measured

_MEASURED = ("abmd_", "bmc_l", "t_score_", "vbmd_l", "z_score_min", "fragility_fracture")
"""Beginnings of the columns of which it is asked whether somebody has a value."""
_LEVELS = ("sex", "cycle", "centre", "device_maker", "device", "qct_calibration")
_YEARS = {"scan_date": pl.col("scan_date").dt.year(), "exam_year": pl.col("exam_year")}


@dataclass(frozen=True)
class Facts:
    """What people hold, from one pass over them.

    Parameters
    ----------
    held
        Columns in which somebody of the estimate's population has a value.
    anywhere
        Those in which anybody has one.
    counts
        People of the estimate's population by what is said of them.
    levels
        The values of columns of texts.
    years
        First and last year by the column that states it.
    """

    held: frozenset[str]
    anywhere: frozenset[str]
    counts: Mapping[str, int]
    levels: Mapping[str, frozenset[str]]
    years: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, people: pl.DataFrame, definition: Definition, ages: tuple[float, float]) -> Facts:
        """Those of classified people.

        Parameters
        ----------
        people
            All of them, or a part.
        definition
            By which they were classified.
        ages
            [years] Of the estimate, the upper one not reached.
        """
        of_age = pl.col("age").is_between(*ages, closed="left")
        inside = people.select(of_age & could_be_measured(people)).to_series()
        measured = [name for name in people.columns if name.startswith(_MEASURED)]
        return cls(
            frozenset(n for n in measured if (people[n].is_not_null() & inside).any()),
            frozenset(n for n in measured if people[n].count()),
            _counts(people, inside, definition),
            {
                name: frozenset(people[name].unique().drop_nulls().cast(pl.String))
                for name in _LEVELS
                if name in people.columns
            },
            _years(people),
        )

    @classmethod
    def merged(cls, parts: Iterable[Facts]) -> Facts:
        """Those of people who stand in several parts."""
        parts = list(parts)
        counts: Counter[str] = Counter()
        levels: dict[str, frozenset[str]] = {}
        years: dict[str, tuple[int, int]] = {}
        for part in parts:
            counts.update(part.counts)
            for name, values in part.levels.items():
                levels[name] = levels.get(name, frozenset()) | values
            for name, (first, last) in part.years.items():
                before = years.get(name, (first, last))
                years[name] = (min(before[0], first), max(before[1], last))
        return cls(
            frozenset[str]().union(*(part.held for part in parts)),
            frozenset[str]().union(*(part.anywhere for part in parts)),
            counts,
            levels,
            years,
        )

    def hold(self, columns: Iterable[str]) -> bool:
        """Whether somebody of the estimate's population has a value in one of these columns."""
        return not self.held.isdisjoint(columns)

    @property
    def sexes(self) -> list[str]:
        """Sexes that occur."""
        return sorted(self.levels.get("sex", ()))


def _counts(people: pl.DataFrame, inside: pl.Series, definition: Definition) -> dict[str, int]:
    judged = pl.col("fragility_fracture").is_not_null()
    own = pl.col("fracture_reason").str.starts_with("fracture_stated").fill_null(False)
    sick = (pl.col("bone_class") == "osteoporosis") & ~pl.col("sites_complete")
    no_class = pl.col("bone_class").cast(pl.String) == "not_classifiable"
    asked: dict[str, tuple[str, Any]] = {
        "menopause_by_age": ("score_reason", pl.col("score_reason") == TAKEN_FROM_AGE),
        "open_fractures": ("fracture_open_record", pl.col("fracture_open_record")),
        "incomplete": (
            "sites_complete",
            sick & (pl.col("bone_class_rule") != "fragility_fracture"),
        ),
        "fractures_stated": ("fracture_reason", judged & own),
        "fractures_from_parts": ("fracture_reason", judged & ~own),
    }
    if definition.criterion.z_score is not None and "bone_class" in people.columns:
        by_z = pl.col("score_applied").cast(pl.String) == "z"
        asked["judged_by_z"] = ("score_applied", by_z & no_class)
    there = {name: where for name, (column, where) in asked.items() if column in people.columns}
    sums = people.select((where & inside).sum().alias(name) for name, where in there.items())
    return {name: int(sums[name].item() or 0) for name in there}


def _years(people: pl.DataFrame) -> dict[str, tuple[int, int]]:
    """First and last year of the examinations by each column that states them."""
    found = {}
    for column, year in _YEARS.items():
        if column in people.columns and people[column].count():
            years = people.select(year=year).select(first=pl.min("year"), last=pl.max("year"))
            found[column] = (int(years["first"].item()), int(years["last"].item()))
    return found
