"""Regressions of what happened on what was predicted: a line, or a curve, on the scale of a link.

Array layer. The outcome is 0 or 1 (logit link, likelihood), or a pseudo-value of the incidence
(complementary log-log link, least squares): both solve Σ w x (dμ/dη) (y − μ) / v = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from osteo_epi.errors import DesignError
from osteo_epi.risk.association import KNOTS
from osteo_epi.survey import Array

STEPS, END, LONGEST = 200, 1e-12, 4.0
FEWEST_KNOTS, MOST_KNOTS = 3, 5


@dataclass(frozen=True)
class Link:
    """The scale on which a risk is a line."""

    name: str

    def of(self, risk: Array) -> Array:
        """From 0 to 1 to the whole line."""
        if self.name == "logit":
            return np.asarray(special.logit(risk), float)
        return np.log(-np.log1p(-risk))

    def back(self, eta: Array) -> Array:
        """From the line to 0 to 1."""
        if self.name == "logit":
            return np.asarray(special.expit(eta), float)
        return -np.expm1(-np.exp(np.minimum(eta, 30.0)))

    def terms(self, eta: Array) -> tuple[Array, Array, Array]:
        """μ, and the weights of x in the score and of x x' in its derivative."""
        mu = self.back(eta)
        if self.name == "logit":
            return mu, np.ones_like(mu), mu * (1 - mu)
        slope = np.exp(np.minimum(eta, 30.0)) * (1 - mu)
        return mu, slope, slope**2


@dataclass(frozen=True)
class Fit:
    """(p,) coefficients, the (p, p) inverse information, and (n, p) weighted linearised values."""

    value: Array
    inverse: Array
    influence: Array


def fit(
    y: Array, x: Array, weight: Array, link: Link, *, start: Array, offset: Array | float = 0.0
) -> Fit:
    """Solve the score equation by Newton's steps.

    Raises
    ------
    DesignError
        If the steps do not end.
    """
    value = start.astype(float)
    for _ in range(STEPS):
        mu, by, curvature = link.terms(x @ value + offset)
        score = x * (weight * by * (y - mu))[:, None]
        information = x.T @ (x * (weight * curvature)[:, None])
        try:
            step = np.linalg.solve(information, score.sum(axis=0))
        except np.linalg.LinAlgError:
            break
        size = float(np.abs(step).max())
        value = value + step * min(1.0, LONGEST / size if size > 0 else 1.0)
        if not np.isfinite(value).all() or np.abs(value).max() > 1e6:
            break
        if size <= END * max(1.0, float(np.abs(value).max())):
            inverse: Array = np.asarray(np.linalg.inv(information), float)
            return Fit(value, inverse, score @ inverse)
    raise DesignError(
        "the regression of the outcome on the risk did not converge: the risk may part the people "
        "with the outcome from all others, or hardly anybody has it; take a larger domain"
    )


def weighted_quantile(x: Array, weight: Array, shares: Array | tuple[float, ...]) -> Array:
    """Quantiles: of equal weights R's seventh type, of others the inverse of the distribution."""
    if np.ptp(weight) <= 1e-12 * weight.max():
        return np.quantile(x, shares)
    order = np.argsort(x, kind="stable")
    cumulated = np.cumsum(weight[order]) / weight.sum()
    places = np.searchsorted(cumulated, np.asarray(shares) * (1 - 1e-12))
    return x[order][np.minimum(places, len(x) - 1)]


def knots_of(x: Array, weight: Array, number: int) -> Array:
    """Different knots at Harrell's quantiles, as many as there are."""
    return np.unique(weighted_quantile(x, weight, KNOTS[number]))
