"""The areal densities of a frame that may enter a score: usable, and the spine by one rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from osteo_epi.diagnosis._columns import Columns
from osteo_epi.diagnosis._regions import DIAGNOSTIC
from osteo_epi.diagnosis.measurements._spine import LumbarSpine, SpineRule, find_spine_rule
from osteo_epi.frames import as_polars
from osteo_epi.norms import CTXA


@dataclass(frozen=True)
class Areal:
    """The areal densities of one frame, with the lumbar spine made by one rule."""

    columns: Columns
    spine_rule: SpineRule

    @cached_property
    def spine(self) -> LumbarSpine:
        """The lumbar spine by the rule."""
        return LumbarSpine(self.columns, self.spine_rule)

    def density(self, roi: str) -> pl.Expr | None:
        """Return the usable areal density of a region [g/cm²]; None if the frame has none."""
        if roi == "lumbar_spine":
            return self.spine.density() if self.spine.is_known else None
        return self.usable(roi, self.columns.density(f"abmd_{roi}"))

    def usable(self, roi: str, value: pl.Expr | None) -> pl.Expr | None:
        """Keep a value unless its reading is stated invalid or its site declared unusable."""
        if value is None or roi.endswith(CTXA):
            return value
        valid = self.columns.stated(f"valid_{roi}")
        reason = self.unusable(DIAGNOSTIC.get(roi, roi))
        if valid is not None:
            value = pl.when(valid.fill_null(True)).then(value)
        return value if reason is None else pl.when(reason.is_null()).then(value)

    def unusable(self, site: str) -> pl.Expr | None:
        """Return the stated reason why a site cannot be used by DXA."""
        return self.columns.reason(f"{site}_unusable_reason")

    def stated_invalid(self, roi: str) -> pl.Expr:
        """Say whether the readings of a region are stated to be invalid; never null."""
        if roi == "lumbar_spine":
            return self.spine.stated_invalid()
        valid = self.columns.stated(f"valid_{roi}")
        return pl.lit(False) if valid is None else ~valid.fill_null(True)

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
        Any frame; readings stated invalid and sites declared unusable count as not measured.
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
