"""Step functions of time: who is at risk, the product limit, and incidence beside other events.

Array layer, in the time of a sort. At one time events come before censorings: whoever leaves at a
time at which somebody has the event was at risk of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.survey import Array, Codes, Mask

ROUNDING = 1e-12


@dataclass(frozen=True)
class Step:
    """A function constant between times: `start`, then (K,) `values` from (K,) `times` on."""

    times: Array
    values: Array
    start: float

    def at(self, time: Array | float) -> Array:
        """Values at times, a jump at the time itself included."""
        return self._read(np.asarray(np.searchsorted(self.times, time, side="right")))

    def before(self, time: Array | float) -> Array:
        """Values just before times: the jump at the time itself is still to come."""
        return self._read(np.asarray(np.searchsorted(self.times, time, side="left")))

    def _read(self, places: Codes) -> Array:
        return np.concatenate([[self.start], self.values])[places]


@dataclass(frozen=True)
class AtRisk:
    """(K,) distinct times of leaving, with the weight at risk just before, and that of each kind.

    `left` (K, kinds) is the weight of those who leave at the time by kind 0 (censored), 1, 2 …;
    `code` (n,) is the time of each person.
    """

    times: Array
    risk: Array
    left: Array
    code: Codes

    @classmethod
    def of(
        cls,
        time: Array,
        status: Codes,
        *,
        weight: Array | None = None,
        entry: Array | None = None,
        kinds: int = 3,
    ) -> AtRisk:
        """From (n,) times, kinds of leaving, weights (1), and times of entry (before everybody)."""
        w = np.ones(len(time)) if weight is None else weight
        times, code = np.unique(time, return_inverse=True)
        left = np.zeros((len(times), kinds))
        np.add.at(left, (code, status), w)
        gone = np.concatenate([[0.0], np.cumsum(left.sum(axis=1))])[:-1]
        return cls(times, _come(times, w, entry) - gone, left, code)


def product_limit(at_risk: AtRisk, *, kind: int | None = 1) -> Step:
    """Share still free of a kind of event (of every kind but 0 if None): Kaplan and Meier."""
    events = at_risk.left[:, 1:].sum(axis=1) if kind is None else at_risk.left[:, kind]
    return Step(at_risk.times, _cumulated(events, at_risk.risk), 1.0)


def censoring(time: Array, event: Mask, *, weight: Array | None = None) -> Step:
    """Share not yet censored, of people whose event (of any kind) did not come first.

    At one time whoever has an event leaves before those who are censored are at risk of it.
    """
    all_ = AtRisk.of(time, event.astype(int), weight=weight, kinds=2)
    free = all_.risk - all_.left[:, 1]
    return Step(all_.times, _cumulated(all_.left[:, 0], free), 1.0)


def incidence(at_risk: AtRisk, *, kind: int = 1) -> Step:
    """Share that has had a kind of event, where other kinds compete: Aalen and Johansen."""
    free = product_limit(at_risk, kind=None)
    before = free.before(at_risk.times)
    jumps = before * _share(at_risk.left[:, kind], at_risk.risk)
    return Step(at_risk.times, np.cumsum(jumps), 0.0)


def _come(times: Array, weight: Array, entry: Array | None) -> Array | float:
    """(K,) weight of those who came before each time."""
    if entry is None:
        return float(weight.sum())
    order = np.argsort(entry)
    come = np.concatenate([[0.0], np.cumsum(weight[order])])
    came: Array = come[np.searchsorted(entry[order], times, side="left")]
    return came


def _cumulated(events: Array, risk: Array) -> Array:
    stay = 1 - _share(events, risk)
    # What sums of weights leave of nobody is nobody.
    stay[stay < ROUNDING] = 0.0
    return np.cumprod(stay).astype(float)


def _share(events: Array, risk: Array) -> Array:
    return np.divide(events, risk, out=np.zeros_like(events), where=risk > 0)
