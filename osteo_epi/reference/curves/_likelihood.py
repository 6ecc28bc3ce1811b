"""One pass over the people: the log-likelihood and its slopes by every parameter, summed to ages.

What depends on age alone (logarithms of gamma functions, the part of a law that its end cuts off)
is computed once an age, by `Family` at z = 0; a person adds the difference from z = 0. People are
taken a block at a time, so that the arrays in hand stay in the cache. Equal to
`Family.log_density` and `Family.slope` at each person, which the tests hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from osteo_epi.norms import FAMILIES, Family

Array = NDArray[np.float64]
Parameters = Mapping[str, Array]
BLOCK = 16_384
# Below these |ν| the power is a logarithm, and its slope a series, to the last digits.
FLAT, ALMOST_FLAT, SMALL = 1e-7, 1e-5, 1e-300
# Of the normal law, over which the expected information is summed: no tail beyond it counts.
NODES = np.linspace(-6.0, 6.0, 61)
KNOTS = 41


@dataclass(frozen=True)
class Sample:
    """People summed to their distinct pairs of age and measurement: nothing is lost.

    Parameters
    ----------
    y, log_y, weight
        (k,) measurements, their logarithms and the weights of the pairs, sorted by age; weights
        sum to n.
    age
        (m,) distinct ages [years], ascending.
    place
        (k,) which of them each pair has.
    n
        People.
    ages
        [years] First and last age, on which the terms are built.
    by_age
        (m,) weights of the ages.
    pair
        (n,) the pair of each person.
    """

    y: Array
    log_y: Array
    weight: Array
    age: Array
    place: NDArray[np.int64]
    n: int
    ages: tuple[float, float]
    by_age: Array = field(repr=False)
    pair: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(
        cls, age: Array, y: Array, weight: Array, ages: tuple[float, float] | None = None
    ) -> Sample:
        """Sort people to their ages, and those of one age and measurement to one pair."""
        order = np.lexsort((y, age))
        years, values = age[order], y[order]
        older = np.diff(years, prepend=-np.inf) > 0
        new = older | (np.diff(values, prepend=-np.inf) != 0)
        pair = np.empty(len(order), dtype=np.int64)
        pair[order] = np.cumsum(new) - 1
        distinct, place = years[older], (np.cumsum(older) - 1)[new]
        weights = np.add.reduceat(weight[order], np.flatnonzero(new))
        with np.errstate(invalid="ignore", divide="ignore"):
            logarithms = np.log(values[new])
        span = (float(distinct[0]), float(distinct[-1])) if ages is None else ages
        by_age = _sums(place, weights, len(distinct))
        return cls(
            values[new], logarithms, weights, distinct, place, len(y), span, by_age, pair
        )  # fmt: skip

    def reweighted(self, weight: Array) -> Sample:
        """The same people under other (n,) weights, scaled to sum to n; ages stay, at weight 0."""
        weights = _sums(self.pair, weight, len(self.y)) * (self.n / weight.sum())
        by_age = _sums(self.place, weights, len(self.age))
        return Sample(
            self.y, self.log_y, weights, self.age, self.place, self.n, self.ages, by_age, self.pair
        )

    def coarse(self, years: int = 100, width: float = 0.02) -> Sample:
        """About as many pairs as a few hundred ages and readings make, for a first fit.

        Ages go to `years` classes, measurements to classes of `width` standard deviations; each
        class stands at its mean.
        """
        low, high = self.ages
        step = np.floor((self.age - low) / (high - low) * years * (1 - 1e-12))
        step = step.astype(np.int64)
        weight = _sums(step, self.by_age, years)
        middle = _sums(step, self.by_age * self.age, years) / np.maximum(weight, SMALL)
        spread = float(np.sqrt(np.cov(self.y, aweights=self.weight)))
        level = np.floor((self.y - self.y.min()) / (width * spread)).astype(np.int64)
        levels = level.max() + 1
        cell, where = np.unique(step[self.place] * levels + level, return_inverse=True)
        total = _sums(where, self.weight, len(cell))
        y = _sums(where, self.weight * self.y, len(cell)) / np.maximum(total, SMALL)
        keep = total > 0
        return Sample.of(middle[cell // levels][keep], y[keep], total[keep], self.ages)

    def median(self) -> float:
        """Of all measurements."""
        order = np.argsort(self.y)
        reached = np.cumsum(self.weight[order])
        return float(self.y[order[np.searchsorted(reached, reached[-1] / 2)]])

    def blocks(self) -> Iterator[slice]:
        """The pairs, a block at a time."""
        for start in range(0, len(self.y), BLOCK):
            yield slice(start, min(start + BLOCK, len(self.y)))


def _sums(place: NDArray[np.int64], values: Array, size: int) -> Array:
    return np.asarray(np.bincount(place, values, minlength=size), dtype=np.float64)


@dataclass(frozen=True)
class Likelihood:
    """What one pass gives.

    Parameters
    ----------
    deviance
        Minus twice the log-likelihood; infinite where it is not defined.
    slopes, squares
        (K, m) sums by age of each parameter's slope, and of its square.
    """

    deviance: float
    slopes: Array
    squares: Array


def likelihood(family: Family, sample: Sample, at: Parameters) -> Likelihood:
    """Pass over the people.

    Parameters
    ----------
    family
        The distribution.
    sample
        The people.
    at
        (m,) parameters by age.
    """
    with np.errstate(all="ignore"):
        start, factor, level = _by_age(family, at)
        sums = np.zeros((2, len(family.parameters), len(sample.age)))
        total = float(sample.by_age @ level)
        for block in sample.blocks():
            total += _add_block(family, sample, at, block, sums)
        weight, (first, second) = sample.by_age, sums
        slopes = start * weight + factor * first
        squares = start**2 * weight + 2 * start * factor * first + factor**2 * second
    deviance = -2 * total
    return Likelihood(deviance if np.isfinite(deviance) else np.inf, slopes, squares)


def _by_age(family: Family, at: Parameters) -> tuple[Array, Array, Array]:
    """(K, m) slopes at z = 0, (K, m) factors of what a person adds, (m,) log density at z = 0."""
    start, level = family.at_middle(at)
    factor, sigma = np.ones_like(start), at["sigma"]
    factor[0] = -1 / (sigma * at["mu"]) if family.has_power else -1 / sigma
    factor[1] = -1 / sigma
    return start, factor, level


def _add_block(family: Family, sample: Sample, at: Parameters, block: slice, sums: Array) -> float:
    """Add the people of a block to the sums by age; gives their log-likelihood beyond z = 0."""
    place, weight = sample.place[block], sample.weight[block]
    kernel, parts = _persons(family, sample, at, block)
    first, last = place[0], place[-1] + 1
    inside = place - first
    for k, part in enumerate(parts):
        weighted = weight * part
        sums[0, k, first:last] += np.bincount(inside, weighted, minlength=last - first)
        sums[1, k, first:last] += np.bincount(inside, weighted * part, minlength=last - first)
    return float(weight @ kernel)


def _persons(
    family: Family, sample: Sample, at: Parameters, block: slice
) -> tuple[Array, list[Array]]:
    """What each person adds to the log density and to the slopes, beyond z = 0."""
    place, log_y = sample.place[block], sample.log_y[block]
    sigma, shape = at["sigma"][place], at["tau"][place] if "tau" in at else None
    if not family.has_power:
        logs = family.name == "log_normal"
        z = ((log_y if logs else sample.y[block]) - at["mu"][place]) / sigma
        return -0.5 * z**2 - (log_y if logs else 0.0), [-z, -(z**2)]
    power = at["nu"][place]
    ratio = log_y - np.log(at["mu"])[place]
    grown = power * ratio
    raised = np.expm1(grown)
    flat = np.abs(power) < ALMOST_FLAT
    some_flat = bool(flat.any())
    divisor = np.where(flat, 1.0, power) if some_flat else power
    z = raised / (divisor * sigma)
    raised += 1
    if some_flat:
        series = ratio * (1 + grown / 2 * (1 + grown / 3)) / sigma
        z = np.where(flat, series, z)
    law, pull, by_shape = _law(family, z, shape)
    to_mu, to_sigma = pull * raised, pull * z
    to_nu = ratio + (to_mu * ratio / sigma - to_sigma) / divisor
    if some_flat:
        bent = ratio + pull * ratio**2 * (0.5 + grown / 3) / sigma
        to_nu = np.where(flat, bent, to_nu)
    parts = [to_mu, to_sigma, to_nu]
    return grown - log_y + law, parts if by_shape is None else [*parts, by_shape]


def _law(family: Family, z: Array, shape: Array | None) -> tuple[Array, Array, Array | None]:
    """Log density less that at z = 0, its slope by z, and that by the shape less that at 0."""
    if shape is None:
        return -0.5 * z**2, -z, None
    if family.law is FAMILIES["bct"].law:
        square = z**2
        logarithm = np.log1p(square / shape)
        pull = -(shape + 1) * z / (shape + square)
        return -0.5 * (shape + 1) * logarithm, pull, -0.5 * (logarithm + pull * z / shape)
    zero = np.zeros(1)
    law = family.law
    assert law.shape_slope is not None, "a law with a shape has its slope"
    level, start = law.log_density(zero, shape), law.shape_slope(zero, shape)
    return law.log_density(z, shape) - level, law.slope(z, shape), law.shape_slope(z, shape) - start


def expected_information(
    family: Family, at: Parameters, age: Array, *, knots: int = KNOTS
) -> Array:
    """(K, K, m) expected information of a person by age, of the parameters themselves.

    The expected product of two slopes, summed over the normal scores of people. It is smooth in
    age: computed at some ages, and linear between.
    """
    places, table = information_at_knots(family, at, age, knots=knots)
    return np.array([[np.interp(age, places, each) for each in row] for row in table])


def information_at_knots(
    family: Family, at: Parameters, age: Array, *, knots: int = KNOTS
) -> tuple[Array, Array]:
    """(k,) ages [years], and (K, K, k) the expected information there; all ages where it is simple.

    Between them `expected_information` is linear.
    """
    if not family.has_power:
        known = family.information(at)
        table = np.zeros((2, 2, len(age)))
        table[0, 0], table[1, 1] = known["mu"], known["sigma"]
        return age, table
    some = np.unique(np.linspace(0, len(age) - 1, min(knots, len(age))).round().astype(int))
    at_knots = {name: value[some] for name, value in at.items()}
    people = _spread_over_scores(family, at_knots, age[some])
    with np.errstate(all="ignore"):
        start, factor, _ = _by_age(family, at_knots)
        parts = np.array(_persons(family, people, at_knots, slice(None))[1])
    slopes = start[:, people.place] + factor[:, people.place] * parts
    shaped = np.nan_to_num(slopes, posinf=0.0, neginf=0.0).reshape(len(slopes), len(some), -1)
    mass = np.exp(-0.5 * NODES**2)
    return age[some], np.einsum("amq,bmq,q->abm", shaped, shaped, mass / mass.sum())


def _spread_over_scores(family: Family, at: Parameters, age: Array) -> Sample:
    """At each age, one person a normal score."""
    from scipy.special import ndtr

    place = np.repeat(np.arange(len(age)), len(NODES))
    wide = {name: value[place] for name, value in at.items()}
    with np.errstate(all="ignore"):
        y = family.quantile(np.tile(ndtr(NODES), len(age)), wide)
        log_y = np.log(y)
    ones, span = np.ones(len(y)), (float(age[0]), float(age[-1]))
    by_age = np.full(len(age), float(len(NODES)))
    return Sample(y, log_y, ones, age, place, len(y), span, by_age, np.arange(len(y)))
