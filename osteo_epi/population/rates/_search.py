"""Intervals of a proportion that no formula gives: mid-p and likelihood ratio.

Each limit is where a tail probability meets its level. Bisection finds it to the last bit, for a
whole array at once; the solvers of other packages stop at 1e-4 to 1e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

HALVINGS = 1080  # a bracket of 1 shrinks to the smallest double, whatever the limit's size


def bisect(rises: Callable[[Array], Any], lower: Array, upper: Array) -> Array:
    """Where `rises(p)` turns True, between arrays `lower` and `upper`; stops when none moves."""
    for _ in range(HALVINGS):
        middle = 0.5 * (lower + upper)
        if np.all((middle == lower) | (middle == upper)):
            break
        high = rises(middle)
        lower, upper = np.where(high, lower, middle), np.where(high, middle, upper)
    return upper


def _above(x: Array, n: Array | float, p: Array) -> Array:
    """P(X >= x), continuous in x so that effective counts pass."""
    inside = (x > 0) & (x <= n)
    tail = special.betainc(np.where(inside, x, 1), np.where(inside, n - x + 1, 1), p)
    return np.where(x <= 0, 1, np.where(x > n, 0, tail))


def mid_p(x: Array, n: Array, alpha: float) -> tuple[Array, Array]:
    """Half of the observed count's probability goes to each tail (Lancaster 1961)."""

    def tail(p: Array) -> Array:
        return 0.5 * (_above(x, n, p) + _above(x + 1, n, p))

    zero, one = np.zeros_like(x), np.ones_like(x)
    lower = bisect(lambda p: tail(p) >= alpha / 2, zero, one)
    upper = bisect(lambda p: tail(p) >= 1 - alpha / 2, zero, one)
    return np.where(x == 0, 0, lower), np.where(x == n, 1, upper)


def likelihood(x: Array, n: Array, alpha: float) -> tuple[Array, Array]:
    """Proportions whose likelihood ratio against the estimate is below the chi-square limit."""
    limit = special.chdtri(1, alpha) / 2
    estimate = np.where(n > 0, x / np.maximum(n, 1), 0.5)
    best = special.xlogy(x, estimate) + special.xlog1py(n - x, -estimate)

    def deficit(p: Array) -> Array:
        return best - special.xlogy(x, p) - special.xlog1py(n - x, -p)

    lower = bisect(lambda p: deficit(p) <= limit, np.zeros_like(x), estimate)
    upper = bisect(lambda p: deficit(p) >= limit, estimate, np.ones_like(x))
    return np.where(x == 0, 0, lower), np.where(x == n, 1, upper)
