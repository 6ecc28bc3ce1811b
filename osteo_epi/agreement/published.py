"""A comparison set beside published ones: does a figure of ours lie where theirs do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from osteo_epi.calibration.table import html_table
from osteo_epi.errors import NormError
from osteo_epi.norms.library import load


@dataclass(frozen=True)
class PublishedRange:
    """Range of a quantity over publications, with their names and the weakest grade."""

    quantity: str
    low: float
    high: float
    sources: tuple[str, ...]
    verification: str

    def holds(self, value: float) -> bool:
        """Whether a value lies within the range, ends included."""
        return self.low <= value <= self.high

    def to_frame(self) -> pl.DataFrame:
        """One row."""
        row = {"quantity": self.quantity, "low": self.low, "high": self.high}
        sources = "; ".join(self.sources)
        return pl.DataFrame([row | {"sources": sources, "verification": self.verification}])

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption="published range")


def published_range(
    ids: Sequence[str], *, quantity: str, unit: str | None = None, roi: str | None = None
) -> PublishedRange:
    """Collect a quantity over norms of kind `published`.

    Parameters
    ----------
    ids
        Names of the norms.
    quantity, unit, roi
        Which of their estimates; any unit and region by default. An interval printed with an
        estimate widens the range.

    Examples
    --------
    >>> found = published_range(["cheng_2014"], quantity="r_squared")
    >>> found.low, found.high
    (0.81, 0.878)
    """
    values: list[float] = []
    records = [load("published", name) for name in ids]
    for record in records:
        for one in record.estimates:
            same = one["quantity"] == quantity and unit in (None, one.get("unit"))
            if same and roi in (None, one.get("roi")):
                values += [one[key] for key in ("value", "lower", "upper") if key in one]
    if not values:
        raise NormError(f"none of {list(ids)} has an estimate of {quantity!r} for {roi or 'any'}")
    grade = max(record.verification for record in records)
    sources = tuple(str(record.citation) for record in records)
    return PublishedRange(quantity, min(values), max(values), sources, grade)
