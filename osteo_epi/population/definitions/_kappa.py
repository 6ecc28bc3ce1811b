"""Weighted kappa of two classifications of the same people, as a function of the table's shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from osteo_epi.survey import Array, Codes


@dataclass(frozen=True)
class QuadraticKappa:
    """Kappa, by the squared steps between classes, of a square table of which c cells hold people.

    Parameters
    ----------
    first, second
        (c,) places of the cells among the ordered classes by either classification.
    size
        Number of classes.
    """

    first: Codes
    second: Codes
    size: int

    @property
    def known(self) -> bool:
        """Whether it is defined: somebody is in another class than somebody else."""
        return len(set(self.first.tolist()) | set(self.second.tolist())) > 1

    @property
    def constant(self) -> bool:
        """Whether one classification puts everybody into one class: kappa is 0 whatever else."""
        return len(set(self.first.tolist())) == 1 or len(set(self.second.tolist())) == 1

    @property
    def _steps(self) -> Array:
        place = np.arange(self.size) / (self.size - 1)
        return (place[:, None] - place) ** 2

    def _margins(self, share: Array) -> tuple[Array, Array]:
        rows, columns = np.eye(self.size)[self.first], np.eye(self.size)[self.second]
        return share @ rows, share @ columns

    def __call__(self, share: Array) -> Any:
        """Kappa of (…, c) shares, which need not sum to 1."""
        one, two = self._margins(share)
        apart = share @ self._steps[self.first, self.second]
        by_chance = np.einsum("...i,ij,...j->...", one, self._steps, two)
        with np.errstate(invalid="ignore", divide="ignore"):
            return 1 - apart * share.sum(axis=-1) / by_chance

    def gradient(self, share: Array) -> Array:
        """(c,) derivatives by the (c,) shares."""
        (one, two), steps = self._margins(share), self._steps
        own, total = steps[self.first, self.second], share.sum()
        apart, by_chance = float(share @ own), float(one @ steps @ two)
        slope = (steps @ two)[self.first] + (one @ steps)[self.second]
        return -(own * total + apart) / by_chance + apart * total / by_chance**2 * slope
