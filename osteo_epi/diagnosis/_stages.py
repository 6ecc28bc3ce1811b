"""What a class is made of, stage by stage: who is judged by which score, and the scores themselves.

A region has a score where the frame and the reference allow one (`Scores`); `Stages` puts them, who
is judged by which score, the sites and the fracture record into columns that `_classify` and
`_reasons` read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from osteo_epi.diagnosis._applicability import Applicability
from osteo_epi.diagnosis._columns import OWN, Columns
from osteo_epi.diagnosis._definition import Definition, Reported
from osteo_epi.diagnosis.fracture import Fracture, classes
from osteo_epi.diagnosis.measurements._densities import Densities
from osteo_epi.norms import (
    SEXES,
    AgeReference,
    YoungAdultReference,
    t_score_expr,
    z_row_expr,
    z_score_expr,
)

USABLE = "_oe_usable"
ROW = "_oe_row_of_age_reference"
T_APPLIES, VBMD = f"{OWN}t_applies", f"{OWN}vbmd"
DXA, CTXA_MIN, LOWEST = f"{OWN}dxa", f"{OWN}ctxa", f"{OWN}lowest"
SUBSTITUTED, COMPLETE = f"{OWN}substituted", "sites_complete"


@dataclass(frozen=True)
class Scores:
    """The scores that one definition makes of one frame; None where there can be none."""

    definition: Definition
    densities: Densities

    def usable(self) -> list[pl.Expr]:
        """Columns on which the scores stand: usable densities, the row in the age reference."""
        densities = {roi: self.densities.areal.density(roi) for roi in self.definition.scored}
        columns = [
            density.alias(usable_column(roi))
            for roi, density in densities.items()
            if density is not None
        ]
        reference = self.definition.age_reference
        if isinstance(reference, AgeReference) and columns:
            columns.append(z_row_expr(reference).alias(ROW))
        return columns

    def t(self, roi: str) -> pl.Expr | None:
        """T-score of a region, unrounded."""
        reference = self.definition.reference
        if isinstance(reference, Reported):
            return self.densities.reported(roi, "t")
        if not isinstance(reference, YoungAdultReference):
            return None
        sexes = (self.definition.reference_sex(sex) for sex in SEXES)
        held = any(reference.mean_sd(sex, roi) for sex in sexes)
        if not held or self.densities.areal.density(roi) is None:
            return None
        return t_score_expr(usable_column(roi), roi, reference, self.definition.sex_rule)

    def z(self, roi: str) -> pl.Expr | None:
        """Z-score of a region, unrounded; null outside the ages of the reference."""
        reference = self.definition.age_reference
        if isinstance(reference, Reported):
            return self.densities.reported(roi, "z")
        if reference is None or self.densities.areal.density(roi) is None:
            return None
        if not any(reference.curve(sex, roi) for sex in SEXES):
            return None
        return z_score_expr(usable_column(roi), roi, reference, row=pl.col(ROW))


def usable_column(roi: str) -> str:
    """Name the column of a region's usable density, for as long as a classification runs."""
    return f"abmd_{roi}{USABLE}"


def lacks_sex(reference: object, sex: str) -> bool:
    """Whether a young-adult reference has nothing at all for a sex."""
    if not isinstance(reference, YoungAdultReference):
        return False
    return all(entry.sex != sex for entry in reference.entries)


@dataclass(frozen=True)
class Stages:
    """The stages of one definition on what one frame offers."""

    definition: Definition
    columns: Columns

    @cached_property
    def applicability(self) -> Applicability:
        """Which score applies to whom."""
        return Applicability(self.columns, self.definition)

    @cached_property
    def densities(self) -> Densities:
        """The measurements that may enter a score."""
        return Densities(self.columns, self.definition)

    @cached_property
    def fracture(self) -> Fracture:
        """The fracture record."""
        chosen = self.definition
        return Fracture(
            self.columns,
            classes(chosen.genant),
            chosen.genant_from,
            chosen.endplate_rule,
            chosen.fracture_open,
        )

    @cached_property
    def t_scores(self) -> dict[str, pl.Expr]:
        """T-scores by region, where the frame and the reference allow one."""
        return self._scores("t")

    @cached_property
    def z_scores(self) -> dict[str, pl.Expr]:
        """Z-scores by region; none where the criterion has no classes for them."""
        return self._scores("z")

    def _scores(self, which: str) -> dict[str, pl.Expr]:
        score = getattr(Scores(self.definition, self.densities), which)
        scores = {roi: score(roi) for roi in self.definition.scored}
        return {roi: score for roi, score in scores.items() if score is not None}

    @property
    def z_counts(self) -> bool:
        """Whether anybody can be classified by a Z-score."""
        return bool(self.z_scores) and self.definition.criterion.z_score is not None

    @property
    def takes_fractures(self) -> bool:
        """Whether a fragility fracture can decide."""
        return "fracture" in self.definition.evidence and self.fracture.has_record

    @property
    def leaves_open(self) -> bool:
        """Whether an open fracture record leaves the class of a person open."""
        return self.takes_fractures and self.definition.fracture_open == "unknown"

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add the columns of every stage."""
        if self.takes_fractures:
            frame = self.fracture.apply(frame)
        for stage in (self._base, self._scored, self._chosen, self._sites, self._lowest):
            frame = frame.with_columns(stage())
        return frame

    def _base(self) -> list[pl.Expr]:
        columns = [self.applicability.t_applies().alias(T_APPLIES)]
        columns += Scores(self.definition, self.densities).usable()
        volumetric = self.densities.volumetric()
        return columns if volumetric is None else [*columns, volumetric.alias(VBMD)]

    def _scored(self) -> list[pl.Expr]:
        columns = [score.alias(f"t_score_{roi}") for roi, score in self.t_scores.items()]
        columns += [score.alias(f"z_score_{roi}") for roi, score in self.z_scores.items()]
        if "lumbar_spine" in self.definition.scored and self.densities.areal.spine.is_known:
            spine = pl.col(usable_column("lumbar_spine"))
            columns.append(spine.alias("abmd_lumbar_spine_by_rule"))
        return columns

    def _chosen(self) -> list[pl.Expr]:
        """Take the one score that applies to each person; without Z-scores there is only T."""
        applies = pl.col(T_APPLIES)
        none = pl.lit(None, dtype=pl.Float64)
        columns = []
        for roi in self.chosen_rois:
            score = pl.col(f"t_score_{roi}") if roi in self.t_scores else none
            if self.z_counts:
                z = pl.col(f"z_score_{roi}") if roi in self.z_scores else none
                score = pl.when(applies).then(score).when(~applies).then(z)
            columns.append(score.alias(f"{OWN}{roi}"))
        return columns

    @cached_property
    def chosen_rois(self) -> tuple[str, ...]:
        """Regions for which some score exists, in the definition's order."""
        scored = {*self.t_scores, *(self.z_scores if self.z_counts else ())}
        return tuple(roi for roi in self.definition.scored if roi in scored)

    def chosen(self, rois: Iterable[str]) -> list[pl.Expr]:
        """Return the scores that apply, of those regions that have one."""
        return [pl.col(f"{OWN}{roi}") for roi in rois if roi in self.chosen_rois]

    def lacks(self, site: str) -> pl.Expr:
        """Say whether a site has no score by DXA."""
        return pl.col(f"{OWN}lacks_{site}")

    @property
    def required(self) -> tuple[str, ...]:
        """Sites that DXA has to have."""
        takes_dxa = "dxa" in self.definition.evidence
        return tuple(site.name for site in self.definition.sites) if takes_dxa else ()

    def _sites(self) -> list[pl.Expr]:
        columns = []
        for site in self.definition.sites if self.required else ():
            scored = [score.is_not_null() for score in self.chosen(site.rois)]
            lacks = ~pl.any_horizontal(scored) if scored else pl.lit(True)
            columns.append(lacks.alias(f"{OWN}lacks_{site.name}"))
        return columns

    @property
    def can_substitute(self) -> bool:
        """Whether the frame has the region that may stand in for a site."""
        return self.definition.substitute in self.chosen_rois

    def substituted(self) -> pl.Expr:
        """Say whether the radius stands in: exactly one site is lacking, and it is there.

        The consensus adds the forearm where one of the two sites cannot be used; a forearm alone
        is no measurement of spine and hip.
        """
        if not self.can_substitute:
            return pl.lit(False)
        lacking = pl.sum_horizontal(self.lacks(site).cast(pl.UInt8) for site in self.required)
        radius = self.chosen([self.definition.substitute or ""])[0]
        return (lacking == 1) & radius.is_not_null()

    def _lowest(self) -> list[pl.Expr]:
        dxa = self.chosen(self.definition.rois if self.required else ())
        ctxa = self.chosen(self.definition.ctxa_rois)
        if self.can_substitute:
            radius = self.chosen([self.definition.substitute or ""])[0]
            dxa.append(pl.when(self.substituted()).then(radius))
        return [
            self.substituted().alias(SUBSTITUTED),
            _lowest_of(dxa).alias(DXA),
            _lowest_of(ctxa).alias(CTXA_MIN),
            _lowest_of([*dxa, *ctxa]).alias(LOWEST),
            self._complete(ctxa).alias(COMPLETE),
        ]

    def _complete(self, ctxa: list[pl.Expr]) -> pl.Expr:
        """Say whether all that the definition asks for is there; one QCT site suffices."""
        ways = [score.is_not_null() for score in ctxa]
        if self.required:
            present = ~pl.any_horizontal(self.lacks(site) for site in self.required)
            ways.append(present | self.substituted() if self.can_substitute else present)
        if self.has_volumetric:
            ways.append(pl.col(VBMD).is_not_null() & pl.col(T_APPLIES).fill_null(False))
        judged = pl.col(T_APPLIES) if not self.z_counts else pl.col(T_APPLIES).is_not_null()
        complete = ways[0] if len(ways) == 1 else pl.any_horizontal(ways or [pl.lit(False)])
        by_score = complete & judged
        return by_score.fill_null(False)

    @cached_property
    def has_volumetric(self) -> bool:
        """Whether QCT of the spine can decide."""
        return self.densities.volumetric() is not None


def _lowest_of(scores: list[pl.Expr]) -> pl.Expr:
    if not scores:
        return pl.lit(None, dtype=pl.Float64)
    return scores[0] if len(scores) == 1 else pl.min_horizontal(scores)
