"""The lumbar spine: which vertebrae count, and what their bone mineral density is together.

The density of several vertebrae is the mineral of all over the area of all, ΣBMC/Σarea, not the
mean of their densities: a large vertebra weighs more. A single vertebra is never a spine. Vertebrae
that score unlike their neighbours are flagged here, never left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.arguments import is_among, number
from osteo_epi.cohort import refuse_foreign
from osteo_epi.diagnosis._columns import Columns, first_true, joined
from osteo_epi.errors import DefinitionError, did_you_mean
from osteo_epi.frames import as_polars, of_queries
from osteo_epi.norms import SEXES, Bands, YoungAdultReference

VERTEBRAE = ("l1", "l2", "l3", "l4")
NORM = "iscd_adjacent_vertebrae"


@dataclass(frozen=True)
class SpineRule:
    """How many of L1–L4 have to count; None takes the file's own total."""

    name: str
    least: int | None
    label: str


RULES = {
    rule.name: rule
    for rule in (
        SpineRule("all_four", 4, "all four of L1–L4 have to count"),
        SpineRule("at_least_two", 2, "at least two of L1–L4 have to count"),
        SpineRule("given_total", None, "the total that the file gives"),
    )
}


def find_spine_rule(name: str) -> SpineRule:
    """Look a rule up by name.

    Examples
    --------
    >>> find_spine_rule("at_least_two").least
    2
    """
    if not is_among(name, RULES):
        raise DefinitionError(
            f"unknown spine rule (--spine-rule) {name!r}{did_you_mean(name, RULES)}; there are "
            f"{', '.join(RULES)}"
        )
    return RULES[name]


@of_queries
def with_lumbar_spine(people: Any, *, rule: str = "at_least_two", tolerance: float = 1e-3) -> Any:
    """Add the lumbar spine's density by a stated rule, with what it rests on.

    Parameters
    ----------
    people
        Any frame with some of `abmd_l1` … `abmd_l4` [g/cm²], `bmc_l1` … [g], `area_l1` … [cm²],
        `valid_l1` …, `invalid_reason_l1` …, `abmd_lumbar_spine` [g/cm²], `valid_lumbar_spine`,
        `spine_unusable_reason`.
    rule
        `all_four`, `at_least_two` or `given_total`.
    tolerance
        Difference of a given total from what its parts give that is not yet a contradiction
        [g/cm²]; by default one unit of the third decimal, to which devices print.

    Returns
    -------
    frame
        Of the caller's kind, with `abmd_lumbar_spine_by_rule` [g/cm²], `lumbar_vertebrae`
        ("L1 L2 L4"), `lumbar_spine_source` (`bmc_over_area`, `mean_of_densities`, `given_total`),
        `lumbar_spine_reason` (why there is none), `lumbar_total_differs`.

    Notes
    -----
    A vertebra counts where its density is above 0 and its validity is not stated to be false; a
    reason in `invalid_reason_l1` … says so where `valid_l1` … is not stated.
    ΣBMC/Σarea is used where both are there for every vertebra that counts, else the mean of the
    densities; the given total only where nothing is known of single vertebrae. At least two, never
    one: ISCD adult positions 2019 and 2023. `lumbar_total_differs` looks at people with all four.

    Examples
    --------
    >>> import polars as pl
    >>> person = pl.DataFrame({
    ...     "bmc_l1": [12.0], "area_l1": [12.0], "bmc_l2": [15.0], "area_l2": [13.0],
    ...     "bmc_l3": [16.0], "area_l3": [15.0], "valid_l3": [False],
    ... })
    >>> with_lumbar_spine(person).select("abmd_lumbar_spine_by_rule", "lumbar_vertebrae").row(0)
    (1.08, 'L1 L2')
    """
    number(tolerance, "tolerance", least=0, unit="g/cm²")
    frame, restore = as_polars(people)
    spine = LumbarSpine(Columns.of(frame), find_spine_rule(rule))
    return restore(
        frame.with_columns(
            spine.density().alias("abmd_lumbar_spine_by_rule"),
            spine.vertebrae().alias("lumbar_vertebrae"),
            spine.source().alias("lumbar_spine_source"),
            spine.reason().alias("lumbar_spine_reason"),
            spine.total_differs(tolerance).alias("lumbar_total_differs"),
        )
    )


@of_queries
def with_neighbour_flag(
    people: Any, *, reference: str | YoungAdultReference, sex_rule: str = "own_sex"
) -> Any:
    """Name the pairs of adjacent vertebrae whose T-scores lie too far apart.

    Parameters
    ----------
    people
        Any frame with `sex` and single vertebrae, see `with_lumbar_spine`.
    reference
        Young adults, or their id. Its `l1` … `l4` are taken where it has them, else the mean and
        SD of its `lumbar_spine` for each vertebra; this flags more, since L3 and L4 of a sound
        spine are denser than L1.
    sex_rule
        "own_sex" or "female".

    Returns
    -------
    frame
        Of the caller's kind, with `lumbar_neighbour_flag` ("L1-L2 L2-L3"), null where no pair of
        vertebrae that count differs. The vertebrae are flagged, never left out.

    Notes
    -----
    More than 1.0 in T-score: ISCD, norm `indices/iscd_adjacent_vertebrae`.

    Examples
    --------
    >>> import polars as pl
    >>> person = pl.DataFrame({
    ...     "sex": ["female"], "abmd_l1": [0.80], "abmd_l2": [1.05], "abmd_l3": [1.10],
    ... })
    >>> with_neighbour_flag(person, reference="nhanes3_white_female")["lumbar_neighbour_flag"][0]
    'L1-L2'
    """
    young = reference
    if isinstance(young, str):
        young = norms.load("young_adult", young)
    frame, restore = as_polars(people)
    refuse_foreign(people, ["sex", *(f"abmd_l{i}" for i in range(1, 5))])
    columns = Columns.of(frame)
    columns.require(("sex",), purpose="the comparison of vertebrae")
    spine = LumbarSpine(columns, find_spine_rule("at_least_two"))
    flag = Neighbours(spine, young, sex_rule).flag()
    return restore(frame.with_columns(flag.alias("lumbar_neighbour_flag")))


@dataclass(frozen=True)
class LumbarSpine:
    """The expressions of one rule on what one frame offers."""

    columns: Columns
    rule: SpineRule

    def part(self, vertebra: str) -> pl.Expr | None:
        """Return the density of one vertebra, measured or from its mineral and area."""
        density = self.columns.density(f"abmd_{vertebra}")
        mineral, area = self.mineral(vertebra), self.area(vertebra)
        if mineral is None or area is None:
            return density
        return mineral / area if density is None else pl.coalesce(density, mineral / area)

    def mineral(self, vertebra: str) -> pl.Expr | None:
        """Return the mineral of one vertebra [g]."""
        return self.columns.density(f"bmc_{vertebra}")

    def area(self, vertebra: str) -> pl.Expr | None:
        """Return the projected area of one vertebra [cm²]."""
        return self.columns.density(f"area_{vertebra}")

    @property
    def is_known(self) -> bool:
        """Whether the frame holds anything from which the rule can make a spine."""
        return bool(self.parts) or "abmd_lumbar_spine" in self.columns

    @cached_property
    def parts(self) -> dict[str, pl.Expr]:
        """The vertebrae that the file knows, with their densities."""
        known_parts = {name: self.part(name) for name in VERTEBRAE} if self.rule.least else {}
        return {name: part for name, part in known_parts.items() if part is not None}

    def counts(self, vertebra: str) -> pl.Expr:
        """Say whether a vertebra counts; never null."""
        has_density = self.parts[vertebra].is_not_null()
        valid = self.columns.valid_vertebra(vertebra)
        return has_density if valid is None else has_density & valid.fill_null(True)

    def number(self) -> pl.Expr:
        """Count the vertebrae that count."""
        return pl.sum_horizontal(self.counts(name).cast(pl.UInt8) for name in self.parts)

    def unusable(self) -> pl.Expr | None:
        """Say whether somebody declared the spine unusable."""
        reason = self.columns.reason("spine_unusable_reason")
        return None if reason is None else reason.is_not_null()

    def stated_invalid(self) -> pl.Expr:
        """Say whether validity flags leave no spine, by the total or by vertebrae; never null."""
        total = self.columns.stated("valid_lumbar_spine")
        return self.too_few() if total is None else ~total.fill_null(True) | self.too_few()

    def too_few(self) -> pl.Expr:
        """Say whether too few vertebrae remain because some are stated invalid; never null.

        Not where these were merely not measured.
        """
        flags = [self.columns.valid_vertebra(name) for name in VERTEBRAE]
        refused = [(~flag.fill_null(True)).cast(pl.UInt8) for flag in flags if flag is not None]
        if not (self.rule.least and refused):
            return pl.lit(False)
        invalid = pl.sum_horizontal(refused)
        few = len(VERTEBRAE) - invalid < self.rule.least
        if not self.parts:
            return few
        usable = self.number()
        return few | ((usable < self.rule.least) & (usable + invalid >= self.rule.least))

    @property
    def few(self) -> str:
        """The code for fewer vertebrae than the rule asks for."""
        return f"{'not_all_four' if self.rule.name == 'all_four' else 'fewer_than_two'}_vertebrae"

    def total(self) -> pl.Expr | None:
        """Return the file's own total, where it is not stated to be invalid."""
        total = self.columns.density("abmd_lumbar_spine")
        valid = self.columns.stated("valid_lumbar_spine")
        if total is None or valid is None:
            return total
        return pl.when(valid.fill_null(True)).then(total)

    def from_parts(self) -> pl.Expr:
        """Put the vertebrae that count together: ΣBMC/Σarea, else the mean density."""
        return pl.coalesce(self._mineral_over_area(), self._mean_density())

    def _mean_density(self) -> pl.Expr:
        densities = (
            pl.when(self.counts(name)).then(part).otherwise(0.0)
            for name, part in self.parts.items()
        )
        return pl.sum_horizontal(densities) / self.number()

    def _mineral_over_area(self) -> pl.Expr:
        """ΣBMC/Σarea; null where a vertebra that counts lacks either (null spreads in a sum)."""
        if not any(self.mineral(name) is not None for name in self.parts):
            return pl.lit(None, dtype=pl.Float64)
        return self._sum(self.mineral) / self._sum(self.area)

    def _sum(self, quantity: Callable[[str], pl.Expr | None]) -> pl.Expr:
        """Add a quantity over the vertebrae that count; null where one of them lacks it."""
        values = {name: quantity(name) for name in self.parts}
        parts = [
            pl.when(self.counts(name)).then(value).otherwise(0.0) for name, value in values.items()
        ]
        return pl.sum_horizontal(parts, ignore_nulls=False)

    def silent(self) -> pl.Expr:
        """Say that nothing is known of single vertebrae, so that the total may speak."""
        known_parts = [part.is_not_null() for part in self.parts.values()]
        flags = (self.columns.valid_vertebra(name) for name in self.parts)
        known_parts += [~flag.fill_null(True) for flag in flags if flag is not None]
        return ~pl.any_horizontal(known_parts)

    def density(self) -> pl.Expr:
        """Return the lumbar spine's density by the rule [g/cm²]."""
        return self._density

    @cached_property
    def _density(self) -> pl.Expr:
        """Made once: many expressions ask for it."""
        total = self.total()
        if not self.parts:
            value = pl.lit(None, dtype=pl.Float64) if total is None else total
        else:
            value = pl.when(self.number() >= self.rule.least).then(self.from_parts())
            if total is not None:
                value = value.when(self.silent()).then(total)
        unusable = self.unusable()
        return value if unusable is None else pl.when(~unusable).then(value)

    def vertebrae(self) -> pl.Expr:
        """Name the vertebrae that count, as "L1 L2 L4"; null where none is known."""
        names = (pl.when(self.counts(name)).then(pl.lit(name.upper())) for name in self.parts)
        return joined(names, separator=" ")

    def source(self) -> pl.Expr:
        """Name what the density rests on; null where there is none."""
        has_density = self.density().is_not_null()
        if not self.parts:
            return first_true([(has_density, "given_total")])
        enough = self.number() >= self.rule.least
        return first_true(
            [
                (has_density & enough & self._mineral_over_area().is_not_null(), "bmc_over_area"),
                (has_density & enough, "mean_of_densities"),
                (has_density, "given_total"),
            ]
        )

    def reason(self) -> pl.Expr:
        """Say why there is no density of the lumbar spine; null where there is one."""
        return pl.when(self.density().is_null()).then(self.obstacle())

    def obstacle(self) -> pl.Expr:
        """Name the first obstacle, for people who have no density of the lumbar spine."""
        cases = [(self.unusable(), "spine_unusable")]
        if self.parts:
            cases.append((~self.silent(), self.few))
        total = self.columns.density("abmd_lumbar_spine")
        cases.append((None if total is None else total.is_not_null(), "spine_total_invalid"))
        cases.append((pl.lit(True), "spine_not_measured"))
        return first_true(cases)

    def total_differs(self, tolerance: float) -> pl.Expr:
        """Say whether the given total is not what L1–L4 give; null where it cannot be told."""
        total = self.columns.density("abmd_lumbar_spine")
        if total is None or len(self.parts) < len(VERTEBRAE):
            return pl.lit(None, dtype=pl.Boolean)
        differs = (total - self.from_parts()).abs() > tolerance
        return pl.when(self.number() == len(VERTEBRAE)).then(differs)


@dataclass(frozen=True)
class Neighbours:
    """The comparison of adjacent vertebrae against one reference."""

    spine: LumbarSpine
    reference: YoungAdultReference
    sex_rule: str

    def flag(self) -> pl.Expr:
        """Name the pairs that differ, joined by blanks; null where there is none."""
        parts, bands = self.spine.parts, _bands()
        pairs = [pair for pair in pairwise(VERTEBRAE) if set(pair) <= set(parts)]
        return joined((self._pair(*pair, bands) for pair in pairs), separator=" ")

    def _pair(self, upper: str, lower: str, bands: Bands) -> pl.Expr:
        both = self.spine.counts(upper) & self.spine.counts(lower)
        difference = (self._t(upper) - self._t(lower)).abs()
        name = f"{upper.upper()}-{lower.upper()}"
        return pl.when(both & bands.holds("differs", difference)).then(pl.lit(name))

    def _t(self, vertebra: str) -> pl.Expr:
        """T-score of one vertebra, by its own reference or that of L1–L4."""
        score = pl.lit(None, dtype=pl.Float64)
        for sex in SEXES:
            whose = "female" if self.sex_rule == "female" else sex
            young = self.reference.mean_sd(whose, vertebra) or self.reference.mean_sd(
                whose, "lumbar_spine"
            )
            if young is not None:
                score_of_sex = (self.spine.parts[vertebra] - young.mean) / young.sd
                score = pl.when(pl.col("sex") == sex).then(score_of_sex).otherwise(score)
        return score


def _bands() -> Bands:
    return next(iter(norms.load("indices", NORM).bands.values()))
