"""Areas under an empirical ROC curve, whole or in part, with what each person moves in them.

Array layer. People are sorted once into groups of equal scores; everything after is a sum over
groups, so a million people take as long as their sorting. A group of diseased and healthy people
is a slanting segment of the curve, which is where ties count a half.

The area over false positive rates a to b is the diseased people's mean of b - clip(U, a, b), where
U is uniform over the rates of their group (their placement). Its linearised values are

    diseased i    b - mean clip(U_i, a, b) - area
    healthy j     mean R(clip(u_j, a, b)) - (1 - b) R(b) - a R(a) - area

with R the curve. For the whole area they are the placement values of DeLong, DeLong and
Clarke-Pearson 1988 (doi 10.2307/2531595) less their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteo_epi.accuracy._columns import tolerance_of
from osteo_epi.norms import rises_above
from osteo_epi.survey import Array, Codes, Mask

WHOLE = (0.0, 1.0)
SAME = 1e-12
"""Rates nearer to each other than this are one."""
NEAR = 1e-12
"""Share of a score's spread within which two values are one."""
ROUNDINGS = 8
"""Roundings that a score which was computed has behind it."""


@dataclass(frozen=True)
class Groups:
    """People in groups of equal scores, the most suspect group first.

    `code` (n,) is the group 0 … K − 1 of each person, `value` (K,) its score.
    """

    code: Codes
    value: Array
    diseased: Mask

    @classmethod
    def of(cls, score: Array, diseased: Mask, *, low: bool, tolerance: float) -> Groups:
        """Sort (n,) scores; what lies within the tolerance of its neighbour is equal to it.

        Neighbours of a continuous score stand so close in many people that chains of them would
        tie what is far apart: where one is longer than the tolerance, only equal scores are tied.
        """
        suspect = -score if low else score
        order = np.argsort(-suspect)
        ranked = suspect[order]
        starts = _starts(ranked, tolerance)
        places = np.flatnonzero(starts)
        lasts = np.append(places[1:], len(ranked)) - 1
        if rises_above(ranked[places], ranked[lasts], by=tolerance).any():
            starts = _starts(ranked, 0.0)
        code = np.empty(len(score), dtype=np.int64)
        code[order] = np.cumsum(starts) - 1
        return cls(code, score[order][starts], diseased)

    def coarse(self, most: int) -> Groups:
        """No more groups than this: those next to each other go together, by people of a class.

        The curve is the same at their ends, and straight between.
        """
        if len(self.value) <= most:
            return self
        parts = [
            np.floor((np.cumsum(n) - n) / n.sum() * (most // 2))
            for n in self.sums(np.ones(len(self.code)))
        ]
        starts = np.append(True, np.any([np.diff(part) > 0 for part in parts], axis=0))
        return Groups((np.cumsum(starts) - 1)[self.code], self.value[starts], self.diseased)

    def sums(self, weight: Array) -> tuple[Array, Array]:
        """(K,) weights of the diseased and of the healthy in each group."""
        return self.counted(np.where(self.diseased, weight, 0.0)), self.counted(
            np.where(self.diseased, 0.0, weight)
        )

    def counted(self, weight: Array) -> Array:
        """(K,) sums of (n,) weights."""
        return np.bincount(self.code, weight, minlength=len(self.value)).astype(float, copy=False)

    def cut_points(self) -> Array:
        """(K + 1,) halfway between neighbouring scores, where nobody stands; the ends infinite."""
        between = (self.value[:-1] + self.value[1:]) / 2
        end = np.inf if len(self.value) > 1 and self.value[0] > self.value[-1] else -np.inf
        return np.concatenate([[end], between, [-end]])


@dataclass(frozen=True)
class Segments:
    """The curve's (K,) segments: rates before and after each group, from (0, 0) to (1, 1)."""

    sick: Array
    well: Array
    false_before: Array
    false_after: Array
    true_before: Array
    true_after: Array

    @classmethod
    def of(cls, sick: Array, well: Array) -> Segments:
        """From the (K,) weights of the diseased and the healthy."""
        true, false = np.zeros(len(sick) + 1), np.zeros(len(well) + 1)
        for rates, weight in ((true, sick), (false, well)):
            np.cumsum(weight, out=rates[1:])
            rates /= rates[-1]
        return cls(sick, well, false[:-1], false[1:], true[:-1], true[1:])

    def turned(self) -> Segments:
        """Specificity over 1 − sensitivity: the healthy in the part of the diseased."""
        return Segments.of(self.well[::-1], self.sick[::-1])

    def at(self, rate: float) -> float:
        """Height of the curve over a false positive rate, the higher end of a vertical piece."""
        return float(self.heights(np.array([rate]))[0])

    def heights(self, rates: Array, *, lower: bool = False) -> Array:
        """(k,) heights over (k,) false positive rates: of a vertical piece its higher end."""
        # 1 - 0.9 is not 0.1 to the last bit, and 28 of 280 people are.
        near = rates - SAME if lower else rates + SAME
        k = np.searchsorted(self.false_after, near, side="left" if lower else "right")
        over = k == len(self.false_after)
        k = np.where(over, 0, k)
        width = self.false_after[k] - self.false_before[k]
        share = np.clip((rates - self.false_before[k]) / np.where(width > 0, width, 1.0), 0, 1)
        rise = self.true_after[k] - self.true_before[k]
        return np.where(over, 1.0, self.true_before[k] + share * rise)


@dataclass(frozen=True)
class Area:
    """An area with the (K,) linearised values of the diseased and healthy of each group."""

    value: float
    diseased: Array
    healthy: Array

    def scaled(self, factor: float, shift: float) -> Area:
        """The area times a factor plus a shift."""
        return Area(self.value * factor + shift, self.diseased * factor, self.healthy * factor)

    def turned(self) -> Area:
        """In the order of the curve that was turned."""
        return Area(self.value, self.healthy[::-1], self.diseased[::-1])

    def linear(self, groups: Groups, weight: Array) -> Array:
        """(n,) weighted linearised values of the people."""
        total = np.where(groups.diseased, weight, 0.0).sum()
        sizes = np.where(groups.diseased, total, weight.sum() - total)
        moved = np.where(groups.diseased, self.diseased[groups.code], self.healthy[groups.code])
        return weight * moved / sizes


def area(segments: Segments, over: tuple[float, float] = WHOLE) -> Area:
    """Area under the curve over false positive rates, with its linearised values."""
    if over == WHOLE:
        return _whole(segments)
    low, high = over
    sick, share = segments.sick, segments.sick / segments.sick.sum()
    covered = high - _clipped(segments.false_before, segments.false_after, low, high)
    value = float((share * np.where(sick > 0, covered, 0.0)).sum())
    at_low, at_high = segments.at(low), segments.at(high)
    heights = _heights(segments, low, high, at_low, at_high)
    healthy = heights - (1 - high) * at_high - low * at_low - value
    return Area(value, covered - value, np.where(segments.well > 0, healthy, 0.0))


def _whole(segments: Segments) -> Area:
    """The same over every rate, where clipping does nothing."""
    covered = 1 - (segments.false_before + segments.false_after) / 2
    value = whole_area(segments.sick, segments.well)
    heights = (segments.true_before + segments.true_after) / 2
    return Area(value, covered - value, heights - value)


def area_values(sick: Array, well: Array, over: tuple[float, float] = WHOLE) -> Array:
    """(…,) areas alone, from (…, K) weights of many replicates: what `area` gives of each."""
    total = sick.sum(axis=-1) * well.sum(axis=-1)
    if over == WHOLE:
        below = well.sum(axis=-1, keepdims=True) - np.cumsum(well, axis=-1) + well / 2
        return np.asarray((sick * below).sum(axis=-1) / total)
    low, high = over
    after = _rates(well)
    before = np.concatenate([np.zeros_like(after[..., :1]), after[..., :-1]], axis=-1)
    covered = high - _clipped(before, after, low, high)
    return np.asarray((sick * covered).sum(axis=-1) / sick.sum(axis=-1))


def whole_area(sick: Array, well: Array) -> float:
    """The whole area alone, from (K,) weights."""
    return float(area_values(sick, well))


def score_tolerance(name: str, score: Array) -> float:
    """How near to each other two of (n,) scores are equal [their unit].

    A curve does not change when its score is scaled or shifted, so neither may its ties: 1e-12 of
    the distance between the quartiles of its different values, which one outlier does not widen,
    or the rounding of the numbers themselves where that is more. A million people stand farther
    apart. Densities by volume, T- and Z-scores have a tolerance of their own.
    """
    if name.startswith(("vbmd_", "t_score", "z_score")):
        return tolerance_of(name, 0.0)
    first, third = np.quantile(np.unique(score), [0.25, 0.75])
    rounding = ROUNDINGS * np.finfo(float).eps * float(np.median(np.abs(score)))
    return max(NEAR * float(third - first), rounding)


def delong(areas: list[Area], groups: list[Groups]) -> Array:
    """(k, k) covariance of areas of independent people, each class with its own n − 1."""
    diseased = groups[0].diseased
    total = np.zeros((len(areas),) * 2)
    for rows, values in ((diseased, "diseased"), (~diseased, "healthy")):
        n = int(rows.sum())
        table = np.array(
            [getattr(a, values)[g.code[rows]] for a, g in zip(areas, groups, strict=True)]
        )
        table -= table.mean(axis=1, keepdims=True)
        total += table @ table.T / (n * (n - 1))
    return total


def _rates(weight: Array) -> Array:
    """(…, K) shares of the weights up to each group; the last is 1, whatever the rounding."""
    sums = np.cumsum(weight, axis=-1)
    return sums / sums[..., -1:]


def _starts(ranked: Array, tolerance: float) -> Mask:
    """(n,) falling scores that are lower than the one before."""
    return np.concatenate([[True], rises_above(ranked[:-1], ranked[1:], by=tolerance)])


def _clipped(before: Array, after: Array, low: float, high: float) -> Array:
    """Mean of clip(U, low, high) where U is uniform between `before` and `after`."""
    width = after - before
    first, last = np.clip(before, low, high), np.clip(after, low, high)
    under = np.maximum(np.minimum(after, low) - before, 0.0)
    over = np.maximum(after - np.maximum(before, high), 0.0)
    inside = (last - first) * (first + last) / 2
    flat = width == 0
    safe = np.where(flat, 1.0, width)
    return np.where(flat, first, (low * under + inside + high * over) / safe)


def _heights(segments: Segments, low: float, high: float, at_low: float, at_high: float) -> Array:
    """Mean of R(clip(u, low, high)) where u is uniform over the rates of a segment."""
    before, after = segments.false_before, segments.false_after
    width = after - before
    safe = np.where(width == 0, 1.0, width)
    slope = (segments.true_after - segments.true_before) / safe
    first, last = np.clip(before, low, high), np.clip(after, low, high)
    under = np.maximum(np.minimum(after, low) - before, 0.0)
    over = np.maximum(after - np.maximum(before, high), 0.0)
    middle = segments.true_before + slope * ((first + last) / 2 - before)
    return (at_low * under + (last - first) * middle + at_high * over) / safe
