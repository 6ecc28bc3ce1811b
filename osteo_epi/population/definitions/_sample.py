"""Groups and statistics of a sample of persons, and shares of them with their joint covariance.

Two definitions classify the same people. The difference of their prevalences therefore needs the
covariance, and so it is built from each person's linearised values, not from two tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import t as student

from osteo_epi import norms
from osteo_epi.diagnosis import CLASSES, Definition, classify
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import SEXES, AgeBand, StandardPopulation
from osteo_epi.population._age_bands import Ages, age_range, band_edges, bands_between
from osteo_epi.population._result import ALL
from osteo_epi.survey import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    SurveyDesign,
    covariance,
    degrees_of_freedom,
    linearised_standard,
    rows_in,
    shares_by_name,
)

SEX = "sex"
WALD = "Taylor linearisation with covariance; interval: Wald on Student's t"


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
        (n,) the people.
    stratum, share, names
        (n,) strata of standardisation, their (S,) shares and names; one stratum where crude.
    """

    group: dict[str, str]
    statistic: str
    age_band: str
    mask: Mask = field(repr=False)
    stratum: Codes = field(repr=False)
    share: Array = field(repr=False)
    names: tuple[str, ...] = ()

    @property
    def keys(self) -> dict[str, str]:
        """What identifies the slice's rows."""
        return {**self.group, "statistic": self.statistic, "age_band": self.age_band}


@dataclass(frozen=True)
class Sample:
    """Everybody who was drawn, one row each.

    Parameters
    ----------
    design
        The design over the n rows.
    band
        (n,) age band 0 …; −1 outside the domain.
    bands
        The age bands.
    group
        Column to (n,) labels, None where missing.
    standard
        Standard population by the same bands, or None.
    """

    design: DesignArrays
    band: Codes
    bands: tuple[AgeBand, ...]
    group: dict[str, NDArray[np.object_]]
    standard: StandardPopulation | None

    @classmethod
    def of(
        cls,
        frame: pl.DataFrame,
        *,
        by: Sequence[str],
        design: SurveyDesign,
        edges: Sequence[float],
        standard: StandardPopulation | None,
        domain: Mask,
    ) -> Sample:
        """Read a frame whose `by` columns hold labels (see `labelled`)."""
        age = frame["age"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        band = np.searchsorted(np.asarray(edges), age, side="right").astype(np.int64) - 1
        inside = domain & (age >= edges[0]) & (age < edges[-1])
        return cls(
            design=design.arrays(frame),
            band=np.where(inside, band, -1),
            bands=bands_between(edges),
            group={column: frame[column].to_numpy() for column in by},
            standard=None if standard is None else standard.collapse(edges),
        )

    @property
    def inside(self) -> Mask:
        """(n,) people of the domain who carry weight."""
        return rows_in(self.design, self.band >= 0)

    def groups(self) -> list[dict[str, str]]:
        """Combinations of levels that hold somebody, "all" the last level of each column."""
        levels = {column: [*self.levels(column), ALL] for column in self.group}
        products = itertools.product(*levels.values())
        made = [dict(zip(levels, product, strict=True)) for product in products]
        return [group for group in made if self.mask(group).any()]

    def levels(self, column: str) -> list[str]:
        """Levels of a column within the domain."""
        return sorted({label for label in self.group[column][self.inside] if label is not None})

    def mask(self, group: dict[str, str]) -> Mask:
        """(n,) people of a group within the domain."""
        mask = self.inside
        for column, level in group.items():
            if level != ALL:
                mask = mask & (self.group[column] == level)
        return mask

    def slices(self) -> Iterator[Slice]:
        """Every group, crude, standardised and by age band, in the order of a prevalence."""
        for group in self.groups():
            mask = self.mask(group)
            ages = AgeBand.of(self.bands[0].lower, self.bands[-1].upper).name
            whole, one = np.zeros(len(mask), dtype=np.int64), np.ones(1)
            yield Slice(group, "crude", ages, mask, whole, one)
            if self.standard is not None:
                yield self._standardised(group, ages, mask, self.standard)
            for code, band in enumerate(self.bands):
                inside = mask & (self.band == code)
                yield Slice(group, "age_band", band.name, inside, whole, one)

    def _standardised(
        self, group: dict[str, str], ages: str, mask: Mask, standard: StandardPopulation
    ) -> Slice:
        """Over age; over age and sex together where the row joins sexes that the standard has."""
        names: list[Any] = [band.name for band in self.bands]
        sex = group.get(SEX, ALL)
        stratum, counts = self.band, dict[Any, float](standard.counts())
        if standard.by_sex and sex != ALL:
            counts = dict(standard.counts(sex))
        elif standard.by_sex and SEX in group:
            sexes = self.levels(SEX)
            names = [(name, level) for level in sexes for name in names]
            counts = {(b, s): n for s in standard.table for b, n in standard.counts(s).items()}
            place = [np.where(self.group[SEX] == level, i, -1) for i, level in enumerate(sexes)]
            at = np.max(place, axis=0)
            stratum = np.where((at >= 0) & mask, at * len(self.bands) + self.band, -1)
        share = shares_by_name(counts, names)
        called = tuple(", ".join(n) if isinstance(n, tuple) else n for n in names)
        return Slice(group, "age_standardised", ages, mask, stratum, share, called)


@dataclass(frozen=True)
class Combination:
    """A sum of shares, each times a number, with what its standard error rests on."""

    value: float
    se: float
    df: int
    n: int

    def limits(self, confidence: float) -> dict[str, float | int | None]:
        """Estimate, standard error and Wald limits; nothing where somebody is lacking."""
        if not np.isfinite(self.value):
            return dict.fromkeys(("estimate", "se", "lower", "upper"))
        reach = float(student.ppf(0.5 + confidence / 2, self.df)) * self.se if self.df else np.nan
        low, high = self.value - reach, self.value + reach
        ends = {"lower": low, "upper": high} if np.isfinite(reach) else {}
        return {"estimate": self.value, "se": self.se, "lower": None, "upper": None, **ends}


@dataclass(frozen=True)
class Shares:
    """k shares in one slice, with the (n, k) linearised values that give their covariance.

    Parameters
    ----------
    value
        (k,) shares; NaN where nobody was measured.
    influence
        (n, k) weighted linearised values.
    rows
        (n, k) people whom each share rests on.
    design
        The design over the n rows.
    """

    value: Array
    influence: Array
    rows: Mask
    design: DesignArrays

    @classmethod
    def of(cls, cut: Slice, outcome: Mask, measured: Mask, design: DesignArrays) -> Shares:
        """Shares of (n, k) outcomes among the (n, k) people measured in a slice."""
        base = rows_in(design, cut.mask & (cut.stratum >= 0))
        rows = measured & base[:, None]
        value, influence = np.full(rows.shape[1], np.nan), np.zeros(rows.shape)
        for j in range(rows.shape[1]):
            if rows[:, j].any():
                weight = np.where(rows[:, j], design.weight, 0.0)
                value[j], influence[:, j] = linearised_standard(
                    (outcome[:, j] & rows[:, j]).astype(float),
                    weight,
                    cut.stratum,
                    cut.share,
                    names=cut.names or None,
                )
        return cls(value, influence, rows, design)

    def combine(self, terms: Iterable[tuple[int, float]]) -> Combination:
        """Sum of shares, each (column, factor)."""
        listed = list(terms)
        columns = [column for column, _ in listed]
        factor = np.zeros(len(self.value))
        for column, times in listed:
            factor[column] += times
        rows = np.logical_or.reduce(self.rows[:, columns], axis=1)
        if np.isnan(self.value[columns]).any():
            return Combination(np.nan, np.nan, 0, int(rows.sum()))
        total = self.influence @ factor
        variance = float(covariance(total, self.design, domain=rows)[0, 0])
        df = degrees_of_freedom(self.design, rows)
        value = float(self.value[columns] @ np.array([times for _, times in listed]))
        return Combination(value, float(np.sqrt(max(variance, 0.0))), df, int(rows.sum()))


def labelled(frame: pl.DataFrame, columns: Sequence[str]) -> list[pl.Expr]:
    """Levels of the columns as text; whole numbers without a decimal point, whatever their type.

    Raises
    ------
    SchemaError
        If a column is absent.
    DesignError
        If a column holds a level named "all".
    """
    absent = [column for column in ("age", SEX, *columns) if column not in frame.columns]
    if absent:
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data; age, sex and the columns named "
            "in by= are needed"
        )
    made = []
    for column in columns:
        level = pl.col(column)
        if frame.schema[column].is_float():
            whole = level.cast(pl.Int64, strict=False)
            text = pl.when(level == whole).then(whole.cast(pl.String))
            level = pl.when(level.is_not_nan()).then(text.otherwise(level.cast(pl.String)))
        made.append(level.cast(pl.String).alias(column))
        if (frame.select(made[-1]).to_series() == ALL).any():
            raise DesignError(f"column {column} holds a level named {ALL!r}: rename it")
    return made


NOT_CLASSIFIABLE = "not_classifiable"
UNMEASURED = -1
DOMAIN = "_domain"


@dataclass(frozen=True)
class Asked:
    """What is estimated, in whom: the keywords that every estimate of this family shares.

    Parameters
    ----------
    by
        Columns to break down by; each gets a level "all".
    standard
        Standard population for the age-standardised rows.
    design
        The survey design; simple random sampling without one.
    ages, age_bands
        Ages that count, and edges of the bands [years].
    domain
        Boolean column or expression: the population.
    """

    by: tuple[str, ...]
    standard: StandardPopulation | None
    design: SurveyDesign
    ages: Ages | None
    age_bands: Sequence[float] | None
    domain: str | pl.Expr | None

    @classmethod
    def of(
        cls,
        by: str | Sequence[str],
        standard: str | StandardPopulation | None,
        design: SurveyDesign | None,
        ages: Ages | None,
        age_bands: Sequence[float] | None,
        domain: str | pl.Expr | None,
    ) -> Asked:
        """Bring the keywords of a public function into one form."""
        columns = (by,) if isinstance(by, str) else tuple(by)
        found = (
            norms.load("standard_population", standard) if isinstance(standard, str) else standard
        )
        drawn = SurveyDesign() if design is None else design
        return cls(columns, found, drawn, ages, age_bands, domain)

    def edges(self, base: Definition) -> tuple[float, ...]:
        """Edges of the age bands; the ages are those of the base definition unless given."""
        ages = base.criterion.prevalence_ages if self.ages is None else self.ages
        return band_edges(age_range(ages), self.standard, self.age_bands)

    def how(self) -> dict[str, Any]:
        """The keywords, as `prevalence` takes them, for a frame of `People`."""
        return {
            "by": self.by,
            "standard": self.standard,
            "design": self.design,
            "domain": None if self.domain is None else DOMAIN,
        }


@dataclass(frozen=True)
class People:
    """Everybody who was drawn, and the class of each under k definitions.

    Parameters
    ----------
    frame
        Age, design, labels of the `by` columns, and the domain.
    codes
        (n, k) index into `CLASSES`; −1 where not classified, or not on complete sites.
    sample
        Groups, age bands and design.
    """

    frame: pl.DataFrame = field(repr=False)
    codes: Codes = field(repr=False)
    sample: Sample = field(repr=False)

    @classmethod
    def of(
        cls, people: Any, definitions: Iterable[Definition], asked: Asked, edges: Sequence[float]
    ) -> People:
        """Classify people by each definition."""
        frame, _ = as_polars(people)
        eager = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
        kept = _kept(eager, asked)
        sample = Sample.of(
            kept,
            by=asked.by,
            design=asked.design,
            edges=edges,
            standard=asked.standard,
            domain=kept[DOMAIN].to_numpy(),
        )
        codes = np.column_stack([class_codes(eager, chosen) for chosen in definitions])
        return cls(kept, codes, sample)

    @property
    def measured(self) -> Mask:
        """(n, k) whom each definition classifies."""
        return self.codes != UNMEASURED

    @property
    def common(self) -> Mask:
        """(n,) people whom every definition classifies."""
        return np.logical_and.reduce(self.measured, axis=1)

    def holds(self, bone_class: str) -> Mask:
        """(n, k) who has the class."""
        return self.codes == CLASSES.index(bone_class)

    def classified(self, column: int, *, among: Mask | None = None) -> pl.DataFrame:
        """The frame with the class under one definition, known only `among` some people."""
        codes = self.codes[:, column]
        known = codes != UNMEASURED if among is None else among & (codes != UNMEASURED)
        names = np.array([*CLASSES[:-1], NOT_CLASSIFIABLE], dtype=object)
        return self.frame.with_columns(
            bone_class=pl.Series(names[codes], dtype=pl.String),
            sites_complete=pl.Series(known),
        )

    def losses(self) -> list[tuple[int, str]]:
        """Definitions (by column) that classify nobody of a sex that the domain holds."""
        sex = self.frame[SEX].to_numpy()
        here = [(label, self.sample.inside & (sex == label)) for label in SEXES]
        return [
            (j, label)
            for j in range(self.codes.shape[1])
            for label, mask in here
            if mask.any() and not self.measured[mask, j].any()
        ]

    def check(self, names: Sequence[str]) -> None:
        """Refuse definitions that leave nobody to compare."""
        inside = self.sample.inside
        if (self.common & inside).any():
            return
        n = (self.measured & inside[:, None]).sum(axis=0)
        each = "; ".join(f"{name}: {count}" for name, count in zip(names, n, strict=True))
        raise DefinitionError(
            f"nobody of the {int(inside.sum())} people is classifiable under all {len(names)} "
            f"definitions ({each}); leave out those that classify nobody, or give them a reference "
            "that holds these regions and sexes"
        )


def class_codes(frame: pl.DataFrame, chosen: Definition) -> Codes:
    """(n,) index of each person's class; −1 where unknown, or known on incomplete sites only.

    Someone whose spine is missing would otherwise enter only when the hip is osteoporotic.
    """
    found = (
        classify(frame.lazy(), chosen)
        .select(
            code=pl.when(pl.col("sites_complete").fill_null(False)).then(
                pl.col("bone_class").to_physical().cast(pl.Int64)
            )
        )
        .collect()
    )
    codes = found["code"].fill_null(UNMEASURED).to_numpy()
    return np.where(codes == CLASSES.index(NOT_CLASSIFIABLE), UNMEASURED, codes)


def _kept(frame: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """What the estimates need: age, design, labels, and the domain as true or false."""
    labels = labelled(frame, asked.by)
    absent = [column for column in asked.design.columns if column not in frame.columns]
    shared = [column for column in asked.by if column in (*asked.design.columns, "age")]
    if absent or shared:
        raise SchemaError(
            f"design column(s) {', '.join(absent)} are not in the data"
            if absent
            else f"column(s) {', '.join(shared)} belong to the design; break down by a copy of them"
        )
    kept = [c for c in ("age", SEX, *asked.design.columns) if c not in asked.by]
    return frame.select(*dict.fromkeys(kept), *labels, _domain(frame, asked.domain)).with_columns(
        pl.col(SEX).cast(pl.String)
    )


def _domain(frame: pl.DataFrame, domain: str | pl.Expr | None) -> pl.Expr:
    if domain is None:
        return pl.lit(True).alias(DOMAIN)
    asked = pl.col(domain) if isinstance(domain, str) else domain
    try:
        kind = frame.lazy().select(asked.alias(DOMAIN)).collect_schema()[DOMAIN]
    except pl.exceptions.ColumnNotFoundError as error:
        raise SchemaError("domain names a column that is not in the data") from error
    if kind != pl.Boolean:
        raise SchemaError(f"domain must be true or false for each person, not {kind}")
    return asked.fill_null(False).alias(DOMAIN)
