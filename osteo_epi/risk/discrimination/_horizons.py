"""Who has had the event by a horizon, and how a risk agrees with it. Array layer.

Those whose state at the horizon is not known are made up for by the others, weighted by the
inverse share not yet censored. What each person moves in an estimate has two parts: by being
counted, and by way of that share, which is estimated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.risk._follow_up import COMPETING, EVENT
from osteo_epi.risk.discrimination._weights import Censoring
from osteo_epi.risk.survival._steps import AtRisk, incidence
from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True)
class Horizon:
    """States of (m,) people at one time.

    `case` had the event by then, `competed` the competing one, `free` are known to have had
    neither. `known` is the inverse chance that the state is known, 0 where it is not.
    """

    at: float
    time: Array
    status: Codes
    weight: Array
    case: Mask
    competed: Mask
    free: Mask
    known: Array
    left: Censoring

    @classmethod
    def of(cls, time: Array, status: Codes, at: float, *, weight: Array) -> Horizon:
        """From (m,) times, 0 censored, 1 event, 2 competing, and weights."""
        left = Censoring.of(time, status, weight=weight)
        by = time <= at
        case, competed = by & (status == EVENT), by & (status == COMPETING)
        known = left.known(time, status, at)
        return cls(at, time, status, weight, case, competed, ~by, known, left)

    @property
    def controls(self) -> Mask:
        """(m,) those known to be without the event, whether or not they had the competing one."""
        return self.competed | self.free

    def moved(self, terms: Array) -> Array:
        """(m,) what each person moves in the sum of (m,) terms by way of the share not censored.

        A term is divided by the share at the person's own event, or at the horizon.
        """
        shown = np.where(self.known > 0, terms, 0.0)
        return self.left.moved(shown, beyond=self.free, at=self.at)

    def incidence(self) -> float:
        """Share with the event by then, other events competing: the risk of the null model."""
        at_risk = AtRisk.of(self.time, self.status, weight=self.weight)
        return float(incidence(at_risk).at(self.at))

    def auc(self, risk: Codes, controls: Mask) -> tuple[float, Array]:
        """Area under the curve of cases against controls, and (m,) linearised values.

        `risk` are (m,) codes from 0 that rise with risk.
        """
        share = self.weight * self.known
        a, b = np.where(self.case, share, 0.0), np.where(controls, share, 0.0)
        all_a, all_b = a.sum(), b.sum()
        cases, others = np.bincount(risk, a), np.bincount(risk, b)
        below = np.cumsum(others) - others / 2
        above = all_a - np.cumsum(cases) + cases / 2
        area = float(cases @ below / (all_a * all_b))
        terms = a * (below[risk] / all_b - area) / all_a + b * (above[risk] / all_a - area) / all_b
        return area, terms + self.moved(terms)

    def brier(self, risk: Array | float) -> tuple[float, Array]:
        """Mean squared error of a risk, and (m,) linearised values."""
        total = self.weight.sum()
        terms = self.weight * self.known * (self.case - risk) ** 2 / total
        score = float(terms.sum())
        return score, terms - self.weight * score / total + self.moved(terms)
