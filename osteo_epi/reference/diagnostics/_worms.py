"""Worm plots: ordered residuals less what normal ones would be, and the cubic through them.

Van Buuren & Fredriks 2001, doi:10.1002/sim.746. Offset, slope, curvature and S-shape of a worm are
faults of the median, the spread, the skewness and the tails.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from osteo_epi.agreement import critical_value
from osteo_epi.reference.diagnostics._residuals import Band, Residuals
from osteo_epi.survey import Array

COEFFICIENTS = ("b0", "b1", "b2", "b3")
# Variances times n of the coefficients under a normal distribution: the Hermite coefficients of
# the quantile's expansion have 1/(k + 1)!, and b0 = h0 − h2, b1 = h1 − 3 h3.
CHANCE = np.array([7 / 6, 7 / 8, 1 / 6, 1 / 24])
# More of it among few people, over n: by simulation of 20 to 400 normal people.
CHANCE_OF_FEW = np.array([0.0, 5.0, 4.0, 28.0])
POINTS = 400
"""Points kept of each worm, both ends among them: as many as a figure shows."""


def positions(weight: Array) -> Array:
    """(n,) shares below ordered people: their own half, and all before them."""
    return np.asarray((np.cumsum(weight) - weight / 2) / weight.sum())


def worms(residuals: Residuals, confidence: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Points and coefficients of the worm of each band.

    Returns
    -------
    tuple of DataFrame
        ages, first, last, expected, deviation, lower, upper [SD] (pointwise limits of a normal
        distribution); and ages, first, last, n, n_effective, b0 … b3, se_b0 … se_b3 (under a
        normal distribution).
    """
    found = list(_each(residuals, confidence))
    return pl.concat([points for points, _ in found]), pl.concat([rows for _, rows in found])


def _each(residuals: Residuals, confidence: float) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    for band, size in zip(residuals.bands, residuals.effective, strict=True):
        order = np.argsort(residuals.z[band.rows], kind="stable")
        z = residuals.z[band.rows][order]
        weight = residuals.weight[band.rows][order]
        yield _points(band, z, weight, size, confidence), _cubic(band, z, weight, size)


def _points(band: Band, z: Array, weight: Array, size: float, confidence: float) -> pl.DataFrame:
    from scipy.special import ndtri

    share = positions(weight)
    kept = np.unique(np.linspace(0, len(z) - 1, min(len(z), POINTS)).round().astype(int))
    expected = ndtri(share[kept])
    density = np.exp(-0.5 * expected**2) / np.sqrt(2 * np.pi)
    reach = critical_value(confidence) * np.sqrt(share[kept] * (1 - share[kept]) / size) / density
    points = {"expected": expected, "deviation": z[kept] - expected, "lower": -reach,
              "upper": reach}  # fmt: skip
    return pl.DataFrame(points).select(
        *(pl.lit(value).alias(name) for name, value in band.columns.items()), pl.all()
    )


def _cubic(band: Band, z: Array, weight: Array, size: float) -> pl.DataFrame:
    from scipy.special import ndtri

    expected = ndtri(positions(weight))
    powers = np.vander(expected, 4, increasing=True)
    root = np.sqrt(weight / weight.sum())
    fitted = np.linalg.lstsq(powers * root[:, None], (z - expected) * root, rcond=None)[0]
    errors = np.sqrt(CHANCE * (1 + CHANCE_OF_FEW / size) / size)
    row = band.columns | {"n": len(z), "n_effective": size}
    row |= dict(zip(COEFFICIENTS, fitted.tolist(), strict=True))
    row |= {f"se_{name}": se for name, se in zip(COEFFICIENTS, errors.tolist(), strict=True)}
    return pl.DataFrame([row])
