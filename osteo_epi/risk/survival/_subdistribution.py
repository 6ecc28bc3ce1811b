"""Proportional hazards of the subdistribution: Fine and Gray's regression with a competing event.

Whoever had the competing event stays in the risk set, with the chance of not yet being censored as
a weight. That weight is a product of one factor of the person and one of the time, so sums over
every risk set are cumulative sums over the sorted times: no pair of people is ever formed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osteo_epi.arguments import as_typed, is_among
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.risk.hazard import Quadratic, climb, refuse_repeats
from osteo_epi.risk.survival._steps import AtRisk, Step, censoring, product_limit
from osteo_epi.survey import Array, Codes, Mask

Ties = Literal["breslow", "efron"]
TIES = ("breslow", "efron")


@dataclass(frozen=True)
class FineGrayFit:
    """A fitted proportional-hazards model of the subdistribution.

    Attributes
    ----------
    coefficients
        (p,) log subdistribution hazard ratios a unit of each covariate.
    information
        (p, p) minus the second derivative of the pseudo-likelihood.
    score_residuals
        (n, p) weighted contributions of people to the score, with what each adds by the estimate
        of the weights for censoring; they sum to 0.
    simple_residuals
        The same with the weights for censoring taken as known.
    loglik
        Of the null model and of this one.
    baseline
        Cumulative subdistribution hazard where every covariate is 0.
    n_events
        People with the event, in number.
    ties
        As given.
    """

    coefficients: Array
    information: Array
    score_residuals: Array
    simple_residuals: Array
    loglik: tuple[float, float]
    baseline: Step
    n_events: int
    ties: str

    @property
    def covariance(self) -> Array:
        """(p, p) robust, people one by one, the estimated weights for censoring counted in."""
        return self.sandwich(self.score_residuals)

    @property
    def influence(self) -> Array:
        """(n, p) weighted linearised values of the coefficients."""
        return np.asarray(np.linalg.solve(self.information, self.score_residuals.T).T)

    def sandwich(self, residuals: Array) -> Array:
        """(p, p) covariance from (n, p) contributions to the score."""
        half = np.linalg.solve(self.information, residuals.T)
        return np.asarray(half @ half.T)

    def incidence(self, x: Array, times: Array) -> Array:
        """(m, T) cumulative incidence of people with (m, p) covariates at (T,) times."""
        risk = np.exp(x @ self.coefficients)
        return np.asarray(-np.expm1(-np.outer(risk, self.baseline.at(times))))


def fit_fine_gray(
    time: Array,
    status: Codes,
    x: Array,
    *,
    kind: int = 1,
    weight: Array | None = None,
    ties: Ties = "breslow",
    names: Sequence[str] | None = None,
) -> FineGrayFit:
    """Fit the subdistribution hazard of one kind of event.

    Parameters
    ----------
    time
        (n,) times of leaving, above 0.
    status
        (n,) 0 censored, else the kind of event.
    x
        (n, p) covariates, none constant.
    kind
        The kind of event asked for; every other kind competes.
    weight
        (n,) sampling weights; 1 if None. Whoever weighs 0 counts nowhere.
    ties
        "breslow" with the censoring curve of `cmprsk::crr`, where a person with an event at a
        time is at risk of being censored at it; "efron" with that of `survival::finegray`, where
        the event comes first.
    names
        (p,) what an error calls the covariates.

    Returns
    -------
    FineGrayFit

    Raises
    ------
    SchemaError
        If nobody has the event, a covariate is constant, repeats others, or tells those with the
        event from all others (its ratio is then without bound).
    DesignError
        If `ties` is unknown.

    Notes
    -----
    Fine and Gray 1999, doi 10.1080/01621459.1999.10474144; O(n log n) as in Kawaguchi et al 2021,
    doi 10.32614/rj-2021-010.

    Examples
    --------
    >>> time, status = np.array([1.0, 2, 3, 4, 5]), np.array([1, 2, 1, 0, 1])
    >>> fit = fit_fine_gray(time, status, np.array([[1.0], [0], [0], [1], [1]]))
    >>> fit.coefficients.round(6)
    array([0.340144])
    """
    refuse_ties(ties)
    w = np.ones(len(time)) if weight is None else np.asarray(weight, float)
    here = w > 0
    centre = np.average(x[here], axis=0, weights=w[here])
    scale = _scale(x[here])
    sets = RiskSets.of(time[here], status[here], kind=kind, weight=w[here], ties=ties)
    z = (x[here] - centre) / scale
    called = tuple(names) if names is not None else tuple(f"x{j}" for j in range(x.shape[1]))
    b, loglik = _newton(sets, z, called)
    point = Point.at(sets, z, b)
    simple = point.residuals()
    spread = np.zeros((2, len(time), len(b)))
    spread[:, here] = np.stack([simple, simple + point.censoring_residuals()]) * scale
    coefficients = b / scale
    baseline = np.cumsum(point.hazard) * np.exp(-centre @ coefficients)
    return FineGrayFit(
        coefficients, point.information() * np.outer(scale, scale), spread[1], spread[0], loglik,
        Step(sets.times, baseline, 0.0), int(sets.event.sum()), ties,
    )  # fmt: skip


def null_score(
    time: Array, status: Codes, x: Array, *, kind: int = 1, weight: Array | None = None
) -> Array:
    """(n, p) weighted contributions to the score of no effect, those of censoring counted in."""
    w = np.ones(len(time)) if weight is None else np.asarray(weight, float)
    here = w > 0
    sets = RiskSets.of(time[here], status[here], kind=kind, weight=w[here], ties="breslow")
    point = Point.at(sets, x[here].astype(float), np.zeros(x.shape[1]))
    score = np.zeros(x.shape)
    score[here] = point.residuals() + point.censoring_residuals()
    return score


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk at each of (K,) times of the event, and with what weight.

    `last` (n,) counts the times at which a person is at risk in person; `event` and `gone` (n,)
    who has the event, and who has a competing one; `kept` (n,) is a competing person's factor
    1 / G, 0 for others, and `free` (K,) the factor G of each time. Tied events are taken in (M,)
    turns: `turn` is the time, `share` how much of the tied have left before, `mass` their weight.
    """

    time: Array
    status: Codes
    weight: Array
    times: Array
    last: Codes
    event: Mask
    gone: Mask
    kept: Array
    free: Array
    turn: Codes
    share: Array
    mass: Array
    all_: AtRisk
    events_first: bool

    @classmethod
    def of(cls, time: Array, status: Codes, *, kind: int, weight: Array, ties: Ties) -> RiskSets:
        event = status == kind
        gone = (status > 0) & ~event
        if not event.any():
            raise SchemaError("nobody has the event: there is no subdistribution hazard to compare")
        times, code = np.unique(time[event], return_inverse=True)
        mass = np.bincount(code, weights=weight[event]).astype(float)
        all_ = AtRisk.of(time, np.where(status > 0, 1, 0), weight=weight, kinds=2)
        events_first = ties == "efron"
        if events_first:
            free = censoring(time, status > 0, weight=weight)
            turn, share, tied = _turns(code)
            mass = (mass / tied)[turn]
        else:
            free = product_limit(all_, kind=0)
            turn, share = np.arange(len(times)), np.zeros(len(times))
        kept = np.zeros(len(time))
        kept[gone] = 1 / free.before(time[gone])
        last = np.searchsorted(times, time, side="right")
        return cls(time, status, weight, times, last, event, gone, kept, free.before(times), turn,
                   share, mass, all_, events_first)  # fmt: skip

    @property
    def size(self) -> int:
        """Distinct times of the event."""
        return len(self.times)

    @property
    def code(self) -> Codes:
        """(d,) time of each person with the event."""
        return self.last[self.event] - 1

    def sums(self, values: Array) -> Array:
        """(M,) sums of (n,) values over the risk set of each turn."""
        k = self.size
        here = np.bincount(self.last, weights=values, minlength=k + 1)
        over = np.cumsum(here[::-1])[::-1][1:]
        left = np.bincount(self.last, weights=values * self.kept, minlength=k + 1)
        total = over + self.free * np.cumsum(left)[:-1]
        if not self.events_first:
            return total
        tied = np.bincount(self.code, weights=values[self.event], minlength=k)
        return total[self.turn] - self.share * tied[self.turn]

    def exposure(self, rate: Array) -> Array:
        """(n,) of each person, sums of (M,) rates over the turns at which it is at risk."""
        k = self.size
        whole = np.bincount(self.turn, weights=rate, minlength=k)
        so_far = np.concatenate([[0.0], np.cumsum(whole)])
        later = np.concatenate([[0.0], np.cumsum((self.free * whole)[::-1])])[::-1]
        total = so_far[self.last] + self.kept * later[self.last]
        if self.events_first:
            out = np.bincount(self.turn, weights=rate * self.share, minlength=k)
            total[self.event] -= out[self.code]
        return np.asarray(total)


@dataclass(frozen=True)
class Point:
    """The pseudo-likelihood at one (p,) vector of coefficients, of (n, p) covariates."""

    sets: RiskSets
    z: Array
    eta: Array
    risk: Array
    total: Array
    mean: Array

    @classmethod
    def at(cls, sets: RiskSets, z: Array, b: Array) -> Point:
        eta = z @ b
        risk = sets.weight * np.exp(eta)
        total = sets.sums(risk)
        mean = np.column_stack([sets.sums(risk * column) for column in z.T]) / total[:, None]
        return cls(sets, z, eta, risk, total, mean)

    @property
    def rate(self) -> Array:
        """(M,) hazard of each turn, of a person whose z is 0."""
        return self.sets.mass / self.total

    @property
    def hazard(self) -> Array:
        """(K,) the same of each time."""
        return np.asarray(np.bincount(self.sets.turn, weights=self.rate, minlength=self.sets.size))

    def loglik(self) -> float:
        sets = self.sets
        events = sets.weight[sets.event] @ self.eta[sets.event]
        return float(events - sets.mass @ np.log(self.total))

    def score(self) -> Array:
        sets = self.sets
        return np.asarray(sets.weight[sets.event] @ self.z[sets.event] - sets.mass @ self.mean)

    def information(self) -> Array:
        exposed = self.risk * self.sets.exposure(self.rate)
        square = (self.z * exposed[:, None]).T @ self.z
        return np.asarray(square - (self.mean * self.sets.mass[:, None]).T @ self.mean)

    def _exposures(self) -> tuple[Array, Array]:
        """(n,) cumulative hazard of each person, and (n, p) the same times the mean."""
        one = self.sets.exposure(self.rate)
        means = [self.sets.exposure(self.rate * column) for column in self.mean.T]
        return one, np.column_stack(means)

    def residuals(self) -> Array:
        """(n, p) weighted score residuals, the weights for censoring taken as known."""
        sets = self.sets
        one, means = self._exposures()
        residual = self.risk[:, None] * (means - self.z * one[:, None])
        turns = np.bincount(sets.turn, minlength=sets.size)
        at_time = np.column_stack(
            [np.bincount(sets.turn, weights=c, minlength=sets.size) / turns for c in self.mean.T]
        )
        own = self.z[sets.event] - at_time[sets.code]
        residual[sets.event] += sets.weight[sets.event, None] * own
        return residual

    def censoring_residuals(self) -> Array:
        """(n, p) what each person adds by the estimate of the weights for censoring."""
        sets, all_ = self.sets, self.sets.all_
        censored = all_.left[:, 0]
        exposed = all_.risk - (all_.left[:, 1] if sets.events_first else 0.0)
        slope = self._slope(all_.times)
        safe = np.where(exposed > 0, exposed, 1.0)[:, None]
        jump = slope / safe
        so_far = np.cumsum(jump * censored[:, None] / safe, axis=0)
        whole = np.vstack([np.zeros(slope.shape[1]), so_far])
        # Whoever has an event at a time at which others are censored has left by then, if events
        # come first.
        at_risk = all_.code + np.where((sets.status > 0) & sets.events_first, 0, 1)
        own = np.where((sets.status == 0)[:, None], jump[all_.code], 0.0)
        return np.asarray(sets.weight[:, None] * (own - whole[at_risk]))

    def _slope(self, times: Array) -> Array:
        """(L, p) derivative of the score by the hazard of being censored at (L,) times.

        Where a censoring is tied with an event, crr takes it as before both; else it comes after.
        """
        sets = self.sets
        side: Literal["left", "right"] = "right" if sets.events_first else "left"
        order = np.argsort(sets.time[sets.gone], kind="stable")
        leave = sets.time[sets.gone][order]
        factor = (self.risk * sets.kept)[sets.gone][order]
        upto = np.searchsorted(leave, times, side=side)
        z = self.z[sets.gone][order]
        people = np.vstack(
            [
                np.zeros(z.shape[1] + 1),
                np.cumsum(np.column_stack([factor, z * factor[:, None]]), axis=0),
            ]
        )[upto]
        rate = sets.free[sets.turn] * self.rate
        terms = np.column_stack([rate, self.mean * rate[:, None]])
        whole = np.vstack([np.cumsum(terms[::-1], axis=0)[::-1], np.zeros(terms.shape[1])])
        first = np.searchsorted(sets.times[sets.turn], times, side=side)
        later = whole[first]
        return np.asarray(people[:, 1:] * later[:, :1] - people[:, :1] * later[:, 1:])


def _turns(code: Codes) -> tuple[Codes, Array, Codes]:
    """Time of each turn, the share of the tied that left in earlier turns, and (K,) the tied."""
    tied = np.bincount(code)
    turn = np.repeat(np.arange(len(tied)), tied)
    first = np.concatenate([[0], np.cumsum(tied)[:-1]])
    return turn, (np.arange(len(turn)) - first[turn]) / tied[turn], tied


def refuse_ties(ties: str) -> None:
    """Raise DesignError for an unknown way to take tied events."""
    if not is_among(ties, TIES):
        raise DesignError(f"unknown ties {as_typed(ties)}; choose one of {', '.join(TIES)}")


def _scale(x: Array) -> Array:
    """(p,) spread of each covariate; 1 of a constant one, which is refused by its information."""
    scale = np.asarray(x.std(axis=0))
    return np.where(scale > 1e-12 * np.maximum(np.abs(x).max(axis=0), 1e-300), scale, 1.0)


def _newton(sets: RiskSets, z: Array, names: Sequence[str]) -> tuple[Array, tuple[float, float]]:
    """Most likely coefficients, with the log-likelihood of none and of these."""

    def at(b: Array) -> Quadratic:
        # A step too long may overflow: its likelihood is then no number, and half of it is taken.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            point = Point.at(sets, z, b)
            return point.loglik(), point.score(), point.information()

    null = at(np.zeros(z.shape[1]))
    # Of covariates of spread 1, what rounding leaves of a constant is no variation.
    refuse_repeats(null[2], names, (np.square(z) + 1e-16).T @ sets.weight)
    b, final = climb(at, null, names, np.ptp(z, axis=0))
    return b, (null[0], final[0])
