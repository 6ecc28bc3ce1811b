"""Replicate weights: balanced repeated replication, Fay, jackknife and bootstrap.

Replicates made here are factors of sampling units, not of people: a thousand bootstrap weights of
a hundred thousand people are a table of units by replicates. The scale conventions are those of R
survey (`as.svrepdesign`, `svrepdesign`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from osteo_epi.errors import DesignError, PrecisionWarning
from osteo_epi.population.estimate import Estimate
from osteo_epi.population.replicate_factors import BOOTSTRAPS, balanced, jackknife
from osteo_epi.population.structure import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    Stage,
    degrees_of_freedom,
)

KINDS = ("JK1", "JKn", "BRR", "Fay", "bootstrap", "subbootstrap", "mrbbootstrap")
# Replicates nearer to each other than this share of their length are the same one, as in R.
SAME = 1e-5


@dataclass(frozen=True)
class Replicates:
    """Replicate weights of n rows.

    Parameters
    ----------
    weight
        (n,) weights of the whole sample.
    unit
        (n,) unit of each row where `factor` holds one row a unit; None where it holds weights.
    factor
        (U, R) factors of the units, or (n, R) replicate weights themselves.
    scale, rscales
        Variance = scale · Σ rscales_r (θ_r − centre)²; (R,) rscales.
    mse
        Whether the centre is the estimate of the whole sample, not the mean of the replicates.
    df
        Degrees of freedom.
    """

    weight: Array
    unit: Codes | None
    factor: Array
    scale: float
    rscales: Array
    mse: bool
    df: int

    @property
    def n_replicates(self) -> int:
        """Number of replicates R."""
        return self.factor.shape[1]

    def weights(self, replicate: int) -> Array:
        """(n,) weights of one replicate."""
        column = self.factor[:, replicate]
        return column if self.unit is None else self.weight * column[self.unit]

    def totals(self, table: Array) -> Array:
        """(R, k) weighted column sums of an (n, k) table under every replicate."""
        if self.unit is None:
            return self.factor.T @ table
        size = len(self.factor)
        sums = [np.bincount(self.unit, self.weight * c, minlength=size) for c in table.T]
        return self.factor.T @ np.column_stack(sums)

    def covariance(self, replicated: Array, value: Array) -> Array:
        """(k, k) covariance from (R, k) replicated estimates and the (k,) estimate.

        Replicates without an estimate (nobody of a domain in them) are left out, as in R, with a
        PrecisionWarning.
        """
        known: Mask = np.isfinite(replicated.sum(axis=1))
        if not known.all():
            warnings.warn(
                f"{int((~known).sum())} of {len(known)} replicates hold nobody to estimate from: "
                "the standard error rests on the others; take a larger domain",
                PrecisionWarning,
                stacklevel=3,
            )
        return self.spread(replicated, value, known)

    def spread(self, replicated: Array, value: Array, known: Mask) -> Array:
        """(k, k) covariance from those (R,) replicates that are known; NaN if none is."""
        if not known.any():
            return np.full((len(value),) * 2, np.nan)
        each = self.rscales[known]
        centre = value if self.mse else replicated[known & (self.rscales > 0)].mean(axis=0)
        spread = (replicated[known] - centre) * np.sqrt(each)[:, None]
        return self.scale * spread.T @ spread

    def to_frame(self, prefix: str = "replicate_") -> pl.DataFrame:
        """The replicate weights as columns `<prefix>1` …, to be kept beside the people."""
        return pl.DataFrame({f"{prefix}{r + 1}": self.weights(r) for r in range(self.n_replicates)})


def replicates(
    design: DesignArrays,
    *,
    kind: str = "JKn",
    n_replicates: int = 500,
    rho: float = 0.0,
    seed: int | None = None,
    mse: bool = False,
) -> Replicates:
    """Make replicate weights from a design.

    Parameters
    ----------
    design
        With first-stage units; lower stages are carried by their unit.
    kind
        "JK1" (one stratum), "JKn", "BRR" and "Fay" (two units a stratum), "bootstrap" (Canty
        and Davison: n of n units), "subbootstrap" (Rao and Wu: n − 1 of n), "mrbbootstrap"
        (Preston: half the units without replacement, first stage).
    n_replicates, seed
        Size and seed of a bootstrap; the seed is required.
    rho
        Fay's coefficient, 0 to below 1.
    mse
        Centre the replicates at the estimate.

    Returns
    -------
    Replicates
        As factors of units.

    Raises
    ------
    DesignError
        For an unknown kind, people drawn one by one, strata that the kind cannot use, a bootstrap
        without seed.
    """
    if kind not in KINDS:
        raise DesignError(f"unknown kind {kind!r} of replicates: choose one of {', '.join(KINDS)}")
    stage = design.stages[0]
    _refuse(kind, stage, seed)
    if kind in ("JK1", "JKn"):
        factor, scale, rscales = jackknife(stage)
    elif kind in ("BRR", "Fay"):
        factor, scale, rscales = balanced(stage, rho)
    else:
        rng = np.random.default_rng(seed)
        factor, scale, rscales = BOOTSTRAPS[kind](stage, n_replicates, rng)
    df = degrees_of_freedom(design)
    unit = stage.unit if stage.unit is not None else np.arange(design.n_rows)
    return Replicates(design.weight, unit, factor, scale, rscales, mse, df)


def given_replicates(
    weight: Array,
    table: Array,
    *,
    kind: str,
    rho: float = 0.0,
    scale: float | None = None,
    rscales: Array | None = None,
    mse: bool = False,
    df: int | None = None,
) -> Replicates:
    """Take replicate weights that come with a survey.

    Parameters
    ----------
    weight, table
        (n,) weights of the sample and (n, R) replicate weights (weights, not factors).
    kind
        "BRR" (scale 1/R), "Fay" (1/(R (1 − rho)²)), "JK1" ((R − 1)/R), "bootstrap" (1/(R − 1)),
        "JKn" or "other" (scale 1; `rscales` needed).
    scale, rscales
        Override the kind's scale; (R,) factors of single replicates.
    df
        Degrees of freedom; the rank of the replicate weights less one by default.
    """
    size = table.shape[1]
    usual = {
        "BRR": 1 / size,
        "Fay": 1 / (size * (1 - rho) ** 2),
        "JK1": (size - 1) / size,
        "bootstrap": 1 / (size - 1),
    }
    if kind not in usual and rscales is None:
        raise DesignError(f"replicates of kind {kind!r} need rscales, one number a replicate")
    table = np.asarray(table, dtype=float)
    return Replicates(
        weight=np.asarray(weight, dtype=float),
        unit=None,
        factor=table,
        scale=usual.get(kind, 1.0) if scale is None else scale,
        rscales=np.ones(size) if rscales is None else np.asarray(rscales, dtype=float),
        mse=mse,
        df=independent(table) - 1 if df is None else df,
    )


def independent(table: Array) -> int:
    """Rank of (n, R) replicate weights, blind to the rounding of published weights.

    A replicate that differs from a combination of the others by less than 1e-5 of its length is
    none of its own, as in R's `degf`.
    """
    product = table.T @ table if len(table) >= table.shape[1] else table @ table.T
    length = np.sqrt(np.diag(product))
    used = length > 0
    scaled = product[np.ix_(used, used)] / np.outer(length[used], length[used])
    return int((np.linalg.eigvalsh(scaled) > SAME**2).sum())


def replicate_estimate(
    statistic: Callable[[Array], Array], sample: Replicates, *, n: int
) -> Estimate:
    """Any statistic of the weights, with its covariance over the replicates.

    Parameters
    ----------
    statistic
        Takes (n,) weights, gives (k,) numbers.
    sample
        The replicates.
    n
        Rows that the statistic rests on.
    """
    value = np.atleast_1d(statistic(sample.weight))
    replicated = [np.atleast_1d(statistic(sample.weights(r))) for r in range(sample.n_replicates)]
    return _estimate(value, np.array(replicated), sample, n)


def replicate_total(values: Array, sample: Replicates, *, domain: Mask | None = None) -> Estimate:
    """Weighted totals of (n,) or (n, k) values; rows with NaN are left out."""
    table, rows = _rows(values, domain)
    return _estimate(sample.weight @ table, sample.totals(table), sample, int(rows.sum()))


def replicate_mean(values: Array, sample: Replicates, *, domain: Mask | None = None) -> Estimate:
    """Weighted means of (n,) or (n, k) values; of 0/1, proportions."""
    table, rows = _rows(values, domain)
    whole = np.column_stack([table, rows.astype(float)])
    sums, replicated = sample.weight @ whole, sample.totals(whole)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = replicated[:, :-1] / replicated[:, -1:]
    return _estimate(sums[:-1] / sums[-1], means, sample, int(rows.sum()))


def replicate_ratio(
    numerator: Array, denominator: Array, sample: Replicates, *, domain: Mask | None = None
) -> Estimate:
    """Ratio of two weighted totals."""
    table, rows = _rows(np.column_stack([numerator, denominator]), domain)
    sums, replicated = sample.weight @ table, sample.totals(table)
    value = np.array([sums[0] / sums[1]])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = replicated[:, :1] / replicated[:, 1:]
    return _estimate(value, ratios, sample, int(rows.sum()))


def _rows(values: Array, domain: Mask | None) -> tuple[Array, Mask]:
    table = np.asarray(values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    rows = ~np.isnan(table).any(axis=1)
    rows = rows if domain is None else rows & domain
    return np.where(rows[:, None], table, 0.0), rows


def _estimate(value: Array, replicated: Array, sample: Replicates, n: int) -> Estimate:
    covariance = sample.covariance(replicated, value)
    return Estimate(value, covariance, n, sample.df, np.zeros((0, len(value))))


def _refuse(kind: str, stage: Stage, seed: int | None) -> None:
    if kind == "JK1" and len(stage.sampled) > 1:
        raise DesignError("JK1 is for one stratum; use JKn for a stratified design")
    if kind in ("BRR", "Fay") and (stage.sampled != 2).any():
        raise DesignError(
            f"{kind} needs two units in every stratum; {int((stage.sampled != 2).sum())} strata "
            "have another number: use JKn or a bootstrap"
        )
    if (stage.sampled < 2).any():
        raise DesignError("a stratum with one sampling unit has no replicate: merge it first")
    if "bootstrap" in kind and seed is None:
        raise DesignError("a bootstrap needs a seed, so that the result can be had again")
