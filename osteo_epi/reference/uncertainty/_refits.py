"""Curves fitted anew: to people drawn again by their design, or under its replicate weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from osteo_epi.errors import DesignError
from osteo_epi.reference.curves import Curve, Fitting
from osteo_epi.survey import (
    Array,
    ReplicateDesign,
    Replicates,
    SurveyDesign,
    bootstrap_replicates,
)

DELTA, BOOTSTRAP, REPLICATES = METHODS = ("delta", "bootstrap", "replicates")
# Factors of units by replicates held at once.
HELD = 20_000_000
LEAST = 10
"""Replicate weights below which no limits are given."""


@dataclass(frozen=True)
class Draws:
    """Weights of people drawn again.

    Parameters
    ----------
    n
        How many.
    weights
        Gives the (N,) weights, one draw after the other.
    given
        The replicate weights that came with the people; None for a bootstrap.
    """

    n: int
    weights: Callable[[], Iterator[Array]]
    given: Replicates | None

    def spread(self, drawn: Array, value: Array) -> Array:
        """(k, k) covariance from (n, k) estimates, those that are NaN left out."""
        known = np.asarray(np.isfinite(drawn).all(axis=1))
        if self.given is not None:
            return self.given.spread(drawn, value, known)
        return np.atleast_2d(np.cov(drawn[known].T, ddof=1))


def chosen_method(method: str | None, design: object) -> str:
    """The method that fits the design; a contradiction is an error with its way out."""
    replicated = isinstance(design, ReplicateDesign)
    chosen = method or (REPLICATES if replicated else DELTA)
    if chosen not in METHODS:
        raise DesignError(f"method={chosen!r}; expected one of {', '.join(METHODS)}")
    if replicated != (chosen == REPLICATES):
        raise DesignError(
            f"method={chosen!r} with {'replicate weights' if replicated else 'a design of units'}: "
            + (
                f"replicate weights are read by method={REPLICATES!r}"
                if replicated
                else f"method={REPLICATES!r} needs design=ReplicateDesign(...); "
                f"{BOOTSTRAP!r} draws the units anew"
            )
        )
    return chosen


def draws(
    design: SurveyDesign | ReplicateDesign,
    frame: pl.DataFrame,
    *,
    replicates: int,
    seed: int,
    confidence: float,
) -> Draws:
    """Replicate weights as they came, or a bootstrap of the first-stage units in their strata.

    Raises
    ------
    DesignError
        If there are too few replicates for the limits, or a stratum has one unit.
    """
    if isinstance(design, ReplicateDesign):
        given = design.sample(frame)
        if given.n_replicates < LEAST:
            raise DesignError(
                f"{given.n_replicates} replicate weights ({design.named}): limits need {LEAST} at "
                "least; name all replicate columns, or give design=SurveyDesign(...) with "
                f"method={BOOTSTRAP!r}"
            )
        return Draws(
            given.n_replicates, lambda: map(given.weights, range(given.n_replicates)), given
        )
    least = int(np.ceil(2 / (1 - confidence) - 1e-9))
    if replicates < least:
        raise DesignError(
            f"replicates={replicates}: limits of {100 * confidence:g} % need {least} at least, "
            "a few hundred are usual"
        )
    arrays = design.arrays(frame)
    units = len(arrays.stages[0].stratum)
    size = max(2, min(replicates, HELD // units))

    def weights() -> Iterator[Array]:
        rng, left = np.random.default_rng(seed), replicates
        while left > 0:
            own = int(rng.integers(2**62))
            batch = bootstrap_replicates(arrays, seed=own, n_replicates=size)
            yield from map(batch.weights, range(min(size, left)))
            left -= size

    return Draws(replicates, weights, None)


def refit(curve: Curve, first: Fitting, weight: Array) -> Curve | None:
    """The curve under other (n,) weights, begun where it stands.

    None where the weights leave nobody, the fit does not converge, or is no number.
    """
    if not weight.sum() > 0:
        return None
    try:
        fit = first.again(first.sample.reweighted(weight), curve.fit).run()
    except np.linalg.LinAlgError:
        return None
    whole = all(np.isfinite(each).all() for each in fit.coefficients.values())
    return replace(curve, fit=fit) if fit.converged and whole else None


def said_of_failures(failed: int, n: int) -> tuple[str, ...]:
    """What to say of curves fitted anew without a fit; too many are an error."""
    if failed > n / 2:
        raise DesignError(
            f"{failed} of {n} curves fitted anew did not converge: limits would rest on the "
            "others; take fewer degrees of freedom, or a family with fewer parameters"
        )
    if failed:
        return (
            f"{failed} of {n} curves fitted anew did not converge and were left out: the limits "
            "rest on the others",
        )
    return ()
