"""People followed in time: when each was seen first and last, and what happened then.

An event is read as every answer of the toolkit is, by declaration: a column of yes and no, or the
interval or classes that mean yes. What ends the follow-up otherwise (death, another fracture) is
competing only if it is said to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy import Answers, People, Positive, Sample
from osteo_epi.arguments import true_or_false
from osteo_epi.errors import SchemaError
from osteo_epi.frames import of_queries
from osteo_epi.risk._competing import (
    MOST_CODES,
    SEVERAL,
    notes_on,
    refuse_contradiction,
    signs_of,
)
from osteo_epi.risk.hazard._risk_sets import same_times
from osteo_epi.rounding import count, people_who
from osteo_epi.survey import Array, Codes, Mask

CENSORED, EVENT, COMPETING = 0, 1, 2


@dataclass(frozen=True)
class FollowUp:
    """What every question about time to an event rests on.

    Attributes
    ----------
    people, sample
        The frame, and how people were drawn.
    rows
        (n,) people of the domain with weight and with time, event and covariates; arrays below
        are (n,) too, and mean nothing outside them.
    entry, time
        When each came under observation (0 unless stated) and left it [unit of the column].
    status
        0 censored, 1 event, 2 a competing event.
    event, competing
        What counts as either.
    notes
        Who is left out and why, and what a reader must know.
    n_inside, lost
        People of the domain with weight, and by column how many of them lack it.
    unsaid
        What in the data looks like a competing event that nobody declared.
    """

    people: People
    sample: Sample
    rows: Mask
    entry: Array
    time: Array
    status: Codes
    event: str
    competing: str | None
    notes: tuple[str, ...]
    n_inside: int
    lost: dict[str, int]
    unsaid: tuple[str, ...] = ()

    @property
    def weight(self) -> Array:
        """(n,) weights, 0 outside `rows`."""
        return np.where(self.rows, self.sample.weight, 0.0)

    @property
    def n(self) -> int:
        """People."""
        return int(self.rows.sum())

    @property
    def n_events(self) -> int:
        """People with the event."""
        return int((self.status[self.rows] == EVENT).sum())


@of_queries
def follow_up(
    people: Any,
    *,
    time: str,
    event: str,
    event_positive: Positive = None,
    competing: str | None = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    entry: str | None = None,
    covariates: Sequence[str] | Mapping[str, str] = (),
    design: Any = None,
    cluster: str | None = None,
    domain: str | pl.Expr | None = None,
    accept_errors: bool = False,
) -> FollowUp:
    """Read a follow-up, with every fault of it.

    Parameters
    ----------
    people
        A frame of any kind, one row a person (with `cluster`, one row a follow-up), or
        `accuracy.People` that are read already.
    time
        Column of the time from the start of observation to its end, or with `entry` of the age
        (or date as a number) at the end [any unit].
    event, event_positive
        Column of the event, and what counts as one where it does not say yes or no.
    competing, competing_positive
        The same of what makes the event impossible, as death before a fracture; None where
        nothing does.
    nothing_competes
        True says that no event makes the other impossible; else a note names what in the data
        looks as if one did.
    entry
        Column of the age or time at which people came under observation.
    covariates
        Further columns that must be there, or each to the argument that names it; whoever lacks
        one, or has a word for missing in it, is left out and counted.
    design, cluster, domain, accept_errors
        As in `accuracy.accuracy`.

    Returns
    -------
    FollowUp

    Raises
    ------
    SchemaError
        If a column is absent or undeclared, a time is not after its start, or nobody has the
        event.

    Examples
    --------
    >>> people = pl.DataFrame({"years": [2.0, 5.0, 5.0], "status": [1, 0, 2]})
    >>> seen = follow_up(people, time="years", event="status", event_positive=1,
    ...                  competing="status", competing_positive=2)
    >>> seen.n, seen.n_events, seen.status.tolist()
    (3, 1, [1, 0, 2])
    """
    true_or_false(nothing_competes=nothing_competes, accept_errors=accept_errors)
    given = (covariates,) if isinstance(covariates, str) else covariates
    roles = given if isinstance(given, Mapping) else dict.fromkeys(given, "covariates")
    refuse_contradiction(competing, nothing_competes=nothing_competes)
    known = people if isinstance(people, People) else People.of(
        people, accept_errors=accept_errors, cluster=cluster
    )  # fmt: skip
    known = known.with_classes(roles)
    sample = Sample.of(known.frame, design, cluster)
    end = known.numbers(time, "time")
    start = np.zeros(len(end)) if entry is None else known.numbers(entry, "entry")
    happened = known.answers(event, event_positive, "event")
    other = _competing(known, competing, competing_positive, event, happened)
    inside = known.domain(domain) & (sample.weight > 0)
    gaps = {time: np.isnan(end), event: ~happened.known}
    gaps |= {} if entry is None else {entry: np.isnan(start)}
    gaps |= {} if other is None else {str(competing): ~other.known & ~happened.yes}
    gaps |= {name: known.covariate(name, role).is_null().to_numpy() for name, role in roles.items()}
    rows = inside & ~np.any(list(gaps.values()), axis=0)
    _refuse_times(start, end, rows, time, entry)
    start, end = _rounded(start, end, rows, late=entry is not None)
    status = _status(happened, other, rows)
    _refuse_no_event(status, rows, happened.label)
    lost = {name: int((gap & inside).sum()) for name, gap in gaps.items()}
    total = int(inside.sum())
    notes = [*known.notes, *sample.notes, *_lost(lost, total)]
    notes += [note for answer in (happened, other) if answer for note in answer.notes]
    notes += [*_both(happened, other, rows), *_everybody(status[rows], happened.label)]
    if other is not None:
        censored = rows & (status == CENSORED)
        notes += _other_codes(known.column(event, "event"), censored)
    signs = () if other is not None or nothing_competes else signs_of(
        known.frame, time=time, event=event, positive=event_positive, rows=rows,
        has_event=happened.yes,
    )  # fmt: skip
    notes += notes_on(signs)
    return FollowUp(
        known, sample, rows, start, end, status, happened.label,
        None if other is None else other.label, tuple(notes), total, lost, signs,
    )  # fmt: skip


def _competing(
    known: People, name: str | None, positive: Positive, event: str, happened: Answers
) -> Answers | None:
    """Who has the competing event, which is not the event itself."""
    if name is None and positive is not None:
        raise SchemaError(
            "competing_positive= is given without competing=: name the column of the competing "
            f'event too, as in competing="{event}", or leave both out'
        )
    if name is None:
        return None
    other = known.answers(name, positive, "competing")
    if other.label == happened.label:
        raise SchemaError(
            f"the event and the competing event are both {other.label}: nobody could have one "
            "without the other; give the code of the competing event in competing_positive="
        )
    return other


def _status(happened: Answers, other: Answers | None, rows: Mask) -> Codes:
    status = np.full(len(rows), CENSORED)
    if other is not None:
        status[other.yes] = COMPETING
    status[happened.yes] = EVENT
    return status


def _rounded(start: Array, end: Array, rows: Mask, *, late: bool) -> tuple[Array, Array]:
    """Times that differ by rounding only, as sums of decimal fractions do, are one time."""
    first, last = start.copy(), end.copy()
    if late:
        first[rows], last[rows] = same_times(start[rows], end[rows])
    else:
        (last[rows],) = same_times(end[rows])
    return first, last


def _refuse_times(start: Array, end: Array, rows: Mask, time: str, entry: str | None) -> None:
    wrong = int((rows & ~(end > start)).sum())
    if not wrong:
        return
    if entry is None:
        raise SchemaError(
            f"column {time}: {people_who(wrong, 'have')} a time of 0 or less; a follow-up is "
            "longer than that. Look whether dates were subtracted the wrong way round, or "
            "whether these had the event before the start: then they are not at risk, leave "
            "them out by domain="
        )
    raise SchemaError(
        f"column {time}: {people_who(wrong, 'leave')} at or before the time at which they came "
        f"({entry}); look whether both count from the same origin, or leave them out by domain="
    )


def _refuse_no_event(status: Codes, rows: Mask, label: str) -> None:
    n, events = int(rows.sum()), int((status[rows] == EVENT).sum())
    if n == 0:
        raise SchemaError("nobody has time, event and every covariate: look where they are missing")
    if events == 0:
        raise SchemaError(
            f"none of {count(n)} people has the event ({label}); look whether event_positive= says "
            "what was meant"
        )


def _lost(lost: dict[str, int], total: int) -> list[str]:
    """Say of each column how many lack it; a person may lack several."""
    return [f"{count(n)} of {count(total)} people lack {name} and are left out"
            for name, n in lost.items() if n]  # fmt: skip


def _everybody(status: Codes, label: str) -> list[str]:
    if not (status == EVENT).all():
        return []
    return [
        f"each of {count(len(status))} people has the event ({label}); look whether "
        "event_positive= says what was meant"
    ]


def _other_codes(column: pl.Series, censored: Mask) -> list[str]:
    """Say that codes beside those of both events all count as censored."""
    kinds = column.filter(pl.Series(censored)).drop_nulls().n_unique()
    if not SEVERAL <= kinds <= MOST_CODES:
        return []
    return [
        f"column {column.name} has {kinds} different values beside those of the events, and all of "
        'them count as censored; make those missing that say "unknown" or "refused"'
    ]


def _both(happened: Answers, other: Answers | None, rows: Mask) -> list[str]:
    both = 0 if other is None else int((happened.yes & other.yes & rows).sum())
    if not both:
        return []
    return [
        f"{people_who(both, 'have')} the event and the competing one, with one time: the event is "
        "taken for the first"
    ]
