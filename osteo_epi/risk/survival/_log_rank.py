"""The log-rank test and its kin (G-rho), array layer; weights are sampling weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True)
class LogRank:
    """(K, G) weight at risk just before each time, and of the events at it, by group.

    `place` (n,) is the time of each person, `late` (n,) the times before it came (0 unless people
    come late), and `factor` (K,) the weight of each time: the pooled curve to the power rho.
    """

    risk: Array
    events: Array
    place: Codes
    late: Codes
    factor: Array

    @classmethod
    def of(
        cls,
        time: Array,
        event: Mask,
        group: Codes,
        *,
        weight: Array,
        entry: Array | None = None,
        rho: float = 0.0,
    ) -> LogRank:
        """From (n,) times of leaving, events, groups 0 …, weights and times of entry."""
        times, place = np.unique(time, return_inverse=True)
        shape = (len(times), int(group.max()) + 1)
        late = np.zeros(len(time), int)
        if entry is not None:
            late = np.searchsorted(times, entry, side="right")
        change = np.zeros((shape[0] + 1, shape[1]))
        np.add.at(change, (late, group), weight)
        np.add.at(change, (place + 1, group), -weight)
        events = np.zeros(shape)
        np.add.at(events, (place[event], group[event]), weight[event])
        risk = np.cumsum(change, axis=0)[:-1]
        total = risk.sum(axis=1)
        share = np.divide(events.sum(axis=1), total, out=np.zeros_like(total), where=total > 0)
        before = np.concatenate([[1.0], np.cumprod(1 - share)[:-1]])
        return cls(risk, events, place, late, np.maximum(before, 0.0) ** rho)

    @property
    def total(self) -> Array:
        """(K,) weight at risk in all groups, 1 where nobody is."""
        total: Array = self.risk.sum(axis=1)
        return np.where(total > 0, total, 1.0)

    @property
    def expected(self) -> Array:
        """(G,) events expected in each group if all had one hazard, times weighted."""
        share = self.risk / self.total[:, None]
        return np.asarray((self.factor * self.events.sum(axis=1)) @ share)

    @property
    def observed(self) -> Array:
        """(G,) events of each group, times weighted."""
        return np.asarray(self.factor @ self.events)

    def covariance(self) -> Array:
        """(G, G) of observed less expected, of people one by one: hypergeometric at each time."""
        d, total = self.events.sum(axis=1), self.total
        share = self.risk / total[:, None]
        tied = np.where(total > 1, (total - d) / np.where(total > 1, total - 1, 1.0), 0.0)
        by = self.factor**2 * d * tied
        return np.asarray(np.diag(by @ share) - (share * by[:, None]).T @ share)

    def linear(self, event: Mask, group: Codes, weight: Array) -> Array:
        """(n, G) weighted linearised values of observed less expected."""
        share = self.risk / self.total[:, None]
        hazard = self.factor * self.events.sum(axis=1) / self.total
        mine = np.eye(share.shape[1])[group]
        one = np.concatenate([[0.0], np.cumsum(hazard)])
        means = np.vstack([np.zeros(share.shape[1]), np.cumsum(hazard[:, None] * share, axis=0)])
        last = self.place + 1
        own = (event * self.factor[self.place])[:, None] * (mine - share[self.place])
        lived = (one[last] - one[self.late])[:, None] * mine - (means[last] - means[self.late])
        return np.asarray(weight[:, None] * (own - lived))
