"""The flow of people through a study of a test, as STARD asks for it, counted from the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy._columns import Answers, People, Positive, refuse_tolerance
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import Mask

NOT_STATED = "not stated"
RESULTS = ("positive", "negative", "inconclusive")
CONDITIONS = ("present", "absent", "inconclusive")


@dataclass(frozen=True)
class Branch:
    """People with one result of the index test.

    Attributes
    ----------
    result
        "positive", "negative" or "inconclusive".
    n
        People.
    no_reference
        Those of them without the reference standard.
    conditions
        "present", "absent" and "inconclusive", to people.
    """

    result: str
    n: int
    no_reference: int
    conditions: dict[str, int]


@dataclass(frozen=True, repr=False)
class StardFlow(Result):
    """People from the door of a study to its two-by-two table.

    Attributes
    ----------
    n
        Potentially eligible: rows given.
    excluded
        Reason to people who were not eligible.
    no_index
        Eligible people without the index test.
    branches
        By result of the index test.
    test, truth
        What counts as positive, and as the condition.
    notes
        What a reader must know.
    """

    n: int
    excluded: dict[str, int]
    no_index: int
    branches: tuple[Branch, ...]
    test: str
    truth: str
    notes: tuple[str, ...]

    @property
    def n_eligible(self) -> int:
        """Eligible people."""
        return self.n - sum(self.excluded.values())

    @property
    def n_index(self) -> int:
        """People with the index test."""
        return self.n_eligible - self.no_index

    @property
    def n_table(self) -> int:
        """People in the two-by-two table."""
        return sum(b.conditions[c] for b in self.branches[:2] for c in CONDITIONS[:2])

    def to_polars(self) -> pl.DataFrame:
        """One row a box of the diagram, in its order.

        Returns
        -------
        polars.DataFrame
            stage, index_test (null before it), box, n.
        """
        rows: list[tuple[str, str | None, str, int]] = [
            ("eligibility", None, "potentially eligible", self.n)
        ]
        rows += [("eligibility", None, f"excluded: {why}", k) for why, k in self.excluded.items()]
        rows += [
            ("eligibility", None, "eligible", self.n_eligible),
            ("index test", None, "no index test", self.no_index),
            ("index test", None, "index test", self.n_index),
        ]
        for b in self.branches:
            rows.append(("index test", b.result, f"index test {b.result}", b.n))
            rows.append(("reference standard", b.result, "no reference standard", b.no_reference))
            rows.append(("reference standard", b.result, "reference standard",
                         b.n - b.no_reference))  # fmt: skip
            rows += [("final", b.result, f"condition {c}", k) for c, k in b.conditions.items()]
        return pl.DataFrame(rows, schema=["stage", "index_test", "box", "n"], orient="row")

    def _summary(self) -> str:
        return (
            f"{count(self.n)} potentially eligible, {count(self.n_eligible)} eligible, "
            f"{count(self.n_index)} with the index test, {count(self.n_table)} in the table"
        )


@on_people("test", "truth")
def stard_flow(
    people: Any = None,
    *,
    test: Column,
    truth: Column,
    test_positive: Positive = None,
    truth_positive: Positive = None,
    test_inconclusive: Positive = None,
    truth_inconclusive: Positive = None,
    eligible: str | pl.Expr | None = None,
    reason: str | None = None,
    tolerance: float | None = None,
    accept_errors: bool = False,
) -> StardFlow:
    """Count the people of a study of a test at each step, as the STARD diagram shows them.

    Parameters
    ----------
    people
        A frame of any kind, one row a person who might have taken part.
    test, truth, test_positive, truth_positive, tolerance
        Index test and reference standard, as in `accuracy`.
    test_inconclusive, truth_inconclusive
        Values that are a result and say neither: an interval, or classes. They are no missing
        values, and have boxes of their own; who is positive as well counts as inconclusive.
    eligible
        Column or expression that is true of those who were eligible; all, if not given. Who is
        neither true nor false is not eligible.
    reason
        Column that says why somebody was not eligible.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    StardFlow

    Raises
    ------
    SchemaError
        If a column is absent, or nothing says what is positive.
    DesignError
        If `tolerance` or `reason` is given and nothing would read it.

    Notes
    -----
    Bossuyt et al. 2015, STARD 2015, doi 10.1136/bmj.h5527. The counts are of people, without
    weights.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "t_score_heel": [-3.0, -2.0, -0.5, None, -1.2, -2.8],
    ...     "osteoporosis": [True, True, False, False, None, True],
    ...     "age": [61, 70, 55, 58, 66, 44],
    ... })
    >>> flow = stard_flow(people, test="t_score_heel", test_positive="(-inf, -1.8]",
    ...                   truth="osteoporosis", eligible=pl.col("age") >= 50)
    >>> flow
    StardFlow(6 potentially eligible, 5 eligible, 4 with the index test, 3 in the table)
    >>> flow.branches[0].conditions
    {'present': 2, 'absent': 0, 'inconclusive': 0}
    """
    if reason is not None and eligible is None:
        raise DesignError(
            "reason= says why somebody was not eligible, and without eligible= everybody is: say "
            "who was, or leave reason= out"
        )
    known = People.of(people, accept_errors=accept_errors)
    known, inside = known.within(eligible, "eligible")
    tested, open_test = _results(known, test, test_positive, test_inconclusive, "test", tolerance)
    true, open_truth = _results(
        known, truth, truth_positive, truth_inconclusive, "truth", tolerance
    )
    refuse_tolerance(tolerance, tested, true)
    indexed = inside & (tested.known | open_test)
    split = (tested.yes & ~open_test, tested.known & ~tested.yes & ~open_test, open_test)
    branches = tuple(
        _branch(result, indexed & rows, true, open_truth)
        for result, rows in zip(RESULTS, split, strict=True)
    )
    return StardFlow(
        len(inside), _reasons(known, ~inside, reason), int((inside & ~indexed).sum()), branches,
        tested.label, true.label, (*known.notes, *tested.remarks, *true.remarks, *_notes(branches)),
    )  # fmt: skip


def _results(
    known: People,
    column: str,
    positive: Positive,
    unclear: Positive,
    role: str,
    tolerance: float | None,
) -> tuple[Answers, Mask]:
    """Answers of a column, and (n,) results that say neither."""
    also = () if unclear is None or isinstance(unclear, int) else _classes(unclear)
    answers = known.answers(column, positive, role, tolerance=tolerance, also=also)
    if unclear is None:
        return answers, np.zeros(known.frame.height, dtype=bool)
    word = f"{role}_inconclusive"
    if known.column(column, role).dtype == pl.Boolean:
        raise SchemaError(
            f"{column} says yes or no and nothing else: leave {word}= out, or name another column"
        )
    neither = known.answers(column, unclear, role, tolerance=tolerance, word=word)
    codes = tuple(code for code in answers.other_codes if code != unclear)
    return replace(answers, other_codes=codes), neither.yes


def _classes(unclear: Positive) -> Sequence[str]:
    return (unclear,) if isinstance(unclear, str) else tuple(unclear or ())  # type: ignore[arg-type]


def _branch(result: str, rows: Mask, true: Answers, unclear: Mask) -> Branch:
    kinds = (true.yes & ~unclear, true.known & ~true.yes & ~unclear, unclear)
    conditions = {
        name: int((rows & kind).sum()) for name, kind in zip(CONDITIONS, kinds, strict=True)
    }
    n = int(rows.sum())
    return Branch(result, n, n - sum(conditions.values()), conditions)


def _reasons(known: People, outside: Mask, reason: str | None) -> dict[str, int]:
    if not outside.any():
        return {}
    if reason is None:
        return {"not eligible": int(outside.sum())}
    why = known.covariate(reason, "reason").cast(pl.String).fill_null(NOT_STATED)
    counts = why.filter(pl.Series(outside)).alias("why").value_counts(name="n")
    return dict(counts.sort("n", "why", descending=[True, False]).iter_rows())


def _notes(branches: tuple[Branch, ...]) -> list[str]:
    positive, negative = branches[0], branches[1]
    notes = []
    shares = [1 - b.no_reference / b.n for b in (positive, negative) if b.n]
    if len(shares) == 2 and shares[0] != shares[1]:
        notes.append(
            f"{count(positive.n - positive.no_reference)} of {count(positive.n)} who test positive "
            f"and {count(negative.n - negative.no_reference)} of {count(negative.n)} who test "
            "negative have the reference standard: where the result decided who was verified, "
            "sensitivity and specificity of those verified are biased"
        )
    unclear = branches[2].n + sum(b.conditions["inconclusive"] for b in branches[:2])
    if unclear:
        notes.append(f"{count(unclear)} people with an inconclusive result are in no cell")
    return notes
