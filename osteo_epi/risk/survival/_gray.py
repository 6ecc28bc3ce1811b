"""Gray's test of cumulative incidences, array layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.risk.survival._steps import AtRisk
from osteo_epi.survey import Array, Codes


@dataclass(frozen=True)
class _Tables:
    """(K, G) of each time and group: at risk, events of the kind and others, and curves before."""

    risk: Array
    mine: Array
    other: Array
    free: Array
    free_after: Array
    had: Array

    @classmethod
    def of(cls, time: Array, status: Codes, group: Codes, kind: int) -> _Tables:
        times = np.unique(time)
        shape = (len(times), int(group.max()) + 1)
        risk, mine, other = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for g in range(shape[1]):
            here = group == g
            at_risk = AtRisk.of(time[here], status[here])
            place = np.searchsorted(at_risk.times, times)
            known = np.minimum(place, len(at_risk.times) - 1)
            risk[:, g] = np.where(place < len(at_risk.times), at_risk.risk[known], 0.0)
            row = np.searchsorted(times, at_risk.times)
            mine[row, g] = at_risk.left[:, kind]
            other[row, g] = at_risk.left[:, 1:].sum(axis=1) - at_risk.left[:, kind]
        safe = np.where(risk > 0, risk, 1.0)
        after = np.cumprod(1 - (mine + other) / safe, axis=0).astype(float)
        after[after < 1e-13] = 0.0
        before = np.vstack([np.ones(shape[1]), after[:-1]])
        had = np.cumsum(before * mine / safe, axis=0)
        return cls(risk, mine, other, before, after, np.vstack([np.zeros(shape[1]), had[:-1]]))


def gray_score(
    time: Array, status: Codes, group: Codes, *, kind: int = 1, rho: float = 0.0
) -> tuple[Array, Array]:
    """Score of each of G groups, (G,), and its (G, G) covariance, of people one by one.

    Gray 1988, doi 10.1214/aos/1176350951, with the variances for tied events of
    `cmprsk::cuminc`. `group` counts from 0; the scores add up to 0.
    """
    t = _Tables.of(time, status, group, kind)
    inside = t.risk > 0
    # A person at risk stands for all who are free of the kind, those with other events included.
    reach = np.where(inside, t.risk / np.where(inside, t.free, 1.0), 0.0)
    total, events = reach.sum(axis=1), t.mine.sum(axis=1)
    pooled = np.cumsum(events / total)
    before = np.concatenate([[0.0], pooled[:-1]])
    weight = (1 - before) ** rho
    still = reach * (1 - t.had)
    expected = events[:, None] * still / np.maximum(still.sum(axis=1), 1e-300)[:, None]
    score = (weight[:, None] * (t.mine - expected) * inside).sum(axis=0)
    share = reach / total[:, None]
    a = weight[:, None, None] * (
        np.eye(reach.shape[1]) * reach[:, :, None] - reach[:, :, None] * share[:, None, :]
    )
    c = np.cumsum(a * (events / (total * (1 - before)))[:, None, None], axis=0)
    return score, _covariance(t, a, c, pooled, total, events)


def _covariance(
    t: _Tables, a: Array, c: Array, pooled: Array, total: Array, events: Array
) -> Array:
    """Sum over groups of what events of the kind, and others, add to the variance."""
    inside, left = t.risk > 0, np.where(t.free_after > 0, t.free_after, 1.0)
    safe = np.where(inside, t.risk, 1.0)
    ratio = (1 - pooled)[:, None] / left
    effect = np.where(t.free_after > 0, 1 - ratio, 1.0)
    tied = np.ones_like(t.risk)
    several = (events > 1)[:, None] & inside
    spare = total[:, None] * t.free - 1
    tied = np.where(several, 1 - (events - 1)[:, None] / np.where(several, spare, 1.0), 1.0)
    mine = np.where(inside, tied * t.free * (events / total)[:, None] / safe, 0.0)
    counted = (t.free_after > 0) & (t.other > 0)
    tied = np.where(t.other > 1, 1 - (t.other - 1) / np.maximum(safe - 1, 1.0), 1.0)
    other = np.where(counted, tied * t.free**2 * t.other / safe**2, 0.0)
    # (K, G of the score, G of the events): what an event adds to the score at once and later.
    at_once = a - effect[:, None, :] * c
    later = -ratio[:, None, :] * c
    last = c[-1]
    v = np.einsum("kig,kjg,kg->ij", at_once, at_once, mine)
    v += np.einsum("kig,kjg,kg->ij", later, later, other)
    v2 = np.einsum("kig,kg->ig", at_once, effect * mine)
    v2 += np.einsum("kig,kg->ig", later, ratio * other)
    v3 = (effect**2 * mine + ratio**2 * other).sum(axis=0)
    cross = last @ v2.T
    return np.asarray(v + (last * v3) @ last.T + cross + cross.T)
