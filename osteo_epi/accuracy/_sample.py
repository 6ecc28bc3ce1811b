"""How people were drawn, as far as an estimate of this room asks: by units, replicates, or simply.

Every estimate is a smooth function of shares of people (of the diseased, of those who test
positive …). Their joint covariance comes from linearised values summed to the sampling units, or
from the replicates; what is made of the shares follows by the delta method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy._clusters import clustered
from osteo_epi.agreement import critical_value
from osteo_epi.cohort import recognised_design
from osteo_epi.rounding import count
from osteo_epi.survey import (
    Array,
    Design,
    DesignArrays,
    Mask,
    ReplicateDesign,
    Replicates,
    covariance,
    degrees_of_freedom,
    replicate_estimate,
)

NO_FREEDOM = (
    "the design has no more sampling units than strata, so no degrees of freedom: there are "
    "estimates and no limits or tests; merge strata"
)


def quantile(df: float, confidence: float) -> float:
    """Two-sided critical value of Student's t; of the normal law where df is infinite."""
    return critical_value(confidence, df) if df > 0 else math.nan


def _weighed(weight: Array) -> tuple[str, ...]:
    """Say of weights who counts nowhere, and whether one counts for more than all others."""
    notes, nowhere = list[str](), int((weight == 0).sum())
    if nowhere:
        notes.append(
            f"{count(nowhere)} of {count(len(weight))} rows have weight 0: out of the sample, kept "
            "in the design"
        )
    if len(weight) > 1 and weight.max() > weight.sum() / 2:
        notes.append(
            "one row has more weight than all others together: look whether its weight is right, "
            "for it decides every estimate"
        )
    return tuple(notes)


@dataclass(frozen=True)
class Share:
    """People with an event among those of a group, both (n,)."""

    event: Mask
    among: Mask

    def linear(self, weight: Array) -> tuple[float, Array]:
        """The weighted share, and (n,) weighted linearised values."""
        size = weight[self.among].sum()
        value = float(weight[self.event & self.among].sum() / size)
        return value, np.where(self.among, weight * (self.event - value) / size, 0.0)


@dataclass(frozen=True)
class Joint:
    """(k,) values with their (k, k) covariance and degrees of freedom."""

    value: Array
    covariance: Array
    df: float

    def quantile(self, confidence: float) -> float:
        """Two-sided critical value of Student's t; of the normal law where df is infinite."""
        return quantile(self.df, confidence)

    def error(self, gradient: Sequence[float] | Array) -> float:
        """Standard error of a function of the values, by its (k,) gradient."""
        slope = np.asarray(gradient, float)
        return float(np.sqrt(max(slope @ self.covariance @ slope, 0.0)))


@dataclass(frozen=True)
class Sample:
    """A design over the n rows of a frame.

    `arrays` are None for replicate weights, `replicates` for every other design.
    """

    design: Design
    weight: Array
    arrays: DesignArrays | None
    replicates: Replicates | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, frame: pl.DataFrame, design: Any, cluster: str | None = None) -> Sample:
        """The design stated, else the one that the frame carries; with whole clusters in it."""
        recognised = recognised_design(frame, design)
        drawn, notes = recognised.design, recognised.notes
        if cluster is not None:
            drawn, said = clustered(frame, drawn, cluster)
            notes = (*notes, *said)
        if isinstance(drawn, ReplicateDesign):
            replicates = drawn.sample(frame)
            told = (*notes, *_weighed(replicates.weight))
            return cls(drawn, replicates.weight, None, replicates, told)
        arrays = drawn.arrays(frame)
        told = (*notes, *_weighed(arrays.weight))
        if drawn.columns and not degrees_of_freedom(arrays, arrays.weight > 0) > 0:
            told = (*told, NO_FREEDOM)
        return cls(drawn, arrays.weight, arrays, None, told)

    @property
    def simple(self) -> bool:
        """Whether people were drawn one by one, each with the same chance."""
        return not self.design.columns

    def df(self, rows: Mask) -> float:
        """Degrees of freedom of an estimate from these rows."""
        if self.arrays is None:
            assert self.replicates is not None
            return float(self.replicates.df)
        return float(degrees_of_freedom(self.arrays, rows))

    def lone_notes(self, yes: Mask, rows: Mask) -> list[str]:
        """Say where all people of a class lie in one sampling unit."""
        unit = None if self.arrays is None else self.arrays.stages[0].unit
        if unit is None:
            return []
        return [
            f"all {count(int(part.sum()))} {kind} people are in one sampling unit: how much units "
            "differ cannot be seen in them, and errors and limits that rest on them are too small"
            for part, kind in ((rows & yes, "diseased"), (rows & ~yes, "healthy"))
            if part.sum() > 1 and len(np.unique(unit[part])) == 1
        ]

    def shares(self, shares: Sequence[Share], rows: Mask) -> Joint:
        """Shares of people with their joint covariance; `rows` are all that they rest on."""

        def value(weight: Array) -> Array:
            return np.array([share.linear(weight)[0] for share in shares])

        if self.arrays is None:
            return self.replicated(value, rows)
        linear = np.column_stack([share.linear(self.weight)[1] for share in shares])
        return self.linearised(value(self.weight), linear, rows)

    def linearised(self, value: Array, linear: Array, rows: Mask) -> Joint:
        """Values with the covariance of their (n, k) weighted linearised form."""
        assert self.arrays is not None
        return Joint(value, covariance(linear, self.arrays, domain=rows), self.df(rows))

    def replicated(self, statistic: Callable[[Array], Array], rows: Mask) -> Joint:
        """Any statistic of (n,) weights over the replicates."""
        assert self.replicates is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            result = replicate_estimate(statistic, self.replicates, n=int(rows.sum()))
        return Joint(result.value, result.covariance, float(self.replicates.df))
