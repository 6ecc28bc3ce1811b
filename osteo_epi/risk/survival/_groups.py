"""Groups of people whose curves stand side by side."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.errors import SchemaError
from osteo_epi.frames import in_natural_order
from osteo_epi.risk._follow_up import FollowUp
from osteo_epi.risk.survival._estimates import Followed
from osteo_epi.rounding import count
from osteo_epi.survey import Array

MOST_GROUPS = 20
EVERYBODY = "all"


def groups_of(seen: FollowUp, by: str | None, *, entry: str | None) -> dict[str, Followed]:
    """People by the value of a column, in its order; all in one group without a column.

    Raises
    ------
    SchemaError
        If the column is absent, has no value, or more values than groups can be told apart.
    """
    late = entry is not None
    if by is None:
        return {EVERYBODY: Followed(seen, seen.rows, late)}
    column, _ = seen.people.classes(by, "by")
    values = column.filter(pl.Series(seen.rows)).drop_nulls().unique()
    if values.is_empty():
        raise SchemaError(f"by column {by} is missing in all {count(seen.n)} people; leave by= out")
    if len(values) > MOST_GROUPS:
        raise SchemaError(
            f"by column {by} has {count(len(values))} values; {MOST_GROUPS} groups are the most "
            "that can be told apart: cut it into classes first"
        )
    return {
        str(value): Followed(seen, seen.rows & (column == value).fill_null(False).to_numpy(), late)
        for value in (in_natural_order(values) if values.dtype == pl.String else values.sort())
    }


def group_notes(seen: FollowUp, by: str | None, groups: dict[str, Followed]) -> list[str]:
    """Say who is in no group, and which group has no event."""
    notes = list[str]()
    if by is not None:
        notes += seen.people.classes(by, "by")[1]
        inside = np.any([one.rows for one in groups.values()], axis=0)
        lacking = int((seen.rows & ~inside).sum())
        if lacking:
            notes.append(
                f"{count(lacking)} of {count(seen.n)} people lack {by} and are in no group"
            )
        if len(groups) == 1:
            notes.append(f"all people with {by} are in one group")
    for name, one in groups.items():
        if not (seen.status[one.rows] == 1).any():
            size = count(int(one.rows.sum()))
            notes.append(f"none of {size} people of group {name} has the event")
    return notes


def refuse_one_group(by: str, groups: dict[str, Followed]) -> None:
    """Raise SchemaError where there is nothing to compare."""
    if len(groups) < 2:
        raise SchemaError(
            f"by column {by} has one group only among the people followed; two at least are "
            "compared. Look whether domain= leaves one, or where by is missing"
        )


def checked_times(times: Any) -> Array:
    """(T,) times asked for, one or several, above 0, in the order given."""
    given = [times] if isinstance(times, Real) else times
    arguments.numbers(given, "at", above=0)
    return np.array(list(given), float)


def late_notes(groups: dict[str, Followed], times: Array) -> list[str]:
    """Say of times after the last of a group that nothing is known of them."""
    notes = []
    for name, one in groups.items():
        beyond = [t for t in times if t > known_to(one)]
        if beyond:
            whose = "follow-up" if name == EVERYBODY else f"follow-up of group {name}"
            notes.append(
                f"{', '.join(f'{t:g}' for t in beyond)}: after the end of the {whose} "
                f"({known_to(one):g}), so without a value"
            )
    return notes


def emptied_notes(groups: dict[str, Followed]) -> list[str]:
    """Say where a curve comes to its end because few had come under observation yet."""
    notes = []
    for name, one in groups.items():
        if not one.late:
            continue
        seen, at_risk = one.seen, one.group().people()
        stay = at_risk.risk - at_risk.left[:, 1:].sum(axis=1)
        ends = np.flatnonzero((at_risk.risk > 0) & (stay <= 0))
        if not len(ends):
            continue
        when = at_risk.times[ends[0]]
        later = int((one.rows & (seen.entry >= when)).sum())
        if later:
            whose = "" if name == EVERYBODY else f" of group {name}"
            notes.append(
                f"everybody{whose} who was under observation at an early time "
                f"({count(int(at_risk.risk[ends[0]]))} people) had an event then, and "
                f"{count(later)} came later: the curve stands still from there. Begin at a time at "
                "which more are under observation: leave out by domain= who left before it, and "
                "let nobody enter before it"
            )
    return notes


def known_to(group: Followed) -> float:
    """Last time of which anything is known: for ever, if the last to leave had an event."""
    time, status = group.seen.time[group.rows], group.seen.status[group.rows]
    last = float(time.max())
    return last if (status[time == last] == 0).any() else np.inf
