"""Sizes of studies of a test: of its shares, of its area, of two areas, and of agreement."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.special import ndtr, ndtri

from osteo_epi.accuracy.planning._study_size import (
    Need,
    StudySize,
    normal,
    one_of,
    sampling,
    up,
)
from osteo_epi.arguments import number
from osteo_epi.errors import DefinitionError

MOST_PEOPLE = 10**9
NORMAL = "normal"
SCORES = (NORMAL, "exponential")
NODES = 120
"""Of the quadrature over a normal law."""


def accuracy_sample_size(
    *,
    prevalence: float,
    sensitivity: float | None = None,
    specificity: float | None = None,
    precision: float | None = None,
    against: float | None = None,
    power: float | None = None,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> StudySize:
    """People for the sensitivity and the specificity of a test.

    Parameters
    ----------
    prevalence
        Expected share of people with the disease (0 to 1).
    sensitivity, specificity
        Expected; one or both.
    precision
        Half the width of the interval that is wished.
    against
        Instead: the value that sensitivity and specificity are to be shown to differ from.
    power
        Of that test, more than 1 − confidence; 0.8 if not given.
    confidence
        Level of the interval, or 1 less that of the two-sided test.
    design_effect, response
        How many times the variance is that of a simple random sample; share of those invited who
        have both test and truth.

    Returns
    -------
    StudySize

    Raises
    ------
    DefinitionError
        If nothing is asked, or a number is out of its range.

    Notes
    -----
    Diseased people for the sensitivity, healthy ones for the specificity, divided by their share
    (Buderer 1996, doi 10.1111/j.1553-2712.1996.tb03538.x): z²·p(1 − p)/d² for precision, and
    (z√(p₀(1 − p₀)) + z'√(p(1 − p)))²/(p − p₀)² for a test. As many diseased are expected, not sure.

    Examples
    --------
    >>> size = accuracy_sample_size(
    ...     prevalence=0.2, sensitivity=0.9, specificity=0.8, precision=0.05
    ... )
    >>> size.to_frame().select("aim", "n_counted", "n").rows()
    [('sensitivity', 139, 695), ('specificity', 246, 308)]
    """
    shares = {"sensitivity": sensitivity, "specificity": specificity}
    wished = {name: p for name, p in shares.items() if p is not None}
    if not wished:
        raise DefinitionError("say which share is expected: sensitivity=, specificity=, or both")
    number(prevalence, "prevalence", above=0, below=1)
    power = one_of(precision, against, power)
    z = normal(confidence, power)
    needs = []
    for name, p in wished.items():
        number(p, name, above=0, below=1)
        needed = _share_size(p, precision, against, z)
        sick = name == "sensitivity"
        kind, part = ("diseased", prevalence) if sick else ("healthy", 1 - prevalence)
        needs.append(Need.among(name, kind, needed, part))
    stated = {"prevalence": prevalence, "confidence": confidence} | wished
    return StudySize(
        "accuracy of a test", tuple(needs), stated | _aim(precision, against, power),
        *sampling(design_effect, response), template=_template("accuracy", precision),
    )  # fmt: skip


def auc_sample_size(
    *,
    auc: float,
    prevalence: float,
    precision: float | None = None,
    against: float | None = None,
    power: float | None = None,
    scores: str = NORMAL,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> StudySize:
    """People for the area under a ROC curve.

    Parameters
    ----------
    auc
        Expected area (0.5 to 1).
    prevalence
        Expected share of people with the disease (0 to 1); 0.5 for as many diseased as healthy.
    scores
        The law of the scores that the variance is of: "normal", with one variance, or
        "exponential", as Hanley and McNeil have it (which asks for more people: of as many
        diseased as healthy 13 % at an area of 0.9, 30 % at 0.95).
    precision, against, power, confidence, design_effect, response
        As in `accuracy_sample_size`.

    Returns
    -------
    StudySize

    Raises
    ------
    DefinitionError
        If nothing is asked, or a number is out of its range.

    Notes
    -----
    The variance is that of the Mann-Whitney statistic (Hanley and McNeil 1982, doi
    10.1148/radiology.143.1.7063747), with the chances of either law.

    Examples
    --------
    >>> auc_sample_size(auc=0.8, prevalence=0.5, precision=0.05)
    StudySize(area under the ROC curve: 292 people, area takes most)
    """
    number(auc, "auc", above=0.5, below=1)
    _refuse_scores(scores)
    number(prevalence, "prevalence", above=0, below=1)
    power = one_of(precision, against, power)
    z = normal(confidence, power)
    if against is not None:
        number(against, "against", least=0.5, below=1)
        _refuse_equal(auc, against)
    else:
        number(precision, "precision", above=0, below=0.5)

    def reached(n: int) -> bool:
        sick = max(n * prevalence, 1.0)
        errors = [math.sqrt(_area_variance(a, sick, max(n - sick, 1.0), scores))
                  for a in (auc if against is None else against, auc)]  # fmt: skip
        wished = precision if against is None else abs(auc - against)
        return z[0] * errors[0] + z[1] * errors[1] <= float(wished or 0.0)

    n = _fewest(reached)
    need = Need("area", "diseased", up(n * prevalence), n)
    stated = {"auc": auc, "prevalence": prevalence, "confidence": confidence}
    return StudySize(
        "area under the ROC curve", (need,), stated | _aim(precision, against, power),
        *sampling(design_effect, response), template=_template("auc", precision),
    )  # fmt: skip


def auc_comparison_sample_size(
    *,
    first: float,
    second: float,
    prevalence: float,
    correlation: float = 0.0,
    power: float = 0.8,
    scores: str = NORMAL,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> StudySize:
    """People to tell two areas under ROC curves apart, in the same people or in others.

    Parameters
    ----------
    first, second
        Expected areas (0.5 to 1).
    prevalence
        Expected share of people with the disease (0 to 1).
    correlation
        Of the two estimated areas, from a pilot by `compare_roc`; 0 for people of whom each has
        one test only, and then as many people again for the second test.
    scores
        As in `auc_sample_size`.
    power, confidence, design_effect, response
        As in `accuracy_sample_size`.

    Returns
    -------
    StudySize

    Raises
    ------
    DefinitionError
        If the areas are equal, or a number is out of its range.

    Notes
    -----
    (z + z')²·(V₁ + V₂ − 2r√(V₁V₂)) ≤ (A₁ − A₂)², with Hanley and McNeil's variances (1983, doi
    10.1148/radiology.148.3.6878708).

    Examples
    --------
    >>> auc_comparison_sample_size(first=0.85, second=0.8, prevalence=0.3, correlation=0.6).n
    502
    """
    for name, value in {"first": first, "second": second}.items():
        number(value, name, above=0.5, below=1)
    number(prevalence, "prevalence", above=0, below=1)
    number(correlation, "correlation", above=-1, below=1)
    _refuse_scores(scores)
    _refuse_equal(first, second)
    number(power, "power", above=0, below=1)
    z = sum(normal(confidence, power))

    def reached(n: int) -> bool:
        sick = max(n * prevalence, 1.0)
        v, w = (_area_variance(a, sick, max(n - sick, 1.0), scores) for a in (first, second))
        return z**2 * (v + w - 2 * correlation * math.sqrt(v * w)) <= (first - second) ** 2

    n = _fewest(reached)
    stated = {
        "first": first, "second": second, "prevalence": prevalence, "correlation": correlation,
        "confidence": confidence, "power": power,
    }  # fmt: skip
    notes = () if correlation else ("correlation 0: each of the two tests takes as many people",)
    return StudySize(
        "difference of two areas", (Need("difference", "diseased", up(n * prevalence), n),),
        stated, *sampling(design_effect, response), notes=notes, template="auc_comparison",
    )  # fmt: skip


def kappa_sample_size(
    *,
    kappa: float,
    share: float,
    precision: float | None = None,
    against: float | None = None,
    power: float | None = None,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> StudySize:
    """People for the agreement of two readings that say yes or no.

    Parameters
    ----------
    kappa
        Expected (0 to 1).
    share
        Expected share of yes, the same for both readings (0 to 1).
    precision, against, power, confidence, design_effect, response
        As in `accuracy_sample_size`.

    Returns
    -------
    StudySize

    Raises
    ------
    DefinitionError
        If nothing is asked, or a number is out of its range.

    Notes
    -----
    The variance is that of the intraclass kappa, which readings of one share have:
    (1 − κ)/n·[(1 − κ)(1 − 2κ) + κ(2 − κ)/(2π(1 − π))] (Bloch and Kraemer 1989, doi
    10.2307/2532052).

    Examples
    --------
    >>> kappa_sample_size(kappa=0.7, share=0.3, precision=0.1)
    StudySize(agreement of two readings: 236 people, kappa takes most)
    """
    number(kappa, "kappa", least=0, below=1)
    number(share, "share", above=0, below=1)
    power = one_of(precision, against, power)
    z = normal(confidence, power)
    if against is None:
        number(precision, "precision", above=0, below=1)
        needed = z[0] ** 2 * _kappa_variance(kappa, share) / float(precision or 1.0) ** 2
    else:
        number(against, "against", least=0, below=1)
        _refuse_equal(kappa, against)
        errors = [math.sqrt(_kappa_variance(k, share)) for k in (against, kappa)]
        needed = ((z[0] * errors[0] + z[1] * errors[1]) / (kappa - against)) ** 2
    stated = {"kappa": kappa, "share": share, "confidence": confidence}
    return StudySize(
        "agreement of two readings", (Need.among("kappa", "people", needed, 1.0),),
        stated | _aim(precision, against, power), *sampling(design_effect, response),
        template=_template("kappa", precision),
    )  # fmt: skip


def _share_size(
    p: float, precision: float | None, against: float | None, z: tuple[float, float]
) -> float:
    if against is None:
        number(precision, "precision", above=0, below=1)
        return z[0] ** 2 * p * (1 - p) / float(precision or 1.0) ** 2
    number(against, "against", above=0, below=1)
    _refuse_equal(p, against)
    reach = z[0] * math.sqrt(against * (1 - against)) + z[1] * math.sqrt(p * (1 - p))
    return (reach / (p - against)) ** 2


def _area_variance(auc: float, sick: float, well: float, scores: str) -> float:
    once, twice = _beaten_twice(auc) if scores == NORMAL else (auc / (2 - auc),
                                                               2 * auc**2 / (1 + auc))  # fmt: skip
    spread = (sick - 1) * (once - auc**2) + (well - 1) * (twice - auc**2)
    return (auc * (1 - auc) + spread) / (sick * well)


@cache
def _beaten_twice(auc: float) -> tuple[float, float]:
    """Chance that two diseased people are both above a healthy one, and one above two."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    chance = weights @ ndtr(math.sqrt(2) * ndtri(auc) - nodes) ** 2 / weights.sum()
    return float(chance), float(chance)


def _refuse_scores(scores: str) -> None:
    if scores not in SCORES:
        raise DefinitionError(f"scores={scores!r}; expected one of {', '.join(SCORES)}")


def _kappa_variance(kappa: float, share: float) -> float:
    """Of one person."""
    return (1 - kappa) * (
        (1 - kappa) * (1 - 2 * kappa) + kappa * (2 - kappa) / (2 * share * (1 - share))
    )


def _fewest(reached: Callable[[int], bool]) -> int:
    """The least number of people, two at least, with whom the aim is reached."""
    high = 2
    while not reached(high):
        high *= 2
        if high > MOST_PEOPLE:
            raise DefinitionError("more than a billion people would be needed: wish for less")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _refuse_equal(expected: float, other: float) -> None:
    if expected == other:
        raise DefinitionError(
            f"the two values are equal ({expected:g}): nothing is there to be told apart"
        )


def _aim(precision: float | None, against: float | None, power: float | None) -> dict[str, float]:
    given = {"precision": precision, "against": against, "power": power}
    return {name: value for name, value in given.items() if value is not None}


def _template(name: str, precision: float | None) -> str:
    return f"{name}_{'test' if precision is None else 'precision'}"
