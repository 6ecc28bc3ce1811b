"""Quantiles of a weighted sample with Woodruff's interval: limits of the share, read off as values.

The rules say which value stands for a share that falls between two people; their names are those
of R's `svyquantile(qrule=)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from osteo_epi.errors import DesignError
from osteo_epi.survey._arrays import Array, DesignArrays, Mask, rows_in
from osteo_epi.survey._estimates import mean
from osteo_epi.survey._intervals import survey_interval

INTERVALS = ("mean", "beta", "xlogit", "asin")


@dataclass(frozen=True)
class Quantiles:
    """Quantiles at (k,) probabilities with their limits; NaN where a limit lies off the sample."""

    probability: Array
    value: Array
    se: Array
    lower: Array
    upper: Array
    n: int
    df: int


def survey_quantile(
    values: Array,
    probability: Sequence[float],
    design: DesignArrays,
    *,
    domain: Mask | None = None,
    rule: str = "math",
    interval: str = "mean",
    confidence: float = 0.95,
    df: float | None = None,
) -> Quantiles:
    """Design-based quantiles.

    Parameters
    ----------
    values
        (n,) quantity; NaN leaves the estimate.
    probability
        (k,) between 0 and 1; 0.5 for the median.
    design, domain
        The design over the n rows and the (n,) mask of the population.
    rule
        "math" (the inverse distribution function), "school" (middle of two values where the
        share falls between people), "shahvaish", or "hf1" … "hf9" (Hyndman and Fan 1996).
    interval
        How the limits of the share are found: "mean" (Wald), "beta", "xlogit" or "asin".
    confidence
        Level of the limits.
    df
        Degrees of freedom; those of the design in the domain by default.

    Returns
    -------
    Quantiles
        With SE = width / (2 t).

    Notes
    -----
    Woodruff 1952, doi 10.1080/01621459.1952.10483443. R's rule "shahvaish" gives strange values
    unless weights are near 1; it is kept for comparison.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> import polars as pl
    >>> frame = pl.DataFrame({"w": [1.0] * 9})
    >>> design = SurveyDesign(weight="w").arrays(frame)
    >>> survey_quantile(np.arange(9.0), [0.5], design).value
    array([4.])
    """
    if rule not in QUANTILE_RULES or interval not in INTERVALS:
        raise DesignError(
            f"unknown rule {rule!r} or interval {interval!r}: rules are "
            f"{', '.join(QUANTILE_RULES)}, intervals {', '.join(INTERVALS)}"
        )
    rows = rows_in(design, domain) & ~np.isnan(values)
    order = np.argsort(values[rows], kind="stable")
    x, w = values[rows][order], design.weight[rows][order]
    asked = np.asarray(probability, dtype=float)
    found = np.array([QUANTILE_RULES[rule](x, w, p) for p in asked])
    below = mean((values[:, None] <= found).astype(float), design, domain=rows)
    free = below.df if df is None else df
    low, high = survey_interval(
        below.value, below.se, n=below.n, df=free, method=interval, confidence=confidence
    )
    # An outcome below which nobody or everybody lies gives limits outside the sample.
    lower = np.array([QUANTILE_RULES[rule](x, w, p) if p >= 0 else np.nan for p in low])
    upper = np.array([QUANTILE_RULES[rule](x, w, p) if p <= 1 else np.nan for p in high])
    se = (upper - lower) / (2 * student.ppf(0.5 + confidence / 2, free))
    return Quantiles(asked, found, se, lower, upper, below.n, below.df)


@dataclass(frozen=True)
class _Place:
    """Where a share falls: the value below and above, and how far it is from both."""

    low: float
    high: float
    index: int
    from_low: float
    to_high: float


def _place(x: Array, w: Array, p: float) -> _Place:
    size = w.sum()
    cumulative = np.cumsum(w)
    at = int(np.searchsorted(cumulative, p * size, side="right")) - 1
    after = min(at + 1, len(x) - 1)
    reached = cumulative[at] if at >= 0 else 0.0
    return _Place(
        low=float(x[max(at, 0)]),
        high=float(x[after]),
        index=at + 1,
        from_low=float(p - reached / size),
        to_high=float(cumulative[after] / size - p),
    )


def _math(x: Array, w: Array, p: float) -> float:
    place = _place(x, w, p)
    return place.low if place.from_low == 0 else place.high


def _school(x: Array, w: Array, p: float) -> float:
    place = _place(x, w, p)
    return (place.low + place.high) / 2 if place.from_low == 0 else place.high


def _nearest_even(x: Array, w: Array, p: float) -> float:
    distinct, inverse = np.unique(x, return_inverse=True)
    place = _place(distinct, np.bincount(inverse, weights=w).astype(float), p)
    return place.low if place.from_low == 0 and place.index % 2 == 0 else place.high


def _linear(x: Array, w: Array, p: float) -> float:
    place = _place(x, w, p)
    share = place.from_low / (place.to_high + place.from_low)
    return place.low * (1 - share) + place.high * share


def _shahvaish(x: Array, w: Array, p: float) -> float:
    position = (np.cumsum(w / w.mean()) + 0.5 - w / 2) / (len(x) + 1)
    order = np.argsort(position, kind="stable")
    at = int(np.searchsorted(position[order], p, side="right")) - 1
    return float(x[order][np.clip(at, 0, len(x) - 1)])


def _interpolated(
    position: Callable[[Array, Array], Array],
) -> Callable[[Array, Array, float], float]:
    def rule(x: Array, w: Array, p: float) -> float:
        return float(np.interp(p, position(np.cumsum(w), w), x))

    return rule


def _before(cumulative: Array) -> Array:
    return np.concatenate([[0.0], cumulative[:-1]])


QUANTILE_RULES: dict[str, Callable[[Array, Array, float], float]] = {
    "math": _math,
    "school": _school,
    "shahvaish": _shahvaish,
    "hf1": _math,
    "hf2": _school,
    "hf3": _nearest_even,
    "hf4": _linear,
    "hf5": _interpolated(lambda c, w: (c - w / 2) / c[-1]),
    "hf6": _interpolated(lambda c, w: c / (c[-1] + w[-1])),
    "hf7": _interpolated(lambda c, w: _before(c) / c[-2]),
    "hf8": _interpolated(lambda c, w: (_before(c) + 2 * c) / 3 / (c[-1] + w[-1] / 3)),
    "hf9": _interpolated(lambda c, w: (3 * _before(c) + 5 * c) / 8 / (c[-1] + w[-1] / 4)),
}
