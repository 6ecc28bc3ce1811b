"""Who enters the prevalence: a mask for the estimate, and the same steps with their counts."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort import Cohort, Flow
from osteo_epi.diagnosis import explain
from osteo_epi.survey import SurveyDesign

DOMAIN = "in_population"


def with_domain(people: Cohort) -> Cohort:
    """Mark the population that a prevalence is about: people examined and not pregnant.

    People who are not known to be pregnant or left out of the examination count as in: they are
    measured, or they are missing, and an estimate counts both.
    """
    return people.with_frame(people.frame.with_columns(_in_population(people.frame).alias(DOMAIN)))


def _in_population(frame: pl.DataFrame) -> pl.Expr:
    inside = pl.lit(True)
    if "examined" in frame.columns:
        inside = inside & pl.col("examined").fill_null(True)
    if "pregnant" in frame.columns:
        inside = inside & ~pl.col("pregnant").fill_null(False)
    return inside


def follow(people: Cohort, design: SurveyDesign, ages: tuple[float, float]) -> Flow:
    """Count who leaves the estimate at which step, and why.

    Parameters
    ----------
    people
        Classified people with the mask of `with_domain`.
    design
        The survey design: people with a weight of zero are out of the sample.
    ages
        [years] Lower age, and upper age that is not reached.

    Returns
    -------
    Flow
        The cohort's own steps and those of the estimate; those who remain are the n of the
        crude prevalence for all.
    """
    frame, flow = people.frame, people.flow
    if "examined" in frame.columns:
        keep = pl.col("examined").fill_null(True)
        flow = flow.step("examined", keep, reason="not examined", frame=frame)
    if "pregnant" in frame.columns:
        keep = ~pl.col("pregnant").fill_null(False)
        flow = flow.step("not pregnant", keep, reason="pregnant", frame=frame)
    if design.weight:
        keep = pl.col(design.weight) > 0
        flow = flow.step("in the sample", keep, reason="weight of zero", frame=frame)
    flow = _of_age(flow, frame, *ages)
    flow = flow.step(
        "classified",
        pl.col("bone_class").cast(pl.String) != "not_classifiable",
        reason=_sentences(frame["bone_class_reason"]),
        frame=frame,
    )
    return flow.step(
        "every required site measured",
        pl.col("sites_complete"),
        reason="classified on the sites that were measured, with another one missing: such "
        "people would enter an estimate only when they are ill",
        frame=frame,
    )


def _sentences(reasons: pl.Series) -> pl.Series:
    """Say the first obstacle in words: the codes behind it are many, and what stands after a
    colon is the source's own text about a participant."""
    codes = reasons.cast(pl.String).str.extract(r"^(\w+)")
    told = {code: explain(code) for code in codes.unique().drop_nulls()}
    return codes.replace_strict(told, default=None, return_dtype=pl.String)


def _of_age(flow: Flow, frame: pl.DataFrame, lower: float, upper: float) -> Flow:
    age = pl.col("age")
    flow = flow.step("age stated", age.is_not_null(), reason="age missing", frame=frame)
    if lower > 0:
        reason = f"younger than {lower:g}"
        flow = flow.step(f"{lower:g} years or older", age >= lower, reason=reason, frame=frame)
    if upper != float("inf"):
        reason = f"{upper:g} years or older"
        flow = flow.step(f"younger than {upper:g}", age < upper, reason=reason, frame=frame)
    return flow
