"""Data with errors make no class and no estimate until somebody has accepted the errors.

One rule for every function that classes people or estimates something of them, in Python as on
the command line. A finding of the level "error" says that results would be wrong.
"""

from __future__ import annotations

from typing import Any

from osteo_epi.cohort._people import Cohort
from osteo_epi.cohort.checks._check import check
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Findings

WAY_OUT = "accept_errors=True (--accept-errors)"
"""How errors are accepted, in Python and on the command line."""


def refuse_errors(people: Any, *, accept_errors: bool = False) -> Any:
    """Refuse a cohort with errors that nobody accepted; pass on everything else.

    Parameters
    ----------
    people
        A `Cohort`. Any other frame carries no findings and is passed on as it is.
    accept_errors
        Accept the errors that the cohort carries. It remembers them in `accepted_errors`, so the
        next step does not ask again; an error that appears later is refused again.

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
    if not isinstance(people, Cohort) or not people.open_errors:
        return people
    if accept_errors:
        return people.with_errors_accepted()
    standing = {finding.key for finding in check(people).errors}
    errors = Findings(tuple(f for f in people.open_errors if f.key in standing))
    if errors:
        raise SchemaError(refusal(errors))
    return people


def refusal(errors: Findings) -> str:
    """The message about errors that nobody accepted."""
    first = str(errors[0]).removeprefix("error: ").rstrip(".")
    more = len(errors) - 1
    rest = f"; {more} more: people.findings.errors (osteo-epi check FILE) lists all" if more else ""
    return f"{first}; or go on in spite of {'them' if more else 'it'} with {WAY_OUT}{rest}"


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
        f"in spite of an error in the data ({finding.code}"
        f"{f' in {finding.column}' if finding.column else ''}): {finding.message}"
        for finding in people.findings.errors
        if finding.key in accepted
    )
