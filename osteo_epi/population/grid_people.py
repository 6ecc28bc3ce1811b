"""The same people under several definitions: who is classified by each, as which class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import norms
from osteo_epi.diagnosis import Definition, classify
from osteo_epi.diagnosis.definition import CLASSES
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import enter
from osteo_epi.norms.populations import StandardPopulation
from osteo_epi.norms.references import SEXES
from osteo_epi.population.age_bands import Ages, age_range, band_edges
from osteo_epi.population.design import SurveyDesign
from osteo_epi.population.grid_sample import SEX, Sample, labelled
from osteo_epi.population.structure import Codes, Mask

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
        frame, _ = enter(people)
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
