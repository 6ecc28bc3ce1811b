"""The score and truth of people, read once for every curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy._columns import (
    Answers,
    People,
    Positive,
    refuse_one_class,
    same_column,
)
from osteo_epi.accuracy._sample import Joint, Sample
from osteo_epi.accuracy.curves._choices import refuse_tolerance
from osteo_epi.accuracy.curves._curve import Area, Groups, Segments, delong, score_tolerance
from osteo_epi.errors import SchemaError
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Mask

DIRECTIONS = ("low", "high")


@dataclass(frozen=True)
class Scored:
    """The score and truth of people, with their design: what every area is made of.

    `gaps` are the (n,) people who lack each score, `scores` its (m,) values in those of the curve.
    """

    people: People
    sample: Sample
    truth: Answers
    inside: Mask
    rows: Mask
    groups: tuple[Groups, ...]
    gaps: tuple[Mask, ...]
    scores: tuple[Array, ...]

    @property
    def weight(self) -> Array:
        """(m,) weights of the people of the curve."""
        return self.sample.weight[self.rows]

    @property
    def df(self) -> float:
        """Degrees of freedom of an area."""
        return math.inf if self.sample.simple else self.sample.df(self.rows)

    @property
    def lost(self) -> tuple[int, int, int]:
        """People of the domain who lack the first score only, the truth only, or both."""
        gap, known = self.gaps[0], self.truth.known
        cases = (gap & known, ~gap & ~known, gap & ~known)
        return tuple(int((case & self.inside).sum()) for case in cases)  # type: ignore[return-value]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Diseased and healthy people of the curve, and people of the domain."""
        n = int(self.groups[0].diseased.sum())
        return n, int(self.rows.sum()) - n, int(self.inside.sum())

    def segments(self, which: int = 0) -> Segments:
        """The curve of one score."""
        return Segments.of(*self.groups[which].sums(self.weight))

    def joint(self, areas: list[Area]) -> Joint:
        """Areas, one a score or several of the first, with their covariance."""
        groups = (
            list(self.groups) if len(self.groups) == len(areas) else [self.groups[0]] * len(areas)
        )
        value = np.array([a.value for a in areas])
        if self.sample.simple:
            return Joint(value, delong(areas, groups), math.inf)
        linear = np.zeros((len(self.rows), len(areas)))
        for k, (one, group) in enumerate(zip(areas, groups, strict=True)):
            linear[self.rows, k] = one.linear(group, self.weight)
        return self.sample.linearised(value, linear, self.rows)


def read_scores(
    people: Any,
    scores: tuple[tuple[str, str, str | None], ...],
    *,
    truth: str,
    truth_positive: Positive,
    design: Any,
    domain: str | pl.Expr | None,
    tolerance: float | None,
    accept_errors: bool,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
) -> Scored:
    """Read (role, column, direction) of scores and the truth, in people with all covariates.

    Raises
    ------
    SchemaError
        If a direction is not declared, a column is absent or no number, a score is constant, or a
        class of the truth has fewer than two people.
    """
    refuse_tolerance(tolerance)
    for role, _, direction in scores:
        _refuse_direction(role, direction)
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    known = known.with_classes(dict.fromkeys(covariates, "covariates"))
    sample = Sample.of(known.frame, design, cluster)
    values = [known.numbers(column, role) for role, column, _ in scores]
    true = known.answers(truth, truth_positive, "truth")
    known, part = known.within(domain)
    inside = part & (sample.weight > 0)
    complete = np.ones(len(inside), dtype=bool)
    for name in covariates:
        complete &= known.covariate(name).is_not_null().to_numpy()
    rows = inside & true.known & ~np.isnan(values).any(axis=0) & complete
    if covariates and not rows.any() and inside.any():
        raise SchemaError(
            f"nobody has score, truth and all covariates ({', '.join(covariates)}): look where one "
            "is missing"
        )
    refuse_one_class(true.yes, rows, true.label)
    diseased = true.yes[rows]
    _refuse_few(diseased, true.label)
    groups = []
    for (_, column, direction), value in zip(scores, values, strict=True):
        score = value[rows]
        by = score_tolerance(column, score) if tolerance is None else tolerance
        groups.append(Groups.of(score, diseased, low=direction == "low", tolerance=by))
        if len(groups[-1].value) == 1:
            within = "" if score.min() == score.max() else f" within the tolerance {by:g}"
            raise SchemaError(
                f"{column} is constant: all {count(len(score))} people with score and truth have "
                f"one value{within}, and no cut-point tells them apart; look whether it is the "
                f"measurement{', or give a smaller tolerance=' if within else ''}"
            )
    gaps = tuple(np.isnan(value) for value in values)
    kept = tuple(value[rows] for value in values)
    return Scored(known, sample, true, inside, rows, tuple(groups), gaps, kept)


def _refuse_direction(role: str, direction: str | None) -> None:
    word = "direction" if role == "score" else f"{role}_direction"
    if direction is None:
        raise SchemaError(
            f'{word} is not given: say {word}="low" where low values are diseased (densities, '
            'T-scores) or "high" where high ones are; it is never guessed'
        )
    if direction not in DIRECTIONS:
        raise SchemaError(f'{word} is "low" or "high", not {direction!r}')


def _refuse_few(diseased: Mask, label: str) -> None:
    sizes = {"diseased": int(diseased.sum()), "healthy": int((~diseased).sum())}
    few = [f"{n} {name}" for name, n in sizes.items() if n < 2]
    if few:
        raise SchemaError(
            f"{few[0]} by {label}: an area has a standard error from two people in each class; "
            "take a larger domain"
        )


def score_notes(scored: Scored, score: str) -> list[str]:
    """What a reader must know of the people of one score: the data, the design, who is lost."""
    lost, notes = scored.lost, [*scored.people.notes, *scored.sample.notes, *scored.truth.remarks]
    notes += scored.sample.lone_notes(scored.truth.yes, scored.rows)
    notes += same_column(score, scored.truth)
    total = count(int(scored.inside.sum()))
    if lost[0] + lost[2]:
        notes.append(f"{count(lost[0] + lost[2])} of {total} people lack {score}")
    if lost[1]:
        notes.append(
            f"{count(lost[1])} of {total} people have {score} and lack the truth "
            f"({scored.truth.label}): if the score decided who was verified, the curve is biased"
        )
    return notes
