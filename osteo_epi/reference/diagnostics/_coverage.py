"""How many people lie below each centile, against how many should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.reference.diagnostics._residuals import Band, Residuals
from osteo_epi.survey import INTERVAL_NAMES, Array, survey_interval

METHOD, CAREFUL = "wilson", "beta"
NOBODY = 1e-12
"""A share as near to 0 or 1 is one but for rounding."""
SCHEMA = {
    "ages": pl.String, "first": pl.Float64, "last": pl.Float64, "percent": pl.Float64,
    "nominal": pl.Float64, "n": pl.Int64, "share": pl.Float64, "se": pl.Float64,
    "lower": pl.Float64, "upper": pl.Float64, "shift": pl.Float64, "beyond_chance": pl.Boolean,
    "interval": pl.String,
}  # fmt: skip


def by_age(
    residuals: Residuals,
    percents: Sequence[float],
    *,
    confidence: float,
    significance: float,
) -> pl.DataFrame:
    """Coverage of all ages together, then of each band: half the chance of a false alarm each."""
    bands = [band for band in residuals.bands if band.rows.sum() > 1]
    level = {"confidence": confidence, "significance": significance / 2}
    parts = ([residuals.everybody], bands)
    return pl.concat([coverage(residuals, part, percents, **level) for part in parts])


def coverage(
    residuals: Residuals,
    bands: Sequence[Band],
    percents: Sequence[float],
    *,
    confidence: float,
    significance: float,
) -> pl.DataFrame:
    """Share below each centile in bands of age.

    Returns
    -------
    DataFrame
        ages, first, last [years], percent (of the centile), nominal and share (0 to 1), se, lower,
        upper (by the design, see `interval`), n, shift [SD] by which the centile lies too high,
        and beyond_chance: whether the nominal share lies outside the exact interval at
        `significance`, divided by the number of rows (Bonferroni), of no more people than their
        effective number.
    """
    from scipy.special import ndtri

    nominal = np.asarray(percents, dtype=float) / 100
    cells = len(bands) * len(nominal)
    rows: list[dict[str, Any]] = []
    below = (residuals.z[:, None] <= ndtri(nominal)).astype(float)
    for band in bands:
        found = residuals.means(below, band.rows)
        share, se = found.value, found.se
        df = max(found.df, 1)
        lower, upper = survey_interval(
            share, se, n=found.n, df=df, method=METHOD, confidence=confidence
        )
        low, high = _careful(share, se, found.n, residuals.size(band.rows), df,
                             1 - significance / cells)  # fmt: skip
        shifts = _shift(share, nominal, found.n)
        rows += [
            band.columns
            | {"percent": 100 * p, "nominal": p, "n": found.n, "share": s, "se": e, "lower": a,
               "upper": b, "shift": d, "beyond_chance": not bool(c <= p <= f),
               "interval": INTERVAL_NAMES[METHOD]}
            for p, s, e, a, b, d, c, f in zip(
                nominal, share, se, lower, upper, shifts, low, high, strict=True
            )
        ]  # fmt: skip
    return pl.DataFrame(rows, schema=SCHEMA)


def _careful(
    share: Array, se: Array, n: int, size: float, df: float, confidence: float
) -> tuple[Array, Array]:
    """Exact limits of shares, of no more people than their weights leave.

    A share that chance makes small has a small error of its own, so that in the tails its limits
    would miss a true centile too often; its error is therefore never below that of `size` people.
    """
    share = np.where(np.abs(share - np.round(share)) < NOBODY, np.round(share), share)
    error = np.maximum(se, np.sqrt(share * (1 - share) / size))
    certain = (share == 0) | (share == 1)
    people = np.where(certain, min(n, size), n)
    error = np.where(certain, 0.0, error)
    return survey_interval(share, error, n=people, df=df, method=CAREFUL, confidence=confidence)


def _shift(share: Array, nominal: Array, n: int) -> Array:
    """Too high a centile has more people below: the distance of the two shares in SD."""
    from scipy.special import ndtri

    # Nobody below is a share of less than half a person.
    return np.asarray(ndtri(np.clip(share, 0.5 / n, 1 - 0.5 / n)) - ndtri(nominal))
