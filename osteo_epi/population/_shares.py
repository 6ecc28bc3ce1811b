"""Shares of the people of a group, and their contrasts with all covariances, on summed cells.

A prevalence is one share. Two definitions classify the same people, and two years visit the same
sampling units: a difference needs the covariance, and so it is built from the linearised values,
or from the replicates, of all its shares together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.frames import Frame, in_natural_order
from osteo_epi.norms import AgeBand
from osteo_epi.population._query import Query
from osteo_epi.population._result import ALL
from osteo_epi.population.cells import Cells, ReplicateSums
from osteo_epi.population.status import ESTABLISHED, NO_RECORD, NONE, TwoParts, two_parts
from osteo_epi.survey import (
    Array,
    Codes,
    Mask,
    empty_strata,
    linearised_standard,
    refuse_empty,
    shares_by_name,
)

SEX = "sex"
NO_T_SCORE = "nobody of these ages is judged by T-scores"
NO_Z_SCORE = "nobody of these ages is judged by Z-scores"
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


@dataclass(frozen=True)
class Sample:
    """Everybody who was drawn, summed to cells, and the groups and statistics asked for."""

    cells: Cells
    query: Query

    def levels(self, column: str) -> list[str]:
        """Levels of a column within the domain, in their natural order.

        Raises
        ------
        DesignError
            If one of them is called "all".
        """
        levels = {x for x in self.cells.labels[column][self.cells.inside] if x is not None}
        if ALL in levels:
            raise DesignError(f"column {column} holds a level named {ALL!r}: rename it")
        return in_natural_order(levels)

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

    def whole(self) -> Iterator[Slice]:
        """Everybody, crude and standardised."""
        group = dict.fromkeys(self.query.by, ALL)
        whole = replace(self.crude(group), joined=self._joined(group))
        yield whole
        if self.query.standard is not None:
            yield self._standardised(whole)

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
            counts = {(b, s): n for s in sexes for b, n in standard.counts(s).items()}
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


BROKEN = "osteoporosis"
"""The class that an established fracture makes."""


@dataclass(frozen=True)
class Outcomes:
    """Whom each of k shares counts, among whom.

    Parameters
    ----------
    event, measured
        (m, k) whom a share counts, among those it rests on; where fractures are a part of their
        own, among those without one.
    classified
        (m, k) those of them who were really measured, not only known to be no case.
    possible
        (m, k) those of them who can have the class: nobody whom a Z-score alone judges is healthy
        for that, and a share of such people is no 0 %.
    fractures
        The part of the fractures of each share, or None.
    """

    event: Mask = field(repr=False)
    measured: Mask = field(repr=False)
    classified: Mask = field(repr=False)
    possible: Mask = field(repr=False)
    fractures: tuple[TwoParts | None, ...]

    @classmethod
    def common(cls, cells: Cells, bone_class: str) -> Outcomes:
        """Shares of a class by every definition, of the people whom all of them know.

        Nobody is known by a fracture here: the people are the same under every definition.
        """
        event = cells.holds(bone_class)
        known, classified = (
            np.repeat(mask[:, None], event.shape[1], axis=1)
            for mask in (cells.known_to_all(bone_class), cells.common)
        )
        return cls(event, known, classified, cells.possible(bone_class), (None,) * event.shape[1])

    @classmethod
    def among(cls, events: Mask, people: Mask) -> Outcomes:
        """Shares of (m, k) events among the same (m,) people."""
        same = np.repeat(people[:, None], events.shape[1], axis=1)
        return cls(events, same, same, same, (None,) * events.shape[1])

    @classmethod
    def of(
        cls,
        cells: Cells,
        wanted: Sequence[tuple[int, str]],
        incomplete: str | None,
        *,
        opened: bool = False,
    ) -> Outcomes:
        """Shares of classes, each a (column of the definition, class).

        Parameters
        ----------
        cells
            The sums.
        wanted
            Definition and class of every share.
        incomplete
            As in `Query`.
        opened
            Whether every open fracture record is taken as an established fracture.
        """
        return cls.joined(_outcome(cells, j, name, incomplete, opened) for j, name in wanted)

    @classmethod
    def joined(cls, several: Iterable[Outcomes]) -> Outcomes:
        """All shares of several, side by side."""
        parts = list(several)
        return cls(
            np.column_stack([part.event for part in parts]),
            np.column_stack([part.measured for part in parts]),
            np.column_stack([part.classified for part in parts]),
            np.column_stack([part.possible for part in parts]),
            tuple(itertools.chain(*(part.fractures for part in parts))),
        )

    def within(self, mask: Mask) -> Outcomes:
        """The same shares of the (m,) or (m, k) masked cells."""
        both = mask if mask.ndim > 1 else np.broadcast_to(mask[:, None], self.event.shape)
        parts = zip(self.fractures, both.T, strict=True)
        return Outcomes(
            self.event & both,
            self.measured & both,
            self.classified & both,
            self.possible & both,
            tuple(None if part is None else part.within(here) for part, here in parts),
        )

    def known(self, column: int) -> Mask:
        """(m,) cells of whose people it is known whether a share counts them."""
        part, measured = self.fractures[column], self.measured[:, column]
        return measured if part is None else measured | part.cases

    def counted(self, column: int) -> Mask:
        """(m,) cells whose people a share counts."""
        part, event = self.fractures[column], self.event[:, column] & self.measured[:, column]
        return event | part.cases if part is not None and part.makes else event

    def rows(self, column: int) -> Mask:
        """(m,) cells that a share rests on."""
        part, measured = self.fractures[column], self.measured[:, column]
        return measured if part is None else measured | part.known

    def nobody_measured(self, column: int, cells: Cells, mask: Mask) -> bool:
        """Whether the masked cells hold people who are missing, and nobody who was measured."""
        if cells.count(mask & self.classified[:, column]):
            return False
        return cells.count(mask & self.known(column)) < max(cells.count(mask), 1)

    def nobody_judged(self, column: int, cells: Cells, mask: Mask) -> bool:
        """Whether people of the masked cells are known, and none of them could have the class."""
        if cells.count(mask & (self.possible[:, column] | self.counted(column))):
            return False
        return cells.count(mask & self.known(column)) > 0

    def of_one_sex(self, column: int, cells: Cells, cut: Slice) -> bool:
        """Whether a group joins a sex of whom nobody was measured at any age."""
        return any(self.nobody_measured(column, cells, sex) for sex in cut.joined)


def _outcome(
    cells: Cells, j: int, bone_class: str, incomplete: str | None, opened: bool
) -> Outcomes:
    """The one share of a class under a definition."""
    event, known = cells.holds(bone_class)[:, j], cells.known(bone_class)[:, j]
    possible = cells.possible(bone_class)[:, j]
    measured, is_open = cells.measured[:, j], opened & cells.opened[:, j]
    if not cells.counts_apart(j, incomplete, is_open):
        if is_open.any():
            event = (event | is_open) if bone_class == BROKEN else (event & ~is_open)
        return _single(event, known, measured, possible, None)
    broken = cells.fracture(ESTABLISHED)[:, j] | is_open
    spared = (cells.fracture(NONE)[:, j] | cells.fracture(NO_RECORD)[:, j]) & ~broken
    settled = measured & cells.holds(BROKEN)[:, j] & ~(broken | spared)
    part = TwoParts(broken, broken | spared, bone_class == BROKEN, settled)
    return _single(event & spared, known & spared, measured & spared, possible & spared, part)


def _single(
    event: Mask, known: Mask, measured: Mask, possible: Mask, part: TwoParts | None
) -> Outcomes:
    return Outcomes(event[:, None], known[:, None], measured[:, None], possible[:, None], (part,))


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
    finite
        Whether the size is that of a population.
    """

    value: float
    variance: float
    df: int
    n: int
    size: float
    lost: int = 0
    finite: bool = True

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
        """Against simple random sampling, without replacement where there is a population.

        As `svymean(deff = TRUE)` of R, and as its `deff = "replace"` where weights describe none.
        """
        if self.n < 2:
            return float("nan")
        simple = self.value * (1 - self.value) / (self.n - 1)
        # Weights near 1 would leave next to nothing of a population beyond the sample.
        if self.finite and self.size > self.n:
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
    people
        (m, k) cells of whose people it is known whether the share counts them.
    influence
        (m, k) weighted linearised values; of none where there are replicates.
    replicated
        (R, k) shares in every replicate; of none without.
    cells
        The sums.
    empty
        (k,) names of the strata for which a share is lacking: nobody was measured there.
    """

    value: Array
    rows: Mask
    people: Mask
    influence: Array
    replicated: Array
    cells: Cells
    empty: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, cells: Cells, cut: Slice, outcomes: Outcomes, *, gaps: bool = False) -> Shares:
        """Shares of outcomes in a slice.

        Parameters
        ----------
        gaps
            Whether a share over a stratum that holds nobody is lacking, instead of an error.

        Raises
        ------
        DesignError
            If a stratum to standardise over holds nobody who was measured.
        """
        base = cut.mask & (cut.stratum >= 0) & (cells.people > 0)
        inside, k = outcomes.within(base), outcomes.event.shape[1]
        rows, people = (
            np.column_stack([of(j) for j in range(k)]) for of in (inside.rows, inside.known)
        )
        replicated = isinstance(cells.design, ReplicateSums)
        value, influence = np.full(k, np.nan), np.zeros((0, 0))
        influence = influence if replicated else np.zeros(rows.shape, order="F")
        empty: list[tuple[str, ...]] = [()] * k
        for j in range(k):
            lost = outcomes.of_one_sex(j, cells, cut) or inside.nobody_judged(j, cells, base)
            if lost or inside.nobody_measured(j, cells, base) or not _has_everyone(rows[:, j], cut):
                continue
            rested = _rested_on(inside, j, cells, cut, base)
            empty[j] = _empty(rested[-1], cut) if gaps else ()
            if empty[j]:
                continue
            value[j], linear = _share(inside.event[:, j], *rested, cut)
            if not replicated:
                influence[:, j] = linear
        each = np.zeros((0, 0))
        if isinstance(cells.design, ReplicateSums):
            each = _replicated(inside, cells.design, cut)
        return cls(value, rows, people, influence, each, cells, tuple(empty))

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
        people = np.logical_or.reduce(self.people[:, columns], axis=1)
        n, size = self.cells.count(people), float(self.cells.design.weight[people].sum())
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
            variance = self.cells.variance(
                (self.influence[:, used] * factor[used]).sum(axis=1), rows
            )
        df = self.cells.degrees_of_freedom(rows)
        finite = self.cells.describes_population
        return Combination(value, max(variance, 0.0), df, n, size, lost, finite)


def _has_everyone(rows: Mask, cut: Slice) -> bool:
    """Somebody was measured, and of each sex where both are standardised over."""
    if not rows.any():
        return False
    sex = cut.stratum[rows] // (len(cut.share) // cut.sexes)
    return len(np.unique(sex)) == cut.sexes


def _share(
    event: Mask, measured: Mask, part: TwoParts | None, weight: Array, cut: Slice
) -> tuple[float, Array]:
    """One share of a slice and its (m,) weighted linearised values."""
    event = event & measured
    if part is None:
        outcome = event.astype(float)
        names = cut.names or None
        return linearised_standard(outcome, weight, cut.stratum, cut.share, names=names)
    refuse_empty(weight, cut.stratum, cut.share, names=cut.names or None)
    return two_parts(part, event, measured, weight, cut.stratum, cut.share)


def _rested_on(
    inside: Outcomes, column: int, cells: Cells, cut: Slice, base: Mask
) -> tuple[Mask, TwoParts | None, Array]:
    """Who was measured, the part of the fractures, and the weights of whom a share rests on.

    A stratum of which somebody is missing and nobody was measured is as one that holds nobody:
    those known to be no case are no picture of the others.
    """
    measured, part = inside.measured[:, column], inside.fractures[column]
    lost = _lost_strata(inside, column, cells, cut, base)
    if lost.any():
        kept = ~lost[np.maximum(cut.stratum, 0)]
        measured, part = measured & kept, None if part is None else part.within(kept)
    rows = measured if part is None else measured | part.known
    weight = np.where(rows, cells.design.weight, 0.0)
    return measured, part, weight


def _empty(weight: Array, cut: Slice) -> tuple[str, ...]:
    """Names of the strata with a share of the standard in which nobody was measured."""
    return tuple(str(cut.names[i]) for i in empty_strata(weight, cut.stratum, cut.share))


def _replicated(inside: Outcomes, design: ReplicateSums, cut: Slice) -> Array:
    """(R, k) shares in every replicate."""
    each = design.shares(inside.event, inside.measured, cut.stratum, cut.share)
    for j, part in enumerate(inside.fractures):
        if part is None:
            continue
        first = part.established[:, None], part.known[:, None]
        second = inside.event[:, [j]], inside.measured[:, [j]]
        each[:, j] = 0.0
        for place in np.flatnonzero(cut.share > 0):
            here = cut.stratum == place
            f, q = (design.means(*masks, here)[:, 0] for masks in (first, second))
            each[:, j] += cut.share[place] * part.share(f, q)
    return each


def _lost_strata(inside: Outcomes, column: int, cells: Cells, cut: Slice, base: Mask) -> Mask:
    """(S,) strata of whom somebody is missing and nobody was measured."""
    place, size = np.maximum(cut.stratum, 0), len(cut.share)
    missing, classified = (
        np.bincount(place, weights=np.where(mask, cells.people, 0.0), minlength=size)
        for mask in (base & ~inside.known(column), inside.classified[:, column])
    )
    return (missing > 0) & (classified == 0)
