"""The partial likelihood of Cox's model: its value, slope and curvature at coefficients.

Everything is read off sums over risk sets, so coefficients cost n p² each, without a loop over
people or times. Efron's way with ties averages, for the j-th of d people with the event at one
time, over the risk set less j/d of those d: one "draw" each. Breslow's has one draw a time, with
nothing less.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from osteo_epi.risk.hazard._risk_sets import RiskSets
from osteo_epi.survey import Array, Codes


@dataclass(frozen=True)
class PartialLikelihood:
    """n people, all of weight above 0, with (n, p) centred covariates.

    `moment`, `less` and `mass` (E,) are the moment of each draw, the share of those with the
    event then that is left out of the risk set, and the weight of the event.
    """

    sets: RiskSets
    x: Array
    weight: Array
    moment: Codes
    less: Array
    mass: Array

    @classmethod
    def of(cls, sets: RiskSets, x: Array, weight: Array, *, ties: str) -> PartialLikelihood:
        """With ties as Efron or as Breslow has them."""
        size = len(sets.times)
        if ties == "breslow":
            return cls(sets, x, weight, np.arange(size), np.zeros(size), sets.mass)
        moment = np.repeat(np.arange(size), sets.n_events)
        starts = np.cumsum(sets.n_events) - sets.n_events
        less = (np.arange(len(moment)) - starts[moment]) / sets.n_events[moment]
        return cls(sets, x, weight, moment, less, (sets.mass / sets.n_events)[moment])

    def at(self, coefficients: Array) -> Likelihood:
        """Its value and what its derivatives are made of, at (p,) coefficients."""
        sets = self.sets
        eta = self.x @ coefficients
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            risk = np.exp(eta)
            heavy = self.weight * risk
            total = sets.at_risk(heavy)[self.moment]
            total = total - self.less * sets.of_events(heavy)[self.moment]
            sums = np.empty((len(total), self.x.shape[1]))
            for j, column in enumerate(self.x.T):
                value = heavy * column
                sums[:, j] = sets.at_risk(value)[self.moment]
                sums[:, j] -= self.less * sets.of_events(value)[self.moment]
            loglik = (self.weight * eta)[sets.event].sum() - self.mass @ np.log(total)
            return Likelihood(
                self, risk, float(loglik), self.mass / total, sums / total[:, None]
            )  # fmt: skip

    def per_moment(self, value: Array) -> Array:
        """(K, …) sum of an (E, …) value over the draws of each moment."""
        starts = np.searchsorted(self.moment, np.arange(len(self.sets.times)))
        summed: Array = np.add.reduceat(value, starts, axis=0)
        return summed


@dataclass(frozen=True)
class Likelihood:
    """The partial likelihood at coefficients.

    `risk` (n,) is relative to the centre; `hazard` (E,) the mass of each draw over the sum of
    risks, `mean` (E, p) the mean covariates.
    """

    of: PartialLikelihood
    risk: Array
    loglik: float
    hazard: Array
    mean: Array

    def exposure(self, value: Array) -> Array:
        """(n, …) sum of an (E, …) value over the draws for which each person was at risk."""
        of, less = self.of, self.of.less.reshape(-1, *[1] * (value.ndim - 1))
        passed = of.sets.over_time(of.per_moment(value))
        return passed - of.sets.at_event(of.per_moment(less * value))

    @cached_property
    def expected(self) -> Array:
        """(n,) events expected of each person."""
        return self.risk * self.exposure(self.hazard)

    def score(self, function: Array | None = None) -> Array:
        """(p,) slope; of covariates times a (K,) function of time if given."""
        of = self.of
        if function is None:
            rest = of.weight * (of.sets.event - self.expected)
            return rest @ of.x
        own = of.weight * of.sets.at_event(function)
        return own @ of.x - (of.mass * function[of.moment]) @ self.mean

    def information(self, function: Array | None = None) -> Array:
        """(p, p) curvature; each draw times a (K,) function of its time if given."""
        of = self.of
        by = np.ones(len(of.moment)) if function is None else function[of.moment]
        carried = of.weight * self.risk * self.exposure(self.hazard * by)
        spread: Array = (of.x.T * carried) @ of.x - (self.mean.T * (of.mass * by)) @ self.mean
        return spread

    @cached_property
    def gain(self) -> Array:
        """(n, p) covariates at the event less their mean over the risk set; 0 without event."""
        of = self.of
        mean = of.per_moment(self.mean) / np.bincount(of.moment)[:, None]
        return np.where(of.sets.event[:, None], of.x, 0.0) - of.sets.at_event(mean)

    def score_residuals(self, function: Array | None = None) -> Array:
        """(n, p) what each person adds to the score, without the weight; see `score`."""
        by = np.ones(len(self.of.sets.times)) if function is None else function
        hazard = self.hazard * by[self.of.moment]
        passed = self.exposure(hazard[:, None] * self.mean)
        left = self.of.x * self.exposure(hazard)[:, None] - passed
        own = self.gain if function is None else self.gain * self.of.sets.at_event(by)[:, None]
        return own - self.risk[:, None] * left

    def hazards(self) -> tuple[Array, Array, Array]:
        """(K,) hazard at the centre, (K,) its variance, and (K, p) hazard times mean covariates."""
        of = self.of
        return (
            of.per_moment(self.hazard),
            of.per_moment(self.hazard**2 / of.mass),
            of.per_moment(self.hazard[:, None] * self.mean),
        )
