"""What happened at each risk without a line in mind: groups of people, and a curve with a band."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from osteo_epi import population
from osteo_epi.accuracy import Measure
from osteo_epi.agreement import critical_value
from osteo_epi.risk.association import spline_basis
from osteo_epi.risk.performance._predictions import Predictions
from osteo_epi.risk.performance._recalibration import (
    Fit,
    Link,
    fit,
    knots_of,
    weighted_quantile,
)
from osteo_epi.survey import Array, Mask, survey_interval

CURVES = ("spline", "lowess")
GRID, BINS, SPAN = 101, 50, 2 / 3


@dataclass(frozen=True)
class Flexible:
    """A curve of observed over predicted risk, how far people are from it, and notes."""

    points: pl.DataFrame
    distances: dict[str, float]
    method: str
    notes: tuple[str, ...] = ()


def observed_risk(read: Predictions, group: Mask, confidence: float) -> Measure:
    """Risk of a group of people with limits.

    Wilson's of people drawn one by one, Korn and Graubard's with a design; of a follow-up on the
    complementary log-log scale.
    """
    n = int(group.sum())
    if read.answers is not None and read.sample.simple:
        events = int((group & read.answers.yes).sum())
        result = population.rates.proportion(events, n, method="wilson", confidence=confidence)
        p = float(result.estimate)
        return Measure(p, math.sqrt(p * (1 - p) / n), float(result.lower), float(result.upper), n,
                       "wilson")  # fmt: skip

    def statistic(weight: Array) -> tuple[Array, Array]:
        value, linear = read.outcome.linear(weight, group)
        return np.array([value]), linear[:, None]

    joint = read.joint(statistic)
    value, se = float(joint.value[0]), joint.error([1])
    if read.answers is not None:
        ends = survey_interval(value, se, n=n, df=read.sample.df(group), confidence=confidence)
        lower, upper = (float(np.ravel(end)[0]) for end in ends)
        return Measure(value, se, lower, upper, n, "beta")
    if not (0 < value < 1 and se > 0):
        return Measure(value, se, None, None, n, "log-log")
    reach = joint.quantile(confidence) * se / ((1 - value) * -math.log1p(-value))
    lower, upper = (1 - (1 - value) ** math.exp(side * reach) for side in (-1, 1))
    return Measure(value, se, lower, upper, n, "log-log")


def observed_by_group(
    read: Predictions, risk: Array, groups: int, confidence: float
) -> pl.DataFrame:
    """Observed risk in groups of equally many people by predicted risk."""
    weight, rows = read.sample.weight, read.rows
    shares = np.arange(1, groups) / groups
    breaks = np.unique(weighted_quantile(risk[rows], weight[rows], shares))
    code = np.where(rows, np.searchsorted(breaks, risk), -1)
    table: list[dict[str, float | None]] = []
    for one in np.unique(code[rows]):
        group = code == one
        inside = risk[group]
        m = observed_risk(read, group, confidence)
        table.append(
            {
                "group": len(table) + 1, "risk_from": inside.min(), "risk_to": inside.max(),
                "n": m.n, "n_events": read.events(group),
                "mean_risk": float(np.average(inside, weights=weight[group])),
                "observed": m.estimate, "se": m.se, "lower": m.lower, "upper": m.upper,
            }
        )  # fmt: skip
    return pl.DataFrame(table, schema_overrides={"lower": pl.Float64, "upper": pl.Float64})


def distribution(read: Predictions, risk: Array) -> pl.DataFrame:
    """Share of people in fifty bins of risk."""
    weight = read.sample.weight[read.rows]
    shares, edges = np.histogram(risk[read.rows], BINS, weights=weight / weight.sum())
    return pl.DataFrame({"risk_from": edges[:-1], "risk_to": edges[1:], "share": shares})


def flexible_curve(
    read: Predictions, risk: Array, link: Link, way: str, knots: int, confidence: float
) -> Flexible:
    """The curve, by a spline with its band or by lowess."""
    if way == "lowess":
        return _lowess(read, risk)
    eta, weight = link.of(risk[read.rows]), read.sample.weight[read.rows]
    places = knots_of(eta, weight, knots)
    if len(places) < 3:
        note = "too few different risks for a curve: it takes three knots; read the groups"
        return Flexible(_points(), {}, "none", (note,))
    table = np.column_stack([np.ones_like(eta), spline_basis(eta, places)])
    start = np.eye(table.shape[1])[1]

    def regress(w: Array) -> Fit:
        y = read.outcome.values(w, read.rows)[read.rows]
        return fit(y, table, w[read.rows], link, start=start)

    def statistic(w: Array) -> tuple[Array, Array]:
        result = regress(w)
        linear = np.zeros((len(w), len(result.value)))
        linear[read.rows] = result.influence
        return result.value, linear

    joint = read.joint(statistic)
    grid = np.linspace(eta.min(), eta.max(), GRID)
    at = np.column_stack([np.ones(GRID), spline_basis(grid, places)])
    errors = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", at, joint.covariance, at), 0.0))
    reach = critical_value(confidence, joint.df) * errors
    middle = at @ joint.value
    points = _points(link.back(grid), *(link.back(middle + side * reach) for side in (0, -1, 1)))
    gaps = np.abs(link.back(table @ joint.value) - risk[read.rows])
    return Flexible(points, _distances(gaps, weight), f"spline, {len(places)} knots")


def _lowess(read: Predictions, risk: Array) -> Flexible:
    """Cleveland's local lines without robustness, as R's `lowess(p, y, iter = 0)`."""
    from statsmodels.nonparametric.smoothers_lowess import lowess

    p = risk[read.rows]
    y = read.outcome.values(read.sample.weight, read.rows)[read.rows]
    smooth = lowess(y, p, frac=SPAN, it=0, delta=0.01 * np.ptp(p))
    x, first = np.unique(smooth[:, 0], return_index=True)
    line = smooth[first, 1]
    grid = np.linspace(x[0], x[-1], GRID)
    gaps = np.abs(np.interp(p, x, line) - p)
    none = np.full(GRID, np.nan)
    points = _points(grid, np.interp(grid, x, line), none, none).fill_nan(None)
    return Flexible(points, _distances(gaps, np.ones(len(p))), "lowess")


def _points(*columns: Array) -> pl.DataFrame:
    names = ("risk", "observed", "lower", "upper")
    given = columns or (np.zeros(0),) * len(names)
    return pl.DataFrame(dict(zip(names, given, strict=True)))


def _distances(gaps: Array, weight: Array) -> dict[str, float]:
    """Mean, median, ninth decile and largest distance."""
    middle, ninth = weighted_quantile(gaps, weight, (0.5, 0.9))
    return {
        "ici": float(np.average(gaps, weights=weight)), "e50": float(middle), "e90": float(ninth),
        "emax": float(gaps.max()),
    }  # fmt: skip
