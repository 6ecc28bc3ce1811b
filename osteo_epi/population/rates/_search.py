"""Intervals of a proportion that no formula gives: mid-p, likelihood ratio and Blaker.

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
GRID = 4000  # points between the exact limit and the estimate, where Blaker's function jumps


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


def blaker(x: Array, n: Array, alpha: float) -> tuple[Array, Array]:
    """Exact and never longer than Clopper-Pearson: Blaker 2000, doi 10.2307/3315916.

    The acceptability jumps; the limit is the first acceptable proportion after the Clopper-Pearson
    limit, found on a grid and then by bisection. Counts are rounded to whole people.
    """
    counts, sizes = np.round(x), np.round(n)
    pairs = np.stack([counts.ravel(), sizes.ravel()], axis=1)
    lower = np.array([_blaker_lower(a, b, alpha) for a, b in pairs]).reshape(x.shape)
    mirrored = np.array([_blaker_lower(b - a, b, alpha) for a, b in pairs]).reshape(x.shape)
    return lower, 1 - mirrored


def _blaker_lower(x: float, n: float, alpha: float) -> float:
    if x == 0:
        return 0.0
    start = special.betaincinv(x, n - x + 1, alpha / 2)
    grid = np.linspace(start, x / n, GRID)
    first = int(np.argmax(_acceptability(x, n, grid) >= alpha))
    if first == 0:
        return float(start)
    before, after = grid[first - 1 : first], grid[first : first + 1]
    return float(bisect(lambda p: _acceptability(x, n, p) >= alpha, before, after)[0])


def _acceptability(x: float, n: float, p: Array) -> Array:
    """The smaller tail plus the largest opposite tail that is no more probable."""
    count = np.full_like(p, x)
    upper_tail, lower_tail = _above(count, n, p), _below(count, n, p)
    with_low = upper_tail + _below(_last_count(upper_tail, n, p), n, p)
    with_high = lower_tail + _below(_last_count(lower_tail, n, 1 - p), n, 1 - p)
    return np.minimum(np.minimum(with_low, with_high), 1)


def _below(x: Array, n: float, p: Array) -> Array:
    """P(X <= x)."""
    inside = (x >= 0) & (x < n)
    tail = special.betainc(np.where(inside, n - x, 1), np.where(inside, x + 1, 1), 1 - p)
    return np.where(x < 0, 0, np.where(x >= n, 1, tail))


def _last_count(level: Array, n: float, p: Array) -> Array:
    """The largest count whose cumulative probability is at most the level; -1 where none is."""
    level = level * (1 + 1e-12)  # equal tails count as equal in spite of their last bit
    near = np.floor(special.bdtrik(np.minimum(level, 1 - 1e-16), n, p))
    near = np.clip(np.nan_to_num(near), 0, n - 1)  # the quantile may miss by one at a jump
    near = np.where(_below(near + 1, n, p) <= level, near + 1, near)
    return np.where(_below(near, n, p) <= level, near, near - 1)
