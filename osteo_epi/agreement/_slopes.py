"""Order statistics of the n(n − 1)/2 slopes between pairs of points, in O(n) memory.

The order of the points by y − t·x reverses exactly for the pairs whose slope lies between two
values of t. Counting, drawing and listing inverted pairs therefore counts, draws and lists slopes
within an interval; a random draw narrows the interval around the ranks asked for until what is left
can be listed (Matoušek, Mount & Netanyahu 1998, doi 10.1007/PL00009190). The slopes returned are
computed from the points themselves, not from the t that was tried.

Inverted pairs are met by splitting a permutation of 0 … n − 1 bit by bit from the top, stably: at
each bit the pairs whose higher bits agree and whose bit is (1, 0) are inverted ones, so every one
is met at exactly one level. Counting takes O(n log n) time and O(n) memory in whole-array steps;
drawing a pair at random and listing all pairs cost the same plus what is drawn or listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Short = NDArray[np.int32]
Ranks = NDArray[np.int64]
Span = tuple[float, float]
Ranked = list[tuple[int, float]]

SMALL = 1_000  # points whose slopes are simply all computed
LISTABLE = (50_000, 4_000_000)  # pairs listed at once, 20 a point: at most about 200 MB
DRAWN = (20_000, 500_000)  # slopes drawn to narrow an interval, 20 a point
SURE = 4.0  # half-width of a bracket in standard errors of the drawn rank
MAX_DECIMALS = 6
KEPT_ORDERS = 6
ROUNDING = 32 * np.finfo(float).eps
SEED = 1983  # the answer does not depend on it, only the time taken


class PairwiseSlopes:
    """Slopes (y_j − y_i)/(x_j − x_i) of all pairs of points.

    Pairs with equal x and different y count as +∞; pairs of equal points have no slope.

    Parameters
    ----------
    x, y
        Coordinates, shape (n,), finite.
    """

    def __init__(self, x: ArrayLike, y: ArrayLike) -> None:
        x, y = _whole_numbers(np.asarray(x, float), np.asarray(y, float))
        order = np.lexsort((y, x))
        self.x, self.y = x[order] - np.median(x), y[order] - np.median(y)
        n = len(self.x)
        same_x = _tied(np.diff(self.x) != 0)
        same_point = _tied((np.diff(self.x) != 0) | (np.diff(self.y) != 0))
        self.n_finite = n * (n - 1) // 2 - same_x
        self.n = n * (n - 1) // 2 - same_point
        self._orders: dict[float, NDArray] = {}
        self._all = self._every_slope() if n <= SMALL else None

    def tie(self, slope: float) -> float:
        """How far from `slope` another slope may lie by rounding alone."""
        reach = np.abs(self.y).max() + abs(slope) * np.abs(self.x).max()
        return ROUNDING * max(reach, abs(slope))

    def below(self, slope: float) -> int:
        """Count the slopes smaller than `slope`."""
        return self._up_to(slope - self.tie(slope))

    def through(self, slope: float) -> int:
        """Count the slopes not larger than `slope`."""
        return self._up_to(slope + self.tie(slope))

    def kth(self, ranks: Sequence[int]) -> Floats:
        """Give the slopes of the given ranks (1 = smallest; vertical pairs come last as +∞).

        Examples
        --------
        >>> PairwiseSlopes([0, 1, 2], [0, 1, 4]).kth([1, 2, 3])
        array([1., 2., 3.])
        """
        ranked = np.asarray(ranks, dtype=np.int64)
        if ranked.size and (ranked.min() < 1 or ranked.max() > self.n):
            raise IndexError(f"ranks run from 1 to {self.n}")
        finite = np.unique(ranked[ranked <= self.n_finite])
        slopes: dict[int, float] = {}
        if self._all is not None:
            slopes = dict(zip(finite.tolist(), self._all[finite - 1].tolist(), strict=True))
        elif len(finite):
            rng = np.random.default_rng(SEED)
            slopes = dict(self._select(finite, (-np.inf, np.inf), (0, self.n_finite), rng))
        return np.array([slopes.get(int(rank), np.inf) for rank in ranked])

    def _up_to(self, slope: float) -> int:
        if self._all is not None:
            return int(np.searchsorted(self._all, slope))
        return self._between(-np.inf, slope)

    def _every_slope(self) -> Floats:
        first, second = np.triu_indices(len(self.x), 1)
        apart = self.x[first] != self.x[second]
        return self._slopes(first[apart], second[apart])

    def _slopes(self, first: NDArray, second: NDArray) -> Floats:
        return np.sort((self.y[second] - self.y[first]) / (self.x[second] - self.x[first]))

    def _order(self, slope: float) -> NDArray:
        """Points in the order by y − slope·x; ties stay in the order of x."""
        if slope not in self._orders:
            if len(self._orders) == KEPT_ORDERS:
                self._orders.pop(next(iter(self._orders)))
            # At ±inf the order is that of ∓x, and points of equal x keep theirs: never inverted.
            key = -np.sign(slope) * self.x if np.isinf(slope) else self.y - slope * self.x
            self._orders[slope] = np.argsort(key, kind="stable")
        return self._orders[slope]

    def _places(self, low: float, high: float) -> NDArray:
        """Places, in the order at `high`, of the points as they stand in the order at `low`."""
        rank = np.empty(len(self.x), np.int64)
        rank[self._order(high)] = np.arange(len(self.x))
        return rank[self._order(low)]

    def _between(self, low: float, high: float) -> int:
        return _count_inversions(self._places(low, high)) if high > low else 0

    def _listed(self, low: float, high: float) -> Floats:
        order = self._order(high)
        first, second = _list_inversions(self._places(low, high))
        return self._slopes(order[first], order[second])

    def _drawn(self, low: float, high: float, rng: np.random.Generator) -> Floats:
        order, size = self._order(high), int(np.clip(20 * len(self.x), *DRAWN))
        first, second = _draw_inversions(self._places(low, high), size=size, rng=rng)
        return self._slopes(order[first], order[second])

    def _select(
        self,
        ranks: Ranks,
        span: Span,
        inside: tuple[int, int],
        rng: np.random.Generator,
        stuck: bool = False,
    ) -> Ranked:
        """Slopes of `ranks`; `inside` tells the ranks below and at the end of the span."""
        skipped, reached = inside
        if reached - skipped <= np.clip(20 * len(self.x), *LISTABLE):
            slopes = self._listed(*span)
            return [(int(rank), float(slopes[rank - skipped - 1])) for rank in ranks]
        drawn = self._drawn(*span, rng)
        # Brackets that do not shrink hold a slope shared by very many pairs: split at one.
        pivot = float(drawn[len(drawn) // 2])
        shares = (ranks - skipped) / (reached - skipped)
        brackets = [(pivot, pivot)] if stuck else _brackets(drawn, shares)
        edges = [span[0]]
        for first, last in brackets:
            edges += [first - self.tie(first), last + self.tie(last)]
        edges = np.clip(np.maximum.accumulate([*edges, span[1]]), *span).tolist()
        return self._narrow(ranks, edges, inside, drawn, rng)

    def _narrow(
        self,
        ranks: Ranks,
        edges: list[float],
        inside: tuple[int, int],
        drawn: Floats,
        rng: np.random.Generator,
    ) -> Ranked:
        """Go on within each part of the interval where a wanted rank lies."""
        out: Ranked = []
        skipped, end = inside
        size = end - skipped
        for place, (low, high) in enumerate(pairwise(edges)):
            last = place == len(edges) - 2
            reached = end if last else skipped + self._between(low, high)
            here = ranks[(ranks > skipped) & (ranks <= reached)]
            middle = (low + high) / 2
            met = drawn[(drawn >= low) & (drawn <= high)]
            if len(here) and len(met) and high - low <= 4 * self.tie(middle):
                out += [(int(rank), float(met[len(met) // 2])) for rank in here]
            elif len(here):
                stuck = reached - skipped > size / 2
                out += self._select(here, (low, high), (skipped, reached), rng, stuck)
            skipped = reached
        return out


def _whole_numbers(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Scale readings with few decimals to whole numbers, in which differences are exact.

    Both are multiplied by the same power of ten, which leaves slopes as they are; readings with
    more than six decimals come back unchanged.

    Examples
    --------
    >>> _whole_numbers(np.array([0.3, 0.1]), np.array([0.25, 1.0]))
    (array([30., 10.]), array([ 25., 100.]))
    """
    for decimals in range(MAX_DECIMALS + 1):
        scaled = [v * 10.0**decimals for v in (x, y)]
        whole = [np.rint(v) for v in scaled]
        if all(
            np.abs(w).max(initial=0) < 2**40 and np.allclose(v, w, rtol=1e-12, atol=1e-9)
            for v, w in zip(scaled, whole, strict=True)
        ):
            return whole[0], whole[1]
    return x, y


def _tied(changes: NDArray[np.bool_]) -> int:
    """Pairs within runs of equal neighbours."""
    runs = np.diff(np.concatenate([[-1], np.flatnonzero(changes), [len(changes)]]))
    return int((runs * (runs - 1) // 2).sum())


def _brackets(drawn: Floats, shares: Floats) -> list[tuple[float, float]]:
    """Slopes between which the quantiles `shares` lie almost surely; overlaps are merged."""
    m = len(drawn)
    margin = SURE * np.sqrt(np.maximum(shares * (1 - shares), 1 / m) / m)
    lows = np.floor((shares - margin) * m).astype(int) - 1
    highs = np.ceil((shares + margin) * m).astype(int)
    merged: list[list[int]] = []
    for low, high in zip(lows.clip(0, m - 1), highs.clip(0, m - 1), strict=True):
        if merged and low <= merged[-1][1]:
            merged[-1][1] = high
        else:
            merged.append([low, high])
    return [(float(drawn[low]), float(drawn[high])) for low, high in merged]


@dataclass(frozen=True)
class _Level:
    """One bit of the split: the values in place, and for each the ones before it in its segment."""

    values: Short
    ones: NDArray[np.bool_]
    ones_before: Short
    first_one: Short

    def counts(self) -> Short:
        """Inverted pairs that each value closes at this level (0 where its bit is one)."""
        return np.where(self.ones, 0, self.ones_before)

    def total(self) -> int:
        """Inverted pairs at this level."""
        return int(np.sum(self.ones_before, where=~self.ones, dtype=np.int64))

    def partners(self) -> NDArray:
        """The values whose bit is one, in place order; `first_one` points into them."""
        return self.values[self.ones]


def _splits(permutation: NDArray) -> Iterator[_Level]:
    """Split a permutation of 0 … n − 1 bit by bit, from the highest.

    Parameters
    ----------
    permutation
        Integers 0 … n − 1, each once, shape (n,).
    """
    values = np.asarray(permutation, dtype=np.int32)  # half the memory traffic of int64
    places = np.arange(len(values), dtype=np.int32)
    for bit in range(max(len(values) - 1, 0).bit_length() - 1, -1, -1):
        ones = ((values >> bit) & 1).astype(bool)
        before = np.cumsum(ones, dtype=np.int32) - ones
        start = (values >> (bit + 1)) << (bit + 1)
        first_one = before[start]
        within = before - first_one
        yield _Level(values, ones, within, first_one)
        target = np.where(ones, start + (1 << bit) + within, places - within)
        split = np.empty_like(values)
        split[target] = values
        values = split


def _count_inversions(permutation: NDArray) -> int:
    """Count the inverted pairs.

    Examples
    --------
    >>> _count_inversions(np.array([2, 0, 1]))
    2
    """
    return sum(level.total() for level in _splits(permutation))


def _draw_inversions(
    permutation: NDArray, *, size: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """Draw inverted pairs uniformly with replacement.

    Returns
    -------
    tuple
        The larger and the smaller value of each pair, shape (size,); empty where nothing inverts.
    """
    totals = np.array([level.total() for level in _splits(permutation)], dtype=np.int64)
    share = rng.multinomial(size, totals / max(totals.sum(), 1)) if totals.any() else totals
    large: list[NDArray] = [np.empty(0, np.int64)]
    small: list[NDArray] = [np.empty(0, np.int64)]
    for level, drawn, total in zip(_splits(permutation), share, totals, strict=True):
        if drawn == 0:
            continue
        ends = np.cumsum(level.counts(), dtype=np.int64)
        picks = np.sort(rng.integers(0, total, drawn))
        place = np.searchsorted(ends, picks, side="right")
        nth = picks - (ends[place] - level.ones_before[place])
        large.append(level.partners()[level.first_one[place] + nth])
        small.append(level.values[place])
    return np.concatenate(large), np.concatenate(small)


def _list_inversions(permutation: NDArray) -> tuple[NDArray, NDArray]:
    """List every inverted pair: the larger and the smaller value of each.

    Examples
    --------
    >>> large, small = _list_inversions(np.array([2, 0, 1]))
    >>> sorted(zip(large.tolist(), small.tolist()))
    [(2, 0), (2, 1)]
    """
    large: list[NDArray] = [np.empty(0, np.int64)]
    small: list[NDArray] = [np.empty(0, np.int64)]
    for level in _splits(permutation):
        counts = level.counts()
        place = np.flatnonzero(counts)
        size = counts[place].astype(np.int64)
        nth = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        large.append(level.partners()[np.repeat(level.first_one[place], size) + nth])
        small.append(np.repeat(level.values[place], size))
    return np.concatenate(large), np.concatenate(small)
