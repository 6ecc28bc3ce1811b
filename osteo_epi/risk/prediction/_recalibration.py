"""How far risks must be moved and stretched to agree with what happened. Array layer."""

from __future__ import annotations

import numpy as np

from osteo_epi.survey import Array, Mask

STEPS = 50
CONVERGED = 1e-12
# Risks nearer to 0 or 1 have no place on the scale of log(−log(1 − risk)).
LEAST = 1e-12


def recalibration(risk: Array, happened: Mask, weight: Array) -> tuple[float, float]:
    """Intercept at slope 1, and slope, of events on log(−log(1 − risk)) with that link.

    Parameters
    ----------
    risk
        (m,) probabilities.
    happened
        (m,) whether the event came.
    weight
        (m,) weights, 0 for whoever's state is not known.

    Returns
    -------
    tuple of float
        0 and 1 where risks agree with what happened; NaN where there is no fit, as with risks
        that tell nobody from another.
    """
    inside = np.clip(risk, LEAST, 1 - LEAST)
    z = np.log(-np.log1p(-inside))
    (intercept,) = _fit(np.ones((len(z), 1)), z, happened, weight)
    centre = float(np.average(z, weights=weight))
    if np.ptp(z[weight > 0]) == 0:
        return intercept, float("nan")
    _, slope = _fit(np.column_stack([np.ones(len(z)), z - centre]), np.zeros(len(z)), happened,
                    weight)  # fmt: skip
    return intercept, slope


def _fit(x: Array, offset: Array, happened: Mask, weight: Array) -> list[float]:
    """Coefficients by Fisher's scoring, which has the mean for its start."""
    share = float(np.average(happened, weights=weight))
    if not 0 < share < 1:
        return [float("nan")] * x.shape[1]
    b = np.zeros(x.shape[1])
    b[0] = np.log(-np.log1p(-share)) - float(np.average(offset, weights=weight))
    for _ in range(STEPS):
        with np.errstate(over="ignore"):
            hazard = np.exp(np.clip(x @ b + offset, -30, 30))
        p = np.clip(-np.expm1(-hazard), LEAST, 1 - LEAST)
        slope = hazard * np.exp(-hazard)
        score = x.T @ (weight * slope * (happened - p) / (p * (1 - p)))
        information = (x * (weight * slope**2 / (p * (1 - p)))[:, None]).T @ x
        step = np.linalg.solve(information, score)
        b = b + step
        if np.abs(step).max() < CONVERGED:
            return [float(value) for value in b]
    return [float("nan")] * x.shape[1]
