"""Direct standardisation of rates of events in person-time, with intervals made for few events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import special

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.population.poisson import poisson_limits
from osteo_epi.population.proportion_search import bisect
from osteo_epi.population.rates import RateRatio, check_time

Array = NDArray[np.float64]
Limits = tuple[Array, Array]

GAMMA = ("fay_feuer", "tiwari", "mean_weight", "mid_weight")
METHODS = (*GAMMA, "gamma_plus_one", "dobson_byar", "dobson_exact", "normal", "lognormal")


@dataclass(frozen=True)
class DirectRate:
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

    def to_frame(self) -> pl.DataFrame:
        """One row a rate."""
        columns = ("cases", "person_years", "estimate", "se", "lower", "upper")
        frame = pl.DataFrame({name: np.ravel(getattr(self, name)) for name in columns})
        return frame.with_columns(
            pl.col("lower", "upper").fill_nan(None),
            per=pl.lit(self.per),
            confidence=pl.lit(self.confidence),
            method=pl.lit(self.method),
        )

    def _repr_html_(self) -> str:
        return self.to_frame()._repr_html_()


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
        `fay_feuer`: gamma, conservative. `tiwari`: its modification, shorter. `mean_weight`,
        `mid_weight`: gamma with the mean, or the middle of the range, of the weights in place of
        the largest. `gamma_plus_one`: shape + 1, as R's package dsr. `dobson_byar`,
        `dobson_exact`: Dobson's, on Byar's or the exact limits of the total (PHE takes Byar and
        shows nothing below 10 events). `normal`, `lognormal`.
    mid_p
        Mid-p version of one of the first four.
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
        *(np.asarray(a, float) for a in (cases, person_years, standard))
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
    if method not in METHODS:
        raise DesignError(f"unknown method {method!r}; one of {', '.join(METHODS)}")
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
        if method == "gamma_plus_one":
            return _gamma_plus_one(y, v, alpha)
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
    largest, smallest = w.max(axis=-1), w.min(axis=-1)
    extra = {"fay_feuer": largest, "mean_weight": w.mean(axis=-1)}.get(
        method, (smallest + largest) / 2
    )
    return (w * x).sum(axis=-1) + extra, (w**2 * x).sum(axis=-1) + extra**2


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


def _gamma_plus_one(y: Array, v: Array, alpha: float) -> Limits:
    shape, scale = _shape_scale(y, v)
    lower = np.where(y > 0, special.gammaincinv(shape, alpha / 2) * scale, 0)
    upper = special.gammaincinv(shape + 1, 1 - alpha / 2) * scale
    return lower, np.where(y > 0, upper, np.nan)


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
