"""Families of outcomes with their canonical links, and the weighted fit of their coefficients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, xlogy

from osteo_epi.errors import DesignError
from osteo_epi.population.structure import Array

# The fit ends when no coefficient moves by more than this of the largest; steps shrink
# quadratically, so the last one that is larger leaves an error far below it.
CONVERGED = 1e-12
STEPS = 100


@dataclass(frozen=True)
class Family:
    """An outcome's distribution with its canonical link."""

    name: str
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    start: Callable[[Array], Array]
    deviance: Callable[[Array, Array], Array]


def _logit(mu: Array) -> Array:
    return np.log(mu / (1 - mu))


GAUSSIAN = Family(
    "gaussian",
    lambda eta: eta,
    np.ones_like,
    lambda y: y,
    lambda y, mu: np.square(y - mu),
)
BINOMIAL = Family(
    "binomial",
    expit,
    lambda mu: mu * (1 - mu),
    lambda y: _logit((y + 0.5) / 2),
    lambda y, mu: 2 * (xlogy(y, y / mu) + xlogy(1 - y, (1 - y) / (1 - mu))),
)
POISSON = Family(
    "poisson",
    np.exp,
    lambda mu: mu,
    lambda y: np.log(y + 0.1),
    lambda y, mu: 2 * (xlogy(y, y / mu) - (y - mu)),
)
FAMILIES = {family.name: family for family in (GAUSSIAN, BINOMIAL, POISSON)}


def family_named(name: str) -> Family:
    """Look up "gaussian", "binomial" or "poisson"."""
    if name not in FAMILIES:
        raise DesignError(f"unknown family {name!r}: choose one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def fit(x: Array, y: Array, weight: Array, family: Family) -> Array:
    """(p,) coefficients by iteratively reweighted least squares."""
    eta = family.start(y)
    value = np.full(x.shape[1], np.inf)
    for _ in range(STEPS):
        last, value = value, _step(x, y, weight, eta, family)
        if not np.all(np.isfinite(value)):
            break
        eta = x @ value
        if _settled(value, last):
            return value
    raise DesignError(
        f"the {family.name} regression did not converge: a group may have no events (or nothing "
        "else); leave that term out or merge its levels"
    )


def _step(x: Array, y: Array, weight: Array, eta: Array, family: Family) -> Array:
    """(p,) next coefficients; NaN where the fit has run off to infinity."""
    mu = family.mean(eta)
    variance = family.variance(mu)
    if not np.all(variance > 0):
        return np.full(x.shape[1], np.nan)
    work = weight * variance
    try:
        information = x.T @ (x * work[:, None])
        solved = np.linalg.solve(information, x.T @ (work * eta + weight * (y - mu)))
        return np.asarray(solved, dtype=float)
    except np.linalg.LinAlgError:
        return np.full(x.shape[1], np.nan)


def _settled(value: Array, last: Array) -> bool:
    """No coefficient moves by more than the noise of the arithmetic."""
    return bool(np.all(np.abs(value - last) <= CONVERGED * np.abs(value).max()))
