"""Events over person-time: incidence rates by group and attained age, with limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import population
from osteo_epi.accuracy import Measure, Positive, Sample
from osteo_epi.agreement import critical_value
from osteo_epi.arguments import confidence_level, number, numbers
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._follow_up import EVENT, FollowUp, follow_up
from osteo_epi.risk.association._exposures import column_names
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Array, Mask


@dataclass(frozen=True)
class Rate:
    """Events over person-time of one group.

    Attributes
    ----------
    group
        Columns of `by` to their classes; with ages, `age` to the band [years].
    n_events, person_time
        Of the people followed, each counted once [unit of the time].
    rate
        Events per `per` units of time, weighted by the design.
    """

    group: dict[str, str]
    n_events: int
    person_time: float
    rate: Measure


@dataclass(frozen=True, repr=False)
class PersonYears(Result):
    """Incidence rates.

    Attributes
    ----------
    rates
        One a group.
    per
        Units of time that a rate is of.
    event, design, confidence, notes
        What counts as the event, how people were drawn, the level of the limits, and what a
        reader must know.
    """

    rates: tuple[Rate, ...]
    per: float
    event: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a group.

        Returns
        -------
        polars.DataFrame
            measure ("rate"), the groups' columns, n, n_events, person_time, estimate, lower, upper,
            per, method.
        """
        rows = [
            {"measure": "rate", **one.group, "n": one.rate.n, "n_events": one.n_events,
             "person_time": one.person_time, "estimate": one.rate.estimate,
             "lower": one.rate.lower, "upper": one.rate.upper, "per": self.per,
             "method": one.rate.method}
            for one in self.rates
        ]  # fmt: skip
        limits = dict.fromkeys(("estimate", "lower", "upper"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=limits)

    def _summary(self) -> str:
        events = sum(one.n_events for one in self.rates)
        return (
            f"{self.event}, {count(events)} events, per {self.per:g} of time, "
            f"{counted(len(self.rates), 'group')}"
        )


@on_people("time", "event", "entry", "domain")
def person_years(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    event_positive: Positive = None,
    entry: Column = None,
    by: str | Sequence[str] = (),
    age: str | None = None,
    ages: Sequence[float] = (),
    per: float = 1000,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> PersonYears:
    """Incidence rates by group, and by the age that people have attained.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    time, event, event_positive, entry
        As in `follow_up`; a person counts from entry to the end of observation.
    by
        Columns of groups.
    age, ages
        Column of the age at the start of observation [years, as the time], and ends of the bands
        of attained age, as in (50, 60, 70): whoever passes an end is counted in both bands, with
        the time spent in each. With `entry`, which is an age then, leave `age` out.
    per
        Units of time that a rate is of.
    design, domain, confidence, accept_errors
        As in `accuracy.accuracy`.

    Returns
    -------
    PersonYears
        With exact Poisson limits (Garwood 1936, doi 10.1093/biomet/28.3-4.437) for people drawn
        one by one; with a survey design by linearisation, on the scale of logarithms.

    Raises
    ------
    SchemaError
        As `follow_up`, or where a band holds nobody.
    DefinitionError
        If `age` and `ages` are not given together, or the ends do not rise.

    Notes
    -----
    A first event ends a person's time: for repeated events give one row a period.

    Examples
    --------
    >>> people = pl.DataFrame({"years": [4.0, 10.0, 6.0], "hip": [1, 0, 1], "age": [58, 62, 71]})
    >>> result = person_years(people, time="years", event="hip", age="age", ages=(50, 60, 70, 80))
    >>> result.to_frame().select("age", "n", "n_events", "person_time").rows()
    [('50-60', 1, 0, 2.0), ('60-70', 2, 1, 10.0), ('70-80', 2, 1, 8.0)]
    """
    confidence_level(confidence)
    number(per, "per", above=0)
    groups = column_names(by, "by")
    _refuse_ages(age, ages, entry)
    held = dict.fromkeys(groups, "by") | ({age: "age"} if age else {})
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, entry=entry,
        covariates=held, design=design, domain=domain, accept_errors=accept_errors,
    )  # fmt: skip
    start = seen.entry if age is None else seen.people.numbers(age, "age")
    length = seen.time - seen.entry
    bands = list(pairwise(ages)) if len(ages) else [(-math.inf, math.inf)]
    rates, outside = [], np.where(seen.rows, length, 0.0)
    missed = seen.rows & (seen.status == EVENT)
    for group, inside in _groups(seen, groups):
        for low, high in bands:
            spent = np.clip(start + length, low, high) - np.clip(start, low, high)
            own = inside & (spent > 0)
            ends = own & (seen.status == EVENT) & (start + length <= high)
            outside = outside - np.where(own, spent, 0.0)
            missed &= ~ends
            named = group | ({"age": f"{low:g}-{high:g}"} if len(ages) else {})
            rates.append(_rate(seen, named, own, ends, np.where(own, spent, 0.0), per, confidence))
    notes = (*seen.notes, *_outside(outside, int(missed.sum())))
    return PersonYears(
        tuple(rates), float(per), seen.event, str(seen.sample.design), confidence, notes
    )


def _refuse_ages(age: str | None, ages: Sequence[float], entry: str | None) -> None:
    if not len(ages):
        if age is not None:
            raise DefinitionError("age= is given without ages=: give the ends of bands there too")
        return
    numbers(ages, "ages")
    if len(ages) < 2 or any(a >= b for a, b in pairwise(ages)):
        raise DefinitionError(f"ages={list(ages)}; expected rising ends of bands, as (50, 60, 70)")
    if (age is None) == (entry is None):
        raise DefinitionError(
            "ages= needs the age at the start of observation: age= where time counts from there, "
            "or entry= where time is an age itself; not both"
        )


def _groups(seen: FollowUp, by: tuple[str, ...]) -> list[tuple[dict[str, str], Mask]]:
    if not by:
        return [({}, seen.rows)]
    frame = seen.people.frame.select(pl.col(by).cast(pl.String))
    kinds = frame.filter(pl.Series(seen.rows)).unique().sort(by)
    result = []
    for row in kinds.iter_rows(named=True):
        same = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(row[name])) for name in by)
        result.append((dict(row), frame.select(same).to_series().to_numpy() & seen.rows))
    return result


def _rate(
    seen: FollowUp, group: dict[str, str], own: Mask, ends: Mask, spent: Array, per: float,
    confidence: float,
) -> Rate:  # fmt: skip
    events, time, n = int(ends.sum()), float(spent.sum()), int(own.sum())
    if n == 0:
        shown = ", ".join(f"{name} {value}" for name, value in group.items())
        raise SchemaError(f"nobody was observed in {shown}; join the group to another")
    if seen.sample.simple:
        lower, upper = population.rates.poisson_limits(events, confidence=confidence)
        ends_ = (float(lower) / time * per, float(upper) / time * per)
        measure = Measure(events / time * per, None, *ends_, n, "exact Poisson")
    else:
        measure = _weighted(seen.sample, ends, own, spent, per, confidence)
    return Rate(group, events, time, measure)


def _weighted(
    sample: Sample, ends: Mask, own: Mask, spent: Array, per: float, confidence: float
) -> Measure:
    def value(weight: Array) -> Array:
        return np.array([(weight * ends).sum() / (weight * spent).sum()])

    rate = value(sample.weight)
    if sample.arrays is None:
        joint = sample.replicated(value, own)
    else:
        linear = sample.weight * (ends - rate[0] * spent) / (sample.weight * spent).sum()
        joint = sample.linearised(rate, linear[:, None], own)
    estimate, se = float(rate[0]) * per, joint.error([1.0]) * per
    low = high = None
    if estimate > 0 and joint.df > 0:
        reach = critical_value(confidence, joint.df) * se / estimate
        low, high = estimate * math.exp(-reach), estimate * math.exp(reach)
    return Measure(estimate, se, low, high, int(own.sum()), "log, design-based")


def _outside(time: Array, events: int) -> list[str]:
    rest, total = float(np.where(np.abs(time) > 1e-9, time, 0.0).sum()), count(events)
    if rest <= 0:
        return []
    return [
        f"{rest:,.1f} of person-time and {total} events lie outside the bands of age and are not "
        "counted; look whether the time is in years, as the age is"
    ]
