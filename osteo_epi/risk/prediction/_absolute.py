"""Absolute risk by a horizon from fitted hazards, and what each person moves in it. Array layer.

Of a Cox model the risk is 1 − exp(−hazard); of two cause-specific ones the sum over the times of
events of being free of both until then and having the event then (as Aalen and Johansen with each
person's own hazards); of a subdistribution 1 − exp(−its hazard).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.risk._follow_up import COMPETING, EVENT
from osteo_epi.risk.hazard import CoxFit, fit_cox
from osteo_epi.risk.survival._steps import Step, censoring
from osteo_epi.risk.survival._subdistribution import FineGrayFit, fit_fine_gray
from osteo_epi.survey import Array, Codes

COX, CAUSES, SUBDISTRIBUTION = "cox", "cause_specific", "fine_gray"
MODELS = (COX, CAUSES, SUBDISTRIBUTION)
# Numbers held at once where a table of people by times is needed: as many as stay near the core.
BLOCK = 100_000


@dataclass(frozen=True)
class Followed:
    """(m,) times, kinds of leaving and weights, and (m, p) covariates with their names."""

    time: Array
    status: Codes
    x: Array
    weight: Array
    names: tuple[str, ...]

    def weighted(self, weight: Array) -> Followed:
        """Those of them who have a weight, counted by it."""
        rows = weight > 0
        return Followed(self.time[rows], self.status[rows], self.x[rows], weight[rows], self.names)


@dataclass(frozen=True)
class Hazard:
    """A fitted proportional hazard of one kind of event.

    `centre` (p,) are covariates near those of the people, about which the baseline (K,) `jumps`
    at `times` are stated. `influence` (m, p) are the weighted linearised coefficients.
    """

    kind: int
    coefficients: Array
    covariance: Array
    centre: Array
    times: Array
    jumps: Array
    influence: Array
    subdistribution: bool

    def ratio(self, x: Array) -> Array:
        """(q,) hazards of (q, p) covariates against the centre."""
        return np.exp((x - self.centre) @ self.coefficients)

    def at_risk(self, people: Followed) -> tuple[Array, Array]:
        """(K,) weighted hazard ratios at risk at each time, and their (K, p) mean covariates."""
        share = people.weight * self.ratio(people.x)
        parts = share[:, None] * np.column_stack([np.ones(len(share)), people.x])
        order = np.argsort(people.time)
        tail = np.zeros((len(order) + 1, parts.shape[1]))
        tail[:-1] = np.cumsum(parts[order][::-1], axis=0)[::-1]
        total = tail[np.searchsorted(people.time[order], self.times, side="left")]
        if self.subdistribution:
            total = total + self._kept(people, parts)
        return total[:, 0], total[:, 1:] / total[:, :1]

    def moved(self, people: Followed, gradient: Array, x: Array) -> Array:
        """(m,) what each person moves in a function of the hazard at covariates (p,) x.

        `gradient` (K,) is its derivative by the jumps of the baseline.
        """
        total, mean = self.at_risk(people)
        rate = gradient / total
        drift = np.concatenate([[0.0], np.cumsum(rate * self.jumps)])
        until = np.searchsorted(self.times, people.time, side="right")
        event = people.status == self.kind
        place = np.where(event, np.searchsorted(self.times, people.time), 0)
        inside = event & (until > 0) & (self.times[np.minimum(place, len(rate) - 1)] == people.time)
        own = np.where(inside, rate[np.minimum(place, len(rate) - 1)], 0.0)
        spent = drift[until]
        if self.subdistribution:
            spent = spent + self._spent_after(people, rate * self.jumps)
        slope = (gradient * self.jumps) @ (x - mean)
        moved: Array = people.weight * (own - self.ratio(people.x) * spent)
        return moved + self.influence @ slope

    def _kept(self, people: Followed, parts: Array) -> Array:
        """(K, 1 + p) parts of those who had the competing event before, by the share kept."""
        left = _left(people)
        other = (people.status > 0) & (people.status != self.kind)
        order = np.flatnonzero(other)[np.argsort(people.time[other])]
        scaled = parts[order] / left.before(people.time[order])[:, None]
        before = np.concatenate([np.zeros((1, parts.shape[1])), np.cumsum(scaled, axis=0)])
        places = np.searchsorted(people.time[order], self.times, side="left")
        kept: Array = before[places] * left.before(self.times)[:, None]
        return kept

    def _spent_after(self, people: Followed, rate: Array) -> Array:
        """(m,) hazard lived after a competing event, by the share kept; 0 of everybody else."""
        left = _left(people)
        other = (people.status > 0) & (people.status != self.kind)
        total = np.concatenate([[0.0], np.cumsum(rate * left.before(self.times))])
        after = total[-1] - total[np.searchsorted(self.times, people.time, side="right")]
        chance = np.where(other, left.before(people.time), 1.0)
        return np.where(other, after / np.where(chance > 0, chance, 1.0), 0.0)


@dataclass(frozen=True)
class AbsoluteRisk:
    """Risks from one hazard, or from that of the event and that of the competing event."""

    model: str
    hazards: tuple[Hazard, ...]

    @classmethod
    def of(cls, people: Followed, model: str) -> AbsoluteRisk:
        """Fit to people of weight above 0."""
        if model == SUBDISTRIBUTION:
            return cls(model, (_subdistribution(people),))
        kinds = (EVENT, COMPETING) if model == CAUSES else (EVENT,)
        return cls(model, tuple(_cox(people, kind) for kind in kinds))

    def risk(self, x: Array, horizons: tuple[float, ...]) -> Array:
        """(q, h) risks of (q, p) covariates."""
        if self.model != CAUSES:
            (one,) = self.hazards
            hazard = Step(one.times, np.cumsum(one.jumps), 0.0).at(np.asarray(horizons))
            return np.asarray(-np.expm1(-np.outer(one.ratio(x), hazard)))
        times, jumps = self._grid()
        ends = np.searchsorted(times, horizons, side="right")
        jumps = jumps[:, : ends.max()]
        size = max(1, BLOCK // max(jumps.shape[1], 1))
        blocks = [x[k : k + size] for k in range(0, len(x), size)]
        return np.concatenate([self._by_cause(block, jumps, ends) for block in blocks])

    def moved(self, people: Followed, x: Array, horizon: float) -> Array:
        """(m,) what each person moves in the risk of one profile (p,) of covariates."""
        ratios = [float(one.ratio(x[None])[0]) for one in self.hazards]
        if self.model != CAUSES:
            (one,), (ratio,) = self.hazards, ratios
            free = 1 - float(self.risk(x[None], (horizon,))[0, 0])
            return one.moved(people, np.where(one.times <= horizon, ratio * free, 0.0), x)
        times, jumps = self._grid()
        inside = times <= horizon
        own = np.where(inside, ratios[0] * jumps[0], 0.0)
        all_ = own + np.where(inside, ratios[1] * jumps[1], 0.0)
        stay = np.maximum(1 - all_, 0.0)
        before = np.concatenate([[1.0], np.cumprod(stay)])[:-1]
        later = np.sum(before * own) - np.cumsum(before * own)
        lost = -np.divide(later, stay, out=np.zeros_like(later), where=stay > 0)
        total = np.zeros(len(people.time))
        for one, ratio, gain in zip(self.hazards, ratios, (before + lost, lost), strict=True):
            gradient = np.where(inside, ratio * gain, 0.0)[np.searchsorted(times, one.times)]
            total += one.moved(people, gradient, x)
        return total

    def _grid(self) -> tuple[Array, Array]:
        """(K,) times of either event, and (2, K) jumps of the two hazards."""
        times = np.union1d(*(one.times for one in self.hazards))
        jumps = np.zeros((2, len(times)))
        for row, one in zip(jumps, self.hazards, strict=True):
            row[np.searchsorted(times, one.times)] = one.jumps
        return times, jumps

    def _by_cause(self, x: Array, jumps: Array, ends: Codes) -> Array:
        own, other = (
            np.outer(one.ratio(x), jump) for one, jump in zip(self.hazards, jumps, strict=True)
        )
        # A person whose hazards at one time sum to more than 1 is free of neither after it.
        free = np.ones((len(x), jumps.shape[1] + 1))
        np.cumprod(np.maximum(1 - own - other, 0.0), axis=1, out=free[:, 1:])
        total = np.zeros_like(free)
        np.cumsum(free[:, :-1] * own, axis=1, out=total[:, 1:])
        return np.minimum(total[:, ends], 1.0)


def _left(people: Followed) -> Step:
    return censoring(people.time, people.status > 0, weight=people.weight)


def _cox(people: Followed, kind: int) -> Hazard:
    fit: CoxFit = fit_cox(people.time, people.status == kind, people.x, weight=people.weight,
                          names=people.names)  # fmt: skip
    centre = np.average(people.x, axis=0, weights=people.weight)
    influence = people.weight[:, None] * fit.dfbeta()
    return _hazard(kind, fit.coefficients, fit.covariance, fit.baseline(), centre, influence,
                   subdistribution=False)  # fmt: skip


def _subdistribution(people: Followed) -> Hazard:
    fit: FineGrayFit = fit_fine_gray(
        people.time, people.status, people.x, weight=people.weight, ties="efron",
        names=people.names,
    )  # fmt: skip
    centre = np.average(people.x, axis=0, weights=people.weight)
    return _hazard(EVENT, fit.coefficients, fit.covariance, fit.baseline, centre, fit.influence,
                   subdistribution=True)  # fmt: skip


def _hazard(
    kind: int, b: Array, covariance: Array, baseline: Step, centre: Array, influence: Array,
    *, subdistribution: bool,
) -> Hazard:  # fmt: skip
    jumps = np.diff(np.concatenate([[0.0], baseline.values])) * np.exp(centre @ b)
    up = jumps > 0
    return Hazard(kind, b, covariance, centre, baseline.times[up], jumps[up], influence,
                  subdistribution)  # fmt: skip
