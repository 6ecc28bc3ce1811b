"""Sensitivity and specificity of many samples of the same people at once, and where they are best.

Array layer. The people are sorted once; a bootstrap sample is their weights, a row of a table, and
its curve is a running sum along the row. So a thousand samples take a few passes over a table.

The points of a curve are those between groups of equal scores, from 0 (nobody positive) to K
(everybody positive).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from osteo_epi.accuracy.curves._curve import Groups
from osteo_epi.survey import Array, Codes, Mask

SAME = 1e-12
"""Rates that differ by no more than the rounding of their sums are equal."""
Tie = Literal["first", "middle", "last"]


@dataclass(frozen=True)
class Ranked:
    """People in the order of their suspicion, and their K groups of equal scores.

    Attributes
    ----------
    order
        (n,) row of each person, the most suspect first.
    last
        (K,) place of the last person of each group.
    value
        (K,) score of each group.
    score, diseased
        (n,) of the people in this order.
    low
        Whether low scores are suspect.
    tolerance
        How near to a stated cut-point a score stands on it [unit of the score].
    apart
        A quarter of the least distance of two groups: a cut-point halfway between them is farther
        from either, whatever the tolerance.
    """

    order: Codes
    last: Codes
    value: Array
    score: Array
    diseased: Mask
    low: bool
    tolerance: float
    apart: float

    @classmethod
    def of(cls, groups: Groups, score: Array, *, low: bool, tolerance: float) -> Ranked:
        """Rank the people of a curve by their groups."""
        order = np.argsort(groups.code, kind="stable")
        last = np.cumsum(np.bincount(groups.code, minlength=len(groups.value))) - 1
        apart = float(np.abs(np.diff(groups.value)).min()) / 4
        return cls(
            order, last, groups.value, score[order], groups.diseased[order], low, tolerance, apart
        )

    @property
    def ends(self) -> tuple[float, float]:
        """Cut-points at which nobody, and everybody, is positive."""
        return (-np.inf, np.inf) if self.low else (np.inf, -np.inf)

    def point(self, cut: Array | float, *, takes_cut: bool | None = None) -> Codes:
        """Point at which people below the cut-point (above it, where high is suspect) are positive.

        Of a stated cut-point `takes_cut` says whether those who stand on it are positive too; None
        is for one that lies between the scores, where only rounding puts anybody on it.
        """
        sign = 1.0 if self.low else -1.0
        if takes_cut is None:
            reach = -min(self.tolerance, self.apart)
        else:
            reach = self.tolerance if takes_cut else -self.tolerance
        return np.searchsorted(sign * self.value, sign * np.asarray(cut) + reach, side="right")

    def curves(self, weight: Array) -> Curves:
        """Curves of samples with (R, n) weights of the people in this order."""
        sick = np.cumsum(weight * self.diseased, axis=1)[:, self.last]
        total = np.cumsum(weight, axis=1)[:, self.last]
        well = total - sick
        occupied = np.diff(total, axis=1, prepend=0.0) > 0
        true = _from_nobody(sick / sick[:, -1:])
        false = _from_nobody(well / well[:, -1:])
        return Curves(self, weight, true, 1 - false, occupied, sick[:, -1:] / total[:, -1:])


@dataclass(frozen=True)
class Curves:
    """Curves of R samples, each with people of both classes.

    Attributes
    ----------
    people, weight
        Who they are, and their (R, n) weights.
    sensitivity, specificity
        (R, K + 1) at the points.
    occupied
        (R, K) whether a sample has anybody of a group.
    prevalence
        (R, 1) share of the diseased.
    """

    people: Ranked
    weight: Array
    sensitivity: Array
    specificity: Array
    occupied: Mask
    prevalence: Array

    def best(self, value: Array, tie: Tie = "middle") -> Codes:
        """(R,) point where (R, K + 1) values are highest; of points equally good the one named.

        Of an even number the middle is the one with fewer positive people.
        """
        row, point = np.nonzero(self.tied(value))
        number = np.bincount(row, minlength=len(value))
        step = {"first": 0 * number, "middle": (number - 1) // 2, "last": number - 1}[tie]
        return point[np.cumsum(number) - number + step]

    def tied(self, value: Array) -> Mask:
        """(R, K + 1) points that are as good as the best and have people of their own."""
        equal = value >= value.max(axis=1, keepdims=True) - SAME
        equal[:, 1:] &= self.occupied
        return equal

    def cut(self, point: Codes) -> Array:
        """(R,) halfway between the scores on both sides of a point, in each sample."""
        rows, groups = np.arange(len(point)), np.arange(len(self.people.value))
        ahead = self.occupied & (groups >= point[:, None])
        after = ahead.argmax(axis=1)
        value, (nobody, everybody) = self.people.value, self.people.ends
        between = (value[np.maximum(point - 1, 0)] + value[after]) / 2
        return np.select([point == 0, ~ahead[rows, after]], [nobody, everybody], between)

    def rates(self, point: Codes) -> tuple[Array, Array]:
        """(R,) sensitivity and specificity at a point of each sample."""
        rows = np.arange(len(point))
        return self.sensitivity[rows, point], self.specificity[rows, point]


def _from_nobody(rate: Array) -> Array:
    return np.concatenate([np.zeros((len(rate), 1)), rate], axis=1)
