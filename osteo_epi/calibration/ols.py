"""Least squares of one method on another: right only where the reference has no error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteo_epi.calibration.line import Line, as_covariance, coefficients
from osteo_epi.calibration.pairs import Missing, Pairs, paired
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]


def least_squares(
    x: ArrayLike,
    y: ArrayLike,
    *,
    proportional: bool = False,
    confidence: float = 0.95,
    missing: Missing = "fail",
) -> Line:
    """Fit y on x by ordinary or weighted least squares.

    Parameters
    ----------
    x, y
        Readings of the reference (taken as free of error, e.g. a phantom's nominal values) and of
        the other method, shape (n,).
    proportional
        The scatter grows in proportion to the reference: weights 1/x².
    confidence
        Of the Student intervals on n − 2 degrees of freedom.
    missing
        See `pairs.paired`.

    Returns
    -------
    Line

    Notes
    -----
    With error in both methods the slope is drawn towards zero (by the reliability of x): use
    `deming` or `passing_bablok` there. Same as mcr's LinReg and WLinReg.

    Examples
    --------
    >>> line = least_squares([0.5, 1.0, 1.5], [0.52, 1.01, 1.52])
    >>> round(line.slope.estimate, 6), round(line.intercept.estimate, 6)
    (1.0, 0.016667)
    """
    pairs = paired(x, y, missing=missing)
    weights = _weights(pairs, proportional=proportional)
    estimate, covariance, scatter = _fit(pairs, weights)
    df = pairs.n - 2
    intercept, slope = coefficients(estimate, covariance, df=df, confidence=confidence)
    return Line(
        method="least squares, weights 1/x²" if proportional else "least squares",
        interval="analytic",
        intercept=intercept,
        slope=slope,
        covariance=as_covariance(covariance),
        n=pairs.n,
        n_missing=pairs.n_missing,
        df=df,
        confidence=confidence,
        residual_sd=scatter,
        error_model="proportional" if proportional else "constant",
        x_range=(float(pairs.x.min()), float(pairs.x.max())),
        notes=("takes the reference as free of error",),
        weights=weights,
    )


def _weights(pairs: Pairs, *, proportional: bool) -> Floats:
    if not proportional:
        return np.ones(pairs.n)
    if (pairs.x <= 0).any():
        raise SchemaError(
            f"{int((pairs.x <= 0).sum())} of {pairs.n} reference readings are not positive: "
            "scatter in proportion to the reading is not possible; use proportional=False"
        )
    return 1 / pairs.x**2


def _fit(pairs: Pairs, weights: Floats) -> tuple[Floats, Floats, float]:
    total = weights.sum()
    centre, middle = weights @ pairs.x / total, weights @ pairs.y / total
    sxx = weights @ (pairs.x - centre) ** 2
    slope = weights @ ((pairs.x - centre) * (pairs.y - middle)) / sxx
    estimate = np.array([middle - slope * centre, slope])
    residual = pairs.y - estimate[0] - slope * pairs.x
    variance = weights @ residual**2 / (pairs.n - 2)
    between = -centre * variance / sxx
    covariance = [[variance * (1 / total + centre**2 / sxx), between], [between, variance / sxx]]
    return estimate, np.array(covariance), float(np.sqrt(variance))
