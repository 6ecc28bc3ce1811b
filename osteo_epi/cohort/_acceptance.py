"""Data with errors make no class and no estimate until somebody has accepted the errors.

One rule for every function that classes people or estimates something of them, in Python as on
the command line. A finding of the level "error" says that results would be wrong.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import polars as pl
from polars import selectors as cs

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort._people import Cohort
from osteo_epi.cohort.checks._canonical import CODES, canonical_errors, with_sound_sex
from osteo_epi.cohort.checks._check import check
from osteo_epi.cohort.conform._plausible import without_implausible
from osteo_epi.errors import OsteoEpiWarning, SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import Frame, as_polars

IMPLAUSIBLE = ("unit_suspected", "not_areal_bmd", "wrong_quantity", "out_of_range")
"""Findings about values that count as missing."""
_ELSEWHERE = frozenset({"incomplete", "all_missing", "near_identical_rows", "mixed_devices"})
"""What those who read the columns say themselves, in their own words."""
_CHECK = "osteo_epi.cohort.check(people).errors"
_IN_MEMORY = (
    "A frame is taken in by people = osteo_epi.read(frame, …), with arguments such as units= and "
    "repeats="
)
WAY_OUT = "accept_errors=True (--accept-errors)"
"""How errors are accepted, in Python and on the command line."""


def refuse_errors(people: Any, *, accept_errors: bool = False, frame: Frame | None = None) -> Any:
    """Refuse people with errors that nobody accepted.

    Parameters
    ----------
    people
        A `Cohort`, or any other frame, which carries no findings and is passed on as it is.
    accept_errors
        Accept the errors that the cohort carries. It remembers them in `accepted_errors`, so the
        next step does not ask again; an error that appears later is refused again.
    frame
        The same people in Polars, with the columns that will be read as variables of the codebook.
        Of people without findings it is looked through once for what is not the codebook's, in
        types, words and units; None where no column is read as such. With `accept_errors`
        other types and words are said in a warning (`OsteoEpiWarning`): no row says it of its
        person.

    Returns
    -------
    people
        The same people, with the errors accepted.

    Raises
    ------
    SchemaError
        If there are errors that are not accepted: the first one, how many more, how to see all,
        and the ways out.

    Notes
    -----
    Errors that the data no longer show are no obstacle: where the frame was mended after it was
    read (`people.with_frame`), it is checked again.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.findings import Finding
    >>> error = Finding("sex_unknown", "error", "sex", 2, "2 rows have no sex", "fill it in")
    >>> people = Cohort.from_frame(pl.DataFrame({"age": [61.0, 47.0]}), findings=[error])
    >>> refuse_errors(people)
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: sex_unknown [sex] 2 rows have no sex. To do: fill it in; or go
    on in spite of it with accept_errors=True (--accept-errors)
    >>> refuse_errors(people, accept_errors=True).accepted_errors.codes
    ('sex_unknown',)
    """
    true_or_false(accept_errors=accept_errors)
    if is_raw(people):
        if frame is not None:
            _refuse_or_warn(frame, accept_errors=accept_errors)
        return people
    if not people.open_errors:
        return people
    if accept_errors:
        return people.with_errors_accepted()
    standing = {finding.key for finding in check(people).errors}
    errors = Findings(tuple(f for f in people.open_errors if f.key in standing))
    if errors:
        raise SchemaError(refusal(errors))
    return people


def is_raw(people: Any) -> bool:
    """Whether nobody has looked at people: a frame, or a cohort that carries no finding."""
    return not (isinstance(people, Cohort) and people.findings)


def refuse_foreign(people: Any, columns: Iterable[str]) -> None:
    """Refuse a frame of which no reader said anything, where what will be read is not as it is.

    For whoever reads columns of the codebook and makes no class of them, so that there are no
    errors to be accepted: `refuse_errors` is for the others.

    Parameters
    ----------
    people
        Any frame; a cohort that carries findings passes.
    columns
        Those that will be read; others than the codebook's may be what they like.

    Raises
    ------
    SchemaError
        In other types, words or units than the codebook's.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [744.0, 840.0], "sex": ["F", "M"]})
    >>> refuse_foreign(people, ["age"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: unit_suspected [age] ... osteo_epi.read(frame, …), ...
    """
    if not is_raw(people):
        return
    frame, _ = as_polars(people)
    read = cs.by_name(list(dict.fromkeys(columns)), require_all=False)
    errors = Findings(tuple(canonical_errors(frame.select(read))))
    if errors:
        raise SchemaError(_frame_refusal(errors, way_out=""))


def _refuse_or_warn(frame: Frame, *, accept_errors: bool) -> None:
    """Refuse a frame of which no reader said anything, unless it is as the codebook has it."""
    errors = Findings(tuple(canonical_errors(frame)))
    if not errors:
        return
    if not accept_errors:
        raise SchemaError(_frame_refusal(errors))
    # Of an implausible value each person's row says it as the reason; of a word nothing does.
    for error in (error for error in errors if error.code in CODES):
        warnings.warn(_in_spite_of(error), OsteoEpiWarning, stacklevel=4)


def watched(frame: Frame, *, accept_errors: bool = False) -> Frame:
    """Let the rows of a lazy frame be refused, when they come, where sex is no word of ours.

    Parameters
    ----------
    frame
        Any frame; an eager one was looked through by `refuse_errors`, of a lazy one the first rows.
    accept_errors
        Pass the frame on as it is.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The same rows, as a stream still. Collecting it raises a `SchemaError` at another word than
        female and male: these people would be not classifiable, and nothing would say so.
    """
    true_or_false(accept_errors=accept_errors)
    return frame if accept_errors else with_sound_sex(frame)


def checked_people(
    people: Any, columns: str | Iterable[str], *, accept_errors: bool = False
) -> tuple[Any, Findings]:
    """Take people in as the reader of a file does, also those of a frame that no file was read to.

    Parameters
    ----------
    people
        A `Cohort`, or any frame in canonical columns.
    columns
        What will be read: findings about other columns are no matter here.
    accept_errors
        As `refuse_errors`.

    Returns
    -------
    tuple
        The people, and what was found. A cohort that carries findings is passed on, none added.
        Of any other frame, values outside the plausible ranges are set aside as `read` does it.

    Raises
    ------
    SchemaError
        As `refuse_errors`: implausible values in number, people who occur more than once, …

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({"person_id": ["a", "b", "a"], "age": [61.0, 70.0, 61.0]})
    >>> checked_people(people, ["person_id"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: repeated_person [person_id] rows of persons who occur more ...
    """
    true_or_false(accept_errors=accept_errors)
    if not is_raw(people):
        return refuse_errors(people, accept_errors=accept_errors), Findings()
    data, restore = as_polars(people)
    given = data.lazy().collect()
    frame = given.with_columns(cs.float().fill_nan(None))
    read = {columns} if isinstance(columns, str) else set(columns)
    told = [finding for finding in check(frame) if _concerns(finding, read)]
    findings = Findings(tuple(told))
    if findings.errors and not accept_errors:
        raise SchemaError(_frame_refusal(findings.errors))
    aside = [finding.column for finding in told if finding.code in IMPLAUSIBLE]
    if not aside:
        return people, findings
    sound = without_implausible(frame.select(pl.col(aside).cast(pl.Float64)))
    return restore(given.with_columns(sound)), findings


def _concerns(finding: Finding, columns: set[str]) -> bool:
    """Whether a finding is about columns that will be read, and would make a result wrong."""
    about = not finding.column or columns & set(finding.column.split(", "))
    return bool(about) and finding.severity != "note" and finding.code not in _ELSEWHERE


def refusal(
    errors: Findings,
    of: str = "people.findings.errors (osteo-epi check FILE)",
    way_out: str = WAY_OUT,
) -> str:
    """The message about errors that nobody accepted; `of` is where all of them are listed.

    `way_out` says how they are accepted; empty where they cannot be.

    Other words or types than the codebook's are not offered to be accepted: these people would
    count as not stated, every one of them, and reading the frame mends it. Nor is a column of sex
    or age that lacks: nobody could be classified.
    """
    first = errors[0].told().removeprefix("error: ").rstrip(".")
    more = len(errors) - 1
    rest = f"; {more} more: {of} lists all" if more else ""
    if any(error.code in (*CODES, "incomplete") for error in errors):
        return f"{first}{rest}"
    go_on = f"; or go on in spite of {'them' if more else 'it'} with {way_out}" if way_out else ""
    return f"{first}{go_on}{rest}"


def _frame_refusal(errors: Findings, way_out: str = "accept_errors=True") -> str:
    """The same of a frame, which no command reads."""
    text = refusal(errors, of=_CHECK, way_out=way_out)
    # That a frame can be taken in is said once.
    return text if "osteo_epi.read(" in text else f"{text}. {_IN_MEMORY}"


def _in_spite_of(error: Finding) -> str:
    column = f" in {error.column}" if error.column else ""
    return f"in spite of an error in the data ({error.code}{column}): {error.message}"


def acceptance_notes(people: Any) -> tuple[str, ...]:
    """What a reader of a result must know of the errors that were accepted for it.

    Parameters
    ----------
    people
        Any frame; only a `Cohort` carries findings.

    Returns
    -------
    tuple of str
        A sentence an error.
    """
    if not isinstance(people, Cohort):
        return ()
    accepted = {finding.key for finding in people.accepted_errors}
    return tuple(
        _in_spite_of(finding) for finding in people.findings.errors if finding.key in accepted
    )
