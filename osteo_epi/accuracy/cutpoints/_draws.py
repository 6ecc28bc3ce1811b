"""People drawn anew or left out, many samples at once: a row a sample, a column a person."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteo_epi.accuracy._sample import Sample
from osteo_epi.errors import DesignError
from osteo_epi.progress import with_progress
from osteo_epi.survey import Array, Codes, Mask, bootstrap_replicates

FOLDS = 10
REPEATS = 20
"""Of the cross-validation: with twenty, which people fall together no longer matters."""
CELLS = 250_000
"""Numbers of a table of weights at a time: so many stay near the processor, whatever the people."""


def drawn_weights(
    sample: Sample,
    rows: Codes,
    diseased: Mask,
    *,
    stratified: bool,
    replicates: int,
    seed: int,
) -> Iterator[Array]:
    """Weights of the people under each bootstrap sample, in pieces of (r, n).

    Parameters
    ----------
    sample
        The design over the rows of the frame.
    rows
        (n,) rows of the frame that the people stand in.
    diseased
        (n,) of them.
    stratified
        Whether diseased and healthy people are drawn by themselves; only without a design.
    replicates, seed
        How many, and from which seed.

    Raises
    ------
    DesignError
        For replicate weights, which no person can be drawn from.
    """
    if sample.arrays is None:
        raise DesignError(
            "replicate weights cannot be drawn from, and a cut-point has no variance by them: name "
            "strata and units, design=SurveyDesign(…), or take replicates=0 for no limits"
        )
    size = max(CELLS // len(rows), 1)
    pieces = [min(size, replicates - done) for done in range(0, replicates, size)]
    sizes = with_progress(pieces, "bootstrap of cut-points", total=len(pieces))
    if sample.simple:
        rng = np.random.default_rng(seed)
        yield from (_people(rng, r, diseased, stratified=stratified) for r in sizes)
        return
    weight = sample.arrays.weight[rows]
    for piece, r in enumerate(sizes):
        own = int(np.random.SeedSequence((seed, piece)).generate_state(1)[0])
        drawn = bootstrap_replicates(sample.arrays, seed=own, n_replicates=max(r, 2))
        assert drawn.unit is not None
        yield drawn.factor[drawn.unit[rows], :r].T * weight


def left_out(sample: Sample, rows: Codes, diseased: Mask, *, seed: int) -> Iterator[Mask]:
    """People left out of each sample of a repeated cross-validation, in pieces of (r, n).

    Every repeat deals people to `FOLDS` parts, diseased and healthy each evenly, and leaves out one
    part after the other; with a survey design it deals sampling units, which stay together.
    """
    rng = np.random.default_rng((seed, FOLDS))
    unit = None if sample.simple or sample.arrays is None else sample.arrays.stages[0].unit
    kinds = diseased if unit is None else np.zeros(len(rows), dtype=bool)
    _, own = (None, np.arange(len(rows))) if unit is None else np.unique(
        unit[rows], return_inverse=True
    )  # fmt: skip
    size = own.max() + 1
    first = np.zeros(size, dtype=bool)
    first[own] = kinds
    for _ in range(REPEATS):
        part = np.empty(size, dtype=np.int64)
        for places in (np.flatnonzero(first), np.flatnonzero(~first)):
            part[rng.permutation(places)] = np.arange(len(places)) % FOLDS
        yield np.array([part[own] == k for k in range(FOLDS) if (part == k).any()])


def _people(rng: np.random.Generator, r: int, diseased: Mask, *, stratified: bool) -> Array:
    n = len(diseased)
    if not stratified:
        return _counts(rng.integers(0, n, (r, n)), n)
    places = [np.flatnonzero(diseased), np.flatnonzero(~diseased)]
    return _counts(np.hstack([p[rng.integers(0, len(p), (r, len(p)))] for p in places]), n)


def _counts(places: Codes, n: int) -> Array:
    """(r, n) how often each place was drawn."""
    places += np.arange(len(places))[:, None] * n
    return np.bincount(places.ravel(), minlength=len(places) * n).reshape(-1, n).astype(float)
