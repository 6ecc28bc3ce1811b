"""Shares of the people of a group, and their contrasts with all covariances, on summed cells.

A prevalence is one share. Two definitions classify the same people, and two years visit the same
sampling units: a difference needs the covariance, and so it is built from the linearised values,
or from the replicates, of all its shares together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.frames import Frame
from osteo_epi.norms import AgeBand
from osteo_epi.population._cells import Cells, ReplicateSums
from osteo_epi.population._query import Query
from osteo_epi.population._result import ALL
from osteo_epi.survey import Array, Codes, Mask, linearised_standard, shares_by_name

SEX = "sex"
Group = dict[str, str]


def wald(cells: Cells) -> str:
    """How the error and the limits of a contrast are had, in words."""
    return f"{cells.method} with covariance; interval: Wald on Student's t"


def sexes_of(frame: Frame) -> tuple[str, ...]:
    """The column of sex, where people have one: a row for both is known by it."""
    return (SEX,) if SEX in frame.collect_schema() else ()


@dataclass(frozen=True)
class Slice:
    """Whom an estimate is about and what it is standardised over.

    Parameters
    ----------
    group
        By column to level.
    statistic, age_band
        As in a prevalence's rows.
    mask
        (m,) the cells.
    stratum, share, names
        (m,) strata of standardisation, their (S,) shares and names; one stratum where crude.
    sexes
        Number of sexes that are standardised over together; the strata are ages within sexes.
    joined
        (m,) the cells of each sex that the group joins, at all ages: where nobody of one of them
        was measured the figure would be that of the other.
    """

    group: Group
    statistic: str
    age_band: str
    mask: Mask = field(repr=False)
    stratum: Codes = field(repr=False)
    share: Array = field(repr=False)
    names: tuple[str, ...] = ()
    sexes: int = 1
    joined: tuple[Mask, ...] = field(default=(), repr=False)

    @property
    def keys(self) -> dict[str, str]:
        """What identifies the slice's rows."""
        return {**self.group, "statistic": self.statistic, "age_band": self.age_band}

    def of_one_sex(self, measured: Mask, cells: Cells) -> bool:
        """Whether the group joins a sex of whom nobody was measured at any age."""
        return any(not cells.count(measured & sex) for sex in self.joined)


@dataclass(frozen=True)
class Sample:
    """Everybody who was drawn, summed to cells, and the groups and statistics asked for."""

    cells: Cells
    query: Query

    def levels(self, column: str) -> list[str]:
        """Levels of a column within the domain.

        Raises
        ------
        DesignError
            If one of them is called "all".
        """
        levels = {x for x in self.cells.labels[column][self.cells.inside] if x is not None}
        if ALL in levels:
            raise DesignError(f"column {column} holds a level named {ALL!r}: rename it")
        return sorted(levels)

    def groups(self) -> list[Group]:
        """Combinations of levels that hold somebody, "all" the last level of each column."""
        levels = {column: [*self.levels(column), ALL] for column in self.query.by}
        combined = (dict(zip(levels, c, strict=True)) for c in itertools.product(*levels.values()))
        return [group for group in combined if self.cells.count(self.mask(group))]

    def mask(self, group: Group) -> Mask:
        """(m,) cells of a group within the domain."""
        mask = self.cells.inside
        for column, level in group.items():
            if level != ALL:
                mask = mask & (self.cells.labels[column] == level)
        return mask

    def crude(self, group: Group) -> Slice:
        """The whole of a group, standardised over nothing."""
        mask, bands = self.mask(group), self.query.bands
        ages = AgeBand.of(bands[0].lower, bands[-1].upper).name
        return Slice(group, "crude", ages, mask, np.zeros(len(mask), dtype=np.int64), np.ones(1))

    def slices(self) -> Iterator[Slice]:
        """Every group, crude, standardised and by age band."""
        for group in self.groups():
            whole = replace(self.crude(group), joined=self._joined(group))
            yield whole
            if self.query.standard is not None:
                yield self._standardised(whole)
            for code, band in enumerate(self.query.bands):
                inside = whole.mask & (self.cells.band == code)
                yield replace(whole, statistic="age_band", age_band=band.name, mask=inside)

    def _joined(self, group: Group) -> tuple[Mask, ...]:
        """The cells of each sex in a group that joins sexes."""
        if SEX not in self.cells.labels or group.get(SEX, ALL) != ALL:
            return ()
        whole = self.mask(group)
        masks = (whole & (self.cells.labels[SEX] == level) for level in self.levels(SEX))
        return tuple(mask for mask in masks if self.cells.count(mask))

    def _standardised(self, whole: Slice) -> Slice:
        """Over age; over age and sex together where the row joins sexes that the standard has."""
        standard, group = self.query.banded_standard, whole.group
        assert standard is not None, "there is a standard"
        sex, sexes = group.get(SEX, ALL), [""]
        names: list[Any] = [band.name for band in self.query.bands]
        stratum, counts = self.cells.band, dict[Any, float](standard.counts())
        if standard.by_sex and sex != ALL:
            counts = dict(standard.counts(sex))
        elif standard.by_sex and SEX in group:
            sexes = self.levels(SEX)
            names = [(name, level) for level in sexes for name in names]
            counts = {(b, s): n for s in standard.table for b, n in standard.counts(s).items()}
            stratum = self._age_by_sex(sexes)
        share = shares_by_name(counts, names)
        words = tuple(_words(name, group) for name in names)
        return replace(
            whole, statistic="age_standardised", stratum=stratum, share=share, names=words,
            sexes=len(sexes),
        )  # fmt: skip

    def _age_by_sex(self, sexes: list[str]) -> Codes:
        """(m,) ages within sexes."""
        stratum = np.full(len(self.cells.band), -1, dtype=np.int64)
        for i, sex in enumerate(sexes):
            here = self.cells.inside & (self.cells.labels[SEX] == sex)
            stratum[here] = i * len(self.query.bands) + self.cells.band[here]
        return stratum


def _words(name: Any, group: Group) -> str:
    """A stratum in words, with the group that lacks it."""
    band = ", ".join(name) if isinstance(name, tuple) else str(name)
    levels = ", ".join(f"{column} {level}" for column, level in group.items() if level != ALL)
    return f"{band} ({levels})" if levels else band


@dataclass(frozen=True)
class Outcomes:
    """(m, k) whom each of k shares counts, among the (m, k) whom it rests on."""

    event: Mask = field(repr=False)
    measured: Mask = field(repr=False)


@dataclass(frozen=True)
class Combination:
    """A contrast of shares, or a function of them, with what its standard error rests on.

    Parameters
    ----------
    value, variance, df
        NaN and 0 where nobody was measured for one of the shares.
    n, size
        People, and the population that they represent.
    lost
        Replicates that hold nobody and were left out of the standard error.
    """

    value: float
    variance: float
    df: int
    n: int
    size: float
    lost: int = 0

    @property
    def se(self) -> float:
        """Standard error."""
        return float(np.sqrt(self.variance))

    @property
    def known(self) -> bool:
        """Whether there is an estimate."""
        return bool(np.isfinite(self.value))

    @property
    def deff(self) -> float:
        """Against simple random sampling without replacement, as `svymean(deff = TRUE)` of R."""
        if self.n < 2:
            return float("nan")
        simple = self.value * (1 - self.value) / (self.n - 1)
        # Equal or normalised weights say nothing about the size of the population.
        if self.size > self.n:
            simple = simple * (self.size - self.n) / self.size
        return self.variance / simple if simple > 0 else float("nan")

    def limits(self, confidence: float) -> dict[str, float | int | None]:
        """Estimate, standard error and Wald limits; nothing where somebody is lacking."""
        from scipy.special import stdtrit

        if not self.known:
            return dict.fromkeys(("estimate", "se", "lower", "upper"))
        reach = float(stdtrit(self.df, 0.5 + confidence / 2)) * self.se if self.df else np.nan
        low, high = self.value - reach, self.value + reach
        ends = {"lower": low, "upper": high} if np.isfinite(reach) else {}
        return {"estimate": self.value, "se": self.se, "lower": None, "upper": None, **ends}


@dataclass(frozen=True)
class Shares:
    """k shares in one slice, with what gives their covariance.

    Parameters
    ----------
    value
        (k,) shares; NaN where nobody was measured.
    rows
        (m, k) cells that each share rests on.
    influence
        (m, k) weighted linearised values; of none where there are replicates.
    replicated
        (R, k) shares in every replicate; of none without.
    cells
        The sums.
    """

    value: Array
    rows: Mask
    influence: Array
    replicated: Array
    cells: Cells

    @classmethod
    def of(cls, cells: Cells, cut: Slice, outcomes: Outcomes) -> Shares:
        """Shares of outcomes in a slice.

        Raises
        ------
        DesignError
            If a stratum to standardise over holds nobody who was measured.
        """
        base = cut.mask & (cut.stratum >= 0) & (cells.people > 0)
        rows = outcomes.measured & base[:, None]
        replicated = isinstance(cells.design, ReplicateSums)
        value, influence = np.full(rows.shape[1], np.nan), np.zeros((0, 0))
        influence = influence if replicated else np.zeros(rows.shape, order="F")
        for j in range(rows.shape[1]):
            one_sex = cut.of_one_sex(outcomes.measured[:, j], cells)
            if one_sex or not _has_everyone(rows[:, j], cut):
                continue
            weight = np.where(rows[:, j], cells.design.weight, 0.0)
            event = (outcomes.event[:, j] & rows[:, j]).astype(float)
            value[j], linear = linearised_standard(
                event, weight, cut.stratum, cut.share, names=cut.names or None
            )
            if not replicated:
                influence[:, j] = linear
        each = np.zeros((0, 0))
        if isinstance(cells.design, ReplicateSums):
            each = cells.design.shares(outcomes.event, rows, cut.stratum, cut.share)
        return cls(value, rows, influence, each, cells)

    def one(self, column: int) -> Combination:
        """One of the shares."""
        return self.contrast([(column, 1.0)])

    def contrast(self, terms: Iterable[tuple[int, float]]) -> Combination:
        """Sum of shares, each (column, factor)."""
        listed = list(terms)
        columns = [column for column, _ in listed]
        factor = np.array([times for _, times in listed])
        return self.function(columns, lambda share: share @ factor, factor)

    def total(self, column: int, cut: Slice) -> Combination:
        """People of the slice whom a share stands for, measured or not: the share times them all.

        Where everybody was measured, the weighted total of those whom it counts.
        """
        cells, share = self.cells, float(self.value[column])
        everybody = cut.mask & (cells.people > 0)
        weight = np.where(everybody, cells.design.weight, 0.0)
        n, size, lost = cells.count(everybody), float(weight.sum()), 0
        if np.isnan(share):
            return Combination(np.nan, np.nan, 0, n, size)
        if isinstance(cells.design, ReplicateSums):
            each = self.replicated[:, column] * cells.design.sizes(everybody)
            variance, lost = cells.design.variance(share * size, each)
        else:
            linear = size * self.influence[:, column] + share * weight
            variance = cells.variance(linear, everybody)
        df = cells.degrees_of_freedom(everybody)
        return Combination(share * size, max(variance, 0.0), df, n, size, lost)

    def function(
        self, columns: list[int], function: Callable[[Array], Any], gradient: Array
    ) -> Combination:
        """A smooth function of (…, c) shares, with its (c,) gradient at them."""
        rows = np.logical_or.reduce(self.rows[:, columns], axis=1)
        n, size = self.cells.count(rows), float(self.cells.design.weight[rows].sum())
        if np.isnan(self.value[columns]).any():
            return Combination(np.nan, np.nan, 0, n, size)
        value, lost = float(function(self.value[columns])), 0
        if isinstance(self.cells.design, ReplicateSums):
            each = function(self.replicated[:, columns])
            variance, lost = self.cells.design.variance(value, each)
        else:
            factor = np.zeros(len(self.value))
            np.add.at(factor, columns, gradient)
            used = np.flatnonzero(factor)
            variance = self.cells.variance(self.influence[:, used] @ factor[used], rows)
        df = self.cells.degrees_of_freedom(rows)
        return Combination(value, max(variance, 0.0), df, n, size, lost)


def _has_everyone(rows: Mask, cut: Slice) -> bool:
    """Somebody was measured, and of each sex where both are standardised over."""
    if not rows.any():
        return False
    sex = cut.stratum[rows] // (len(cut.share) // cut.sexes)
    return len(np.unique(sex)) == cut.sexes
