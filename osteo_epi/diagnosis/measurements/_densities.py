"""Which measurement of a person may enter a score: usable, of the right kind, by the rule.

Areal density by DXA, areal density of the hip by CT (CTXA) and volumetric density of the spine by
QCT have different names in the data and never stand in for one another. CT values (HU) and
screening methods are looked for, and enter no score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from osteo_epi.diagnosis._columns import Columns, first_true
from osteo_epi.diagnosis._definition import Definition, Reported
from osteo_epi.diagnosis.measurements._adjuncts import Adjuncts
from osteo_epi.diagnosis.measurements._areal import Areal
from osteo_epi.diagnosis.measurements._hip import of_side
from osteo_epi.diagnosis.measurements._qct import LumbarQct
from osteo_epi.diagnosis.measurements._spine import VERTEBRAE


@dataclass(frozen=True)
class Densities:
    """The measurements that one definition reads in one frame."""

    columns: Columns
    definition: Definition

    @cached_property
    def areal(self) -> Areal:
        """The areal densities, with the lumbar spine and two hips by the definition's rules."""
        return Areal(self.columns, self.definition.spine_rule, self.definition.hip_side)

    def reported(self, roi: str, score: str) -> pl.Expr | None:
        """Return a score as the file reports it, where the region is usable."""
        return self.areal.reported(roi, score)

    def both_hips(self) -> pl.Expr:
        """Say whether some region of the hip was measured on both sides; never null."""
        form = "t_score_{}_reported" if self.takes_reported() else "abmd_{}"
        pairs = [
            [form.format(of_side(roi, side)) for side in ("left", "right")]
            for roi in self.definition.scored
        ]
        measured = [
            pl.all_horizontal(pl.col(pair).is_not_null())
            for pair in pairs
            if set(pair) <= set(self.columns.schema)
        ]
        return pl.any_horizontal(measured) if measured else pl.lit(False)

    @cached_property
    def qct(self) -> LumbarQct | None:
        """QCT of the lumbar spine; None where the definition does not take it."""
        rule = self.definition.criterion.qct
        if rule is None or "qct" not in self.definition.evidence:
            return None
        return LumbarQct(self.columns, rule)

    def volumetric(self) -> pl.Expr | None:
        """Return the mean of two lumbar vertebrae by QCT [mg/cm³], else the given mean."""
        return None if self.qct is None else self.qct.mean()

    @property
    def unread_volumetric(self) -> str:
        """The code for QCT of the spine that makes no class."""
        return "qct_not_read" if self.qct is None else "qct_single_vertebra"

    def some_volumetric(self) -> pl.Expr:
        """Say whether QCT of some vertebra is there; of one alone it is too little."""
        if self.qct is not None:
            return self.qct.single()
        return self._any([f"vbmd_{name}" for name in (*VERTEBRAE, "lumbar_spine")])

    def takes_reported(self) -> bool:
        """Whether the definition takes the file's own scores."""
        return isinstance(self.definition.reference, Reported)

    @cached_property
    def adjuncts(self) -> Adjuncts:
        """Screening methods and the trabecular bone score."""
        return Adjuncts(self.columns, self.definition.criterion.adjuncts.get("tbs"))

    def ct_values(self) -> pl.Expr:
        """Say whether CT values (HU) are there."""
        return self._any(self._starting(("hu_",)))

    def has_other_methods(self) -> bool:
        """Whether the frame holds methods that do not diagnose, so that this can be said."""
        vertebrae = tuple(f"vbmd_{name}" for name in VERTEBRAE)
        others = self._starting(("hu_", *vertebrae))
        return bool(others or self.adjuncts.screening or "tbs" in self.columns)

    def _starting(self, beginnings: tuple[str, ...]) -> list[str]:
        return [name for name in self.columns.schema if name.startswith(beginnings)]

    def _any(self, names: list[str]) -> pl.Expr:
        measured = [pl.col(name).is_not_null() for name in names if name in self.columns]
        return pl.any_horizontal(measured) if measured else pl.lit(False)

    def site_reason(self, site: str) -> pl.Expr:
        """Say why a site has no value; the stated reason of unusability follows a colon."""
        reason = self.areal.unusable(site)
        if site == "spine" and not self.takes_reported():
            return _with_detail(self.areal.spine.obstacle(), "spine_unusable", reason)
        code = f"{site}_unusable"
        cases = [(None if reason is None else reason.is_not_null(), code)]
        if site == "spine":
            cases.append((self.areal.spine.too_few(), self.areal.spine.few))
        stated = first_true(cases)
        return _with_detail(stated, code, reason)


def _with_detail(code: pl.Expr, which: str, detail: pl.Expr | None) -> pl.Expr:
    """Append what the source says to one of the codes, after a colon."""
    if detail is None:
        return code
    return pl.when(code == which).then(pl.concat_str([code, pl.lit(": "), detail])).otherwise(code)
