"""The C-index of a risk by weights, with what each person moves in it. Array layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from osteo_epi.risk._follow_up import COMPETING, EVENT
from osteo_epi.risk.discrimination._pairs import Pairs, Ranked
from osteo_epi.risk.discrimination._weights import Censoring
from osteo_epi.survey import Array, Codes, Mask


@dataclass(frozen=True)
class Ranking:
    """People ranked by a risk, sorted once for any number of weights.

    `cases` (m,) are those whose event counts. `after` compares them with whoever is still there,
    `beside` (by `uno` with a competing event) with whoever had that before.
    """

    time: Array
    status: Codes
    cases: Mask
    uno: bool
    after: Ranked
    beside: Ranked | None

    @classmethod
    def of(
        cls, time: Array, status: Codes, risk: Array, *, uno: bool, horizon: float | None
    ) -> Ranking:
        """Sort (m,) people.

        By Harrell's rule a person with the competing event stays among those without the event
        for good. Uno's weights depend on both times, so that pair by pair is counted apart.
        """
        cases = (status == EVENT) & (time <= (math.inf if horizon is None else horizon))
        other = status == COMPETING
        if not uno:
            later = np.where(other, time.max() + 1, time)
            return cls(time, status, cases, uno, Ranked.of(later, status == EVENT, risk), None)
        after = Ranked.of(time, status == EVENT, risk)
        beside = Ranked.of(-time, status > 0, risk) if other.any() else None
        return cls(time, status, cases, uno, after, beside)

    def pairs(self, weight: Array) -> Pairs:
        """Pairs of all kinds."""
        return self._counted(weight)[0]

    def influence(self, weight: Array, *, censoring: bool = True) -> tuple[Pairs, Array]:
        """Pairs, and (m,) weighted linearised values of c; with G known unless `censoring`."""
        pairs, terms, left = self._counted(weight)
        c, total = pairs.c, pairs.weight or math.nan
        moved = (pairs.good - c * pairs.total) / total
        if left is None or not censoring:
            return pairs, moved
        shares = sum(m * (good - c * all_) / total for m, good, all_ in terms)
        return pairs, moved + left.moved(np.asarray(shares))

    def _counted(
        self, weight: Array
    ) -> tuple[Pairs, list[tuple[int, Array, Array]], Censoring | None]:
        """Pairs, what in them is divided by G at a person's own time and how often, and G."""
        if not self.uno:
            return self.after.pairs(np.where(self.cases, weight, 0.0), weight), [], None
        left = Censoring.of(self.time, self.status, weight=weight)
        # People of weight 0, as replicates have them, may stand where nobody is left.
        chance = np.where(weight > 0, left.left, 1.0)
        inverse = weight / chance
        pairs = self.after.pairs(np.where(self.cases, inverse / chance, 0.0), weight)
        terms = [(2, pairs.good_first, pairs.total_first)]
        if self.beside is not None:
            more = self.beside.pairs(
                np.where(self.cases, inverse, 0.0),
                np.where(self.status == COMPETING, inverse, 0.0),
            )
            terms.append((1, more.good, more.total))
            pairs = pairs.plus(more)
        return pairs, terms, left


def harrell(time: Array, status: Codes, risk: Array, *, weight: Array | None = None) -> float:
    """Harrell's C of (m,) people, higher risks first."""
    w = np.ones(len(time)) if weight is None else weight
    return Ranking.of(time, status, risk, uno=False, horizon=None).pairs(w).c
