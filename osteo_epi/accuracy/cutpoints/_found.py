"""Where each criterion cuts, in the people, in samples of them, and without a part of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from osteo_epi.accuracy.cutpoints._asked import Asked
from osteo_epi.accuracy.cutpoints._curves import Curves
from osteo_epi.survey import Array, Mask

CORRECTIONS = ("cross_validation", "bootstrap")


@dataclass(frozen=True)
class Found:
    """What one criterion gave in the people, and in the R samples drawn from them.

    `drawn` are (R, 5): cut-point, sensitivity and specificity in the sample, and of the same
    cut-point in the people. `left_out` are (2,) sensitivity and specificity of the people left out
    of a cross-validation; None where there was none.
    """

    asked: Asked
    cut: float
    drawn: Array = field(default_factory=lambda: np.zeros((0, 5)))
    left_out: Array | None = None


def bootstrapped(found: list[Found], whole: Curves, pieces: Iterable[Array]) -> list[Found]:
    """With every criterion in the samples that have people of both classes."""
    drawn: list[list[Array]] = [[] for _ in found]
    for weight in pieces:
        curves = whole.people.curves(_both_classes(weight, whole.people.diseased)[0])
        for one, tables in zip(found, drawn, strict=True):
            tables.append(_drawn(one.asked, curves, whole))
    return [replace(one, drawn=np.vstack(t)) for one, t in zip(found, drawn, strict=True)]


def _both_classes(weight: Array, diseased: Mask) -> tuple[Array, Mask]:
    sick, total = weight @ diseased, weight.sum(axis=1)
    kept = (sick > 0) & (sick < total)
    return (weight if kept.all() else weight[kept]), kept


def _drawn(asked: Asked, curves: Curves, whole: Curves) -> Array:
    """(R, 5) cut-points with their rates in their own sample and in the people; NaN for none."""
    cut = asked.criterion.cuts(curves)
    point = curves.people.point(cut, takes_cut=asked.takes_cut)
    there = whole.sensitivity[0, point], whole.specificity[0, point]
    table = np.column_stack([cut, *curves.rates(point), *there])
    table[np.isnan(cut)] = np.nan
    return table


def cross_validated(found: list[Found], whole: Curves, pieces: Iterable[Mask]) -> list[Found]:
    """With the rates of every criterion in the people that it was found without."""
    people, weight = whole.people, whole.weight
    size = np.concatenate([[0], people.last + 1])
    sums = np.zeros((len(found), 4))
    for left in pieces:
        without, kept = _both_classes(weight * ~left, people.diseased)
        curves, judged = people.curves(without), weight * left[kept]
        places = np.arange(judged.shape[1])
        for k, one in enumerate(found):
            cut = one.asked.criterion.cuts(curves)
            point = people.point(cut, takes_cut=one.asked.takes_cut)
            known = judged * ~np.isnan(cut)[:, None]
            sick = known * people.diseased
            hit = places < size[point][:, None]
            right = (sick * hit).sum(), ((known - sick) * ~hit).sum()
            sums[k] += *right, sick.sum(), (known - sick).sum()
    with np.errstate(invalid="ignore"):
        rates = sums[:, :2] / sums[:, 2:]
    return [replace(one, left_out=rate) for one, rate in zip(found, rates, strict=True)]
