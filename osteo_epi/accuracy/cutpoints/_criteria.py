"""What makes a cut-point a good one: criteria of the curve, and what another test says.

Array layer. A criterion gives one cut-point for each of many samples; NaN where a sample has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from osteo_epi.accuracy.cutpoints._curves import Curves, Tie
from osteo_epi.agreement import deming_slope
from osteo_epi.survey import Array, Codes, Mask

STEPS = 30
"""Newton's steps of a logistic regression; five are enough where it has an end."""
SEPARATED = 50.0
"""Log-odds per SD of the score beyond which the outcome is separated, and there is no fit."""


class Criterion(Protocol):
    """How a cut-point is found; `tied` are the points as good, where there can be several."""

    @property
    def n(self) -> int:
        """People that the cut-point rests on."""

    def cuts(self, curves: Curves) -> Array:
        """(R,) cut-points of the samples."""

    def tied(self, curves: Curves) -> Codes:
        """(t,) points of the first sample that are as good as the one taken."""


@dataclass(frozen=True)
class OfCurve:
    """Where a value of sensitivity and specificity is highest.

    `prevalence` is stated, or None for that of each sample.
    """

    kind: str
    n: int
    level: float = 0.0
    prevalence: float | None = None

    def _value(self, curves: Curves) -> Array:
        true, healthy = curves.sensitivity, curves.specificity
        if self.kind == "youden":
            return true + healthy
        if self.kind == "closest":
            return -((1 - true) ** 2) - (1 - healthy) ** 2
        if self.kind == "sensitivity":
            return np.where(true >= self.level - 1e-12, healthy, -1.0)
        if self.kind == "specificity":
            return np.where(healthy >= self.level - 1e-12, true, -1.0)
        sick = curves.prevalence if self.prevalence is None else self.prevalence
        if self.kind == "cost":
            return -sick * (1 - true) - self.level * (1 - sick) * (1 - healthy)
        return -np.abs(sick * true + (1 - sick) * (1 - healthy) - sick)

    @property
    def _tie(self) -> Tie:
        """A rate that is free is taken as high as it gets; elsewhere no tie is better."""
        return {"sensitivity": "last", "specificity": "first"}.get(self.kind, "middle")  # type: ignore[return-value]

    def cuts(self, curves: Curves) -> Array:
        """(R,) cut-points of the samples."""
        return curves.cut(curves.best(self._value(curves), self._tie))

    def tied(self, curves: Curves) -> Codes:
        """(t,) points of the first sample that are as good as the one taken."""
        if self._tie != "middle":
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(curves.tied(self._value(curves))[0])


class _Untied:
    """A criterion with one answer."""

    def tied(self, curves: Curves) -> Codes:
        """(0,) none."""
        return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Stated(_Untied):
    """A cut-point that is given."""

    cut: float
    n: int

    def cuts(self, curves: Curves) -> Array:
        """(R,) the same."""
        return np.full(len(curves.weight), self.cut)


@dataclass(frozen=True)
class Equipercentile(_Untied):
    """As many people below the cut-point as the reference test finds.

    `positive`, `known` are (n,) answers of the reference test in the order of the people.
    """

    positive: Mask
    known: Mask

    @property
    def n(self) -> int:
        """People with score and reference test."""
        return int(self.known.sum())

    def cuts(self, curves: Curves) -> Array:
        """(R,) cut-points of the samples."""
        weight = curves.weight if self.known.all() else curves.weight * self.known
        below = np.cumsum(weight, axis=1)[:, curves.people.last]
        total = below[:, -1:]
        # A sample may have nobody with the reference test.
        some = np.where(total > 0, total, 1.0)
        share = np.concatenate([np.zeros_like(total), below / some], axis=1)
        wanted = (weight @ (self.positive & self.known))[:, None] / some
        cut = curves.cut(curves.best(-np.abs(share - wanted)))
        return np.where(total[:, 0] > 0, cut, np.nan)


@dataclass(frozen=True)
class OfLine(_Untied):
    """Where a line with errors in both tests takes the cut-off of the reference test.

    `reference` is (n,) with NaN where missing, `rises` whether the score rises with it,
    `error_ratio` var(error of the reference)/var(error of the score).
    """

    reference: Array
    cut: float
    error_ratio: float
    rises: bool

    @property
    def n(self) -> int:
        """People with score and reference test."""
        return int((~np.isnan(self.reference)).sum())

    def cuts(self, curves: Curves) -> Array:
        """(R,) cut-points of the samples."""
        known = ~np.isnan(self.reference)
        x, y = self.reference, curves.people.score
        cx, cy = x[known].mean(), y[known].mean()
        a, b = np.where(known, x - cx, 0.0), np.where(known, y - cy, 0.0)
        moments = curves.weight @ np.column_stack([known, a, b, a * a, b * b, a * b])
        with np.errstate(divide="ignore", invalid="ignore"):
            _, a, b, u, q, p = moments.T / moments[:, 0]
            u, q, p = u - a * a, q - b * b, p - a * b
            slope = deming_slope(u, q, p, self.error_ratio)
            cut = cy + b + slope * (self.cut - cx - a)
        return np.where((slope > 0) == self.rises, cut, np.nan)


@dataclass(frozen=True)
class RiskEquivalent(_Untied):
    """Where the fitted risk of an outcome is that at the reference test's cut-off, or one stated.

    `outcome` is (n,) 1, 0 or NaN; `risk` the one stated, or None with (n,) `reference` and its
    `cut`. Logistic regressions on one covariate each: the log-odds are linear in it.
    """

    outcome: Array
    risk: float | None
    reference: Array | None = None
    cut: float = np.nan

    @property
    def n(self) -> int:
        """People of the regressions."""
        return int(self._known.sum())

    @property
    def _known(self) -> Mask:
        known = ~np.isnan(self.outcome)
        return known if self.reference is None else known & ~np.isnan(self.reference)

    def cuts(self, curves: Curves) -> Array:
        """(R,) cut-points of the samples."""
        known = self._known
        fit = partial(logistic, y=self.outcome[known], weight=curves.weight[:, known])
        intercept, slope = fit(curves.people.score[known])
        if self.risk is not None:
            odds = np.full(len(slope), np.log(self.risk / (1 - self.risk)))
        else:
            assert self.reference is not None
            first, second = fit(self.reference[known])
            odds = first + second * self.cut
        more = slope < 0 if curves.people.low else slope > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(more, (odds - intercept) / slope, np.nan)


def logistic(x: Array, y: Array, weight: Array) -> tuple[Array, Array]:
    """(R,) intercepts and slopes of y (0 or 1) on x, both (n,), under (R, n) weights, by Newton.

    NaN where a sample has no fit: one outcome only, or outcomes that x separates.
    """
    centre, scale = x.mean(), x.std() or 1.0
    z = (x - centre) / scale
    table = np.column_stack([np.ones_like(z), z])
    squares = np.column_stack([np.ones_like(z), z, z * z])
    total = weight @ table
    with np.errstate(all="ignore"):
        share = (weight @ y) / total[:, 0]
        value = np.column_stack([np.log(share / (1 - share)), np.zeros_like(share)])
        goal = weight @ (table * y[:, None])
        for _ in range(STEPS):
            mu = 1 / (1 + np.exp(-(value @ table.T)))
            score = goal - (weight * mu) @ table
            i0, i1, i2 = ((weight * (mu * (1 - mu))) @ squares).T
            step = np.column_stack([i2 * score[:, 0] - i1 * score[:, 1],
                                    i0 * score[:, 1] - i1 * score[:, 0]])  # fmt: skip
            step /= (i0 * i2 - i1 * i1)[:, None]
            value = value + step
            if not (np.abs(step) > 1e-12 * (1 + np.abs(value))).any():
                break
        value[~(np.abs(step) < 1e-6).all(axis=1) | (np.abs(value[:, 1]) > SEPARATED)] = np.nan
    slope = value[:, 1] / scale
    return value[:, 0] - slope * centre, slope
