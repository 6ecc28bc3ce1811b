"""Replicate weights summed to cells: every replicate gives the same share under its own weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from osteo_epi.engines import Elsewhere
from osteo_epi.errors import EngineError
from osteo_epi.frames import Frame
from osteo_epi.summation import Addend, group_sums
from osteo_epi.survey import (
    Array,
    Codes,
    Mask,
    ReplicateDesign,
    Replicates,
    independent,
)


@dataclass(frozen=True)
class ReplicateSums:
    """Sums of weights and replicate weights over m cells.

    Every replicate gives the same share under its own weights, and their sums by cell carry them
    all: R numbers a cell in place of R numbers a person.

    Parameters
    ----------
    weight
        (m,) sums of the weights.
    replicated
        (m, R) sums of the replicate weights.
    sample
        The replicate weights of the n people.
    cell
        (n,) the cell of each person.
    stated
        Degrees of freedom that the survey states; None for the rank in the domain less one.
    method
        How the variance is had, in words.
    """

    weight: Array
    replicated: Array
    sample: Replicates
    cell: Codes
    stated: int | None
    method: str
    ranks: dict[bytes, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, sample: Replicates, cell: Codes, size: int, *, stated: int | None, method: str
    ) -> ReplicateSums:
        """Sum the replicate weights of people to `size` cells."""
        weight = group_sums(cell, sample.weight, size=size)
        each = np.empty((size, sample.n_replicates))
        for r in range(sample.n_replicates):
            each[:, r] = group_sums(cell, sample.factor[:, r], size=size)
        return cls(weight, each, sample, cell, stated, method)

    def shares(self, event: Mask, rows: Mask, stratum: Codes, share: Array) -> Array:
        """(R, k) shares of (m, k) events among (m, k) rows, by strata with (S,) shares.

        NaN where a replicate holds nobody in a stratum that has a share.
        """
        whole = np.zeros((self.replicated.shape[1], event.shape[1]))
        for place in np.flatnonzero(share > 0):
            whole += share[place] * self.means(event, rows, stratum == place)
        return whole

    def means(self, event: Mask, rows: Mask, mask: Mask) -> Array:
        """(R, k) shares of (m, k) events among (m, k) rows of the (m,) masked cells."""
        here = np.flatnonzero(mask & rows.any(axis=1))
        weight = self.replicated[here].T
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weight @ (event & rows)[here].astype(float)) / (
                weight @ rows[here].astype(float)
            )

    def variance(self, value: float, replicated: Array) -> tuple[float, int]:
        """Variance of an estimate, and how many replicates hold nobody and were left out."""
        known = np.isfinite(replicated)
        spread = self.sample.spread(replicated[:, None], np.array([value]), known)
        return float(spread[0, 0]), int((~known).sum())

    def sizes(self, rows: Mask) -> Array:
        """(R,) people that the cells stand for in every replicate."""
        return self.replicated[rows].sum(axis=0)

    def degrees_of_freedom(self, rows: Mask) -> int:
        """As stated, or the rank of the replicate weights of the cells' people less one."""
        if self.stated is not None:
            return self.stated
        key = np.packbits(rows).tobytes()
        if key not in self.ranks:
            self.ranks[key] = independent(self.sample.factor[rows[self.cell]])
        return max(self.ranks[key] - 1, 0)


class Repeated:
    """Replicate weights of the people of one query, on their way to sums by cell.

    People who are here are kept, for the degrees of freedom are those of the people of each domain.
    Elsewhere each replicate is summed as the weights are, and its columns never come here.

    Parameters
    ----------
    design
        Whose replicate weights they are.
    names
        Their columns.
    frame
        The people as they came.
    """

    def __init__(self, design: ReplicateDesign, names: Sequence[str], frame: Frame) -> None:
        self.design, self.names, self.frame = design, names, frame
        self.people: pl.DataFrame | None = None
        self.addends: dict[str, Addend] = {}

    def here(self, people: pl.LazyFrame) -> pl.LazyFrame:
        """Read the people, or find out what their sums need where they cannot be read."""
        try:
            self.people = people.collect()
            return self.people.lazy()
        except Elsewhere:
            self._refuse_open_df()
        spans = self.design.spans(self.frame)
        for name, span in zip(self.names, spans, strict=True):
            values = pl.col(f"_replicate {name}").cast(pl.Float64)
            whole = values if self.design.combined else values * pl.col("_the weight")
            self.addends[f"_replicated {name}"] = Addend(whole, span.largest, span.whole)
        return people

    def _refuse_open_df(self) -> None:
        if self.design.df is None:
            raise EngineError(
                "the degrees of freedom of replicate weights are the rank of their columns, which "
                "needs each person on one machine: say those that the survey states, as "
                "ReplicateDesign(…, df=…) (--df); often its sampling units less its strata"
            )

    def sums(self, table: pl.DataFrame, raw: pl.DataFrame) -> ReplicateSums:
        """The sums of the cells in `table`, whose `_raw` is their row in `raw`, with the keys."""
        method = f"{len(self.names)} replicate weights ({self.design.kind})"
        if self.people is None:
            each = table.select(f"_replicated {name}" for name in self.names).to_numpy()
            sample = self.design.without_people(len(self.names))
            cell = np.zeros(0, dtype=np.int64)
            weight = table["_sum"].to_numpy()
            return ReplicateSums(weight, each, sample, cell, self.design.df, method)
        keys = [name for name in raw.columns if name != "_raw"]
        rows = self.people.select(keys).join(
            raw, on=keys, how="left", nulls_equal=True, maintain_order="left"
        )
        place = np.empty(table.height, dtype=np.int64)
        place[table["_raw"].to_numpy()] = np.arange(table.height)
        cell = place[rows["_raw"].to_numpy()]
        kept = {"_the weight": self.design.weight, **{f"_replicate {c}": c for c in self.names}}
        sample = self.design.sample(self.people.select(list(kept)).rename(kept), whole_df=False)
        return ReplicateSums.of(sample, cell, table.height, stated=self.design.df, method=method)
