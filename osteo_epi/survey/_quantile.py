"""Quantiles of a weighted sample with Woodruff's interval: limits of the share, read off as values.

The rules say which value stands for a share that falls between two people; their names are those
of R's `svyquantile(qrule=)`. "math" is R's default. "school" is the median as it is taught,
the middle of two values, as Stata's `summarize` and PCTLDEF=5 of SAS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.errors import DesignError
from osteo_epi.results import Result
from osteo_epi.survey._arrays import Array, DesignArrays, Mask, rows_in
from osteo_epi.survey._estimates import mean
from osteo_epi.survey._intervals import survey_interval

QUANTILE_RULES = ("math", "school")
INTERVALS = ("mean", "beta", "logit")


@dataclass(frozen=True, repr=False)
class Quantiles(Result):
    """Quantiles at (k,) probabilities with their limits; NaN where a limit lies off the sample."""

    probability: Array
    value: Array
    se: Array
    lower: Array
    upper: Array
    n: int
    df: int

    def to_frame(self) -> pl.DataFrame:
        """One row a quantile: probability, estimate, se, lower, upper, n, df."""
        columns = ("probability", "value", "se", "lower", "upper")
        frame = pl.DataFrame({name: getattr(self, name) for name in columns}).fill_nan(None)
        return frame.rename({"value": "estimate"}).with_columns(
            n=pl.lit(self.n), df=pl.lit(self.df)
        )


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
        "math" (the inverse distribution function; Hyndman and Fan's first) or "school" (the middle
        of two values where the share falls between people; their second).
    interval
        Interval of the share whose limits are read off: "mean" (Wald), "beta" or "logit", as in
        `survey_interval`.
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
    Woodruff 1952, doi 10.1080/01621459.1952.10483443.

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
    value = _read(x, w, np.asarray(probability, dtype=float), rule)
    below = mean((values[:, None] <= value).astype(float), design, domain=rows)
    free = below.df if df is None else df
    shares = survey_interval(
        below.value, below.se, n=below.n, df=free, method=interval, confidence=confidence
    )
    lower, upper = (_read(x, w, share, rule) for share in shares)
    se = (upper - lower) / (2 * special.stdtrit(free, 0.5 + confidence / 2))
    return Quantiles(np.asarray(probability, float), value, se, lower, upper, below.n, below.df)


def _read(x: Array, w: Array, share: Array, rule: str) -> Array:
    """(k,) values at shares of the sorted (n,) values; NaN where a share lies off the sample."""
    size, cumulative = w.sum(), np.cumsum(w)
    reached = np.concatenate([[0.0], cumulative])
    inside = (share >= 0) & (share <= 1)
    at = np.searchsorted(cumulative, np.where(inside, share, 0.0) * size, side="right")
    low, high = x[np.maximum(at - 1, 0)], x[np.minimum(at, len(x) - 1)]
    between = share - reached[at] / size == 0
    met = low if rule == "math" else (low + high) / 2
    return np.where(inside, np.where(between, met, high), np.nan)
