"""Who enters a prevalence: those who could be measured, and who leaves at which step."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort, Flow, Gate
from osteo_epi.diagnosis import Definition, explain
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Frame, all_differ, as_polars
from osteo_epi.population.status import (
    BY_FRACTURE,
    ESTABLISHED,
    EXCLUDE,
    PARTS,
    UNKNOWN,
    Z_ONLY,
    Status,
)
from osteo_epi.survey import Design

EXAMINED, PREGNANT, PERSON = "examined", "pregnant", "person_id"
LEFT_OUT = ", and so left out: "
"""In each note of people who could not be measured, with their number; the flow has it too."""


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


def left_out_notes(frame: Frame, edges: tuple[float, ...]) -> tuple[str, ...]:
    """Who of the ages asked for is left out because nobody could measure them.

    Pregnancy counts where a person was examined. A lazy frame is not read for it.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [51.0, 60.0, 61.0], "examined": [True, False, None]})
    >>> left_out_notes(people, (50.0, 90.0))
    ('not examined, and so left out: 1; eligible= says who could be measured',)
    """
    if isinstance(frame, pl.LazyFrame):
        return ()
    of_age = frame.filter((pl.col("age") >= edges[0]) & (pl.col("age") < edges[-1]))
    counts = {}
    if EXAMINED in of_age.columns:
        counts["not examined"] = of_age.select(~pl.col(EXAMINED).fill_null(True)).sum().item()
        of_age = of_age.filter(pl.col(EXAMINED).fill_null(True))
    if PREGNANT in of_age.columns:
        counts["pregnant"] = of_age.select(pl.col(PREGNANT).fill_null(False)).sum().item()
    return tuple(
        f"{word}{LEFT_OUT}{n:,}; eligible= says who could be measured"
        for word, n in counts.items()
        if n
    )


def repeat_notes(people: Any) -> tuple[str, ...]:
    """How many rows are of a person who has another row; none where no row names its person.

    A lazy frame is not read for it.

    Examples
    --------
    >>> repeat_notes(pl.DataFrame({"person_id": ["a", "a", "b", None]}))[0][:51]
    'rows of a person who has another row (person_id): 1'
    """
    frame, _ = as_polars(people)
    if isinstance(frame, pl.LazyFrame) or PERSON not in frame.columns:
        return ()
    if all_differ(frame[PERSON]):
        return ()
    named = frame[PERSON].drop_nulls()
    n = len(named) - named.n_unique()
    return (
        f"rows of a person who has another row ({PERSON}): {n:,}, and each counts as a person; "
        'read the file with oe.read(path, repeats="first") (--repeats first), or keep one row of '
        "each",
    )


def participants(
    people: Any,
    design: Design,
    ages: tuple[float, float],
    *,
    definition: Definition | None = None,
    incomplete: str = EXCLUDE,
) -> Flow:
    """Count who leaves the estimate at which step, and why.

    Parameters
    ----------
    people
        Classified people: a `Cohort`, or any frame; of people in a lazy frame or another engine
        all steps are counted in one pass, and the flow has no `included`.
    design
        The survey design: people with a weight of zero are out of the sample.
    ages
        [years] Lower age, and upper age that is not reached.
    definition
        By which they were classified. With it those count as in of whom it is known without a
        density whether they have osteoporosis, as in `prevalence`; without, all of those are out.
    incomplete
        "by_fracture" where fractures and densities were estimated apart, as `meta` of the
        prevalence says; then people with an established fracture are in, measured or not.

    Returns
    -------
    Flow
        The cohort's own steps and those of the estimate; those who remain are the n of the
        crude prevalence for all.
    """
    frame, _ = as_polars(people)
    columns = frame.collect_schema()
    gates = []
    if EXAMINED in columns:
        gates.append(Gate("examined", pl.col(EXAMINED).fill_null(True), "not examined"))
    if PREGNANT in columns:
        gates.append(Gate("not pregnant", ~pl.col(PREGNANT).fill_null(False), "pregnant"))
    if design.weight:
        gates.append(Gate("in the sample", pl.col(design.weight) > 0, "weight of zero"))
    gates += _of_age(*ages)
    known, unsettled = _known_otherwise(frame, definition, incomplete)
    classified = pl.col("bone_class").cast(pl.String) != "not_classifiable"
    gates += [
        Gate("classified", classified | known, pl.col("bone_class_reason"), explain),
        Gate(
            "every required site measured",
            pl.col("sites_complete") | known,
            "classified on the sites that were measured, with another one missing: such "
            "people would enter an estimate only when they are ill",
        ),
    ]
    if incomplete == BY_FRACTURE:
        reason = "measured, with a fracture record that does not settle whether there is one"
        gates.append(Gate("fracture status known", ~unsettled, reason))
    if isinstance(frame, pl.LazyFrame):
        return Flow.counted(frame, gates)
    start = people.flow if isinstance(people, Cohort) else Flow.start(frame.height)
    return start.through(frame, gates)


def _known_otherwise(
    frame: Frame, definition: Definition | None, incomplete: str
) -> tuple[pl.Expr, pl.Expr]:
    """Who is known without a density: broken, or judged by Z; and whose fracture is unknown."""
    if definition is None:
        return pl.lit(False), pl.lit(False)
    rule = Status.of(frame, definition)
    classified = pl.col("bone_class").cast(pl.String) != "not_classifiable"
    code = rule.expression((classified & pl.col("sites_complete")).fill_null(False))
    by_z, fracture = code // Z_ONLY > 0, code % PARTS
    if incomplete != BY_FRACTURE or not rule.counts_fractures:
        return by_z, pl.lit(False)
    return by_z | (fracture == ESTABLISHED), fracture == UNKNOWN


def _of_age(lower: float, upper: float) -> list[Gate]:
    age = pl.col("age")
    gates = [Gate("age stated", age.is_not_null(), "age missing")]
    if lower > 0:
        gates.append(Gate(f"{lower:g} years or older", age >= lower, f"younger than {lower:g}"))
    if upper != float("inf"):
        gates.append(Gate(f"younger than {upper:g}", age < upper, f"{upper:g} years or older"))
    return gates
