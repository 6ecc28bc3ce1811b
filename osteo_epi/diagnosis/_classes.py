"""The rules of the consensus, as Polars expressions, once."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.diagnosis._columns import OWN, first_true
from osteo_epi.diagnosis._definition import CLASSES
from osteo_epi.diagnosis._regions import LOWEST_ROI, NOT_STATED
from osteo_epi.diagnosis._stages import (
    COMPLETE,
    CTXA_MIN,
    DXA,
    LOWEST,
    SUBSTITUTED,
    T_APPLIES,
    VBMD,
    Stages,
)
from osteo_epi.diagnosis.fracture import OPEN, PLACE, REASON, STATUS
from osteo_epi.diagnosis.measurements._spine import Neighbours
from osteo_epi.norms import YoungAdultReference

BONE_CLASS = pl.Enum(CLASSES)
NOT_CLASSIFIABLE = pl.lit("not_classifiable", dtype=BONE_CLASS)
SCORE_CLASS, QCT_CLASS, WORST = f"{OWN}score_class", f"{OWN}qct_class", f"{OWN}worst"


@dataclass(frozen=True)
class Classes:
    """The class of each person from the lowest score, QCT and the fracture."""

    stages: Stages

    def apply(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Add class, rule, region and the scores that count."""
        first = [self._score_class().alias(SCORE_CLASS), self._qct_class().alias(QCT_CLASS)]
        frame = frame.with_columns(first).with_columns(self._worst().alias(WORST))
        frame = frame.with_columns(self._bone_class().alias("bone_class"))
        return frame.with_columns(
            *self._neighbours(),
            *self._fractures(),
            *self._volumetric(),
            *self.stages.densities.adjuncts.output(),
            self.stages.applicability.score(pl.col(T_APPLIES)).alias("score_applied"),
            self.stages.applicability.reason().alias("score_reason"),
            pl.when(pl.col(T_APPLIES)).then(pl.col(LOWEST)).alias("t_score_min"),
            self._z_score_min().alias("z_score_min"),
            self._rule().alias("bone_class_rule"),
        ).with_columns(self._roi().alias("bone_class_roi"))

    def _fractures(self) -> list[pl.Expr]:
        """Say of each person whether there is a fragility fracture, and whether that is open."""
        if "fracture" not in self.stages.definition.evidence:
            return []
        columns: list[pl.Expr] = [
            pl.lit(None, dtype=pl.Boolean),
            pl.lit(False),
            pl.lit(None, dtype=pl.String),
        ]
        if self.stages.takes_fractures:
            columns = [pl.col(STATUS), pl.col(OPEN), pl.col(REASON)]
        names = ("fragility_fracture", "fracture_open_record", "fracture_reason")
        return [column.alias(name) for column, name in zip(columns, names, strict=True)]

    def _volumetric(self) -> list[pl.Expr]:
        """Give the mean that QCT is judged by, and the vertebrae that it is the mean of."""
        qct = self.stages.densities.qct
        if qct is None or not self.stages.has_volumetric:
            return []
        return [
            pl.col(VBMD).alias("vbmd_lumbar_spine_mean"),
            qct.vertebrae().alias("vbmd_vertebrae"),
        ]

    def of(self, frame: pl.LazyFrame) -> pl.Series:
        """Return the classes of some people, and nothing else."""
        return self.apply(self.stages.apply(frame)).select("bone_class").collect().to_series()

    def _neighbours(self) -> list[pl.Expr]:
        """Flag vertebrae unlike their neighbours where single ones and a reference are there."""
        spine, chosen = self.stages.densities.areal.spine, self.stages.definition
        if len(spine.parts) < 2 or not isinstance(chosen.reference, YoungAdultReference):
            return []
        flag = Neighbours(spine, chosen.reference, chosen.sex_rule).flag()
        return [flag.alias("lumbar_neighbour_flag")]

    def _score_class(self) -> pl.Expr:
        criterion, applies = self.stages.definition.criterion, pl.col(T_APPLIES)
        by_t = criterion.t_score.expression(LOWEST, dtype=BONE_CLASS)
        if not self.stages.z_counts or criterion.z_score is None:
            return pl.when(applies).then(by_t)
        by_z = criterion.z_score.expression(LOWEST, dtype=BONE_CLASS)
        return pl.when(applies).then(by_t).when(~applies).then(by_z)

    def _z_score_min(self) -> pl.Expr:
        if not self.stages.z_counts:
            return pl.lit(None, dtype=pl.Float64)
        return pl.when(~pl.col(T_APPLIES)).then(pl.col(LOWEST))

    def _qct_class(self) -> pl.Expr:
        bands = self.stages.definition.criterion.vbmd_lumbar_spine
        if bands is None or not self.stages.has_volumetric:
            return pl.lit(None, dtype=BONE_CLASS)
        return pl.when(pl.col(T_APPLIES)).then(bands.expression(VBMD, dtype=BONE_CLASS))

    def _worst(self) -> pl.Expr:
        if not self.stages.has_volumetric:
            return pl.col(SCORE_CLASS)
        return pl.when(self._qct_decides()).then(pl.col(QCT_CLASS)).otherwise(pl.col(SCORE_CLASS))

    def _qct_decides(self) -> pl.Expr:
        score, qct = pl.col(SCORE_CLASS), pl.col(QCT_CLASS)
        return (score.is_null() | (qct < score)) & qct.is_not_null()

    def _bone_class(self) -> pl.Expr:
        worst, complete = pl.col(WORST), pl.col(COMPLETE)
        decided = complete if self._all_required else complete | self._affected(worst)
        osteoporosis = pl.lit("osteoporosis", dtype=BONE_CLASS)
        if self.stages.leaves_open:
            decided = decided & (~self._unsettled() | (worst == osteoporosis))
        bone_class: pl.Expr = pl.when(decided).then(worst)
        if self.stages.takes_fractures:
            bone_class = pl.when(self._broken()).then(osteoporosis).otherwise(bone_class)
        return bone_class.fill_null(NOT_CLASSIFIABLE)

    @property
    def _all_required(self) -> bool:
        return self.stages.definition.criterion.all_sites_required

    def _affected(self, worst: pl.Expr) -> pl.Expr:
        """Whether the evidence at hand already says so: further sites could not take it back."""
        criterion = self.stages.definition.criterion
        lowest = [bands.classes[0] for bands in (criterion.t_score, criterion.z_score) if bands]
        conditions = [worst == name for name in lowest]
        return conditions[0] if len(conditions) == 1 else conditions[0] | conditions[1]

    def _broken(self) -> pl.Expr:
        return pl.col(STATUS) & pl.col(T_APPLIES)

    def _unsettled(self) -> pl.Expr:
        """A fracture that could make osteoporosis, and of which the definition knows nothing."""
        return pl.col(OPEN) & pl.col(T_APPLIES).fill_null(False)

    def _rule(self) -> pl.Expr:
        applies, ctxa = pl.col(T_APPLIES), self._ctxa_decides()
        cases: list[tuple[pl.Expr | None, str]] = [
            (pl.col("bone_class") == "not_classifiable", ""),
            (self._broken() if self.stages.takes_fractures else None, "fragility_fracture"),
            (self._qct_decides() if self.stages.has_volumetric else None, "vbmd_qct"),
            (applies & ctxa, "t_score_ctxa"),
            (None if self.stages.definition.states_regions else applies, "t_score_of_no_region"),
            (applies, "t_score_dxa"),
            (ctxa, "z_score_ctxa"),
            (pl.lit(True), "z_score_dxa"),
        ]
        rule = first_true(cases)
        return pl.when(rule != "").then(rule)

    def _ctxa_decides(self) -> pl.Expr:
        dxa, ctxa = pl.col(DXA), pl.col(CTXA_MIN)
        return ctxa.is_not_null() & (dxa.is_null() | (ctxa < dxa).fill_null(False))

    def _roi(self) -> pl.Expr:
        rule, stages = pl.col("bone_class_rule"), self.stages
        lowest: list[tuple[pl.Expr | None, str]] = []
        for roi in stages.chosen_rois:
            equal = pl.col(f"{OWN}{roi}") == pl.col(LOWEST)
            is_substitute = roi == stages.definition.substitute
            name = NOT_STATED if roi == LOWEST_ROI else roi
            lowest.append((equal & pl.col(SUBSTITUTED) if is_substitute else equal, name))
        return (
            pl.when(rule == "fragility_fracture")
            .then(pl.col(PLACE) if stages.takes_fractures else None)
            .when(rule == "vbmd_qct")
            .then(pl.lit("lumbar_spine"))
            .when(rule.is_not_null())
            .then(first_true(lowest))
        )
