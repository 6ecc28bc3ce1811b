"""Direct standardisation of proportions of plain counts, strata joined by name.

For survey data take `osteo_epi.population.prevalence`, whose variance follows the design.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.population.proportion import METHODS as INTERVALS
from osteo_epi.population.proportion import proportion
from osteo_epi.population.rate_strata import (
    WEIGHT,
    Standardised,
    groups,
    standard_frame,
    sum_strata,
)

Array = NDArray[np.float64]


def standardised_proportion(
    data: Any,
    *,
    events: str,
    n: str,
    stratum: str | Sequence[str],
    standard: Any,
    by: str | Sequence[str] = (),
    method: str = "logit",
    confidence: float = 0.95,
    unbiased: bool = False,
    empty: str = "error",
) -> Standardised:
    """Crude and directly standardised proportions of independent people.

    Parameters
    ----------
    data
        Any frame with a row (or several) for each group and stratum.
    events, n
        Columns of counts [people].
    stratum, standard, by, empty
        As in `osteo_epi.population.rate_standardised.standardised_rate`.
    method
        "wald" or "logit" on the variance of the weighted sum; or any interval of
        `osteo_epi.population.proportion`, at the effective n = p (1 − p) / SE².
    confidence
        Two-sided level, between 0 and 1.
    unbiased
        Whether a stratum's variance divides by n − 1 in place of n.

    Returns
    -------
    Standardised
        Rows `crude` (Wilson's interval) and `standardised`.

    Examples
    --------
    >>> clinic = pl.DataFrame({"age": ["50-64", "65+"], "low": [14, 41], "seen": [310, 356]})
    >>> found = standardised_proportion(clinic, events="low", n="seen", stratum="age",
    ...                                 standard={"50-64": 41185, "65+": 34710})
    >>> found.to_frame()["estimate"].round(4).to_list()
    [0.0826, 0.0772]
    """
    strata = [stratum] if isinstance(stratum, str) else list(stratum)
    by = [by] if isinstance(by, str) else list(by)
    counts = sum_strata(data, sums=(events, n), stratum=strata, by=by)
    weights, name = standard_frame(standard, strata)
    rows = []
    for group in groups(counts, weights, stratum=strata, by=by, people=n, empty=empty):
        x, size = group.strata[events].to_numpy(), group.strata[n].to_numpy()
        found = direct_proportion(
            x,
            size,
            group.strata[WEIGHT].to_numpy(),
            method=method,
            confidence=confidence,
            unbiased=unbiased,
        )
        head = {**group.key, "events": x.sum(), "n": size.sum(), "confidence": confidence}
        tail = {"standard": name, "flag": group.flag}
        rows += [
            head | {"statistic": "crude", **_crude(x.sum(), size.sum(), confidence)} | tail,
            head | {"statistic": "standardised", **found, "method": method} | tail,
        ]
    order = [*by, "statistic", "estimate", "se", "lower", "upper"]
    return Standardised(pl.DataFrame(rows).select(*order, pl.exclude(order)))


def direct_proportion(
    events: Array,
    n: Array,
    standard: Array,
    *,
    method: str = "logit",
    confidence: float = 0.95,
    unbiased: bool = False,
) -> dict[str, float | None]:
    """Estimate, se, lower, upper of a weighted sum of proportions; arrays are (strata,).

    Examples
    --------
    >>> found = direct_proportion(np.array([14, 41]), np.array([310, 356]), np.array([2, 1]))
    >>> round(found["estimate"], 6), round(found["se"], 6)
    (0.068497, 0.009676)
    """
    strata = proportion(events, n, method="wald")
    if not (n > unbiased).all():
        raise SchemaError("each stratum needs people (two, with unbiased=True); join strata first")
    w, p = standard / standard.sum(), strata.estimate
    estimate = float((w * p).sum())
    variance = float((w**2 * p * (1 - p) / (n - unbiased)).sum())
    lower, upper = _limits(estimate, variance, float(n.sum()), method, confidence)
    return {"estimate": estimate, "se": variance**0.5, "lower": lower, "upper": upper}


def _limits(
    p: float, variance: float, n: float, method: str, confidence: float
) -> tuple[float | None, float | None]:
    z = float(special.ndtri(0.5 + confidence / 2))
    if method == "wald":
        half = z * variance**0.5
        return max(p - half, 0.0), min(p + half, 1.0)
    if method == "logit":
        if not 0 < p < 1:
            return None, None
        half = z * variance**0.5 / (p * (1 - p))
        centre = special.logit(p)
        return float(special.expit(centre - half)), float(special.expit(centre + half))
    if method not in INTERVALS:
        raise DesignError(f"unknown interval {method!r}; wald, logit, {', '.join(INTERVALS)}")
    effective = p * (1 - p) / variance if variance > 0 else n
    found = proportion(p * effective, effective, method=method, confidence=confidence)
    return float(found.lower), float(found.upper)


def _crude(events: float, n: float, confidence: float) -> dict[str, Any]:
    found = proportion(events, n, method="wilson", confidence=confidence)
    p = float(found.estimate)
    return {
        "estimate": p,
        "se": (p * (1 - p) / n) ** 0.5,
        "lower": float(found.lower),
        "upper": float(found.upper),
        "method": "wilson",
    }
