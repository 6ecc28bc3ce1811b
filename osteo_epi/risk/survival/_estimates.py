"""Estimates of a curve at times, with standard errors by how people were drawn, and limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osteo_epi.accuracy import Measure, Sample
from osteo_epi.agreement import critical_value
from osteo_epi.risk._follow_up import FollowUp
from osteo_epi.risk.survival._intervals import Scale, probability_limits
from osteo_epi.risk.survival._linear import Group
from osteo_epi.risk.survival._steps import Step
from osteo_epi.survey import Array, Mask

MOST_POINTS = 100
"""Times at which a curve is given its limits: more are closer together than a figure shows."""
AT_ONCE = 20
DESCENT = 1e-9


@dataclass(frozen=True)
class Statistic:
    """A value at each of (T,) times, and its (m, T) weighted linearised values, of a group.

    `variance` (T,) is that of people drawn one by one; None where it is the sum of squares of the
    linearised values.
    """

    value: Callable[[Group, Array], Array]
    linear: Callable[[Group, Array], Array]
    variance: Callable[[Group, Array], Array] | None = None


@dataclass(frozen=True)
class Band:
    """(T,) estimates of a curve at times, with their errors and limits (NaN where none)."""

    times: Array
    estimate: Array
    se: Array
    lower: Array
    upper: Array


@dataclass(frozen=True)
class Followed:
    """(n,) people of one group of a follow-up, and how they were drawn."""

    seen: FollowUp
    rows: Mask
    late: bool

    @property
    def sample(self) -> Sample:
        """How people were drawn."""
        return self.seen.sample

    @property
    def df(self) -> float:
        """Degrees of freedom of the limits."""
        return math.inf if self.sample.simple else self.sample.df(self.rows)

    def group(self, weight: Array | None = None) -> Group:
        """Its people as arrays, by their weights or by others of (n,) people."""
        seen, rows = self.seen, self.rows
        w = self.weight if weight is None else weight
        entry = seen.entry[rows] if self.late else None
        return Group(seen.time[rows], seen.status[rows], w[rows], entry)

    @property
    def weight(self) -> Array:
        """(n,) weights; 1 where people were drawn one by one, so that errors are of people."""
        return np.ones(len(self.rows)) if self.sample.simple else self.sample.weight

    def reach(self, confidence: float) -> float:
        """Standard errors from an estimate to its limits."""
        return critical_value(confidence, self.df) if self.df > 0 else math.nan

    def errors(self, of: Statistic, times: Array) -> tuple[Array, Array]:
        """(T,) estimates at times, with their standard errors."""
        if self.sample.arrays is None:
            joint = self.sample.replicated(lambda w: of.value(self.group(w), times), self.rows)
            return joint.value, np.sqrt(np.diag(joint.covariance))
        group = self.group()
        if self.sample.simple and of.variance is not None:
            return of.value(group, times), np.sqrt(of.variance(group, times))
        parts = [self._errors(of, group, times[i : i + AT_ONCE]) for i in _starts(len(times))]
        return of.value(group, times), np.concatenate([np.empty(0), *parts])

    def _errors(self, of: Statistic, group: Group, times: Array) -> Array:
        linear = of.linear(group, times)
        if self.sample.simple:
            return np.asarray(np.sqrt((linear**2).sum(axis=0)))
        spread = np.zeros((len(self.rows), len(times)))
        spread[self.rows] = linear
        joint = self.sample.linearised(np.zeros(len(times)), spread, self.rows)
        return np.asarray(np.sqrt(np.diag(joint.covariance)))

    def band(self, of: Statistic, times: Array, interval: Scale, confidence: float) -> Band:
        """Probabilities at times, with limits on the scale."""
        value, se = self.errors(of, times)
        low, high = probability_limits(value, se, self.reach(confidence), interval)
        return Band(times, value, se, low, high)

    def n_at_risk(self) -> Step:
        """People at risk after each time of coming or leaving."""
        seen, rows = self.seen, self.rows
        left = np.sort(seen.time[rows])
        came = np.sort(seen.entry[rows]) if self.late else np.zeros(0)
        times = np.unique(np.concatenate([left, came]))
        start = 0.0 if self.late else float(len(left))
        come = np.searchsorted(came, times, side="right") + start
        people = (come - np.searchsorted(left, times, side="right")).astype(float)
        return Step(times, people, start)


def _starts(n: int) -> range:
    return range(0, n, AT_ONCE)


def measures(band: Band, n: int, method: str, *, known_to: float) -> tuple[Measure, ...]:
    """Estimates of a band one by one; without a value after the last time that is known."""
    result = []
    for time, *numbers in zip(
        band.times, band.estimate, band.se, band.lower, band.upper, strict=True
    ):
        if time > known_to:
            numbers = [math.nan] * 4
        value, se, low, high = (None if math.isnan(v) else float(v) for v in numbers)
        result.append(Measure(math.nan if value is None else value, se, low, high, n, method))
    return tuple(result)


def points_of(times: Array) -> Array:
    """So many of the times that a line through them is the curve."""
    if len(times) <= MOST_POINTS:
        return times
    return np.asarray(times[np.linspace(0, len(times) - 1, MOST_POINTS).round().astype(int)])


def descent(curve: Callable[[Array], Array], times: Array, level: float) -> float:
    """First of the times at which a falling curve is at a level or below; NaN if never."""
    left = times
    while len(left):
        points = points_of(left)
        below = np.flatnonzero(curve(points) <= level + DESCENT)
        if not len(below):
            return math.nan
        first = int(below[0])
        if len(points) == len(left):
            return float(left[first])
        start = 0 if first == 0 else int(np.searchsorted(left, points[first - 1], side="right"))
        left = left[start : int(np.searchsorted(left, points[first], side="right"))]
    return math.nan
