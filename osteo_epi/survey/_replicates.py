"""Replicate weights: of any kind when they come with a survey, bootstrap weights when made here.

Bootstrap weights made here are factors of sampling units, not of people: a thousand of them for a
hundred thousand people are a table of units by replicates. The scale conventions are those of R
survey (`svrepdesign`). Jackknife and balanced replicates are made by other packages and handed over
as columns (`ReplicateDesign`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import polars as pl
import polars.selectors as cs

from osteo_epi.arguments import as_typed, is_among, true_or_false
from osteo_epi.engines import totals
from osteo_epi.errors import DesignError, PrecisionWarning
from osteo_epi.frames import Frame, as_polars, numbers_of
from osteo_epi.html import html_table
from osteo_epi.rounding import count
from osteo_epi.summation import cross_products, group_sums, weighted_sums
from osteo_epi.survey._arrays import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    Stage,
    degrees_of_freedom,
    mask_of,
    refuse_names,
    refuse_nobody,
)
from osteo_epi.survey._design import SurveyDesign, WeightSpan, refuse_faults
from osteo_epi.survey._estimates import Estimate, refuse_zero

# Replicates nearer to each other than this share of their length are the same one, as in R.
SAME = 1e-5


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        rows, replicates = count(len(self.weight)), count(self.n_replicates)
        return f"Replicates({rows} rows, {replicates} replicates, df {self.df})"

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
            return np.column_stack([weighted_sums(c, self.factor) for c in table.T])
        size = len(self.factor)
        totals = [group_sums(self.unit, self.weight * c, size=size) for c in table.T]
        return np.column_stack([weighted_sums(total, self.factor) for total in totals])

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
        return self.scale * cross_products(spread)

    def to_frame(self, prefix: str = "replicate_") -> pl.DataFrame:
        """The replicate weights as columns `<prefix>1` …, to be kept beside the people."""
        return pl.DataFrame({f"{prefix}{r + 1}": self.weights(r) for r in range(self.n_replicates)})


def bootstrap_replicates(
    design: DesignArrays, *, seed: int, n_replicates: int = 500, mse: bool = False
) -> Replicates:
    """Draw the first-stage units of a design anew.

    Parameters
    ----------
    design
        With two or more first-stage units in each stratum; lower stages are carried by their
        unit, and finite population corrections are not used.
    seed
        Of the draws.
    n_replicates
        Number of replicates R.
    mse
        True centres the replicates at the estimate, False at their own mean.

    Returns
    -------
    Replicates
        As factors of units.

    Raises
    ------
    DesignError
        If a stratum has one unit.

    Notes
    -----
    n − 1 of the n units of each stratum with replacement, weights times n / (n − 1): Rao and Wu
    1988, doi 10.1080/01621459.1988.10478591; "subbootstrap" in R survey.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> people = pl.DataFrame({"w": [1.0, 2, 1, 2], "psu": [1, 1, 2, 3]})
    >>> bootstrap_replicates(SurveyDesign("w", psu="psu").arrays(people), seed=1)
    Replicates(4 rows, 500 replicates, df 2)
    """
    true_or_false(mse=mse)
    stage = design.stages[0]
    alone = int((stage.sampled < 2).sum())
    if alone:
        raise DesignError(
            f"{alone} stratum/strata with one sampling unit: a bootstrap cannot draw from them; "
            "merge each with a neighbour first"
        )
    rng = np.random.default_rng(seed)
    factor = np.empty((len(stage.stratum), n_replicates))
    for h, n in enumerate(stage.sampled.astype(int)):
        drawn = rng.multinomial(n - 1, np.full(n, 1 / n), size=n_replicates)
        factor[stage.stratum == h] = drawn.T * (n / (n - 1))
    unit = stage.unit if stage.unit is not None else np.arange(design.n_rows)
    rscales = np.ones(n_replicates)
    df = degrees_of_freedom(design)
    return Replicates(design.weight, unit, factor, 1 / (n_replicates - 1), rscales, mse, df)


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

    Raises
    ------
    DesignError
        If a kind without usual factors comes without `rscales`.
    """
    true_or_false(mse=mse)
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
    refuse_names("replicate_total", values=values, sample=sample)
    table, rows = _rows(values, domain)
    value = weighted_sums(sample.weight, table)
    return _estimate(value, sample.totals(table), sample, int(rows.sum()))


def replicate_mean(values: Array, sample: Replicates, *, domain: Mask | None = None) -> Estimate:
    """Weighted means of (n,) or (n, k) values; of 0/1, proportions.

    Raises DesignError where nobody of the domain has a value.
    """
    refuse_names("replicate_mean", values=values, sample=sample)
    table, rows = _rows(values, domain)
    refuse_nobody(rows & (sample.weight > 0))
    whole = np.column_stack([table, rows.astype(float)])
    sums, replicated = weighted_sums(sample.weight, whole), sample.totals(whole)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = replicated[:, :-1] / replicated[:, -1:]
    return _estimate(sums[:-1] / sums[-1], means, sample, int(rows.sum()))


def replicate_ratio(
    numerator: Array, denominator: Array, sample: Replicates, *, domain: Mask | None = None
) -> Estimate:
    """Ratio of two weighted totals.

    Raises DesignError where nobody has both, or the denominator adds up to zero.
    """
    call = "replicate_ratio"
    refuse_names(call, numerator=numerator, denominator=denominator, sample=sample)
    table, rows = _rows(np.column_stack([numerator, denominator]), domain)
    refuse_nobody(rows & (sample.weight > 0))
    sums, replicated = weighted_sums(sample.weight, table), sample.totals(table)
    refuse_zero(float(sums[1]))
    value = np.array([sums[0] / sums[1]])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = replicated[:, :1] / replicated[:, 1:]
    return _estimate(value, ratios, sample, int(rows.sum()))


def _rows(values: Array, domain: Mask | None) -> tuple[Array, Mask]:
    table = numbers_of(values, "values")
    table = table[:, None] if table.ndim == 1 else table
    rows = np.asarray(~np.isnan(table).any(axis=1))
    rows = rows if domain is None else rows & mask_of(domain, len(rows))
    return np.where(rows[:, None], table, 0.0), rows


def _estimate(value: Array, replicated: Array, sample: Replicates, n: int) -> Estimate:
    covariance = sample.covariance(replicated, value)
    return Estimate(value, covariance, n, sample.df, np.zeros((0, len(value))))


DESIGN_KINDS = ("BRR", "Fay", "JK1", "JKn", "bootstrap", "other")
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

    Weights are raked, calibrated and trimmed, and jackknife or balanced replicates made, by `svy`
    (on PyPI); its columns are handed over in a frame, and replicates raked with the weight carry
    what raking takes off the error::

        import svy

        sample = svy.Sample(people, svy.Design(wgt="w", stratum="stratum", psu="psu"))
        sample = sample.weighting.create_bs_wgts(500, rep_prefix="rw", rstate=1)
        sample = sample.weighting.rake(
            controls={
                "sex": {"female": 110e3, "male": 100e3},
                "age_band": {"50-64": 120e3, "65+": 90e3},
            }
        )  # adds the weight rk_wgt and its replicates rk_wgt1 ... rk_wgt500
        design = ReplicateDesign("rk_wgt", "rk_wgt", kind="bootstrap", df=35)  # units less strata
        oe.prevalence(sample.data, definition, design=design)

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
        true_or_false(mse=self.mse, combined=self.combined)
        if not is_among(self.kind, DESIGN_KINDS):
            raise DesignError(
                f"kind must be one of {', '.join(DESIGN_KINDS)}, not {as_typed(self.kind)}"
            )
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

    def _repr_html_(self) -> str:
        return html_table(pl.DataFrame(), caption=f"Survey design: {self}")

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
            columns = tuple(c for c in names if c.startswith(self.replicates) and c != self.weight)
        else:
            columns = tuple(self.replicates)
        absent = [c for c in columns if c not in names]
        if absent or len(columns) < 2:
            raise DesignError(
                f"{len(columns) - len(absent)} replicate column(s) found for {self.replicates!r}"
                + (f", {len(absent)} absent ({', '.join(absent[:5])})" if absent else "")
                + "; name the beginning that they share, or all of them, in replicates="
            )
        if self.rscales is not None and len(self.rscales) != len(columns):
            raise DesignError(
                f"rscales has {len(self.rscales)} number(s) for {len(columns)} replicate columns; "
                "give one a replicate, in the order of the columns"
            )
        return columns

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
        true_or_false(whole_df=whole_df)
        frame, _ = as_polars(data)
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

    def spans(self, frame: Frame) -> tuple[WeightSpan, ...]:
        """What has to be known of each replicate's weights before they are added up.

        For people who cannot be read whole: the checks of `sample`, by counts.

        Raises
        ------
        DesignError
            As `sample`.
        """
        names = self.replicate_columns(frame)
        n = refuse_faults(self, frame).n
        kinds = frame.collect_schema()
        self._refuse_text([name for name in names if not kinds[name].is_numeric()])
        weight = pl.col(self.weight).cast(pl.Float64)
        values = {name: pl.col(name).cast(pl.Float64) for name in names}
        sums = [weight.sum().alias("weight")]
        for name, value in values.items():
            part = value if self.combined else value * weight
            sums += [
                (value.is_null() | value.is_nan()).sum().alias(f"gaps {name}"),
                (value < 0).sum().alias(f"negative {name}"),
                value.is_infinite().sum().alias(f"infinite {name}"),
                (part != part.floor()).sum().alias(f"fractions {name}"),
                value.sum().alias(f"sum {name}"),
            ]
        parts = [v if self.combined else v * weight for v in values.values()]
        largest = [part.max().alias(f"largest {n}") for n, part in zip(names, parts, strict=True)]
        row = totals(frame, sums=sums, largest=largest).row(0, named=True)
        added = {
            kind: sum(row[f"{kind} {name}"] for name in names)
            for kind in ("gaps", "negative", "infinite", "sum")
        }
        self._refuse_impossible(added["gaps"], added["negative"], added["infinite"])
        if self.combined:
            self._refuse_factors(added["sum"] / (len(names) * row["weight"]))
        return tuple(
            WeightSpan(row[f"largest {name}"], n, not row[f"fractions {name}"]) for name in names
        )

    def without_people(self, n_replicates: int) -> Replicates:
        """The replicates of nobody: how they are scaled and centred."""
        return given_replicates(
            np.zeros(0), np.zeros((0, n_replicates)), kind=self.kind, rho=self.rho,
            scale=self.scale, rscales=None if self.rscales is None else np.array(self.rscales),
            mse=self.mse, df=self.df or 0,
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
        self._refuse_text(replicates.select(~cs.numeric()).columns)
        table = replicates.cast(pl.Float64).to_numpy(order="c")
        counts = (np.isnan(table).sum(), (table < 0).sum(), np.isinf(table).sum())
        self._refuse_impossible(*map(int, counts))
        if not self.combined:
            return table * weight[:, None]
        self._refuse_factors(table.sum() / (table.shape[1] * weight.sum()))
        return table

    def _refuse_text(self, text: Sequence[str]) -> None:
        if text:
            raise DesignError(f"{len(text)} replicate column(s) are not numbers: convert them")

    def _refuse_impossible(self, gaps: int, negative: int, infinite: int) -> None:
        if gaps or negative or infinite:
            raise DesignError(
                f"replicate weights {self.named}: {gaps} missing, {negative} negative, "
                f"{infinite} infinite; every person in the frame needs one in "
                "every replicate, zero at least: leave out people who were not sampled"
            )

    def _refuse_factors(self, share: float) -> None:
        if not ALIKE[0] < share < ALIKE[1]:
            raise DesignError(
                f"replicate weights {self.named} add up to {share:.2g} times the weights "
                f"{self.weight} on average; if they are factors, say combined=False, else name "
                "the weights that they belong to"
            )


Design = SurveyDesign | ReplicateDesign
