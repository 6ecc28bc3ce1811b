"""What is asked of a cut-off, and the columns that answer it, read as the question means them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Positive, said_yes, threshold
from osteo_epi.cohort import Cohort, column_of
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.norms import Interval

CRITERION = "china_2020"
MOST_RISKS = 9
DIRECTIONS = ("low", "high")
SINGLE = ("test", "truth", "compare_with", "outcome", "time", "competing")
SEVERAL = ("risks", "adjust")
# Scores on whose cut-off a person is positive, as the criteria have it.
CLOSED = ("t_score", "z_score")


@dataclass(frozen=True, kw_only=True)
class ThresholdQuestion:
    """What a cut-off is asked.

    Attributes
    ----------
    test, direction
        Column of numbers, and whether "low" or "high" ones are positive; never guessed.
    cut
        A number, or the interval that is positive; None for the cut-off that the consensus has
        for the column, where it has one. Below it is positive ("low"), at or above it ("high");
        T- and Z-scores at or below.
    truth, truth_positive
        The truth, and what counts as diseased, as in `accuracy.accuracy`.
    criteria
        Of `accuracy.cut_points`; None for all of which the inputs are there.
    cost_ratio
        Cost of a false positive over that of a false negative, for the criterion "cost".
    compare_with, compare_positive, error_ratio
        The test to which the cut-off is equated, what it finds, and the variance of its errors
        over that of the test's.
    outcome, outcome_positive, time, competing, competing_positive, nothing_competes, at
        What is to be predicted; with `time` in a follow-up, until `at`.
    risks
        Columns of predicted risks of the outcome.
    adjust
        Columns that the association with the outcome is adjusted for.
    prevalence
        Shares at which predictive values are wanted.
    ages, sex
        In whom: an interval of ages [years], "female" or "male".
    replicates, seed, confidence
        Of the bootstrap, and the level of all limits.
    """

    test: str
    truth: str
    direction: str | None = None
    cut: str | float | None = None
    truth_positive: Positive = None
    criteria: tuple[str, ...] | None = None
    cost_ratio: float | None = None
    compare_with: str | None = None
    compare_positive: Positive = None
    error_ratio: float | None = None
    outcome: str | None = None
    outcome_positive: Positive = None
    time: str | None = None
    competing: str | None = None
    competing_positive: Positive = None
    nothing_competes: bool = False
    at: float | None = None
    risks: tuple[str, ...] = ()
    adjust: tuple[str, ...] = ()
    prevalence: tuple[float, ...] = ()
    ages: str | None = None
    sex: str | None = None
    replicates: int = 1000
    seed: int = 0
    confidence: float = 0.95

    def __post_init__(self) -> None:
        arguments.confidence_level(self.confidence)
        self._refuse_direction()
        self._refuse_halves()
        _ = self.within, self.cut is None or self.interval

    def _refuse_direction(self) -> None:
        if self.direction not in DIRECTIONS:
            given = "" if self.direction is None else f", got {self.direction!r}"
            raise SchemaError(
                "direction= is not declared: say whether low or high values of "
                f'{self.test} are positive ("low" for densities and T-scores, "high" for risk '
                f"scores){given}; it is never guessed from the data"
            )

    def _refuse_halves(self) -> None:
        """Raise SchemaError for what has no use without something else."""
        if (self.risks or self.time or self.adjust) and self.outcome is None:
            raise SchemaError(
                "outcome= is not given: time=, risk= and adjust= are about a column that says "
                "what happened, as fracture"
            )
        if (self.time is None) != (self.at is None):
            lacking, there = ("at", "time") if self.at is None else ("time", "at")
            raise SchemaError(
                f"{there}= needs {lacking}=: the column of the time to the end of observation, "
                "and the time until which the outcome is counted, both or neither"
            )
        if len(self.risks) > MOST_RISKS:
            raise SchemaError(f"risk=: at most {MOST_RISKS} columns, got {len(self.risks)}")
        if self.nothing_competes and self.time is None:
            raise SchemaError("nothing_competes= has no use without time=; leave it out")
        if self.competing is not None and self.time is None:
            raise SchemaError("competing= has no use without time=; leave it out or give both")

    @property
    def interval(self) -> Interval:
        """What is positive.

        Raises
        ------
        SchemaError
            If the cut-off is no number and no interval with one end, or lies the other way.
        """
        cut = self.cut if self.cut is not None else _criterion_cut(self.test)
        if cut is None:
            raise SchemaError(
                f"cut= is not given, and {CRITERION} has no cut-off for {self.test}: give the "
                'number, as in 80, or what is positive, as in "(-inf, -2.5]"'
            )
        try:
            interval = Interval.parse(_as_interval(cut, self.test, self.direction))
        except (NormError, ValueError):
            raise SchemaError(
                f"cut={cut!r}: expected a number, as in 80, or the interval that is positive, as "
                'in "(-inf, 80)"'
            ) from None
        ends = (math.isfinite(interval.lower), math.isfinite(interval.upper))
        if ends != ((False, True) if self.direction == "low" else (True, False)):
            raise SchemaError(
                f"cut={cut!r} does not go with direction={self.direction!r}: low is positive in "
                '"(-inf, 80)", high in "[80, inf)"'
            )
        return interval

    @property
    def positive(self) -> str:
        """What is positive, as the library takes it."""
        return str(self.interval)

    @property
    def rule(self) -> str:
        """What is positive, as a paper prints it."""
        return self.interval.inequality(self.test, decimals=None)

    @property
    def cut_off(self) -> float:
        """The cut-off [unit of the test]."""
        return self.interval.upper if self.direction == "low" else self.interval.lower

    @property
    def sign(self) -> str:
        """What is positive, without the name of the test."""
        return self.interval.inequality("", decimals=None).strip()

    @property
    def other_sign(self) -> str:
        """What is negative, without the name of the test."""
        at = self.interval
        if self.direction == "low":
            rest = Interval(at.upper, math.inf, not at.closed_upper, False)
        else:
            rest = Interval(-math.inf, at.lower, False, not at.closed_lower)
        return rest.inequality("", decimals=None).strip()

    @property
    def from_criterion(self) -> bool:
        """Whether the cut-off is that of the consensus."""
        known = _criterion_cut(self.test)
        return known is not None and known == self.positive

    @property
    def within(self) -> pl.Expr | None:
        """Whom the question is about; None for everybody.

        Raises
        ------
        SchemaError
            If ages are no interval, or there is no such sex.
        """
        parts = []
        if self.ages is not None:
            try:
                parts.append(Interval.parse(self.ages).expression(pl.col("age")))
            except NormError as error:
                raise SchemaError(f"ages=: {error}") from None
        if self.sex is not None:
            if self.sex not in ("female", "male"):
                raise SchemaError(f'sex={self.sex!r}; expected "female" or "male"')
            parts.append(pl.col("sex") == self.sex)
        return pl.all_horizontal(parts).fill_null(value=False) if parts else None

    @property
    def columns(self) -> dict[str, str]:
        """Every column that is named, and the argument that names it."""
        named = {c: role for role in SINGLE if (c := getattr(self, role)) is not None}
        named |= dict.fromkeys(self.risks, "risk") | dict.fromkeys(self.adjust, "adjust")
        within = {"age": self.ages, "sex": self.sex}
        return named | {c: f"{c}s" if c == "age" else c for c, v in within.items() if v}


def _criterion_cut(column: str) -> str | None:
    """The interval that the consensus calls osteoporosis in a column; None where it has none."""
    try:
        found = threshold(CRITERION, column.removesuffix("_reported"))
    except (NormError, SchemaError):
        return None
    return str(found.bands[found.positive])


def _as_interval(cut: str | float, test: str, direction: str | None) -> str:
    if not isinstance(cut, str):
        cut = f"{cut:.15g}"
    if cut.strip()[:1] in "([":
        return cut
    value = f"{float(cut):.15g}"
    if direction == "high":
        return f"[{value}, inf)"
    return f"(-inf, {value}{']' if test.startswith(CLOSED) else ')'}"


def prepared(people: Any, question: ThresholdQuestion) -> tuple[Any, ThresholdQuestion]:
    """People with yes and no where a file has words for them, and the question in their columns.

    Raises
    ------
    SchemaError
        If a column is not in the data (the message lists the nearest), the test holds no numbers,
        or there is no cut-off.
    """
    frame = people.frame if isinstance(people, Cohort) else people
    names = {column: _known(column, role, frame) for column, role in question.columns.items()}
    if not frame[names[question.test]].dtype.is_numeric():
        raise SchemaError(
            f"test=: column {question.test} is {frame[names[question.test]].dtype}; expected "
            "numbers that a cut-off divides"
        )
    changed = _renamed(question, names)
    answers = [
        column
        for role in ("truth", "outcome", "competing")
        if (column := getattr(changed, role)) is not None
        and getattr(changed, f"{role}_positive") is None
    ]
    frame = frame.with_columns(said_yes(frame[c]) for c in dict.fromkeys(answers))
    return people.with_frame(frame) if isinstance(people, Cohort) else frame, changed


def _known(column: str, role: str, frame: pl.DataFrame) -> str:
    """A column by its name, or by the heading that the file has for it."""
    name = column_of(column, frame.columns)
    if name is not None:
        return name
    hint = arguments.columns_near(column, frame.columns)
    raise SchemaError(f"{role}=: column {column} is not in the data; {hint}")


def _renamed(question: ThresholdQuestion, names: dict[str, str]) -> ThresholdQuestion:
    values: dict[str, Any] = {
        role: names[column] for role in SINGLE if (column := getattr(question, role)) is not None
    }
    several: dict[str, Any] = {
        role: tuple(names[c] for c in getattr(question, role)) for role in SEVERAL
    }
    changed = replace(question, **values, **several)
    # The column decides whether the consensus has a cut-off and whether a number is positive.
    return replace(changed, cut=changed.positive)
