"""The result: ratios of exposures with limits, and of the model behind each what must be known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.accuracy import Joint, Measure, Sample
from osteo_epi.agreement import critical_value
from osteo_epi.results import Result
from osteo_epi.risk.association._scale import Deviation, Scale
from osteo_epi.risk.hazard import chi_square
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Codes, Mask

FEW_EVENTS = 10
"""Events a coefficient below which it is biased (Peduzzi 1996, 10.1016/s0895-4356(96)00236-3)."""


@dataclass(frozen=True)
class Estimated:
    """(p,) coefficients with their (p, p) covariance, degrees of freedom, and the limits' name.

    `limits` (p, 2) are on the scale of the coefficients where they do not follow from the
    covariance (profile likelihood); NaN elsewhere.
    """

    value: Array
    covariance: Array
    df: float
    method: str
    limits: Array | None = None
    ratio_se: Array | None = None
    """(p,) standard errors with those of standard deviations that were estimated, if any were."""

    def p(self, columns: Codes) -> tuple[float, float]:
        """Wald's chi-square that these coefficients are 0, and its p."""
        return self.wald(np.eye(len(self.value))[columns])

    def wald(self, contrasts: Array) -> tuple[float, float]:
        """Wald's chi-square that (q, p) contrasts are 0, and its p (F where df is finite)."""
        value, q = contrasts @ self.value, len(contrasts)
        spread = contrasts @ self.covariance @ contrasts.T
        chi = chi_square(value, spread)
        if math.isinf(self.df):
            return chi, float(special.chdtrc(q, chi))
        return chi, float(special.fdtrc(q, self.df, chi / q)) if self.df > 0 else math.nan


@dataclass(frozen=True)
class Block:
    """Columns of one exposure in a model: (k,) places, what each compares, and in which group."""

    exposure: str
    places: Codes
    contrasts: tuple[str, ...]
    groups: tuple[str, ...]
    scale: Scale | None


@dataclass(frozen=True)
class Ratio:
    """One ratio.

    Attributes
    ----------
    exposure, contrast, group
        Column, what is compared ("per SD decrease", "yes against no"), and in whom ("all", or a
        class of `by`).
    ratio
        Estimate and limits.
    log_se
        Standard error of its logarithm, with that of a standard deviation that was estimated.
    p
        Of the ratio being 1, for which no standard deviation is needed.
    sd, sd_source
        Standard deviation [unit of the exposure], None where it differs by sex or there is none;
        whose it is.
    """

    exposure: str
    contrast: str
    group: str
    ratio: Measure
    log_se: float
    p: float
    sd: float | None
    sd_source: str

    def as_row(self) -> dict[str, str | float | None]:
        """Everything by name."""
        row: dict[str, str | float | None] = {
            "exposure": self.exposure, "contrast": self.contrast, "group": self.group
        }  # fmt: skip
        row |= {name: value for name, value in self.ratio.as_row().items() if name != "se"}
        row |= {"log_se": self.log_se, "p": self.p, "sd": self.sd, "sd_source": self.sd_source}
        return row | {"method": self.ratio.method}


@dataclass(frozen=True)
class Model:
    """One fitted model.

    Attributes
    ----------
    exposures
        Its exposures.
    coefficients
        Frame of all its coefficients: term, contrast, coefficient, se, p; errors are those of known
        standard deviations.
    covariance
        (p, p) of them.
    interaction
        Frame: exposure, by, statistic, df, p; without rows where nothing is by group.
    proportional_hazards
        Frame: term, statistic, df, p, the last row for all terms; without rows for odds.
    """

    exposures: tuple[str, ...]
    coefficients: pl.DataFrame
    covariance: Array
    interaction: pl.DataFrame
    proportional_hazards: pl.DataFrame


@dataclass(frozen=True, repr=False)
class Association(Result):
    """Ratios of one kind for one event.

    Attributes
    ----------
    measure
        "hazard ratio", "cause-specific hazard ratio", "subdistribution hazard ratio" or "odds
        ratio".
    ratios
        One a comparison.
    models
        One a model: coefficients, interaction, test of proportional hazards.
    n, n_events, person_time
        People of the models, those with the event, and their time [unit of the column]; None for
        odds.
    event, adjusted_for, by
        What counts as the event, for what is adjusted, and the groups.
    design, confidence, notes
        How people were drawn, the level of the limits, and what a reader must know.
    """

    measure: str
    ratios: tuple[Ratio, ...]
    models: tuple[Model, ...]
    n: int
    n_events: int
    person_time: float | None
    event: str
    adjusted_for: tuple[str, ...]
    by: str | None
    design: str
    confidence: float
    notes: tuple[str, ...]

    def __getitem__(self, exposure: str) -> Measure:
        """The ratio of an exposure that has one only.

        Raises
        ------
        KeyError
            If it has none, or several: take it from `ratios` then.
        """
        own = [ratio for ratio in self.ratios if ratio.exposure == exposure]
        if len(own) != 1:
            names = ", ".join(dict.fromkeys(ratio.exposure for ratio in self.ratios))
            raise KeyError(f"{exposure} has {len(own)} ratios here; exposures are {names}")
        return own[0].ratio

    def to_polars(self) -> pl.DataFrame:
        """One row a ratio.

        Returns
        -------
        polars.DataFrame
            measure, exposure, contrast, group, estimate, lower, upper, n, log_se, p, sd,
            sd_source, method, n_events, person_time.
        """
        rows = [{"measure": self.measure, **ratio.as_row()} for ratio in self.ratios]
        numbers = dict.fromkeys(("estimate", "lower", "upper", "log_se", "p", "sd"), pl.Float64)
        return pl.DataFrame(rows, schema_overrides=numbers | {"n": pl.Int64}).with_columns(
            n_events=pl.lit(self.n_events), person_time=pl.lit(self.person_time, pl.Float64)
        )

    @property
    def coefficients(self) -> pl.DataFrame:
        """All coefficients of all models, the adjustments among them."""
        return self._stacked("coefficients")

    @property
    def interaction(self) -> pl.DataFrame:
        """Tests that a ratio is the same in all groups."""
        return self._stacked("interaction")

    @property
    def proportional_hazards(self) -> pl.DataFrame:
        """Score tests that the ratios do not change with time."""
        return self._stacked("proportional_hazards")

    def _stacked(self, name: str) -> pl.DataFrame:
        parts = [
            getattr(model, name).select(pl.lit(" + ".join(model.exposures)).alias("model"), "*")
            for model in self.models
        ]
        return pl.concat(parts)

    def _summary(self) -> str:
        shown = ", ".join(
            " ".join(
                [
                    r.exposure,
                    r.contrast,
                    *([r.group] if r.group != "all" else []),
                    r.ratio.rounded(3),
                ]
            )
            for r in self.ratios[:4]
        )
        events = f"{count(self.n_events)} events in {count(self.n)} people"
        return f"{self.measure} of {self.event}: {shown}, {events}"


def deviations(blocks: Sequence[Block]) -> list[tuple[Codes, Deviation]]:
    """Places of coefficients per standard deviation that was estimated, with what it came from."""
    return [(block.places, block.scale.estimated) for block in blocks
            if block.scale is not None and block.scale.estimated is not None]  # fmt: skip


def model_based(value: Array, covariance: Array, blocks: Sequence[Block]) -> Array | None:
    """(p,) standard errors with those of deviations, which tell nothing of a model that is right.

    None where no deviation was estimated.
    """
    if not deviations(blocks):
        return None
    return np.sqrt(np.diag(covariance) + (moved(value, blocks) ** 2).sum(axis=0))


def moved(value: Array, blocks: Sequence[Block]) -> Array:
    """(n, p) weighted linearised change of the coefficients by that of their deviations."""
    own = deviations(blocks)
    out = np.zeros((len(own[0][1].rows), len(value)))
    for places, estimated in own:
        out[:, places] = estimated.linear()[:, None] * value[places]
    return out


def by_design(
    sample: Sample, joint: Joint, linear: Array, rows: Mask, blocks: Sequence[Block]
) -> Array | None:
    """(p,) standard errors of linearised coefficients with those of their deviations.

    None where no deviation was estimated.
    """
    own = deviations(blocks)
    if not own:
        return None
    # A deviation of the population rests on people who are in no model.
    reach = np.any([rows, *(estimated.rows for _, estimated in own)], axis=0)
    whole = sample.linearised(joint.value, linear + moved(joint.value, blocks), reach)
    return np.sqrt(np.diag(whole.covariance))


def by_replicates(
    sample: Sample, statistic: Callable[[Array], Array], rows: Mask, blocks: Sequence[Block]
) -> tuple[Joint, Array | None]:
    """Coefficients over the replicates; (p,) standard errors with their deviations made again."""
    joint, own = sample.replicated(statistic, rows), deviations(blocks)
    if not own:
        return joint, None

    def ratios(weight: Array) -> Array:
        factor = np.divide(weight, sample.weight, out=np.zeros(len(weight)),
                           where=sample.weight > 0)  # fmt: skip
        step = np.ones(len(joint.value))
        for places, estimated in own:
            step[places] = estimated.changed(factor)
        return statistic(weight) * step

    return joint, np.sqrt(np.diag(sample.replicated(ratios, rows).covariance))


def ratios_of(
    fit: Estimated, blocks: Sequence[Block], *, n: int, confidence: float
) -> tuple[Ratio, ...]:
    """Ratios of the exposures of a model."""
    known = np.sqrt(np.diag(fit.covariance))
    se = known if fit.ratio_se is None else fit.ratio_se
    reach = critical_value(confidence, fit.df) if fit.df > 0 else math.nan
    result = []
    for block in blocks:
        for place, contrast, group in zip(block.places, block.contrasts, block.groups, strict=True):
            value, error = float(fit.value[place]), float(se[place])
            ends = np.array([value - reach * error, value + reach * error])
            if fit.limits is not None and not np.isnan(fit.limits[place]).any():
                # Distances of profile limits are widened by what the estimated deviation adds.
                own = np.hypot(fit.limits[place] - value,
                               reach * math.sqrt(max(error**2 - known[place] ** 2, 0)))  # fmt: skip
                ends = (
                    value + np.array([-1, 1]) * own if error > known[place] else fit.limits[place]
                )
            with np.errstate(over="ignore"):
                low, high = (None if math.isnan(v) else float(v) for v in np.exp(ends))
            ratio = Measure(math.exp(value), None, low, high, n, fit.method)
            p = fit.p(np.array([place]))[1]
            sd = None if block.scale is None else block.scale.sd
            source = "" if block.scale is None else block.scale.source
            result.append(Ratio(block.exposure, contrast, group, ratio, error, p, sd, source))
    return tuple(result)


def model_of(
    fit: Estimated,
    names: Sequence[str],
    contrasts: Sequence[str],
    blocks: Sequence[Block],
    *,
    by: str | None,
    proportional: pl.DataFrame,
) -> Model:
    """What is kept of a model."""
    se = np.sqrt(np.diag(fit.covariance))
    p = [fit.p(np.array([j]))[1] for j in range(len(names))]
    coefficients = pl.DataFrame(
        {"term": list(names), "contrast": list(contrasts), "coefficient": fit.value, "se": se,
         "p": p}
    )  # fmt: skip
    exposures = tuple(dict.fromkeys(block.exposure for block in blocks))
    interaction = _interaction(fit, blocks, by)
    return Model(exposures, coefficients, fit.covariance, interaction, proportional)


def _interaction(fit: Estimated, blocks: Sequence[Block], by: str | None) -> pl.DataFrame:
    rows = []
    for block in blocks if by is not None else ():
        first: dict[str, int] = {}
        contrasts = []
        for place, contrast in zip(block.places, block.contrasts, strict=True):
            if contrast in first:
                row = np.zeros(len(fit.value))
                row[place], row[first[contrast]] = 1.0, -1.0
                contrasts.append(row)
            first.setdefault(contrast, int(place))
        statistic, p = fit.wald(np.array(contrasts))
        rows.append((block.exposure, by, statistic, len(contrasts), p))
    schema = {"exposure": pl.String, "by": pl.String, "statistic": pl.Float64, "df": pl.Int64}
    return pl.DataFrame(rows, schema=schema | {"p": pl.Float64}, orient="row")
