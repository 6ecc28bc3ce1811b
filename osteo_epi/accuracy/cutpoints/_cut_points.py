"""Which value of a score to cut at: criteria side by side, each with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from osteo_epi import arguments
from osteo_epi.accuracy._columns import Positive
from osteo_epi.accuracy.curves._curve import score_tolerance
from osteo_epi.accuracy.curves._limits import draw_notes
from osteo_epi.accuracy.curves._scores import Scored, read_scores, score_notes
from osteo_epi.accuracy.cutpoints._asked import (
    LEAST_RATE,
    Choices,
    Columns,
    asked_for,
    stated,
)
from osteo_epi.accuracy.cutpoints._criteria import Stated
from osteo_epi.accuracy.cutpoints._curves import Curves, Ranked
from osteo_epi.accuracy.cutpoints._draws import drawn_weights, left_out
from osteo_epi.accuracy.cutpoints._estimates import estimated
from osteo_epi.accuracy.cutpoints._found import CORRECTIONS, Found, bootstrapped, cross_validated
from osteo_epi.accuracy.cutpoints._result import CutPoint, CutPoints
from osteo_epi.errors import DefinitionError, DesignError
from osteo_epi.frames import Column, on_people
from osteo_epi.rounding import count, number

BY_PREVALENCE = ("cost", "prevalence", "equipercentile", "risk", "deming")
"""Criteria that say nothing in a sample of cases and controls unless its prevalence is stated."""


@on_people("score", "truth", "reference", "outcome", "cluster", "domain")
def cut_points(
    people: Any = None,
    *,
    score: Column,
    truth: Column,
    direction: Literal["low", "high"] | None = None,
    truth_positive: Positive = None,
    criteria: Sequence[str] | None = None,
    sensitivity: float = LEAST_RATE,
    specificity: float = LEAST_RATE,
    cost_ratio: float | None = None,
    prevalence: float | None = None,
    reference: Column = None,
    reference_positive: Positive = None,
    error_ratio: float | None = None,
    outcome: Column = None,
    outcome_positive: Positive = None,
    risk: float | None = None,
    beside: str | Sequence[str] = (),
    stratified: bool = False,
    correction: Literal["cross_validation", "bootstrap"] = "cross_validation",
    replicates: int = 1000,
    seed: int = 0,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> CutPoints:
    """Cut-points of a score by several criteria, side by side.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    score, direction
        Column of numbers, and whether "low" or "high" ones are diseased, as in `roc`.
    truth, truth_positive
        Column of the truth, and what counts as diseased, as in `accuracy`.
    criteria
        Which, in this order; None for all of which the inputs are given:

        - "youden": highest sensitivity + specificity (Youden 1950);
        - "closest": nearest to the corner where both are 1;
        - "sensitivity": highest specificity with at least the `sensitivity` stated;
        - "specificity": highest sensitivity with at least the `specificity` stated;
        - "cost": least cost of false results, see `cost_ratio`;
        - "prevalence": as many people positive as are diseased;
        - "deming": where the line with errors in both tests takes the reference test's cut-off;
        - "equipercentile": as many people positive as by the reference test;
        - "risk": where the fitted risk of `outcome` is that at the reference test's cut-off, or
          the `risk` stated. One logistic regression on each test: log-odds linear in it.
    sensitivity, specificity
        Least rates of the criteria that put one of them first [0 to 1]; 0.9 by default.
    cost_ratio
        Cost of a false positive over that of a false negative.
    prevalence
        Share of people with the disease where the cut-point will be used [0 to 1], for "cost",
        "prevalence" and `share_positive`; None for that of the people.
    reference, reference_positive
        Column of the reference test, such as a T-score by DXA, and what it finds:
        `"(-inf, -2.5]"`.
    error_ratio
        Variance of the errors of the reference test over that of the errors of the score
        [square of their units], see `agreement.error_ratio_from_repeats`. Declared: no data of
        one reading each can tell it.
    outcome, outcome_positive
        Column of what is to be predicted, such as fracture, read as the truth is.
    risk
        The risk to be met [0 to 1]; None for that at the cut-off of `reference`.
    beside
        A cut-point that is stated, or several, to stand in the same table: what is positive, as
        in `"(-inf, 80)"`.
    stratified
        True draws diseased and healthy people each by themselves: for cases and controls, whose
        ratio was chosen. Criteria that rest on the ratio then need `prevalence`, or have no
        answer.
    correction
        How the accuracy in other people is told, see the notes: "cross_validation", or
        "bootstrap" (Harrell's), which leaves a fifth to two fifths of the optimism in.
    replicates, seed
        Of the bootstrap: of people, or of the sampling units of a design; two at least, or 0 for
        neither limits nor correction.
    design, cluster, domain
        As in `accuracy`. Weights count in every criterion.
    tolerance
        As in `roc`.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    CutPoints

    Raises
    ------
    SchemaError
        If the direction is not declared, a column is absent, the score or the reference test is
        constant, or a class has too few people.
    DesignError
        If a criterion is unknown or something that it needs is not given, or an argument is given
        that nothing would read.
    DefinitionError
        If a number is out of its bounds.

    Notes
    -----
    A cut-point lies halfway between two scores; people beyond it are positive. Cut-points that
    are equally good are all named in `CutPoint.tied`, and the middle one is taken (of an even
    number the one with fewer positive people). Where one rate is put first, the other is the
    highest there is, and the first as high as it can be beside it.

    Limits of a cut-point are percentiles of the bootstrap. The cut-point of Youden settles slowly,
    with the cube root of the number of people, and the percentiles of such an estimate are only
    roughly right (Kim and Pollard 1990, doi 10.1214/aos/1176347498).

    A cut-point chosen in people looks better in them than in others (Leeflang, Moons, Reitsma,
    Zwinderman 2008, doi 10.1373/clinchem.2007.096032). The corrected rates are those in other
    people. By cross-validation: the cut-point is found in nine tenths of the people and judged in
    the tenth left out (of units, where a design has them), in turn and twenty times. By bootstrap
    (Harrell, Lee, Mark 1996, doi
    10.1002/(sici)1097-0258(19960229)15:4<361::aid-sim168>3.0.co;2-4): optimism is the mean, over
    the samples, of a rate of the sample's cut-point in the sample less that in the people, and is
    taken off. A sample shares people with those it is judged in, so that a fifth to two
    fifths of the optimism stay: at 40 people 0.04 of Youden's index, at 200 0.01 to 0.02, where
    cross-validation leaves none (benchmarks/cut_point_coverage.py). A rate put first is another
    matter: of few diseased people a least sensitivity is a coarse one, and of nine tenths of them
    coarser, so that cross-validation takes off 0.05 too much at 20 diseased, 0.01 at 40; take the
    bootstrap there. Variances of corrected rates are those of a cut-point stated beforehand with
    such rates and, added, those of the rate in the people over the cut-points of the samples.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.diagnosis import classify, definition
    >>> people = classify(survey(), definition("china_2020", reference="zhang_2007"))
    >>> result = cut_points(
    ...     people, score="abmd_total_hip", direction="low", truth="bone_class",
    ...     truth_positive="osteoporosis", criteria=("youden", "sensitivity"),
    ...     beside="(-inf, 0.70]",
    ... )
    >>> result
    CutPoints(abmd_total_hip (low is diseased) against bone_class osteoporosis, 419 diseased,
    332 healthy; Youden 0.7295 (0.7075 to 0.7595))
    >>> result["youden"].youden_corrected.rounded(2)
    '0.75 (0.71 to 0.78)'
    >>> result.to_frame().select("criterion", pl.col("cut_point", "sensitivity").round(3)).rows()
    [('youden', 0.73, 0.895), ('sensitivity', 0.736, 0.902), ('stated', 0.7, 0.798)]
    """
    arguments.is_a(stratified, "stratified", bool, "True or False")
    _refuse_draws(replicates, seed, correction)
    arguments.confidence_level(confidence)
    scored = read_scores(
        people, (("score", score, direction),), truth=truth, truth_positive=truth_positive,
        design=design, domain=domain, tolerance=tolerance, accept_errors=accept_errors,
        cluster=cluster,
    )  # fmt: skip
    assert direction is not None
    choices = Choices(
        score, direction, sensitivity, specificity, cost_ratio, prevalence, reference,
        reference_positive, error_ratio, outcome, outcome_positive, risk,
    )  # fmt: skip
    choices.refuse()
    names = choices.names(criteria, stratified=stratified)
    _refuse_stratified(names, scored, stratified=stratified, prevalence=prevalence)
    ranked = _ranked(scored, choices, tolerance)
    rows = np.flatnonzero(scored.rows)[ranked.order]
    asked = asked_for(names, choices, Columns(rows, scored.people))
    asked += stated(beside, direction, len(rows))
    whole = ranked.curves(scored.sample.weight[rows][None, :])
    found = [Found(one, float(one.criterion.cuts(whole)[0])) for one in asked]
    if replicates:
        drawn = drawn_weights(
            scored.sample, rows, ranked.diseased, stratified=stratified, replicates=replicates,
            seed=seed,
        )  # fmt: skip
        found = bootstrapped(found, whole, drawn)
        if correction == "cross_validation":
            left = left_out(scored.sample, rows, ranked.diseased, seed=seed)
            found = cross_validated(found, whole, left)
    told = _told(found, replicates, confidence)
    return _result(scored, choices, whole, found, confidence, told)


def _refuse_draws(replicates: int, seed: int, correction: str) -> None:
    arguments.number(replicates, "replicates", least=0, whole=True)
    arguments.number(seed, "seed", least=0, whole=True)
    arguments.one_of(correction, "correction", CORRECTIONS)
    if replicates == 1:
        raise DefinitionError(
            "replicates=1: one sample has no spread; take 0 for neither limits nor correction, or "
            "more"
        )
    for word, value, usual in (("seed", seed, 0), ("correction", correction, CORRECTIONS[0])):
        if not replicates and value != usual:
            raise DesignError(
                f"{word}={value!r} is of the bootstrap, and replicates=0 asks for none: leave one "
                "of the two out"
            )


def _refuse_stratified(
    names: Sequence[str], scored: Scored, *, stratified: bool, prevalence: float | None
) -> None:
    if not stratified:
        return
    if not scored.sample.simple:
        raise DesignError(
            "stratified=True draws people one by one, and these have a survey design or clusters: "
            'leave it out, or say design="srs" without cluster= if they were drawn one by one'
        )
    lost = [name for name in names if name in BY_PREVALENCE]
    kept = ("cost", "prevalence") if prevalence is not None else ()
    lost = [name for name in lost if name not in kept]
    if lost:
        way = (
            "state prevalence="
            if lost[0] in ("cost", "prevalence")
            else "name the others in criteria="
        )
        raise DesignError(
            f'criterion "{lost[0]}" rests on how many people are diseased, which in a sample of '
            f"cases and controls (stratified=True) was chosen: {way}"
        )


def _ranked(scored: Scored, choices: Choices, tolerance: float | None) -> Ranked:
    score = scored.scores[0]
    by = score_tolerance(choices.score, score) if tolerance is None else tolerance
    return Ranked.of(scored.groups[0], score, low=choices.direction == "low", tolerance=by)


def _told(found: list[Found], replicates: int, confidence: float) -> tuple[str, ...]:
    """What to say of the samples of a bootstrap; limits of a stated cut-point need none."""
    if not replicates or all(isinstance(one.asked.criterion, Stated) for one in found):
        return ()
    return draw_notes(len(found[0].drawn), replicates, confidence)


def _result(
    scored: Scored,
    choices: Choices,
    whole: Curves,
    found: list[Found],
    confidence: float,
    told: tuple[str, ...],
) -> CutPoints:
    prevalence = choices.prevalence or float(whole.prevalence[0, 0])
    points = tuple(estimated(scored, whole, one, prevalence, confidence) for one in found)
    samples = len(found[0].drawn) if found else 0
    return CutPoints(
        points, scored.groups[0].cut_points(), whole.sensitivity[0], whole.specificity[0],
        choices.score, choices.direction, scored.truth.label, str(scored.sample.design),
        prevalence, *scored.sizes, samples, confidence,
        (*told, *_notes(scored, choices, found, points)),
    )  # fmt: skip


def _notes(
    scored: Scored, choices: Choices, found: list[Found], points: tuple[CutPoint, ...]
) -> tuple[str, ...]:
    notes = score_notes(scored, choices.score)
    for one, point in zip(found, points, strict=True):
        notes += _words(one, point)
    return tuple(dict.fromkeys(notes))


def _words(found: Found, point: CutPoint) -> list[str]:
    """What a reader must know of one cut-point."""
    words, without = list(found.asked.notes), int(np.isnan(found.drawn[:, 0]).sum())
    if point.cut_point is None:
        words.append(
            f"{point.label}: no cut-point, the score does not follow the reference test or the "
            "risk the way that direction= says, or the outcome has no fit"
        )
    elif math.isinf(point.cut_point):
        kind = "nobody" if point.observed is None else "everybody"
        words.append(f"{point.label}: best where {kind} is positive, which is no cut-point")
    if without and point.cut_point is not None:
        words.append(
            f"{point.label}: {count(without)} of {count(len(found.drawn))} samples have no "
            "cut-point and are left out of its limits"
        )
    if point.tied:
        ends = " to ".join(number(end, digits=4) for end in sorted((point.tied[0], point.tied[-1])))
        words.append(
            f"{point.label}: {count(len(point.tied))} cut-points are equally good, {ends}; the "
            "middle one is given"
        )
    return words
