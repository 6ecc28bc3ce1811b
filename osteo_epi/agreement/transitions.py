"""How two classifications of the same people move them between classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from osteo_epi.agreement.kappa import Kappa, cross_table, kappa_of_table
from osteo_epi.calibration.estimate import Estimate
from osteo_epi.calibration.table import html_table
from osteo_epi.frames import enter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Transitions:
    """Counts of people by class under the first (rows) and the second rule (columns)."""

    counts: Floats
    classes: tuple[str, ...]
    first: str
    second: str
    n: int
    n_missing: int
    confidence: float

    @property
    def reclassified(self) -> Estimate:
        """Share of people whose class changes, with the exact interval."""
        moved = int(self.n - np.trace(self.counts))
        exact = stats.binomtest(moved, self.n).proportion_ci(self.confidence, method="exact")
        return Estimate(moved / self.n, None, float(exact.low), float(exact.high))

    def kappa(self, *, weights: Any = "quadratic") -> Kappa:
        """Cohen's kappa of the table."""
        return kappa_of_table(
            self.counts,
            weights=weights,
            classes=self.classes,
            confidence=self.confidence,
            n_missing=self.n_missing,
        )

    def to_frame(self) -> pl.DataFrame:
        """One row per cell: classes, count, share of the row with Wilson's interval."""
        rows = []
        for i, left in enumerate(self.classes):
            size = int(self.counts[i].sum())
            for j, right in enumerate(self.classes):
                count = int(self.counts[i, j])
                rows.append({self.first: left, self.second: right, "n": count, "of": size})
                rows[-1] |= _share(count, size, self.confidence)
        return pl.DataFrame(rows, schema_overrides=dict.fromkeys(SHARE, pl.Float64))

    def _repr_html_(self) -> str:
        moved = self.reclassified
        note = (
            f"{100 * moved.estimate:.1f} % change class "
            f"({100 * (moved.lower or 0):.1f} to {100 * (moved.upper or 0):.1f})"
        )
        table = pl.DataFrame(
            {self.first: self.classes}
            | {c: self.counts[:, j].astype(int) for j, c in enumerate(self.classes)}
        )
        return html_table(table, caption=f"{self.first} (rows) to {self.second}", notes=(note,))


SHARE = ("share", "lower", "upper")


def transitions(
    people: Any,
    *,
    first: str,
    second: str,
    classes: Sequence[Any] | None = None,
    confidence: float = 0.95,
) -> Transitions:
    """Cross two classifications of the same people.

    Parameters
    ----------
    people
        A frame of any kind.
    first, second
        Columns of the two classes; people without either are left out and counted.
    classes
        All classes in order; by default those of the columns (an Enum's own order).
    confidence
        Of the intervals.

    Examples
    --------
    >>> people = pl.DataFrame({"own": ["normal", "low", "low"], "us": ["normal", "low", "normal"]})
    >>> transitions(people, first="own", second="us", classes=["low", "normal"]).counts.tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    frame = enter(people)[0].lazy().select(first, second).collect()
    counts, names, lost = cross_table(frame[first], frame[second], classes=classes)
    return Transitions(counts, names, first, second, int(counts.sum()), lost, confidence)


def _share(count: int, size: int, confidence: float) -> dict[str, float | None]:
    if size == 0:
        return dict.fromkeys(SHARE)
    interval = stats.binomtest(count, size).proportion_ci(confidence, method="wilson")
    return {"share": count / size, "lower": float(interval.low), "upper": float(interval.high)}
