"""Limits of a curve over all its specificities, or at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy._measures import Measure, limits
from osteo_epi.accuracy.curves._choices import bootstrap_size
from osteo_epi.accuracy.curves._curve import Segments
from osteo_epi.accuracy.curves._limits import Estimates, Resampling
from osteo_epi.accuracy.curves._scores import Scored
from osteo_epi.errors import DesignError
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array

GRID = tuple(k / 100 for k in range(101))
FINEST = 2_000
"""Groups of scores that a curve is drawn anew by: more move a limit by less than its own error."""
OTHER = {"specificity": "sensitivity", "sensitivity": "specificity"}


@dataclass(frozen=True, repr=False)
class ROCBand(Result):
    """One rate of a curve at given values of the other, with pointwise limits.

    Attributes
    ----------
    of
        The rate that is given, "specificity" or "sensitivity".
    given, estimate, se, lower, upper
        (k,) given rates, and the other rate there with standard errors and limits. Each pair of
        limits holds its own point; not all of them hold the whole curve at once.
    n
        People of the curve.
    confidence, method
        Level of the limits, and how they were made.
    curve
        What the band is of.
    notes
        What a reader must know of the limits.
    """

    of: str
    given: Array
    estimate: Array
    se: Array
    lower: Array
    upper: Array
    n: int
    confidence: float
    method: str
    curve: Any = field(compare=False)
    notes: tuple[str, ...] = ()

    def to_polars(self) -> pl.DataFrame:
        """One row a given rate: both rates, se, lower, upper."""
        return pl.DataFrame(
            {self.of: self.given, OTHER[self.of]: self.estimate}
            | {name: getattr(self, name) for name in ("se", "lower", "upper")}
        )

    def measures(self) -> list[Measure]:
        """One a given rate."""
        rows = zip(self.estimate, self.se, self.lower, self.upper, strict=True)
        return [
            Measure(
                float(value),
                None if np.isnan(se) else float(se),
                *limits(low, high),
                self.n,
                self.method,
            )
            for value, se, low, high in rows
        ]

    def _summary(self) -> str:
        ends = " to ".join(number(v, digits=3) for v in dict.fromkeys(self.given[[0, -1]]))
        return (
            f"{OTHER[self.of]} at {self.of} {ends}, pointwise "
            f"{number(100 * self.confidence)} % limits, {self.method}, n {count(self.n)}"
        )


def shares(estimates: Estimates) -> Estimates:
    """The same with limits within 0 to 1."""
    low, high = (np.clip(v, 0.0, 1.0) for v in (estimates.lower, estimates.upper))
    return replace(estimates, lower=low, upper=high)


def band_from(sensitivity: Estimates, n: int, confidence: float, curve: Any) -> ROCBand:
    """Of a curve whose sensitivities over the grid are estimated already."""
    return ROCBand(
        "specificity", np.array(GRID), sensitivity.value, sensitivity.se, sensitivity.lower,
        sensitivity.upper, n, confidence, sensitivity.way, curve, sensitivity.notes,
    )  # fmt: skip


def band_of(
    curve: Any, rates: Sequence[float], of: str, replicates: int | None, seed: int | None
) -> ROCBand:
    """The other rate of an empirical curve (`ROC`) at given ones.

    Raises
    ------
    DefinitionError, DesignError
        See `ROC.band`.
    """
    arguments.numbers(rates, "specificities", least=0, most=1)
    scored: Scored = curve.basis
    if scored.sample.replicates is not None and not (replicates is None and seed is None):
        raise DesignError(
            "replicate weights are their own uncertainty, and nothing is drawn: leave replicates= "
            "and seed= out"
        )
    draws = Resampling(*bootstrap_size(replicates, seed), curve.confidence)
    given = np.asarray(rates, float)

    def heights(sick: Array, well: Array) -> Array:
        return np.array([_heights(s, w, given, of) for s, w in zip(sick, well, strict=True)])

    drawn = shares(draws.of_groups(scored, scored.groups[0].coarse(FINEST), heights))
    exact = heights(*(w[None] for w in scored.groups[0].sums(scored.weight)))[0]
    return ROCBand(
        of, given, exact, drawn.se, drawn.lower, drawn.upper, int(scored.rows.sum()),
        curve.confidence, drawn.way, curve, drawn.notes,
    )  # fmt: skip


def _heights(sick: Array, well: Array, given: Array, of: str) -> Array:
    segments = Segments.of(sick, well)
    return (segments if of == "specificity" else segments.turned()).heights(1 - given)
