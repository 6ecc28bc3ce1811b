"""People drawn anew: a bootstrap of every curve at once, as tables of replicates by groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteo_epi.accuracy.curves._curve import Groups
from osteo_epi.accuracy.curves._scores import Scored
from osteo_epi.errors import DesignError
from osteo_epi.survey import Array, Codes, DesignArrays, bootstrap_replicates

HELD = 50_000
"""Cells of a table that is held at once: what stays in the processor's cache is twice as fast."""


def drawn_groups(
    scored: Scored, groups: Groups, *, replicates: int, seed: int
) -> Iterator[tuple[Array, Array]]:
    """Weights of the diseased and of the healthy in each group, in replicates.

    Parameters
    ----------
    scored, groups
        The people, and their (K,) groups of scores.
    replicates, seed
        How many, and from which seed; that seed and number give the same draws again.

    Yields
    ------
    (r, K) diseased, (r, K) healthy
        Batches of replicates. Diseased and healthy people are drawn apart, as many as there are;
        with a survey design, sampling units are (`survey.bootstrap_replicates`). Replicates
        without one class are left out.

    Raises
    ------
    DesignError
        If the design is one of replicate weights, which are their own.
    """
    size = max(1, min(replicates, HELD // max(len(groups.value), 1)))
    if not scored.sample.simple:
        yield from _units(scored, groups, replicates, seed, size)
        return
    k = len(groups.value)
    # A stream for each class: the draws do not depend on the size of the batches.
    classes = [
        (np.random.default_rng([seed, which]), groups.code[rows])
        for which, rows in enumerate((groups.diseased, ~groups.diseased))
    ]
    for start in range(0, replicates, size):
        r = min(size, replicates - start)
        sick, well = (_counts(rng, codes, r, k) for rng, codes in classes)
        yield sick, well


def drawn_weights(scored: Scored, *, replicates: int, seed: int) -> Iterator[Array]:
    """(m,) weights of the people of the curve in each replicate, drawn as `drawn_groups` does."""
    diseased = scored.groups[0].diseased
    if not scored.sample.simple:
        drawn = bootstrap_replicates(_arrays(scored), seed=seed, n_replicates=replicates)
        for r in range(replicates):
            weight = drawn.weights(r)[scored.rows]
            if weight[diseased].any() and weight[~diseased].any():
                yield weight
        return
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(rows) for rows in (diseased, ~diseased)]
    for _ in range(replicates):
        people = [rows[rng.integers(0, len(rows), len(rows))] for rows in classes]
        yield np.bincount(np.concatenate(people), minlength=len(diseased)).astype(float)


def _counts(rng: np.random.Generator, codes: Codes, r: int, k: int) -> Array:
    """(r, K) people of each group among as many as there are, drawn with replacement."""
    n = len(codes)
    if n > k:
        # Many people in few groups: their numbers have the multinomial law.
        return rng.multinomial(n, np.bincount(codes, minlength=k) / n, size=r).astype(float)
    people = codes[rng.integers(0, n, (r, n))]
    people += (np.arange(r) * k)[:, None]
    return np.bincount(people.ravel(), minlength=r * k).reshape(r, k).astype(float)


def _units(
    scored: Scored, groups: Groups, replicates: int, seed: int, size: int
) -> Iterator[tuple[Array, Array]]:
    from scipy import sparse

    drawn = bootstrap_replicates(_arrays(scored), seed=seed, n_replicates=replicates)
    assert drawn.unit is not None
    unit, shape = drawn.unit[scored.rows], (len(groups.value), len(drawn.factor))
    # Weights by group and unit: what a replicate multiplies is a unit, never a person.
    tables = [
        sparse.coo_matrix((scored.weight[rows], (groups.code[rows], unit[rows])), shape).tocsr()
        for rows in (groups.diseased, ~groups.diseased)
    ]
    for start in range(0, replicates, size):
        factor = drawn.factor[:, start : start + size]
        sick, well = ((table @ factor).T for table in tables)
        both = (sick.sum(axis=1) > 0) & (well.sum(axis=1) > 0)
        yield sick[both], well[both]


def _arrays(scored: Scored) -> DesignArrays:
    if scored.sample.arrays is None:
        raise DesignError(
            'replicate weights are their own uncertainty: take uncertainty="analytic", which uses '
            "them"
        )
    return scored.sample.arrays
