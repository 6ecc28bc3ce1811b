"""Intervals of a proportion for plain counts: no weights, no clusters.

A survey's proportion needs its design; these intervals serve counts of independent people, such
as a sensitivity, a response rate, or a prevalence in a census of a clinic. Which interval was used
is part of the result, because at small counts the choice moves the limits more than the data do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, numbers_of, refuse_words
from osteo_epi.population.rates._search import likelihood, mid_p
from osteo_epi.results import Result

Array = NDArray[np.float64]
Limits = tuple[Array, Array]

# Names that statsmodels' `proportion_confint` has for the intervals of a formula.
FORMULAS = {
    "wilson": "wilson",
    "wald": "normal",
    "agresti_coull": "agresti_coull",
    "jeffreys": "jeffreys",
    "clopper_pearson": "beta",
}
SEARCHES = {"mid_p": mid_p, "likelihood": likelihood}
PROPORTION_METHODS = (*FORMULAS, *SEARCHES)


@dataclass(frozen=True, repr=False)
class Proportion(Result):
    """Proportions with their intervals, all arrays of one shape.

    Attributes
    ----------
    events, n
        Counts [people].
    estimate, lower, upper
        Proportions [0 to 1]; NaN where `n` is 0.
    confidence, method
        The level, and the name of the interval.
    """

    events: Array
    n: Array
    estimate: Array
    lower: Array
    upper: Array
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row a proportion, the method in each."""
        columns = ("events", "n", "estimate", "lower", "upper")
        frame = pl.DataFrame({name: np.ravel(getattr(self, name)) for name in columns})
        return frame.with_columns(
            pl.col("estimate", "lower", "upper").fill_nan(None),
            confidence=pl.lit(self.confidence),
            method=pl.lit(self.method),
        )

    def _summary(self) -> str:
        return f"{super()._summary()}, {self.method}"


@in_callers_kind
def proportion(
    events: ArrayLike, n: ArrayLike, *, method: str = "wilson", confidence: float = 0.95
) -> Proportion:
    """Proportion of independent people with an event, with its interval.

    Parameters
    ----------
    events, n
        Counts [people], scalars or arrays that broadcast. Fractions are accepted (an effective
        sample size).
    method
        "wilson", "wald", "agresti_coull", "jeffreys", "clopper_pearson" (exact), "mid_p" or
        "likelihood" (of the likelihood ratio).
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    Proportion
        Arrays of the broadcast shape.

    Raises
    ------
    SchemaError
        If a count is missing, negative, or above its `n`.
    DesignError
        If the method is unknown or the level lies outside (0, 1).

    Notes
    -----
    Wilson is the default for its coverage near the nominal level (Brown, Cai, DasGupta 2001,
    doi 10.1214/ss/1009213286). Clopper-Pearson never covers less than the level; Wald has no width
    at 0 and at `n` events. The first five are those of statsmodels.

    Examples
    --------
    >>> result = proportion([0, 39], [20, 96])
    >>> result.to_frame().select("events", "lower", "upper").rows()
    [(0.0, 0.0, 0.161125...), (39.0, 0.313453..., 0.506261...)]
    """
    x, size = _counts(events, n)
    if method not in PROPORTION_METHODS:
        raise DesignError(f"unknown interval {method!r}; one of {', '.join(PROPORTION_METHODS)}")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = _limits(x, size, method, 1 - confidence)
        estimate = x / size
    nobody = size == 0
    lower, upper = (np.where(nobody, np.nan, np.clip(a, 0, 1))[()] for a in (lower, upper))
    return Proportion(x, size, estimate, lower, upper, confidence, method)


def with_proportion(
    data: Any, *, events: str, n: str, method: str = "wilson", confidence: float = 0.95
) -> Any:
    """Add estimate, lower, upper, confidence and method to a frame of counts.

    Parameters
    ----------
    data
        Any eager frame with one row a group.
    events, n
        Names of the columns that hold the counts [people].
    method, confidence
        As in `proportion`.

    Returns
    -------
    frame
        Of the caller's kind; rows without people carry null.

    Examples
    --------
    >>> table = pl.DataFrame({"sex": ["female", "male"], "broken": [41, 14], "n": [356, 310]})
    >>> with_proportion(table, events="broken", n="n")["upper"].round(4).to_list()
    [0.1525, 0.0744]
    """
    frame, restore = as_polars(data)
    table = frame.lazy().collect()
    absent = [name for name in (events, n) if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; it has {table.columns}")
    refuse_words(table.schema, (events, n), purpose="a proportion")
    counts = table.select(pl.col(events, n).cast(pl.Float64))
    result = proportion(counts[events], counts[n], method=method, confidence=confidence)
    return restore(table.hstack(result.to_polars().drop("events", "n")))


def _counts(events: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    x, size = np.broadcast_arrays(numbers_of(events, "events"), numbers_of(n, "n"))
    missing = np.count_nonzero(~np.isfinite(x) | ~np.isfinite(size))
    outside = np.count_nonzero((x < 0) | (x > size))
    if missing or outside:
        raise SchemaError(
            f"counts must satisfy 0 <= events <= n: {missing} missing, {outside} outside, "
            f"of {x.size}; drop or mend these rows first"
        )
    return x, size


def _limits(x: Array, n: Array, method: str, alpha: float) -> Limits:
    if method in SEARCHES:
        return SEARCHES[method](x, n, alpha)
    from statsmodels.stats.proportion import proportion_confint

    lower, upper = proportion_confint(
        np.array(x), np.array(n), alpha=alpha, method=FORMULAS[method]
    )
    return np.where(x == 0, 0, lower), np.where(x == n, 1, upper)
