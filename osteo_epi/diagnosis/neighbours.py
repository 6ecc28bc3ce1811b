"""Vertebrae that differ from their neighbour by more than one may expect of a sound spine."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import polars as pl

from osteo_epi import norms
from osteo_epi.diagnosis.offered import Offered, joined
from osteo_epi.diagnosis.spine import VERTEBRAE, LumbarSpine, find_spine_rule
from osteo_epi.frames import enter
from osteo_epi.norms.bands import Bands
from osteo_epi.norms.references import SEXES, YoungAdultReference

NORM = "iscd_adjacent_vertebrae"


def with_neighbour_flag(
    people: Any, *, reference: str | YoungAdultReference, sex_rule: str = "own_sex"
) -> Any:
    """Name the pairs of adjacent vertebrae whose T-scores lie too far apart.

    Parameters
    ----------
    people
        Any frame with `sex` and single vertebrae, see `with_lumbar_spine`.
    reference
        Young adults, or their id. Its `l1` … `l4` are taken where it has them, else the mean and
        SD of its `lumbar_spine` for each vertebra; this flags more, since L3 and L4 of a sound
        spine are denser than L1.
    sex_rule
        "own_sex" or "female".

    Returns
    -------
    frame
        Of the caller's kind, with `lumbar_neighbour_flag` ("L1-L2 L2-L3"), null where no pair of
        vertebrae that count differs. The vertebrae are flagged, never left out.

    Notes
    -----
    More than 1.0 in T-score: ISCD, norm `indices/iscd_adjacent_vertebrae`.

    Examples
    --------
    >>> import polars as pl
    >>> person = pl.DataFrame({
    ...     "sex": ["female"], "abmd_l1": [0.80], "abmd_l2": [1.05], "abmd_l3": [1.10],
    ... })
    >>> with_neighbour_flag(person, reference="nhanes3_white_female")["lumbar_neighbour_flag"][0]
    'L1-L2'
    """
    young = reference
    if isinstance(young, str):
        young = norms.load("young_adult", young)
    frame, leave = enter(people)
    offered = Offered.of(frame)
    offered.require(("sex",), purpose="the comparison of vertebrae")
    spine = LumbarSpine(offered, find_spine_rule("at_least_two"))
    found = Neighbours(spine, young, sex_rule).flag()
    return leave(frame.with_columns(found.alias("lumbar_neighbour_flag")))


@dataclass(frozen=True)
class Neighbours:
    """The comparison of adjacent vertebrae against one reference."""

    spine: LumbarSpine
    reference: YoungAdultReference
    sex_rule: str

    def flag(self) -> pl.Expr:
        """Name the pairs that differ, joined by blanks; null where there is none."""
        parts, bands = self.spine.parts, _bands()
        pairs = [pair for pair in pairwise(VERTEBRAE) if set(pair) <= set(parts)]
        return joined((self._pair(*pair, bands) for pair in pairs), separator=" ")

    def _pair(self, upper: str, lower: str, bands: Bands) -> pl.Expr:
        both = self.spine.counts(upper) & self.spine.counts(lower)
        apart = (self._t(upper) - self._t(lower)).abs()
        name = f"{upper.upper()}-{lower.upper()}"
        return pl.when(both & bands.holds("differs", apart)).then(pl.lit(name))

    def _t(self, vertebra: str) -> pl.Expr:
        """T-score of one vertebra, by its own reference or that of L1–L4."""
        score = pl.lit(None, dtype=pl.Float64)
        for sex in SEXES:
            whose = "female" if self.sex_rule == "female" else sex
            young = self.reference.mean_sd(whose, vertebra) or self.reference.mean_sd(
                whose, "lumbar_spine"
            )
            if young is not None:
                made = (self.spine.parts[vertebra] - young.mean) / young.sd
                score = pl.when(pl.col("sex") == sex).then(made).otherwise(score)
        return score


def _bands() -> Bands:
    return next(iter(norms.load("indices", NORM).bands.values()))
