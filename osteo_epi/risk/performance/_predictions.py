"""Predicted risks of people, tests that decide without one, and what happened: read once.

Everything is answered on people who have every risk that is compared and a known outcome: curves
of different people cannot be set side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Answers, Joint, People, Positive, Sample
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk._competing import refuse_seen
from osteo_epi.risk._follow_up import EVENT, FollowUp, follow_up
from osteo_epi.risk._shares import as_shares
from osteo_epi.risk.performance._outcomes import Binary, ByTime, Outcome
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Mask

TREAT_ALL, TREAT_NONE = STRATEGIES = ("treat all", "treat none")
Tests = str | Sequence[str | tuple[str, Positive]]
"""A column of yes and no, several, or pairs of a column and what counts as positive in it."""


@dataclass(frozen=True)
class Happened:
    """What the columns of the outcome are called, and what counts as one in each."""

    outcome: str | None = None
    outcome_positive: Positive = None
    time: str | None = None
    event: str | None = None
    event_positive: Positive = None
    competing: str | None = None
    competing_positive: Positive = None
    at: float | None = None
    nothing_competes: bool = False

    def __post_init__(self) -> None:
        if (self.outcome is None) == (self.time is None and self.event is None):
            raise DefinitionError(
                "say what happened in one of two ways: outcome=, a column of yes and no; or time= "
                "and event= with at=, where people were followed"
            )
        self._refuse_the_other_way()
        if self.outcome is not None:
            return
        if self.time is None or self.event is None:
            lacking = "time" if self.time is None else "event"
            raise DefinitionError(f"{lacking}= is not given: a follow-up is its time and its event")
        try:
            arguments.number(self.at, "at", above=0)
        except DefinitionError as error:
            raise DefinitionError(
                f"{error}: the time up to which the risk was predicted, in the unit of time="
            ) from None

    def _refuse_the_other_way(self) -> None:
        """Refuse what says more of the way in which it is not said what happened."""
        way = "outcome" if self.outcome is not None else "time"
        others = {
            "time": ("outcome_positive",),
            "outcome": ("event_positive", "competing", "competing_positive", "at"),
        }[way]
        given = [f"{name}=" for name in others if getattr(self, name) is not None]
        if way == "outcome" and self.nothing_competes:
            given.append("nothing_competes=")
        if given:
            raise DefinitionError(
                f"{', '.join(given)} {'have' if len(given) > 1 else 'has'} no use with {way}=: "
                "leave it out, or say what happened in the other way"
            )


@dataclass(frozen=True)
class Predictions:
    """Risks of people with what happened.

    Attributes
    ----------
    people, sample
        The frame, and how people were drawn.
    rows
        (n,) people of the domain with weight, every risk, every test and the outcome.
    outcome
        What happened, as a function of weights.
    risks, tests
        Name to (n,) risks [0 to 1], and to (n,) people whom a test calls positive.
    answers, followed
        The outcome as answered, and the follow-up; one of them is None.
    at
        The time up to which events count.
    n_people
        People of the domain.
    notes
        Who is left out and why, and what a reader must know.
    """

    people: People
    sample: Sample
    rows: Mask
    outcome: Outcome
    risks: dict[str, Array]
    tests: dict[str, Mask]
    answers: Answers | None
    followed: FollowUp | None
    at: float
    n_people: int
    notes: tuple[str, ...]

    @property
    def n(self) -> int:
        """People of the answer."""
        return int(self.rows.sum())

    @property
    def n_events(self) -> int:
        """People of the answer who are known to have the outcome, up to `at`."""
        return self.events(self.rows)

    def events(self, group: Mask) -> int:
        """People of a group who are known to have the outcome, up to `at`."""
        if self.answers is not None:
            return int((group & self.answers.yes).sum())
        assert self.followed is not None
        early = self.followed.time <= self.at
        return int((group & early & (self.followed.status == EVENT)).sum())

    def joint(self, statistic: Callable[[Array], tuple[Array, Array]]) -> Joint:
        """What a statistic of (n,) weights gives, (k,) values and (n, k) linearised ones."""
        if self.sample.arrays is None:
            return self.sample.replicated(lambda weight: statistic(weight)[0], self.rows)
        joint = self.sample.linearised(*statistic(self.sample.weight), self.rows)
        return replace(joint, df=self.df)

    @property
    def df(self) -> float:
        """Degrees of freedom: infinite for people drawn one by one."""
        return np.inf if self.sample.simple else self.sample.df(self.rows)


def read_predictions(
    people: Any,
    risks: Sequence[str],
    tests: Tests,
    happened: Happened,
    *,
    design: Any,
    domain: str | pl.Expr | None,
    accept_errors: bool,
) -> Predictions:
    """Read risks, tests and outcome, with every fault of them.

    Raises
    ------
    SchemaError
        If a column is absent or undeclared, a risk is none, or the outcome has one class.
    """
    known, sample, answers, followed, inside = _outcome(
        people, happened, design=design, domain=domain, accept_errors=accept_errors
    )
    rows = inside & (followed.rows if followed else _known(answers))
    values, said = {}, list[str]()
    for name in risks:
        values[name], note = _risk(known, name, inside)
        said += [note] if note else []
    tested = [_test(known, one) for one in ((tests,) if isinstance(tests, str) else tests)]
    _refuse_repeats([*risks, *(one.label for one in tested)])
    gaps = {name: np.isnan(value) for name, value in values.items()}
    gaps |= {one.label: ~one.known for one in tested}
    gaps |= {answers.label: ~answers.known} if answers else {}
    rows = rows & ~np.any(list(gaps.values()), axis=0)
    outcome: Outcome
    if answers is not None:
        _refuse_one_outcome(answers, rows)
        outcome = Binary(answers.yes, answers.label)
    else:
        assert followed is not None
        outcome = _by_time(followed, rows, happened)
    own = answers.remarks if answers else ()
    before = followed.notes if followed else (*known.notes, *sample.notes, *own)
    said += [note for one in tested for note in one.remarks]
    notes = (*before, *said, *_lost(gaps, inside, len(gaps)), *_constant(values, tested, rows))
    return Predictions(
        known, sample, rows, outcome, values, {one.label: one.yes for one in tested}, answers,
        followed, float(happened.at or np.inf), int(inside.sum()), notes,
    )  # fmt: skip


def _outcome(
    people: Any, happened: Happened, *, design: Any, domain: Any, accept_errors: bool
) -> tuple[People, Sample, Answers | None, FollowUp | None, Mask]:
    """The frame, its design, the outcome of either kind, and (n,) people of the domain."""
    if happened.outcome is not None:
        known = People.of(people, accept_errors=accept_errors)
        sample = Sample.of(known.frame, design)
        answers = known.answers(happened.outcome, happened.outcome_positive, "outcome")
        return known, sample, answers, None, known.domain(domain) & (sample.weight > 0)
    assert happened.time is not None
    assert happened.event is not None
    followed = follow_up(
        people, time=happened.time, event=happened.event, event_positive=happened.event_positive,
        competing=happened.competing, competing_positive=happened.competing_positive,
        nothing_competes=happened.nothing_competes,
        design=design, domain=domain, accept_errors=accept_errors,
    )  # fmt: skip
    refuse_seen(followed.competing, followed.unsaid, nothing_competes=happened.nothing_competes)
    inside = followed.people.domain(domain) & (followed.sample.weight > 0)
    return followed.people, followed.sample, None, followed, inside


def _refuse_one_outcome(answers: Answers, rows: Mask) -> None:
    n, yes = int(rows.sum()), int((answers.yes & rows).sum())
    if 0 < yes < n:
        return
    if n == 0:
        raise SchemaError(
            f"nobody has every risk, every test and the outcome ({answers.label}): look where they "
            "are missing"
        )
    raise SchemaError(
        f"{'each' if yes else 'none'} of {count(n)} people has the outcome ({answers.label}): "
        "there is nothing to hold the risks against; look whether outcome_positive= says what was "
        'meant and no class is written as a word for missing ("none", "unknown"), or take a larger '
        "domain"
    )


def _known(answers: Answers | None) -> Mask:
    assert answers is not None
    return answers.known


def _by_time(followed: FollowUp, rows: Mask, happened: Happened) -> ByTime:
    at = float(happened.at or 0)
    longest = float(followed.time[rows].max(initial=0.0))
    if at > longest:
        raise SchemaError(
            f"at={at:g}: nobody with {happened.time} and every risk is followed so long; take an "
            "earlier time, or look at the unit of the column"
        )
    if not (rows & (followed.status == EVENT) & (followed.time <= at)).any():
        raise SchemaError(
            f"nobody with every risk has the event ({followed.event}) up to {at:g}: there is "
            "nothing to hold the risks against; take a later time or a larger domain"
        )
    status = np.where(rows, followed.status, 0)
    time = np.where(rows, followed.time, np.inf)
    return ByTime.of(time, status, at=at, label=f"{followed.event} up to {at:g}")


def _risk(known: People, name: str, inside: Mask) -> tuple[Array, str]:
    """(n,) risks from 0 to 1, and what was done to make them so."""
    values = known.numbers(name, "risk")
    given = values[inside & ~np.isnan(values)]
    if not len(given):
        raise SchemaError(f"{name}: nobody of the domain has this risk; look where it is missing")
    return as_shares(values, name, given, otherwise="a test with a cut-off is named in tests=")


def _refuse_repeats(names: Sequence[str]) -> None:
    twice = dict.fromkeys(name for name in names if list(names).count(name) > 1)
    taken = [name for name in names if name in STRATEGIES]
    if twice or taken:
        raise DefinitionError(
            f"{', '.join([*twice, *taken])}: each risk and test is named once, and none is called "
            f"{' or '.join(STRATEGIES)}"
        )


def _test(known: People, test: str | tuple[str, Positive]) -> Answers:
    if isinstance(test, str):
        return known.answers(test, None, "test")
    if not (isinstance(test, tuple) and len(test) == 2 and isinstance(test[0], str)):
        raise DefinitionError(
            f"one of tests={test!r}; expected a column of yes and no, or a pair such as "
            '("t_score_femoral_neck", "(-inf, -2.5]")'
        )
    return known.answers(test[0], test[1], "test")


def _constant(risks: dict[str, Array], tests: Sequence[Answers], rows: Mask) -> list[str]:
    """Say which risk or test is the same in everybody, and tells nobody from anybody."""
    same = [name for name, risk in risks.items() if np.ptp(risk[rows]) == 0]
    same += [test.label for test in tests if np.ptp(test.values[rows]) == 0]
    return [
        f"{name} is the same in all {count(int(rows.sum()))} people, and tells nobody from "
        "anybody; look whether it is what was meant"
        for name in same
    ]


def _lost(gaps: dict[str, Mask], inside: Mask, compared: int) -> list[str]:
    """Say of each column how many lack it; a person may lack several."""
    total = count(int(inside.sum()))
    lost = {name: int((gap & inside).sum()) for name, gap in gaps.items()}
    notes = [f"{count(n)} of {total} people lack {name}" for name, n in lost.items() if n]
    if not notes:
        return []
    every = "everything that is compared" if compared > 2 else "both"
    return [*notes, f"the answer rests on people who have {every}: the same people throughout"]
