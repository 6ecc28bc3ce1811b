"""The rules of the consensus, as Polars expressions, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort, refuse_errors
from osteo_epi.diagnosis._columns import OWN, Columns, first_true
from osteo_epi.diagnosis._definition import CLASSES, Definition
from osteo_epi.diagnosis._findings import classification_findings
from osteo_epi.diagnosis._reasons import Advice, Reasons
from osteo_epi.diagnosis._stages import (
    COMPLETE,
    CTXA_MIN,
    DXA,
    LOWEST,
    SUBSTITUTED,
    T_APPLIES,
    USABLE,
    VBMD,
    Stages,
)
from osteo_epi.diagnosis.fracture import OPEN, PLACE, REASON, STATUS
from osteo_epi.diagnosis.measurements._spine import Neighbours
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import YoungAdultReference

BONE_CLASS = pl.Enum(CLASSES)
NOT_CLASSIFIABLE = pl.lit("not_classifiable", dtype=BONE_CLASS)
SCORE_CLASS, QCT_CLASS, WORST = f"{OWN}score_class", f"{OWN}qct_class", f"{OWN}worst"


def classify(
    people: Any,
    definition: Definition,
    *,
    bmi_limits: tuple[float | None, float | None] | None = None,
    accept_errors: bool = False,
) -> Any:
    """Classify each person by a definition, with the rule, the region and the reason.

    Parameters
    ----------
    people
        Any frame with `age` [years], `sex` ("female", "male") and some of the measurements of the
        codebook: areal densities [g/cm²], volumetric densities [mg/cm³], the fracture record.
        Columns that are absent count as not stated. A lazy frame stays lazy and streams.
    definition
        See `definition`.
    bmi_limits
        Body mass index [kg/m²] below and above which DXA is called doubtful in `advice`. The
        consensus speaks of underweight and severe obesity and gives no number, so none is taken.
    accept_errors
        Classify a `Cohort` although its findings hold errors. The classified cohort remembers it:
        an estimate of the same people does not ask again.

    Returns
    -------
    frame
        Of the caller's kind (a `Cohort` with what was noticed added to its findings), with these
        columns more:

        - `t_score_<roi>`, `z_score_<roi>` [SD], never rounded, `abmd_lumbar_spine_by_rule`, and
          `lumbar_neighbour_flag` where single vertebrae are there;
        - where QCT of the spine is there, `vbmd_lumbar_spine_mean` [mg/cm³] and `vbmd_vertebrae`
          ("L1 L2"; null where the file gives a mean alone);
        - beside the class and never in it: `tbs_class` (normal, partially_degraded, degraded)
          where TBS is there and the criterion names its classes, and `screening_methods`, those
          with a result;
        - `score_applied` (`t`, `z`), `score_reason`;
        - `t_score_min`, `z_score_min`: the lowest that counts, of the score that applies;
        - `sites_complete`: whether all that the definition asks for was measured;
        - `bone_class`: osteoporosis, low_bone_mass, normal; below or within the expected range
          for age; or not_classifiable. Never null;
        - `bone_class_rule`, `bone_class_roi`, `bone_class_reason`, `advice`: codes, whose
          sentences `explain` gives in English and Chinese;
        - where the definition takes fractures, `fragility_fracture` (true: established, false:
          settled that there is none, null: unknown, or nothing recorded) with an open record taken
          as `fracture_open` says, `fracture_open_record`: a fracture is recorded, and trauma,
          imaging that establishes it or secondary causes are not all stated, and
          `fracture_reason` in codes. An answer in the file's own column `fragility_fracture`
          settles its row and stays as it is.

    Raises
    ------
    SchemaError
        If age, sex, or every kind of measurement is missing, or a column has the wrong kind; if
        a cohort carries errors that nobody accepted, see `cohort.refuse_errors`.

    Notes
    -----
    A fragility fracture comes first. A person is osteoporotic when any evidence of the definition
    says so; otherwise a missing site or region that nothing replaces or excuses makes the person
    not classifiable, and so does one that was measured and that the reference lacks: missing is
    never "no". Where the criterion requires all sites, a missing one always does.
    Chinese expert consensus 2020, doi:10.21037/qims-2020-16.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.diagnosis import classify, definition
    >>> people = pl.DataFrame({
    ...     "age": [66.0, 66.0, 31.0], "sex": ["female", "female", "female"],
    ...     "postmenopausal": [True, True, False],
    ...     "abmd_lumbar_spine": [0.816, None, 1.10],
    ...     "abmd_femoral_neck": [0.900, 0.900, 0.80], "abmd_total_hip": [0.9, 0.9, 0.9],
    ... })
    >>> rules = definition("china_2020", reference="zhang_2007")
    >>> classify(people, rules).select("bone_class", "bone_class_roi", "bone_class_reason").rows()
    [('osteoporosis', 'lumbar_spine', None),
     ('not_classifiable', None, 'spine_missing; spine_not_measured'),
     ('not_classifiable', None, 'no_age_reference')]
    """
    people = refuse_errors(people, accept_errors=accept_errors)
    frame, restore = as_polars(people)
    columns = Columns.of(frame)
    stages = Stages(definition, columns)
    _check(stages)
    lazy: pl.LazyFrame = Classes(stages).apply(stages.apply(frame.lazy()))
    lazy = Reasons(stages).apply(lazy)
    lazy = lazy.with_columns(Advice(stages, bmi_limits or (None, None)).advice().alias("advice"))
    lazy = lazy.select(pl.exclude(f"^{OWN}.*$", f"^.*{USABLE}$"))
    if isinstance(frame, pl.LazyFrame):
        return restore(lazy)
    classified = lazy.collect(engine="streaming")
    result = restore(classified)
    if isinstance(result, Cohort):
        return result.with_findings(classification_findings(classified, definition))
    return result


def _check(stages: Stages) -> None:
    """Refuse a frame in which nobody could be classified whatever its rows hold."""
    columns, densities = stages.columns, stages.densities
    columns.require(("age", "sex"), purpose="classify")
    columns.sexes()
    read = stages.chosen_rois or stages.has_volumetric or stages.takes_fractures
    if read or any(densities.areal.density(roi) is not None for roi in stages.definition.scored):
        return
    if densities.has_other_methods():
        return
    expected = [f"abmd_{roi}" for roi in stages.definition.scored]
    if densities.takes_reported():
        expected = [f"t_score_{roi}_reported" for roi in stages.definition.scored]
    raise SchemaError(
        f"the data hold no measurement that this definition reads; expected some of "
        f"{', '.join(expected) or 'vbmd_l1, vbmd_l2'}"
    )


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
            self.stages.applicability.score().alias("score_applied"),
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
            lowest.append((equal & pl.col(SUBSTITUTED) if is_substitute else equal, roi))
        return (
            pl.when(rule == "fragility_fracture")
            .then(pl.col(PLACE) if stages.takes_fractures else None)
            .when(rule == "vbmd_qct")
            .then(pl.lit("lumbar_spine"))
            .when(rule.is_not_null())
            .then(first_true(lowest))
        )
