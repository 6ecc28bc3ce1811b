"""What stands beside a density and decides no class: screening methods and the bone score (TBS)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from osteo_epi.cohort import screening_method
from osteo_epi.diagnosis._columns import Columns, joined
from osteo_epi.norms import Index, load

TBS = "tbs"


@dataclass(frozen=True)
class Adjuncts:
    """The expressions of screening methods and TBS on what one frame offers."""

    columns: Columns
    tbs_norm: str | None

    @cached_property
    def screening(self) -> dict[str, list[str]]:
        """Screening methods of the frame, each with its columns."""
        methods: dict[str, list[str]] = {}
        for column in self.columns.schema:
            method = screening_method(column)
            if method is not None:
                methods.setdefault(method, []).append(column)
        return methods

    def screening_methods(self) -> pl.Expr:
        """Name the screening methods with a result, as codes; null where there is none."""
        return joined(
            pl.when(_any(columns)).then(pl.lit(method))
            for method, columns in self.screening.items()
        )

    def screened(self) -> pl.Expr:
        """Say whether a screening method or TBS has a result."""
        tbs = [TBS] if TBS in self.columns else []
        return _any([*tbs, *(name for names in self.screening.values() for name in names)])

    def tbs_class(self) -> pl.Expr | None:
        """Class of the trabecular bone score by sex; None without a norm or a score."""
        value = self.columns.density(TBS)
        if value is None or self.tbs_norm is None:
            return None
        norm: Index = load("indices", self.tbs_norm)
        names = dict.fromkeys(name for bands in norm.bands.values() for name in bands)
        kind = pl.Enum(list(names))
        by_sex = [
            pl.when(pl.col("sex") == sex).then(bands.expression(value, dtype=kind))
            for sex, bands in norm.bands.items()
        ]
        return pl.coalesce(by_sex)

    def output(self) -> list[pl.Expr]:
        """The columns of what the frame holds; none of them enters a class."""
        tbs_class = self.tbs_class()
        columns = [] if tbs_class is None else [tbs_class.alias("tbs_class")]
        if self.screening:
            columns.append(self.screening_methods().alias("screening_methods"))
        return columns


def _any(columns: list[str]) -> pl.Expr:
    measured = [pl.col(name).is_not_null() for name in columns]
    return pl.any_horizontal(measured) if measured else pl.lit(False)
