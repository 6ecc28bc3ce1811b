"""A vertebra fractured, deformed or sound: by its end-plates, its Genant grade, or a mere count.

The consensus has a fracture where end-plate or cortex is broken (ECF), and a deformity where a
lower vertebra has neither. So a stated ECF decides at any grade; where it is not stated, the grade
decides; where there is no grade either, the number of fractured vertebrae does.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi import norms
from osteo_epi.diagnosis._columns import Columns, first_true
from osteo_epi.norms import Bands, Index

ENDPLATE_RULES = {
    "when_stated": (
        "a stated end-plate or cortical fracture makes a fracture at any grade and its stated "
        "absence a deformity; where neither is stated the grade decides"
    ),
    "required": (
        "only a stated end-plate or cortical fracture is a fracture, at any grade; from that "
        "grade on a vertebra without a statement stays open"
    ),
    "ignored": "the grade alone decides",
}


def genant_index() -> Index:
    """Load Genant's grading of vertebral height loss."""
    return norms.load("indices", "genant")


def classes(genant: Index) -> Bands:
    """Take the grades in ascending order; a grade is its place among them, from 0."""
    return next(iter(genant.bands.values()))


@dataclass(frozen=True)
class Vertebra:
    """The expressions on the worst vertebra of each person."""

    columns: Columns
    genant: Bands
    genant_from: int
    endplate_rule: str

    def grade(self) -> pl.Expr:
        """Return the worst vertebra's Genant grade, as graded or from the height loss."""
        graded = self.columns.quantity("genant_grade")
        loss = self.columns.quantity("vertebral_height_loss")
        parts = [] if graded is None else [graded.fill_nan(None).cast(pl.Int64)]
        if loss is not None:
            parts.append(self.genant.expression(loss).to_physical().cast(pl.Int64))
        return pl.coalesce(parts) if parts else pl.lit(None, dtype=pl.Int64)

    def endplate(self) -> pl.Expr:
        """Return the statement on end-plate and cortex; null where the rule ignores it."""
        stated = self.columns.stated("endplate_fracture")
        if stated is None or self.endplate_rule == "ignored":
            return pl.lit(None, dtype=pl.Boolean)
        return stated

    def number(self) -> pl.Expr:
        """Return the number of fractured vertebrae."""
        number = self.columns.quantity("n_vertebral_fractures")
        return pl.lit(None, dtype=pl.Float64) if number is None else number.fill_nan(None)

    def is_fractured(self) -> pl.Expr:
        """Say whether a vertebra is fractured; null where nothing is stated or that stays open."""
        counted = pl.coalesce(self.grade() >= self.genant_from, self.number() > 0)
        if self.endplate_rule == "required":
            return pl.coalesce(self.endplate(), pl.when(~counted).then(False))
        return pl.coalesce(self.endplate(), counted)

    def is_described(self) -> pl.Expr:
        """Say whether the row speaks of the vertebrae at all."""
        parts = (self.grade(), self.endplate(), self.number())
        return pl.any_horizontal(part.is_not_null() for part in parts)

    def is_remarkable(self) -> pl.Expr:
        """Say whether there is something that an image without a site could have shown."""
        lower = (self.grade() > 0).fill_null(False) | (self.number() > 0).fill_null(False)
        return lower | self.endplate().is_not_null()

    def kind(self, is_recorded: pl.Expr) -> pl.Expr:
        """Tell a fractured vertebra from a deformed and from a sound one.

        Intact end-plates alone are a sound spine; they make a deformity where the vertebra is
        graded above 0, or the record speaks of a fracture of the spine.
        """
        fractured, lower = self.is_fractured(), (self.grade() > 0).fill_null(False)
        return first_true(
            [
                (fractured, "fracture"),
                (~self.endplate() & (lower | is_recorded), "deformity"),
                (~fractured, "none"),
            ]
        )

    def is_severe(self) -> pl.Expr:
        """Say whether a fractured vertebra has the highest grade."""
        return (self.grade() == len(self.genant) - 1) & self.is_fractured()

    def is_multiple(self) -> pl.Expr:
        """Say whether more than one vertebra is fractured."""
        return self.number() > 1
