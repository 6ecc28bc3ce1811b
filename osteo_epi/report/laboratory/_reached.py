"""Who is left of the people from step to step, until the model; and each note said once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from osteo_epi.accuracy import People
from osteo_epi.report.laboratory._question import ThresholdQuestion
from osteo_epi.rounding import count

UNVERIFIED = "decided who was verified"
"""What accuracy, curve and diagram each say of people with a test and without a truth."""
LACKING = re.compile(r"people lack (\S+?)( in \S+ \S+)?( and are (left out|in no group))?$")
"""What each model says of people without a column, which the steps say of all in their order."""


def steps_to_model(people: Any, q: ThresholdQuestion, n: int) -> tuple[tuple[str, int], ...]:
    """Words and people left of each step: those asked about, with the test, the outcome, the rest.

    `n` are the people of the model: a last step where others than these are left out.
    """
    known = People.of(people, accept_errors=True)
    _, rows = known.within(q.within)
    steps = [("people", int(rows.sum()))]
    for words, columns in _needed(known, q):
        rows = rows & np.all(columns, axis=0)
        steps.append((f"with {words}", int(rows.sum())))
    return (*steps, ("in the model", n)) if n != steps[-1][1] else tuple(steps)


def _needed(known: People, q: ThresholdQuestion) -> Iterable[tuple[str, list[Any]]]:
    yield q.test, [~np.isnan(known.numbers(q.test, "test"))]
    assert q.outcome is not None
    happened = known.answers(q.outcome, q.outcome_positive, "outcome")
    names, columns = [q.outcome], [happened.known]
    if q.time is not None:
        names.append(q.time)
        columns.append(~np.isnan(known.numbers(q.time, "time")))
    if q.competing is not None:
        names.append(q.competing)
        other = known.answers(q.competing, q.competing_positive, "competing")
        columns.append(other.known | happened.yes)
    yield ", ".join(names), columns
    if q.adjust:
        given = [known.classes(name, "adjust")[0].is_not_null().to_numpy() for name in q.adjust]
        yield ", ".join(q.adjust), given


def said_steps(steps: tuple[tuple[str, int], ...]) -> str:
    """The steps as one line."""
    return "; of these ".join(f"{count(n)} {words}" for words, n in steps)


def once(notes: Iterable[str], said: Collection[str]) -> tuple[str, ...]:
    """Notes without those that say again what another says; `said` are the columns of the steps."""
    kept: dict[str, None] = {}
    for note in notes:
        again = UNVERIFIED in note and any(UNVERIFIED in other for other in kept)
        lacking = LACKING.search(note)
        if not again and not (lacking and lacking[1] in said):
            kept[note] = None
    return tuple(kept)
