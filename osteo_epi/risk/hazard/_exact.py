"""The exact partial likelihood of tied times, where time itself is discrete (Cox 1972).

Of those at risk at a time every set of d people could have had the d events; the sum of the sets'
risks is the elementary symmetric polynomial of order d. It is a coefficient of the product of
(1 + risk z) over people, taken here pairwise up a tree, with first and second derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.risk.hazard._risk_sets import RiskSets
from osteo_epi.survey import Array

Polynomial = tuple[Array, Array, Array]


@dataclass(frozen=True)
class ExactLikelihood:
    """n people with (n, p) centred covariates, each counted once."""

    sets: RiskSets
    x: Array

    def at(self, coefficients: Array) -> tuple[float, Array, Array]:
        """Log-likelihood, (p,) score and (p, p) information."""
        sets, x = self.sets, self.x
        with np.errstate(over="ignore"):
            risk = np.exp(x @ coefficients)
        loglik = float(np.log(risk[sets.event]).sum())
        score = x[sets.event].sum(axis=0)
        information = np.zeros((x.shape[1], x.shape[1]))
        for k, d in enumerate(sets.n_events):
            there = (sets.first < k) & (k <= sets.last)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                log, slope, curve = _log_symmetric(risk[there], x[there], int(d))
            loglik, score, information = loglik - log, score - slope, information + curve
        return loglik, score, information


def _log_symmetric(risk: Array, x: Array, order: int) -> tuple[float, Array, Array]:
    """Log of the elementary symmetric polynomial of an order, with both derivatives."""
    if order == 1:
        total = risk.sum()
        mean = risk @ x / total
        return float(np.log(total)), mean, (x.T * risk) @ x / total - np.outer(mean, mean)
    # Scaled so that the coefficient wanted is near 1: unscaled ones run out of range.
    scale = order / risk.sum()
    nodes = _leaves(risk * scale, x)
    while len(nodes[0]) > 1:
        nodes = _product(_even(nodes), order)
    value, slope, curve = (part[0, order] for part in nodes)
    first = slope / value
    return (
        float(np.log(value) - order * np.log(scale)),
        first,
        curve / value - np.outer(first, first),
    )


def _leaves(risk: Array, x: Array) -> Polynomial:
    """1 + risk z of each person: (m, 2) coefficients, (m, 2, p) and (m, 2, p, p) derivatives."""
    m, p = x.shape
    value = np.column_stack([np.ones(m), risk])
    slope, curve = np.zeros((m, 2, p)), np.zeros((m, 2, p, p))
    slope[:, 1] = risk[:, None] * x
    curve[:, 1] = slope[:, 1, :, None] * x[:, None, :]
    return value, slope, curve


def _even(nodes: Polynomial) -> Polynomial:
    """An even number of polynomials: the last is the constant 1 where one was missing."""
    if len(nodes[0]) % 2 == 0:
        return nodes
    value, slope, curve = (np.zeros((1, *part.shape[1:])) for part in nodes)
    value[0, 0] = 1.0
    return tuple(np.concatenate(pair) for pair in zip(nodes, (value, slope, curve), strict=True))  # type: ignore[return-value]


def _product(nodes: Polynomial, order: int) -> Polynomial:
    """Products of neighbours up to an order of z."""
    (f, df, ddf), (g, dg, ddg) = (tuple(part[side::2] for part in nodes) for side in (0, 1))
    m, width, p = df.shape
    out = min(2 * width - 1, order + 1)
    value, slope, curve = np.zeros((m, out)), np.zeros((m, out, p)), np.zeros((m, out, p, p))
    for i in range(min(width, out)):
        to = slice(i, min(i + width, out))
        take = slice(0, to.stop - i)
        a, da, dda = f[:, i, None], df[:, i, None, :], ddf[:, i, None]
        b, db, ddb = g[:, take], dg[:, take], ddg[:, take]
        value[:, to] += a * b
        slope[:, to] += da * b[..., None] + a[..., None] * db
        cross = da[..., :, None] * db[..., None, :]
        curve[:, to] += dda * b[..., None, None] + a[..., None, None] * ddb
        curve[:, to] += cross + np.swapaxes(cross, -1, -2)
    return value, slope, curve
