"""Who is at risk at each time of an event: sums over them without a loop over people or times.

Times of events are numbered through all strata ("moments"). A person is at risk at the moments of
the own stratum after `first` up to `last`, both numbers; so the sum over those at risk at every
moment is one cumulative sum of what people bring when they come and take when they leave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.survey import Array, Codes, Mask

# Times nearer than this (absolutely, or as a share of the mean time) are one time: ages and
# durations are sums of decimal fractions, which differ in the last bit. R has the same bound.
SAME_TIME = 1.4901161193847656e-08


@dataclass(frozen=True)
class RiskSets:
    """n people and K moments, a moment being a time of events in a stratum.

    Attributes
    ----------
    first, last
        (n,) a person is at risk at moments first + 1 … last.
    event
        (n,) people with the event; theirs is the moment `last`.
    times, stratum
        (K,) time and stratum of each moment; moments of a stratum follow each other.
    n_events, mass
        (K,) people with the event then, and their weight.
    open
        Whether everybody is at risk from the first moment of all on: one stratum, nobody late.
    """

    first: Codes
    last: Codes
    event: Mask
    times: Array
    stratum: Codes
    n_events: Codes
    mass: Array
    open: bool

    @classmethod
    def of(
        cls, time: Array, event: Mask, weight: Array, stratum: Codes, entry: Array | None
    ) -> RiskSets:
        """From (n,) times, events, weights, codes of strata 0 …, and times of entry."""
        distinct = np.unique(time[event])
        span = len(distinct) + 1
        leave = stratum * span + np.searchsorted(distinct, time, side="right")
        come = stratum * span
        if entry is not None:
            # Not yet at risk at the time of entry itself.
            come = come + np.searchsorted(distinct, entry, side="right")
        moments, code = np.unique(leave[event], return_inverse=True)
        k = len(moments)
        last = np.searchsorted(moments, leave, side="right") - 1
        first = np.searchsorted(moments, come, side="right") - 1
        counts = np.bincount(code, minlength=k)
        mass = np.bincount(code, weight[event], minlength=k).astype(float)
        of_all = entry is None and (len(stratum) == 0 or stratum.max() == 0)
        return cls(
            first, last, event, distinct[moments % span - 1], moments // span, counts, mass, of_all
        )

    def at_risk(self, value: Array) -> Array:
        """(K,) sum of an (n,) value over those at risk at each moment."""
        k = len(self.times)
        there = self.last >= 0
        change = np.bincount(self.last[there], value[there], minlength=k).astype(float)
        if not self.open:
            late = self.first >= 0
            change -= np.bincount(self.first[late], value[late], minlength=k)
        return np.cumsum(change[::-1])[::-1]

    def of_events(self, value: Array) -> Array:
        """(K,) sum of an (n,) value over those with the event at each moment."""
        own = self.last[self.event]
        return np.bincount(own, value[self.event], minlength=len(self.times)).astype(float)

    def over_time(self, value: Array) -> Array:
        """(n, …) sum of a (K, …) value over the moments at which each person was at risk."""
        running = np.concatenate([np.zeros((1, *value.shape[1:])), np.cumsum(value, axis=0)])
        seen: Array = running[self.last + 1]
        return seen if self.open else seen - running[self.first + 1]

    def at_event(self, value: Array) -> Array:
        """(n, …) a (K, …) value at the moment of the own event; 0 of people without one."""
        out = np.zeros((len(self.last), *value.shape[1:]))
        out[self.event] = value[self.last[self.event]]
        return out


def same_times(*times: Array) -> tuple[Array, ...]:
    """Each array with times that differ by rounding only set to the smallest of them.

    Examples
    --------
    >>> same_times(np.array([0.3, 0.1 + 0.2, 0.4]))[0].tolist()
    [0.3, 0.3, 0.4]
    """
    distinct = np.unique(np.concatenate(times))
    if len(distinct) < 2:
        return times
    gaps = np.diff(distinct)
    near = (gaps <= SAME_TIME) | (gaps <= SAME_TIME * np.abs(distinct).mean())
    if not near.any():
        return times
    kept = distinct[np.concatenate([[True], ~near])]
    return tuple(kept[np.searchsorted(kept, one, side="right") - 1] for one in times)
