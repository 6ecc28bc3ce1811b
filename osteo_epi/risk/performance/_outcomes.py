"""How often a group of people has the outcome, as a function of everybody's weight.

Array layer. An answer is a value with the derivative by each weight, times that weight: the
weighted linearised values from which a design makes a variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from osteo_epi.accuracy import Share
from osteo_epi.risk._follow_up import COMPETING, EVENT
from osteo_epi.survey import Array, Codes, Mask

KINDS = 3


class Outcome(Protocol):
    """What can happen to people."""

    @property
    def label(self) -> str:
        """What it is called."""

    def linear(self, weight: Array, among: Mask) -> tuple[float, Array]:
        """Risk in a group, with (n,) weighted linearised values; 0 in an empty group."""

    def values(self, weight: Array, among: Mask) -> Array:
        """(n,) a value of each person of the group whose weighted mean is its risk."""


@dataclass(frozen=True)
class Binary:
    """(n,) people who have the outcome, all others known to be without it."""

    yes: Mask
    label: str

    def linear(self, weight: Array, among: Mask) -> tuple[float, Array]:
        """Share with the outcome."""
        if not weight[among].any():
            return 0.0, np.zeros(len(weight))
        return Share(self.yes, among).linear(weight)

    def values(self, weight: Array, among: Mask) -> Array:
        """1 of who has it, 0 of who has not."""
        return self.yes.astype(float)


@dataclass(frozen=True)
class ByTime:
    """Whether the event comes up to a time, where some are censored or have another event first.

    `code` (n,) is the place of each person's time among the K different ones up to then, K for a
    later one; `status` as in `FollowUp`.
    """

    code: Codes
    status: Codes
    size: int
    label: str

    @classmethod
    def of(cls, time: Array, status: Codes, *, at: float, label: str) -> ByTime:
        """From (n,) times and statuses."""
        times = np.unique(time[time <= at])
        return cls(np.searchsorted(times, time), status, len(times), label)

    def linear(self, weight: Array, among: Mask) -> tuple[float, Array]:
        """Incidence of Aalen and Johansen (1 − Kaplan and Meier where nothing competes).

        The sum of squared linearised values is Greenwood's variance where nothing competes.
        """
        linear, k = np.zeros(len(weight)), self.size
        if k == 0 or not weight[among].any():
            return 0.0, linear
        code, status, w = self.code[among], self.status[among], weight[among]
        sums: Array = np.bincount(code * KINDS + status, w, (k + 1) * KINDS).astype(float)
        left = sums.reshape(k + 1, KINDS)
        risk = np.cumsum(left.sum(axis=1)[::-1])[::-1][:k]
        event, ended = left[:k, EVENT], left[:k, EVENT] + left[:k, COMPETING]
        own, either = _ratio(event, risk), _ratio(ended, risk)
        before: Array = np.concatenate([[1.0], np.cumprod(1 - either)[:-1]])
        incidence: Array = np.cumsum(before * own)
        direct = _ratio(before, risk)
        # What an end of either kind takes from the events that were still to come.
        lost = _ratio(incidence[-1] - incidence, risk - ended)
        waiting = np.cumsum(direct * own - lost * either)
        last = np.minimum(code, k - 1)
        ends = (code < k) & (status > 0)
        change = np.where(ends & (status == EVENT), direct[last], 0.0) - waiting[last]
        linear[among] = w * (change - np.where(ends, lost[last], 0.0))
        return float(incidence[-1]), linear

    def values(self, weight: Array, among: Mask) -> Array:
        """Pseudo-values: the incidence, and what each person adds to it (infinitesimal jackknife).

        Andersen, Klein, Rosthøj 2003, doi 10.1093/biomet/90.1.15.
        """
        value, linear = self.linear(weight, among)
        safe = np.where(among & (weight > 0), weight, 1.0)
        return value + linear * weight[among].sum() / safe


def _ratio(numerator: Array, denominator: Array) -> Array:
    small = denominator <= 1e-12 * denominator.max(initial=0.0)
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=~small)
