"""Subdistribution hazard ratios: how the share that has had an event differs between people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi.accuracy import Positive
from osteo_epi.arguments import confidence_level
from osteo_epi.frames import Column, on_people
from osteo_epi.risk._competing import refuse_unnamed
from osteo_epi.risk._follow_up import COMPETING, EVENT, FollowUp, follow_up
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
from osteo_epi.risk.association._scale import PerSD
from osteo_epi.risk.survival._subdistribution import FineGrayFit, fit_fine_gray, refuse_ties
from osteo_epi.rounding import count
from osteo_epi.survey import Array

UNTESTED = pl.DataFrame(
    schema={"term": pl.String, "statistic": pl.Float64, "df": pl.Int64, "p": pl.Float64}
)


@on_people("time", "event", "competing", "by", "domain")
def subdistribution_hazard_ratios(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    exposures: str | Sequence[str],
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    adjust: str | Sequence[str] = (),
    by: Column = None,
    per_sd: PerSD | Mapping[str, PerSD] = None,
    decrease: bool = True,
    mutual: bool = False,
    categories: str | Sequence[str] = (),
    splines: Mapping[str, int] | None = None,
    reference_levels: Mapping[str, str] | None = None,
    ties: Literal["breslow", "efron"] = "breslow",
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Association:
    """Subdistribution hazard ratios by Fine and Gray's model, per standard deviation lower.

    They say how the risk of the event differs, deaths counted: who dies early has no fracture
    later. Cause-specific hazard ratios (`hazard_ratios` with the same `competing`) say how its
    rate differs among the living. With competing deaths a report gives both: their frames have the
    same columns and stand in one table.

    Parameters
    ----------
    people, time, event, event_positive, competing, competing_positive
        As in `follow_up`; everybody is followed from the start.
    nothing_competes
        As in `cumulative_incidence`.
    exposures, adjust, by, per_sd, decrease, mutual, categories, splines, reference_levels
        As in `hazard_ratios`.
    ties
        "breslow" as `cmprsk::crr`, by which published subdistribution ratios are computed and which
        is the default therefore (that of `hazard_ratios` is "efron", as of R's `coxph`), or "efron"
        as `survival::finegray` with `coxph`; both with the error that counts in the estimate of the
        weights for censoring, which the latter leaves out.
    design, domain, confidence, accept_errors
        As in `hazard_ratios`: with a survey design coefficients are weighted, and errors rest on
        linearised values summed to the sampling units.

    Returns
    -------
    Association
        Without a test of proportional hazards.

    Raises
    ------
    SchemaError
        As `hazard_ratios`, or if `competing` is not named and nothing_competes is not said.
    DesignError
        If `ties` is unknown.

    Notes
    -----
    Fine and Gray 1999, doi 10.1080/01621459.1999.10474144. Which ratio answers which question:
    Latouche et al 2013, doi 10.1016/j.jclinepi.2012.09.017.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> hip = rng.normal(0.85, 0.12, 2000)
    >>> broken = rng.exponential(20 * np.exp((hip - 0.85) / 0.12 * np.log(2)))
    >>> death = rng.exponential(15, 2000)
    >>> end = np.minimum(np.minimum(broken, death), 10)
    >>> people = pl.DataFrame({"abmd_total_hip": hip, "years": end, "fracture": broken == end,
    ...                        "died": death == end})
    >>> given = dict(time="years", event="fracture", competing="died",
    ...              exposures="abmd_total_hip", per_sd="sample")
    >>> from osteo_epi.risk import hazard_ratios
    >>> both = [hazard_ratios(people, **given), subdistribution_hazard_ratios(people, **given)]
    >>> table = pl.concat([one.to_frame() for one in both])
    >>> table.select("measure", pl.col("estimate").round(2)).rows()
    [('cause-specific hazard ratio', 2.0), ('subdistribution hazard ratio', 1.92)]
    """
    confidence_level(confidence)
    refuse_ties(ties)
    question = Question.of(
        exposures, adjust, by, per_sd, decrease, mutual, categories, splines, reference_levels
    )
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, nothing_competes=nothing_competes,
        covariates=question.columns, design=design,
        domain=domain, accept_errors=accept_errors,
    )  # fmt: skip
    refuse_unnamed(seen.competing, seen.unsaid, nothing_competes=nothing_competes)
    models, notes = columns_of(
        seen.people, question, rows=seen.rows,
        population=seen.people.domain(domain) & (seen.sample.weight > 0),
        weight=seen.sample.weight,
    )  # fmt: skip
    ratios, fitted = list[Ratio](), list[Model]()
    for columns in models:
        fit = _fit(seen, columns, ties)
        ratios += ratios_of(fit, columns.blocks, n=seen.n, confidence=confidence)
        fitted.append(
            model_of(
                fit,
                columns.names,
                columns.contrasts,
                columns.blocks,
                by=question.by,
                proportional=UNTESTED,
            )
        )
    said = (*seen.notes, *notes, *few_events(seen.n_events, models), *_cautions(seen))
    return Association(
        "subdistribution hazard ratio", tuple(ratios), tuple(fitted), seen.n, seen.n_events,
        float(seen.time[seen.rows].sum()), seen.event, question.adjust, question.by,
        str(seen.sample.design), confidence, said,
    )  # fmt: skip


def _fit(seen: FollowUp, columns: Columns, ties: Literal["breslow", "efron"]) -> Estimated:
    sample, rows = seen.sample, seen.rows

    def fitted(weight: Array) -> FineGrayFit:
        return fit_fine_gray(
            seen.time, seen.status, columns.x, kind=EVENT, ties=ties,
            weight=np.where(rows, weight, 0.0), names=columns.names,
        )  # fmt: skip

    if sample.simple:
        fit = fitted(np.ones(len(rows)))
        se = model_based(fit.coefficients, fit.covariance, columns.blocks)
        return Estimated(fit.coefficients, fit.covariance, math.inf, "Wald, Fine-Gray", ratio_se=se)
    if sample.arrays is None:
        joint, se = by_replicates(sample, lambda w: fitted(w).coefficients, rows, columns.blocks)
        return Estimated(
            joint.value, joint.covariance, joint.df, "Wald, Fine-Gray, replicates", ratio_se=se
        )
    fit = fitted(sample.weight)
    joint = sample.linearised(fit.coefficients, fit.influence, rows)
    se = by_design(sample, joint, fit.influence, rows, columns.blocks)
    return Estimated(
        joint.value, joint.covariance, joint.df, "Wald, Fine-Gray, design-based", ratio_se=se
    )


def _cautions(seen: FollowUp) -> list[str]:
    if seen.competing is None:
        return ["nothing competes: the ratios are those of Cox's model"]
    n = int((seen.status[seen.rows] == COMPETING).sum())
    return [
        f"{count(n)} people had the competing event ({seen.competing}) and stay among those at "
        "risk: the ratio is of the risk, deaths counted, and not of the rate among the living; for "
        "that see cause-specific hazard ratios"
    ]
