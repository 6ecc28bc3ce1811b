"""The delta method: limits from the joint covariance of a curve's coefficients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array, hstack

from osteo_epi.reference.curves import Curve, PSpline
from osteo_epi.reference.curves._fit import inverse
from osteo_epi.reference.uncertainty._fitted import Fitted
from osteo_epi.reference.uncertainty._quantities import Quantities, mean_sd, peak_age, searched
from osteo_epi.survey import Array, covariance

STEP = 1e-5
# [years] Over which the bend of the curve at its peak is taken.
BEND = 0.5
# Of the choice of a smoothness: of a curve that is straight, nothing is told.
LEAST_TOLD = 0.1


def coefficient_covariance(curve: Curve, fitted: Fitted | None) -> Array:
    """(p, p) Of all coefficients: by the model, or between the sampling units of a design.

    Notes
    -----
    With a design the scores of people are summed to their units (the sandwich of Huber 1967 and
    Binder 1983, doi:10.2307/1402588); the penalty stands beside their covariance, as in the
    model's own, for the bias of smoothing.
    """
    model = curve.fit.joint
    if fitted is None or fitted.simple or fitted.arrays is None:
        return model + _choice_covariance(curve)
    scores = _scores(curve, fitted)
    between = covariance(scores, fitted.arrays, domain=fitted.known)
    return np.asarray(model @ (between + curve.penalty()) @ model) + _choice_covariance(curve)


def _choice_covariance(curve: Curve) -> Array:
    """(p, p) What the choice of the smoothness adds, where the people chose it.

    The coefficients' derivative by the logarithm of a penalty, and the error of that logarithm by
    the expected information of its local likelihood, half the sum of squares of the shares that
    the penalty leaves of each direction it bends (Kass & Steffey 1989,
    doi:10.1080/01621459.1989.10478825; Wood, Pya & Säfken 2016,
    doi:10.1080/01621459.2016.1180986).
    """
    joint, whole = curve.fit.joint, inverse(curve.fit.joint)
    added = np.zeros_like(joint)
    for name, place in curve.fit.places.items():
        term = curve.terms[name]
        if not isinstance(term, PSpline) or term.df is not None:
            continue
        coefficients = curve.fit.coefficients[name]
        penalty = curve.fit.smoothing[name] * term.penalty(len(coefficients))
        own = whole[place, place]
        # Singular where a curve is held from rising: of the free directions alone.
        left = inverse(own) @ (own - penalty)
        told = max(float(np.trace(left @ left)) - term.order, LEAST_TOLD) / 2
        moved = joint[:, place] @ penalty @ coefficients
        added += np.outer(moved, moved) / told
    return added


def _scores(curve: Curve, fitted: Fitted) -> csr_array:
    """(N, p) weighted derivatives of the log-likelihood, zero for rows outside."""
    sample, rows = fitted.sample, np.flatnonzero(fitted.known)
    place = sample.place[sample.pair]
    at = curve.parameters(sample.age)
    each = {name: value[place] for name, value in at.items()}
    weight = fitted.weight[rows] * (curve.n / fitted.weight[rows].sum())
    y, blocks = sample.y[sample.pair], []
    for name in curve.family.parameters:
        slope = curve.family.slope(name, y, each) * curve.family.links[name].slope(each[name])
        basis = csr_array(curve.terms[name].basis(sample.age, curve.ages))[place]
        blocks.append(basis.multiply((weight * slope)[:, None]))
    inside = csr_array(hstack(blocks))
    lift = csr_array(
        (np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(len(fitted.known), len(rows))
    )
    return csr_array(lift @ inside)


def standard_errors(curve: Curve, wanted: Quantities, errors: Array) -> Array:
    """(m · q + 4,) of what `Quantities.of` gives; NaN for the age of a peak at an end."""
    rows = [_gradient(curve, wanted.ages, _centile(curve, p)) for p in wanted.percents]
    centiles = np.stack(rows, axis=1).reshape(-1, len(errors))
    gradients = np.vstack([centiles, _peak_gradients(curve, wanted.t)])
    inside = np.isfinite(gradients).all(axis=1)
    variance = np.einsum("ij,jk,ik->i", gradients[inside], errors, gradients[inside])
    found = np.full(len(gradients), np.nan)
    found[inside] = np.sqrt(np.maximum(variance, 0.0))
    return found


def _centile(curve: Curve, percent: float) -> Callable[[dict[str, Array]], Array]:
    def read(at: dict[str, Array]) -> Array:
        return curve.family.quantile(np.full(len(at["mu"]), percent / 100), at)

    return read


def _gradient(curve: Curve, ages: Array, read: Callable[[dict[str, Array]], Array]) -> Array:
    """(m, p) derivatives by all coefficients of a number read off the distribution at an age."""
    at = curve.parameters(ages)
    safe = np.clip(ages, *curve.ages)
    columns = []
    for name in curve.family.parameters:
        link = curve.family.links[name]
        ends = []
        for sign in (1, -1):
            moved = link.value(link.predictor(at[name]) + sign * STEP)
            ends.append(read({**at, name: moved}))
        slope = (ends[0] - ends[1]) / (2 * STEP)
        columns.append(slope[:, None] * curve.terms[name].basis(safe, curve.ages))
    return np.hstack(columns)


def _peak_gradients(curve: Curve, t: float) -> Array:
    """(4, p) of the peak's age, mean, SD and of the value at t.

    The age moves with the curve; at an end of the ages searched it stays.
    """
    size = sum(len(each) for each in curve.fit.coefficients.values())
    top, age = peak_age(curve), np.full(size, np.nan)
    if np.isnan(top):
        return np.full((4, size), np.nan)
    slope, bend = _shape_at(curve, top)
    if slope is not None and bend < 0:
        age[:] = 0.0
        age[curve.fit.places["mu"]] = -slope / bend
    here = np.array([top])
    mean = _gradient(curve, here, lambda at: mean_sd(curve.family, at)[0])[0]
    sd = _gradient(curve, here, lambda at: mean_sd(curve.family, at)[1])[0]
    if np.isfinite(age).all():
        around = mean_sd(curve.family, curve.parameters([top - BEND, top + BEND]))
        drift = [float(each[1] - each[0]) / (2 * BEND) for each in around]
        mean, sd = mean + drift[0] * age, sd + drift[1] * age
    return np.array([age, mean, sd, mean + t * sd])


def peak_covariance(curve: Curve, errors: Array) -> Array:
    """(2, 2) of mean and SD at the peak, its age moving with the curve."""
    gradients = _peak_gradients(curve, 0.0)[1:3]
    return np.asarray(gradients @ errors @ gradients.T)


def _shape_at(curve: Curve, top: float) -> tuple[Array | None, float]:
    """The slope of the median's basis at its peak, and the bend; none at an end of the search."""
    ages = searched(curve)
    if not ages[0] + BEND <= top <= ages[-1] - BEND:
        return None, 0.0
    lower, middle, upper = curve.terms["mu"].basis(top + np.array([-BEND, 0, BEND]), curve.ages)
    bend = float((lower - 2 * middle + upper) @ curve.fit.coefficients["mu"]) / BEND**2
    return (upper - lower) / (2 * BEND), bend
