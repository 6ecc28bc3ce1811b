"""Factors of sampling units under each replicate, with the scale of the variance.

Each function gives (U, R) factors, a scale and (R,) scales of single replicates, by the
conventions of R survey.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import hadamard

from osteo_epi.population.structure import Array, Stage

Factors = tuple[Array, float, Array]


def jackknife(stage: Stage) -> Factors:
    """Leave one unit out; its stratum's other units carry its weight."""
    size = len(stage.stratum)
    same = stage.stratum[:, None] == stage.stratum[None, :]
    n = stage.sampled[stage.stratum]
    factor = np.where(same, (n / (n - 1))[None, :], 1.0)
    factor[np.arange(size), np.arange(size)] = 0.0
    each = stage.left_out[stage.stratum] * (n - 1) / n
    if len(stage.sampled) == 1:
        return factor, float(each[0]), np.ones(size)
    return factor, 1.0, each


def balanced(stage: Stage, rho: float) -> Factors:
    """Rows of a Hadamard matrix choose one unit of each stratum."""
    strata = len(stage.sampled)
    order = 1 << int(strata).bit_length()
    signs = hadamard(order)[1 : strata + 1].astype(float)
    _, first = np.unique(stage.stratum, return_index=True)
    side = np.where(np.isin(np.arange(len(stage.stratum)), first), 1.0, -1.0)
    factor = 1 + (1 - rho) * side[:, None] * signs[stage.stratum]
    return factor, 1 / (order * (1 - rho) ** 2), np.ones(order)


def _drawn(stage: Stage, size: int, rng: np.random.Generator, fewer: int) -> Array:
    """(U, R) how often each unit is drawn, n − fewer of the n units of each stratum."""
    counts = np.empty((len(stage.stratum), size))
    for h, n in enumerate(stage.sampled.astype(int)):
        drawn = rng.multinomial(n - fewer, np.full(n, 1 / n), size=size)
        counts[stage.stratum == h] = drawn.T
    return counts


def _with_replacement(stage: Stage, size: int, rng: np.random.Generator) -> Factors:
    lost = float(np.mean((stage.sampled - 1) / stage.sampled))
    return _drawn(stage, size, rng, 0), 1 / (lost * (size - 1)), np.ones(size)


def _one_fewer(stage: Stage, size: int, rng: np.random.Generator) -> Factors:
    n = stage.sampled[stage.stratum]
    factor = _drawn(stage, size, rng, 1) * (n / (n - 1))[:, None]
    return factor, 1 / (size - 1), np.ones(size)


def _half(stage: Stage, size: int, rng: np.random.Generator) -> Factors:
    factor = np.empty((len(stage.stratum), size))
    for h, n in enumerate(stage.sampled.astype(int)):
        half = n // 2
        reach = np.sqrt(half * stage.left_out[h] / (n - half))
        kept = rng.permuted(np.tile(np.arange(n) < half, (size, 1)), axis=1)
        factor[stage.stratum == h] = (1 - reach + reach * (n / half) * kept).T
    return factor, 1.0, np.full(size, 1 / (size - 1))


BOOTSTRAPS: dict[str, Callable[[Stage, int, np.random.Generator], Factors]] = {
    "bootstrap": _with_replacement,
    "subbootstrap": _one_fewer,
    "mrbbootstrap": _half,
}
