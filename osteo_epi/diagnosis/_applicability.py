"""Who is judged by which score: T for postmenopausal women and older men, Z for all others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.diagnosis._columns import Columns, first_true
from osteo_epi.diagnosis._definition import Definition
from osteo_epi.frames import Frame
from osteo_epi.norms import Applies

T, Z = "t", "z"
TAKEN_FROM_AGE = "menopause_not_stated_taken_from_age"
SCORES = pl.Enum([T, Z])


@dataclass(frozen=True)
class Applicability:
    """The rule of one definition on what one frame offers.

    The conditions are few and disjoint, in the order in which a clinician asks: is age known, is
    sex known, man or woman, ovaries, menopause.
    """

    columns: Columns
    definition: Definition

    @property
    def rule(self) -> Applies:
        """Whom the criterion judges by which score."""
        return self.definition.criterion.applies

    @property
    def age(self) -> pl.Expr:
        """Age [years]; null where it is no age of a person, so what is there is finite."""
        age = self.columns.quantity("age")
        assert age is not None, "classify requires age"
        return age

    @property
    def female(self) -> pl.Expr:
        """Whether a woman; null where the sex is not stated."""
        return pl.col("sex") == "female"

    @property
    def male(self) -> pl.Expr:
        """Whether a man; null where the sex is not stated."""
        return pl.col("sex") == "male"

    @property
    def old_enough(self) -> pl.Expr:
        """Whether of the age from which the T-score applies; null where no age is stated."""
        return self.age >= self.rule.from_age

    @property
    def age_known(self) -> pl.Expr:
        """Whether the age is stated; never null."""
        return self.age.is_not_null()

    def postmenopausal(self) -> pl.Expr | None:
        """Whether past menopause, ovaries included; null where nothing says so.

        A stated status holds over a record of menopause, and ovaries that were removed over both.
        """
        stated, recorded = self.columns.stated("postmenopausal"), self.recorded()
        parts = [part for part in (self.without_ovaries(), stated, recorded) if part is not None]
        return pl.coalesce(parts) if parts else None

    def recorded(self) -> pl.Expr | None:
        """Whether a menopause that has passed is recorded, by age at it or years since; else null.

        An age at menopause still to come is an error of the record and says nothing; without an
        age it has come, since it is recorded. 0 years since menopause may stand for "not yet".
        """
        at, since = (
            self.columns.quantity(name) for name in ("menopause_age", "years_since_menopause")
        )
        passed = [] if at is None else [at.is_finite() & (~self.age_known | (at <= self.age))]
        passed += [] if since is None else [since.is_between(0.0, math.inf, closed="none")]
        return pl.when(pl.any_horizontal(passed)).then(True) if passed else None

    def contradictory(self) -> pl.Expr:
        """Whether the stated status says otherwise than age at, or years since, menopause."""
        stated, recorded = self.columns.stated("postmenopausal"), self.recorded()
        at = self.columns.quantity("menopause_age")
        ahead = pl.lit(False) if at is None else at.is_finite() & self.age_known & (at > self.age)
        before = pl.lit(False) if stated is None or recorded is None else ~stated & recorded
        return self.female & (ahead | before)

    def without_ovaries(self) -> pl.Expr | None:
        """True where both ovaries were removed, else null: having ovaries says nothing."""
        if not self.rule.ovaries_removed_counts:
            return None
        removed = self.columns.stated("ovaries_removed")
        return None if removed is None else pl.when(removed).then(True)

    def by_age(self) -> pl.Expr:
        """Whether a woman of unknown menopause counts as past it; null where age may not say."""
        if self.definition.menopause_unknown == "unknown":
            return pl.lit(None, dtype=pl.Boolean)
        start = self.rule.unknown_menopause_from
        return self.age >= (self.rule.from_age if start is None else start)

    def t_applies(self) -> pl.Expr:
        """Whether the T-score applies; false: the Z-score; null: neither."""
        return pl.when(self.female).then(self._t_for_women()).when(self.male).then(self.old_enough)

    def _t_for_women(self) -> pl.Expr:
        if self.rule.women == "age":
            return self.old_enough
        state, by_age = self.postmenopausal(), self.by_age()
        if state is None:
            return by_age
        known = pl.when(self.age_known).then(pl.coalesce(state, by_age))
        return pl.when(state).then(True).otherwise(known)

    @staticmethod
    def score(applies: pl.Expr) -> pl.Expr:
        """Name the score that applies, from a column that holds `t_applies`; null: neither."""
        return (
            pl.when(applies)
            .then(pl.lit(T, dtype=SCORES))
            .when(~applies)
            .then(pl.lit(Z, dtype=SCORES))
        )

    def reason(self) -> pl.Expr:
        """Say why that score applies, as a code of the catalogue."""
        return first_true(self._reasons())

    def taken_from_age(self) -> pl.Expr:
        """Whether a woman counts as past menopause by her age alone, as `reason` says; never null.

        A tenth of the time of making the reason and comparing it.
        """
        chain: Any = pl
        for condition, name in self._reasons():
            if condition is not None:
                chain = chain.when(condition).then(pl.lit(name == TAKEN_FROM_AGE))
        return chain.otherwise(pl.lit(False))

    def _reasons(self) -> list[tuple[pl.Expr | None, str]]:
        return [
            *self._past_menopause(),
            (~self.age_known, "age_not_stated"),
            (~(self.female | self.male).fill_null(False), "sex_not_stated"),
            (self.male & self.old_enough, "man_of_t_score_age"),
            (self.male, "man_below_t_score_age"),
            *self._other_women(),
        ]

    def _past_menopause(self) -> list[tuple[pl.Expr | None, str]]:
        """What makes a woman postmenopausal whatever her age; a stated status holds over a record.

        The consensus judges postmenopausal women by the T-score and names no age for them.
        """
        if self.rule.women == "age":
            return []
        stated, recorded = self.columns.stated("postmenopausal"), self.recorded()
        if stated is not None and recorded is not None:
            recorded = recorded & stated.fill_null(True)
        return [
            (None if past is None else self.female & past, code)
            for past, code in (
                (stated, "postmenopausal_woman"),
                (recorded, "menopause_recorded"),
                (self.without_ovaries(), "woman_without_ovaries"),
            )
        ]

    def _other_women(self) -> list[tuple[pl.Expr | None, str]]:
        if self.rule.women == "age":
            return [
                (self.old_enough, "woman_of_t_score_age"),
                (pl.lit(True), "woman_below_t_score_age"),
            ]
        stated = self.columns.stated("postmenopausal")
        return [
            (None if stated is None else ~stated, "premenopausal_woman"),
            (self.by_age(), TAKEN_FROM_AGE),
            (~self.by_age(), "menopause_not_stated_taken_as_before"),
            (pl.lit(True), "menopause_not_stated"),
        ]


def taken_from_age(frame: Frame, definition: Definition) -> pl.Expr:
    """Whether a definition takes a woman as postmenopausal by her age alone; never null."""
    return Applicability(Columns.of(frame), definition).taken_from_age()
