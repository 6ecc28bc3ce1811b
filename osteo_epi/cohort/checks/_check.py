"""What there is to say about a cohort: codes, counts and fixes; nothing is deleted."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._people import Cohort
from osteo_epi.cohort.checks import _canonical as check_canonical
from osteo_epi.cohort.checks import _devices as check_devices
from osteo_epi.cohort.checks import _grains as check_grains
from osteo_epi.cohort.checks import _people as check_people
from osteo_epi.cohort.checks import _repeats as check_repeats
from osteo_epi.cohort.checks import _scores as check_scores
from osteo_epi.cohort.checks import _sexes as check_sexes
from osteo_epi.cohort.checks import _spine as check_spine
from osteo_epi.cohort.checks import _usable as check_usable
from osteo_epi.cohort.checks import _values as check_values
from osteo_epi.cohort.conform._plausible import AS_GIVEN, plausible, ranged
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import Frame, as_polars, in_callers_kind
from osteo_epi.questions import LOOK, Asking, People, together

_MODULES = (
    check_canonical,
    check_devices,
    check_grains,
    check_people,
    check_repeats,
    check_scores,
    check_sexes,
    check_spine,
    check_usable,
    check_values,
)
_RECOMPUTED = frozenset(
    ["first_rows_looked_at", *(code for module in _MODULES for code in module.CODES)]
)
OF_ALL = _RECOMPUTED - {
    *check_repeats.CODES, *check_canonical.CODES, "first_rows_looked_at",
    "missing_weight", "negative_weight", "age_against_dates",
}  # fmt: skip
"""Codes of what hangs on all people together: shares of a column, piles, lines. What is found of
some of the people by any other code is true of the whole as well."""
OF_ROWS = frozenset(["identical_rows", "near_identical_rows", "identifier_zeros"])
"""Codes of what is found among the rows of all people, wherever they stand."""
_IMPLAUSIBLE = ("unit_suspected", "not_areal_bmd", "wrong_quantity", "out_of_range")


@in_callers_kind
def check(people: Any) -> Findings:
    """Check a cohort, or any frame of canonical columns.

    Parameters
    ----------
    people
        A `Cohort`, or a frame (polars, pandas, pyarrow, Spark, …) in canonical columns; what is
        not the codebook's is told as an error, for `read` takes any frame in.

    Returns
    -------
    Findings
        What was noticed when the file was read, and what is true of the frame as it is now.

    Notes
    -----
    A value outside its plausible range counts as missing. Where that concerns more than 5 % of the
    values of a column on which a class or an estimate rests, and more than one, it is an error;
    else a warning. People who occur more than once, exchanged sexes and scores without a sign are
    errors too, for each gives a wrong number.

    A lazy frame is streamed, several times, and people in another engine are counted where they
    stand. Of the latter, what needs rows beside each other (persons who occur more than once, rows
    that agree) is looked for in the first 100,000 rows; a note says so.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [61.0, 70.0], "sex": ["female", "male"],
    ...                       "abmd_femoral_neck": [858.0, 901.0]})
    >>> print(check(frame)[0])
    error: unit_suspected [abmd_femoral_neck] values implausible in g/cm2, and plausible in
    mg/cm2: 2. To do: if so, read with units={"abmd_femoral_neck": "mg/cm2"}; it is then converted
    """
    data, _ = as_polars(people)
    whole = _typed(data)
    foreign, values = whole.answer(_findings_of_values(whole))
    sound = _set_aside(whole, values)
    told = _findings_of_sums(sound, check_repeats.check_repeats(sound))
    # A column of a wrong type is not one that is lacking.
    wrong = {finding.column for finding in foreign}
    told = [f for f in told if f.code != "incomplete" or f.column not in wrong]
    earlier = people.findings if isinstance(people, Cohort) else Findings()
    kept = Findings(tuple(f for f in earlier if f.code not in _RECOMPUTED))
    return Findings((*kept, *foreign, *values, *told, *_looked_at(sound)))


def check_of_all(people: pl.LazyFrame) -> Findings:
    """What a check finds by sums over all people, where they are too many to be held.

    Parameters
    ----------
    people
        Canonical columns, each in the codebook's type, as `read` gives them.

    Returns
    -------
    Findings
        Those of the codes in `OF_ALL`.
    """
    whole = People.of(people)
    values = whole.answer(check_values.check_values(whole))
    told = _findings_of_sums(_set_aside(whole, values), [])
    return Findings(tuple(f for f in (*values, *told) if f.code in OF_ALL))


def _findings_of_sums(people: People, repeats: list[Finding]) -> list[Finding]:
    """What is found by sums, with what was found of repeats in its place."""
    checks = (
        check_spine.check_spine(people),
        check_usable.check_usable(people),
        check_scores.check_scores(people),
        check_grains.check_grains(people),
        check_people.check_people(people),
        check_sexes.check_sexes(people),
        check_devices.check_devices(people),
    )
    *found, sexes, devices = people.answer(together(checks))
    return [f for each in (*found, repeats, sexes, devices) for f in each]


def _typed(data: Frame) -> People:
    """The columns of the codebook in their types, and what was set aside of them.

    One that cannot have its type stays as it is.
    """
    schema = data.collect_schema()
    known = [name for name in schema if name in codebook()]
    aside = [f"{name}{AS_GIVEN}" for name in known if f"{name}{AS_GIVEN}" in schema]
    wrong = check_canonical.wrong_types(schema)
    fitting = [codebook()[name] for name in known if name not in wrong]
    casts = [
        pl.col(variable.name).cast(variable.dtype)
        for variable in fitting
        if schema[variable.name] == pl.Null
        or (variable.kind == "quantity" and schema[variable.name] != pl.Float64)
    ]
    return _people(data.lazy().select(*known, *aside).with_columns(casts), data)


def _people(query: pl.LazyFrame, like: Frame) -> People:
    """Those of a query, whose rows are held where they were held before."""
    return People.of(query.collect() if isinstance(like, pl.DataFrame) else query)


def _findings_of_values(people: People) -> Asking[tuple[list[Finding], list[Finding]]]:
    """What is foreign, and what single values tell of the columns that are not."""
    sound = people.without(check_canonical.wrong_types(people.schema))
    checks = [check_canonical.foreign_columns(people), check_values.check_values(sound)]
    foreign, values = yield from together(checks)
    return foreign, values


def _set_aside(people: People, findings: list[Finding]) -> People:
    """The columns that can be read, with null for what is implausible."""
    sound = people.without(check_canonical.wrong_types(people.schema))
    columns = {f.column for f in findings if f.code in _IMPLAUSIBLE and ranged(f.column)}
    return sound.changed([plausible(name) for name in sorted(columns)]) if columns else sound


def _looked_at(people: People) -> list[Finding]:
    """Say what was not asked of all rows, for they stand in another engine and are many."""
    if not people.in_part:
        return []
    message = (
        f"the people stand in {people.elsewhere}, and what needs rows beside each other was looked "
        f"for in its first {LOOK:,} alone: persons who occur more than once, rows that agree, a "
        "grid of densities, ranks of scores; all else is of all rows"
    )
    fix = "count the rows of each person there, by a group-by of person_id, before you go on"
    column = "person_id" if people.has("person_id") else ""
    return [Finding("first_rows_looked_at", "note", column, 0, message, fix)]
