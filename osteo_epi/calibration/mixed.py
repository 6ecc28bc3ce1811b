"""Repeated scans of people on two devices: the line between what the devices would read on average.

A line through single scans is drawn towards zero by the error of x, and understates how much
converted values vary. With repeats a mixed model tells apart what a line through single readings
mixes: people's densities, how people differ between devices beyond the line, and scan error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from osteo_epi.calibration.line import Line, Prediction, as_covariance, coefficients
from osteo_epi.calibration.mixed_likelihood import People, Reml, hessian
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError
from osteo_epi.frames import enter

Floats = NDArray[np.float64]

FLAT = 1e-4
"""A scatter beyond the line below this share of the scan error is nought, at its boundary."""


@dataclass(frozen=True)
class MixedLine:
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
        found = self.line.predict(expected, people=None)
        slope = self.line.slope.estimate
        one = slope**2 * self.sd_people**2 * (1 - share) + self.sd_beyond**2 + self.sd_y**2
        se = np.sqrt(found.se**2 + (0.0 if people is None else one / people))
        reach = stats.t.ppf((1 + self.line.confidence) / 2, self.line.df) * se
        of = {1: "a person", None: "the line"}.get(people, f"a group of {people}")
        low, high = self.line.x_range
        beyond = int(((values < low) | (values > high)).sum())
        y = found.estimate
        return Prediction(values, y, se, y - reach, y + reach, of, self.line.confidence, beyond)

    def to_frame(self) -> pl.DataFrame:
        """The line's two rows with the variances beside them."""
        names = ("sd_people", "sd_beyond", "sd_x", "sd_y", "people", "scans")
        return self.line.to_frame().with_columns(
            **{name: pl.lit(getattr(self, name)) for name in names}
        )

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption=self.line.method, notes=self.line.notes)


def mixed_line(
    scans: Any,
    *,
    value: str,
    reference: str,
    other: str | None = None,
    person: str = "person_id",
    device: str = "device",
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
    table, data = _people(enter(scans)[0], value, (person, device), (reference, other))
    reml = Reml(data, common=errors == "common")
    best = _search(reml, reml.start())
    return _result(reml, best, table, confidence)


def _search(reml: Reml, start: Floats) -> Floats:
    """The largest restricted likelihood, from two sides: with and without scatter of its own."""
    quiet = start.copy()
    quiet[2] -= 3.0
    # Logarithms need ends: the scatter beyond the line may be nought, and no SD is e⁵ times off.
    wide: list[tuple[float | None, float | None]] = [(one - 5.0, one + 5.0) for one in start]
    wide[1] = (None, None)
    wide[2] = (float(start[-1]) - 10.0, float(start[0]) + 5.0)
    found = [
        optimize.minimize(
            reml.loss, begin, method="L-BFGS-B", jac="3-point", bounds=wide, options=_STOP
        )
        for begin in (start, quiet)
    ]
    return min(found, key=lambda one: float(one.fun)).x


_STOP = {"ftol": 1e-12, "gtol": 1e-7, "maxiter": 500, "maxls": 50}


def _result(reml: Reml, best: Floats, table: pl.DataFrame, confidence: float) -> MixedLine:
    sizes = reml.sizes(best)
    mean, spread = reml.means(best)
    slope, data = float(best[1]), reml.people
    free = [0, 1, *range(3, len(best))]
    if sizes["sd_beyond"] > FLAT * sizes["sd_y"]:
        free = list(range(len(best)))
    at_best = _restricted(reml.loss, best, free)
    variance = float(np.linalg.inv(hessian(at_best, best[free]))[free.index(1), free.index(1)])
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
) -> tuple[pl.DataFrame, People]:
    """Counts, means and squares of each person's scans on either device."""
    person, device = names
    there = frame.lazy().collect_schema().names()
    absent = [name for name in (person, device, value) if name not in there]
    if absent:
        raise SchemaError(f"columns {absent} are missing; there are {there}")
    table = frame.lazy().select(person, pl.col(device).cast(pl.String), value).collect()
    if table[value].null_count():
        raise SchemaError(f"{table[value].null_count()} readings of {value!r} are missing")
    found = sorted(table[device].drop_nulls().unique().to_list())
    x, y = devices[0], devices[1] or next((d for d in found if d != devices[0]), None)
    if x not in found or y not in found or (devices[1] is None and len(found) > 2):
        raise SchemaError(f"two devices are needed, reference= and other=; there are {found}")
    parts = [
        table.filter(pl.col(device) == name)
        .group_by(person)
        .agg(
            pl.len().alias(f"n_{axis}"),
            pl.col(value).mean().alias(axis),
            ((pl.col(value) - pl.col(value).mean()) ** 2).sum().alias(f"w_{axis}"),
        )
        for axis, name in (("x", x), ("y", y))
    ]
    joined = parts[0].join(parts[1], on=person, how="full", coalesce=True).sort(person)
    return joined, People.of(joined)
