"""A line where the standard deviation of every single reading is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteo_epi.calibration.line import Line, as_covariance, coefficients
from osteo_epi.calibration.pairs import paired
from osteo_epi.errors import SchemaError

Floats = NDArray[np.float64]

ROUNDS = 500
TOLERANCE = 1e-14


def known_errors(
    x: ArrayLike, y: ArrayLike, *, x_sd: ArrayLike, y_sd: ArrayLike, confidence: float = 0.95
) -> Line:
    """Fit a line where the standard deviation of every reading is known (York; Ripley).

    Parameters
    ----------
    x, y
        Readings, shape (n,), complete.
    x_sd, y_sd
        Their standard deviations, positive, shape (n,), known up to one common factor.
    confidence
        Of the jackknife's normal interval.

    Returns
    -------
    Line
        Whose `residual_sd` is that common factor.

    Notes
    -----
    Ripley & Thompson 1987, Analyst 112:377–383, by the iteration of York et al. 2004, Am J Phys
    72:367–375, to machine precision; deming::deming stops at a relative 1e-4.

    Examples
    --------
    >>> sd = [0.01, 0.01, 0.02, 0.02]
    >>> line = known_errors([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13], x_sd=sd, y_sd=sd)
    >>> round(line.slope.estimate, 3)
    1.01
    """
    pairs = paired(x, y)
    sds = [np.asarray(v, float) for v in (x_sd, y_sd)]
    if any(len(s) != pairs.n or not (s > 0).all() for s in sds):
        raise SchemaError(f"x_sd and y_sd need {pairs.n} positive values each")
    whole = _york(pairs.x, pairs.y, *sds)
    rows = [np.delete(np.arange(pairs.n), k) for k in range(pairs.n)]
    left = np.array([_york(pairs.x[r], pairs.y[r], *(s[r] for s in sds)) for r in rows])
    covariance = (left - whole).T @ (left - whole)
    weights = 1 / (sds[1] ** 2 + (whole[1] * sds[0]) ** 2)
    intercept, slope = coefficients(whole, covariance, df=np.inf, confidence=confidence)
    residual = pairs.y - whole[0] - whole[1] * pairs.x
    factor = float(np.sqrt(weights @ residual**2 / (pairs.n - 2)))
    return Line(
        method="Deming, known errors",
        interval="jackknife",
        intercept=intercept,
        slope=slope,
        covariance=as_covariance(covariance),
        n=pairs.n,
        n_missing=pairs.n_missing,
        df=np.inf,
        confidence=confidence,
        residual_sd=factor,
        error_model="known",
        x_range=(float(pairs.x.min()), float(pairs.x.max())),
        weights=weights,
    )


def _york(x: Floats, y: Floats, x_sd: Floats, y_sd: Floats) -> Floats:
    """Iterate the slope about the weighted centre: (intercept, slope)."""
    slope = np.std(y) / np.std(x)
    for _ in range(ROUNDS):
        weights = 1 / (y_sd**2 + (slope * x_sd) ** 2)
        cx, cy = weights @ x / weights.sum(), weights @ y / weights.sum()
        u, v = x - cx, y - cy
        true = weights**2 * (u * y_sd**2 + slope * v * x_sd**2)
        before, slope = slope, (true @ v) / (true @ u)
        if abs(slope - before) <= TOLERANCE * abs(slope):
            break
    return np.array([cy - slope * cx, slope])
