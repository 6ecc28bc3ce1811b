"""Why a person has no class, or what a class rests on besides the lowest score."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.diagnosis.offered import first_true, joined
from osteo_epi.diagnosis.scores import lacks_sex, usable_column
from osteo_epi.diagnosis.stages import FRAGILE, OWN, SUBSTITUTED, T_APPLIES, VBMD, Stages
from osteo_epi.norms.references import SEXES

OBSTACLE = f"{OWN}obstacle"
Case = tuple[pl.Expr | None, str]


@dataclass(frozen=True)
class Reasons:
    """The expressions of the reason on the columns of the stages and of the class."""

    stages: Stages

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add codes joined by "; ": why there is no class, else what the class rests on."""
        unclassified = pl.col("bone_class") == "not_classifiable"
        frame = frame.with_columns(pl.when(unclassified).then(self._obstacle()).alias(OBSTACLE))
        parts = [pl.col(OBSTACLE), *self._why_missing(), *self._remarks(~unclassified)]
        names = [f"{OWN}remark_{number}" for number in range(len(parts))]
        frame = frame.with_columns(
            part.alias(name) for part, name in zip(parts, names, strict=True)
        )
        return frame.with_columns(joined(map(pl.col, names)).alias("bone_class_reason"))

    def _obstacle(self) -> pl.Expr:
        """Name the first obstacle to a class."""
        applies = pl.col(T_APPLIES)
        return first_true(
            [
                (applies.is_null(), "no_score_applies"),
                *self._no_z(~applies),
                *self._other_methods(),
                *self._reference(applies),
                *self._sites(),
                (pl.lit(True), "no_evidence"),
            ]
        )

    def _why_missing(self) -> list[pl.Expr]:
        """Go on to say why a site lacks, once the code says that it does."""
        densities, code, both = self.stages.densities, pl.col(OBSTACLE), "spine_and_hip_missing"
        why: list[pl.Expr] = [
            pl.when(code.is_in([f"{site}_missing", both])).then(densities.site_reason(site))
            for site in self.stages.required
        ]
        if densities.reads_reported():
            why.append(_when(code.str.ends_with("_missing"), "score_not_reported"))
        return why

    def _no_z(self, z_applies: pl.Expr) -> list[Case]:
        definition = self.stages.definition
        if definition.criterion.z_score is None:
            return [(z_applies, "no_z_score_bands")]
        if self.stages.has_volumetric:
            only_qct = z_applies & pl.col(VBMD).is_not_null() & ~self._any_density()
            cases: list[Case] = [(only_qct, "qct_not_for_this_age")]
        else:
            cases = []
        return cases + ([] if definition.age_reference else [(z_applies, "no_age_reference")])

    def _other_methods(self) -> list[Case]:
        """Name what was measured where nothing was that diagnoses."""
        densities, nothing = self.stages.densities, ~self._any_density()
        if self.stages.has_volumetric:
            nothing = nothing & pl.col(VBMD).is_null()
        return [
            (nothing & densities.single_volumetric(), "qct_single_vertebra"),
            (nothing & densities.ct_values(), "ct_values_are_no_density"),
            (nothing & densities.screened(), "screening_only"),
        ]

    def _any_density(self) -> pl.Expr:
        """Whether any region that can be scored was measured."""
        there = [self._measured(roi) for roi in self.stages.definition.scored]
        return pl.any_horizontal(there) if there else pl.lit(False)

    def _measured(self, roi: str) -> pl.Expr:
        """Whether a region has something to be scored."""
        densities = self.stages.densities
        if not densities.reads_reported():
            there = densities.areal.density(roi) is not None
            return pl.col(usable_column(roi)).is_not_null() if there else pl.lit(False)
        found = (densities.reported(roi, "t"), densities.reported(roi, "z"))
        reports = [score.is_not_null() for score in found if score is not None]
        return pl.any_horizontal(reports) if reports else pl.lit(False)

    def _reference(self, applies: pl.Expr) -> list[Case]:
        """Name what a reference lacks for a site, or for the hip by CT, that was measured."""
        stages = self.stages
        if stages.densities.reads_reported():
            return []
        unscored = [
            stages.lacks(site.name) & self._measured(roi)
            for site in stages.definition.sites
            if stages.required
            for roi in site.rois
        ]
        for roi in stages.definition.ctxa_rois:
            scores = stages.chosen([roi])
            missing = scores[0].is_null() if scores else pl.lit(True)
            unscored.append(self._measured(roi) & missing)
        if not unscored:
            return []
        without = pl.any_horizontal(unscored)
        return [
            (applies & without & self._sex_lacking(), "reference_lacks_sex"),
            (applies & without, "reference_lacks_region"),
            (~applies & without, "outside_age_reference"),
        ]

    def _sex_lacking(self) -> pl.Expr:
        definition = self.stages.definition
        lacking = [
            sex for sex in SEXES if lacks_sex(definition.reference, definition.reference_sex(sex))
        ]
        return pl.col("sex").cast(pl.String).is_in(lacking)

    def _sites(self) -> list[Case]:
        lacking = {site: self.stages.lacks(site) for site in self.stages.required}
        cases: list[Case] = []
        if len(lacking) > 1:
            cases.append((pl.all_horizontal(lacking.values()), "spine_and_hip_missing"))
        return cases + [(lacks, f"{site}_missing") for site, lacks in lacking.items()]

    def _remarks(self, classified: pl.Expr) -> list[pl.Expr]:
        """Codes that go with a class."""
        stages, remarks = self.stages, []
        for site in stages.required if stages.can_substitute else ():
            radius = classified & pl.col(SUBSTITUTED) & stages.lacks(site)
            why = stages.densities.site_reason(site)
            remarks += [_when(radius, f"radius_for_{site}"), pl.when(radius).then(why)]
        if stages.takes_fractures:
            broken = classified & pl.col(FRAGILE) & pl.col(T_APPLIES)
            remarks.append(_when(broken & stages.fracture.severe(), "severe_vertebral_fracture"))
            several = broken & stages.fracture.multiple()
            remarks.append(_when(several, "multiple_vertebral_fractures"))
        cause = stages.offered.stated("secondary_cause")
        if cause is not None:
            remarks.append(_when(classified & cause, "secondary_cause_known"))
        return remarks


def _when(condition: pl.Expr, code: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(code))
