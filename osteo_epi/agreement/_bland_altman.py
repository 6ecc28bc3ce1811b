"""Bland–Altman: how far apart two methods may lie for one person.

Limits of agreement are bias ± z·SD of the differences, z from the normal distribution (1.95996 for
95 %; blandr uses 1.96: give `factor=1.96` for its numbers). Three families of interval for a limit:
`"approximate"` (Bland & Altman 1999: Student on the delta-method standard error), `"mover"` (Zou
2013: from the intervals of mean and SD) and `"exact"` (Carkeet 2015: noncentral t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.agreement._least_squares import least_squares
from osteo_epi.agreement._line import PointEstimate, critical_value
from osteo_epi.agreement._pairs import Missing, Pairs, paired, readings_of
from osteo_epi.arguments import one_of
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind, numbers_of
from osteo_epi.results import Result
from osteo_epi.rounding import count, people_who

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

    intercept: PointEstimate
    slope: PointEstimate
    t: float
    p: float


@dataclass(frozen=True, repr=False)
class BlandAltman(Result):
    """Bias and limits of agreement, y − x (or per cent, or ratio), with intervals.

    On the log scale `bias`, `lower` and `upper` are ratios y/x, `sd` is of the logarithms.
    """

    bias: PointEstimate
    lower: PointEstimate
    upper: PointEstimate
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

    def to_polars(self) -> pl.DataFrame:
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

    def _summary(self) -> str:
        return f"bias {self.bias}, limits {self.lower} and {self.upper}, n = {count(self.n)}"

    def _repr_html_(self) -> str:
        return self._shown(caption="limits of agreement", notes=self.notes)


@in_callers_kind
def bland_altman(
    *data: Any,
    x: Column = None,
    y: Column = None,
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
    *data, x, y
        Readings of the two methods in one unit, shape (n,). The difference is y − x.
        They come first, or a frame comes first and `x` and `y` name its columns.
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
        See `paired`.

    Returns
    -------
    BlandAltman

    Notes
    -----
    Bland & Altman 1999, doi 10.1177/096228029900800204; Zou 2013, doi 10.1177/0962280211402548;
    Carkeet 2015, doi 10.1097/OPX.0000000000000513. With several pairs a person use
    `bland_altman_repeated`: the pairs are not independent.

    Examples
    --------
    >>> ba = bland_altman([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13])
    >>> round(ba.bias.estimate, 3), round(ba.upper.estimate, 4)
    (0.03, 0.046)

    Of the columns of a frame:

    >>> people = pl.DataFrame({"dxa": [0.8, 0.9, 1.0, 1.1], "qct": [0.83, 0.92, 1.04, 1.13]})
    >>> bland_altman(people, x="dxa", y="qct") == ba
    True
    """
    one_of(scale, "scale", get_args(Scale))
    one_of(interval, "interval", get_args(Interval))
    pairs = paired(*data, x=x, y=y, missing=missing, same_unit=True, varying=False)
    differences, means = _on_scale(pairs, scale)
    sd = float(np.std(differences, ddof=1))
    z = critical_value(agreement) if factor is None else factor
    bias, lower, upper = _limits(float(differences.mean()), sd, pairs.n, z, interval, confidence)
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


@in_callers_kind
def bland_altman_repeated(
    *data: Any,
    x: Column = None,
    y: Column = None,
    person: Column = None,
    y_person: Column = None,
    true_value: Literal["varies", "constant"],
    agreement: float = 0.95,
    confidence: float = 0.95,
) -> BlandAltman:
    """Limits of agreement with repeated measurements.

    Parameters
    ----------
    *data, x, y
        Readings of the two methods, complete. With `true_value="varies"` paired row by row,
        shape (n,); with `"constant"` each of its own length.
        They come first, or a frame comes first and `x` and `y` name its columns.
    person
        Identifier of the person of each reading of x (and of y, if `y_person` is not given): a
        column's name, or the values.
    y_person
        Identifier of the person of each reading of y.
    true_value
        `"varies"` between the pairs of a person, or `"constant"`.
    agreement, confidence
        As for `bland_altman`.

    Returns
    -------
    BlandAltman
        For a single reading by each method of a new person.

    Notes
    -----
    Pairs of one person are not independent: ignoring it makes the limits too narrow. Two designs
    (Bland & Altman 2007, doi 10.1080/10543400701329422): the true value varies between a person's
    pairs (a follow-up), or it is constant and each method's repeats are its own (a precision
    study). The intervals of the limits are Zou's (2013, doi 10.1177/0962280211402548).

    Examples
    --------
    >>> ba = bland_altman_repeated(
    ...     [0.80, 0.82, 0.90, 0.91, 1.00, 1.03], [0.83, 0.83, 0.95, 0.93, 1.01, 1.06],
    ...     person=[1, 1, 2, 2, 3, 3], true_value="varies")
    >>> ba.n_people, round(ba.bias.estimate, 4)
    (3, 0.025)
    """
    one_of(true_value, "true_value", ("varies", "constant"))
    given = readings_of(data, optional=("y_person",), x=x, y=y, person=person, y_person=y_person)
    first, second = map(numbers_of, given[:2], ("x", "y"))
    ids, other = (np.asarray(values if values is not None else given[2]) for values in given[2:])
    _check(first, second, ids, other, varies=true_value == "varies")
    if true_value == "varies":
        groups = _groups(second - first, ids)
        bias, variance, parts = _varies(groups)
        n = len(first)
    else:
        bias, variance, parts, groups = _constant(first, second, ids, other)
        n = len(first) + len(second)
    return _result(bias, variance, parts, groups, n, true_value, agreement, confidence)


def _on_scale(pairs: Pairs, scale: Scale) -> tuple[Floats, Floats]:
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


def _limits(
    bias: float, sd: float, n: int, z: float, interval: Interval, confidence: float
) -> tuple[PointEstimate, PointEstimate, PointEstimate]:
    """Bias, lower and upper limit with their intervals, from summary numbers."""
    from scipy import stats

    df = n - 1
    t = critical_value(confidence, df)
    se = sd / math.sqrt(n)
    centre = PointEstimate.symmetric(bias, se, t * se)
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
        PointEstimate(low, se_limit, float(low - far), float(low + near)),
        PointEstimate(high, se_limit, float(high - near), float(high + far)),
    )


def _sd_interval(sd: float, df: float, confidence: float) -> tuple[float, float]:
    from scipy import stats

    shares = ((1 + confidence) / 2, (1 - confidence) / 2)
    low, high = (sd * math.sqrt(df / stats.chi2.ppf(share, df)) for share in shares)
    return low, high


def _ratio(value: PointEstimate) -> PointEstimate:
    def back(v: float | None) -> float | None:
        return None if v is None else math.exp(v)

    return PointEstimate(math.exp(value.estimate), value.se, back(value.lower), back(value.upper))


def _proportional(means: Floats, differences: Floats, confidence: float) -> ProportionalBias | None:
    """None where the means or the differences are all equal: no line to fit."""
    if np.ptp(means) == 0 or np.ptp(differences) == 0:
        return None
    line = least_squares(means, differences, confidence=confidence)
    if not line.slope.se:
        return None
    from scipy import stats

    t = line.slope.estimate / line.slope.se
    p = 2 * stats.t.sf(abs(t), line.df)
    return ProportionalBias(line.intercept, line.slope, float(t), float(p))


@dataclass(frozen=True)
class _Groups:
    """Readings by person: how many, their means, and the pooled variance within."""

    counts: Floats
    means: Floats
    within: float
    df: int


def _varies(groups: _Groups) -> tuple[float, float, list[tuple[float, float, float]]]:
    """Total variance of a single difference: between people (by Satterthwaite parts) and within."""
    k = len(groups.counts)
    harmonic = float(np.mean(1 / groups.counts))
    of_means = float(groups.means.var(ddof=1))
    share = 1 - harmonic
    parts = [(1.0, of_means, float(k - 1)), (share, groups.within, float(groups.df))]
    return float(groups.means.mean()), of_means + share * groups.within, parts


def _constant(
    x: Floats, y: Floats, x_ids: NDArray, y_ids: NDArray
) -> tuple[float, float, list[tuple[float, float, float]], _Groups]:
    """As `_varies`, with a variance within for each method."""
    first, second = _groups(x, x_ids), _groups(y, y_ids)
    differences = second.means - first.means
    of_means = float(differences.var(ddof=1))
    parts = [(1.0, of_means, float(len(differences) - 1))]
    for groups in (first, second):
        share = 1 - float(np.mean(1 / groups.counts))
        parts.append((share, groups.within, float(groups.df)))
    variance = sum(share * value for share, value, _ in parts)
    whole = _Groups(first.counts, differences, first.within, first.df)
    return float(differences.mean()), variance, parts, whole


def _result(
    bias: float,
    variance: float,
    parts: list[tuple[float, float, float]],
    groups: _Groups,
    n: int,
    true_value: str,
    agreement: float,
    confidence: float,
) -> BlandAltman:
    people, sd = len(groups.means), math.sqrt(variance)
    z = critical_value(agreement)
    se = float(groups.means.std(ddof=1)) / math.sqrt(people)
    reach = critical_value(confidence, people - 1) * se
    smallest, largest = _mover(variance, parts, confidence)
    near = math.hypot(reach, z * (sd - math.sqrt(smallest)))
    far = math.hypot(reach, z * (math.sqrt(largest) - sd))
    low, high = bias - z * sd, bias + z * sd
    return BlandAltman(
        bias=PointEstimate.symmetric(bias, se, reach),
        lower=PointEstimate(low, None, low - far, low + near),
        upper=PointEstimate(high, None, high - near, high + far),
        sd=sd,
        proportional=None,
        scale="difference",
        interval="mover",
        factor=z,
        agreement=agreement,
        confidence=confidence,
        n=n,
        n_people=people,
        n_missing=0,
        design=f"repeated, true value {true_value}",
        notes=(NOT_CORRELATION,),
    )


def _mover(
    variance: float, parts: list[tuple[float, float, float]], confidence: float
) -> tuple[float, float]:
    """Interval of a weighted sum of variances from the chi-square interval of each."""
    from scipy import stats

    below = above = 0.0
    for share, value, df in parts:
        if df == 0:
            continue
        low = df / stats.chi2.ppf((1 + confidence) / 2, df)
        high = df / stats.chi2.ppf((1 - confidence) / 2, df)
        below += (share * value * (1 - low)) ** 2
        above += (share * value * (high - 1)) ** 2
    return max(variance - math.sqrt(below), 0.0), variance + math.sqrt(above)


def _groups(values: Floats, ids: NDArray) -> _Groups:
    _, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
    means = np.bincount(place, values) / counts
    df = int(counts.sum() - len(counts))
    squares = float(((values - means[place]) ** 2).sum())
    return _Groups(counts.astype(float), means, squares / df if df else 0.0, df)


def _check(x: Floats, y: Floats, x_ids: NDArray, y_ids: NDArray, *, varies: bool) -> None:
    lost = int(np.isnan(x).sum() + np.isnan(y).sum())
    if lost:
        raise SchemaError(f"{lost} readings are missing; leave those rows out first")
    if len(x) != len(x_ids) or len(y) != len(y_ids) or (varies and len(x) != len(y)):
        raise SchemaError(
            f"unpaired rows: {len(x)} readings of x, {len(y)} of y, {len(x_ids)} and {len(y_ids)} "
            "identifiers; give one identifier per reading"
        )
    alone = len(np.setxor1d(x_ids, y_ids))
    if alone:
        raise SchemaError(
            f"{people_who(alone, 'were')} measured by one method only; leave them out"
        )
    if len(np.unique(x_ids)) < 3:
        raise SchemaError(f"{len(np.unique(x_ids))} people, at least three are needed")
