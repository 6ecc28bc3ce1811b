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
from osteo_epi.frames import numbers_of
from osteo_epi.results import Result
from osteo_epi.survey._arrays import (
    Array,
    DesignArrays,
    Mask,
    refuse_nobody,
    rows_in,
)
from osteo_epi.survey._design import of_people
from osteo_epi.survey._estimates import mean
from osteo_epi.survey._intervals import survey_interval

QUANTILE_RULES = ("math", "school")
INTERVALS = ("mean", "beta", "logit")
# Two shares of the weights that differ by no more than the rounding of their sums.
SAME_SHARE = 1e-12


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

    def to_polars(self) -> pl.DataFrame:
        """One row a quantile: probability, estimate, se, lower, upper, n, df."""
        columns = ("probability", "value", "se", "lower", "upper")
        frame = pl.DataFrame({name: getattr(self, name) for name in columns}).fill_nan(None)
        return frame.rename({"value": "estimate"}).with_columns(
            n=pl.lit(self.n), df=pl.lit(self.df)
        )


@of_people("values")
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

    Raises
    ------
    DesignError
        If nobody of the domain has a value, a probability is not between 0 and 1, or the rule or
        the interval is unknown.

    Notes
    -----
    Woodruff 1952, doi 10.1080/01621459.1952.10483443. A share that falls between two people is
    told to 1e-12 of the sum of the weights, so that weights times a constant change nothing.

    Where the first value alone carries more than the share asked for, the quantile is the first
    value, as the inverse of the distribution function has it. R survey does otherwise there: for
    values 1 to 6 with weights 5, 1, 1, 1, 1, 1 and a probability of 0.1 its version 4.5 gives 1.5
    by "school" (4.1 gives 2, and by "math" too), a value below which more than half of the
    people lie.

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
    values, wanted = numbers_of(values, "values"), numbers_of(probability, "probability")
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise DesignError("a probability lies outside 0 to 1: give 0.5 for the median")
    rows = rows_in(design, domain) & ~np.isnan(values)
    refuse_nobody(rows)
    x, w = _sorted(values[rows], design.weight[rows])
    value = _read(x, w, wanted, rule)
    below = mean((values[:, None] <= value).astype(float), design, domain=rows)
    free = below.df if df is None else df
    shares = survey_interval(
        below.value, below.se, n=below.n, df=free, method=interval, confidence=confidence
    )
    lower, upper = (_read(x, w, share, rule) for share in shares)
    se = (upper - lower) / (2 * special.stdtrit(free, 0.5 + confidence / 2))
    return Quantiles(wanted, value, se, lower, upper, below.n, below.df)


def weighted_quantiles(
    values: Array, weight: Array, probability: Sequence[float], *, rule: str = "math"
) -> Array:
    """(k,) quantiles of (n,) values under (n,) weights above zero: no design, and no limits.

    They are those of `survey_quantile`, which many people get much later.

    Examples
    --------
    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0, 9.0]), np.ones(4), [0.5], rule="school")
    array([2.5])
    """
    return _read(
        *_sorted(numbers_of(values, "values"), weight), np.asarray(probability, dtype=float), rule
    )


def _sorted(x: Array, w: Array) -> tuple[Array, Array]:
    """Values and their weights in one order, whatever the order of the people: sums go along it."""
    if w[0] == w.min() == w.max():
        return pl.Series(x).sort().to_numpy(), w  # in a third of the time of np.sort
    order = np.lexsort((w, x))
    return x[order], w[order]


def _read(x: Array, w: Array, share: Array, rule: str) -> Array:
    """(k,) values at shares of the sorted (n,) values; NaN where a share lies off the sample."""
    reached = np.cumsum(w) / w.sum()
    inside = (share >= 0) & (share <= 1)
    within = np.where(inside, share, 0.0)
    # Sums of fractions stray by their rounding: 0.1 + 0.2 is not 0.3, and 1 + 2 is 3.
    at = np.minimum(np.searchsorted(reached, within - SAME_SHARE), len(x) - 1)
    low, high = x[at], x[np.minimum(at + 1, len(x) - 1)]
    weight_above = 0.5 if rule == "school" else 0.0
    between = np.where(np.abs(reached[at] - within) <= SAME_SHARE, weight_above, 0.0)
    return np.where(inside, low + between * (high - low), np.nan)
