"""Odds ratios: who has had the event already, by what they have more or less of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.accuracy import People, Positive, Sample
from osteo_epi.arguments import confidence_level
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.risk.association._association import (
    Association,
    Estimated,
    Model,
    Ratio,
    by_design,
    by_replicates,
    model_based,
    model_of,
    ratios_of,
)
from osteo_epi.risk.association._exposures import Columns, Question, columns_of, few_events
from osteo_epi.risk.association._logistic import LogisticFit, fit_logistic, profile_limits
from osteo_epi.risk.association._scale import PerSD
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Mask

INTERVALS = ("profile", "wald")


@on_people("event", "by", "cluster", "domain")
def odds_ratios(
    people: Any = None,
    *,
    event: Column,
    exposures: str | Sequence[str],
    event_positive: Positive = None,
    adjust: str | Sequence[str] = (),
    by: Column = None,
    per_sd: PerSD | Mapping[str, PerSD] = None,
    decrease: bool = True,
    mutual: bool = False,
    categories: str | Sequence[str] = (),
    splines: Mapping[str, int] | None = None,
    reference_levels: Mapping[str, str] | None = None,
    interval: str | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Association:
    """Odds ratios of a prevalent event by logistic regression, per standard deviation lower.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    event, event_positive
        Column of the event (a prevalent vertebral fracture), and what counts as one where it does
        not say yes or no.
    exposures, adjust, by, per_sd, decrease, mutual, categories, splines, reference_levels
        As in `hazard_ratios`.
    interval
        "profile" (default for people drawn one by one: where the likelihood falls by the
        chi-square quantile) or "wald"; with a survey design "wald" on its degrees of freedom.
    design, cluster, domain, confidence, accept_errors
        As in `accuracy.accuracy`.

    Returns
    -------
    Association
        Without person-time, and without a test of proportional hazards.

    Raises
    ------
    SchemaError
        If a column is absent or of the wrong kind, everybody or nobody has the event, or a
        covariate is constant, made of others, or tells those with the event from all others.
    DesignError
        If the interval is unknown, or there is none such with a survey design.

    Notes
    -----
    An odds ratio is farther from 1 than a ratio of prevalences unless the event is rare. With a
    design coefficients are weighted and errors linearised (Binder 1983, doi 10.2307/1402588).
    Limits count the error of an estimated standard deviation as those of `hazard_ratios` do; of a
    profile both distances are widened by it (Zou and Donner 2008, doi 10.1002/sim.3095).

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> spine = rng.normal(100, 30, 1500)
    >>> fracture = rng.random(1500) < 1 / (1 + np.exp(2 + (spine - 100) / 30 * np.log(2)))
    >>> people = pl.DataFrame({"vbmd_lumbar_spine": spine, "vertebral_fracture": fracture})
    >>> result = odds_ratios(people, event="vertebral_fracture",
    ...                      exposures="vbmd_lumbar_spine", per_sd="sample")
    >>> print(result["vbmd_lumbar_spine"].rounded(3))
    2.05 (1.75 to 2.41)
    """
    confidence_level(confidence)
    question = Question.of(
        exposures, adjust, by, per_sd, decrease, mutual, categories, splines, reference_levels
    )
    known = People.of(people, accept_errors=accept_errors, cluster=cluster).with_classes(
        question.columns
    )
    sample = Sample.of(known.frame, design, cluster)
    method = _interval(interval, sample)
    answers = known.answers(event, event_positive, "event")
    inside = known.domain(domain) & (sample.weight > 0)
    gaps = {event: ~answers.known} | {
        name: known.column(name, role).is_null().to_numpy()
        for name, role in question.columns.items()
    }
    rows = inside & ~np.any(list(gaps.values()), axis=0)
    yes = answers.yes & rows
    _refuse_one_answer(int(yes.sum()), int(rows.sum()), answers.label)
    models, notes = columns_of(
        known, question, rows=rows, population=inside, weight=sample.weight
    )  # fmt: skip
    ratios, fitted = list[Ratio](), list[Model]()
    for columns in models:
        fit = _fit(sample, yes, rows, columns, method, confidence)
        ratios += ratios_of(fit, columns.blocks, n=int(rows.sum()), confidence=confidence)
        none = pl.DataFrame(schema={"term": pl.String, "statistic": pl.Float64, "df": pl.Int64,
                                    "p": pl.Float64})  # fmt: skip
        one = model_of(fit, columns.names, columns.contrasts, columns.blocks, by=question.by,
                       proportional=none)  # fmt: skip
        fitted.append(one)
    rare = min(int(yes.sum()), int((rows & ~yes).sum()))
    said = (*known.notes, *sample.notes, *answers.remarks, *_lost(gaps, inside), *notes,
            *few_events(rare, models))  # fmt: skip
    return Association(
        "odds ratio", tuple(ratios), tuple(fitted), int(rows.sum()), int(yes.sum()), None,
        answers.label, question.adjust, question.by, str(sample.design), confidence, said,
    )  # fmt: skip


def _interval(asked: str | None, sample: Sample) -> str:
    if asked is None:
        return "profile" if sample.simple else "wald"
    if asked not in INTERVALS:
        raise DesignError(f"unknown interval {asked!r}; choose one of {', '.join(INTERVALS)}")
    if asked == "profile" and not sample.simple:
        raise DesignError(
            'interval="profile" is for people drawn one by one; with a survey design take "wald", '
            'or design="srs" if it was none'
        )
    return asked


def _refuse_one_answer(events: int, n: int, label: str) -> None:
    if n == 0:
        raise SchemaError("nobody has event and every covariate: look where they are missing")
    if events in (0, n):
        raise SchemaError(
            f"{'none' if events == 0 else 'each'} of {count(n)} people has the event ({label}): "
            "there is nothing to compare; look whether event_positive= says what was meant"
        )


def _lost(gaps: dict[str, Mask], inside: Mask) -> list[str]:
    total = count(int(inside.sum()))
    lost = {name: int((gap & inside).sum()) for name, gap in gaps.items()}
    return [f"{count(n)} of {total} people lack {name} and are left out"
            for name, n in lost.items() if n]  # fmt: skip


def _fit(
    sample: Sample, yes: Mask, rows: Mask, columns: Columns, method: str, confidence: float
) -> Estimated:
    def fitted(weight: Array) -> LogisticFit:
        given = np.where(rows, weight, 0.0)
        return fit_logistic(yes, columns.x, weight=given, names=columns.names)

    if sample.simple:
        fit = fitted(np.ones(len(rows)))
        limits = None
        if method == "profile":
            limits = _profiles(fit, yes, rows, columns, confidence)
        named = "profile likelihood" if method == "profile" else "Wald"
        value, spread = fit.coefficients[1:], fit.covariance[1:, 1:]
        se = model_based(value, spread, columns.blocks)
        return Estimated(value, spread, math.inf, named, limits, se)
    if sample.arrays is None:
        joint, se = by_replicates(
            sample, lambda w: fitted(w).coefficients[1:], rows, columns.blocks
        )
        return Estimated(joint.value, joint.covariance, joint.df, "Wald, replicates", ratio_se=se)
    fit = fitted(sample.weight)
    linear = fit.influence[:, 1:]
    joint = sample.linearised(fit.coefficients[1:], linear, rows)
    se = by_design(sample, joint, linear, rows, columns.blocks)
    # As svyglm: a degree less a covariate.
    df = joint.df - len(joint.value)
    return Estimated(joint.value, joint.covariance, df, "Wald, design-based", ratio_se=se)


def _profiles(
    fit: LogisticFit, yes: Mask, rows: Mask, columns: Columns, confidence: float
) -> Array:
    """(p, 2) limits of the exposures' coefficients; NaN of the adjustments'."""
    limits = np.full((len(columns.names), 2), np.nan)
    fall = 0.5 * float(special.chdtri(1, 1 - confidence))
    for block in columns.blocks:
        for place in block.places:
            limits[place] = profile_limits(
                fit, yes, columns.x, rows=rows, place=int(place), fall=fall
            )  # fmt: skip
    return limits
