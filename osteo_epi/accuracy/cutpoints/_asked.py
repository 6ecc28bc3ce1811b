"""Which criteria are asked for, and whether what each of them needs is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osteo_epi import arguments
from osteo_epi.accuracy._columns import Answers, People, Positive
from osteo_epi.accuracy.cutpoints._criteria import (
    Criterion,
    Equipercentile,
    OfCurve,
    OfLine,
    RiskEquivalent,
    Stated,
)
from osteo_epi.errors import DesignError, NormError, SchemaError
from osteo_epi.norms import Interval
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array, Codes

CRITERIA = (
    "youden", "closest", "sensitivity", "specificity", "cost", "prevalence", "deming",
    "equipercentile", "risk",
)  # fmt: skip
NEEDS = {
    "cost": {"cost_ratio": "cost of a false positive over that of a false negative, as in 0.25"},
    "deming": {
        "reference": "column of the reference test",
        "reference_positive": 'what it finds, as in "(-inf, 0.6]"',
        "error_ratio": "variance of the errors of the reference test over that of the score's "
        "(agreement.error_ratio_from_repeats)",
    },
    "equipercentile": {"reference": "column of the reference test"},
    "risk": {"outcome": "column of the fracture"},
}
ASKED_BY = {"cost": "cost_ratio", "deming": "error_ratio", "equipercentile": "reference",
            "risk": "outcome"}  # fmt: skip
OF_REFERENCE = ("deming", "equipercentile", "risk")
READ_BY = {
    "sensitivity": ("sensitivity",), "specificity": ("specificity",), "cost_ratio": ("cost",),
    "reference": OF_REFERENCE, "reference_positive": OF_REFERENCE, "error_ratio": ("deming",),
    "outcome": ("risk",), "outcome_positive": ("risk",), "risk": ("risk",),
}  # fmt: skip
LEAST_RATE = 0.9
"""Sensitivity or specificity that a criterion puts first, unless another is stated."""


@dataclass(frozen=True)
class Choices:
    """What the criteria rest on, as `cut_points` was given it."""

    score: str
    direction: str
    sensitivity: float
    specificity: float
    cost_ratio: float | None
    prevalence: float | None
    reference: str | None
    reference_positive: Positive
    error_ratio: float | None
    outcome: str | None
    outcome_positive: Positive
    risk: float | None

    def refuse(self) -> None:
        """Raise DefinitionError for a number out of its bounds."""
        arguments.number(self.sensitivity, "sensitivity", above=0, most=1)
        arguments.number(self.specificity, "specificity", above=0, most=1)
        for name in ("cost_ratio", "error_ratio"):
            if getattr(self, name) is not None:
                arguments.number(getattr(self, name), name, above=0)
        for name in ("prevalence", "risk"):
            if getattr(self, name) is not None:
                arguments.number(getattr(self, name), name, above=0, below=1)

    def names(self, criteria: Sequence[str] | None, *, stratified: bool) -> tuple[str, ...]:
        """Criteria asked for; None for those of which the inputs are there.

        Raises
        ------
        DesignError
            If there is no such criterion, or something that it needs is not given.
        """
        if criteria is None:
            names = [c for c in CRITERIA if getattr(self, ASKED_BY.get(c, "score")) is not None]
            if stratified and self.prevalence is None:
                names.remove("prevalence")
        else:
            arguments.distinct_words(criteria, "criteria", '("youden", "cost")')
            names = list(criteria)
        unknown = [name for name in names if name not in CRITERIA]
        if unknown:
            raise DesignError(
                f"criteria={unknown[0]!r}: there is none of that name; choose from "
                f"{', '.join(CRITERIA)}"
            )
        for name in names:
            for need, words in NEEDS.get(name, {}).items():
                if getattr(self, need) is None:
                    raise DesignError(f'criterion "{name}" needs {need}=: the {words}')
        if "risk" in names and self.risk is None and self.reference is None:
            raise DesignError(
                'criterion "risk" needs the risk to be met: risk=, as in 0.16, or reference= with '
                "reference_positive=, whose cut-off has one"
            )
        self._refuse_unread(names)
        return tuple(names)

    def _refuse_unread(self, names: Sequence[str]) -> None:
        """Raise DesignError for a choice that none of the criteria reads."""
        for word, readers in READ_BY.items():
            usual = LEAST_RATE if word in ("sensitivity", "specificity") else None
            if getattr(self, word) == usual:
                continue
            # A risk that is stated needs no cut-off of a reference test.
            free = self.risk is not None and readers == OF_REFERENCE
            reading = [name for name in readers if not (free and name == "risk")]
            if not set(reading) & set(names):
                one = " or ".join(f'"{name}"' for name in reading)
                raise DesignError(
                    f"{word}= has no use: the criteria are {', '.join(names)}, and only {one} "
                    f"reads it; name that in criteria= with what it needs, or leave {word}= out"
                )


@dataclass(frozen=True)
class Asked:
    """A criterion with its name and words.

    `takes_cut` says of a stated cut-point whether a person on it is positive; None of others.
    `notes` say what was read of its columns as missing.
    """

    name: str
    label: str
    criterion: Criterion
    takes_cut: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Columns:
    """What the criteria read of people, in the order of their suspicion: (n,) each."""

    rows: Codes
    people: People

    def numbers(self, name: str, role: str) -> Array:
        """A column of numbers, NaN where missing."""
        return self.people.numbers(name, role)[self.rows]

    def answers(self, name: str, positive: Positive, role: str) -> Answers:
        """Who is positive, refused where everybody is or nobody."""
        given = self.people.answers(name, positive, role)
        answers = Answers(given.values[self.rows], given.label, given.remarks)
        n, yes = int(answers.known.sum()), int(answers.yes.sum())
        if not 0 < yes < n:
            kind = f"all {count(n)}" if n and yes == n else f"none of {count(n)}"
            raise SchemaError(
                f"{role} ({answers.label}): {kind} people with score, truth and {role} are "
                f"positive, so that no cut-point answers to it; look whether {role}_positive= "
                "says what was meant"
            )
        return answers


def asked_for(names: Sequence[str], choices: Choices, columns: Columns) -> list[Asked]:
    """Criteria with what they read of the people."""
    return [_asked(name, choices, columns) for name in names]


def _asked(name: str, choices: Choices, columns: Columns) -> Asked:
    n = len(columns.rows)
    if name == "deming":
        return _line(choices, columns)
    if name == "equipercentile":
        assert choices.reference is not None
        found = columns.answers(choices.reference, choices.reference_positive, "reference")
        criterion = Equipercentile(found.yes, found.known)
        return Asked(name, f"as many as {found.label}", criterion, notes=found.notes)
    if name == "risk":
        return _risk(choices, columns)
    levels = {"sensitivity": choices.sensitivity, "specificity": choices.specificity,
              "cost": choices.cost_ratio}  # fmt: skip
    level = levels.get(name) or 0.0
    label = {
        "youden": "Youden",
        "closest": "closest to (0, 1)",
        "sensitivity": f"sensitivity ≥ {level:g}",
        "specificity": f"specificity ≥ {level:g}",
        "cost": f"costs, false positive {level:g} of a false negative",
        "prevalence": "as many as are diseased",
    }[name]
    return Asked(name, label, OfCurve(name, n, level, choices.prevalence))


def _line(choices: Choices, columns: Columns) -> Asked:
    assert choices.reference is not None
    assert choices.error_ratio is not None
    reference = columns.numbers(choices.reference, "reference")
    if np.nanstd(reference) == 0 or np.isnan(reference).all():
        raise SchemaError(
            f"reference column {choices.reference} is constant or empty in the people with score "
            "and truth: no line goes through it"
        )
    direction, cut = _cut_of(choices)
    criterion = OfLine(reference, cut, choices.error_ratio, direction == choices.direction)
    return Asked("deming", f"{choices.reference} {number(cut)}, Deming", criterion)


def _risk(choices: Choices, columns: Columns) -> Asked:
    assert choices.outcome is not None
    outcome = columns.answers(choices.outcome, choices.outcome_positive, "outcome")
    if choices.risk is not None:
        label = f"risk of {outcome.label} {number(choices.risk)}"
        return Asked(
            "risk", label, RiskEquivalent(outcome.values, choices.risk), notes=outcome.notes
        )
    assert choices.reference is not None
    reference, (_, cut) = columns.numbers(choices.reference, "reference"), _cut_of(choices)
    label = f"risk of {outcome.label} as at {choices.reference} {number(cut)}"
    return Asked(
        "risk", label, RiskEquivalent(outcome.values, None, reference, cut), notes=outcome.notes
    )


def _cut_of(choices: Choices) -> tuple[str, float]:
    """Direction and cut-off of the reference test."""
    direction, cut, _ = one_sided(choices.reference_positive, "reference_positive")
    return direction, cut


def one_sided(text: Any, word: str) -> tuple[str, float, bool]:
    """Direction, cut-off, and whether who stands on it is positive, of an interval with one end.

    Raises
    ------
    DesignError
        If it is none.
    """
    expected = (
        f'{word}={text!r}; expected what is positive as an interval with one end, "(-inf, 60)" '
        'where 60 itself is not positive, "(-inf, 60]" where it is, "[25, inf)" where high is '
        "diseased"
    )
    if not isinstance(text, str):
        raise DesignError(expected)
    try:
        interval = Interval.parse(text)
    except NormError as error:
        raise DesignError(expected) from error
    if interval.tail is None:
        raise DesignError(expected)
    if interval.tail == "low":
        return "low", interval.upper, interval.closed_upper
    return "high", interval.lower, interval.closed_lower


def stated(beside: Any, direction: str, n: int) -> list[Asked]:
    """Cut-points that are given, to stand beside those that were found.

    Raises
    ------
    DesignError
        If one is no interval with one end, or looks the other way than the score.
    """
    several = [beside] if isinstance(beside, str) or not isinstance(beside, Sequence) else beside
    twice = [text for k, text in enumerate(several) if text in several[:k]]
    if twice:
        raise DesignError(f"beside= names {twice[0]!r} twice: leave one out")
    result = []
    for text in several:
        way, cut, takes_cut = one_sided(text, "beside")
        if way != direction:
            raise DesignError(
                f"beside={text!r} finds {way} scores, and direction={direction!r} is declared: "
                "turn one of them round"
            )
        name = "stated" if len(several) == 1 else f"stated {text}"
        words = Interval.parse(text).inequality("", decimals=None).strip()
        result.append(Asked(name, f"stated, {words}", Stated(cut, n), takes_cut))
    return result
