"""How many people lie below each centile, against how many should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.reference.diagnostics._residuals import Band, Residuals
from osteo_epi.survey import INTERVAL_NAMES, Array, survey_interval

METHOD, CAREFUL = "wilson", "beta"
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
        `significance`, divided by the number of rows (Bonferroni).
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
        low, high = survey_interval(
            share, se, n=found.n, df=df, method=CAREFUL, confidence=1 - significance / cells
        )
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


def _shift(share: Array, nominal: Array, n: int) -> Array:
    """Too high a centile has more people below: the distance of the two shares in SD."""
    from scipy.special import ndtri

    # Nobody below is a share of less than half a person.
    return np.asarray(ndtri(np.clip(share, 0.5 / n, 1 - 0.5 / n)) - ndtri(nominal))
