"""T- and Z-scores of one definition as expressions, on whatever a frame offers.

The formulas are `norms.expressions`'; here stands only which column goes with which reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.diagnosis.definition import Definition, Reported
from osteo_epi.diagnosis.densities import Densities
from osteo_epi.norms.expressions import t_score_expr, z_row_expr, z_score_expr
from osteo_epi.norms.references import SEXES, AgeReference, YoungAdultReference

USABLE = "_oe_usable"
ROW = "_oe_row_of_age_reference"


@dataclass(frozen=True)
class Scores:
    """The scores that one definition makes of one frame; None where there can be none."""

    definition: Definition
    densities: Densities

    def usable(self) -> list[pl.Expr]:
        """Columns on which the scores stand: usable densities, the row in the age reference."""
        made = {roi: self.densities.areal.density(roi) for roi in self.definition.scored}
        columns = [
            density.alias(usable_column(roi))
            for roi, density in made.items()
            if density is not None
        ]
        reference = self.definition.age_reference
        if isinstance(reference, AgeReference) and columns:
            columns.append(z_row_expr(reference).alias(ROW))
        return columns

    def t(self, roi: str) -> pl.Expr | None:
        """T-score of a region, unrounded."""
        reference = self.definition.reference
        if isinstance(reference, Reported):
            return self.densities.reported(roi, "t")
        sexes = (self.definition.reference_sex(sex) for sex in SEXES)
        held = any(reference.mean_sd(sex, roi) for sex in sexes)
        if not held or self.densities.areal.density(roi) is None:
            return None
        return t_score_expr(usable_column(roi), roi, reference, self.definition.sex_rule)

    def z(self, roi: str) -> pl.Expr | None:
        """Z-score of a region, unrounded; null outside the ages of the reference."""
        reference = self.definition.age_reference
        if isinstance(reference, Reported):
            return self.densities.reported(roi, "z")
        if reference is None or self.densities.areal.density(roi) is None:
            return None
        if not any(reference.curve(sex, roi) for sex in SEXES):
            return None
        return z_score_expr(usable_column(roi), roi, reference, row=pl.col(ROW))


def usable_column(roi: str) -> str:
    """Name the column of a region's usable density, for as long as a classification runs."""
    return f"abmd_{roi}{USABLE}"


def lacks_sex(reference: object, sex: str) -> bool:
    """Whether a young-adult reference has nothing at all for a sex."""
    if not isinstance(reference, YoungAdultReference):
        return False
    return all(entry.sex != sex for entry in reference.entries)
