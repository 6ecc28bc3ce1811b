"""Linear regression of a density, with errors of the design or of least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from osteo_epi.accuracy import Sample
from osteo_epi.survey import Array, Mask, SurveyDesign, survey_regression


@dataclass(frozen=True)
class LinearFit:
    """Coefficients without the intercept (p,), their (p, p) covariance, and what is left.

    `squares` is the weighted sum of squared residuals; `method` names the limits.
    """

    value: Array
    covariance: Array
    df: float
    squares: float
    method: str


def fit_linear(
    sample: Sample, outcome: Array, x: Array, *, rows: Mask, names: Sequence[str]
) -> LinearFit:
    """Fit a mean that is linear in the columns.

    Parameters
    ----------
    sample
        How people were drawn.
    outcome, x
        (n,) density and (n, p) columns, finite in the (n,) `rows`.
    rows, names
        People of the model, and the (p,) names of the columns.

    Returns
    -------
    LinearFit
        People drawn one by one: least squares with its covariance on n − p − 1 degrees of freedom.
        A survey: weighted, with the covariance of the design, on its degrees of freedom less p.

    Raises
    ------
    DesignError
        If columns repeat each other, or the outcome is the same in everybody.
    """
    table = np.column_stack([np.ones(len(x)), x])
    arrays = sample.arrays
    if arrays is None:
        everyone = SurveyDesign().arrays(pl.DataFrame({"row": np.arange(len(x))}))
        arrays = replace(everyone, weight=sample.weight)
    fit = survey_regression(outcome, table, arrays, names=("(Intercept)", *names), domain=rows)
    kept, y, weight = table[rows], outcome[rows], sample.weight[rows]
    squares = float(weight @ (y - kept @ fit.value) ** 2)
    n, p = kept.shape
    if sample.simple:
        spread = squares / (n - p) * np.linalg.inv(kept.T @ kept) if n > p else fit.covariance
        return LinearFit(fit.value[1:], spread[1:, 1:], n - p, squares, "least squares")
    if sample.arrays is not None:
        spread = fit.covariance[1:, 1:]
        return LinearFit(fit.value[1:], spread, fit.df_residual, squares, "design-based")

    def coefficients(given: Array) -> Array:
        return _least_squares(kept, y, given[rows])[1:]

    joint = sample.replicated(coefficients, rows)
    return LinearFit(joint.value, joint.covariance, joint.df + 1 - p, squares, "replicates")


def unexplained(outcome: Array, x: Array, *, rows: Mask, weight: Array) -> float:
    """Weighted sum of squares about a mean that is linear in (n, p) columns, p may be 0."""
    table = np.column_stack([np.ones(len(x)), x])[rows]
    value = _least_squares(table, outcome[rows], weight[rows])
    return float(weight[rows] @ (outcome[rows] - table @ value) ** 2)


def _least_squares(table: Array, y: Array, weight: Array) -> Array:
    root = np.sqrt(weight)
    return np.asarray(np.linalg.lstsq(table * root[:, None], y * root, rcond=None)[0])
