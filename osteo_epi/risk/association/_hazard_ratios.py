"""Hazard ratios: how much more often an event comes to those who have less of something."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy import People, Positive
from osteo_epi.arguments import confidence_level, is_a
from osteo_epi.errors import DesignError
from osteo_epi.frames import Column, on_people
from osteo_epi.risk._follow_up import COMPETING, EVENT, FollowUp, follow_up
from osteo_epi.risk.association._association import (
    Association,
    Estimated,
    Model,
    Ratio,
    by_design,
    by_replicates,
    deviations,
    model_based,
    model_of,
    moved,
    ratios_of,
)
from osteo_epi.risk.association._exposures import (
    Columns,
    Question,
    column_names,
    columns_of,
    few_events,
)
from osteo_epi.risk.association._scale import PerSD
from osteo_epi.risk.hazard import (
    TRANSFORMS,
    CoxFit,
    fit_cox,
    proportionality,
    time_function,
)
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array, Codes

FEW_CLUSTERS = 30
NOT_PROPORTIONAL = 0.05


@dataclass(frozen=True)
class _Follow:
    """The follow-up with what the fit needs beside the covariates."""

    seen: FollowUp
    stratum: Codes | None
    cluster: Codes | None
    ties: str
    transform: str
    entry: Array | None


@on_people("time", "event", "competing", "entry", "by", "cluster", "domain")
def hazard_ratios(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    exposures: str | Sequence[str],
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    entry: Column = None,
    adjust: str | Sequence[str] = (),
    by: Column = None,
    per_sd: PerSD | Mapping[str, PerSD] = None,
    decrease: bool = True,
    mutual: bool = False,
    categories: str | Sequence[str] = (),
    splines: Mapping[str, int] | None = None,
    reference_levels: Mapping[str, str] | None = None,
    strata: str | Sequence[str] = (),
    cluster: Column = None,
    ties: str = "efron",
    transform: str = "km",
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Association:
    """Hazard ratios by Cox's model, per standard deviation that each is lower.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    time, event, event_positive, entry
        As in `follow_up`: columns of the time to the end of observation [any unit] and of the
        event, what counts as one, and the time at which people came under observation (with age
        as the time scale, the age then).
    exposures
        Columns whose ratios are wanted, one model each. Numbers; yes or no; or classes (text, or
        codes named in `categories`), compared to the largest class or that of `reference_levels`.
    competing, competing_positive
        What makes the event impossible, as death: people are followed until then, and the ratio
        is cause-specific.
    adjust
        Columns that every model is adjusted for.
    by
        Column of groups (sex) that each get a ratio of their own, with a test that they are one.
    per_sd
        Whose standard deviation numbers are divided by, for all exposures or a mapping by their
        names: "sample" (people of the model), "population" (people of the domain by their
        weights, followed or not), a young-adult reference or its id (by sex, columns `abmd_…`), a
        number [unit of the column], or None for a ratio per unit.
    decrease
        Whether people with less of an exposure are compared to people with more: a low density that
        raises the risk has a ratio above 1. It holds for every exposure of numbers, age among
        them, and for no adjustment; the `contrast` in each table says what is compared.
    mutual
        One model for all exposures, each adjusted for the others.
    categories
        Columns of numbers that are codes of classes.
    splines
        Column of `adjust` to its number of knots (3 to 7): a restricted cubic spline.
    reference_levels
        Column to the class that its others are compared to.
    strata
        Columns whose classes have baseline hazards of their own.
    cluster
        Column of what rows are alike in (centre, family; "person_id" where a person has
        several): errors by its score residuals.
    ties
        "efron", "breslow" or "exact", see `fit_cox`.
    transform
        Time scale of the test of proportional hazards, "km", "rank", "identity" or "log".
    design, domain, confidence, accept_errors
        As in `accuracy.accuracy`. With a survey design coefficients are weighted, and errors and
        tests rest on score residuals summed to the sampling units (Binder 1992, doi
        10.1093/biomet/79.1.139).

    Returns
    -------
    Association

    Raises
    ------
    SchemaError
        If a column is absent or of the wrong kind, a time is not after its start, nobody has the
        event, or a covariate is constant, made of others, or tells the events from all others.
    DesignError
        If an option is unknown, or two ways to judge errors are given.

    Notes
    -----
    All models rest on the same people, who have every exposure and adjustment. Efron's ties and
    the exact score test of proportional hazards are those of R's survival.

    Limits count the error of a standard deviation that is estimated ("sample", "population"): its
    linearised value times the coefficient goes with that of the coefficient. R's numbers, which
    take it as known, come by stating it (`per_sd=0.12`). How often limits hold the ratio per true
    standard deviation: `reports/hazard_coverage.csv`.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> hip = rng.normal(0.85, 0.12, 2000)
    >>> years = rng.exponential(20 * np.exp((hip - 0.85) / 0.12 * np.log(2)))
    >>> people = pl.DataFrame({"abmd_total_hip": hip, "years": np.minimum(years, 10),
    ...                        "hip_fracture": years < 10})
    >>> result = hazard_ratios(people, time="years", event="hip_fracture",
    ...                        exposures="abmd_total_hip", per_sd="sample")
    >>> print(result["abmd_total_hip"].rounded(3))
    1.99 (1.85 to 2.15)
    """
    confidence_level(confidence)
    question = Question.of(
        exposures, adjust, by, per_sd, decrease, mutual, categories, splines, reference_levels
    )
    layers = column_names(strata, "strata")
    if cluster is not None:
        is_a(cluster, "cluster", str, 'the name of one column, as in cluster="centre"')
    held = dict.fromkeys(layers, "strata") | question.columns
    held |= {} if cluster is None else {cluster: "cluster"}
    # Clusters are read, and no design made of them: errors are by score residuals.
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    seen = follow_up(
        known, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, entry=entry, covariates=held, design=design,
        domain=domain,
    )  # fmt: skip
    follow = _prepared(seen, layers, cluster, ties, transform, entry)
    models, notes = columns_of(
        seen.people, question, rows=seen.rows,
        population=seen.people.domain(domain) & (seen.sample.weight > 0),
        weight=seen.sample.weight, by_is_stratum=by is not None and by in layers,
    )  # fmt: skip
    return _answer(follow, question, models, notes, confidence)


def _prepared(
    seen: FollowUp, strata: tuple[str, ...], cluster: str | None, ties: str, transform: str,
    entry: str | None,
) -> _Follow:  # fmt: skip
    if cluster is not None and not seen.sample.simple:
        raise DesignError(
            f"cluster={cluster!r} beside a survey design: its sampling units are what people are "
            'alike in already; leave cluster= out, or take design="srs" if nobody was sampled'
        )
    if transform not in TRANSFORMS:
        raise DesignError(f"unknown transform {transform!r}; choose one of {', '.join(TRANSFORMS)}")
    if ties == "exact" and (cluster is not None or not seen.sample.simple):
        raise DesignError(
            'ties="exact" has no score residuals, on which clusters and a survey design rest; '
            'take ties="efron"'
        )
    stratum = _codes(seen, list(strata)) if strata else None
    alike = _codes(seen, [cluster]) if cluster else None
    return _Follow(seen, stratum, alike, ties, transform, seen.entry if entry else None)


def _codes(seen: FollowUp, columns: list[str]) -> Codes:
    frame = seen.people.frame.select(pl.struct(columns).rank("dense").fill_null(0) - 1)
    return frame.to_series().cast(pl.Int64).to_numpy()


def _answer(
    follow: _Follow, question: Question, models: list[Columns], notes: tuple[str, ...],
    confidence: float,
) -> Association:  # fmt: skip
    seen, ratios, fitted, remarks = follow.seen, list[Ratio](), list[Model](), list[str]()
    for columns in models:
        fit, test = _fit(follow, columns)
        ratios += ratios_of(fit, columns.blocks, n=seen.n, confidence=confidence)
        fitted.append(
            model_of(
                fit,
                columns.names,
                columns.contrasts,
                columns.blocks,
                by=question.by,
                proportional=test,
            )
        )
        remarks += _not_proportional(test, fitted[-1].exposures)
    kind = "hazard ratio" if seen.competing is None else "cause-specific hazard ratio"
    time = float((seen.time - seen.entry)[seen.rows].sum())
    said = (*seen.notes, *notes, *few_events(seen.n_events, models), *remarks, *_cautions(follow))
    return Association(
        kind, tuple(ratios), tuple(fitted), seen.n, seen.n_events, time, seen.event,
        question.adjust, question.by, str(seen.sample.design), confidence, said,
    )  # fmt: skip


def _fit(follow: _Follow, columns: Columns) -> tuple[Estimated, pl.DataFrame]:
    seen = follow.seen

    def fitted(weight: Array) -> CoxFit:
        return fit_cox(
            seen.time, seen.status == EVENT, columns.x, entry=follow.entry,
            weight=np.where(seen.rows, weight, 0.0), stratum=follow.stratum, ties=follow.ties,
            names=columns.names,
        )  # fmt: skip

    if seen.sample.simple:
        fit = fitted(np.ones(len(seen.rows)))
        return _of_people(follow, fit, columns)
    if seen.sample.arrays is None:
        joint, se = by_replicates(
            seen.sample, lambda w: fitted(w).coefficients, seen.rows, columns.blocks
        )
        estimate = Estimated(
            joint.value, joint.covariance, joint.df, "Wald, replicates", ratio_se=se
        )
        return estimate, _no_test()
    fit, sample = fitted(seen.sample.weight), seen.sample
    linear = seen.weight[:, None] * fit.dfbeta()
    joint = sample.linearised(fit.coefficients, linear, seen.rows)
    se = by_design(sample, joint, linear, seen.rows, columns.blocks)
    estimate = Estimated(joint.value, joint.covariance, joint.df, "Wald, design-based", ratio_se=se)

    def by_units(values: Array) -> Array:
        return sample.linearised(np.zeros(values.shape[1]), values, seen.rows).covariance

    return estimate, _test(follow, fit, columns, by_units, joint.df)


def _of_people(follow: _Follow, fit: CoxFit, columns: Columns) -> tuple[Estimated, pl.DataFrame]:
    cluster = follow.cluster
    if cluster is None:
        se = model_based(fit.coefficients, fit.covariance, columns.blocks)
        estimate = Estimated(fit.coefficients, fit.covariance, math.inf, "Wald", ratio_se=se)
        return estimate, _no_test() if fit.ties == "exact" else _test(follow, fit, columns)
    robust = fit.robust_covariance(cluster)

    def by_cluster(values: Array) -> Array:
        sums = np.column_stack([np.bincount(cluster, column) for column in values.T])
        return np.asarray(sums.T @ sums, float)

    se = None
    if deviations(columns.blocks):
        linear = np.where(follow.seen.rows[:, None], fit.dfbeta(), 0.0)
        se = np.sqrt(np.diag(by_cluster(linear + moved(fit.coefficients, columns.blocks))))
    estimate = Estimated(fit.coefficients, robust, math.inf, "Wald, clustered", ratio_se=se)
    return estimate, _test(follow, fit, columns, by_cluster)


def _test(
    follow: _Follow, fit: CoxFit, columns: Columns, covariance: Any = None, df: float = math.inf
) -> pl.DataFrame:
    function = time_function(fit, follow.seen.time, follow.transform, follow.entry)
    places = [own for _, own in columns.terms]
    test = proportionality(fit, function, places, covariance=covariance, df=df)
    rows = [(name, float(test.statistic[i]), int(test.df[i]), float(test.p[i]))
            for i, (name, _) in enumerate(columns.terms)]  # fmt: skip
    table = pl.DataFrame([*rows, ("all", *test.whole)], schema=_no_test().schema, orient="row")
    return table.fill_nan(None)


def _no_test() -> pl.DataFrame:
    kinds = {"term": pl.String, "statistic": pl.Float64, "df": pl.Int64, "p": pl.Float64}
    return pl.DataFrame(schema=kinds)


def _not_proportional(test: pl.DataFrame, exposures: tuple[str, ...]) -> list[str]:
    own = test.filter(pl.col("term").is_in(exposures))
    low = own.filter(pl.col("p") < NOT_PROPORTIONAL)
    untested = own.filter(pl.col("p").is_null())["term"].to_list()
    notes = list[str]()
    if untested:
        notes.append(
            f"{', '.join(untested)}: whether its effect changes with time cannot be tested, the "
            "events lie at too few times or in too few units"
        )
    return notes + [
        f"{row['term']}: its effect changes with time (test of proportional hazards, p "
        f"{number(row['p'], digits=2)}); the ratio is an average over the follow-up, so divide "
        "the time, or look at shorter follow-up"
        for row in low.iter_rows(named=True)
    ]


def _cautions(follow: _Follow) -> list[str]:
    seen, notes = follow.seen, []
    if seen.competing is not None:
        n = int((seen.status[seen.rows] == COMPETING).sum())
        notes.append(
            f"{count(n)} people had the competing event ({seen.competing}) and are followed until "
            "then: the ratio is of the rate among those still free of both, not of the risk; for "
            "that see cumulative incidence"
        )
    if follow.cluster is not None:
        k = len(np.unique(follow.cluster[seen.rows]))
        if k < FEW_CLUSTERS:
            notes.append(f"{k} clusters: below {FEW_CLUSTERS} limits by clusters are too narrow")
    if seen.sample.arrays is None and not seen.sample.simple:
        notes.append("with replicate weights there is no test of proportional hazards")
    return notes
