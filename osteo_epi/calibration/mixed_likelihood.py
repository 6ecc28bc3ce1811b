"""Restricted likelihood of two devices' repeated scans, from counts, means and squares of people.

Parameters: log SD of people on x, slope, log SD beyond the line, log scan errors (one or two). The
two means are profiled out. With at most two means a person, everything is 2 × 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Groups:
    """People of equal counts together: counts (G, 2), people (G,), Σ means, Σ products of means."""

    n: Floats
    people: Floats
    total: Floats
    products: Floats


@dataclass(frozen=True)
class People:
    """Sums of P people: counts (P, 2), means (P, 2) with 0 where not scanned, squares (2,)."""

    n: Floats
    mean: Floats
    within: Floats

    @classmethod
    def of(cls, table: pl.DataFrame) -> People:
        """Take n_x, x, w_x and n_y, y, w_y; null where a person was not scanned on a device."""
        columns = [table.select(f"{p}x", f"{p}y").fill_null(0) for p in ("n_", "", "w_")]
        n, mean, within = (c.cast(pl.Float64).to_numpy() for c in columns)
        made = cls(n, mean, within.sum(axis=0))
        if made.both < 3:
            raise SchemaError(f"{made.both} people were scanned on both devices; three are needed")
        if (made.repeats <= 0).any():
            raise SchemaError(
                "nobody was scanned twice on one of the devices: without repeats scan error and "
                "people's own differences cannot be told apart; use deming with a known error ratio"
            )
        if (made.within == 0).any():
            raise SchemaError("constant readings: all repeats on one of the devices are identical")
        return made

    @cached_property
    def groups(self) -> Groups:
        """All that the likelihood needs of the means, whatever the number of people."""
        n, place = np.unique(self.n, axis=0, return_inverse=True)
        member = (place.ravel() == np.arange(len(n))[:, None]).astype(float)
        products = np.einsum("gp,pi,pj->gij", member, self.mean, self.mean)
        return Groups(n, member.sum(axis=1), member @ self.mean, products)

    @property
    def both(self) -> int:
        """People on both devices."""
        return int((self.n > 0).all(axis=1).sum())

    @property
    def repeats(self) -> Floats:
        """(2,) scans beyond each person's first."""
        return np.maximum(self.n - 1, 0).sum(axis=0)

    @property
    def counts(self) -> tuple[int, int]:
        """People and scans."""
        return len(self.n), int(self.n.sum())


@dataclass(frozen=True)
class Reml:
    """The restricted likelihood of people's scans."""

    people: People
    common: bool

    def start(self) -> Floats:
        """Moments, as a place to begin."""
        data = self.people
        error = data.within / data.repeats
        two = data.mean[(data.n > 0).all(axis=1)]
        spread = np.cov(two.T)
        own = max(spread[0, 0] - error[0], spread[0, 0] / 2)
        slope = spread[0, 1] / own
        beyond = max(spread[1, 1] - slope * spread[0, 1] - error[1], error[1] / 10)
        errors = [error.mean()] if self.common else error
        return np.array([0.5 * np.log(own), slope, 0.5 * np.log(beyond), *(0.5 * np.log(errors))])

    def sizes(self, at: Floats) -> dict[str, float]:
        """The SDs by name."""
        people, beyond, x, y = np.exp([at[0], at[2], at[3], at[-1]]).tolist()
        return {"sd_people": people, "sd_beyond": beyond, "sd_x": x, "sd_y": y}

    def means(self, at: Floats) -> tuple[Floats, Floats]:
        """(2,) mean of x and of y, and their (2, 2) covariance."""
        information, weighted, _ = self._between(at)
        return np.linalg.solve(information, weighted), np.linalg.inv(information)  # type: ignore[return-value]

    def loss(self, at: Floats) -> float:
        """Minus the restricted log-likelihood."""
        data = self.people
        information, weighted, rest = self._between(at)
        sign, determinant = np.linalg.slogdet(information)
        if sign <= 0:
            return np.inf
        squares = rest - weighted @ np.linalg.solve(information, weighted)
        error = np.exp(2 * np.array([at[3], at[-1]]))
        inside = float(data.repeats @ np.log(error) + (data.within / error).sum())
        counts = np.log(data.n[data.n > 0]).sum()
        constant = (data.n.sum() - 2) * np.log(2 * np.pi)
        return 0.5 * float(squares + determinant + inside + counts + constant)

    def _between(self, at: Floats) -> tuple[Floats, Floats, float]:
        """Σ V⁻¹, Σ V⁻¹ m, and Σ m'V⁻¹m + log|V| over people."""
        groups, slope = self.people.groups, at[1]
        own, beyond = np.exp(2 * at[0]), np.exp(2 * at[2])
        error = np.exp(2 * np.array([at[3], at[-1]]))
        there = groups.n > 0
        single = error / np.where(there, groups.n, 1.0)
        xx, yy = own + single[:, 0], slope**2 * own + beyond + single[:, 1]
        xy = np.where(there.all(axis=1), slope * own, 0.0)
        # A device without scans of a person: variance 1 for the determinant, information 0.
        xx, yy = np.where(there[:, 0], xx, 1.0), np.where(there[:, 1], yy, 1.0)
        determinant = xx * yy - xy**2
        inverse = np.array([[yy, -xy], [-xy, xx]]) / determinant
        inverse *= (there[:, :, None] & there[:, None, :]).transpose(1, 2, 0)
        weighted = np.einsum("ijg,gj->i", inverse, groups.total)
        rest = np.einsum("ijg,gij->", inverse, groups.products)
        return inverse @ groups.people, weighted, float(rest + groups.people @ np.log(determinant))


def hessian(loss: Callable[[Floats], float], at: Floats, *, step: float = 1e-3) -> Floats:
    """Second derivatives by central differences; parameters are logs and a slope, of size one."""
    size = len(at)
    steps = np.eye(size) * step
    out = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            corners = [
                sign * loss(at + a * steps[i] + b * steps[j])
                for sign, a, b in ((1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1))
            ]
            out[i, j] = out[j, i] = sum(corners) / (4 * step**2)
    return out
