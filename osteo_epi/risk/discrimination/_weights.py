"""Whose state at a horizon is known, weighted for those censored before it.

Array layer. The share not yet censored, G, is taken just before a person's own event, and at the
horizon for whoever is still without one; at one time events come before censorings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.risk.survival._steps import censoring
from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True)
class Censoring:
    """Censoring of n people, sorted once: shares not yet censored, and what each moves in them.

    `times` (K,) are distinct, `code` (n,) the time of each; `jumps`, `free`, `shares` (K,) the
    weight censored at a time, that still there, and the share not yet censored; `left` (n,) that
    share just before the time of each; `censored` (n,) 1 or 0.
    """

    times: Array
    code: Codes
    jumps: Array
    free: Array
    shares: Array
    left: Array
    censored: Array
    weight: Array

    @classmethod
    def of(cls, time: Array, status: Codes, *, weight: Array | None = None) -> Censoring:
        """From (n,) times, status (0 censored) and weights."""
        w = np.ones(len(time)) if weight is None else weight
        step = censoring(time, status > 0, weight=w)
        times, code = np.unique(time, return_inverse=True)
        censored = (status == 0).astype(float)
        jumps = np.bincount(code, w * censored).astype(float)
        gone = np.bincount(code, w).astype(float)
        risk = np.cumsum(gone[::-1])[::-1]
        return cls(
            times, code, jumps, risk, step.values, step.before(time), censored, w
        )  # fmt: skip

    def at(self, time: float) -> float:
        """Share not yet censored at a time, a censoring at the time itself included."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1.0 if place == 0 else float(self.shares[place - 1])

    def known(self, time: Array, status: Codes, at: float) -> Array:
        """(n,) inverse chance that the state of each at a horizon is known; 0 if it is not."""
        alive = time > at
        happened = ~alive & (status > 0)
        chance = np.where(alive, self.at(at), np.where(happened, self.left, 1.0))
        return np.where((alive | happened) & (chance > 0), 1 / np.where(chance > 0, chance, 1), 0.0)

    def moved(self, terms: Array, *, beyond: Mask | None = None, at: float = np.inf) -> Array:
        """What each person moves, by way of G, in a sum of terms divided by it.

        Parameters
        ----------
        terms
            (n,) weighted terms, each divided by G just before the person's own time.
        beyond, at
            (n,) people whose term is divided by G at a horizon instead.

        Returns
        -------
        ndarray
            (n,) sum over the terms of the integral of the person's martingale of censoring over
            the weight at risk, times the person's weight.
        """
        last = self.code - 1
        if beyond is not None:
            last = np.where(beyond, np.searchsorted(self.times, at, side="right") - 1, last)
        inside = last >= 0
        total = np.bincount(last[inside], terms[inside], minlength=len(self.times))
        tail = np.cumsum(total[::-1])[::-1]
        own = self.censored * (tail / self.free)[self.code]
        drift = np.cumsum(self.jumps * tail / self.free**2)[self.code]
        moved: Array = self.weight * (own - drift)
        return moved


def censoring_weights(
    time: Array, status: Codes, at: float, *, weight: Array | None = None
) -> Array:
    """(n,) inverse probability of censoring weights for the state at a horizon.

    Parameters
    ----------
    time, status
        (n,) times, and 0 censored, 1 event, 2 … competing.
    at
        The horizon [unit of time].
    weight
        (n,) weights by which people count for the censoring; they are not multiplied in.

    Returns
    -------
    ndarray
        1/G(T−) with an event (of any kind) at or before the horizon, 1/G(t) beyond it, 0 for
        whoever was censored before; their sum is the number of people, on average.

    Notes
    -----
    Graf, Schmoor, Sauerbrei, Schumacher 1999, doi
    10.1002/(sici)1097-0258(19990915/30)18:17/18<2529::aid-sim274>3.0.co;2-5; Gerds and Schumacher
    2006, doi 10.1002/bimj.200610301.

    Examples
    --------
    >>> censoring_weights(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 0, 1, 0]), 3.5).round(6)
    array([1. , 0. , 1.5, 1.5])
    """
    return Censoring.of(time, status, weight=weight).known(time, status, at)
