"""The rows of a prevalence table, from shares of people summed to cells, and people affected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import norms
from osteo_epi.errors import DesignError
from osteo_epi.language import EVERYBODY, NO_EVENTS, joined_flags
from osteo_epi.norms import Interval, StandardPopulation
from osteo_epi.population._query import BELOW, NOBODY, STANDARD, WEIGHTS, WITHIN, Query
from osteo_epi.population._result import ALL, KEYS, NUMBERS, OF_WEIGHTS
from osteo_epi.population._shares import (
    NO_T_SCORE,
    NO_Z_SCORE,
    SEX,
    Combination,
    Group,
    Outcomes,
    Sample,
    Shares,
    Slice,
)
from osteo_epi.population.cells import Cells
from osteo_epi.population.status import TwoParts
from osteo_epi.survey import DESCRIBING, INTERVAL_NAMES, Array, effective_size, survey_interval

RULE = "nchs_proportion"
HOLLOW = "not standardised: nobody measured at"
"""Flag of a row for which the standard asks for people of ages that nobody measured is of."""
CYCLE = "cycle"


def row_frame(rows: Sequence[dict[str, Any]], by: tuple[str, ...], *first: str) -> pl.DataFrame:
    """Rows as a frame whose columns do not depend on what the rows hold."""
    texts = dict.fromkeys((*first, "class", *by, *KEYS), pl.String)
    return pl.DataFrame(rows, schema=texts | NUMBERS).with_columns(
        pl.selectors.float().fill_nan(None)
    )


@dataclass(frozen=True)
class Table:
    """The rows of k prevalences in every slice of a sample.

    Parameters
    ----------
    sample
        The people.
    outcomes
        Whom each prevalence counts, among whom.
    """

    sample: Sample
    outcomes: Outcomes

    def rows(self) -> list[list[dict[str, Any]]]:
        """k lists of rows, in the order of the slices."""
        tables: list[list[dict[str, Any]]] = [[] for _ in range(self.outcomes.event.shape[1])]
        for cut in self.sample.slices():
            shares = Shares.of(self.sample.cells, cut, self.outcomes, gaps=True)
            for column, row in enumerate(self.of(cut, shares)):
                tables[column].append(row)
        return tables

    def points(self) -> list[list[dict[str, Any]]]:
        """As `rows`, with the estimates alone: for whoever asks many times how these move."""
        tables: list[list[dict[str, Any]]] = [[] for _ in range(self.outcomes.event.shape[1])]
        for cut in self.sample.slices():
            shares = Shares.of(self.sample.cells, cut, self.outcomes, gaps=True)
            for column, share in enumerate(shares.value):
                tables[column].append({**cut.keys, "estimate": share})
        return tables

    def of(self, cut: Slice, shares: Shares) -> Iterator[dict[str, Any]]:
        """The row of each prevalence in one slice."""
        for column in range(len(shares.value)):
            empty = shares.empty[column] if shares.empty else ()
            row = self._row(cut, column, shares.one(column), empty)
            yield row | self._affected(cut, shares, column, row)

    def _row(
        self, cut: Slice, column: int, estimate: Combination, empty: Sequence[str]
    ) -> dict[str, Any]:
        cells, query = self.sample.cells, self.sample.query
        known, part = self.outcomes.known(column), self.outcomes.fractures[column]
        missing = cells.count(cut.mask & ~known)
        row: dict[str, Any] = {**cut.keys, "n_missing": missing, **self._parts(cut, column)}
        flags = self._unplaced(cut.group)
        lost = self.outcomes.nobody_measured(column, cells, cut.mask)
        if not lost:  # else each of its levels would say the same once more
            flags += self._unmeasured(cut, column)
        if not estimate.known:
            n = cells.count(cut.mask & known)
            why = _why_none(lost, n, cut, empty)
            if not lost and self.outcomes.nobody_judged(column, cells, cut.mask):
                why = [NO_Z_SCORE if self._class(column) in (BELOW, WITHIN) else NO_T_SCORE]
            return row | {"n": n, "flag": joined_flags([*why, *flags])}
        row |= self._limits(estimate) | (self._bounds(cut, column) if missing else {})
        weak = _weaknesses(estimate, row["n_effective"])
        return row | {
            "estimate": estimate.value,
            "se": estimate.se,
            "confidence": query.confidence,
            "n": estimate.n,
            "df": estimate.df,
            "deff": estimate.deff,
            "method": _method(cut.statistic, cells.method, query.interval, part),
            "flag": joined_flags([*weak, *_lost(estimate), *flags]),
        }

    def _class(self, column: int) -> str:
        """The class of a share: of a query the one that all are of, or each its own."""
        names = self.sample.query.classes
        return names[column] if len(names) > 1 else names[0]

    def _parts(self, cut: Slice, column: int) -> dict[str, int]:
        """People of whom each part is known, and who are missing for it."""
        cells, part = self.sample.cells, self.outcomes.fractures[column]
        if part is None:
            return {}
        spared = part.known & ~part.established
        masks = {
            "n_fracture": part.known,
            "n_fracture_missing": ~part.known,
            "n_density": self.outcomes.measured[:, column],
            "n_density_missing": spared & ~self.outcomes.measured[:, column],
        }
        return {name: cells.count(cut.mask & mask) for name, mask in masks.items()}

    def _bounds(self, cut: Slice, column: int) -> dict[str, float]:
        """The share if nobody, and if everybody, of those missing had the class."""
        cells, outcomes = self.sample.cells, self.outcomes
        base = cut.mask & (cut.stratum >= 0)
        counted = base & outcomes.counted(column)
        masks = base, counted, counted | (base & ~outcomes.known(column))
        everybody, lowest, highest = (
            np.bincount(
                np.maximum(cut.stratum, 0),
                weights=np.where(mask, cells.design.weight, 0.0),
                minlength=len(cut.share),
            )
            for mask in masks
        )
        used = (cut.share > 0) & (everybody > 0)
        each = cut.share[used] / everybody[used]
        ends = {"lowest_possible": lowest, "highest_possible": highest}
        return {name: float(each @ held[used]) for name, held in ends.items()}

    def _limits(self, estimate: Combination) -> dict[str, float]:
        query = self.sample.query
        value, se = np.array([estimate.value]), np.array([estimate.se])
        lower, upper = survey_interval(
            value,
            se,
            n=np.array([estimate.n]),
            df=np.array([estimate.df]),
            method=query.interval,
            confidence=query.confidence,
        )
        return {
            "lower": float(lower[0]),
            "upper": float(upper[0]),
            "n_effective": float(effective_size(value, se)[0]),
        }

    @cached_property
    def people_of(self) -> str:
        """Whose people are affected: the weights', the standard's or nobody's."""
        return source_of_people(self.sample.cells, self.sample.query)

    def _affected(
        self, cut: Slice, shares: Shares, column: int, row: dict[str, Any]
    ) -> dict[str, Any]:
        """People affected in the row, with limits, and in which population."""
        if self.people_of == NOBODY or "estimate" not in row:
            return {}
        limits = (row["estimate"], row["lower"], row["upper"])
        if self.people_of == STANDARD:
            size, standard = self._people(cut), self.sample.query.standard
            if np.isnan(size) or standard is None:
                return {}
            point, low, high = (size * end for end in limits)
            return _counts(
                point, size * row["se"], low, high, f"the population of {standard.title}"
            )
        # Weights of several cycles together describe one population, and those of one a part of it.
        if cut.statistic == "age_standardised" or cut.group.get(CYCLE, ALL) != ALL:
            return {}
        total = shares.total(column, cut)
        wald = total.limits(row["confidence"])
        low, high = wald["lower"], wald["upper"]
        if row["estimate"] in (0.0, 1.0):  # nobody varies: the limits are those of the rate
            low, high = (total.size * end for end in limits[1:])
        floor = None if low is None else max(low, 0.0)
        return _counts(total.value, total.se, floor, high, OF_WEIGHTS)

    def _people(self, cut: Slice) -> float:
        """People of the standard that a rate stands for; NaN where it cannot be said."""
        query, group = self.sample.query, cut.group
        others = [level for column, level in group.items() if column != SEX and level != ALL]
        standard = query.banded_standard
        if standard is None or others or query.domain is not None or cut.statistic == "crude":
            return float("nan")
        sex, band = group.get(SEX, ALL), cut.age_band if cut.statistic == "age_band" else None
        there = self.sample.levels(SEX) if SEX in self.sample.cells.labels else []
        if sex == ALL and len(there) == 1:  # the rate of one sex says nothing of the other
            (sex,) = there
        return population_size(standard, sex=None if sex == ALL else sex, band=band)

    def _unmeasured(self, cut: Slice, column: int) -> list[str]:
        """Levels behind an "all" in which nobody has a class, as where a reference lacks a sex."""
        flags, cells, outcomes = [], self.sample.cells, self.outcomes
        joined = {SEX: ALL} if outcomes.of_one_sex(column, cells, cut) else {}
        for name, level in (joined | cut.group).items():
            here = self.sample.levels(name) if level == ALL else []
            masks = {x: cut.mask & (cells.labels[name] == x) for x in here}
            lost = [x for x, m in masks.items() if outcomes.nobody_measured(column, cells, m)]
            known = {x: cells.count(masks[x] & outcomes.known(column)) for x in lost}
            flags += [f"{name} {x}: {_nobody(n)}" for x, n in known.items()]
        return flags

    def _unplaced(self, group: Group) -> list[str]:
        """People of the "all" row whose level is missing: in no other row of that column."""
        flags = []
        for column, level in group.items():
            if level == ALL:
                labels = self.sample.cells.labels[column]
                lost = np.array([label is None for label in labels], dtype=bool)
                n = self.sample.cells.count(self.sample.mask(group) & lost)
                flags += [f"{column} missing: {n}"] if n else []
        return flags


def _counts(
    point: float | None, se: float | None, low: float | None, high: float | None, of: str
) -> dict[str, Any]:
    ends = {"": point, "_se": se, "_lower": low, "_upper": high}
    numbers = {f"people_affected{end}": x if x is None else float(x) for end, x in ends.items()}
    return {**numbers, "people_affected_of": of}


def source_of_people(cells: Cells, query: Query) -> str:
    """Whose people are affected: as stated, else the weights' where they describe a population.

    Raises
    ------
    DesignError
        If the weights' were asked for and describe no population.
    """
    average = cells.mean_weight
    if query.people_affected == WEIGHTS and average < DESCRIBING:
        weights = f"weights {query.design.weight}" if query.design.weight else "equal weights"
        raise DesignError(
            f"people_affected='weights' (--people-affected weights): {weights} have a mean of "
            f"{average:.2g} and describe no population; give weights that were not normalised "
            "(SurveyDesign(weight=...), --weight), or take 'standard' or 'none'"
        )
    usual = WEIGHTS if average >= DESCRIBING else NOBODY
    return query.people_affected or usual


def people_notes(cells: Cells, query: Query) -> list[str]:
    """In sentences: whose people are affected, or why nobody's are given."""
    of, standard = source_of_people(cells, query), query.standard
    if of == WEIGHTS:
        size = float(cells.design.weight[cells.inside].sum())
        return [
            f"people affected are those of {OF_WEIGHTS}: {size:,.0f} of the ages and kind of the "
            "estimate, those not classified taken to be like those classified"
        ]
    counts = standard is not None and standard.holds_counts
    title = "" if standard is None else standard.title
    if of == STANDARD and counts:
        return [f"people affected are the rates put on the population of {title}"]
    if of == STANDARD:
        return [f"people affected are not given: {title} holds shares, and no counts of people"]
    if counts and query.people_affected is None:
        return [
            "people affected are not given: no weights describe a population. Where the target is "
            f"the population of {title}, say people_affected='standard' "
            "(--people-affected standard)"
        ]
    return []


def _why_none(nobody: bool, known: float, cut: Slice, empty: Sequence[str]) -> list[str]:
    if nobody:
        return [_nobody(known)]
    if empty:
        bands = ", ".join(dict.fromkeys(re.split(r", | \(", name)[0] for name in empty))
        return [f"{HOLLOW} {bands}"]
    if cut.statistic == "age_standardised":
        return ["not standardised over both sexes"]
    return ["withheld: the figure of one sex alone"]


def _nobody(known: float) -> str:
    """Measured they may be, and the reference lack them; known by a fracture alone they may be."""
    return "nobody classifiable by density" if known else "nobody classifiable"


def _method(statistic: str, variance: str, interval: str, part: TwoParts | None) -> str:
    direct = "direct standardisation, " if statistic == "age_standardised" else ""
    if part is not None:
        of = "f + (1 - f) q" if part.makes else "(1 - f) q"
        direct += f"p = {of} of fracture f and density q{' by stratum' if direct else ''}, "
    return f"{direct}{variance}; interval: {INTERVAL_NAMES[interval]}"


def _lost(estimate: Combination) -> list[str]:
    return [f"{estimate.lost} replicate(s) hold nobody"] if estimate.lost else []


def _weaknesses(estimate: Combination, size: float) -> list[str]:
    reasons = [NO_EVENTS] if estimate.value == 0 else []
    reasons += [EVERYBODY] if estimate.value == 1 else []
    # Where the standard error is zero, the size is that of the sample.
    size = size if np.isfinite(size) else estimate.n
    seen = {"n_effective": size, "df": estimate.df}
    reasons += [too_few_words(name, few) for name, few in too_few() if seen[name] in few]
    return reasons


def too_few_words(name: str, few: Interval) -> str:
    """Say that a size or the degrees of freedom are too few: "effective n < 30"."""
    return few.inequality(name.replace("n_effective", "effective n"), decimals=None)


@cache
def too_few() -> tuple[tuple[str, Interval], ...]:
    """Sizes and degrees of freedom under which the NCHS rule suppresses or reviews."""
    data = norms.load("presentation", RULE).data
    return tuple(
        (line["quantity"], Interval.parse(line["holds"]))
        for line in (*data["step"], *data["review"])
        if line["quantity"] in ("n_effective", "df")
    )


def population_size(
    standard: StandardPopulation, *, sex: str | None = None, band: str | None = None
) -> float:
    """People in a standard population, or in one sex or band of it; NaN where it counts none.

    Examples
    --------
    >>> from osteo_epi import norms
    >>> china = norms.load("standard_population", "china_2010").collapse((50, float("inf")))
    >>> population_size(china, sex="male")
    168486133.0
    """
    if not standard.holds_counts or (sex is not None and not standard.by_sex):
        return float("nan")
    counts = standard.counts(sex)
    return float(counts[band] if band is not None else sum(counts.values()))


def people_affected(
    estimate: Array, lower: Array, upper: Array, *, population: Array
) -> tuple[Array, Array, Array]:
    """People with the condition, with limits.

    Parameters
    ----------
    estimate, lower, upper
        (k,) rate in the population and its limits, between 0 and 1. For several strata together
        (both sexes) give the rate standardised over them jointly to this population: its limits
        then hold the strata's covariance, which sums of separate limits do not.
    population
        (k,) people in the population that the rate stands for, known without error.

    Returns
    -------
    tuple of ndarray
        (k,) people, lower, upper; not rounded.

    Examples
    --------
    >>> [float(x) for x in people_affected(0.0646, 0.06, 0.07, population=168486133.0)]
    [10884204.1918, 10109167.98, 11794029.31]
    """
    size = np.asarray(population, dtype=float)
    return size * estimate, size * lower, size * upper
