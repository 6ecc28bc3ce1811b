"""Several small keys of a group-by as one whole number, for each key costs its share of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

PACKED = "_packed"
BITS = 62
LEAST = -2
"""No code is lower."""


@dataclass(frozen=True)
class Packing:
    """Which columns of a query go into which whole number.

    Parameters
    ----------
    kinds
        Types of the columns: whole numbers, or the codes of an Enum.
    bins
        Columns of each number, with the bits that lie below.
    """

    kinds: Mapping[str, pl.DataType]
    bins: tuple[dict[str, int], ...]

    @classmethod
    def of(cls, people: pl.LazyFrame, largest: Mapping[str, int]) -> Packing:
        """Fit columns with their largest codes; words that are no Enum are left as they are."""
        schema = people.collect_schema()
        bins: list[dict[str, int]] = [{}]
        used = 0
        for name, most in largest.items():
            kind = schema[name]
            if not (isinstance(kind, pl.Enum) or kind.is_integer()):
                continue
            # Somebody's own words may be more than ours.
            words = len(kind.categories) if isinstance(kind, pl.Enum) else 0
            width = (max(most, words) - LEAST + 1).bit_length()  # and one for null
            if used + width > BITS:
                bins.append({})
                used = 0
            bins[-1][name] = used
            used += width
        return cls({n: schema[n] for b in bins for n in b}, tuple(b for b in bins if b))

    @property
    def names(self) -> list[str]:
        """The numbers."""
        return [f"{PACKED} {i}" for i in range(len(self.bins))]

    def packed(self, people: pl.LazyFrame) -> pl.LazyFrame:
        """The rows with the numbers in place of the columns."""
        numbers = [pl.sum_horizontal(map(self._shifted, b, b.values())) for b in self.bins]
        named = [number.alias(n) for n, number in zip(self.names, numbers, strict=True)]
        return people.with_columns(named).drop(self.kinds)

    def keys(self, names: list[str]) -> list[str]:
        """The keys to group by in place of some."""
        return [*(name for name in names if name not in self.kinds), *self.names]

    def unpacked(self, table: pl.DataFrame, names: list[str]) -> pl.DataFrame:
        """The groups with the columns again, the keys first and in the order asked for."""
        columns = [
            self._code(pl.col(number), name, below, list(b.values())).alias(name)
            for number, b in zip(self.names, self.bins, strict=True)
            for name, below in b.items()
        ]
        return table.with_columns(columns).select(*names, pl.exclude(*names, *self.names))

    def _shifted(self, name: str, below: int) -> pl.Expr:
        code = pl.col(name)
        code = code.to_physical() if isinstance(self.kinds[name], pl.Enum) else code
        return (code.cast(pl.Int64) - (LEAST - 1)).fill_null(0) * (1 << below)

    def _code(self, number: pl.Expr, name: str, below: int, starts: list[int]) -> pl.Expr:
        after = [start for start in starts if start > below]
        code = number // (1 << below)
        code = code % (1 << (after[0] - below)) if after else code
        code = pl.when(code > 0).then(code + (LEAST - 1))
        kind = self.kinds[name]
        if not isinstance(kind, pl.Enum):
            return code.cast(kind)
        words = dict(enumerate(kind.categories))
        return code.replace_strict(words, default=None, return_dtype=kind)
