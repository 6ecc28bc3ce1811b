"""The top of a likelihood by Newton's steps, and why there is none.

What cannot be fitted is said by name: a covariate that is constant or made of others, and one
that tells those with the event from all others, whose ratio has no bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from osteo_epi.errors import SchemaError
from osteo_epi.survey import Array

STEPS = 60
HALVINGS = 30
# Newton's decrement (twice the gain of likelihood to come) after whose step the fit is at the end
# of the arithmetic: every step squares the distance.
LAST_STEP = 1e-14
# A log ratio over the range of a covariate that still grows by this in one step, although the
# likelihood rests, grows for ever.
DRIFT = 0.05
RESTING = 1e-8
# Of the information on a covariate, the share that is not that on those before it.
OWN_SHARE = 1e-10

INTERCEPT = "(Intercept)"
Quadratic = tuple[float, Array, Array]
"""Log-likelihood with its (p,) slope and (p, p) information."""


def climb(
    likelihood: Callable[[Array], Quadratic], start: Quadratic, names: Sequence[str], reach: Array
) -> tuple[Array, Quadratic]:
    """Coefficients at the top of a likelihood, and the likelihood there.

    Parameters
    ----------
    likelihood
        Of (p,) coefficients.
    start
        Its value at 0.
    names, reach
        (p,) names and ranges of the covariates.

    Raises
    ------
    SchemaError
        If the likelihood grows for ever along covariates, which are named.
    """
    beta, here = np.zeros(len(names)), start
    for _ in range(STEPS):
        step = _step(here)
        decrement = float(here[1] @ step)
        drift = np.abs(step) * reach
        if decrement < RESTING and (drift > DRIFT).any():
            break
        beta, there = _uphill(likelihood, beta, step, here)
        if decrement < LAST_STEP:
            return beta, there
        here = there
    away = np.abs(step) * reach
    raise SchemaError(
        _unbounded(
            [
                n
                for n, far in zip(names, away >= 0.5 * away.max(), strict=True)
                if far and n != INTERCEPT
            ]
            or ["the outcome"]
        )
    )


def _step(here: Quadratic) -> Array:
    """Newton's step, each covariate on the scale of its own information."""
    size = np.sqrt(np.maximum(np.diag(here[2]), np.finfo(float).tiny))
    unit = here[2] / np.outer(size, size)
    return np.asarray(np.linalg.lstsq(unit, here[1] / size, rcond=None)[0] / size, float)


def _uphill(
    likelihood: Callable[[Array], Quadratic], beta: Array, step: Array, here: Quadratic
) -> tuple[Array, Quadratic]:
    for halving in range(HALVINGS):
        trial = beta + step / 2**halving
        there = likelihood(trial)
        if there[0] >= here[0] - 1e-12 * abs(here[0]) and np.isfinite(there[2]).all():
            return trial, there
    return beta, here


def refuse_repeats(information: Array, names: Sequence[str], scale: Array) -> None:
    """Raise SchemaError for a covariate that is constant, or made of those before it.

    Parameters
    ----------
    information
        (p, p) of covariates, before any has an effect.
    names
        (p,) of the covariates.
    scale
        (p,) information that each would have if it varied as much among those at risk as at all.
    """
    size = np.diag(information)
    flat = [name for name, own, all_ in zip(names, size, scale, strict=True)
            if own <= OWN_SHARE * all_]  # fmt: skip
    if flat:
        raise SchemaError(
            f"{', '.join(flat)}: the same in everybody who could have had the event when others "
            "did, so nothing can be said of it; leave it out, or take a larger domain"
        )
    unit = information / np.sqrt(np.outer(size, size))
    for j in range(1, len(names)):
        before = unit[:j, :j]
        by = np.linalg.lstsq(before, unit[:j, j], rcond=None)[0]
        if unit[j, j] - unit[:j, j] @ by > OWN_SHARE:
            continue
        others = [n for n, part in zip(names, np.abs(by), strict=False) if part > 1e-6]
        raise SchemaError(
            f"{names[j]} is made of {', '.join(others)}: together they say nothing that one fewer "
            "does not say; leave one of them out"
        )


def _unbounded(names: Sequence[str]) -> str:
    many = len(names) > 1
    return (
        f"{', '.join(names)}: {'together these tell' if many else 'this tells'} those with the "
        "event from all others, so the ratio has no bound; join classes without events to others, "
        "or leave the covariate out"
    )
