"""Intervals of a design-based proportion: the method stands in every row that uses one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, expit, stdtrit, xlogy

from osteo_epi.errors import DesignError
from osteo_epi.survey._arrays import Array
from osteo_epi.survey._estimates import effective_size

Limits = tuple[Array, Array]

INTERVAL_NAMES = {
    "logit": "Wald on the log-odds scale",
    "likelihood": "profile likelihood, Rao-Scott scaled",
    "beta": "Korn-Graubard (beta)",
    "mean": "Wald",
    "wilson": "Wilson with effective sample size",
    "agresti_coull": "Agresti-Coull with effective sample size",
    "jeffreys": "Jeffreys with effective sample size",
    "clopper_pearson": "Clopper-Pearson with effective sample size (Korn-Graubard)",
}


def survey_interval(
    proportion: ArrayLike,
    se: ArrayLike,
    *,
    n: ArrayLike,
    df: ArrayLike,
    method: str = "beta",
    confidence: float = 0.95,
) -> Limits:
    """Limits of design-based proportions.

    Parameters
    ----------
    proportion, se
        (k,) estimates and their design-based standard errors.
    n
        (k,) rows that the estimate rests on. Here: rows with a measured outcome. R's
        `svyciprop(method="beta")` counts the rows with a missing outcome too; pass that number
        to obtain its limits.
    df
        (k,) degrees of freedom of the design in the domain; infinite for normal limits.
    method
        "beta" (Korn and Graubard 1998; with a design the same as "clopper_pearson"), "logit" (R's
        "xlogit"), "likelihood", "wilson", "agresti_coull", "jeffreys" or "mean" (Wald).
    confidence
        Coverage aimed at.

    Returns
    -------
    tuple of ndarray
        (k,) lower and upper limits; NaN where df is zero or the method has no answer.

    Raises
    ------
    DesignError
        For an unknown method.

    Notes
    -----
    Where nobody or everybody has the outcome, the standard error is zero and says nothing: "beta",
    "jeffreys", "wilson" and "agresti_coull" then take n itself for the effective size (the exact
    binomial interval for "beta", as NCHS 2017, Vital and Health Statistics 2(175)); R gives NaN.

    Examples
    --------
    >>> lower, upper = survey_interval(
    ...     np.array([0.1147]), np.array([0.00895]), n=np.array([2040]), df=np.array([15])
    ... )
    >>> lower.round(4), upper.round(4)
    (array([0.0962]), array([0.1353]))
    """
    if method not in INTERVAL_METHODS:
        raise DesignError(
            f"unknown interval {method!r}: choose one of {', '.join(INTERVAL_METHODS)}"
        )
    p, error, size, free = (
        np.array(a, dtype=float) for a in np.broadcast_arrays(proportion, se, n, df)
    )
    free[free <= 0] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        quantile = stdtrit(free, 0.5 + confidence / 2)
        return INTERVAL_METHODS[method](p, error, size, quantile, confidence)


def _wald(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    return p - quantile * se, p + quantile * se


def _logit(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    centre, reach = np.log(p / (1 - p)), quantile * se / (p * (1 - p))
    return expit(centre - reach), expit(centre + reach)


def _size(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Array:
    """Effective size, made smaller where the design has few degrees of freedom."""
    simple = stdtrit(np.maximum(n - 1, 1), 0.5 + confidence / 2)
    boundary = (p <= 0) | (p >= 1)
    return np.where(boundary, n, effective_size(p, se)) * np.square(simple / quantile)


def _beta(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    size, tail = _size(p, se, n, quantile, confidence), (1 - confidence) / 2
    lower = betaincinv(size * p, size * (1 - p) + 1, tail)
    upper = betaincinv(size * p + 1, size * (1 - p), 1 - tail)
    known = ~np.isnan(size)
    return np.where(known & (p <= 0), 0.0, lower), np.where(known & (p >= 1), 1.0, upper)


def _jeffreys(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    size, tail = _size(p, se, n, quantile, confidence), (1 - confidence) / 2
    events, others = size * p + 0.5, size * (1 - p) + 0.5
    return betaincinv(events, others, tail), betaincinv(events, others, 1 - tail)


def _plain_size(p: Array, se: Array, n: Array) -> Array:
    return np.where((p <= 0) | (p >= 1), n, effective_size(p, se))


def _agresti_coull(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    size = _plain_size(p, se, n)
    more = size + quantile**2
    centre = (p * size + quantile**2 / 2) / more
    reach = quantile * np.sqrt(centre * (1 - centre) / more)
    return centre - reach, centre + reach


def _wilson(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    size = _plain_size(p, se, n)
    square = quantile**2 / size
    centre = (p + square / 2) / (1 + square)
    reach = quantile / (1 + square) * np.sqrt(p * (1 - p) / size + square / (4 * size))
    return centre - reach, centre + reach


def _likelihood(p: Array, se: Array, n: Array, quantile: Array, confidence: float) -> Limits:
    """Where the scaled deviance reaches t²; solved here, interpolated in R (agrees to 1e-6).

    The dispersion n / (n − 1) is that of R's quasi-binomial fit.
    """
    size = effective_size(p, se) * (n - 1) / n
    limits = [_one_likelihood(*case) for case in zip(p.flat, size.flat, quantile.flat, strict=True)]
    table = np.array(limits, dtype=float).reshape(*p.shape, 2)
    return table[..., 0], table[..., 1]


def _one_likelihood(p: float, size: float, quantile: float) -> tuple[float, float]:
    from scipy.optimize import brentq

    if not np.isfinite(size + quantile) or not 0 < p < 1:
        return np.nan, np.nan

    def excess(candidate: float) -> float:
        kept = xlogy(p, candidate / p) + xlogy(1 - p, (1 - candidate) / (1 - p))
        return -2 * size * float(kept) - quantile**2

    tiny = 1e-15
    lower = brentq(excess, tiny, p, xtol=1e-15) if excess(tiny) > 0 else 0.0
    upper = brentq(excess, p, 1 - tiny, xtol=1e-15) if excess(1 - tiny) > 0 else 1.0
    return lower, upper


INTERVAL_METHODS: dict[str, Callable[[Array, Array, Array, Array, float], Limits]] = {
    "logit": _logit,
    "likelihood": _likelihood,
    "beta": _beta,
    "mean": _wald,
    "wilson": _wilson,
    "agresti_coull": _agresti_coull,
    "jeffreys": _jeffreys,
    "clopper_pearson": _beta,
}
