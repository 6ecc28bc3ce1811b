"""Who enters a prevalence: those who could be measured, and who leaves at which step."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort, Flow
from osteo_epi.diagnosis import explain
from osteo_epi.errors import SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.survey import Design

EXAMINED, PREGNANT = "examined", "pregnant"


def could_be_measured(people: Any) -> pl.Expr:
    """Whether a person could be measured at all: examined, and not pregnant.

    Parameters
    ----------
    people
        Any frame; its columns `examined` and `pregnant` are read if it has them.

    Returns
    -------
    polars.Expr
        True or false, never null. People who are not known to be pregnant or left out of the
        examination count as in: they are measured, or they are missing, and an estimate counts
        both.

    Raises
    ------
    SchemaError
        If one of the columns is there and is not true or false.

    Examples
    --------
    >>> people = pl.DataFrame({"examined": [True, False, None], "pregnant": [True, None, None]})
    >>> people.select(could_be_measured(people)).to_series().to_list()
    [False, False, True]
    """
    frame, _ = as_polars(people)
    schema = frame.collect_schema()
    answers = [c for c in (EXAMINED, PREGNANT) if c in schema]
    wrong = [c for c in answers if schema[c] not in (pl.Boolean, pl.Null)]
    if wrong:
        raise SchemaError(
            f"column(s) {', '.join(wrong)} must be true or false for each person, not "
            f"{', '.join(str(schema[c]) for c in wrong)}: convert them, or say in eligible= who "
            "could be measured (eligible=pl.lit(True) for everybody)"
        )
    inside = pl.lit(True)
    if EXAMINED in schema:
        inside = inside & pl.col(EXAMINED).fill_null(True)
    if PREGNANT in schema:
        inside = inside & ~pl.col(PREGNANT).fill_null(False)
    return inside


def participants(people: Cohort, design: Design, ages: tuple[float, float]) -> Flow:
    """Count who leaves the estimate at which step, and why.

    Parameters
    ----------
    people
        Classified people.
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
    if EXAMINED in frame.columns:
        keep = pl.col(EXAMINED).fill_null(True)
        flow = flow.step("examined", keep, reason="not examined", frame=frame)
    if PREGNANT in frame.columns:
        keep = ~pl.col(PREGNANT).fill_null(False)
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
    sentences = {code: explain(code) for code in codes.unique().drop_nulls()}
    return codes.replace_strict(sentences, default=None, return_dtype=pl.String)


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
