"""A prevalence corrected for what the test that counted it is worth: Rogan and Gladen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import population
from osteo_epi.accuracy._accuracy import Accuracy
from osteo_epi.accuracy._columns import People, Positive, refuse_confidence
from osteo_epi.accuracy._measures import Measure, limits
from osteo_epi.accuracy._sample import Sample, Share, quantile
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.html import html_table
from osteo_epi.norms import falls_below
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import INTERVAL_NAMES, survey_interval

# What sensitivity + specificity must exceed; less far from it the correction divides by rounding.
CHANCE, BY = 1.0, 1e-9
KNOWN, ESTIMATED = "sensitivity and specificity known", "delta method"


@dataclass(frozen=True, repr=False)
class CorrectedPrevalence(Result):
    """Prevalence of the disease, from the prevalence of positive tests.

    Attributes
    ----------
    prevalence
        Estimate and limits, brought into 0 to 1.
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

    def to_frame(self) -> pl.DataFrame:
        """One row an estimate: prevalence, uncorrected, untruncated."""
        names = ("prevalence", "uncorrected", "untruncated")
        rows = [(name, getattr(self, name)) for name in names]
        return pl.DataFrame(
            [{"estimate_of": name} | m.as_row() | {"method": m.method} for name, m in rows],
            schema_overrides=dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64),
        )

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption=self._summary(), notes=self.notes)

    def _summary(self) -> str:
        before, after = self.uncorrected.rounded(3), self.prevalence.rounded(3)
        return f"{self.test}, {before}, corrected {after}, n {count(self.n)}"


def corrected_prevalence(
    people: Any,
    *,
    test: str,
    test_positive: Positive = None,
    accuracy: Accuracy | None = None,
    sensitivity: float | None = None,
    specificity: float | None = None,
    n_sensitivity: int | None = None,
    n_specificity: int | None = None,
    interval: str | None = None,
    design: Any = None,
    domain: str | pl.Expr | None = None,
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
        What the test is worth, estimated in other people with the same cut-point; their variances
        are carried along.
    sensitivity, specificity
        The same as numbers [0 to 1], from a publication.
    n_sensitivity, n_specificity
        People, diseased and healthy, that those numbers were estimated in; None takes them as
        known exactly.
    interval
        Of the share of positive tests, where sensitivity and specificity are known exactly: its
        limits are corrected as the share is. As in `accuracy`.
    design, domain, tolerance, confidence, accept_errors
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
    10.1093/oxfordjournals.aje.a112510. Where sensitivity and specificity are estimates, the
    variance is that of the delta method and the limits are Wald's (on Student's t with a survey
    design); sensitivity, specificity and the share of positive tests are taken for independent of
    each other. The correction holds where the test errs as often here as where it was validated.

    Examples
    --------
    >>> people = pl.DataFrame({"t_score_heel": [-2.1] * 80 + [0.3] * 120})
    >>> corrected_prevalence(
    ...     people, test="t_score_heel", test_positive="(-inf, -1.0]",
    ...     sensitivity=0.85, specificity=0.75,
    ... ).prevalence.rounded(3)
    '0.25 (0.141 to 0.365)'
    """
    refuse_confidence(confidence)
    errors = _Errors.of(accuracy, sensitivity, specificity, n_sensitivity, n_specificity)
    known = People.of(people, accept_errors=accept_errors)
    sample = Sample.of(known.frame, design)
    tested = known.answers(test, test_positive, "test", tolerance=tolerance)
    inside = known.domain(domain) & (sample.weight > 0)
    rows = inside & tested.known
    if not rows.any():
        raise SchemaError(f"nobody has the test ({tested.label}): look where it is missing")
    apparent, df = _apparent(sample, Share(tested.yes & rows, rows), interval, confidence)
    raw = errors.correct(apparent, quantile(df, confidence))
    missing = int((inside & ~tested.known).sum())
    notes = [*known.notes, *sample.notes]
    if missing:
        notes.append(f"{count(missing)} people lack the test ({tested.label})")
    if raw.estimate < 0 or raw.estimate > 1:
        notes.append(
            "the corrected prevalence lies outside 0 to 1 before it is brought back: so few (or "
            "many) positive tests do not fit this sensitivity and specificity; look whether the "
            "test errs here as it did where it was validated"
        )
    return CorrectedPrevalence(
        _within(raw), apparent, raw, errors.sensitivity, errors.specificity, errors.n_sensitivity,
        errors.n_specificity, int(rows.sum()), missing, tested.label, str(sample.design),
        confidence, tuple(notes),
    )  # fmt: skip


@dataclass(frozen=True)
class _Errors:
    """What a test is worth: sensitivity and specificity with their covariance."""

    sensitivity: float
    specificity: float
    n_sensitivity: int | None
    n_specificity: int | None
    variances: tuple[float, float]

    @classmethod
    def of(
        cls,
        accuracy: Accuracy | None,
        sensitivity: float | None,
        specificity: float | None,
        n_sensitivity: int | None,
        n_specificity: int | None,
    ) -> _Errors:
        if accuracy is not None:
            pair = (accuracy.measures["sensitivity"], accuracy.measures["specificity"])
            values = [m.estimate for m in pair]
            sizes: list[int | None] = [m.n for m in pair]
            spread = [(m.se or 0.0) ** 2 for m in pair]
        elif sensitivity is None or specificity is None:
            raise DesignError(
                "a correction needs what the test is worth: give accuracy=accuracy(…), or "
                "sensitivity= and specificity= with the people that they were estimated in"
            )
        else:
            values, sizes = [sensitivity, specificity], [n_sensitivity, n_specificity]
            spread = [p * (1 - p) / n if n else 0.0 for p, n in zip(values, sizes, strict=True)]
        _refuse(values, sizes)
        return cls(values[0], values[1], sizes[0], sizes[1], (spread[0], spread[1]))

    @property
    def gain(self) -> float:
        """Youden's index."""
        return self.sensitivity + self.specificity - 1

    def correct(self, apparent: Measure, critical: float) -> Measure:
        """The formula on the share of positive tests and its limits, or the delta method."""

        def corrected(value: float | None) -> float | None:
            return None if value is None else (value + self.specificity - 1) / self.gain

        middle = corrected(apparent.estimate)
        assert middle is not None
        assert apparent.se is not None
        of_test = self.variances[0] * middle**2 + self.variances[1] * (1 - middle) ** 2
        se = math.sqrt(apparent.se**2 + of_test) / self.gain
        if self.n_sensitivity is None and self.n_specificity is None:
            ends = (corrected(apparent.lower), corrected(apparent.upper))
            return Measure(middle, se, *ends, apparent.n, f"{apparent.method}, {KNOWN}")
        reach = critical * se
        ends = limits(middle - reach, middle + reach)
        return Measure(middle, se, *ends, apparent.n, ESTIMATED)


def _refuse(values: list[float], sizes: list[int | None]) -> None:
    if any(not 0 <= v <= 1 for v in values) or any(n is not None and n < 1 for n in sizes):
        raise DesignError(
            "sensitivity and specificity lie between 0 and 1, and the people that they were "
            f"estimated in are one at least; got {values} and {sizes}"
        )
    if falls_below(sum(values), CHANCE, takes_cut=True, by=BY):
        raise DesignError(
            f"sensitivity {values[0]:g} and specificity {values[1]:g} add up to no more than 1: "
            "such a test is no better than chance, and nothing can be corrected with it; look "
            "whether test_positive= has its direction right"
        )


def _apparent(
    sample: Sample, share: Share, interval: str | None, confidence: float
) -> tuple[Measure, float]:
    n = int(share.among.sum())
    if sample.simple:
        result = population.rates.proportion(
            int(share.event.sum()), n, method=interval or "wilson", confidence=confidence
        )
        p = float(result.estimate)
        ends = limits(float(result.lower), float(result.upper))
        return Measure(p, math.sqrt(p * (1 - p) / n), *ends, n, result.method), math.inf
    joint = sample.shares([share], share.among)
    method, se = interval or "beta", joint.error([1])
    lower, upper = survey_interval(
        joint.value, np.array([se]), n=n, df=joint.df, method=method, confidence=confidence
    )
    ends = limits(float(lower[0]), float(upper[0]))
    return Measure(float(joint.value[0]), se, *ends, n, INTERVAL_NAMES[method]), joint.df


def _within(raw: Measure) -> Measure:
    """Brought into 0 to 1."""
    ends = [None if v is None else min(max(v, 0.0), 1.0) for v in (raw.lower, raw.upper)]
    return Measure(min(max(raw.estimate, 0.0), 1.0), raw.se, ends[0], ends[1], raw.n, raw.method)
