"""Classify people by a definition: every stage, the class, its reasons and the advice."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort import FILE, Cohort, is_written, watched
from osteo_epi.diagnosis._classes import Classes
from osteo_epi.diagnosis._columns import OWN, RECORDED, Columns, beside_theirs
from osteo_epi.diagnosis._definition import Definition
from osteo_epi.diagnosis._findings import classification_findings
from osteo_epi.diagnosis._reasons import Advice, Reasons
from osteo_epi.diagnosis._regions import LOWEST_T
from osteo_epi.diagnosis._stages import USABLE, Stages
from osteo_epi.diagnosis.suitability import refuse_unsuitable
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding
from osteo_epi.frames import as_polars, in_one_piece, of_queries


@of_queries
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
        Classify a `Cohort` although its findings hold errors, and any people although the
        definition's reference contradicts the data: another maker's scale, or other T-scores than
        those in the file, see `suitability_findings`. The classified cohort remembers it: an
        estimate of the same people does not ask again. Of a lazy frame, and of people
        in another engine, the first 100,000 rows are compared.

    Returns
    -------
    frame
        Of the caller's kind (a `Cohort` with what was noticed added to its findings), with these
        columns more:

        - `t_score_<roi>`, `z_score_<roi>` [SD], never rounded, `abmd_lumbar_spine_by_rule`, where
          hips are read by side `abmd_femoral_neck_by_rule` and `abmd_total_hip_by_rule`, and
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

        A column of yours with one of these names, such as ``bone_class``, is kept beside it, as
        ``bone_class (file)``; those of an earlier call are replaced.

    Raises
    ------
    SchemaError
        If age, sex, or every kind of measurement is missing, or a column has the wrong kind; if
        a cohort carries errors that nobody accepted, or another frame is in other words or units
        than the codebook's, see `cohort.refuse_errors`: `cohort.read` takes any frame in; if the
        reference contradicts the data.

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
    true_or_false(accept_errors=accept_errors)
    frame, restore = as_polars(people)
    people = refuse_unsuitable(people, frame, [definition], accept_errors=accept_errors)
    if isinstance(people, Cohort):
        frame = people.frame  # without the columns that the definition does not read
    frame = watched(frame, accept_errors=accept_errors)
    frame, theirs = beside_theirs(frame)
    lazy = with_classes(frame.lazy(), definition, bmi_limits=bmi_limits)
    if isinstance(frame, pl.LazyFrame):
        return restore(lazy)
    classified = _collected(lazy, frame)
    if isinstance(people, Cohort):
        findings = classification_findings(classified, definition)
        findings = (*_renamed(theirs), *findings)
        return people.with_frame(classified).with_findings(findings)
    return restore(classified)


def with_classes(
    people: pl.LazyFrame,
    definition: Definition,
    *,
    bmi_limits: tuple[float | None, float | None] | None = None,
) -> pl.LazyFrame:
    """Add the columns of `classify` to people who were looked through already.

    Parameters
    ----------
    people
        In canonical columns; nobody is read here.
    definition
        By which they are classified.
    bmi_limits
        As in `classify`.

    Returns
    -------
    polars.LazyFrame
        The same rows, of whom nothing was asked: whether a reference suits them, or their words
        and units are the codebook's, is for whoever calls.

    Raises
    ------
    SchemaError
        If age, sex, or every kind of measurement is missing.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.diagnosis import definition, with_classes
    >>> people = pl.LazyFrame({"age": [66.0], "sex": ["female"], "abmd_lumbar_spine": [0.7]})
    >>> rules = definition("china_2020", reference="zhang_2007")
    >>> with_classes(people, rules).select("bone_class", "bone_class_roi").collect().rows()
    [('osteoporosis', 'lumbar_spine')]
    """
    named, _ = beside_theirs(people)
    stages = Stages(definition, Columns.of(named))
    _check(stages)
    lazy: pl.LazyFrame = Classes(stages).apply(stages.apply(named.lazy()))
    lazy = Reasons(stages).apply(lazy)
    lazy = lazy.with_columns(
        Advice(stages, (None, None) if bmi_limits is None else bmi_limits).advice().alias("advice")
    )
    return lazy.select(pl.exclude(rf"^{OWN}\w*$", rf"^\w*{USABLE}$"))


def _collected(lazy: pl.LazyFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """What classifying writes beside the columns as they came, which are held once."""
    names = lazy.collect_schema().names()
    # The answer to whether a fracture is fragile is the file's where the record leaves it open.
    kept = [
        name
        for name in frame.columns
        if name in names and name not in RECORDED and not is_written(name)
    ]
    columns = frame.select(kept).get_columns()
    columns += lazy.select(pl.exclude(kept)).collect(engine="streaming").get_columns()
    return in_one_piece(columns).select(names)


def _renamed(names: tuple[str, ...]) -> list[Finding]:
    return [
        Finding(
            "renamed_heading", "note", name, 0,
            f"classifying writes a column of this name; yours is kept as '{name} {FILE}'",
        )
        for name in names
    ]  # fmt: skip


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
        if LOWEST_T in columns:
            expected.append('with sites="not_stated" (--sites not_stated) ' + LOWEST_T)
    own = any(f"t_score_{roi}_reported" in columns for roi in stages.definition.scored)
    raise SchemaError(
        f"the data hold no measurement that this definition reads; expected some of "
        f"{', '.join(expected) or 'vbmd_l1, vbmd_l2'}"
        + "; T-scores of its own are read with reference='reported' (--reference reported)"
        * own
    )
