"""The rows of a prevalence table, from people summed to cells."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from osteo_epi import norms
from osteo_epi.errors import DesignError
from osteo_epi.norms import AgeBand, Interval, StandardPopulation
from osteo_epi.population._burden import people_affected, population_size
from osteo_epi.population._cells import CellEstimate, Cells, cell_proportion
from osteo_epi.population._result import ALL
from osteo_epi.survey import (
    INTERVAL_NAMES,
    Codes,
    Mask,
    effective_size,
    shares_by_name,
    survey_interval,
)

SEX = "sex"
RULE = "nchs_proportion"

Group = dict[str, str]


@dataclass(frozen=True)
class Table:
    """What every row needs.

    Parameters
    ----------
    cells
        The sums.
    classes
        Classes asked for.
    bands
        Age bands, in order.
    standard
        Standard population collapsed to the bands, or None.
    whole_population
        Whether the rates stand for everybody in the standard (no further domain).
    interval, confidence
        Method and level of the limits.
    """

    cells: Cells
    classes: tuple[str, ...]
    bands: tuple[AgeBand, ...]
    standard: StandardPopulation | None
    whole_population: bool
    interval: str
    confidence: float

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every class, group and statistic, in a fixed order."""
        groups = [(group, self.mask(group)) for group in self.groups()]
        for wanted, name in enumerate(self.classes):
            for group, mask in groups:
                for row in self._statistics(group, mask, wanted):
                    yield {"class": name, **group, **row}

    def groups(self) -> list[Group]:
        """Combinations of levels that hold somebody, "all" the last level of each column."""
        levels = {column: self._levels(column) for column in self.cells.group}
        combined = (dict(zip(levels, c, strict=True)) for c in itertools.product(*levels.values()))
        return [group for group in combined if self.cells.count(self.mask(group))]

    def _levels(self, column: str) -> list[str]:
        found = {x for x in self.cells.group[column][self.cells.inside] if x is not None}
        if ALL in found:
            raise DesignError(f"column {column} holds a level named {ALL!r}: rename it")
        return [*sorted(found), ALL]

    def mask(self, group: Group) -> Mask:
        """(m,) cells of a group within the domain."""
        mask = self.cells.inside
        for column, level in group.items():
            if level != ALL:
                mask = mask & (self.cells.group[column] == level)
        return mask

    def _statistics(self, group: Group, mask: Mask, wanted: int) -> Iterator[dict[str, Any]]:
        ages = AgeBand.of(self.bands[0].lower, self.bands[-1].upper).name
        crude = cell_proportion(self.cells, mask, wanted)
        yield self._row("crude", ages, group, mask, crude)
        if self.standard is not None:
            estimate = self._standardised(group, mask, wanted, self.standard) if crude else None
            yield self._row("age_standardised", ages, group, mask, estimate, self._people(group))
        for code, band in enumerate(self.bands):
            inside = mask & (self.cells.band == code)
            people = self._people(group, band.name)
            estimate = cell_proportion(self.cells, inside, wanted)
            yield self._row("age_band", band.name, group, inside, estimate, people)

    def _standardised(
        self, group: Group, mask: Mask, wanted: int, standard: StandardPopulation
    ) -> CellEstimate | None:
        """Over age; over age and sex together where the row joins sexes that the standard has."""
        sex = group.get(SEX, ALL)
        names: list[Any] = [band.name for band in self.bands]
        stratum = self.cells.band
        counts: Mapping[Any, float] = standard.counts()
        if standard.by_sex and sex != ALL:
            counts = standard.counts(sex)
        elif standard.by_sex and SEX in group:
            if self._unmeasured(group, mask):
                return None
            stratum, names, counts = self._age_by_sex(standard)
        share = shares_by_name(counts, names)
        called = [_called(name, group) for name in names]
        return cell_proportion(self.cells, mask, wanted, stratum=stratum, share=share, names=called)

    def _age_by_sex(
        self, standard: StandardPopulation
    ) -> tuple[Codes, list[Any], Mapping[Any, float]]:
        """Strata of the cells, their names, and the standard's counts by the same names."""
        sexes = [level for level in self._levels(SEX) if level != ALL]
        names = [(band.name, sex) for sex in sexes for band in self.bands]
        counts = {
            (band, sex): people
            for sex in standard.table
            for band, people in standard.counts(sex).items()
        }
        stratum = np.full(len(self.cells.band), -1, dtype=np.int64)
        for i, sex in enumerate(sexes):
            here = self.cells.inside & (self.cells.group[SEX] == sex)
            stratum[here] = i * len(self.bands) + self.cells.band[here]
        return stratum, names, counts

    def _people(self, group: Group, band: str | None = None) -> float:
        """People of the standard that a row's rate stands for; NaN where it cannot be said."""
        others = [level for column, level in group.items() if column != SEX and level != ALL]
        if self.standard is None or others or not self.whole_population:
            return float("nan")
        sex = group.get(SEX, ALL)
        return population_size(self.standard, sex=None if sex == ALL else sex, band=band)

    def _row(
        self,
        statistic: str,
        band: str,
        group: Group,
        mask: Mask,
        estimate: CellEstimate | None,
        people: float = float("nan"),
    ) -> dict[str, Any]:
        missing = self.cells.count(mask & ~self.cells.measured)
        row: dict[str, Any] = {"statistic": statistic, "age_band": band, "n_missing": missing}
        flags = self._unplaced(group) + self._unmeasured(group, mask)
        if estimate is None:
            n = self.cells.count(mask & self.cells.measured)
            return row | {"n": n, "flag": "; ".join([*_why_none(n), *flags])}
        row |= self._limits(estimate, people)
        return row | {
            "estimate": estimate.value,
            "se": estimate.se,
            "confidence": self.confidence,
            "n": estimate.n,
            "df": estimate.df,
            "deff": estimate.deff,
            "method": _method(statistic, self.cells.method, self.interval),
            "flag": "; ".join(
                [*_weaknesses(estimate, row["n_effective"]), *_lost(estimate), *flags]
            ),
        }

    def _limits(self, estimate: CellEstimate, people: float) -> dict[str, float]:
        value, se = np.array([estimate.value]), np.array([estimate.se])
        lower, upper = survey_interval(
            value,
            se,
            n=np.array([estimate.n]),
            df=np.array([estimate.df]),
            method=self.interval,
            confidence=self.confidence,
        )
        affected = people_affected(value, lower, upper, population=np.array([people]))
        named = ("people_affected", "people_affected_lower", "people_affected_upper")
        return {
            "lower": float(lower[0]),
            "upper": float(upper[0]),
            "n_effective": float(effective_size(value, se)[0]),
            **{name: float(array[0]) for name, array in zip(named, affected, strict=True)},
        }

    def _unmeasured(self, group: Group, mask: Mask) -> list[str]:
        """Levels behind an "all" in which nobody was measured, as where a reference lacks a sex."""
        flags = []
        for column, level in group.items():
            labels = self.cells.group[column]
            here = [x for x in self._levels(column) if x != ALL] if level == ALL else []
            counts = {x: self.cells.count(mask & self.cells.measured & (labels == x)) for x in here}
            flags += [f"{column} {x}: nobody measured" for x, n in counts.items() if n == 0]
        return flags

    def _unplaced(self, group: Group) -> list[str]:
        """People of the "all" row whose level is missing: in no other row of that column."""
        flags = []
        for column, level in group.items():
            if level == ALL:
                labels = self.cells.group[column]
                lost = np.array([label is None for label in labels], dtype=bool)
                n = self.cells.count(self.mask(group) & lost)
                flags += [f"{column} missing: {n}"] if n else []
        return flags


def _why_none(n: int) -> list[str]:
    return ["not standardised over both sexes"] if n else ["nobody measured"]


def _called(name: Any, group: Group) -> str:
    """A stratum in words, with the group that lacks it."""
    band = ", ".join(name) if isinstance(name, tuple) else str(name)
    levels = ", ".join(f"{column} {level}" for column, level in group.items() if level != ALL)
    return f"{band} ({levels})" if levels else band


def _method(statistic: str, variance: str, interval: str) -> str:
    direct = "direct standardisation, " if statistic == "age_standardised" else ""
    return f"{direct}{variance}; interval: {INTERVAL_NAMES[interval]}"


def _lost(estimate: CellEstimate) -> list[str]:
    return [f"{estimate.lost} replicate(s) hold nobody"] if estimate.lost else []


def _weaknesses(estimate: CellEstimate, size: float) -> list[str]:
    found = ["no events"] if estimate.value == 0 else []
    found += ["everybody affected"] if estimate.value == 1 else []
    # Where the standard error is zero, the size is that of the sample.
    size = size if np.isfinite(size) else estimate.n
    seen = {"n_effective": size, "df": estimate.df}
    found += [f"{name} in {few}" for name, few in too_few() if seen[name] in few]
    return found


@cache
def too_few() -> tuple[tuple[str, Interval], ...]:
    """Sizes and degrees of freedom under which the NCHS rule suppresses or reviews."""
    data = norms.load("presentation", RULE).data
    return tuple(
        (line["quantity"], Interval.parse(line["holds"]))
        for line in (*data["step"], *data["review"])
        if line["quantity"] in ("n_effective", "df")
    )
