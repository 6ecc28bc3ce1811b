"""What a class is made of, stage by stage: who is judged by which score, and the scores themselves.

A region has a score where the frame and the reference allow one (`Scores`); `Stages` puts them, who
is judged by which score, the sites and the fracture record into columns that `_classify` and
`_reasons` read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce

import polars as pl

from osteo_epi.diagnosis._applicability import Applicability
from osteo_epi.diagnosis._columns import OWN, Columns
from osteo_epi.diagnosis._definition import Definition, Reported
from osteo_epi.diagnosis._regions import Site
from osteo_epi.diagnosis.fracture import Fracture, classes
from osteo_epi.diagnosis.measurements._densities import Densities
from osteo_epi.norms import (
    SEXES,
    AgeReference,
    YoungAdultReference,
    t_score_expr,
    z_lines_expr,
    z_score_expr,
)

USABLE = "_oe_usable"
LINES = "_oe_lines_of_age_reference"
T_APPLIES, VBMD = f"{OWN}t_applies", f"{OWN}vbmd"
DXA, CTXA_MIN, LOWEST = f"{OWN}dxa", f"{OWN}ctxa", f"{OWN}lowest"
SUBSTITUTED, COMPLETE = f"{OWN}substituted", "sites_complete"


@dataclass(frozen=True)
class Scores:
    """The scores that one definition makes of one frame; None where there can be none."""

    definition: Definition
    densities: Densities

    def usable(self) -> list[pl.Expr]:
        """Columns on which the scores stand: usable densities, lines of the age reference."""
        densities = {roi: self.densities.areal.density(roi) for roi in self.definition.scored}
        columns = [
            density.alias(usable_column(roi))
            for roi, density in densities.items()
            if density is not None
        ]
        reference = self.definition.age_reference
        if isinstance(reference, AgeReference) and columns:
            read = [roi for roi, density in densities.items() if density is not None]
            columns.append(z_lines_expr(reference, read).alias(LINES))
        return columns

    def t(self, roi: str) -> pl.Expr | None:
        """T-score of a region, unrounded."""
        reference = self.definition.young_adults(roi)
        if isinstance(reference, Reported):
            return self.densities.reported(roi, "t")
        if not isinstance(reference, YoungAdultReference):
            return None
        held = any(self.definition.mean_sd(sex, roi) for sex in SEXES)
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
        return z_score_expr(usable_column(roi), roi, reference, lines=pl.col(LINES))


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
        scores = (self._base, self._scored, self._chosen)
        stages = (*scores, self._regions, self._stand_in, self._lowest)
        for stage in stages:
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
        columns += [
            pl.col(usable_column(roi)).alias(f"abmd_{roi}_by_rule")
            for roi in self.definition.scored
            if self.densities.areal.has_sides(roi)
        ]
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

    def absent(self, roi: str) -> pl.Expr:
        """Say whether a region is missing that has to be there: not scored, not stated invalid."""
        return pl.col(f"{OWN}absent_{roi}")

    def unscored(self, roi: str) -> pl.Expr:
        """Say whether a region was measured and the reference has nothing to score it with."""
        return pl.col(f"{OWN}unscored_{roi}")

    @property
    def required(self) -> tuple[str, ...]:
        """Sites that DXA has to have."""
        return tuple(site.name for site in self.required_sites)

    @property
    def required_sites(self) -> tuple[Site, ...]:
        """Sites that DXA has to have, with their regions."""
        return self.definition.sites if "dxa" in self.definition.evidence else ()

    @cached_property
    def required_rois(self) -> tuple[str, ...]:
        """Regions that have to be there beside another region of their site."""
        if self.definition.rois_required == "any":
            return ()
        return tuple(roi for s in self.required_sites if len(s.rois) > 1 for roi in s.rois)

    def measured(self, roi: str) -> pl.Expr:
        """Say whether a region has something to be scored, or the file's own score."""
        densities = self.densities
        if not self.is_reported(roi):
            if densities.areal.density(roi) is None:
                return pl.lit(False)
            return pl.col(usable_column(roi)).is_not_null()
        scores = (densities.reported(roi, "t"), densities.reported(roi, "z"))
        reports = [score.is_not_null() for score in scores if score is not None]
        return pl.any_horizontal(reports) if reports else pl.lit(False)

    def is_reported(self, roi: str) -> bool:
        """Whether the score of a region is the file's own."""
        return isinstance(self.definition.young_adults(roi), Reported)

    def _unscored(self, roi: str) -> pl.Expr:
        """A reported score that is not there is missing; there is no reference to lack it."""
        if self.is_reported(roi):
            return pl.lit(False)
        return self.measured(roi) & self._no_score([roi])

    def _no_score(self, rois: Iterable[str]) -> pl.Expr:
        scores = [score.is_null() for score in self.chosen(rois)]
        return pl.all_horizontal(scores) if scores else pl.lit(True)

    def _regions(self) -> list[pl.Expr]:
        """Say of each site and region whether its score is there, and if not whose fault it is."""
        rois = [roi for site in self.required_sites for roi in site.rois]
        columns = [
            self._no_score(site.rois).alias(f"{OWN}lacks_{site.name}")
            for site in self.required_sites
        ]
        columns += [
            self._unscored(roi).alias(f"{OWN}unscored_{roi}")
            for roi in [*rois, *self.definition.ctxa_rois, *self.substitutes]
        ]
        for roi in self.required_rois:
            invalid = self.densities.areal.stated_invalid(roi)
            absent = self._no_score([roi]) & ~self._unscored(roi) & ~invalid
            columns.append(absent.alias(f"{OWN}absent_{roi}"))
        return columns

    @property
    def substitutes(self) -> tuple[str, ...]:
        """The region that may stand in for a site, where DXA is read and has one."""
        roi = self.definition.substitute
        return (roi,) if roi and self.required else ()

    @property
    def can_substitute(self) -> bool:
        """Whether the frame has the region that may stand in for a site."""
        return self.definition.substitute in self.chosen_rois

    def dominant_forearm(self) -> pl.Expr:
        """Say whether the forearm is stated to be the dominant one; never null."""
        stated = self.columns.stated("forearm_dominant")
        return pl.lit(False) if stated is None else stated.fill_null(False)

    def one_lacks(self) -> pl.Expr:
        """Say whether exactly one of the sites lacks, so that another region may be added."""
        return pl.sum_horizontal(self.lacks(site).cast(pl.UInt8) for site in self.required) == 1

    def unusable(self, site: Site) -> pl.Expr:
        """Say whether a site lacks because it is stated to be unusable; an empty cell is no word.

        A site that QCT has judged needs nothing in its place; what the reference lacks gets none.
        """
        stated = self.densities.areal.stated_unusable(site.name, site.rois)
        needless = [self._by_qct(site.name), *map(self.unscored, site.rois)]
        return self.lacks(site.name) & stated & ~pl.any_horizontal(needless)

    def forearm_needed(self) -> pl.Expr:
        """Say whether one site is unusable, and the other not: then the forearm is added."""
        return self.one_lacks() & pl.any_horizontal(map(self.unusable, self.required_sites))

    def _replaceable(self, site: Site) -> pl.Expr:
        """Whether the radius may stand in for a site; never for what the reference lacks."""
        if self.definition.substitute_rule == "when_unusable":
            return self.unusable(site)
        unscored = [self.unscored(roi) for roi in site.rois]
        by_qct = [self._by_qct(name) for name in ("spine", "hip")]
        missing = self.lacks(site.name) & ~pl.any_horizontal([*unscored, *by_qct])
        return self.unusable(site) | missing

    def _by_qct(self, site: str) -> pl.Expr:
        """Whether QCT has judged a site; never null."""
        if site == "hip":
            return ~self._no_score(self.definition.ctxa_rois)
        if not self.has_volumetric:
            return pl.lit(False)
        return pl.col(VBMD).is_not_null() & pl.col(T_APPLIES).fill_null(False)

    def substituted(self) -> pl.Expr:
        """Say whether the radius stands in: exactly one site is unusable, and it is there.

        The consensus adds the forearm where one of the two sites cannot be used; a forearm alone
        is no measurement of spine and hip, and the dominant one is not the forearm it names.
        """
        if not self.can_substitute:
            return pl.lit(False)
        replaceable = pl.any_horizontal(map(self._replaceable, self.required_sites))
        radius = self.chosen(self.substitutes)[0].is_not_null() & ~self.dominant_forearm()
        return self.one_lacks() & replaceable & radius

    def _stand_in(self) -> list[pl.Expr]:
        return [self.substituted().alias(SUBSTITUTED)]

    def _lowest(self) -> list[pl.Expr]:
        dxa = self.chosen(self.definition.rois if self.required else ())
        ctxa = self.chosen(self.definition.ctxa_rois)
        if self.can_substitute:
            dxa.append(pl.when(pl.col(SUBSTITUTED)).then(self.chosen(self.substitutes)[0]))
        return [
            _lowest_of(dxa).alias(DXA),
            _lowest_of(ctxa).alias(CTXA_MIN),
            _lowest_of([*dxa, *ctxa]).alias(LOWEST),
            self._complete().alias(COMPLETE),
        ]

    def _complete(self) -> pl.Expr:
        """Say whether all that the definition asks for is there; one QCT site suffices."""
        ways = []
        if self.definition.ctxa_rois:
            unscored = [self.unscored(roi) for roi in self.definition.ctxa_rois]
            ways.append(self._by_qct("hip") & ~pl.any_horizontal(unscored))
        if self.required:
            ways.append(self.dxa_is_whole())
        if self.has_volumetric:
            ways.append(self._by_qct("spine"))
        judged = pl.col(T_APPLIES) if not self.z_counts else pl.col(T_APPLIES).is_not_null()
        complete = ways[0] if len(ways) == 1 else pl.any_horizontal(ways or [pl.lit(False)])
        by_score = complete & judged
        return by_score.fill_null(False)

    def dxa_is_whole(self) -> pl.Expr:
        """Say whether DXA has all that the definition asks of it."""
        whole = [self._whole(site) for site in self.required_sites]
        return pl.all_horizontal(whole) if whole else pl.lit(False)

    def _whole(self, site: Site) -> pl.Expr:
        """Whether a site has all its regions that have to be there, or the radius in its place."""
        unscored = [self.unscored(roi) for roi in site.rois]
        absent = [self.absent(roi) for roi in site.rois if roi in self.required_rois]
        gap = pl.any_horizontal([self.lacks(site.name), *unscored, *absent])
        return ~gap | (self.lacks(site.name) & pl.col(SUBSTITUTED))

    @cached_property
    def has_volumetric(self) -> bool:
        """Whether QCT of the spine can decide."""
        return self.densities.volumetric() is not None


def _lowest_of(scores: list[pl.Expr]) -> pl.Expr:
    if not scores:
        return pl.lit(None, dtype=pl.Float64)
    return reduce(_lower, scores)


def _lower(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Return the lower of two scores, or the one that is there: half of `min_horizontal`'s time."""
    return pl.when((a < b) | b.is_null()).then(a).otherwise(b)
