"""Direct standardisation of rates of events in person-time, with intervals made for few events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import in_callers_kind, numbers_of
from osteo_epi.population.rates._poisson import poisson_limits
from osteo_epi.population.rates._proportion import PROPORTION_METHODS as INTERVALS
from osteo_epi.population.rates._proportion import proportion
from osteo_epi.population.rates._rates import RateRatio, check_time, rate
from osteo_epi.population.rates._search import bisect
from osteo_epi.population.rates._strata import (
    WEIGHT,
    Standardised,
    finite,
    groups,
    standard_frame,
    sum_strata,
)
from osteo_epi.results import Result

Array = NDArray[np.float64]
Limits = tuple[Array, Array]

GAMMA = ("fay_feuer", "tiwari")
DIRECT_METHODS = (*GAMMA, "dobson_byar", "dobson_exact", "normal", "lognormal")


@dataclass(frozen=True, repr=False)
class DirectRate(Result):
    """Directly standardised rates, arrays of one shape, per `per` person-years."""

    cases: Array
    person_years: Array
    estimate: Array
    se: Array
    lower: Array
    upper: Array
    per: float
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row a rate."""
        columns = ("cases", "person_years", "estimate", "se", "lower", "upper")
        frame = pl.DataFrame({name: np.ravel(getattr(self, name)) for name in columns})
        return frame.with_columns(
            pl.col("lower", "upper").fill_nan(None),
            per=pl.lit(self.per),
            confidence=pl.lit(self.confidence),
            method=pl.lit(self.method),
        )

    def _summary(self) -> str:
        return f"{super()._summary()}, {self.method}"


@in_callers_kind
def direct_rate(
    cases: ArrayLike,
    person_years: ArrayLike,
    standard: ArrayLike,
    *,
    method: str = "fay_feuer",
    mid_p: bool = False,
    confidence: float = 0.95,
    per: float = 1.0,
) -> DirectRate:
    """Directly standardised rate; strata along the last axis, already matched.

    Parameters
    ----------
    cases, person_years
        (…, strata) events and time at risk [years].
    standard
        (strata,) or (…, strata) standard weights on any scale.
    method
        "fay_feuer" (gamma, conservative), "tiwari" (its modification, shorter), "dobson_byar",
        "dobson_exact" (Dobson's, on Byar's or the exact limits of the total; PHE takes Byar and
        shows nothing below 10 events), "normal" or "lognormal".
    mid_p
        Mid-p version of one of the first two.
    confidence
        Two-sided level, between 0 and 1.
    per
        Person-years that the rate is given for.

    Returns
    -------
    DirectRate

    Raises
    ------
    SchemaError
        If a stratum has no person-years, or a count is missing or negative.
    DesignError
        If the method is unknown or has no mid-p version.

    Notes
    -----
    Fay and Feuer 1997; Tiwari, Clegg and Zou 2006, doi 10.1177/0962280206070621; Dobson et al.
    1991. All take the strata's counts as independent Poisson.

    Examples
    --------
    >>> young_old = direct_rate([5, 77], [19_876, 6_020], [6_500, 2_500], per=100_000)
    >>> f"{young_old.estimate:.1f} ({young_old.lower:.1f} to {young_old.upper:.1f})"
    '373.5 (296.9 to 463.8)'
    """
    x, time, weight = np.broadcast_arrays(
        numbers_of(cases, "cases"),
        numbers_of(person_years, "person_years"),
        numbers_of(standard, "standard"),
    )
    check_time(x, time)
    _check_method(method, mid_p, confidence)
    if not (time > 0).all() or not (weight >= 0).all():
        raise SchemaError(
            f"{np.count_nonzero(time <= 0)} strata have no person-years and "
            f"{np.count_nonzero(~(weight >= 0))} no weight of 0 or more; join strata first"
        )
    w = weight / weight.sum(axis=-1, keepdims=True) / time
    estimate, variance = (w * x).sum(axis=-1), (w**2 * x).sum(axis=-1)
    lower, upper = _limits(x, w, method, mid_p, 1 - confidence)
    return DirectRate(
        cases=x.sum(axis=-1),
        person_years=time.sum(axis=-1),
        estimate=estimate * per,
        se=np.sqrt(variance) * per,
        lower=(lower * per)[()],
        upper=(upper * per)[()],
        per=per,
        confidence=confidence,
        method=f"{method}, mid-p" if mid_p else method,
    )


def _check_method(method: str, mid_p: bool, confidence: float) -> None:
    if method not in DIRECT_METHODS:
        raise DesignError(f"unknown method {method!r}; one of {', '.join(DIRECT_METHODS)}")
    if mid_p and method not in GAMMA:
        raise DesignError(f"{method} has no mid-p version; {', '.join(GAMMA)} have")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")


def _limits(x: Array, w: Array, method: str, mid_p: bool, alpha: float) -> Limits:
    y, v, total = (w * x).sum(axis=-1), (w**2 * x).sum(axis=-1), x.sum(axis=-1)
    if method in GAMMA:
        above = _moments_above(x, w, method)
        return _gamma_mid_p(y, v, *above, alpha) if mid_p else _gamma(y, v, *above, alpha)
    with np.errstate(divide="ignore", invalid="ignore"):
        if method.startswith("dobson"):
            limits = poisson_limits(total, method=method[7:], confidence=1 - alpha)
            scale = np.sqrt(v / total)  # NaN at no events: Dobson's interval does not exist there
            return y + scale * (limits[0] - total), y + scale * (limits[1] - total)
        half = special.ndtri(1 - alpha / 2) * np.sqrt(v)
        if method == "normal":
            return y - half, y + half
        return y * np.exp(-half / y), y * np.exp(half / y)


def _moments_above(x: Array, w: Array, method: str) -> tuple[Array, Array]:
    """Mean and variance after one more event, which bound the upper limit."""
    if method == "tiwari":
        more = x + 1 / x.shape[-1]
        return (w * more).sum(axis=-1), (w**2 * more).sum(axis=-1)
    largest = w.max(axis=-1)
    return (w * x).sum(axis=-1) + largest, (w**2 * x).sum(axis=-1) + largest**2


def _shape_scale(mean: Array, variance: Array) -> tuple[Array, Array]:
    some = mean > 0
    scale = np.where(some, variance / np.where(some, mean, 1), 1)
    return np.where(some, mean / scale, 1), scale


def _gamma(y: Array, v: Array, above_y: Array, above_v: Array, alpha: float) -> Limits:
    shape, scale = _shape_scale(y, v)
    lower = np.where(y > 0, special.gammaincinv(shape, alpha / 2) * scale, 0)
    shape, scale = _shape_scale(above_y, above_v)
    return lower, special.gammaincinv(shape, 1 - alpha / 2) * scale


def _gamma_mid_p(y: Array, v: Array, above_y: Array, above_v: Array, alpha: float) -> Limits:
    """Quantiles of the even mixture of the two gamma distributions (Fay and Kim 2017)."""
    (shape, scale), (more_shape, more_scale) = _shape_scale(y, v), _shape_scale(above_y, above_v)
    zero, most = np.zeros_like(y), _gamma(y, v, above_y, above_v, 1e-3 * alpha)[1]

    def below(q: Array) -> Array:
        first = np.where(y > 0, special.gammainc(shape, q / scale), 1)
        return 0.5 * (first + special.gammainc(more_shape, q / more_scale))

    lower = bisect(lambda q: below(q) >= alpha / 2, zero, most)
    upper = bisect(lambda q: below(q) >= 1 - alpha / 2, zero, most)
    return np.where(y > 0, lower, 0), upper


@in_callers_kind
def direct_rate_ratio(
    rates: DirectRate, reference: DirectRate, *, confidence: float = 0.95
) -> RateRatio:
    """Ratio of two directly standardised rates, taken as independent, on the log scale.

    Parameters
    ----------
    rates, reference
        Single results of `direct_rate` on the same standard.
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    RateRatio

    Raises
    ------
    SchemaError
        If a rate is 0.

    Examples
    --------
    >>> a = direct_rate([9, 77], [17_654, 6_020], [6_000, 2_500])
    >>> b = direct_rate([1, 20], [4_300, 1_402], [6_000, 2_500])
    >>> ratio = direct_rate_ratio(a, b)
    >>> f"{ratio.estimate:.2f} ({ratio.lower:.2f} to {ratio.upper:.2f})"
    '0.95 (0.59 to 1.52)'
    """
    one, other = float(rates.estimate), float(reference.estimate)
    if not (one > 0 and other > 0):
        raise SchemaError("a ratio of standardised rates needs events on both sides")
    ratio = one / other
    se = float(np.hypot(rates.se / one, reference.se / other))
    half = float(special.ndtri(0.5 + confidence / 2)) * se
    p_value = float(2 * special.ndtr(-abs(np.log(ratio)) / se))
    lower, upper = (float(ratio * np.exp(sign * half)) for sign in (-1, 1))
    return RateRatio(ratio, lower, upper, p_value, confidence, "log")


@in_callers_kind
def standardised_rate(
    data: Any,
    *,
    cases: str,
    person_years: str,
    stratum: str | Sequence[str],
    standard: Any,
    by: str | Sequence[str] = (),
    method: str = "fay_feuer",
    mid_p: bool = False,
    confidence: float = 0.95,
    per: float = 1.0,
    empty: str = "error",
) -> Standardised:
    """Crude and directly standardised rates of a table, strata joined to the standard by name.

    Parameters
    ----------
    data
        Any frame with a row (or several, which are added up) for each group and stratum.
    cases, person_years
        Columns of events and of time at risk [years].
    stratum
        Column, or columns, that name the strata, e.g. "age_band" or ("age_band", "sex").
    standard
        Id of a standard population, a StandardPopulation, a mapping from stratum to weight, or a
        frame with the stratum columns and one of weights. Kinds of dashes in names are the same.
    by
        Columns that form the groups.
    method, mid_p, confidence, per
        As in `direct_rate`; the crude rate has the exact interval.
    empty
        "error" where a group has nobody in a stratum of the standard; "restrict" to standardise
        over the other strata, which the row's flag names.

    Returns
    -------
    Standardised

    Raises
    ------
    SchemaError
        If strata lack a standard population, or people; the message names them.

    Examples
    --------
    >>> table = pl.DataFrame(
    ...     {"age": ["50-64", "65+"], "hip": [5, 77], "years": [19_876.0, 6_020.0]}
    ... )
    >>> result = standardised_rate(table, cases="hip", person_years="years", stratum="age",
    ...                            standard={"65+": 2_500, "50-64": 6_500}, per=100_000)
    >>> result.to_frame().select("statistic", pl.col("estimate").round(1)).rows()
    [('crude', 316.7), ('standardised', 373.5)]
    """
    strata = [stratum] if isinstance(stratum, str) else list(stratum)
    by = [by] if isinstance(by, str) else list(by)
    counts = sum_strata(data, sums=(cases, person_years), stratum=strata, by=by)
    weights, name = standard_frame(standard, strata)
    rows = []
    for group in groups(counts, weights, stratum=strata, by=by, people=person_years, empty=empty):
        x, time = group.strata[cases].to_numpy(), group.strata[person_years].to_numpy()
        crude = rate(x.sum(), time.sum(), confidence=confidence, per=per)
        direct = direct_rate(
            x,
            time,
            group.strata[WEIGHT].to_numpy(),
            method=method,
            mid_p=mid_p,
            confidence=confidence,
            per=per,
        )
        rows += [
            _row(group.key, "crude", crude, np.sqrt(x.sum()) / time.sum() * per, "", group.flag),
            _row(group.key, "standardised", direct, direct.se, name, group.flag),
        ]
    return Standardised(pl.DataFrame(rows, infer_schema_length=None))


def _row(key: dict, statistic: str, result: Any, se: Any, standard: str, flag: str) -> dict:
    limits = {a: finite(float(getattr(result, a))) for a in ("lower", "upper")}
    return {
        **key,
        "statistic": statistic,
        "estimate": float(result.estimate),
        "se": float(se),
        **limits,
        "confidence": result.confidence,
        "cases": float(result.cases),
        "person_years": float(result.person_years),
        "per": result.per,
        "method": result.method,
        "standard": standard or None,
        "flag": flag,
    }


@in_callers_kind
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
        As in `standardised_rate`.
    method
        "wald" or "logit" on the variance of the weighted sum; or any interval of
        `proportion`, at the effective n = p (1 − p) / SE².
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
    >>> result = standardised_proportion(clinic, events="low", n="seen", stratum="age",
    ...                                  standard={"50-64": 41185, "65+": 34710})
    >>> result.to_frame()["estimate"].round(4).to_list()
    [0.0826, 0.0772]
    """
    strata = [stratum] if isinstance(stratum, str) else list(stratum)
    by = [by] if isinstance(by, str) else list(by)
    counts = sum_strata(data, sums=(events, n), stratum=strata, by=by)
    weights, name = standard_frame(standard, strata)
    rows = []
    for group in groups(counts, weights, stratum=strata, by=by, people=n, empty=empty):
        x, size = group.strata[events].to_numpy(), group.strata[n].to_numpy()
        direct = _direct(
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
            head | {"statistic": "standardised", **direct, "method": method} | tail,
        ]
    order = [*by, "statistic", "estimate", "se", "lower", "upper"]
    return Standardised(pl.DataFrame(rows).select(*order, pl.exclude(order)))


def _direct(
    events: Array,
    n: Array,
    standard: Array,
    *,
    method: str,
    confidence: float,
    unbiased: bool,
) -> dict[str, float | None]:
    """Estimate, se, lower, upper of a weighted sum of proportions; arrays are (strata,)."""
    strata = proportion(events, n, method="wald")
    if not (n > unbiased).all():
        raise SchemaError("each stratum needs people (two, with unbiased=True); join strata first")
    w, p = standard / standard.sum(), strata.estimate
    estimate = float((w * p).sum())
    variance = float((w**2 * p * (1 - p) / (n - unbiased)).sum())
    lower, upper = _proportion_limits(estimate, variance, float(n.sum()), method, confidence)
    return {"estimate": estimate, "se": variance**0.5, "lower": lower, "upper": upper}


def _proportion_limits(
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
    result = proportion(p * effective, effective, method=method, confidence=confidence)
    return float(result.lower), float(result.upper)


def _crude(events: float, n: float, confidence: float) -> dict[str, Any]:
    result = proportion(events, n, method="wilson", confidence=confidence)
    p = float(result.estimate)
    return {
        "estimate": p,
        "se": (p * (1 - p) / n) ** 0.5,
        "lower": float(result.lower),
        "upper": float(result.upper),
        "method": "wilson",
    }
