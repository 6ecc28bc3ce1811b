"""The areal densities of a frame that may enter a score: usable, spine and hips by one rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from osteo_epi.diagnosis._columns import Columns
from osteo_epi.diagnosis._regions import DIAGNOSTIC
from osteo_epi.diagnosis.measurements._hip import SIDES, has_sides, hip_reading, of_side
from osteo_epi.diagnosis.measurements._spine import LumbarSpine, SpineRule, find_spine_rule
from osteo_epi.frames import as_polars
from osteo_epi.norms import CTXA


@dataclass(frozen=True)
class Areal:
    """The areal densities of one frame, with spine and hips made by one rule each."""

    columns: Columns
    spine_rule: SpineRule
    hip_side: str = "lowest"

    @cached_property
    def spine(self) -> LumbarSpine:
        """The lumbar spine by the rule."""
        return LumbarSpine(self.columns, self.spine_rule)

    def density(self, roi: str) -> pl.Expr | None:
        """Return the usable areal density of a region [g/cm²]; None if the frame has none."""
        if roi == "lumbar_spine":
            return self.spine.density() if self.spine.is_known else None
        return self._reading(roi, lambda name: self.columns.density(f"abmd_{name}"))

    def reported(self, roi: str, score: str) -> pl.Expr | None:
        """Return a score ("t", "z") as the file reports it, where the region is usable."""
        return self._reading(roi, lambda name: self._score(f"{score}_score_{name}_reported"))

    def _score(self, name: str) -> pl.Expr | None:
        value = self.columns.quantity(name)
        return None if value is None else pl.when(value.is_finite()).then(value)

    def _reading(self, roi: str, column: Callable[[str], pl.Expr | None]) -> pl.Expr | None:
        """Make one usable reading of a region; of two hips, the one that the side rule takes."""
        whole = column(roi)
        if not has_sides(roi):
            return self.usable(roi, whole)
        names = {side: of_side(roi, side) for side in SIDES}
        sides = {side: self._valid(name, column(name)) for side, name in names.items()}
        return self.usable(roi, hip_reading(self.hip_side, whole, sides))

    def has_sides(self, roi: str) -> bool:
        """Whether the frame has densities of both hips, or their mean, at a region."""
        return has_sides(roi) and any(
            f"abmd_{of_side(roi, side)}" in self.columns for side in SIDES
        )

    def _valid(self, name: str, value: pl.Expr | None) -> pl.Expr | None:
        valid = None if name.endswith(CTXA) else self.columns.stated(f"valid_{name}")
        if value is None or valid is None:
            return value
        return pl.when(valid.fill_null(True)).then(value)

    def usable(self, roi: str, value: pl.Expr | None) -> pl.Expr | None:
        """Keep a value unless its reading is stated invalid or its site declared unusable."""
        if value is None or roi.endswith(CTXA):
            return value
        value = self._valid(roi, value)
        if roi == "lumbar_spine":  # a score of vertebrae that leave no spine
            value = pl.when(~self.stated_invalid(roi)).then(value)
        reason = self.unusable(DIAGNOSTIC.get(roi, roi))
        return value if reason is None else pl.when(reason.is_null()).then(value)

    def unusable(self, site: str) -> pl.Expr | None:
        """Return the stated reason why a site cannot be used by DXA."""
        return self.columns.reason(f"{site}_unusable_reason")

    def stated_invalid(self, roi: str) -> pl.Expr:
        """Say whether some reading of a region is stated to be invalid; never null."""
        if roi == "lumbar_spine":
            return self.spine.stated_invalid()
        names = [roi, *(of_side(roi, side) for side in SIDES if has_sides(roi))]
        flags = [self.columns.stated(f"valid_{name}") for name in names]
        invalid = [~flag.fill_null(True) for flag in flags if flag is not None]
        return pl.any_horizontal(invalid) if invalid else pl.lit(False)

    def stated_unusable(self, site: str, rois: Iterable[str]) -> pl.Expr:
        """Say whether a site is stated to be unusable: by a reason, or by all its regions."""
        reason = self.unusable(site)
        by_flags = pl.all_horizontal([self.stated_invalid(roi) for roi in rois])
        return by_flags if reason is None else reason.is_not_null() | by_flags


def areal_density(people: Any, roi: str, *, spine_rule: str = "at_least_two") -> pl.Expr | None:
    """The usable areal density of a region [g/cm²], as classes are made of it.

    Parameters
    ----------
    people
        Any frame; readings stated invalid and sites declared unusable count as not measured, and
        of two hips the lower counts.
    roi
        Region of interest.
    spine_rule
        Rule of the lumbar spine.

    Returns
    -------
    polars.Expr or None
        None where the frame has no such region.

    Examples
    --------
    >>> people = pl.DataFrame({"abmd_total_hip": [0.9, 0.8], "valid_total_hip": [True, False]})
    >>> people.select(areal_density(people, "total_hip")).to_series().to_list()
    [0.9, None]
    """
    columns = Columns.of(as_polars(people)[0])
    return Areal(columns, find_spine_rule(spine_rule)).density(roi)
