"""Bland–Altman: how far apart two methods may lie for one person.

Limits of agreement are bias ± z·SD of the differences, z from the normal distribution (1.95996 for
95 %; blandr uses 1.96: give `factor=1.96` for its numbers). Three families of interval for a limit:
`"approximate"` (Bland & Altman 1999: Student on the delta-method standard error), `"mover"` (Zou
2013: from the intervals of mean and SD) and `"exact"` (Carkeet 2015: noncentral t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteo_epi.calibration.estimate import Estimate, bracketed
from osteo_epi.calibration.ols import least_squares
from osteo_epi.calibration.pairs import Missing, Pairs, paired
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]
Scale = Literal["difference", "percent", "log"]
Interval = Literal["approximate", "mover", "exact"]

NOT_CORRELATION = (
    "agreement is read from the limits, against a difference that matters; "
    "a correlation says nothing of it"
)


@dataclass(frozen=True)
class ProportionalBias:
    """Slope of the differences on the means: does the bias change with the density?"""

    intercept: Estimate
    slope: Estimate
    t: float
    p: float


@dataclass(frozen=True)
class BlandAltman:
    """Bias and limits of agreement, y − x (or per cent, or ratio), with intervals.

    On the log scale `bias`, `lower` and `upper` are ratios y/x, `sd` is of the logarithms.
    """

    bias: Estimate
    lower: Estimate
    upper: Estimate
    sd: float
    proportional: ProportionalBias | None
    scale: str
    interval: str
    factor: float
    agreement: float
    confidence: float
    n: int
    n_people: int
    n_missing: int
    design: str
    notes: tuple[str, ...] = (NOT_CORRELATION,)
    means: Floats | None = field(default=None, repr=False, compare=False)
    differences: Floats | None = field(default=None, repr=False, compare=False)

    def to_frame(self) -> pl.DataFrame:
        """Three rows: bias, lower limit, upper limit."""
        rows = [
            {"statistic": name, **value.as_row()}
            for name, value in (
                ("bias", self.bias),
                ("lower_limit", self.lower),
                ("upper_limit", self.upper),
            )
        ]
        names = ("scale", "interval", "sd", "n", "n_people", "n_missing", "confidence", "design")
        return pl.DataFrame(rows).with_columns(pl.lit(getattr(self, k)).alias(k) for k in names)

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption="limits of agreement", notes=self.notes)


def bland_altman(
    x: ArrayLike,
    y: ArrayLike,
    *,
    scale: Scale = "difference",
    interval: Interval = "exact",
    agreement: float = 0.95,
    factor: float | None = None,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> BlandAltman:
    """Limits of agreement of two methods, one pair of readings a person.

    Parameters
    ----------
    x, y
        Readings of the two methods in one unit, shape (n,). The difference is y − x.
    scale
        `"difference"`, `"percent"` of the pair's mean, or `"log"` (limits as ratios y/x).
    interval
        `"exact"`, `"approximate"` or `"mover"`: see the module's text.
    agreement
        Share of differences between the limits.
    factor
        z of the limits, instead of the normal quantile.
    confidence
        Of the intervals of bias and limits.
    missing
        See `pairs.paired`.

    Returns
    -------
    BlandAltman

    Notes
    -----
    Bland & Altman 1999, doi 10.1177/096228029900800204; Zou 2013, doi 10.1177/0962280211402548;
    Carkeet 2015, doi 10.1097/OPX.0000000000000513. With several pairs a person use
    `repeated.bland_altman_repeated`: the pairs are not independent.

    Examples
    --------
    >>> ba = bland_altman([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    >>> round(ba.bias.estimate, 3), round(ba.upper.estimate, 4)
    (0.03, 0.046)
    """
    pairs = paired(x, y, missing=missing, same_unit=True, varying=False)
    differences, means = on_scale(pairs, scale)
    sd = float(np.std(differences, ddof=1))
    z = _factor(agreement, factor)
    bias, lower, upper = limits(float(differences.mean()), sd, pairs.n, z, interval, confidence)
    if scale == "log":
        bias, lower, upper = (_ratio(v) for v in (bias, lower, upper))
    return BlandAltman(
        bias=bias,
        lower=lower,
        upper=upper,
        sd=sd,
        proportional=_proportional(means, differences, confidence),
        scale=scale,
        interval=interval,
        factor=z,
        agreement=agreement,
        confidence=confidence,
        n=pairs.n,
        n_people=pairs.n,
        n_missing=pairs.n_missing,
        design="one pair a person",
        means=means,
        differences=differences,
    )


def on_scale(pairs: Pairs, scale: Scale) -> tuple[Floats, Floats]:
    """Differences on the scale asked for, and the means that they are plotted against."""
    means = (pairs.x + pairs.y) / 2
    if scale == "difference":
        return pairs.y - pairs.x, means
    if (pairs.x <= 0).any() or (pairs.y <= 0).any():
        raise SchemaError(
            f"{int(((pairs.x <= 0) | (pairs.y <= 0)).sum())} of {pairs.n} pairs hold a reading "
            f"that is not positive: no {scale} difference; use scale='difference'"
        )
    if scale == "percent":
        return 100 * (pairs.y - pairs.x) / means, means
    return np.log(pairs.y / pairs.x), np.sqrt(pairs.x * pairs.y)


def limits(
    bias: float, sd: float, n: int, z: float, interval: Interval, confidence: float
) -> tuple[Estimate, Estimate, Estimate]:
    """Bias, lower and upper limit with their intervals, from summary numbers.

    Examples
    --------
    >>> bias, lower, upper = limits(0.0, 1.0, 100, 1.96, "approximate", 0.95)
    >>> round(upper.se, 4)
    0.1715
    """
    df = n - 1
    t = float(stats.t.ppf((1 + confidence) / 2, df))
    se = sd / math.sqrt(n)
    centre = bracketed(bias, se, t * se)
    low, high = bias - z * sd, bias + z * sd
    se_limit = sd * math.sqrt(1 / n + z**2 / (2 * df))
    if interval == "approximate":
        near = far = t * se_limit
    elif interval == "mover":
        smallest, largest = _sd_interval(sd, df, confidence)
        near = math.hypot(t * se, z * (sd - smallest))
        far = math.hypot(t * se, z * (largest - sd))
    else:
        shares = np.array([1 - confidence, 1 + confidence]) / 2
        inner, outer = stats.nct.ppf(shares, df, math.sqrt(n) * z) / math.sqrt(n) * sd
        near, far = z * sd - inner, outer - z * sd
    return (
        centre,
        Estimate(low, se_limit, float(low - far), float(low + near)),
        Estimate(high, se_limit, float(high - near), float(high + far)),
    )


def _sd_interval(sd: float, df: float, confidence: float) -> tuple[float, float]:
    shares = ((1 + confidence) / 2, (1 - confidence) / 2)
    low, high = (sd * math.sqrt(df / stats.chi2.ppf(share, df)) for share in shares)
    return low, high


def _factor(agreement: float, factor: float | None) -> float:
    return float(stats.norm.ppf((1 + agreement) / 2)) if factor is None else factor


def _ratio(value: Estimate) -> Estimate:
    def back(v: float | None) -> float | None:
        return None if v is None else math.exp(v)

    return Estimate(math.exp(value.estimate), value.se, back(value.lower), back(value.upper))


def _proportional(means: Floats, differences: Floats, confidence: float) -> ProportionalBias | None:
    """None where the means or the differences are all equal: no line to fit."""
    if np.ptp(means) == 0 or np.ptp(differences) == 0:
        return None
    line = least_squares(means, differences, confidence=confidence)
    if not line.slope.se:
        return None
    t = line.slope.estimate / line.slope.se
    p = 2 * stats.t.sf(abs(t), line.df)
    return ProportionalBias(line.intercept, line.slope, float(t), float(p))
