"""Correlation, named for what it is: association, never agreement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from scipy import stats

from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.pairs import Missing, paired
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

NOTE = (
    "Association, not agreement: a method that reads twice the other correlates perfectly. "
    "Read the limits of agreement and the line."
)


@dataclass(frozen=True)
class Association:
    """Pearson's r and R² with intervals, Spearman's rho, Kendall's tau-b."""

    pearson: Estimate
    r_squared: Estimate
    spearman: float
    kendall: float
    n: int
    n_missing: int
    confidence: float
    note: str = NOTE

    def to_frame(self) -> pl.DataFrame:
        """One row per coefficient."""
        plain = [Estimate(v, None, None, None) for v in (self.spearman, self.kendall)]
        names = ("pearson", "r_squared", "spearman", "kendall")
        values = (self.pearson, self.r_squared, *plain)
        rows = [{"statistic": k, **v.as_row()} for k, v in zip(names, values, strict=True)]
        types = dict.fromkeys(("se", "lower", "upper"), pl.Float64)
        frame = pl.DataFrame(rows, schema_overrides=types)
        return frame.with_columns(
            n=pl.lit(self.n), confidence=pl.lit(self.confidence), note=pl.lit(self.note)
        )

    def _repr_html_(self) -> str:
        return html_table(self.to_frame().drop("note"), caption="association", notes=(self.note,))


def association(
    x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95, missing: Missing = "fail"
) -> Association:
    """Correlate two methods.

    Parameters
    ----------
    x, y
        Readings, shape (n,), n > 3; units may differ.
    confidence
        Of the interval after Fisher's transformation; that of R² is its square (from 0 where r's
        interval holds 0).
    missing
        See `pairs.paired`.

    Examples
    --------
    >>> round(association([1, 2, 3, 4], [2, 4, 6, 9]).pearson.estimate, 4)
    0.9944
    """
    pairs = paired(x, y, missing=missing)
    if pairs.n < 4:
        raise SchemaError("the interval of a correlation needs at least four pairs")
    r = float(np.corrcoef(pairs.x, pairs.y)[0, 1])
    low, high = _fisher(r, pairs.n, confidence)
    ends = sorted((low**2, high**2))
    return Association(
        Estimate(r, None, low, high),
        Estimate(r**2, None, 0.0 if low <= 0 <= high else ends[0], ends[1]),
        float(stats.spearmanr(pairs.x, pairs.y).statistic),
        float(stats.kendalltau(pairs.x, pairs.y).statistic),
        pairs.n,
        pairs.n_missing,
        confidence,
    )


def _fisher(r: float, n: int, confidence: float) -> tuple[float, float]:
    if abs(r) >= 1:
        return r, r
    reach = float(stats.norm.ppf((1 + confidence) / 2)) / math.sqrt(n - 3)
    return math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach)
