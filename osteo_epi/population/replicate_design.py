"""A survey that comes with replicate weights in place of its strata and sampling units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import polars as pl
import polars.selectors as cs

from osteo_epi.errors import DesignError
from osteo_epi.frames import Frame, enter
from osteo_epi.population.design import SurveyDesign
from osteo_epi.population.design_check import refuse_faults
from osteo_epi.population.replication import Replicates, given_replicates
from osteo_epi.population.structure import Array, Stage

KINDS = ("BRR", "Fay", "JK1", "JKn", "bootstrap", "other")
# Replicate weights add up to about the weights; factors, to about the number of people.
ALIKE = (0.5, 2.0)


@dataclass(frozen=True)
class ReplicateDesign:
    """The columns of replicate weights that a survey was published with.

    Parameters
    ----------
    weight
        Column of sampling weights [people represented].
    replicates
        The beginning that the names of all replicate columns share, or a tuple of the names.
    kind
        "BRR", "Fay", "JK1", "JKn", "bootstrap" or "other": decides the scale of the variance
        (`given_replicates`).
    rho
        Fay's coefficient, above 0 and below 1.
    scale, rscales
        Override the kind's scale; factors of single replicates (needed by "JKn" and "other").
    mse
        True centres the replicates at the estimate, False at their own mean.
    df
        Degrees of freedom, as the survey states them; by default the rank of the replicate
        weights of the domain less one.
    combined
        True where the columns are weights; False where they are factors of `weight`.

    Notes
    -----
    The variance is scale · Σ rscales_r (θ_r − centre)², as `svrepdesign` of R survey. People
    outside the domain may be absent: without sampling units, nothing is lost with them.

    Examples
    --------
    >>> frame = pl.DataFrame({"w": [2.0, 2.0], "rw1": [4.0, 0.0], "rw2": [0.0, 4.0]})
    >>> sample = ReplicateDesign("w", "rw", kind="BRR").sample(frame)
    >>> sample.n_replicates, sample.scale, sample.df
    (2, 0.5, 1)
    """

    weight: str
    replicates: str | tuple[str, ...]
    kind: str
    rho: float = 0.0
    scale: float | None = None
    rscales: tuple[float, ...] | None = None
    mse: bool = False
    df: int | None = None
    combined: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DesignError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if (self.kind == "Fay") != (0 < self.rho < 1):
            raise DesignError(
                f'rho={self.rho} with kind="{self.kind}": Fay\'s method, and no other, needs its '
                "coefficient between 0 and 1 (often 0.3 or 0.5); see the survey's documentation"
            )
        if self.kind in ("JKn", "other") and self.rscales is None:
            raise DesignError(
                f'kind="{self.kind}" needs rscales, one factor a replicate: for a stratified '
                "jackknife (n - 1) / n of the stratum whose unit the replicate leaves out"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The column of weights; `replicate_columns` names the others."""
        return (self.weight,)

    @property
    def units(self) -> tuple[str, ...]:
        """None: the replicates carry what the units would tell."""
        return ()

    def __str__(self) -> str:
        fay = f", rho {self.rho}" if self.kind == "Fay" else ""
        return f"weights {self.weight}; {self.named} replicate weights ({self.kind}{fay})"

    @property
    def named(self) -> str:
        """The replicate columns in a word."""
        if isinstance(self.replicates, str):
            return f"{self.replicates}*"
        return str(len(self.replicates))

    def replicate_columns(self, frame: Frame) -> tuple[str, ...]:
        """Names of the replicate columns in a frame.

        Raises
        ------
        DesignError
            If there are fewer than two, one is absent, or `rscales` has another length.
        """
        names = frame.collect_schema().names()
        if isinstance(self.replicates, str):
            found = tuple(c for c in names if c.startswith(self.replicates) and c != self.weight)
        else:
            found = tuple(self.replicates)
        absent = [c for c in found if c not in names]
        if absent or len(found) < 2:
            raise DesignError(
                f"{len(found) - len(absent)} replicate column(s) found for {self.replicates!r}"
                + (f", {len(absent)} absent ({', '.join(absent[:5])})" if absent else "")
                + "; name the beginning that they share, or all of them, in replicates="
            )
        if self.rscales is not None and len(self.rscales) != len(found):
            raise DesignError(
                f"rscales has {len(self.rscales)} number(s) for {len(found)} replicate columns; "
                "give one a replicate, in the order of the columns"
            )
        return found

    def sample(self, data: Any, *, whole_df: bool = True) -> Replicates:
        """Read the replicate weights from a frame, for `replicate_mean` and its neighbours.

        Parameters
        ----------
        data
            Any frame with the design's columns.
        whole_df
            False leaves degrees of freedom that are not stated at 0, where those of domains are
            asked for after.

        Returns
        -------
        Replicates
            Of the frame's rows; `df` as given or from the rank of all of them.

        Raises
        ------
        DesignError
            For columns that are absent or hold text, missing or negative weights, or factors
            where weights were said (`combined`).
        """
        frame, _ = enter(data)
        names = self.replicate_columns(frame)
        refuse_faults(self, frame)
        kept = frame.lazy().select(self.weight, *names).collect()
        weight = kept[self.weight].cast(pl.Float64).to_numpy()
        table = self._table(kept.select(names), weight)
        return given_replicates(
            weight, table, kind=self.kind, rho=self.rho, scale=self.scale,
            rscales=None if self.rscales is None else np.array(self.rscales),
            mse=self.mse, df=self.df if whole_df or self.df is not None else 0,
        )  # fmt: skip

    def checked(self, frame: Frame) -> tuple[Array, tuple[Stage, ...]]:
        """Weights (n,) of a frame whose replicate weights have no fault; there are no stages."""
        return self.sample(frame, whole_df=False).weight, ()

    def arrays(self, data: Any) -> NoReturn:
        """Refuse: replicate weights have no strata and units to linearise over."""
        raise DesignError(
            "this estimate needs strata and sampling units, which replicate weights do not hold; "
            "use prevalence(design=...), or replicate_mean, replicate_ratio and "
            "replicate_estimate on ReplicateDesign(...).sample(frame)"
        )

    def _table(self, replicates: pl.DataFrame, weight: Array) -> Array:
        """(n, R) replicate weights, refused where they cannot be such."""
        text = replicates.select(~cs.numeric()).columns
        if text:
            raise DesignError(f"{len(text)} replicate column(s) are not numbers: convert them")
        table = replicates.cast(pl.Float64).to_numpy(order="c")
        gaps, negative = int(np.isnan(table).sum()), int((table < 0).sum())
        if gaps or negative or np.isinf(table).any():
            raise DesignError(
                f"replicate weights {self.named}: {gaps} missing, {negative} negative, "
                f"{int(np.isinf(table).sum())} infinite; every person in the frame needs one in "
                "every replicate, zero at least: leave out people who were not sampled"
            )
        if not self.combined:
            return table * weight[:, None]
        share = table.sum() / (table.shape[1] * weight.sum())
        if not ALIKE[0] < share < ALIKE[1]:
            raise DesignError(
                f"replicate weights {self.named} add up to {share:.2g} times the weights "
                f"{self.weight} on average; if they are factors, say combined=False, else name "
                "the weights that they belong to"
            )
        return table


Design = SurveyDesign | ReplicateDesign
