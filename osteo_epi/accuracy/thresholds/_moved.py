"""Prevalence under an old and a new cut-off in the same people, with all that is uncertain of it.

Two errors add up: people are a sample, and the carried cut-off is an estimate, taken as
independent of the people that it is applied to. The first comes from the design, the joint
covariance of both prevalences. The second is the variance of the new prevalence over the normal
law of the cut-off, by quadrature: no density has to be estimated at the cut-off.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteo_epi import population
from osteo_epi.accuracy._comparison import tango
from osteo_epi.accuracy._measures import Measure
from osteo_epi.accuracy._sample import Joint, Sample, quantile
from osteo_epi.survey import (
    INTERVAL_NAMES,
    Array,
    Codes,
    Mask,
    linearised_standard,
    survey_interval,
)

NODES = 201
"""Places of the quadrature over the law of a cut-off."""
SCORE = "score (Tango)"
WITH_CUT = "Wald on Student's t, design and cut-off"


@dataclass(frozen=True)
class Strata:
    """What a prevalence is standardised over; one stratum where it is crude.

    Parameters
    ----------
    place
        (n,) stratum of each person, −1 where it is not known.
    share
        (S,) shares of the standard.
    names
        (S,) what a message calls them.
    """

    place: Codes
    share: Array
    names: tuple[str, ...] = ()

    @classmethod
    def one(cls, n: int) -> Strata:
        """All people alike."""
        return cls(np.zeros(n, dtype=np.intp), np.ones(1))

    def share_of(self, event: Mask, weight: Array, rows: Mask) -> tuple[float, Array]:
        """Standardised share of an event, and its (n,) weighted linearised values."""
        kept = np.where(rows & (self.place >= 0), weight, 0.0)
        return linearised_standard(
            event.astype(float), kept, self.place, self.share, names=self.names or None
        )

    def weights(self, weight: Array, rows: Mask) -> Array:
        """(n,) what each person counts in the standardised share; they sum to 1."""
        kept = np.where(rows & (self.place >= 0), weight, 0.0)
        at = np.maximum(self.place, 0)
        size = np.bincount(at, weights=kept, minlength=len(self.share))
        factor = np.divide(self.share, size, out=np.zeros(len(size)), where=size > 0)
        return factor[at] * kept


@dataclass(frozen=True)
class Change:
    """Prevalence under two cut-offs in one group of people.

    Attributes
    ----------
    group
        By column to level; empty for everybody.
    old, new
        Prevalences; `new` is None where the cut-off could not be carried, `old` where people have
        no reading on the threshold's own scale.
    difference
        new − old, in the same people.
    se_sampling, se_cut
        Its standard error by the sample alone, and by the carried cut-off alone; the latter None
        where nobody states the cut-off's error.
    n, n_gained, n_lost, n_missing
        People with a score; those positive by the new cut-off alone and by the old one alone;
        people without a score.
    """

    group: dict[str, str]
    old: Measure | None
    new: Measure | None
    difference: Measure | None
    se_sampling: float | None
    se_cut: float | None
    n: int
    n_gained: int | None
    n_lost: int | None
    n_missing: int

    def as_row(self) -> dict[str, object]:
        """The numbers by name."""
        row: dict[str, object] = dict(self.group)
        for name in ("old", "new", "difference"):
            measure = getattr(self, name)
            for part in ("estimate", "se", "lower", "upper"):
                label = name if part == "estimate" else f"{name}_{part}"
                row[label] = None if measure is None else getattr(measure, part)
        return row | {
            name: getattr(self, name)
            for name in ("se_sampling", "se_cut", "n", "n_gained", "n_lost", "n_missing")
        }


@dataclass(frozen=True)
class Question:
    """Scores, who is positive by either cut-off, and how the cut-off varies.

    Parameters
    ----------
    score
        (n,) NaN where missing.
    old, new
        (n,) positive by either; None as in `Change`.
    axes
        (rank, n) independent changes of each person's new cut-off, of one standard error each.
    cut
        (n,) the new cut-off of each person.
    low
        Whether low scores are positive.
    df
        Degrees of freedom of the cut-off.
    """

    score: Array
    old: Mask | None
    new: Mask | None
    axes: Array
    cut: Array
    low: bool
    df: float


def changed(
    question: Question,
    sample: Sample,
    rows: Mask,
    strata: Strata,
    *,
    group: dict[str, str],
    n_missing: int,
    interval: str | None,
    confidence: float,
) -> Change:
    """Prevalences and their difference among `rows`, all of whom have a score."""
    rows = rows & (strata.place >= 0)
    n = int(rows.sum())
    asked = [e for e in (question.old, question.new) if e is not None]
    if not asked:
        return Change(group, None, None, None, None, None, n, None, None, n_missing)
    joint = _joint(asked, sample, rows, strata)
    crude = len(strata.share) == 1
    shares = [
        _prevalence(event, joint, k, sample, rows, crude, interval, confidence)
        for k, event in enumerate(asked)
    ]
    old = shares[0] if question.old is not None else None
    if question.new is None:
        return Change(group, old, None, None, None, None, n, None, None, n_missing)
    by_cut = cut_variance(question, strata.weights(sample.weight, rows))
    both = _Both(joint.df, question.df, by_cut, n, confidence)
    new = shares[-1]
    if by_cut > 0:
        new = both.limits(new.estimate, float(joint.covariance[-1, -1]), (0.0, 1.0))
    if question.old is None:
        return Change(
            group, None, new, None, None, math.sqrt(by_cut), n, None, None, n_missing
        )  # fmt: skip
    sampling = joint.error([-1, 1])
    gained = int((question.new & ~question.old & rows).sum())
    lost = int((question.old & ~question.new & rows).sum())
    difference = both.limits(float(joint.value[1] - joint.value[0]), sampling**2, (-1.0, 1.0))
    if sample.simple and crude and by_cut == 0:
        ends = tango(gained, lost, n, confidence)
        difference = Measure(difference.estimate, sampling, *ends, n, SCORE)
    return Change(
        group, old, new, difference, sampling, math.sqrt(by_cut), n, gained, lost, n_missing
    )


def _joint(events: Sequence[Mask], sample: Sample, rows: Mask, strata: Strata) -> Joint:
    def value(weight: Array) -> Array:
        return np.array([strata.share_of(event, weight, rows)[0] for event in events])

    if sample.arrays is None:
        return sample.replicated(value, rows)
    linear = np.column_stack([strata.share_of(e, sample.weight, rows)[1] for e in events])
    return sample.linearised(value(sample.weight), linear, rows)


def _prevalence(
    event: Mask,
    joint: Joint,
    place: int,
    sample: Sample,
    rows: Mask,
    crude: bool,
    interval: str | None,
    confidence: float,
) -> Measure:
    value, n = float(joint.value[place]), int(rows.sum())
    se = float(np.sqrt(joint.covariance[place, place]))
    if sample.simple and crude:
        method = interval or "wilson"
        ends = population.rates.proportion(
            int((event & rows).sum()), n, method=method, confidence=confidence
        )
        return Measure(value, se, float(ends.lower), float(ends.upper), n, method)
    method = interval or "beta"
    lower, upper = survey_interval(
        [value], [se], n=[n], df=[joint.df], method=method, confidence=confidence
    )
    return Measure(value, se, _number(lower[0]), _number(upper[0]), n, INTERVAL_NAMES[method])


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


@dataclass(frozen=True)
class _Both:
    """Limits by the sample and by the cut-off, degrees of freedom joined after Satterthwaite."""

    df: float
    df_cut: float
    by_cut: float
    n: int
    confidence: float

    def limits(self, value: float, sampling: float, bounds: tuple[float, float]) -> Measure:
        """Wald limits on Student's t, within the bounds."""
        total = sampling + self.by_cut
        parts = [(v, d) for v, d in ((sampling, self.df), (self.by_cut, self.df_cut)) if v > 0]
        lost = sum(v**2 / d for v, d in parts)
        df = total**2 / lost if lost > 0 else self.df
        se = math.sqrt(total)
        reach = quantile(df, self.confidence) * se
        lower, upper = max(value - reach, bounds[0]), min(value + reach, bounds[1])
        method = WITH_CUT if self.by_cut > 0 else "Wald on Student's t"
        return Measure(value, se, lower, upper, self.n, method)


def cut_variance(question: Question, weights: Array) -> float:
    """Variance of the new prevalence over the law of its cut-off.

    Parameters
    ----------
    question
        Scores, cut-offs, and their changes of one standard error.
    weights
        (n,) what each person counts in the prevalence.

    Returns
    -------
    float
        Summed over the independent changes.
    """
    if not len(question.axes):
        return 0.0
    from scipy import special

    z = special.ndtri((np.arange(NODES) + 0.5) / NODES)
    z /= z.std()
    counted = (weights > 0) & ~np.isnan(question.score) & ~np.isnan(question.cut)
    margin = (question.score - question.cut)[counted]
    weight = weights[counted]
    return float(sum(_along(axis[counted], margin, weight, z, question.low)
                     for axis in question.axes))  # fmt: skip


def _along(axis: Array, margin: Array, weight: Array, z: Array, low: bool) -> float:
    """Variance of the share below (or above) cut-offs that move by z along an axis.

    A person's answer turns where z passes margin / change: once, so sorting these places once
    gives the share at every z.
    """
    moving = axis != 0
    places = margin[moving] / axis[moving]
    sign = np.sign(axis[moving]) * (1.0 if low else -1.0) * weight[moving]
    order = np.argsort(places)
    sums = np.concatenate([[0.0], np.cumsum(sign[order])])
    return float(np.var(sums[np.searchsorted(places[order], z, side="left")]))
