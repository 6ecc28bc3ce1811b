"""Pairs of people of whom one has the event while the other is still without: who ranks higher.

Array layer. A pair is an event at t with a person observed beyond t, or censored at t itself; two
events at one time are no pair. Pairs are counted over both time and risk by one cumulated sum at
each level of a wavelet tree (people in the order of risk, parted by the bits of their place in
time), so in n log n and with no loop over people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from osteo_epi.survey import Array, Codes, Mask

# People of the smallest blocks, within which every pair is looked at.
LEAF = 8


@dataclass(frozen=True)
class Pairs:
    """Weight of the pairs of each kind, and of those of each person.

    `concordant`, `discordant`, `tied_risk`, `tied_time` and `tied_both` are sums over pairs; both
    events at one time are no pair, and the last two count them. (n,) `good` and `total` are the
    weights of each person's pairs, and of them the concordant ones and half of those tied in
    risk; `good_first` and `total_first` those in which the person has the event.
    """

    concordant: float
    discordant: float
    tied_risk: float
    tied_time: float
    tied_both: float
    good: Array
    total: Array
    good_first: Array
    total_first: Array

    @property
    def weight(self) -> float:
        """Weight of all pairs."""
        return self.concordant + self.discordant + self.tied_risk

    @property
    def c(self) -> float:
        """Share of pairs in which the one with the event ranks higher, ties a half; NaN of none."""
        return (self.concordant + self.tied_risk / 2) / self.weight if self.weight else math.nan

    @property
    def counts(self) -> dict[str, float]:
        """Weight of the pairs by kind."""
        names = ("concordant", "discordant", "tied_risk", "tied_time", "tied_both")
        return {name: getattr(self, name) for name in names}

    def plus(self, more: Pairs) -> Pairs:
        """The pairs of both, `more` being pairs of whoever stands apart in time."""
        mine, theirs = self.__dict__, more.__dict__
        both = {name: mine[name] + theirs[name] for name in mine if not name.startswith("tied_")}
        tied = self.tied_risk + more.tied_risk
        return Pairs(**both, tied_risk=tied, tied_time=self.tied_time, tied_both=self.tied_both)


@dataclass(frozen=True)
class Line:
    """People in groups, within each by time: sums over those before and after.

    `order` (n,) holds people by group and place; `start`, `stop` (n,) bound the events at the
    time of each, and `base`, `end` (n,) the group; all count places in `order`.
    """

    order: Codes
    start: Codes
    stop: Codes
    base: Codes
    end: Codes

    @classmethod
    def of(cls, order: Codes, group: Codes, time: Codes, event: Mask) -> Line:
        """From people already in order of group, time, and events first."""
        g, t, e = group[order], time[order], event[order]
        n = len(order)
        new_group = np.concatenate([[True], g[1:] != g[:-1]])
        new_time = new_group | np.concatenate([[True], t[1:] != t[:-1]])
        base, end = _bounds(new_group, n)
        start, _ = _bounds(new_time, n)
        events = np.concatenate([[0], np.cumsum(e)])
        _, close = _bounds(new_time, n)
        return cls(order, start, start + events[close] - events[start], base, end)

    def before(self, weight: Array, event: Mask) -> Array:
        """(n,) weight of the events before each; at one time events are before the censored."""
        total = np.concatenate([[0.0], np.cumsum(weight[self.order])])
        upto = np.where(event[self.order], self.start, self.stop)
        return self._back(total[upto] - total[self.base])

    def after(self, weight: Array) -> Array:
        """(n,) weight of those still there after the events at the time of each."""
        total = np.concatenate([[0.0], np.cumsum(weight[self.order])])
        return self._back(total[self.end] - total[self.stop])

    def _back(self, values: Array) -> Array:
        result = np.empty_like(values)
        result[self.order] = values
        return result


@dataclass(frozen=True)
class Ranked:
    """People sorted by time and by risk, once for any number of weights.

    `event` (n,); `by_risk` (n,) people by rising risk, at one risk the last in time first, and
    `place` (n,) the places in time of these. `risk`, `time` are codes of equal values.
    """

    event: Mask
    time: Codes
    risk: Codes
    by_risk: Codes
    place: Codes
    everybody: Line
    equals: Line

    @classmethod
    def of(cls, time: Array, event: Mask, risk: Array) -> Ranked:
        """Sort (n,) people.

        Events at one time stand by falling risk, so that they never count as one ranked higher
        after another.
        """
        times = np.unique(time, return_inverse=True)[1]
        risks = np.unique(risk, return_inverse=True)[1]
        by_time = np.lexsort((-risks, ~event, times))
        one = Line.of(by_time, np.zeros_like(times), times, event)
        up = by_time[np.argsort(risks[by_time], kind="stable")]
        equals = Line.of(up, risks, times, event)
        rank = np.empty_like(times)
        rank[by_time] = np.arange(len(times))
        down = by_time[::-1]
        by_risk = down[np.argsort(risks[down], kind="stable")]
        return cls(event, times, risks, by_risk, rank[by_risk], one, equals)

    def pairs(self, first: Array, later: Array) -> Pairs:
        """Count pairs by (n,) weights, of those with the event and of those still without.

        `first` is 0 for whoever has none that counts.
        """
        lower, higher = np.empty(len(first)), np.empty(len(first))
        lower[self.by_risk], higher[self.by_risk] = crossings(
            self.place, first[self.by_risk], later[self.by_risk]
        )
        counts = first > 0
        before, after = self.everybody.before(first, self.event), self.everybody.after(later)
        equal_before = self.equals.before(first, self.event)
        equal_after = self.equals.after(later)
        good_first = np.where(counts, after - higher - equal_after / 2, 0.0)
        total_first = np.where(counts, after, 0.0)
        tied, discordant = float(first @ equal_after), float(first @ higher)
        together = self._together(first, later, self.time * (self.risk.max() + 1) + self.risk)
        return Pairs(
            float(first @ after) - discordant - tied, discordant, tied,
            self._together(first, later, self.time) - together, together,
            later * (before - lower - equal_before / 2) + first * good_first,
            later * before + first * total_first, first * good_first, first * total_first,
        )  # fmt: skip

    def _together(self, first: Array, later: Array, key: Codes) -> float:
        """Weight of pairs of events within a key."""
        rows = np.flatnonzero(first > 0)
        code, size = np.unique(key[rows], return_inverse=True, return_counts=True)[1:]
        shared = rows[size[code] > 1]
        code = code[size[code] > 1]
        sums = (np.bincount(code, weight[shared]) for weight in (first, later))
        return (float(np.dot(*sums)) - float(first[shared] @ later[shared])) / 2


def crossings(place: Codes, first: Array, later: Array) -> tuple[Array, Array]:
    """Sums over who is before in time and lower in risk, and after in time and higher.

    Parameters
    ----------
    place
        (n,) places in time, 0 to n − 1, of people in the order of risk.
    first, later
        (n,) their weights.

    Returns
    -------
    tuple of ndarray
        (n,) `first` of those lower with an earlier place, and (n,) `later` of those higher with a
        later one, in the order given.
    """
    n, width = len(place), LEAF
    while width < n:
        width *= 2
    # Filled up with people of no weight, so that each half of each block holds as many.
    where: Codes = np.arange(width)
    where[:n] = place
    state = np.zeros((4, width))
    state[0, :n], state[1, :n] = first, later
    while width > LEAF:
        where, state = _parted(where, state, width)
        width //= 2
    result = _leaves(where, state)
    return result[0][place], result[1][place]


def _parted(where: Codes, state: Array, width: int) -> tuple[Codes, Array]:
    """Part blocks of places into their first and second half, each kept in the order of risk.

    `state` (4, N) holds first, later, and the two sums so far: who goes to the second half gains
    the `first` of those lower who go to the first, and these the `later` of those higher.
    """
    half = width // 2
    late = (where & half) != 0
    early, second = np.flatnonzero(~late), np.flatnonzero(late)
    lower = np.cumsum(np.where(late, 0.0, state[0]).reshape(-1, width), axis=1).ravel()
    passed = np.cumsum(np.where(late, state[1], 0.0).reshape(-1, width), axis=1)
    higher = (passed[:, -1:] - passed).ravel()
    places = np.empty_like(where)
    moved = np.empty_like(state)
    for old, new in ((where, places), *zip(state, moved, strict=True)):
        parts = new.reshape(-1, 2, half)
        parts[:, 0], parts[:, 1] = old[early].reshape(-1, half), old[second].reshape(-1, half)
    blocks = moved.reshape(4, -1, 2, half)
    blocks[2, :, 1] += lower[second].reshape(-1, half)
    blocks[3, :, 0] += higher[early].reshape(-1, half)
    return places, moved


def _leaves(where: Codes, state: Array) -> Array:
    """(2, N) both sums by place, the last blocks being compared pair by pair, all at once."""
    places = np.ascontiguousarray(where.reshape(-1, LEAF).T)
    first, later, lower, higher = np.ascontiguousarray(
        state.reshape(4, -1, LEAF).transpose(0, 2, 1)
    )
    for low in range(LEAF):
        for high in range(low + 1, LEAF):
            before = places[low] < places[high]
            lower[high] += first[low] * before
            higher[low] += later[high] * before
    result = np.empty((2, len(where)))
    result[:, places.ravel()] = lower.ravel(), higher.ravel()
    return result


def _bounds(new: Mask, n: int) -> tuple[Codes, Codes]:
    """(n,) first place of each one's run, and the place after its last."""
    starts = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    return starts[run], np.append(starts[1:], n)[run]
