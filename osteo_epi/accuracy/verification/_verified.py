"""Accuracy of a test whose truth is known of some people only, by the test and what is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy._accuracy import Accuracy, accuracy
from osteo_epi.accuracy._columns import People, Positive
from osteo_epi.accuracy._measures import Counts, Measure, limits, ratios, unvaried, youden
from osteo_epi.accuracy._sample import Joint, Sample
from osteo_epi.accuracy.verification._corrected import (
    SHARES,
    Chances,
    Verified,
    bounds,
    by_model,
    by_strata,
    linear_shares,
    reweighted,
)
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import (
    INTERVAL_NAMES,
    Array,
    Codes,
    DesignArrays,
    Mask,
    SurveyDesign,
    survey_interval,
)
from osteo_epi.survey import covariates as design_matrix

METHODS = ("begg_greenes", "inverse_probability")
# More values than this make no strata.
CLASSES = 10


@dataclass(frozen=True, repr=False)
class VerifiedAccuracy(Result):
    """What a test is worth in all who were tested, also in those whose truth nobody looked for.

    Attributes
    ----------
    measures
        Name to `Measure`: sensitivity, specificity, ppv, npv, prevalence, lr_positive,
        lr_negative, diagnostic_odds_ratio, youden; `n` are the verified people.
    verified_only
        `Accuracy` in the verified alone, as if the others did not exist.
    sensitivity_bounds, specificity_bounds
        Least and greatest value that are possible, whatever is true of those not verified.
    n, n_verified, n_covariates_missing
        People with the test and the covariates, those of them with the truth, and people of the
        domain with the test who lack a covariate and are left out.
    method, covariates
        How those not verified are stood for, and by what besides the test.
    test, truth, design, confidence, notes
        As of `Accuracy`.
    """

    measures: dict[str, Measure]
    verified_only: Accuracy
    sensitivity_bounds: tuple[float, float]
    specificity_bounds: tuple[float, float]
    n: int
    n_verified: int
    n_covariates_missing: int
    method: str
    covariates: tuple[str, ...]
    test: str
    truth: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a measure: measure, estimate, se, lower, upper, n, method, verified_only."""
        naive = self.verified_only.measures
        return pl.DataFrame(
            [
                {"measure": name} | m.as_row()
                | {"method": m.method, "verified_only": naive[name].as_row()["estimate"]}
                for name, m in self.measures.items()
            ],
            schema_overrides=dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64),
        )  # fmt: skip

    def _summary(self) -> str:
        se, sp = (self.measures[name].rounded(3) for name in ("sensitivity", "specificity"))
        return (
            f"{self.test} against {self.truth}, sensitivity {se}, specificity {sp}, "
            f"n {count(self.n)}, {count(self.n_verified)} verified"
        )


@on_people("test", "truth", "cluster", "domain")
def verified_accuracy(
    people: Any = None,
    *,
    test: Column,
    truth: Column,
    test_positive: Positive = None,
    truth_positive: Positive = None,
    covariates: Sequence[str] = (),
    method: str = "begg_greenes",
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> VerifiedAccuracy:
    """Accuracy of a test where its result decided, in part, whose truth was looked for.

    Parameters
    ----------
    people
        A frame of any kind, one row a person: also those without the truth.
    test, truth, test_positive, truth_positive
        As in `accuracy`; the truth is missing of those who were not verified.
    covariates
        Columns that besides the test decided who was verified.
    method
        "begg_greenes": the share diseased among the verified of each stratum of test and
        covariates (classes, or numbers of at most 10 values) stands for the whole stratum.
        "inverse_probability": each verified person counts by the inverse of the chance of being
        verified, from a logistic regression on the covariates for each test result.
    design, cluster, domain, tolerance, confidence, accept_errors
        As in `accuracy`.

    Returns
    -------
    VerifiedAccuracy

    Raises
    ------
    SchemaError
        As `accuracy`, and if a covariate makes no strata, or is the truth.
    DesignError
        As `accuracy`, and if nobody was verified in a stratum, or with one result of the test.
    DefinitionError
        If `covariates` is no list of words.

    Notes
    -----
    Begg and Greenes 1983, doi 10.2307/2530820; inverse probability as in Alonzo and Pepe 2005, doi
    10.1111/j.1467-9876.2005.00477.x. Both hold where, given test and covariates, being verified
    has nothing to do with the disease; nothing in the data can show that, and the bounds say what
    is possible without it. Without covariates, or with one of two classes, both methods are the
    same. Standard errors carry the estimation of the shares verified, by linearisation over the
    design (for people drawn one by one the variance of Begg and Greenes, times n / (n − 1)), or by
    the replicates; limits are Wald's on the scale of log-odds, and there are none where a share
    is 0 or 1.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "test": [1] * 100 + [0] * 400,
    ...     "truth": [1] * 60 + [0] * 30 + [None] * 10 + [1] * 5 + [0] * 75 + [None] * 320,
    ... })
    >>> result = verified_accuracy(people, test="test", truth="truth")
    >>> print(result.measures["sensitivity"].rounded(3))
    0.727 (0.523 to 0.866)
    >>> print(result.verified_only.sensitivity.rounded(3))
    0.923 (0.832 to 0.967)
    >>> tuple(round(bound, 3) for bound in result.sensitivity_bounds)
    (0.156, 0.933)
    """
    if method not in METHODS:
        raise DesignError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    names = _names(covariates, truth)
    naive = accuracy(
        people, test=test, truth=truth, test_positive=test_positive,
        truth_positive=truth_positive, design=design, cluster=cluster, domain=domain,
        tolerance=tolerance, confidence=confidence, accept_errors=accept_errors,
    )  # fmt: skip
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    before, known = known.notes, known.with_classes(dict.fromkeys(names, "covariates"))
    sample = Sample.of(known.frame, design, cluster)
    tested = known.answers(test, test_positive, "test", tolerance=tolerance)
    true = known.answers(truth, truth_positive, "truth", tolerance=tolerance)
    inside = known.domain(domain) & (sample.weight > 0) & tested.known
    table = _table(known, names, method, inside)
    complete = ~np.isnan(table).any(axis=1)
    given = Verified(tested.yes, true.yes, true.known, inside & complete)
    _refuse_one_class(given, names)
    joint = _Standing(given, known, table, method).shares(sample)
    lacking = int((inside & ~complete).sum())
    measures = _measures(joint, given.counts, simple=sample.simple, confidence=confidence)
    return VerifiedAccuracy(
        measures, naive, *bounds(given, sample.weight), int(given.rows.sum()), given.counts.n,
        lacking, method, names, tested.label, true.label, str(sample.design), confidence,
        (*naive.notes, *known.notes[len(before) :], *_notes(lacking, measures, names)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Standing:
    """How the verified stand for the others."""

    given: Verified
    people: People
    table: Array
    method: str

    def shares(self, sample: Sample) -> Joint:
        """The shares with their covariance, over the design or its replicates."""
        # Only weights matter to the fit; the design to the variance.
        plain = sample.arrays or SurveyDesign().arrays(self.people.frame)
        if sample.arrays is not None:
            chances = self._chances(sample.weight, plain)
            value, linear = linear_shares(self.given, chances, sample.weight)
            return sample.linearised(value, linear, self.given.rows)

        def statistic(weight: Array) -> Array:
            chances = self._chances(weight, plain)
            return linear_shares(self.given, chances, weight)[0]

        return sample.replicated(statistic, self.given.rows)

    def _chances(self, weight: Array, plain: DesignArrays) -> Chances:
        if self.method == "inverse_probability":
            return by_model(self.given, self.table, reweighted(plain, weight))
        return by_strata(self.given, self._strata, weight)

    @property
    def _strata(self) -> Codes:
        """(n,) code of each row's test and covariates."""
        cells = np.nan_to_num(np.column_stack([self.given.positive, self.table]))
        return np.unique(cells, axis=0, return_inverse=True)[1].astype(np.int64)


def _names(covariates: Any, truth: str) -> tuple[str, ...]:
    """Columns of covariates: one, several, or none."""
    if isinstance(covariates, str):
        covariates = (covariates,)
    if covariates != () and covariates != []:
        arguments.distinct_words(covariates, "covariates", '["age_band", "sex"]', of="columns")
    if truth in covariates:
        raise SchemaError(
            f"covariates: {truth} is the truth, which those not verified lack: leave it out"
        )
    return tuple(covariates)


def _refuse_one_class(given: Verified, names: tuple[str, ...]) -> None:
    """Refuse people of whom those verified, with all covariates, are of one class."""
    counts = given.counts
    if counts.diseased and counts.healthy:
        return
    raise SchemaError(
        f"of {count(counts.n)} people with test, truth and all covariates ({', '.join(names)}) "
        f"{count(counts.diseased)} are diseased and {count(counts.healthy)} healthy: accuracy "
        "needs both; look where a covariate is missing, or leave it out"
    )


def _table(known: People, names: tuple[str, ...], method: str, rows: Mask) -> Array:
    """(n, p) covariates with an intercept, NaN where one is missing."""
    for name in names:
        column = known.covariate(name)
        values = column.filter(pl.Series(rows)).drop_nulls().n_unique()
        if values < 2:
            what = "the same in all people" if values else "missing in all people"
            raise SchemaError(f"covariate {name} is {what} of the domain with the test: leave it "
                              "out")  # fmt: skip
        if method == METHODS[0] and values > CLASSES:
            raise SchemaError(
                f"covariate {name} has {count(values)} values, and each would be a stratum: make "
                'classes of it, or take method="inverse_probability"'
            )
    return design_matrix(known.frame, names)[0]


def _measures(
    joint: Joint, counts: Counts, *, simple: bool, confidence: float
) -> dict[str, Measure]:
    errors = np.sqrt(np.maximum(np.diag(joint.covariance), 0.0))
    df = math.inf if simple else joint.df
    sizes = (
        counts.diseased, counts.healthy, counts.true_positive + counts.false_positive,
        counts.true_negative + counts.false_negative, counts.n,
    )  # fmt: skip
    measures = {}
    rows = zip(SHARES, joint.value, errors, sizes, unvaried(joint), strict=True)
    for name, p, se, n, still in rows:
        ends = (
            survey_interval(p, se, n=n, df=df, method="logit", confidence=confidence)
            if 0 < p < 1 and not still
            else (math.nan, math.nan)
        )
        measures[name] = Measure(
            float(p), float(se), *limits(*(float(v) for v in ends)), n, INTERVAL_NAMES["logit"]
        )
    pair = Joint(joint.value[:2], joint.covariance[:2, :2], df)
    measures |= ratios(pair, counts, interval="log", confidence=confidence)
    both = (measures["sensitivity"], measures["specificity"])
    measures["youden"] = youden(pair, counts, both, simple=False, confidence=confidence)
    return measures


def _notes(lacking: int, measures: dict[str, Measure], names: tuple[str, ...]) -> list[str]:
    given = " and ".join(("the test", *names))
    notes = [
        f"given {given}, being verified is taken to have nothing to do with the disease; the data "
        "cannot show that, and the bounds say what is possible without it"
    ]
    if lacking:
        notes.append(f"{count(lacking)} people with the test lack a covariate and are left out")
    unlimited = [name for name in SHARES if measures[name].lower is None]
    if unlimited:
        notes.append(
            f"{', '.join(unlimited)}: 0 or 1 in those verified, or nothing varies between the "
            "sampling units, so there are no limits on the scale of log-odds"
        )
    return notes
