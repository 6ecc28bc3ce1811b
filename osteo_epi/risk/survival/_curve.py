"""How many are still free of an event: Kaplan and Meier, Nelson and Aalen, mean and median."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Measure, Positive
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._follow_up import follow_up
from osteo_epi.risk.survival._estimates import (
    Band,
    Followed,
    Statistic,
    descent,
    measures,
    points_of,
)
from osteo_epi.risk.survival._groups import (
    checked_times,
    emptied_notes,
    group_notes,
    groups_of,
    known_to,
    late_notes,
)
from osteo_epi.risk.survival._intervals import Scale, refuse_scale
from osteo_epi.risk.survival._linear import (
    hazard,
    hazard_variance,
    linear_hazard,
    linear_mean,
    linear_survival,
    mean_to,
    mean_variance,
    survival,
    survival_variance,
)
from osteo_epi.risk.survival._steps import Step, product_limit
from osteo_epi.rounding import count
from osteo_epi.survey import Array

FREE = Statistic(survival, linear_survival, survival_variance)
HAZARD = Statistic(hazard, linear_hazard, hazard_variance)
MEAN = Statistic(mean_to, linear_mean, mean_variance)
NUMBERS = ("estimate", "se", "lower", "upper")


@dataclass(frozen=True)
class GroupCurve:
    """The curve of one group of people.

    Attributes
    ----------
    group
        Value of the column of groups; "all" without one.
    n, n_events
        People, and those with the event of the curve.
    step
        The curve itself.
    n_at_risk
        People at risk; read by `before` at a time.
    estimates
        (T,) values of the curve at the times asked for.
    band
        Limits at the times of events (at most 100 of them).
    """

    group: str
    n: int
    n_events: int
    step: Step
    n_at_risk: Step
    estimates: tuple[Measure, ...]
    band: Band

    def rows(self, times: Sequence[float], name: str) -> list[dict[str, Any]]:
        """One row a time: group, time, n_at_risk, the estimate under `name`, se, lower, upper."""
        return [
            {
                "group": self.group,
                "time": float(time),
                "n_at_risk": int(self.n_at_risk.before(time)),
            }
            | {name if key == "estimate" else key: measure.as_row()[key] for key in NUMBERS}
            for time, measure in zip(times, self.estimates, strict=True)
        ]


@dataclass(frozen=True)
class SurvivalGroup(GroupCurve):
    """A survival curve, with the cumulative hazard at the times, the median and the mean.

    Attributes
    ----------
    hazards
        (T,) cumulative hazards at the times asked for.
    median
        When half have had the event [unit of the column of time]; nan if half never have.
    mean
        Mean time free of the event up to `mean_until` [unit of the column of time]; None unless
        that was asked.
    group, n, n_events, step, n_at_risk, estimates, band
        As of `GroupCurve`.
    """

    hazards: tuple[Measure, ...]
    median: Measure
    mean: Measure | None


@dataclass(frozen=True, repr=False)
class SurvivalCurve(Result):
    """Share of people free of an event over time.

    Attributes
    ----------
    groups
        A curve a group, in the order of the column.
    times
        Asked for [unit of the column of time].
    time, event, by
        What was asked.
    interval, confidence, design, notes
        Scale and level of the limits, how people were drawn, and what a reader must know.
    """

    groups: tuple[SurvivalGroup, ...]
    times: tuple[float, ...]
    time: str
    event: str
    by: str | None
    interval: str
    confidence: float
    design: str
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """A row a group and time: group, time, n_at_risk, survival, se, lower, upper, hazard,
        hazard_se; null after the end of follow-up.
        """  # fmt: skip
        rows = []
        for one in self.groups:
            for row, measure in zip(one.rows(self.times, "survival"), one.hazards, strict=True):
                of = measure.as_row()
                rows.append(row | {"hazard": of["estimate"], "hazard_se": of["se"]})
        return pl.DataFrame(rows, schema_overrides=floats("survival", "hazard", "hazard_se"))

    def averages(self) -> pl.DataFrame:
        """A row a group: n, n_events, median (null if half are never reached) and restricted mean
        with limits [unit of the column of time].
        """  # fmt: skip
        rows = []
        for one in self.groups:
            row: dict[str, Any] = {"group": one.group, "n": one.n, "n_events": one.n_events}
            for name in ("median", "mean"):
                of = getattr(one, name)
                numbers = dict.fromkeys(NUMBERS) if of is None else of.as_row()
                keys = NUMBERS if name == "mean" else ("estimate", "lower", "upper")
                row |= {name if k == "estimate" else f"{name}_{k}": numbers[k] for k in keys}
            rows.append(row)
        names = [k for k in rows[0] if k not in ("group", "n", "n_events")]
        return pl.DataFrame(rows, schema_overrides=dict.fromkeys(names, pl.Float64))

    def _summary(self) -> str:
        n, events = (sum(getattr(g, k) for g in self.groups) for k in ("n", "n_events"))
        by = "" if self.by is None else f" by {self.by}"
        return f"free of {self.event}{by}, {count(n)} people, {count(events)} events"


@on_people("time", "event", "by", "entry", "cluster", "domain")
def survival_curve(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    at: float | Sequence[float],
    event_positive: Positive = None,
    by: Column = None,
    entry: Column = None,
    mean_until: float | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    interval: Scale = "log_log",
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> SurvivalCurve:
    """Share of people free of an event over time, of whom others may leave before it.

    Parameters
    ----------
    people, time, event, event_positive, entry
        As in `follow_up`. Everything else that ends the follow-up is taken as censoring: where
        death makes the event impossible, `cumulative_incidence` gives its risk.
    at
        Time or times at which the curve is read [unit of the column of time].
    by
        Column of groups.
    mean_until
        Gives the mean time free of the event up to this time (restricted mean); None for none.
    design, cluster, domain, accept_errors
        As in `accuracy.accuracy`.
    interval
        Scale of the limits: "log_log", "log", "plain", "logit" or "arcsin" (their names in R:
        "log-log" …).
    confidence
        Level of the limits.

    Returns
    -------
    SurvivalCurve
        Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452, with Greenwood's error; the
        cumulative hazard of Nelson and Aalen with the error Σ d/n² of `survival::survfit`. With a
        design weights enter the curve, errors come from linearised values summed to the units (or
        from the replicates), and limits from Student's t with the design's degrees of freedom.

    Raises
    ------
    SchemaError
        As `follow_up`; if the column of groups has no value, or more than 20.
    DefinitionError, DesignError
        If times, level or scale are none.

    Examples
    --------
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5], "hip": [1, 0, 1, 0, 0]})
    >>> curve = survival_curve(people, time="years", event="hip", at=[1, 3])
    >>> curve
    SurvivalCurve(free of hip, 5 people, 2 events)
    >>> curve.to_frame()["survival"].round(4).to_list()
    [0.8, 0.5333]
    """
    arguments.confidence_level(confidence)
    refuse_scale(interval)
    whens = checked_times(at)
    if mean_until is not None:
        arguments.number(mean_until, "mean_until", above=0)
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, entry=entry, design=design,
        cluster=cluster,
        domain=domain, accept_errors=accept_errors,
    )  # fmt: skip
    groups = groups_of(seen, by, entry=entry)
    notes = [*seen.notes, *group_notes(seen, by, groups), *late_notes(groups, whens)]
    notes += emptied_notes(groups)
    if mean_until is not None:
        _refuse_late_mean(groups, mean_until)
    return SurvivalCurve(
        tuple(
            _group(name, one, whens, mean_until, interval, confidence)
            for name, one in groups.items()
        ),
        tuple(map(float, whens)), time, seen.event, by, interval, confidence,
        str(seen.sample.design), tuple(notes),
    )  # fmt: skip


def _group(
    name: str,
    one: Followed,
    at: Array,
    mean_until: float | None,
    interval: Scale,
    confidence: float,
) -> SurvivalGroup:
    n, last = int(one.rows.sum()), known_to(one)
    at_risk = one.group().at_risk()
    step = product_limit(at_risk)
    events = at_risk.times[at_risk.left[:, 1] > 0]
    hazards = _hazards(one, at, confidence)
    error = "Greenwood" if one.sample.simple else "design-based"
    band = one.band(FREE, points_of(events), interval, confidence)
    return SurvivalGroup(
        name, n, int((one.seen.status[one.rows] == 1).sum()), step, one.n_at_risk(),
        measures(one.band(FREE, at, interval, confidence), n, f"{error}, {interval}",
                 known_to=last),
        band, measures(hazards, n, "Wald", known_to=last),
        _median(one, step, events, band, interval, confidence),
        None if mean_until is None else _mean(one, mean_until, confidence),
    )  # fmt: skip


def _hazards(one: Followed, at: Array, confidence: float) -> Band:
    value, se = one.errors(HAZARD, at)
    reach = one.reach(confidence) * se
    return Band(at, value, se, np.maximum(value - reach, 0.0), value + reach)


def _median(
    one: Followed, step: Step, events: Array, band: Band, interval: Scale, confidence: float
) -> Measure:
    """Where the curve, and each limit, comes down to a half; the middle of a level at a half."""
    half = descent(step.at, events, 0.5)
    if not math.isnan(half) and abs(float(step.at(half)) - 0.5) < 1e-9:
        beyond = events[events > half]
        half = 0.5 * (half + float(beyond[0])) if len(beyond) else half

    def limit(which: str) -> float:
        def curve(times: Array) -> Array:
            # The first look is at the times of the band itself.
            known = np.array_equal(times, band.times)
            here = band if known else one.band(FREE, times, interval, confidence)
            ends: Array = getattr(here, which)
            return np.where(np.isnan(ends), step.at(times), ends)

        return descent(curve, events, 0.5)

    low, high = (None if math.isnan(v) else v for v in (limit("lower"), limit("upper")))
    return Measure(half, None, low, high, int(one.rows.sum()), f"curve's limits, {interval}")


def _mean(one: Followed, until: float, confidence: float) -> Measure:
    value, se = one.errors(MEAN, np.array([until]))
    reach = one.reach(confidence) * se[0]
    ends = (float(max(value[0] - reach, 0.0)), float(min(value[0] + reach, until)))
    return Measure(float(value[0]), float(se[0]), *ends, int(one.rows.sum()), "Wald")


def _refuse_late_mean(groups: dict[str, Followed], until: float) -> None:
    short = [name for name, one in groups.items() if until > known_to(one)]
    if short:
        end = min(known_to(groups[name]) for name in short)
        raise SchemaError(
            f"mean_until={until:g} lies after the end of follow-up ({end:g}) of {', '.join(short)};"
            f" take {end:g} at most"
        )


def floats(*names: str) -> dict[str, Any]:
    """The types of columns of numbers, for a frame whose first rows may all be null."""
    return dict.fromkeys((*names, "se", "lower", "upper"), pl.Float64)
