"""Who is judged by which score: T for postmenopausal women and older men, Z for all others."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.diagnosis._columns import Columns, first_true
from osteo_epi.diagnosis._definition import Definition
from osteo_epi.norms import Applies

T, Z = "t", "z"
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
        """Age [years]; null where it is no number."""
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
        """Whether of the age from which the T-score applies."""
        return self.age >= self.rule.from_age

    def postmenopausal(self) -> pl.Expr | None:
        """Whether past menopause, ovaries included, as stated; null where nothing is."""
        stated = self.columns.stated("postmenopausal")
        ovaries = self._without_ovaries()
        if ovaries is None or stated is None:
            return ovaries if stated is None else stated
        return ovaries.fill_null(False) | stated

    def _without_ovaries(self) -> pl.Expr | None:
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
        has_age_and_sex = self.age.is_finite() & (self.female | self.male)
        return pl.when(has_age_and_sex).then(
            pl.when(self.female).then(self._t_for_women()).otherwise(self.old_enough)
        )

    def _t_for_women(self) -> pl.Expr:
        if self.rule.women == "age":
            return self.old_enough
        stated = self.postmenopausal()
        return self.by_age() if stated is None else pl.coalesce(stated, self.by_age())

    def score(self) -> pl.Expr:
        """Name the score that applies; null: neither."""
        applies = self.t_applies()
        return (
            pl.when(applies)
            .then(pl.lit(T, dtype=SCORES))
            .when(~applies)
            .then(pl.lit(Z, dtype=SCORES))
        )

    def reason(self) -> pl.Expr:
        """Say why that score applies, as a code of the catalogue."""
        return first_true(
            [
                (~self.age.is_finite().fill_null(False), "age_not_stated"),
                (~(self.female | self.male).fill_null(False), "sex_not_stated"),
                (self.male & self.old_enough, "man_of_t_score_age"),
                (self.male, "man_below_t_score_age"),
                *self._reasons_of_women(),
            ]
        )

    def _reasons_of_women(self) -> list[tuple[pl.Expr | None, str]]:
        if self.rule.women == "age":
            return [
                (self.old_enough, "woman_of_t_score_age"),
                (pl.lit(True), "woman_below_t_score_age"),
            ]
        stated = self.postmenopausal()
        return [
            (self._without_ovaries(), "woman_without_ovaries"),
            (stated, "postmenopausal_woman"),
            (None if stated is None else ~stated, "premenopausal_woman"),
            (self.by_age(), "menopause_not_stated_taken_from_age"),
            (~self.by_age(), "menopause_not_stated_taken_as_before"),
            (pl.lit(True), "menopause_not_stated"),
        ]
