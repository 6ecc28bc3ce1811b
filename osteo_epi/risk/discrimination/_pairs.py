"""Pairs of people of whom one has the event while the other is still without: who ranks higher.

Array layer. A pair is an event at t with a person observed beyond t, or censored at t itself; two
events at one time are no pair. Pairs are counted over both time and risk by one cumulated sum at
each level of a wavelet tree (people in the order of risk, parted by the bits of their place in
time), so in n log n and with no loop over people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.survey import Array, Codes, Mask


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
        """Share of pairs in which the one with the event ranks higher, ties a half."""
        return (self.concordant + self.tied_risk / 2) / self.weight

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
    n = len(place)
    who, where = np.arange(n), place
    lower, higher = np.zeros(n), np.zeros(n)
    for level in reversed(range(max(n - 1, 0).bit_length())):
        # People stand in blocks of 2^(level + 1) places, each in the order of risk; its first
        # half in time is parted from its second.
        late = (where >> level) & 1
        block = where >> (level + 1)
        begins = block << (level + 1)
        early_sum = np.concatenate([[0.0], np.cumsum(np.where(late, 0.0, first[who]))])
        late_sum = np.concatenate([[0.0], np.cumsum(np.where(late, later[who], 0.0))])
        at = np.arange(n)
        ends = np.minimum(begins + (2 << level), n)
        second = late == 1
        lower[who[second]] += (early_sum[at] - early_sum[begins])[second]
        higher[who[~second]] += (late_sum[ends] - late_sum[at + 1])[~second]
        seconds = np.cumsum(late) - late
        inside = seconds - (block << level)
        target = begins + np.where(second, (1 << level) + inside, at - begins - inside)
        moved = np.empty_like(who)
        moved[target] = who
        who = moved
        where = place[who]
    return lower, higher


def _bounds(new: Mask, n: int) -> tuple[Codes, Codes]:
    """(n,) first place of each one's run, and the place after its last."""
    starts = np.flatnonzero(new)
    run = np.cumsum(new) - 1
    return starts[run], np.append(starts[1:], n)[run]
