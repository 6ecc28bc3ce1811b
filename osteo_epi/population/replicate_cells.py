"""Replicate weights of people who are summed to cells, and the variance of a proportion of them.

Every replicate gives the same proportion under its own weights. Sums of the replicate weights by
cell carry them all: R numbers a cell in place of R numbers a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from osteo_epi.population.replication import Replicates, independent
from osteo_epi.population.structure import Array, Codes, Mask


@dataclass(frozen=True)
class ReplicateSums:
    """Sums of weights and replicate weights over m cells.

    Parameters
    ----------
    weight
        (m,) sums of the weights.
    replicated
        (m, R) sums of the replicate weights.
    sample
        The replicate weights of the n people.
    cell
        (n,) the cell of each person.
    df
        Degrees of freedom that the survey states; None for the rank in the domain less one.
    method
        How the variance is had, in words.
    """

    weight: Array
    replicated: Array
    sample: Replicates
    cell: Codes
    df: int | None
    method: str

    @classmethod
    def of(
        cls, sample: Replicates, cell: Codes, size: int, *, df: int | None, method: str
    ) -> ReplicateSums:
        """Sum the replicate weights of people to `size` cells."""
        people = np.arange(len(cell))
        member = csr_array((np.ones(len(cell)), (cell, people)), shape=(size, len(cell)))
        return cls(member @ sample.weight, member @ sample.factor, sample, cell, df, method)

    def proportions(self, event: Array, rows: Mask, stratum: Codes, share: Array) -> Array:
        """(R,) proportion in each replicate, standardised over strata by their (S,) shares.

        NaN where a replicate holds nobody in a stratum that has a share.
        """
        used = share > 0
        inside = np.flatnonzero(rows & (stratum >= 0))
        weight = self.replicated[inside]
        index = (stratum[inside], np.arange(len(inside)))
        by = csr_array((np.ones(len(inside)), index), shape=(len(share), len(inside)))[used]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (by @ (event[inside, None] * weight)) / (by @ weight)
        return share[used] @ means

    def variance(self, value: float, replicated: Array) -> tuple[float, int]:
        """Variance of a proportion, and how many replicates hold nobody and were left out."""
        known = np.isfinite(replicated)
        spread = self.sample.spread(replicated[:, None], np.array([value]), known)
        return float(spread[0, 0]), int((~known).sum())

    def degrees_of_freedom(self, rows: Mask) -> int:
        """As stated, or the rank of the replicate weights of the cells' people less one."""
        if self.df is not None:
            return self.df
        return max(independent(self.sample.factor[rows[self.cell]]) - 1, 0)
