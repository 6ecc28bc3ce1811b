"""What the consensus advises for a person beside the class: another method, a missing record."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.diagnosis.offered import joined
from osteo_epi.diagnosis.stages import CTXA_MIN, SUBSTITUTED, T_APPLIES, VBMD, Stages
from osteo_epi.errors import DefinitionError

Limits = tuple[float | None, float | None]
Case = tuple[pl.Expr | None, str]


@dataclass(frozen=True)
class Advice:
    """The expressions of the advice on the columns of the stages and of the class."""

    stages: Stages
    bmi_limits: Limits

    def __post_init__(self) -> None:
        low, high = self.bmi_limits
        if low is not None and high is not None and low >= high:
            raise DefinitionError(f"bmi_limits={self.bmi_limits}: expected (lower, upper) [kg/m²]")

    def advice(self) -> pl.Expr:
        """Codes joined by "; "; null where there is nothing to advise."""
        cases = [*self._doubtful_dxa(), *self._fracture(), *self._qct(), *self._further()]
        return joined(
            pl.when(condition).then(pl.lit(code))
            for condition, code in cases
            if condition is not None
        )

    def _doubtful_dxa(self) -> list[Case]:
        """Advise QCT where weight, scoliosis or degeneration make DXA doubtful (row 14)."""
        offered, (low, high) = self.stages.offered, self.bmi_limits
        bmi = self._bmi()
        cases: list[Case] = [
            (None if bmi is None or low is None else bmi < low, "consider_qct_low_bmi"),
            (None if bmi is None or high is None else bmi > high, "consider_qct_high_bmi"),
            (offered.stated("scoliosis"), "consider_qct_scoliosis"),
            (offered.stated("spine_degeneration"), "consider_qct_degeneration"),
        ]
        by_dxa_only = pl.col(CTXA_MIN).is_null()
        if self.stages.has_volumetric:
            by_dxa_only = by_dxa_only & pl.col(VBMD).is_null()
        return [(c if c is None else c & by_dxa_only, code) for c, code in cases]

    def _bmi(self) -> pl.Expr | None:
        """Body mass index [kg/m²], given or from weight [kg] and height [cm]."""
        given = self.stages.offered.quantity("bmi")
        weight = self.stages.offered.density("weight")
        height = self.stages.offered.density("height")
        if weight is None or height is None:
            return given
        computed = weight * 1e4 / (height * height)
        return computed if given is None else pl.coalesce(given, computed)

    def _fracture(self) -> list[Case]:
        """Advise what an open fracture record needs (rows 2 and 6)."""
        if not self.stages.takes_fractures:
            return []
        fracture = self.stages.fracture
        screened = fracture.screened_only()
        seen = fracture.seen().fill_null(False)
        return [
            (screened, "confirm_fracture_by_imaging"),
            (seen & ~screened & fracture.fragile().is_null(), "complete_fracture_record"),
        ]

    def _qct(self) -> list[Case]:
        """Say where QCT stands on another ground than the criterion's (row 16)."""
        rule = self.stages.definition.criterion.qct
        if rule is None or not self.stages.has_volumetric:
            return []
        there = pl.col(VBMD).is_not_null()
        voltage = self.stages.offered.quantity("tube_voltage")
        calibration = self.stages.offered.text("qct_calibration")
        unstated = pl.lit(True) if calibration is None else calibration.is_null()
        cases: list[Case] = [(there & unstated, "qct_calibration_not_stated")]
        if voltage is None:
            return [(there, "qct_voltage_not_stated"), *cases]
        return [
            (there & (voltage != rule.tube_voltage), "qct_voltage_differs"),
            (there & voltage.is_null(), "qct_voltage_not_stated"),
            *cases,
        ]

    def _further(self) -> list[Case]:
        """Advise the forearm, a search for secondary causes, or a central measurement."""
        screened = self.stages.densities.screened() & self._unmeasured()
        return [
            (self._forearm(), "measure_forearm"),
            (self._young_and_low(), "search_secondary_cause"),
            (screened, "measure_central_density"),
        ]

    def _unmeasured(self) -> pl.Expr:
        return pl.col("bone_class_reason").str.starts_with("screening_only").fill_null(False)

    def _forearm(self) -> pl.Expr | None:
        """Exactly one site lacks, it was declared unusable, and no radius stands in (row 8)."""
        stages = self.stages
        if stages.definition.substitute is None or not stages.required:
            return None
        declared = [
            stages.lacks(site) & why.is_not_null()
            for site in stages.required
            if (why := stages.densities.areal.unusable(site)) is not None
        ]
        if not declared:
            return None
        one = pl.sum_horizontal(stages.lacks(site).cast(pl.UInt8) for site in stages.required) == 1
        return pl.any_horizontal(declared) & one & ~pl.col(SUBSTITUTED)

    def _young_and_low(self) -> pl.Expr | None:
        """A low density in a person to whom the T-score does not apply (rows 11 and 16)."""
        criterion, low = self.stages.definition.criterion, []
        if self.stages.z_counts and criterion.z_score is not None:
            low.append(pl.col("bone_class") == criterion.z_score.classes[0])
        bands = criterion.vbmd_lumbar_spine
        if self.stages.has_volumetric and bands is not None:
            low.append(~bands.holds(bands.classes[-1], VBMD))
        return ~pl.col(T_APPLIES) & pl.any_horizontal(low) if low else None
