"""The status of each person as a number that cells can be made of."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.frames import Frame

# Fracture status: settled that there is none; established; nothing recorded; unknown.
NONE, ESTABLISHED, NO_RECORD, UNKNOWN = range(4)
PARTS = 4
# Added to it: the record is open; only the Z-score applies and no class was had.
OPEN, Z_ONLY = 4, 8
# What is done with those of whom a part is not known, see `Query`.
BY_FRACTURE, EXCLUDE = "by_fracture", "exclude"
CODE = pl.Int32
SCORES = pl.Enum(["t", "z"])
COLUMNS = ("score_applied", "fragility_fracture", "fracture_open_record")
TAKEN = {"not_established": False, "established": True, "unknown": None}


@dataclass(frozen=True)
class Status:
    """The status of classified people under one definition, as far as their columns tell.

    An established fracture counts where the T-score applies: in a young person it makes no class.
    Where it does not apply, or the record settles that there is none, there is none. Somebody of
    whom nothing is recorded and who was classified on complete sites counts as without one: the
    class itself rests on that. All others are unknown.

    Parameters
    ----------
    definition
        By which the people are classified.
    columns
        Those of `COLUMNS` that they have.
    """

    definition: Definition
    columns: frozenset[str] = frozenset(COLUMNS)

    @classmethod
    def of(cls, frame: Frame, definition: Definition) -> Status:
        """The status of people who are classified already."""
        return cls(definition, frozenset(COLUMNS) & set(frame.collect_schema()))

    @property
    def counts_fractures(self) -> bool:
        """Whether the definition takes fractures, and the people say whether they have one."""
        if {"fragility_fracture", "score_applied"} <= self.columns:
            return "fracture" in self.definition.evidence
        return False

    @property
    def is_there(self) -> bool:
        """Whether there is any status to tell."""
        return "score_applied" in self.columns

    @property
    def z_classes(self) -> tuple[str, ...]:
        """Classes that a Z-score makes: of no other is somebody known who was not measured.

        None where the criterion has no Z-score: it says nothing of those to whom no T applies.
        """
        bands = self.definition.criterion.z_score if self.is_there else None
        return () if bands is None else bands.classes

    def expression(self, classified: pl.Expr) -> pl.Expr:
        """One of the four, with `OPEN` and `Z_ONLY` added.

        Parameters
        ----------
        classified
            Whether somebody has a class on complete sites; never null.
        """
        if not self.is_there:
            return pl.lit(0, dtype=CODE)
        by_z = self._score("z")
        status: pl.Expr = pl.lit(0, dtype=CODE)
        if self.z_classes:
            status = pl.when(by_z & ~classified).then(Z_ONLY).otherwise(0)
        if self.counts_fractures:
            status = status + self._fracture(classified)
        return status.cast(CODE)

    def _fracture(self, classified: pl.Expr) -> pl.Expr:
        by_t, by_z = self._score("t"), self._score("z")
        fragile = pl.col("fragility_fracture").cast(pl.Boolean)
        is_open = self._open()
        chosen = pl.lit(TAKEN[self.definition.fracture_open], dtype=pl.Boolean)
        taken = pl.coalesce(fragile, pl.when(is_open).then(chosen))
        status = (
            pl.when(taken.fill_null(False) & by_t)
            .then(ESTABLISHED)
            .when(~taken.fill_null(True) | by_z)
            .then(NONE)
            .when(taken.is_null() & ~is_open & classified)
            .then(NO_RECORD)
            .otherwise(UNKNOWN)
        )
        return status + pl.when(is_open & by_t).then(OPEN).otherwise(0)

    def _open(self) -> pl.Expr:
        if "fracture_open_record" not in self.columns:
            return pl.lit(False)
        return pl.col("fracture_open_record").cast(pl.Boolean).fill_null(False)

    def _score(self, which: str) -> pl.Expr:
        return (pl.col("score_applied").cast(SCORES, strict=False) == which).fill_null(False)
