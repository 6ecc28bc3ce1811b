"""Does a correction between two methods hold for people who did not make it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.calibration.deming import ErrorRatio
from osteo_epi.calibration.pairs import Missing, paired
from osteo_epi.calibration.regression import Method, fit_line
from osteo_epi.calibration.table import html_table
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CrossValidation:
    """How a correction fares on people who did not make it, against none and against a shift."""

    rmse: float
    bias: float
    rmse_uncorrected: float
    bias_uncorrected: float
    rmse_shift: float
    folds: int
    repeats: int
    n: int
    seed: int
    method: str

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([vars(self)])

    def _repr_html_(self) -> str:
        note = "a correction that does not beat the shift of the mean is not worth its parameters"
        return html_table(self.to_frame(), caption="cross-validation", notes=(note,))


def cross_validate(
    x: ArrayLike,
    y: ArrayLike,
    *,
    method: Method,
    folds: int = 10,
    repeats: int = 5,
    seed: int = 0,
    error_ratio: float | ErrorRatio = 1.0,
    missing: Missing = "fail",
) -> CrossValidation:
    """Cross-validate the correction of method x to method y.

    Parameters
    ----------
    x, y
        Readings of the two methods in one unit, shape (n,).
    method, error_ratio
        See `fit_line`.
    folds, repeats, seed
        People are dealt into folds at random, several times.
    missing
        See `pairs.paired`.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(1.0, 0.15, 40)
    >>> result = cross_validate(x, 1.1 * x - 0.05 + rng.normal(0, 0.01, 40), method="deming")
    >>> result.rmse < result.rmse_uncorrected
    True
    """
    pairs = paired(x, y, missing=missing)
    if pairs.n < 2 * folds:
        raise SchemaError(
            f"{pairs.n} pairs for {folds} folds: at least two people a fold are needed; use fewer "
            "folds"
        )
    fast = {"deming": "analytic", "passing_bablok": "analytic", "theil_sen": "ranks"}.get(method)

    def line(a: Floats, b: Floats) -> Callable[[Floats], Floats]:
        return fit_line(a, b, method=method, error_ratio=error_ratio, interval=fast).at

    rng = np.random.default_rng(seed)
    errors, shifts = [], []
    for _ in range(repeats):
        fold = rng.permutation(np.arange(pairs.n) % folds)
        for k in range(folds):
            out = fold == k
            a, b = pairs.x[~out], pairs.y[~out]
            errors.append(line(a, b)(pairs.x[out]) - pairs.y[out])
            shifts.append(pairs.x[out] + (b - a).mean() - pairs.y[out])
    raw = pairs.x - pairs.y

    def rms(v: Floats) -> float:
        return float(np.sqrt(np.mean(v**2)))

    corrected = np.concatenate(errors)
    return CrossValidation(
        rms(corrected),
        float(corrected.mean()),
        rms(raw),
        float(raw.mean()),
        rms(np.concatenate(shifts)),
        folds,
        repeats,
        pairs.n,
        seed,
        method,
    )
