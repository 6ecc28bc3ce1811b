"""Standard populations: counts by age band, joined by the band's name and never by its position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar

from osteo_epi.errors import NormError
from osteo_epi.norms._norm import Fields, Norm, grade, read_head
from osteo_epi.norms._references import SEXES

BOTH = "both"


@dataclass(frozen=True)
class AgeBand:
    """Ages from `lower` to below `upper` [years]; the last one may be open (`upper` infinite)."""

    name: str
    lower: float
    upper: float

    @classmethod
    def of(cls, lower: float, upper: float) -> AgeBand:
        """Band with the customary name in completed years.

        Examples
        --------
        >>> AgeBand.of(50, 65).name, AgeBand.of(80, float("inf")).name
        ('50-64', '80+')
        """
        open_end = math.isinf(upper)
        return cls(f"{lower:g}+" if open_end else f"{lower:g}-{upper - 1:g}", lower, upper)


@dataclass(frozen=True, kw_only=True, repr=False)
class StandardPopulation(Norm):
    """A population by age, and by sex where it states it.

    Attributes
    ----------
    bands
        Age bands, ascending and without a gap.
    holds_counts
        Whether it counts people (so that people affected can be given) or only weighs ages.
    unit
        How it is printed: people, thousands, percent, per 100000.
    prevalence_edges
        [years] Band edges for prevalences from 50, the last one infinite.
    table
        Sex ("both" where it states none) to band name to people or weight.
    """

    kind: ClassVar[str] = "standard_population"

    bands: tuple[AgeBand, ...]
    holds_counts: bool
    unit: str
    prevalence_edges: tuple[float, ...]
    table: Mapping[str, Mapping[str, float]]

    @property
    def by_sex(self) -> bool:
        """Whether women and men are given apart."""
        return BOTH not in self.table

    @property
    def default_edges(self) -> tuple[float, ...]:
        """Band edges [years] for prevalences from 50."""
        return self.prevalence_edges

    def counts(self, sex: str | None = None) -> dict[str, float]:
        """People, or weights, by band name.

        Parameters
        ----------
        sex
            "female", "male", or None for both together.

        Raises
        ------
        NormError
            If a sex is asked of a population that does not give the sexes apart.

        Examples
        --------
        >>> from osteo_epi import norms
        >>> china = norms.load("standard_population", "china_2010")
        >>> round(sum(china.collapse((50, float("inf"))).counts("male").values()))
        168486133
        """
        if sex is None:
            return {b.name: sum(t[b.name] for t in self.table.values()) for b in self.bands}
        if sex not in self.table or sex == BOTH:
            has = ", ".join(sorted(self.table)) if self.by_sex else "both sexes together only"
            raise NormError(f"standard population {self.id} has no {sex!r}; it holds {has}")
        return dict(self.table[sex])

    def collapse(self, edges: Sequence[float]) -> StandardPopulation:
        """Join whole bands into wider ones; ages outside the edges fall away.

        Parameters
        ----------
        edges
            [years] Ascending; the last may be infinite.

        Raises
        ------
        NormError
            If an edge would cut a band.

        Examples
        --------
        >>> from osteo_epi import norms
        >>> bone = norms.load("standard_population", "us_2000").collapse((50, 65, float("inf")))
        >>> bone.counts()
        {'50-64': 41185000.0, '65+': 34710000.0}
        """
        bands = [AgeBand.of(low, high) for low, high in self._pairs(edges)]
        members = {band.name: self._members(band) for band in bands}
        table = {
            sex: {name: math.fsum(counts[m] for m in parts) for name, parts in members.items()}
            for sex, counts in self.table.items()
        }
        return replace(
            self, bands=tuple(bands), table=_frozen(table), prevalence_edges=tuple(edges)
        )

    def _pairs(self, edges: Sequence[float]) -> list[tuple[float, float]]:
        pairs = list(pairwise(edges))
        if not pairs or any(low >= high for low, high in pairs):
            raise NormError(f"age band edges {list(edges)} must ascend, two at least")
        return pairs

    def _members(self, band: AgeBand) -> list[str]:
        inside = [b for b in self.bands if band.lower <= b.lower and b.upper <= band.upper]
        whole = inside and (inside[0].lower, inside[-1].upper) == (band.lower, band.upper)
        if not whole:
            edges = ", ".join(f"{b.lower:g}" for b in self.bands)
            raise NormError(
                f"standard population {self.id} cannot give the band {band.name}: its bands "
                f"join only whole, from {edges} to {self.bands[-1].upper:g}; let ages and their "
                "bands begin and end at these"
            )
        return [band.name for band in inside]

    @classmethod
    def read(cls, fields: Fields, sha256: str) -> StandardPopulation:
        """Build from a file of kind `standard_population`."""
        head, verification = read_head(fields), grade(fields)
        multiplier = fields.number("multiplier", 1.0, above=0)
        rows = list(fields.each("band"))
        bands = _bands(fields, rows)
        table = _table(fields, rows, bands, multiplier)
        population = cls(
            **head,
            verification=verification,
            sha256=sha256,
            bands=bands,
            holds_counts=fields.flag("holds_counts"),
            unit=fields.text("unit"),
            prevalence_edges=_edges(fields),
            table=table,
        )
        _check_sums(fields.under("sums", {}), table, multiplier)
        population.collapse(population.prevalence_edges)
        for checked in (*rows, fields):
            checked.done()
        return population


def _bands(fields: Fields, rows: list[Fields]) -> tuple[AgeBand, ...]:
    bands = []
    for row in rows:
        ages = row.interval("ages")
        if not (ages.closed_lower and not ages.closed_upper):
            raise row.fail("ages", "an interval like '[50, 55)' or '[85, inf)'")
        bands.append(AgeBand(row.text("name"), ages.lower, ages.upper))
    for left, right in pairwise(bands):
        if left.upper != right.lower:
            raise NormError(
                f"{fields.file}: band: expected ascending bands without a gap or an overlap, found "
                f"{right.name} after {left.name}"
            )
    if len({band.name for band in bands}) < len(bands):
        raise NormError(f"{fields.file}: band: expected each name once")
    return tuple(bands)


def _table(
    fields: Fields, rows: list[Fields], bands: tuple[AgeBand, ...], multiplier: float
) -> Mapping[str, Mapping[str, float]]:
    sexes = (BOTH,) if BOTH in rows[0].table else SEXES
    return _frozen(
        {
            sex: {
                band.name: row.number(sex, above=0) * multiplier
                for band, row in zip(bands, rows, strict=True)
            }
            for sex in sexes
        }
    )


def _edges(fields: Fields) -> tuple[float, ...]:
    edges = fields.get("prevalence_edges", list, "ascending ages, the last may be inf")
    if not all(isinstance(edge, int | float) for edge in edges):
        raise fields.fail("prevalence_edges", "ascending ages, the last may be inf")
    return tuple(float(edge) for edge in edges)


def _check_sums(
    fields: Fields, table: Mapping[str, Mapping[str, float]], multiplier: float
) -> None:
    """Compare with the printed totals: they guard every single count against a slip."""
    for sex in fields.table:
        if sex not in table:
            raise fields.fail(sex, "a total of " + " or ".join(table))
        printed = fields.number(sex)
        total = math.fsum(table[sex].values()) / multiplier
        if abs(total - printed) > 1e-9 * printed:
            raise fields.fail(sex, f"the sum of the bands, {total:.10g}")


def _frozen(table: dict[str, dict[str, float]]) -> Mapping[str, Mapping[str, float]]:
    return MappingProxyType({sex: MappingProxyType(counts) for sex, counts in table.items()})
