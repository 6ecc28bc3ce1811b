"""Placement of the diseased among the healthy who are like them: curves adjusted for covariates.

Array layer. Either way the placement of a diseased person is the share of healthy people, of the
same covariates, whose score is more suspect; the adjusted curve is the distribution of placements.
With a straight line of the covariates and one spread, people of any covariates are compared by
their residuals, and the curve is that of the residuals. With strata, it is the mean of the curves
of the strata, each weighing as many diseased people as it has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from osteo_epi.accuracy.curves._curve import Groups, Segments, whole_area
from osteo_epi.survey import Array, Codes, Mask


class Adjustment(ABC):
    """How the healthy that a diseased person is placed among are chosen."""

    @abstractmethod
    def curves(self, weight: Array) -> list[tuple[float, Segments]]:
        """Curves with their shares of the diseased, of (m,) weights of people."""

    def area(self, weight: Array) -> float:
        """Area under the adjusted curve; NaN where these weights leave no curve."""
        curves = self.curves(weight)
        if not curves:
            return np.nan
        return sum(share * whole_area(c.sick, c.well) for share, c in curves)

    def heights(self, weight: Array, rates: Array) -> Array:
        """(k,) sensitivities at (k,) false positive rates."""
        return sum(  # type: ignore[return-value]
            (share * curve.heights(rates) for share, curve in self.curves(weight)),
            np.zeros(len(rates)),
        )

    def points(self, weight: Array) -> tuple[Array, Array]:
        """False positive rates and sensitivities of every corner, from (0, 0) to (1, 1)."""
        curves = self.curves(weight)
        rates = np.unique(np.concatenate([[0.0, 1.0], *(c.false_after for _, c in curves)]))
        ends = [
            sum((s * c.heights(rates, lower=lower) for s, c in curves), np.zeros(len(rates)))
            for lower in (True, False)
        ]
        both = np.column_stack(ends).ravel()
        kept = np.append(True, (np.diff(both) > 0) | (np.arange(1, len(both)) % 2 == 0))
        return np.repeat(rates, 2)[kept], both[kept]


@dataclass(frozen=True)
class Residuals(Adjustment):
    """By a straight line of covariates in the healthy, with one spread.

    `score` (m,), `table` (m, p) covariates with their intercept, without a column where there are
    none; `diseased` (m,).
    """

    score: Array
    table: Array
    diseased: Mask
    low: bool
    tolerance: float

    def coefficients(self, weight: Array) -> Array:
        """(p,) of weighted least squares among the healthy."""
        if not self.table.shape[1]:
            return np.zeros(0)
        healthy = ~self.diseased & (weight > 0)
        root = np.sqrt(weight[healthy])
        fit = np.linalg.lstsq(
            self.table[healthy] * root[:, None], self.score[healthy] * root, rcond=None
        )
        return np.asarray(fit[0])

    def curves(self, weight: Array) -> list[tuple[float, Segments]]:
        """One, of residuals."""
        # Column by column: people alike get the same residual to the last bit, and stay tied.
        residual = self.score.copy()
        for column, slope in zip(self.table.T, self.coefficients(weight), strict=True):
            residual -= column * slope
        groups = Groups.of(residual, self.diseased, low=self.low, tolerance=self.tolerance)
        return [(1.0, Segments.of(*groups.sums(weight)))]


@dataclass(frozen=True)
class Strata(Adjustment):
    """Among the healthy of the same stratum: people and groups of each stratum with diseased."""

    members: tuple[Codes, ...]
    groups: tuple[Groups, ...]

    @classmethod
    def of(
        cls, score: Array, diseased: Mask, code: Codes, *, low: bool, tolerance: float
    ) -> Strata:
        """Of (m,) people with the (m,) code of their stratum."""
        order = np.argsort(code, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(code[order])) + 1)
        members = tuple(part for part in parts if diseased[part].any())
        groups = tuple(
            Groups.of(score[part], diseased[part], low=low, tolerance=tolerance) for part in members
        )
        return cls(members, groups)

    def curves(self, weight: Array) -> list[tuple[float, Segments]]:
        """One a stratum; a stratum without either class in these weights has none."""
        sums = [g.sums(weight[rows]) for rows, g in zip(self.members, self.groups, strict=True)]
        both = [(sick, well) for sick, well in sums if sick.sum() > 0 and well.sum() > 0]
        total = sum(sick.sum() for sick, _ in both)
        return [(float(sick.sum() / total), Segments.of(sick, well)) for sick, well in both]
