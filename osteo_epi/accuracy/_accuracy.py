"""Accuracy of a test against a truth: who is diseased, who tests positive, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments, population
from osteo_epi.accuracy._columns import (
    Answers,
    People,
    Positive,
    is_number,
    missing_notes,
    refuse_one_class,
    refuse_tolerance,
)
from osteo_epi.accuracy._measures import (
    Counts,
    Measure,
    at_prevalence,
    binomial_pair,
    limits,
    ratios,
    refuse_ratio_interval,
    youden,
)
from osteo_epi.accuracy._sample import Joint, Sample, Share
from osteo_epi.errors import DesignError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import INTERVAL_NAMES, Mask, survey_interval

SHARES = (
    *("sensitivity", "specificity", "ppv", "npv"),
    *("proportion_correct", "prevalence", "apparent_prevalence"),
)
MEASURES = (
    *("sensitivity", "specificity", "ppv", "npv", "lr_positive", "lr_negative"),
    *("diagnostic_odds_ratio", "youden"),
    *("proportion_correct", "prevalence", "apparent_prevalence"),
)
BELOW = 1e-9
"""How far below 0 Youden's index is no rounding."""


@dataclass(frozen=True, repr=False)
class Accuracy(Result):
    """What a test is worth against a truth.

    Attributes
    ----------
    measures
        Name to `Measure` (estimate, se, lower, upper, n, method): sensitivity, specificity, ppv,
        npv, lr_positive, lr_negative, diagnostic_odds_ratio, youden, proportion_correct,
        prevalence, apparent_prevalence. Each is an attribute too.
    predictive
        Stated prevalence to (ppv, npv) there.
    counts
        People by test and truth, each counted once.
    n_people, n_test_missing, n_truth_missing, n_both_missing
        People of the domain who were sampled, and those who lack the test only, the truth only,
        or both; the measures rest on the others.
    test, truth
        What counts as positive, and as diseased.
    design, confidence, notes
        How people were drawn, the level of the limits, and what a reader must know.
    """

    measures: dict[str, Measure]
    predictive: dict[float, tuple[Measure, Measure]]
    counts: Counts
    n_people: int
    n_test_missing: int
    n_truth_missing: int
    n_both_missing: int
    test: str
    truth: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def __getattr__(self, name: str) -> Measure:
        if name in MEASURES:
            return self.measures[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def at_prevalence(self, prevalence: float) -> tuple[Measure, Measure]:
        """Positive and negative predictive value where the disease is as frequent as stated.

        Parameters
        ----------
        prevalence
            Share of people with the disease, between 0 and 1.

        Raises
        ------
        DesignError
            If the prevalence is none.

        Notes
        -----
        Odds after a result are odds before it times the likelihood ratio, and so are their limits
        (Mercaldo, Lau, Zhou 2007, doi 10.1002/sim.2677, "logit").
        """
        return _predictive(self.measures, prevalence)

    def to_polars(self) -> pl.DataFrame:
        """One row a measure.

        Returns
        -------
        polars.DataFrame
            measure, at_prevalence (null for the people's own), estimate, se, lower, upper, n,
            method.
        """
        rows: list[tuple[str, float | None, Measure]] = [
            (name, None, m) for name, m in self.measures.items()
        ]
        for prevalence, pair in self.predictive.items():
            rows += [(n, prevalence, m) for n, m in zip(("ppv", "npv"), pair, strict=True)]
        numbers = dict.fromkeys(("at_prevalence", "estimate", "se", "lower", "upper"), pl.Float64)
        return pl.DataFrame(
            [
                {"measure": name, "at_prevalence": p} | m.as_row() | {"method": m.method}
                for name, p, m in rows
            ],
            schema_overrides=numbers | {"n": pl.Int64},
        )

    def table(self) -> pl.DataFrame:
        """The two-by-two table: one row a result of the test, people diseased and healthy."""
        c = self.counts
        return pl.DataFrame(
            {
                "test": ["positive", "negative"],
                "diseased": [c.true_positive, c.false_negative],
                "healthy": [c.false_positive, c.true_negative],
            }
        )

    def _summary(self) -> str:
        se, sp = (self.measures[name].rounded(3) for name in ("sensitivity", "specificity"))
        return (
            f"{self.test} against {self.truth}, sensitivity {se}, specificity {sp}, "
            f"n {count(self.counts.n)}"
        )


@on_people("test", "truth", "cluster", "domain")
def accuracy(
    people: Any = None,
    *,
    test: Column,
    truth: Column,
    test_positive: Positive = None,
    truth_positive: Positive = None,
    prevalence: float | Sequence[float] = (),
    interval: str | None = None,
    ratio_interval: str = "log",
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Accuracy:
    """How well a test tells the diseased from the healthy.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    test, truth
        Columns of the test, and of the truth (the reference standard). Yes or no (booleans, or
        numbers 0 and 1), numbers, or classes.
    test_positive, truth_positive
        What counts as positive where the column does not say yes or no: the interval of a column
        of numbers, `"(-inf, 80)"` where low is diseased; one code; one class, or several. A class
        "not_classifiable" counts as missing, and so do the codebook's words for missing (an empty
        cell, "unknown", "不详", …) unless they are named here.
    prevalence
        Shares of people with the disease [0 to 1] at which predictive values are wanted beside
        the people's own, for a clinic or a screening where it differs.
    interval
        Of shares: for people drawn one by one "wilson" (default), "clopper_pearson" (exact),
        "jeffreys", "agresti_coull", "mid_p", "likelihood" or "wald"; with a survey design "beta"
        (Korn and Graubard, default) or another of `survey.INTERVAL_METHODS`.
    ratio_interval
        Of likelihood ratios and the diagnostic odds ratio: "log" (Simel, Samsa, Matchar 1991, doi
        10.1016/0895-4356(91)90128-v; with a design by the delta method), or "score" (Miettinen
        and Nurminen 1985, doi 10.1002/sim.4780040211), which also has limits where a cell is
        empty.
    design
        As for `prevalence`: a `SurveyDesign`, a `ReplicateDesign`, "srs", or None for the columns
        that the people carry (weights, strata, units).
    cluster
        Column of the person, where a row is one of several readings (two hips, several
        vertebrae): counts are then of readings, and errors those between persons, with a survey
        design those between its units, which hold whole persons. None for one row a person.
    domain
        People that the question is about, as a column or expression; the others stay in the
        design.
    tolerance
        How near to a cut-off a value of either column stands on it [its unit]; None for 1e-5 of
        T-scores, 1e-4 mg/cm³ of `vbmd_` columns, and a millionth of the cut-off of others.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    Accuracy

    Raises
    ------
    SchemaError
        If a column is absent, nothing says which values are positive, or the truth has one class.
    DesignError
        If an interval is unknown, the people hold half a survey design, a cluster lies in more
        than one of its units, or an argument has no use.

    Notes
    -----
    Whoever lacks the test or the truth is in no cell, and is counted and said. Where only some
    were verified and the test's result decided who, sensitivity and specificity are biased (Begg
    and Greenes 1983, doi 10.2307/2530820); a note says so. Predictive values and prevalences are
    those of the people given: of a case-control sample they say nothing.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "vbmd_lumbar_spine": [62.0, 80.0, 71.5, 118.0, 79.9, 140.2, 101.0, 96.3],
    ...     "fracture": [True, True, True, True, False, False, False, False],
    ... })
    >>> result = accuracy(
    ...     people, test="vbmd_lumbar_spine", test_positive="(-inf, 80)", truth="fracture"
    ... )
    >>> result.table().rows()
    [('positive', 2, 1), ('negative', 2, 3)]
    >>> print(result.sensitivity)
    0.5 (0.15004 to 0.84996)
    >>> print(result.at_prevalence(0.1)[0])
    0.18182 (0.030353 to 0.61204)
    """
    arguments.confidence_level(confidence)
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    sample = Sample.of(known.frame, design, cluster)
    refuse_ratio_interval(ratio_interval, simple=sample.simple)
    tested = known.answers(test, test_positive, "test", tolerance=tolerance)
    true = known.answers(truth, truth_positive, "truth", tolerance=tolerance)
    refuse_tolerance(tolerance, tested, true)
    known, part = known.within(domain)
    domain_rows = part & (sample.weight > 0)
    rows = domain_rows & tested.known & true.known
    refuse_one_class(true.yes, rows, true.label)
    counts = _counts(tested.yes, true.yes, rows)
    shares = _shares(tested.yes, true.yes, rows)
    if sample.simple:
        pair = binomial_pair(counts)
        measures = _of_counts(shares, interval or "wilson", confidence)
    else:
        pair, measures = _of_design(shares, sample, rows, interval or "beta", confidence)
    measures |= ratios(pair, counts, interval=ratio_interval, confidence=confidence)
    errors = (measures["sensitivity"], measures["specificity"])
    measures["youden"] = youden(pair, counts, errors, simple=sample.simple, confidence=confidence)
    gaps = _gaps(tested, true, domain_rows)
    notes = (
        *known.notes, *sample.notes, *sample.lone_notes(true.yes, rows),
        *_notes(tested, true, domain_rows, counts, measures),
    )  # fmt: skip
    return Accuracy(
        {name: measures[name] for name in MEASURES},
        {float(share): _predictive(measures, share) for share in stated_shares(prevalence)},
        counts, int(domain_rows.sum()), *gaps,
        tested.label, true.label, str(sample.design), confidence, notes,
    )  # fmt: skip


def stated_shares(prevalence: Any) -> tuple[Any, ...]:
    """Shares asked for: one, or several."""
    one = not isinstance(prevalence, Iterable) or isinstance(prevalence, str)
    return (prevalence,) if one else tuple(prevalence)


def _predictive(measures: dict[str, Measure], prevalence: float) -> tuple[Measure, Measure]:
    if not is_number(prevalence) or not 0 < prevalence < 1:
        raise DesignError(f"a stated prevalence must lie between 0 and 1, got {prevalence!r}")
    return (
        at_prevalence(measures["lr_positive"], prevalence, complement=False),
        at_prevalence(measures["lr_negative"], prevalence, complement=True),
    )


def _counts(positive: Mask, diseased: Mask, rows: Mask) -> Counts:
    cells = np.bincount((2 * ~positive + ~diseased)[rows], minlength=4)
    return Counts(*(int(n) for n in cells))


def _shares(positive: Mask, diseased: Mask, rows: Mask) -> dict[str, Share]:
    t, d = positive & rows, diseased & rows
    not_t, not_d = rows & ~positive, rows & ~diseased
    pairs = (
        (t, d), (not_t, not_d), (d, t), (not_d, not_t), ((t & d) | (not_t & not_d), rows),
        (d, rows), (t, rows),
    )  # fmt: skip
    return {name: Share(*pair) for name, pair in zip(SHARES, pairs, strict=True)}


def _of_counts(shares: dict[str, Share], interval: str, confidence: float) -> dict[str, Measure]:
    events = np.array([int((s.event & s.among).sum()) for s in shares.values()])
    n = np.array([int(s.among.sum()) for s in shares.values()])
    result = population.rates.proportion(events, n, method=interval, confidence=confidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = np.sqrt(result.estimate * (1 - result.estimate) / n)
    return {
        name: Measure(float(result.estimate[i]), _or_none(errors[i]),
                      *limits(result.lower[i], result.upper[i]), int(n[i]), interval)
        for i, name in enumerate(shares)
    }  # fmt: skip


def _of_design(
    shares: dict[str, Share], sample: Sample, rows: Mask, interval: str, confidence: float
) -> tuple[Joint, dict[str, Measure]]:
    """Sensitivity and specificity with their covariance, and every share with its limits."""
    with np.errstate(invalid="ignore", divide="ignore"):
        joint = sample.shares(list(shares.values()), rows)
        errors = np.sqrt(np.diag(joint.covariance))
    n = [int(s.among.sum()) for s in shares.values()]
    df = [sample.df(s.among) if s.among.any() else np.nan for s in shares.values()]
    lower, upper = survey_interval(
        joint.value, errors, n=np.array(n), df=np.array(df), method=interval, confidence=confidence
    )
    pair = Joint(joint.value[:2], joint.covariance[:2, :2], joint.df)
    measures = {
        name: Measure(float(joint.value[i]), _or_none(errors[i]), *limits(lower[i], upper[i]),
                      n[i], INTERVAL_NAMES[interval])
        for i, name in enumerate(shares)
    }  # fmt: skip
    return pair, measures


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _gaps(tested: Answers, true: Answers, rows: Mask) -> tuple[int, int, int]:
    """People without the test only, without the truth only, without both."""
    cases = (~tested.known & true.known, tested.known & ~true.known, ~tested.known & ~true.known)
    return tuple(int((case & rows).sum()) for case in cases)  # type: ignore[return-value]


def _notes(
    tested: Answers, true: Answers, rows: Mask, counts: Counts, measures: dict[str, Measure]
) -> list[str]:
    notes = missing_notes((tested,), true, rows)
    if counts.true_positive + counts.false_positive in (0, counts.n):
        notes.append(
            f"the test ({tested.label}) says the same of all {count(counts.n)} people: it tells "
            "nobody apart; look whether test_positive= says what was meant"
        )
    if measures["youden"].estimate < -BELOW:
        notes.append(
            "sensitivity and specificity add up to less than 1: diseased people are positive less "
            "often than healthy ones; look whether test_positive= says what was meant"
        )
    unlimited = [n for n, m in measures.items() if m.method == "log" and m.lower is None]
    if unlimited and 0 in vars(counts).values():
        notes.append(
            f"{', '.join(unlimited)}: a cell of the table is empty, so there are no limits on the "
            'scale of logarithms; accuracy(…, ratio_interval="score") has some for people drawn '
            "one by one"
        )
    return notes
