"""A P-spline that never rises from some age on.

The slope of a spline is a polynomial between two knots; in Bernstein's form it lies among its
coefficients, so that it is nowhere above 0 where none of them is. Bollaerts, Eilers & van
Mechelen 2006, doi:10.1348/000711005X84293, reach this by a penalty that grows; here it is held
exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from osteo_epi.errors import DefinitionError

if TYPE_CHECKING:
    from osteo_epi.reference.curves._terms import PSpline

Array = NDArray[np.float64]
PIECES = 4
"""Between two knots: the more, the less the rule asks beyond what it has to."""
PLACES = 2000
"""At which a curve is looked at."""
TOUCH = 1e-10
"""Of the size of the terms of a sum, under which it is 0."""


def decline_limits(term: PSpline, ages: tuple[float, float]) -> Array | None:
    """(r, p) rows whose products with coefficients are nowhere above 0 where the curve falls.

    Raises
    ------
    DefinitionError
        If the decline would begin where no people are.
    """
    from scipy.special import binom

    if term.decline_from is None:
        return None
    if term.decline_from >= ages[1]:
        raise DefinitionError(
            f"decline_from={term.decline_from:g} is no age below the oldest of the people "
            f"({ages[1]:g} years)"
        )
    start, knots, degree = max(term.decline_from, ages[0]), term.knots(ages), term.degree - 1
    inner = knots[(knots > start) & (knots < ages[1])]
    ends = np.concatenate([[start], inner, [ages[1]]])
    low = (ends[:-1, None] + np.diff(ends)[:, None] * np.arange(PIECES) / PIECES).ravel()
    width = np.repeat(np.diff(ends) / PIECES, PIECES)
    places = (np.arange(degree + 1) + 0.5) / (degree + 1)
    order = np.arange(degree + 1)
    form = binom(degree, order) * np.power.outer(places, order)
    form = form * np.power.outer(1 - places, degree - order)
    values = _slopes(term, ages, low[:, None] + width[:, None] * places)
    sums = np.linalg.solve(form, values).reshape(-1, values.shape[-1])
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))


def rises(term: PSpline, ages: tuple[float, float], coefficients: Array) -> bool:
    """Whether the curve rises anywhere past the age from which it should not."""
    if term.decline_from is None:
        return False
    places = np.linspace(max(term.decline_from, ages[0]), ages[1], PLACES)
    slope = _slopes(term, ages, places)
    return bool((slope @ coefficients > TOUCH * (np.abs(slope) @ np.abs(coefficients))).any())


def _slopes(term: PSpline, ages: tuple[float, float], places: Array) -> Array:
    """(…, p) derivatives of the columns at some ages."""
    from scipy.interpolate import BSpline

    knots = term.knots(ages)
    each = BSpline(knots, np.eye(len(knots) - term.degree - 1), term.degree)
    return np.asarray(each.derivative()(places))


def directions(limits: Array, coefficients: Array) -> Array:
    """(p, f) in which coefficients are free: along which no row that is 0 moves."""
    from scipy.linalg import null_space

    size = np.abs(limits) @ np.abs(coefficients)
    still = limits[np.abs(limits @ coefficients) <= TOUCH * size]
    return np.asarray(null_space(still)) if len(still) else np.eye(limits.shape[1])


def falling(matrix: Array, right: Array, limits: Array) -> tuple[Array, Array]:
    """Solve matrix · x = right as nearly as no row rises, with the free directions.

    The x that makes ½ x'Mx − r'x least; in the coordinates in which M is 1 that is the nearest
    point of a cone, found by non-negative least squares (Lawson & Hanson 1974, chapter 23,
    doi:10.1137/1.9781611971217).
    """
    from scipy.linalg import null_space, solve_triangular
    from scipy.optimize import nnls

    root = np.linalg.cholesky(matrix)
    point = solve_triangular(root, right, lower=True)
    sides = solve_triangular(root, limits.T, lower=True)
    sides = sides / np.linalg.norm(sides, axis=0)
    push = nnls(sides, point)[0]
    held = limits[push > 0]
    free = np.asarray(null_space(held)) if len(held) else np.eye(len(right))
    return free @ np.linalg.solve(free.T @ matrix @ free, free.T @ right), free
