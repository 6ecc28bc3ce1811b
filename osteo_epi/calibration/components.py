"""Variance between and within people, by restricted maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class VarianceComponents:
    """SD between people, SD within (repeat scans), and the restricted log-likelihood."""

    sd_between: float
    sd_within: float
    log_likelihood: float
    mean: float
    people: int
    scans: int

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([vars(self)])

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption="variance components (REML)")


def variance_components(repeats: ArrayLike) -> VarianceComponents:
    """Random-intercept model of repeat scans, any design.

    Parameters
    ----------
    repeats
        Shape (people, scans), NaN where a scan is missing.

    Notes
    -----
    Balanced designs have a closed form (the ANOVA estimate, where it is positive); others are
    searched over the ratio of the two variances. Same as nlme::lme and lme4.

    Examples
    --------
    >>> found = variance_components([[0.90, 0.91], [1.00, 0.98], [0.85, 0.85]])
    >>> round(found.sd_within, 5)
    0.00913
    """
    values = np.asarray(repeats, float)
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
        found = optimize.minimize_scalar(
            loss, bounds=(-25.0, 25.0), method="bounded", options={"xatol": 1e-11}
        )
        ratio = math.exp(found.x)
    value, variance, mean = _reml(ratio, counts, means, within)
    return VarianceComponents(
        math.sqrt(ratio * variance),
        math.sqrt(variance),
        value,
        mean,
        len(counts),
        int(counts.sum()),
    )


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
