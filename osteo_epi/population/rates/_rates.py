"""Crude rates of events in person-time, and the ratio of two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, numbers_of, refuse_words
from osteo_epi.population.rates._poisson import poisson_limits
from osteo_epi.population.rates._proportion import proportion
from osteo_epi.population.rates._search import bisect
from osteo_epi.results import Result
from osteo_epi.rounding import number

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Rate(Result):
    """Rates with their intervals, all arrays of one shape, per `per` person-years.

    NaN stands where there are no person-years.
    """

    cases: Array
    person_years: Array
    estimate: Array
    lower: Array
    upper: Array
    per: float
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row a rate, the method in each."""
        columns = ("cases", "person_years", "estimate", "lower", "upper")
        frame = pl.DataFrame({name: np.ravel(getattr(self, name)) for name in columns})
        return frame.with_columns(
            pl.col("estimate", "lower", "upper").fill_nan(None),
            per=pl.lit(self.per),
            confidence=pl.lit(self.confidence),
            method=pl.lit(self.method),
        )

    def _summary(self) -> str:
        return f"{super()._summary()}, {self.method}"


@dataclass(frozen=True, repr=False)
class RateRatio(Result):
    """Ratio of two rates, with its interval and two-sided p-value."""

    estimate: float
    lower: float
    upper: float
    p_value: float
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self.__dict__])

    def _summary(self) -> str:
        ends = " to ".join(number(end, digits=3) for end in (self.lower, self.upper))
        return f"{number(self.estimate, digits=3)} ({ends}), {self.method}"


@in_callers_kind
def rate(
    cases: ArrayLike,
    person_years: ArrayLike,
    *,
    method: str = "exact",
    confidence: float = 0.95,
    per: float = 1.0,
) -> Rate:
    """Crude rate with its interval.

    Parameters
    ----------
    cases
        Events, scalar or array.
    person_years
        Time at risk [years], broadcasts with `cases`.
    method, confidence
        As in `poisson_limits`.
    per
        Person-years that the rate is given for, e.g. 100000.

    Returns
    -------
    Rate

    Raises
    ------
    SchemaError
        If cases or person-years are missing or negative, or cases happen in no time at risk.

    Examples
    --------
    >>> hip = rate(9, 10_000, per=100_000, method="byar_or_exact")
    >>> f"{hip.estimate:.1f} ({hip.lower:.1f} to {hip.upper:.1f})"
    '90.0 (41.2 to 170.8)'
    """
    x, time = np.broadcast_arrays(
        numbers_of(cases, "cases"), numbers_of(person_years, "person_years")
    )
    check_time(x, time)
    lower, upper = poisson_limits(x, method=method, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, low, high = (
            np.where(time > 0, a / time * per, np.nan)[()] for a in (x, lower, upper)
        )
    return Rate(x, time, estimate, low, high, per, confidence, method)


def check_time(cases: Array, person_years: Array) -> None:
    """Refuse missing or negative time, and events where nobody was at risk."""
    missing = np.count_nonzero(~np.isfinite(person_years) | (person_years < 0))
    idle = np.count_nonzero((person_years == 0) & (cases > 0))
    if missing or idle:
        raise SchemaError(
            f"of {cases.size} rows, {missing} have missing or negative person-years and {idle} "
            f"have cases without person-years; mend the person-years first"
        )


def with_rates(
    data: Any,
    *,
    cases: str,
    person_years: str,
    method: str = "exact",
    confidence: float = 0.95,
    per: float = 1.0,
) -> Any:
    """Add estimate, lower, upper, per, confidence and method to a frame of cases and time.

    Parameters
    ----------
    data
        Any eager frame with one row a group.
    cases, person_years
        Names of the columns of events and of time at risk [years].
    method, confidence, per
        As in `rate`.

    Returns
    -------
    frame
        Of the caller's kind.

    Examples
    --------
    >>> table = pl.DataFrame({"sex": ["female", "male"], "hip": [25, 9], "years": [1e4, 1e4]})
    >>> with_rates(table, cases="hip", person_years="years", per=1e5)["estimate"].to_list()
    [250.0, 90.0]
    """
    frame, restore = as_polars(data)
    table = frame.lazy().collect()
    absent = [name for name in (cases, person_years) if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; it has {table.columns}")
    refuse_words(table.schema, (cases, person_years), purpose="a rate")
    columns = [table[name].cast(pl.Float64).fill_null(np.nan) for name in (cases, person_years)]
    result = rate(*columns, method=method, confidence=confidence, per=per)
    return restore(table.hstack(result.to_polars().drop("cases", "person_years")))


@in_callers_kind
def rate_ratio(
    cases: float,
    person_years: float,
    *,
    reference_cases: float,
    reference_person_years: float,
    method: str = "exact",
    confidence: float = 0.95,
) -> RateRatio:
    """Ratio of one crude rate to another, given the total of the cases.

    Parameters
    ----------
    cases, person_years
        Events and time at risk [years] of the group of interest.
    reference_cases, reference_person_years
        The same of the group that it is compared with.
    method
        "exact" (conditional binomial, Clopper-Pearson; R's `poisson.test`), "mid_p" (its estimate
        is the median-unbiased one), or "wald" (on the log scale).
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    RateRatio
        Its p-value belongs to the same method.

    Examples
    --------
    >>> rate_ratio(65, 25_903, reference_cases=288, reference_person_years=105_264.75)
    RateRatio(0.917 (0.69 to 1.2), exact)
    """
    counts = np.array([cases, reference_cases], float)
    times = np.array([person_years, reference_person_years], float)
    check_time(counts, times)
    if method not in _RATIOS:
        raise DesignError(f"unknown method {method!r}; one of {', '.join(_RATIOS)}")
    if not times.all() or not counts.any():
        raise SchemaError("a rate ratio needs person-years in both groups and a case in one")
    estimate, lower, upper, p = _RATIOS[method](counts, times, 1 - confidence)
    return RateRatio(estimate, lower, upper, p, confidence, method)


def _odds(p: float, times: Array) -> float:
    """The ratio under which the first group's share of all cases is p."""
    return float(np.inf) if p >= 1 else float(p / (1 - p) * times[1] / times[0])


def _ratio_exact(counts: Array, times: Array, alpha: float) -> tuple[float, float, float, float]:
    share = proportion(counts[0], counts.sum(), method="clopper_pearson", confidence=1 - alpha)
    limits = (_odds(float(a), times) for a in (share.estimate, share.lower, share.upper))
    return (*limits, _binomial_p(counts, times))  # type: ignore[return-value]


def _binomial_p(counts: Array, times: Array) -> float:
    """All splits of the cases no more probable than the observed one."""
    from scipy.stats import binomtest

    if (counts % 1).any():
        raise SchemaError("exact rate ratios need whole numbers of cases; take method='mid_p'")
    cases, total = (int(count) for count in (counts[0], counts.sum()))
    return float(binomtest(cases, total, times[0] / times.sum()).pvalue)


def _ratio_mid_p(counts: Array, times: Array, alpha: float) -> tuple[float, float, float, float]:
    x, n = counts[0], counts.sum()

    def tail(p: Array) -> Any:
        at_least = 1.0 if x == 0 else special.betainc(x, n - x + 1, p)
        more = 0.0 if x == n else special.betainc(x + 1, n - x, p)
        return 0.5 * (at_least + more)

    def where(level: float) -> float:
        share = bisect(lambda p: tail(p) >= level, np.zeros(1), np.ones(1))
        return _odds(float(share[0]), times)

    lower = 0.0 if x == 0 else where(alpha / 2)
    upper = float(np.inf) if x == n else where(1 - alpha / 2)
    one_sided = float(tail(np.array([times[0] / times.sum()]))[0])
    return where(0.5), lower, upper, 2 * min(one_sided, 1 - one_sided)


def _ratio_wald(counts: Array, times: Array, alpha: float) -> tuple[float, float, float, float]:
    if not counts.all():
        raise SchemaError("the Wald interval needs a case in both groups; take method='exact'")
    log_ratio = float(np.log(counts[0] / times[0]) - np.log(counts[1] / times[1]))
    se = float(np.sqrt((1 / counts).sum()))
    half = float(special.ndtri(1 - alpha / 2)) * se
    limits = (float(np.exp(log_ratio + s * half)) for s in (0, -1, 1))
    return (*limits, float(2 * special.ndtr(-abs(log_ratio) / se)))  # type: ignore[return-value]


_RATIOS = {"exact": _ratio_exact, "mid_p": _ratio_mid_p, "wald": _ratio_wald}
