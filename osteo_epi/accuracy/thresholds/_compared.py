"""Several thresholds in the same people: what each finds, whom each moves, and who is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy._accuracy import accuracy
from osteo_epi.accuracy._columns import People, Positive
from osteo_epi.accuracy._comparison import compare_tests
from osteo_epi.accuracy._measures import Measure
from osteo_epi.accuracy._sample import Sample
from osteo_epi.accuracy.thresholds._conditions import ConditionCheck, checked_conditions
from osteo_epi.accuracy.thresholds._moved import Change, Question, Strata, changed
from osteo_epi.accuracy.thresholds._people import classes_of, distribution
from osteo_epi.accuracy.thresholds._quantity import stated_quantity
from osteo_epi.accuracy.thresholds._threshold import NOTHING, Threshold
from osteo_epi.accuracy.thresholds._transport import SIMULATED
from osteo_epi.cohort import is_simulated
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.html import html_table
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted, percent, percent_interval
from osteo_epi.survey import Mask

MEASURES = ("sensitivity", "specificity", "ppv", "npv")
PARTS = ("estimate", "lower", "upper")


@dataclass(frozen=True)
class Candidate:
    """One threshold among several.

    Attributes
    ----------
    label, threshold, score
        What it is called, and the column that it judges.
    prevalence
        Share of the people whom it finds.
    difference
        Its prevalence less that of the first threshold; None for the first.
    accuracy
        Sensitivity, specificity, ppv and npv by name, where a truth was named.
    gain
        Sensitivity and specificity less those of the first, (difference, lower, upper) by name.
    """

    label: str
    threshold: Threshold
    score: str
    prevalence: Measure
    difference: Measure | None
    accuracy: dict[str, Measure]
    gain: dict[str, tuple[float, float | None, float | None]]

    def as_row(self) -> dict[str, object]:
        """The numbers by name."""
        t = self.threshold
        row: dict[str, object] = {
            "threshold": self.label, "positive": t.rule, "unit": t.quantity.unit, "cut": t.cut,
            "n": self.prevalence.n,
        }  # fmt: skip
        measures = {"prevalence": self.prevalence, "difference": self.difference} | self.accuracy
        for name, measure in measures.items():
            for part in PARTS:
                label = name if part == "estimate" else f"{name}_{part}"
                row[label] = None if measure is None else getattr(measure, part)
        for name, numbers in self.gain.items():
            for part, value in zip(("", "_lower", "_upper"), numbers, strict=True):
                row[f"{name}_difference{part}"] = value
        return row | {"source": t.source, "grade": t.grade}


@dataclass(frozen=True, repr=False, eq=False)
class ThresholdComparison(Result):
    """Thresholds side by side in the same people.

    Attributes
    ----------
    candidates
        A `Candidate` each, in the order given; differences are from the first.
    pairs
        One row a pair: people whom both find, one alone finds, or neither, and the difference of
        their prevalences with limits.
    conditions
        A `ConditionCheck` for each threshold and condition.
    distributions
        By column, the cumulative shares of people, by sex.
    truth
        What counts as diseased; empty where no truth was named.
    n, n_missing
        People with all scores, and those of the domain who lack one.
    n_truth_missing
        People with all scores and no truth: they are in no accuracy.
    design, confidence, simulated, notes
        How people were drawn, the level of the limits, whether they are simulated, and what a
        reader must know.
    """

    candidates: tuple[Candidate, ...]
    pairs: pl.DataFrame = field(repr=False)
    conditions: tuple[ConditionCheck, ...]
    distributions: dict[str, pl.DataFrame] = field(repr=False)
    truth: str
    n: int
    n_missing: int
    n_truth_missing: int
    design: str
    confidence: float
    simulated: bool
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a threshold.

        Returns
        -------
        polars.DataFrame
            threshold, positive, unit, cut, n, prevalence and difference with limits; with a truth
            sensitivity, specificity, ppv and npv with limits, and the differences of the first two
            from the first threshold's; source, grade, simulated.
        """
        rows = [candidate.as_row() for candidate in self.candidates]
        names = dict.fromkeys(name for row in rows for name in row)
        texts = ("threshold", "positive", "unit", "source", "grade")
        types = {n: pl.Float64 for n in names if n not in (*texts, "n")}
        last = [n for n in ("source", "grade") if n in names]
        frame = pl.DataFrame([dict.fromkeys(names) | r for r in rows], schema_overrides=types)
        return frame.select(pl.exclude(last), *last, simulated=pl.lit(self.simulated))

    def condition_table(self) -> pl.DataFrame:
        """One row a threshold and condition."""
        rows = pl.DataFrame([check.__dict__ for check in self.conditions])
        return rows.with_columns(simulated=pl.lit(self.simulated))

    def __str__(self) -> str:
        lines = [f"{c.label}: {c.threshold}" for c in self.candidates]
        return "\n".join((self._summary(), *lines, *self._words(), *self.notes))

    def _words(self) -> Iterator[str]:
        """What each finds, whom each moves, and how right it is."""
        first = self.candidates[0].label
        alone = {
            row["second"]: (row["n_first_only"], row["n_second_only"])
            for row in self.pairs.filter(pl.col("first") == first).iter_rows(named=True)
        }
        for one in self.candidates:
            parts = [f"{one.label} finds {_percent(one.prevalence)}"]
            if one.difference is not None:
                d, (lost, gained) = one.difference, alone[one.label]
                text = percent_interval(d.estimate, d.lower, d.upper, decimals=1, signed=True)
                parts.append(f"difference from {first} {text} points ({count(gained)} found by it "
                             f"alone, {count(lost)} by {first} alone)")  # fmt: skip
            yield ", ".join(parts)
        for one in self.candidates if self.truth else ():
            told = (f"{name} {_percent(one.accuracy[name])}" for name in MEASURES[:2])
            yield f"{one.label} against {self.truth}: {', '.join(told)}"

    def _repr_html_(self) -> str:
        parts = (
            self._shown(notes=()),
            html_table(self.pairs, caption="Who moves"),
            html_table(self.condition_table(), caption="Conditions", notes=self.notes),
        )
        return "".join(parts)

    def _summary(self) -> str:
        label = "SIMULATED, " if self.simulated else ""
        shares = ", ".join(
            f"{c.label} {percent(c.prevalence.estimate, decimals=1)} %" for c in self.candidates
        )
        return f"{label}{shares}, n {count(self.n)}"


@on_people("truth", "domain")
def compare_thresholds(
    people: Any = None,
    *,
    thresholds: Mapping[str, Threshold] | Sequence[Threshold],
    score: str | Mapping[str, str] | None = None,
    measures: str | Mapping[str, str] | None = None,
    truth: Column = None,
    truth_positive: Positive = None,
    interval: str | None = None,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> ThresholdComparison:
    """Set several thresholds side by side in the same people.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    thresholds
        Two or more, by label; a list is labelled by what counts as positive. The first is the one
        that the others are compared with. They may judge columns of their own.
    score
        Column of the score, one for all or by label; by default each threshold's own.
    measures
        Column of the codebook that the score measures the same as, one for all or by label, where
        its name does not say.
    truth, truth_positive
        Column of the truth (a fracture, or a reference standard), as in `accuracy`; without it
        nothing says which threshold is right.
    interval, design, domain, confidence, accept_errors
        As in `accuracy`.

    Returns
    -------
    ThresholdComparison

    Raises
    ------
    SchemaError
        If there are fewer than two thresholds, two with one label, a score of another quantity or
        region, nobody with all scores, or a truth of one class.
    DesignError
        If an interval is unknown, or the people hold half a survey design.

    Notes
    -----
    All rests on the people who have every score, so that thresholds and not people differ. Limits
    of differences are those of `transport` and `compare_tests`. A lower prevalence makes no
    threshold a better one; nor does a threshold that was fitted to these people.

    Examples
    --------
    >>> from osteo_epi.accuracy import Threshold, threshold
    >>> people = pl.DataFrame({
    ...     "vbmd_lumbar_spine": [40.0, 55.0, 79.0, 80.0, 101.0, 140.0],
    ...     "fracture": [True, True, False, False, False, False],
    ... })
    >>> both = compare_thresholds(people, truth="fracture", thresholds={
    ...     "consensus": threshold("china_2020", "vbmd_lumbar_spine"),
    ...     "lower": Threshold.stated(
    ...         "vbmd_lumbar_spine", "(-inf, 50)", source="stated by the user"),
    ... })
    >>> both.to_frame().select("threshold", "prevalence", "sensitivity", "specificity").rows()
    [('consensus', 0.5, 1.0, 0.75), ('lower', 0.1666..., 0.5, 1.0)]
    >>> both.pairs.select("n_both", "n_first_only", "n_second_only", "n_neither").rows()
    [(1, 2, 0, 3)]
    """
    arguments.confidence_level(confidence)
    table = _labelled(thresholds)
    _refuse_unknown_labels(table, score=score, measures=measures)
    if truth is None and truth_positive is not None:
        raise SchemaError("truth_positive= says who is diseased in no column: name it, truth=")
    known = People.of(people, accept_errors=accept_errors)
    sample = Sample.of(known.frame, design)
    inside = known.domain(domain) & (sample.weight > 0)
    asked = [_Asked.of(known, *item, score, measures) for item in table.items()]
    rows = inside & np.all([~np.isnan(one.values) for one in asked], axis=0)
    if not rows.any():
        raise SchemaError(
            f"nobody has {' and '.join(dict.fromkeys(one.column for one in asked))}: look at "
            "domain= and at missing values"
        )
    pairs = {
        (a.label, b.label): _pair(a, b, sample, rows, interval, confidence)
        for a, b in combinations(asked, 2)
    }
    judged = _judged(known, asked, rows, truth, truth_positive, design, interval, confidence)
    checks = tuple(
        check
        for one in asked
        for check in checked_conditions(
            known, rows, one.threshold, NOTHING, one.threshold.quantity, of=one.label
        )
    )
    simulated = is_simulated(known.frame)
    missing = int((inside & ~rows).sum())
    return ThresholdComparison(
        tuple(_candidates(asked, pairs, judged)), _table(asked, pairs, rows, simulated), checks,
        {one.column: distribution(known.frame, one.values, sample.weight, rows) for one in asked},
        judged.label, int(rows.sum()), missing, judged.lacking, str(sample.design), confidence,
        simulated, tuple(_notes(known, sample, judged, checks, simulated, missing)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """A threshold with the (n,) scores that it judges and (n,) who is positive."""

    label: str
    threshold: Threshold
    column: str
    values: Any
    positive: Mask

    @classmethod
    def of(
        cls,
        known: People,
        label: str,
        threshold: Threshold,
        score: str | Mapping[str, str] | None,
        measures: str | Mapping[str, str] | None,
    ) -> _Asked:
        name, same = _by_label(score, label) or threshold.column, _by_label(measures, label)
        quantity = stated_quantity(name, same)
        if quantity != threshold.quantity:
            raise SchemaError(
                f"{label} judges {threshold.quantity}, and {name} is {quantity}: name the column "
                f'that it judges, score={{"{label}": …}}, or carry it there first (transport)'
            )
        values = known.numbers(name, "score")
        classes = classes_of(threshold.bands, values)
        positive = (classes == threshold.positive).fill_null(False).to_numpy()
        return cls(label, threshold, name, values, positive)


def _by_label(names: str | Mapping[str, str] | None, label: str) -> str | None:
    return names.get(label) if isinstance(names, Mapping) else names


def _refuse_unknown_labels(table: Mapping[str, Threshold], **names: Any) -> None:
    for word, named in names.items():
        alien = [key for key in named if key not in table] if isinstance(named, Mapping) else []
        if alien:
            raise SchemaError(
                f"{word}= names {', '.join(map(str, alien))}, which is the label of no threshold; "
                f"the labels are {', '.join(table)}"
            )


def _labelled(thresholds: Any) -> dict[str, Threshold]:
    if isinstance(thresholds, Mapping):
        table = dict(thresholds)
    else:
        listed = list(thresholds) if isinstance(thresholds, Sequence) else [thresholds]
        alien = [one for one in listed if not isinstance(one, Threshold)]
        if alien or len({one.rule for one in listed}) < len(listed):
            raise SchemaError(
                "thresholds= takes two or more Threshold that differ in what counts as positive, "
                'or a mapping with a label each, {"consensus": …, "lower": …}'
            )
        table = {one.rule: one for one in listed}
    if len(table) < 2 or not all(isinstance(one, Threshold) for one in table.values()):
        raise SchemaError(
            "thresholds= takes two or more Threshold, of accuracy.threshold(…) or "
            f"Threshold.stated(…); got {len(table)}"
        )
    return table


def _pair(
    a: _Asked, b: _Asked, sample: Sample, rows: Mask, interval: str | None, confidence: float
) -> Change:
    """From the first threshold to the second."""
    n = len(rows)
    question = Question(
        np.where(rows, 0.0, np.nan), a.positive, b.positive, np.empty((0, n)), np.zeros(n), True,
        np.inf,
    )  # fmt: skip
    return changed(
        question, sample, rows, Strata.one(n), group={}, n_missing=0, interval=interval,
        confidence=confidence,
    )  # fmt: skip


@dataclass(frozen=True)
class _Judged:
    """Accuracy of each threshold against the truth."""

    label: str
    lacking: int
    notes: tuple[str, ...]
    accuracy: dict[str, dict[str, Measure]]
    gain: dict[str, dict[str, tuple[float, float | None, float | None]]]


def _judged(
    known: People,
    asked: Sequence[_Asked],
    rows: Mask,
    truth: str | None,
    truth_positive: Positive,
    design: Any,
    interval: str | None,
    confidence: float,
) -> _Judged:
    if truth is None:
        return _Judged("", 0, (), {}, {})
    answers = known.answers(truth, truth_positive, "truth")
    columns = {f"_test_{k}": pl.Series(one.positive) for k, one in enumerate(asked)}
    frame = known.frame.with_columns(_rows=pl.Series(rows), **columns)
    shared: dict[str, Any] = {
        "truth": truth, "truth_positive": truth_positive, "design": design, "domain": "_rows",
        "confidence": confidence, "accept_errors": True,  # read and refused once already
    }  # fmt: skip
    measures, gains = {}, {}
    for one, test in zip(asked, columns, strict=True):
        result = accuracy(frame, test=test, interval=interval, **shared)
        measures[one.label] = {name: result.measures[name] for name in MEASURES}
        if one is not asked[0]:
            against = compare_tests(frame, first=test, second="_test_0", **shared)
            gains[one.label] = {
                m.measure: (m.difference, m.lower, m.upper)
                for m in (against.sensitivity, against.specificity)
            }
    lacking = int((rows & ~answers.known).sum())
    return _Judged(answers.label, lacking, answers.notes, measures, gains)


def _candidates(
    asked: Sequence[_Asked], pairs: Mapping[tuple[str, str], Change], judged: _Judged
) -> Iterator[Candidate]:
    first = asked[0].label
    for one in asked:
        change = next(iter(pairs.values())) if one is asked[0] else pairs[first, one.label]
        prevalence = change.old if one is asked[0] else change.new
        assert prevalence is not None
        yield Candidate(
            one.label, one.threshold, one.column, prevalence,
            None if one is asked[0] else change.difference, judged.accuracy.get(one.label, {}),
            judged.gain.get(one.label, {}),
        )  # fmt: skip


def _table(
    asked: Sequence[_Asked],
    pairs: Mapping[tuple[str, str], Change],
    rows: Mask,
    simulated: bool,
) -> pl.DataFrame:
    """One row a pair of thresholds."""
    positive = {one.label: one.positive & rows for one in asked}
    table = []
    for (a, b), change in pairs.items():
        difference = change.difference
        assert difference is not None
        table.append({
            "first": a, "second": b, "n_both": int((positive[a] & positive[b]).sum()),
            "n_first_only": change.n_lost, "n_second_only": change.n_gained,
            "n_neither": int((rows & ~positive[a] & ~positive[b]).sum()),
            "difference": difference.estimate, "se": difference.se, "lower": difference.lower,
            "upper": difference.upper, "method": difference.method, "simulated": simulated,
        })  # fmt: skip
    return pl.DataFrame(table)


def _notes(
    known: People,
    sample: Sample,
    judged: _Judged,
    checks: Sequence[ConditionCheck],
    simulated: bool,
    missing: int,
) -> Iterator[str]:
    if simulated:
        yield SIMULATED
    yield from (*known.notes, *sample.notes, *judged.notes)
    yield from (check.sentence for check in checks if check.sentence)
    if missing:
        yield f"{_who(missing)} of the domain without a score: in no comparison"
    if judged.lacking:
        yield f"{_who(judged.lacking)} with all scores and without the truth: in no accuracy"


def _percent(m: Measure) -> str:
    return f"{percent_interval(m.estimate, m.lower, m.upper, decimals=1)} %"


def _who(n: int) -> str:
    return counted(n, "person") if n == 1 else f"{count(n)} people"
