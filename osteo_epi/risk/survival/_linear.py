"""Linearised values of curves over time: what one person's weight adds to each point.

Each is a sum over times v up to t of h(v) (dN(v) − Y(v) dΛ(v)), a person's own events less those
expected while at risk. With weights of 1, and everybody there from the start, the sum of their
squares is Greenwood's variance of a survival curve exactly, and that of `survival` and `prodlim` of
a cumulative incidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.risk.survival._steps import AtRisk, Step, incidence, product_limit
from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True)
class Group:
    """(m,) people of a curve: times, kinds of leaving, weights, times of entry (or None)."""

    time: Array
    status: Codes
    weight: Array
    entry: Array | None

    def at_risk(self, weight: Array | None = None) -> AtRisk:
        """Who is at risk at each time, by these weights or by others."""
        w = self.weight if weight is None else weight
        return AtRisk.of(self.time, self.status, weight=w, entry=self.entry)

    def people(self) -> AtRisk:
        """The same of people one by one, without weights."""
        return self.at_risk(np.ones(len(self.time)))

    def integral(self, at_risk: AtRisk, event: Mask, h: Array, times: Array) -> Array:
        """(m, T) sums over times up to each of (T,) of (K, …) h times own less expected events.

        `event` (m,) are people whose own event counts; `h` is (K,) or (K, T).
        """
        of = h[:, None] if h.ndim == 1 else h
        kinds = np.unique(self.status[event])
        events = at_risk.left[:, kinds].sum(axis=1)
        share = np.divide(events, at_risk.risk, out=np.zeros_like(events), where=at_risk.risk > 0)
        expected = np.vstack([np.zeros(of.shape[1]), np.cumsum(of * share[:, None], axis=0)])
        upto = np.searchsorted(at_risk.times, times, side="right")
        rows = np.minimum(at_risk.code[:, None] + 1, upto[None, :])
        columns = np.arange(of.shape[1])[None, :]
        total = np.where(event[:, None] & (at_risk.code[:, None] < upto), of[at_risk.code], 0.0)
        total = total - expected[rows, columns]
        if self.entry is not None:
            came = np.searchsorted(at_risk.times, self.entry, side="right")
            total += expected[np.minimum(came[:, None], upto[None, :]), columns]
        return np.asarray(self.weight[:, None] * total)


def _inverse(of: Array) -> Array:
    return np.divide(1.0, of, out=np.zeros_like(of), where=of > 1e-12 * of.max(initial=0.0))


def survival(group: Group, times: Array) -> Array:
    """(T,) share free of the event at times: Kaplan and Meier."""
    return product_limit(group.at_risk()).at(times)


def hazard(group: Group, times: Array) -> Array:
    """(T,) cumulative hazard at times: Nelson and Aalen."""
    at_risk = group.at_risk()
    total = np.cumsum(at_risk.left[:, 1] * _inverse(at_risk.risk))
    return Step(at_risk.times, total, 0.0).at(times)


def incidence_of(group: Group, times: Array, *, kind: int = 1) -> Array:
    """(T,) cumulative incidence of a kind at times: Aalen and Johansen."""
    return incidence(group.at_risk(), kind=kind).at(times)


def mean_to(group: Group, times: Array) -> Array:
    """(T,) mean time free of the event up to each of the times."""
    free = product_limit(group.at_risk())
    return np.array([_areas(free, until).sum() for until in times])


def linear_survival(group: Group, times: Array) -> Array:
    """(m, T) weighted linearised values of `survival`."""
    at_risk = group.at_risk()
    h = -_inverse(at_risk.risk - at_risk.left[:, 1])
    total = group.integral(at_risk, group.status == 1, h, times)
    return np.asarray(product_limit(at_risk).at(times) * total)


def linear_hazard(group: Group, times: Array) -> Array:
    """(m, T) weighted linearised values of `hazard`."""
    at_risk = group.at_risk()
    return group.integral(at_risk, group.status == 1, _inverse(at_risk.risk), times)


def linear_incidence(group: Group, times: Array, *, kind: int = 1) -> Array:
    """(m, T) weighted linearised values of `incidence_of`."""
    at_risk = group.at_risk()
    curve = incidence(at_risk, kind=kind)
    before = product_limit(at_risk, kind=None).before(at_risk.times)
    still = _inverse(at_risk.risk - at_risk.left[:, 1:].sum(axis=1))
    # Whoever leaves at v by any event takes with it the incidence from v to t of those who stay.
    to_come = curve.at(times)[None, :] - curve.values[:, None]
    lost = group.integral(at_risk, group.status > 0, -still[:, None] * to_come, times)
    own = group.integral(at_risk, group.status == kind, before * _inverse(at_risk.risk), times)
    return np.asarray(lost + own)


def linear_mean(group: Group, times: Array) -> Array:
    """(m, T) weighted linearised values of `mean_to`."""
    at_risk = group.at_risk()
    free = product_limit(at_risk)
    still = _inverse(at_risk.risk - at_risk.left[:, 1])
    to_come = np.column_stack([_to_come(free, until) for until in times])
    return group.integral(at_risk, group.status == 1, -to_come * still[:, None], times)


def survival_variance(group: Group, times: Array) -> Array:
    """(T,) variance of `survival` of people one by one: Greenwood."""
    at_risk = group.at_risk()
    total = Step(at_risk.times, np.cumsum(_greenwood(at_risk)), 0.0).at(times)
    return np.asarray(product_limit(at_risk).at(times) ** 2 * total)


def incidence_variance(group: Group, times: Array, *, kind: int = 1) -> Array:
    """(T,) variance of `incidence_of` of people one by one, all there from the start.

    The sum of squares of the linearised values: what people add at one time is then uncorrelated
    with what they add at another, and sums over people are counts.
    """
    at_risk = group.at_risk()
    curve, mine = incidence(at_risk, kind=kind), at_risk.left[:, kind]
    any_, share = at_risk.left[:, 1:].sum(axis=1), _inverse(at_risk.risk)
    still = _inverse(at_risk.risk - any_)
    lost = any_ * share * still
    own = product_limit(at_risk, kind=None).before(at_risk.times) * share
    both = np.where(still > 0, own * mine * share, 0.0)
    alone = own**2 * mine * (at_risk.risk - mine) * share
    f = curve.values
    sums = np.cumsum([lost, f * lost + both, f**2 * lost + 2 * f * both + alone], axis=1)
    square, cross, rest = (Step(at_risk.times, one, 0.0).at(times) for one in sums)
    at = curve.at(times)
    return np.maximum(at**2 * square - 2 * at * cross + rest, 0.0)


def hazard_variance(group: Group, times: Array) -> Array:
    """(T,) variance of `hazard` of people one by one, events taken as Poisson."""
    at_risk = group.at_risk()
    jumps = at_risk.left[:, 1] * _inverse(at_risk.risk) ** 2
    return Step(at_risk.times, np.cumsum(jumps), 0.0).at(times)


def mean_variance(group: Group, times: Array) -> Array:
    """(T,) variance of `mean_to` of people one by one."""
    at_risk = group.at_risk()
    free, jumps = product_limit(at_risk), _greenwood(at_risk)
    return np.array([_to_come(free, until) ** 2 @ jumps for until in times])


def _greenwood(at_risk: AtRisk) -> Array:
    events = at_risk.left[:, 1]
    return np.asarray(events * _inverse(at_risk.risk) * _inverse(at_risk.risk - events))


def _to_come(free: Step, until: float) -> Array:
    """(K,) area under a curve from each of its times to a time."""
    return np.asarray(np.cumsum(_areas(free, until)[::-1])[::-1][1:])


def _areas(free: Step, until: float) -> Array:
    """(K + 1,) area under a curve between its times, from 0 up to a time."""
    ends = np.concatenate([[0.0], np.minimum(free.times, until), [until]])
    return np.asarray(np.diff(ends) * np.concatenate([[1.0], free.values]))


def aalen_variance(at_risk: AtRisk, *, kind: int = 1) -> Step:
    """Variance of a cumulative incidence of people one by one, as `cmprsk` gives it.

    Aalen 1978, Annals of Statistics 6:534-545, with hypergeometric variances where events are
    tied: a little larger than the linearised one.
    """
    curve = incidence(at_risk, kind=kind)
    free = product_limit(at_risk, kind=None)
    f, before, after = curve.values, free.before(at_risk.times), free.values
    mine, any_ = at_risk.left[:, kind], at_risk.left[:, 1:].sum(axis=1)
    inverse = np.divide(1.0, after, out=np.zeros_like(after), where=after > 1e-12)
    sums = np.zeros((3, len(f)))
    for events, effect in ((any_ - mine, f * inverse), (mine, 1 + f * inverse)):
        tied = np.where(events > 1, 1 - (events - 1) / np.maximum(at_risk.risk - 1, 1.0), 1.0)
        base = before**2 * tied * events * _inverse(at_risk.risk) ** 2
        # An event of another kind that leaves nobody says nothing of this kind.
        base = np.where((after > 1e-12) | (events is mine), base, 0.0)
        sums += np.cumsum(base * np.stack([effect**2, inverse * effect, inverse**2]), axis=1)
    variance = sums[0] - 2 * f * sums[1] + f**2 * sums[2]
    # Between events of the kind the curve stands, and its variance with it.
    last = np.maximum.accumulate(np.where(mine > 0, np.arange(len(f)), -1))
    return Step(at_risk.times, np.where(last >= 0, variance[last], 0.0), 0.0)
