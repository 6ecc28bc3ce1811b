"""How many have had an event, where another makes it impossible: Aalen and Johansen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Positive
from osteo_epi.errors import DesignError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._competing import refuse_unnamed
from osteo_epi.risk._follow_up import COMPETING, EVENT, follow_up
from osteo_epi.risk.survival._curve import GroupCurve, floats
from osteo_epi.risk.survival._estimates import Band, Followed, Statistic, measures, points_of
from osteo_epi.risk.survival._groups import (
    checked_times,
    emptied_notes,
    group_notes,
    groups_of,
    known_to,
    late_notes,
)
from osteo_epi.risk.survival._intervals import Scale, probability_limits, refuse_scale
from osteo_epi.risk.survival._linear import (
    aalen_variance,
    incidence_of,
    incidence_variance,
    linear_incidence,
)
from osteo_epi.risk.survival._steps import incidence
from osteo_epi.rounding import count
from osteo_epi.survey import Array

Variance = Literal["linearised", "aalen"]
VARIANCES = ("linearised", "aalen")


@dataclass(frozen=True, repr=False)
class CumulativeIncidence(Result):
    """Share of people that has had an event over time, and that has had the competing one.

    Attributes
    ----------
    groups
        A curve of the event for each group, in the order of the column.
    competing_groups
        The same of the competing event; empty where nothing competes.
    times
        Asked for [unit of the column of time].
    time, event, competing, by
        What was asked.
    interval, variance, confidence, design, notes
        How limits and errors were made, how people were drawn, and what a reader must know.
    """

    groups: tuple[GroupCurve, ...]
    competing_groups: tuple[GroupCurve, ...]
    times: tuple[float, ...]
    time: str
    event: str
    competing: str | None
    by: str | None
    interval: str
    variance: str
    confidence: float
    design: str
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """A row an event, group and time: event, group, time, n_at_risk, incidence, se, lower,
        upper; null after the end of follow-up.
        """  # fmt: skip
        kinds = ((self.event, self.groups), (self.competing, self.competing_groups))
        rows = [
            {"event": kind} | row
            for kind, groups in kinds
            for one in groups
            for row in one.rows(self.times, "incidence")
        ]
        return pl.DataFrame(rows, schema_overrides=floats("incidence"))

    def _summary(self) -> str:
        n, events = (sum(getattr(g, k) for g in self.groups) for k in ("n", "n_events"))
        other = sum(g.n_events for g in self.competing_groups)
        by = "" if self.by is None else f" by {self.by}"
        beside = "nothing competes" if self.competing is None else (
            f"{count(other)} of {self.competing}"
        )  # fmt: skip
        return f"{self.event}{by}, {count(n)} people, {count(events)} events, {beside}"


@on_people("time", "event", "competing", "by", "entry", "cluster", "domain")
def cumulative_incidence(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    at: float | Sequence[float],
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    by: Column = None,
    entry: Column = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    interval: Scale = "log_log",
    variance: Variance = "linearised",
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> CumulativeIncidence:
    """Share of people that has had an event over time, where another may make it impossible.

    Parameters
    ----------
    people, time, event, event_positive, competing, competing_positive, entry
        As in `follow_up`.
    at
        Time or times at which the curves are read [unit of the column of time].
    nothing_competes
        True where no event makes the other impossible: then the incidence is 1 − survival. Without
        it `competing` has to be named.
    by
        Column of groups.
    design, cluster, domain, accept_errors
        As in `accuracy.accuracy`.
    interval
        Scale of the limits: "log_log", "log" (as `survival::survfit`), "plain" (as `prodlim`),
        "logit" or "arcsin".
    variance
        "linearised": the infinitesimal jackknife, as `survival::survfit` and `prodlim` give it and
        as a design needs it. "aalen": as `cmprsk::cuminc`, a little larger; for people drawn one
        by one.
    confidence
        Level of the limits.

    Returns
    -------
    CumulativeIncidence
        Aalen and Johansen 1978, Scandinavian Journal of Statistics 5:141-150. With a design
        weights enter the curve, errors come from linearised values summed to the units (or from
        the replicates), and limits from Student's t with the design's degrees of freedom.

    Raises
    ------
    SchemaError
        As `follow_up`; if `competing` is not named and nothing_competes is not said; if the column
        of groups has no value, or more than 20.
    DefinitionError, DesignError
        If times, level, scale or variance are none, or the variance knows no design.

    Examples
    --------
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5], "status": [1, 2, 1, 0, 0]})
    >>> result = cumulative_incidence(
    ...     people, time="years", event="status", event_positive=1, competing="status",
    ...     competing_positive=2, at=[1, 4])
    >>> result.to_frame()["incidence"].round(2).to_list()
    [0.2, 0.4, 0.0, 0.2]
    """
    arguments.confidence_level(confidence)
    refuse_scale(interval)
    whens = checked_times(at)
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, nothing_competes=nothing_competes, entry=entry,
        design=design, cluster=cluster, domain=domain,
        accept_errors=accept_errors,
    )  # fmt: skip
    refuse_unnamed(seen.competing, seen.unsaid, nothing_competes=nothing_competes)
    _refuse_variance(variance, simple=seen.sample.simple and entry is None)
    groups = groups_of(seen, by, entry=entry)
    kinds = (EVENT,) if competing is None else (EVENT, COMPETING)
    curves = [
        tuple(_group(name, one, kind, whens, interval, variance, confidence)
              for name, one in groups.items())
        for kind in kinds
    ]  # fmt: skip
    notes = [*seen.notes, *group_notes(seen, by, groups), *late_notes(groups, whens)]
    notes += emptied_notes(groups)
    return CumulativeIncidence(
        curves[0], curves[1] if len(curves) > 1 else (), tuple(map(float, whens)), time, seen.event,
        seen.competing, by, interval, variance, confidence, str(seen.sample.design), tuple(notes),
    )  # fmt: skip


def _group(
    name: str,
    one: Followed,
    kind: int,
    at: Array,
    interval: Scale,
    variance: Variance,
    confidence: float,
) -> GroupCurve:
    n, at_risk = int(one.rows.sum()), one.group().at_risk()
    of = Statistic(
        partial(incidence_of, kind=kind), partial(linear_incidence, kind=kind),
        None if one.late else partial(incidence_variance, kind=kind),
    )  # fmt: skip

    def band(times: Array) -> Band:
        if variance == "linearised":
            return one.band(of, times, interval, confidence)
        value = incidence(at_risk, kind=kind).at(times)
        se = np.sqrt(aalen_variance(at_risk, kind=kind).at(times))
        ends = probability_limits(value, se, one.reach(confidence), interval)
        return Band(times, value, se, *ends)

    events = at_risk.times[at_risk.left[:, kind] > 0]
    n_events = int((one.seen.status[one.rows] == kind).sum())
    return GroupCurve(
        name, n, n_events, incidence(at_risk, kind=kind), one.n_at_risk(),
        measures(band(at), n, f"{variance}, {interval}", known_to=known_to(one)),
        band(points_of(events)),
    )  # fmt: skip


def _refuse_variance(variance: str, *, simple: bool) -> None:
    if variance not in VARIANCES:
        raise DesignError(f"variance={variance!r}; choose one of {', '.join(VARIANCES)}")
    if variance == "aalen" and not simple:
        raise DesignError(
            'variance="aalen" is for people drawn one by one and followed from the start; with a '
            'survey design, or with entry=, take "linearised"'
        )
