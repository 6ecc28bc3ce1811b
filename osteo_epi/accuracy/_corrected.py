"""A prevalence corrected for what the test that counted it is worth: Rogan and Gladen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments, population
from osteo_epi.accuracy._accuracy import Accuracy
from osteo_epi.accuracy._columns import (
    People,
    Positive,
    is_number,
    refuse_tolerance,
)
from osteo_epi.accuracy._measures import Measure, limits
from osteo_epi.accuracy._sample import Sample, Share
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.norms import falls_below
from osteo_epi.results import Result
from osteo_epi.rounding import count, people_who
from osteo_epi.survey import INTERVAL_NAMES, survey_interval

# What sensitivity + specificity must exceed; less far from it the correction divides by rounding.
CHANCE, BY = 1.0, 1e-9
ERRORS = ("sensitivity", "specificity")
KNOWN = "sensitivity and specificity known"
ESTIMATED = "limits of the shares squared and added"


@dataclass(frozen=True, repr=False)
class CorrectedPrevalence(Result):
    """Prevalence of the disease, from the prevalence of positive tests.

    Attributes
    ----------
    prevalence
        Estimate and limits, brought into 0 to 1; without limits where those of `untruncated` lie
        outside both, which would leave an interval of one point.
    uncorrected
        Share of positive tests.
    untruncated
        As `prevalence`, as the formula gives it: below 0 where fewer test positive than the
        test's errors alone would make.
    sensitivity, specificity, n_sensitivity, n_specificity
        Of the test, and the people that they were estimated in (None where known exactly).
    n, n_missing
        People tested, and those without the test.
    test, design, confidence, notes
        What counts as positive, how people were drawn, the level, what a reader must know.
    """

    prevalence: Measure
    uncorrected: Measure
    untruncated: Measure
    sensitivity: float
    specificity: float
    n_sensitivity: int | None
    n_specificity: int | None
    n: int
    n_missing: int
    test: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a measure: prevalence, uncorrected, untruncated."""
        names = ("prevalence", "uncorrected", "untruncated")
        rows = [(name, getattr(self, name)) for name in names]
        return pl.DataFrame(
            [{"measure": name} | m.as_row() | {"method": m.method} for name, m in rows],
            schema_overrides=dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64),
        )

    def _summary(self) -> str:
        before, after = self.uncorrected.rounded(3), self.prevalence.rounded(3)
        return f"{self.test}, {before}, corrected {after}, n {count(self.n)}"


@on_people("test", "cluster", "domain")
def corrected_prevalence(
    people: Any = None,
    *,
    test: Column,
    test_positive: Positive = None,
    accuracy: Accuracy | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    n_sensitivity: int | None = None,
    n_specificity: int | None = None,
    interval: str | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> CorrectedPrevalence:
    """Prevalence of a disease in people who were tested only.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    test, test_positive
        Column of the test, and what counts as positive, as in `accuracy`.
    accuracy
        What the test is worth, estimated in other people with the same cut-point and at the same
        confidence; their limits are carried along.
    sensitivity, specificity
        The same as numbers [0 to 1], from a publication.
    n_sensitivity, n_specificity
        People, diseased and healthy, that those numbers were estimated in; None takes them as
        known exactly.
    interval
        Of the share of positive tests, from which the limits are made. As in `accuracy`.
    design, cluster, domain, tolerance, confidence, accept_errors
        As in `accuracy`.

    Returns
    -------
    CorrectedPrevalence

    Raises
    ------
    SchemaError
        If the column is absent or undeclared, or nobody was tested.
    DesignError
        If sensitivity and specificity are not given, not between 0 and 1, or no better than
        chance.

    Notes
    -----
    (apparent + specificity − 1) / (sensitivity + specificity − 1), Rogan and Gladen 1978, doi
    10.1093/oxfordjournals.aje.a112510. The standard error is that of the delta method. Limits:
    where sensitivity and specificity are known exactly, those of the share of positive tests,
    corrected as the share is; where they are estimates, the distances that the prevalence moves
    when each share stands at its own limit (Wilson's, or those of `accuracy`), squared and added
    (Zou and Donner 2008, doi 10.1002/sim.3095). A share of 0 or 1 in few people so keeps its
    uncertainty, which a standard error of 0 would lose. Sensitivity, specificity and the share of
    positive tests are taken for independent of each other. The correction holds where the test errs
    as often here as where it was validated.

    Examples
    --------
    >>> people = pl.DataFrame({"t_score_heel": [-2.1] * 80 + [0.3] * 120})
    >>> corrected_prevalence(
    ...     people, test="t_score_heel", test_positive="(-inf, -1.0]",
    ...     sensitivity=0.85, specificity=0.75,
    ... ).prevalence.rounded(3)
    '0.25 (0.141 to 0.365)'
    """
    arguments.confidence_level(confidence)
    stated = (sensitivity, specificity, n_sensitivity, n_specificity)
    if accuracy is not None and any(value is not None for value in stated):
        raise DesignError(
            "accuracy= says what the test is worth: leave sensitivity=, specificity=, "
            "n_sensitivity= and n_specificity= out, or accuracy="
        )
    errors = (
        _Errors.stated(stated[:2], stated[2:], confidence)
        if accuracy is None
        else _Errors.of(accuracy, confidence)
    )
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    sample = Sample.of(known.frame, design, cluster)
    tested = known.answers(test, test_positive, "test", tolerance=tolerance)
    known, part = known.within(domain)
    inside = part & (sample.weight > 0)
    rows = inside & tested.known
    if not rows.any():
        raise SchemaError(f"nobody has the test ({tested.label}): look where it is missing")
    refuse_tolerance(tolerance, tested)
    apparent = _apparent(sample, Share(tested.yes & rows, rows), interval, confidence)
    raw = errors.correct(apparent)
    missing = int((inside & ~tested.known).sum())
    notes = [*known.notes, *sample.notes, *tested.remarks]
    if missing:
        notes.append(f"{people_who(missing, 'lack')} the test ({tested.label})")
    return CorrectedPrevalence(
        _within(raw), apparent, raw, errors.sensitivity.estimate, errors.specificity.estimate,
        errors.sensitivity.n or None, errors.specificity.n or None, int(rows.sum()), missing,
        tested.label, str(sample.design), confidence,
        (*notes, *_improbable(raw)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Errors:
    """What a test is worth: sensitivity and specificity, each known exactly or with its limits."""

    sensitivity: Measure
    specificity: Measure

    @classmethod
    def of(cls, accuracy: Accuracy, confidence: float) -> _Errors:
        """As estimated in other people."""
        if not isinstance(accuracy, Accuracy):
            raise DesignError(
                f"accuracy= is a {type(accuracy).__name__}; expected what accuracy(…) gives"
            )
        if accuracy.confidence != confidence:
            raise DesignError(
                f"accuracy= holds limits at the level {accuracy.confidence:g} and this asks for "
                f"{confidence:g}: make both at one confidence="
            )
        return cls._checked(*(accuracy.measures[name] for name in ERRORS))

    @classmethod
    def stated(
        cls, shares: tuple[Any, Any], sizes: tuple[int | None, int | None], confidence: float
    ) -> _Errors:
        """As published."""
        if None in shares:
            raise DesignError(
                "a correction needs what the test is worth: give accuracy=accuracy(…), or "
                "sensitivity= and specificity= with the people that they were estimated in"
            )
        for p, n in zip(shares, sizes, strict=True):
            if not (is_number(p) and 0 <= p <= 1) or not (n is None or _is_count(n)):
                raise DesignError(
                    "sensitivity and specificity lie between 0 and 1, and the people that they "
                    "were estimated in are a whole number, one at least; got "
                    f"{list(shares)!r} and {list(sizes)!r}"
                )
        pairs = zip(shares, sizes, strict=True)
        return cls._checked(*(_stated(float(p), n, confidence) for p, n in pairs))

    @classmethod
    def _checked(cls, sensitivity: Measure, specificity: Measure) -> _Errors:
        values = (sensitivity.estimate, specificity.estimate)
        if falls_below(sum(values), CHANCE, takes_cut=True, by=BY):
            raise DesignError(
                f"sensitivity {values[0]:g} and specificity {values[1]:g} add up to no more than "
                "1: such a test is no better than chance, and nothing can be corrected with it; "
                "look whether test_positive= has its direction right"
            )
        return cls(sensitivity, specificity)

    def correct(self, apparent: Measure) -> Measure:
        """The formula on the share of positive tests, and on the limits of what was estimated."""
        shares = [m.estimate for m in (apparent, self.sensitivity, self.specificity)]
        middle, gain = _rogan_gladen(*shares), sum(shares[1:]) - 1
        assert apparent.se is not None
        parts = (1.0, middle, 1 - middle)
        errors = (apparent.se, self.sensitivity.se or 0.0, self.specificity.se or 0.0)
        se = math.hypot(*(part * error for part, error in zip(parts, errors, strict=True))) / gain
        estimated = (apparent, self.sensitivity, self.specificity)
        exact = all(m.method == KNOWN for m in estimated[1:])
        method = f"{apparent.method}, {KNOWN if exact else ESTIMATED}"
        if apparent.lower is None or apparent.upper is None:
            return Measure(middle, se, None, None, apparent.n, method)
        ends = [_moved(shares, i, m) for i, m in enumerate(estimated)]
        below = math.hypot(*(middle - min(middle, *pair) for pair in ends))
        above = math.hypot(*(max(middle, *pair) - middle for pair in ends))
        return Measure(middle, se, middle - below, middle + above, apparent.n, method)


def _rogan_gladen(apparent: float, sensitivity: float, specificity: float) -> float:
    """Prevalence; endless where the test is no better than chance."""
    gain, excess = sensitivity + specificity - 1, apparent + specificity - 1
    if gain <= 0:
        return math.copysign(math.inf, excess) if excess else 0.0
    return excess / gain


def _moved(shares: list[float], position: int, measure: Measure) -> list[float]:
    """The prevalence with one share at either of its limits."""
    ends = (measure.lower, measure.upper)
    places = [[*shares[:position], v, *shares[position + 1 :]] for v in ends if v is not None]
    return [_rogan_gladen(*place) for place in places] or [_rogan_gladen(*shares)]


def _stated(share: float, n: int | None, confidence: float) -> Measure:
    """A published share, with Wilson's limits where it was estimated in n people."""
    if n is None:
        return Measure(share, 0.0, share, share, 0, KNOWN)
    interval = population.rates.proportion(share * n, n, method="wilson", confidence=confidence)
    error = math.sqrt(share * (1 - share) / n)
    return Measure(share, error, float(interval.lower), float(interval.upper), n, "wilson")


def _is_count(value: Any) -> bool:
    return is_number(value) and math.isfinite(value) and value >= 1 and value == int(value)


def _apparent(sample: Sample, share: Share, interval: str | None, confidence: float) -> Measure:
    n = int(share.among.sum())
    if sample.simple:
        result = population.rates.proportion(
            int(share.event.sum()), n, method=interval or "wilson", confidence=confidence
        )
        p = float(result.estimate)
        ends = limits(float(result.lower), float(result.upper))
        return Measure(p, math.sqrt(p * (1 - p) / n), *ends, n, result.method)
    joint = sample.shares([share], share.among)
    method, se = interval or "beta", joint.error([1])
    lower, upper = survey_interval(
        joint.value, np.array([se]), n=n, df=joint.df, method=method, confidence=confidence
    )
    ends = limits(float(lower[0]), float(upper[0]))
    return Measure(float(joint.value[0]), se, *ends, n, INTERVAL_NAMES[method])


def _improbable(raw: Measure) -> list[str]:
    """Say where the formula leaves what is possible."""
    notes = []
    if raw.estimate < 0 or raw.estimate > 1:
        notes.append(
            "the corrected prevalence lies outside 0 to 1 before it is brought back: so few (or "
            "many) positive tests do not fit this sensitivity and specificity; look whether the "
            "test errs here as it did where it was validated"
        )
    if _outside(raw):
        notes.append(
            "both limits lie outside 0 to 1 too, so that none are given: brought back they would "
            "be one point, as if the prevalence were known; those of `untruncated` are as the "
            "formula gives them"
        )
    return notes


def _outside(raw: Measure) -> bool:
    """Whether both limits lie on one side of what is possible."""
    return (raw.upper is not None and raw.upper <= 0) or (raw.lower is not None and raw.lower >= 1)


def _within(raw: Measure) -> Measure:
    """Brought into 0 to 1; limits that lie outside both are none."""
    if _outside(raw):
        return replace(raw, estimate=min(max(raw.estimate, 0.0), 1.0), lower=None, upper=None)
    ends = [None if v is None else min(max(v, 0.0), 1.0) for v in (raw.lower, raw.upper)]
    return Measure(min(max(raw.estimate, 0.0), 1.0), raw.se, ends[0], ends[1], raw.n, raw.method)
