"""Mixed models of repeated scans: the line between two devices, and variance components.

A line through single scans is drawn towards zero by the error of x, and understates how much
converted values vary. With repeats a mixed model tells apart what a line through single readings
mixes: people's densities, how people differ between devices beyond the line, and scan error.

The restricted likelihood is ours: statsmodels' MixedLM stops at a relative 1e-5 of the variance
components by default and near 2e-8 at best, and has no model with an error of each device's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.agreement import Line, Prediction, as_covariance, coefficients, critical_value
from osteo_epi.errors import SchemaError
from osteo_epi.frames import (
    Column,
    as_polars,
    in_callers_kind,
    on_people,
    ratings_given,
    refuse_words,
)
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.summation import moments

Floats = NDArray[np.float64]

FLAT = 1e-4
"""A scatter beyond the line below this share of the scan error is zero, at its boundary."""

_STOP = {"ftol": 1e-12, "gtol": 1e-7, "maxiter": 500, "maxls": 50}


@dataclass(frozen=True, repr=False)
class MixedLine(Result):
    """The line between two devices with all variances apart, by restricted maximum likelihood.

    Attributes
    ----------
    line
        What device y reads on average in a person in whom x reads on average x.
    sd_people
        SD of people's densities on x.
    sd_beyond
        SD with which people differ between the devices beyond the line.
    sd_x, sd_y
        Scan error of each device.
    mean_x
        Mean density on x.
    log_likelihood
        Restricted.
    people, scans
        Counts; people on one device only are used too.
    """

    line: Line
    sd_people: float
    sd_beyond: float
    sd_x: float
    sd_y: float
    mean_x: float
    log_likelihood: float
    people: int
    scans: int

    def reliability(self, scans: int = 1) -> float:
        """Share of the variance of a mean of so many scans on x that is the people's own."""
        return self.sd_people**2 / (self.sd_people**2 + self.sd_x**2 / scans)

    @in_callers_kind
    def predict(self, x: ArrayLike, *, scans: int = 1, people: int | None = 1) -> Prediction:
        """Predict a scan on y from the mean of so many scans on x.

        Parameters
        ----------
        x
            Means of `scans` scans on x, shape (k,).
        scans
            Scans behind each value of x.
        people
            1: one person's scan on y; m: the mean of m people; None: the mean of all such people.

        Notes
        -----
        A person who reads far from the mean owes a part of it to scan error: predictions are
        drawn towards the mean of the people who made the line, and hold for people like them.
        """
        share = self.reliability(scans)
        values = np.atleast_1d(np.asarray(x, float))
        expected = self.mean_x + share * (values - self.mean_x)
        mean = self.line.predict(expected, people=None)
        slope = self.line.slope.estimate
        one = slope**2 * self.sd_people**2 * (1 - share) + self.sd_beyond**2 + self.sd_y**2
        se = np.sqrt(mean.se**2 + (0.0 if people is None else one / people))
        reach = critical_value(self.line.confidence, self.line.df) * se
        of = {1: "a person", None: "the line"}.get(people, f"a group of {people}")
        beyond = self.line.beyond(values)
        y = mean.estimate
        return Prediction(values, y, se, y - reach, y + reach, of, self.line.confidence, beyond)

    def to_polars(self) -> pl.DataFrame:
        """The line's two rows with the variances beside them."""
        names = ("sd_people", "sd_beyond", "sd_x", "sd_y", "people", "scans")
        return self.line.to_polars().with_columns(
            **{name: pl.lit(getattr(self, name)) for name in names}
        )

    def _repr_html_(self) -> str:
        return self._shown(caption=self.line.method, notes=self.line.notes)

    def _summary(self) -> str:
        return f"{self.line._summary()}, {count(self.scans)} scans"


@on_people("value", "person", "device")
def mixed_line(
    scans: Any = None,
    *,
    value: Column,
    reference: str,
    other: str | None = None,
    person: Column = "person_id",
    device: Column = "device",
    errors: str = "by_device",
    confidence: float = 0.95,
) -> MixedLine:
    """Fit the line of one device on another to repeated scans of the same people.

    Parameters
    ----------
    scans
        A frame of any kind, one row a scan; some people are scanned twice on each device.
    value
        Column of the reading.
    reference, other
        Device x and device y; `other` may be left out where there are two devices.
    person, device
        Columns of identifier and device.
    errors
        "by_device": each device has its own scan error; "common": one for both.
    confidence
        Of the Student intervals, on people − 2 degrees of freedom.

    Returns
    -------
    MixedLine

    Raises
    ------
    SchemaError
        Columns or readings missing, one device only, fewer than three people on both, nobody
        scanned twice.

    Notes
    -----
    η_y = a + b η_x + beyond; reading = η + scan error. Restricted maximum likelihood with the
    means profiled out; intervals by the observed information. One region of interest at a time.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> true = rng.normal(0.9, 0.12, 60).repeat(2)
    >>> frames = [pl.DataFrame({"person_id": np.arange(60).repeat(2), "device": name,
    ...     "bmd": a + b * true + rng.normal(0, 0.012, 120)})
    ...     for name, a, b in (("old", 0, 1), ("new", 0.03, 0.96))]
    >>> fit = mixed_line(pl.concat(frames), value="bmd", reference="old")
    >>> fit.line.slope.compatible_with(0.96), fit.line.slope.compatible_with(1.05)
    (True, False)
    """
    if errors not in ("by_device", "common"):
        raise SchemaError(f"errors={errors!r}: choose 'by_device' or 'common'")
    table, data = _people(as_polars(scans)[0], value, (person, device), (reference, other))
    reml = _Reml(data, common=errors == "common")
    best = _search(reml, reml.start())
    return _result(reml, best, table, confidence)


@dataclass(frozen=True, repr=False)
class VarianceComponents(Result):
    """SD between people, SD within (repeat scans), and the restricted log-likelihood."""

    sd_between: float
    sd_within: float
    log_likelihood: float
    mean: float
    people: int
    scans: int

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self._by_name()])

    def _summary(self) -> str:
        sds = f"{number(self.sd_between)} between, {number(self.sd_within)} within people"
        return f"REML, SD {sds}, n = {count(self.people)}"


@in_callers_kind
def variance_components(
    repeats: Any, *, columns: Sequence[str] | None = None
) -> VarianceComponents:
    """Random-intercept model of repeat scans, any design.

    Parameters
    ----------
    repeats
        Shape (people, scans), NaN where a scan is missing; or a frame.
    columns
        Of a frame, one a scan; all by default.

    Raises
    ------
    SchemaError
        If fewer than three people were scanned, none of them twice, or all repeats agree.

    Notes
    -----
    Balanced designs have a closed form (the ANOVA estimate, where it is positive); others are
    searched over the ratio of the two variances. Same as nlme::lme and lme4.

    Examples
    --------
    >>> components = variance_components([[0.90, 0.91], [1.00, 0.98], [0.85, 0.85]])
    >>> round(components.sd_within, 5)
    0.00913
    """
    values = np.asarray(ratings_given(repeats, columns), float)
    counts = (~np.isnan(values)).sum(axis=1)
    values, counts = values[counts > 0], counts[counts > 0].astype(float)
    if len(counts) < 3 or counts.sum() == len(counts):
        raise SchemaError(
            f"{len(counts)} people with {int(counts.sum())} scans: at least three people, and some "
            "scanned twice, are needed"
        )
    means = np.nanmean(values, axis=1)
    within = float(np.nansum((values - means[:, None]) ** 2))
    if within == 0:
        raise SchemaError("constant readings: all repeats are identical")

    def loss(log_ratio: float) -> float:
        return -_reml(math.exp(log_ratio), counts, means, within)[0]

    if np.ptp(counts) == 0:
        ratio = _balanced(counts, means, within)
    else:
        from scipy import optimize

        optimum = optimize.minimize_scalar(
            loss, bounds=(-25.0, 25.0), method="bounded", options={"xatol": 1e-11}
        )
        ratio = math.exp(optimum.x)
    value, variance, mean = _reml(ratio, counts, means, within)
    return VarianceComponents(
        math.sqrt(ratio * variance),
        math.sqrt(variance),
        value,
        mean,
        len(counts),
        int(counts.sum()),
    )


@dataclass(frozen=True)
class _Groups:
    """People of equal counts together: counts (G, 2), people (G,), Σ means, Σ products of means."""

    n: Floats
    people: Floats
    total: Floats
    products: Floats


@dataclass(frozen=True)
class _People:
    """Sums of P people: counts (P, 2), means (P, 2) with 0 where not scanned, squares (2,)."""

    n: Floats
    mean: Floats
    within: Floats

    @classmethod
    def of(cls, table: pl.DataFrame) -> _People:
        """Take n_x, x, w_x and n_y, y, w_y; null where a person was not scanned on a device."""
        columns = [table.select(f"{p}x", f"{p}y").fill_null(0) for p in ("n_", "", "w_")]
        n, mean, within = (c.cast(pl.Float64).to_numpy() for c in columns)
        people = cls(n, mean, within.sum(axis=0))
        if people.both < 3:
            raise SchemaError(
                f"{people.both} people were scanned on both devices; three are needed"
            )
        if (people.repeats <= 0).any():
            raise SchemaError(
                "nobody was scanned twice on one of the devices: without repeats scan error and "
                "people's own differences cannot be told apart; use deming with a known error ratio"
            )
        if (people.within == 0).any():
            raise SchemaError("constant readings: all repeats on one of the devices are identical")
        return people

    @cached_property
    def groups(self) -> _Groups:
        """All that the likelihood needs of the means, whatever the number of people."""
        n, place = np.unique(self.n, axis=0, return_inverse=True)
        member = (place.ravel() == np.arange(len(n))[:, None]).astype(float)
        products = np.einsum("gp,pi,pj->gij", member, self.mean, self.mean)
        return _Groups(n, member.sum(axis=1), member @ self.mean, products)

    @property
    def both(self) -> int:
        """People on both devices."""
        return int((self.n > 0).all(axis=1).sum())

    @property
    def repeats(self) -> Floats:
        """(2,) scans beyond each person's first."""
        return np.maximum(self.n - 1, 0).sum(axis=0)

    @property
    def counts(self) -> tuple[int, int]:
        """People and scans."""
        return len(self.n), int(self.n.sum())


@dataclass(frozen=True)
class _Reml:
    """The restricted likelihood of people's scans.

    Parameters: log SD of people on x, slope, log SD beyond the line, log scan errors (one or two).
    The two means are profiled out. With at most two means a person, everything is 2 × 2.
    """

    people: _People
    common: bool

    def start(self) -> Floats:
        """Moments, as a place to begin."""
        data = self.people
        error = data.within / data.repeats
        two = data.mean[(data.n > 0).all(axis=1)]
        spread = np.cov(two.T)
        own = max(spread[0, 0] - error[0], spread[0, 0] / 2)
        slope = spread[0, 1] / own
        beyond = max(spread[1, 1] - slope * spread[0, 1] - error[1], error[1] / 10)
        errors = [error.mean()] if self.common else error
        return np.array([0.5 * np.log(own), slope, 0.5 * np.log(beyond), *(0.5 * np.log(errors))])

    def sizes(self, at: Floats) -> dict[str, float]:
        """The SDs by name."""
        people, beyond, x, y = np.exp([at[0], at[2], at[3], at[-1]]).tolist()
        return {"sd_people": people, "sd_beyond": beyond, "sd_x": x, "sd_y": y}

    def means(self, at: Floats) -> tuple[Floats, Floats]:
        """(2,) mean of x and of y, and their (2, 2) covariance."""
        information, weighted, _ = self._between(at)
        return np.linalg.solve(information, weighted), np.linalg.inv(information)  # type: ignore[return-value]

    def loss(self, at: Floats) -> float:
        """Minus the restricted log-likelihood."""
        data = self.people
        information, weighted, rest = self._between(at)
        sign, determinant = np.linalg.slogdet(information)
        if sign <= 0:
            return np.inf
        squares = rest - weighted @ np.linalg.solve(information, weighted)
        error = np.exp(2 * np.array([at[3], at[-1]]))
        inside = float(data.repeats @ np.log(error) + (data.within / error).sum())
        counts = np.log(data.n[data.n > 0]).sum()
        constant = (data.n.sum() - 2) * np.log(2 * np.pi)
        return 0.5 * float(squares + determinant + inside + counts + constant)

    def _between(self, at: Floats) -> tuple[Floats, Floats, float]:
        """Σ V⁻¹, Σ V⁻¹ m, and Σ m'V⁻¹m + log|V| over people."""
        groups, slope = self.people.groups, at[1]
        own, beyond = np.exp(2 * at[0]), np.exp(2 * at[2])
        error = np.exp(2 * np.array([at[3], at[-1]]))
        there = groups.n > 0
        single = error / np.where(there, groups.n, 1.0)
        xx, yy = own + single[:, 0], slope**2 * own + beyond + single[:, 1]
        xy = np.where(there.all(axis=1), slope * own, 0.0)
        # A device without scans of a person: variance 1 for the determinant, information 0.
        xx, yy = np.where(there[:, 0], xx, 1.0), np.where(there[:, 1], yy, 1.0)
        determinant = xx * yy - xy**2
        inverse = np.array([[yy, -xy], [-xy, xx]]) / determinant
        inverse *= (there[:, :, None] & there[:, None, :]).transpose(1, 2, 0)
        weighted = np.einsum("ijg,gj->i", inverse, groups.total)
        rest = np.einsum("ijg,gij->", inverse, groups.products)
        return inverse @ groups.people, weighted, float(rest + groups.people @ np.log(determinant))


def _hessian(loss: Callable[[Floats], float], at: Floats, *, step: float = 1e-3) -> Floats:
    """Second derivatives by central differences; parameters are logs and a slope, of size one."""
    size = len(at)
    steps = np.eye(size) * step
    out = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            corners = [
                sign * loss(at + a * steps[i] + b * steps[j])
                for sign, a, b in ((1, 1, 1), (-1, 1, -1), (-1, -1, 1), (1, -1, -1))
            ]
            out[i, j] = out[j, i] = sum(corners) / (4 * step**2)
    return out


def _search(reml: _Reml, start: Floats) -> Floats:
    """The largest restricted likelihood, from two sides: with and without scatter of its own."""
    from scipy import optimize

    quiet = start.copy()
    quiet[2] -= 3.0
    # Logarithms need ends: the scatter beyond the line may be zero, and no SD is e⁵ times off.
    wide: list[tuple[float | None, float | None]] = [(one - 5.0, one + 5.0) for one in start]
    wide[1] = (None, None)
    wide[2] = (float(start[-1]) - 10.0, float(start[0]) + 5.0)
    optima = [
        optimize.minimize(
            reml.loss, begin, method="L-BFGS-B", jac="3-point", bounds=wide, options=_STOP
        )
        for begin in (start, quiet)
    ]
    return min(optima, key=lambda one: float(one.fun)).x


def _result(reml: _Reml, best: Floats, table: pl.DataFrame, confidence: float) -> MixedLine:
    sizes = reml.sizes(best)
    mean, spread = reml.means(best)
    slope, data = float(best[1]), reml.people
    free = [0, 1, *range(3, len(best))]
    if sizes["sd_beyond"] > FLAT * sizes["sd_y"]:
        free = list(range(len(best)))
    at_best = _restricted(reml.loss, best, free)
    variance = float(np.linalg.inv(_hessian(at_best, best[free]))[free.index(1), free.index(1)])
    turn = np.array([-slope, 1.0])
    between = -mean[0] * variance
    covariance = [[turn @ spread @ turn + mean[0] ** 2 * variance, between], [between, variance]]
    df = data.both - 2
    estimate = [mean[1] - slope * mean[0], slope]
    intercept, gradient = coefficients(estimate, covariance, df=df, confidence=confidence)
    line = Line(
        method="mixed model for repeated scans (REML)",
        interval="observed information",
        intercept=intercept,
        slope=gradient,
        covariance=as_covariance(covariance),
        n=data.both,
        n_missing=0,
        df=df,
        confidence=confidence,
        residual_sd=float(np.hypot(sizes["sd_beyond"], sizes["sd_y"])),
        error_model="constant",
        x_range=(float(table["x"].min()), float(table["x"].max())),  # type: ignore[arg-type]
        notes=("predict() of the line takes a density without scan error; the result's, scans",),
    )
    value = -reml.loss(best)
    people, scans = data.counts
    return MixedLine(
        line,
        **sizes,
        mean_x=float(mean[0]),
        log_likelihood=value,
        people=people,
        scans=scans,
    )


def _restricted(
    loss: Callable[[Floats], float], best: Floats, free: list[int]
) -> Callable[[Floats], float]:
    def of_free(values: Floats) -> float:
        whole = best.copy()
        whole[free] = values
        return loss(whole)

    return of_free


def _people(
    frame: Any, value: str, names: tuple[str, str], devices: tuple[str, str | None]
) -> tuple[pl.DataFrame, _People]:
    """Counts, means and squares of each person's scans on either device."""
    person, device = names
    there = frame.lazy().collect_schema().names()
    absent = [name for name in (person, device, value) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")
    refuse_words(frame.collect_schema(), [value], purpose="a line between devices")
    reading = pl.col(value).cast(pl.Float64).fill_nan(None)
    table = frame.lazy().select(person, pl.col(device).cast(pl.String), reading).collect()
    if table[value].null_count():
        raise SchemaError(f"{table[value].null_count()} readings of {value!r} are missing")
    known = sorted(table[device].drop_nulls().unique().to_list())
    x, y = devices[0], devices[1] or next((d for d in known if d != devices[0]), None)
    if x not in known or y not in known or (devices[1] is None and len(known) > 2):
        raise SchemaError(f"two devices are needed, reference= and other=; there are {known}")
    table = table.rename({person: "_person"})  # may be called as a moment is
    parts = [
        moments(table.filter(pl.col(device) == name), ["_person"], value).rename(
            {"n": f"n_{axis}", "mean": axis, "squares": f"w_{axis}"}
        )
        for axis, name in (("x", x), ("y", y))
    ]
    joined = parts[0].join(parts[1], on="_person", how="full", coalesce=True).sort("_person")
    return joined, _People.of(joined)


def _balanced(counts: Floats, means: Floats, within: float) -> float:
    k, n = counts[0], len(counts)
    error = within / (n * (k - 1))
    return max((float(means.var(ddof=1)) - error / k) / error, 0.0)


def _reml(ratio: float, counts: Floats, means: Floats, within: float) -> tuple[float, float, float]:
    """Restricted log-likelihood at between/within = ratio, with the variance profiled out."""
    precision = counts / (1 + counts * ratio)
    mean = float(precision @ means / precision.sum())
    squares = within + float(precision @ (means - mean) ** 2)
    df = counts.sum() - 1
    variance = squares / df
    determinant = float(np.log1p(counts * ratio).sum()) + math.log(precision.sum())
    value = -(df * (math.log(2 * math.pi * variance) + 1) + determinant) / 2
    return float(value), float(variance), mean
