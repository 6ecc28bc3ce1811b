"""A model of the absolute risk of an event at horizons, and what it says of people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Positive
from osteo_epi.agreement import critical_value
from osteo_epi.errors import DefinitionError, DesignError, SchemaError
from osteo_epi.frames import Column, as_polars, in_callers_kind, on_people
from osteo_epi.results import Result
from osteo_epi.risk._competing import refuse_seen
from osteo_epi.risk._follow_up import COMPETING, EVENT, FollowUp, follow_up
from osteo_epi.risk.association import FEW_EVENTS
from osteo_epi.risk.discrimination._at import At, horizons
from osteo_epi.risk.discrimination._read import refuse_horizon
from osteo_epi.risk.prediction._absolute import (
    CAUSES,
    COX,
    MODELS,
    SUBDISTRIBUTION,
    AbsoluteRisk,
    Followed,
)
from osteo_epi.risk.prediction._predictors import Predictors, refuse_predictors
from osteo_epi.rounding import count, counted, number
from osteo_epi.survey import Array, Mask

EXTRAPOLATED = "risk_extrapolated"


@dataclass(frozen=True, repr=False)
class RiskModel(Result):
    """A fitted model of absolute risk.

    Attributes
    ----------
    model
        "cox", "cause_specific" or "fine_gray".
    at
        Horizons at which it gives risks [unit of time].
    predictors
        Columns, with their classes and the ranges of the fit.
    absolute
        The fitted hazards.
    n, n_events, n_competing
        People of the fit, and those of them with the event and the competing one.
    event, competing, design, notes
        What was asked, how people were drawn, and what a reader must know.
    """

    no_figure = (
        "is the equation of a risk: model.predict(people).plot() draws the risks, "
        "risk_calibration(…).plot() whether they are true"
    )

    model: str
    at: tuple[float, ...]
    predictors: Predictors
    absolute: AbsoluteRisk
    n: int
    n_events: int
    n_competing: int
    event: str
    competing: str | None
    design: str
    notes: tuple[str, ...]
    people: Followed = field(repr=False)
    seen: FollowUp = field(repr=False)

    @property
    def columns(self) -> dict[float, str]:
        """The column of each horizon that `predict` writes, as `brier_score` takes it."""
        return {t: f"risk_{t:g}" for t in self.at}

    @property
    def events_per_parameter(self) -> float:
        """Events for each coefficient of the event's own hazard."""
        return self.n_events / len(self.predictors.names)

    def to_polars(self) -> pl.DataFrame:
        """One row a coefficient: hazard, covariate, coefficient, se and hazard ratio."""
        words = {EVENT: "event", COMPETING: "competing event"}
        rows = []
        for one in self.absolute.hazards:
            errors = np.sqrt(np.diag(self._covariance(one.influence)))
            for name, b, se in zip(self.predictors.names, one.coefficients, errors, strict=True):
                rows.append({
                    "hazard": words[one.kind], "covariate": name, "coefficient": float(b),
                    "se": float(se), "hazard_ratio": math.exp(b),
                })  # fmt: skip
        return pl.DataFrame(rows)

    @in_callers_kind
    def predict(
        self, people: Any, *, limits: bool = False, confidence: float = 0.95
    ) -> PredictedRisk:
        """Risks of people.

        Parameters
        ----------
        people
            A frame of any kind with the predictors, one row a person.
        limits
            Whether limits are wanted: they take the time of the fit's people for each row.
        confidence
            Level of the limits.

        Returns
        -------
        PredictedRisk
            The frame with a column `risk_10` for a horizon of 10, with `risk_10_lower` and
            `risk_10_upper` where wanted, and `risk_extrapolated` true where a predictor lies
            beyond those of the fit. A risk is null where a predictor is missing, infinite, or
            of a class that the fit did not have.

        Raises
        ------
        SchemaError
            If a predictor is absent, or of another kind than in the fit.

        Notes
        -----
        Limits are Wald on the scale of log(−log(1 − risk)), from what each person of the fit
        moves in the risk by coefficients and baseline; with a survey design summed to its units.
        By "fine_gray" the shares not yet censored count as known in the baseline.
        """
        arguments.confidence_level(confidence)
        frame = as_polars(people)[0].lazy().collect()
        _refuse_overwriting(frame, self.columns.values())
        x = self.predictors.table(frame)
        known: Mask = np.isfinite(x.sum(axis=1))
        risks = np.full((len(x), len(self.at)), np.nan)
        if known.any():
            risks[known] = self.absolute.risk(x[known], self.at)
        columns = dict(zip(self.columns.values(), risks.T, strict=True))
        if limits:
            columns = self._with_limits(columns, x, known, confidence)
        beyond = self.predictors.outside(frame)
        flag = np.logical_or.reduce([np.zeros(len(x), dtype=bool), *beyond.values()])
        added = [pl.Series(name, value).fill_nan(None) for name, value in columns.items()]
        table = frame.with_columns(*added, pl.Series(EXTRAPOLATED, flag))
        notes = tuple(self._said(frame, x, beyond))
        return PredictedRisk(table, tuple(self.columns.values()), int((~known).sum()),
                           int(flag.sum()), notes)  # fmt: skip

    def _summary(self) -> str:
        whens = ", ".join(f"{t:g}" for t in self.at)
        return (
            f"{self.model}, {', '.join(self.predictors.columns)}; risk at {whens}; "
            f"{count(self.n)} people, {count(self.n_events)} events"
        )

    def _covariance(self, part: Array) -> Array:
        """Covariance of sums of (m, k) weighted linearised values of the people of the fit."""
        sample, rows = self.seen.sample, self.seen.rows
        if sample.simple:
            spread: Array = part.T @ part
            return spread
        linear = np.zeros((len(rows), part.shape[1]))
        linear[rows] = part
        return sample.linearised(np.zeros(part.shape[1]), linear, rows).covariance

    def _with_limits(
        self, columns: dict[str, Array], x: Array, known: Mask, confidence: float
    ) -> dict[str, Array]:
        sample = self.seen.sample
        df = math.inf if sample.simple else sample.df(self.seen.rows)
        z = critical_value(confidence, df)
        result: dict[str, Array] = {}
        for t, (name, risk) in zip(self.at, columns.items(), strict=True):
            ends = np.full((len(x), 2), np.nan)
            for row in np.flatnonzero(known):
                moved = self.absolute.moved(self.people, x[row], t)
                se = math.sqrt(self._covariance(moved[:, None])[0, 0])
                ends[row] = _limits(float(risk[row]), z * se)
            result |= {name: risk, f"{name}_lower": ends[:, 0], f"{name}_upper": ends[:, 1]}
        return result

    def _said(self, frame: pl.DataFrame, x: Array, beyond: dict[str, Mask]) -> list[str]:
        """Who gets no risk and why, and whose risk is extrapolated."""
        total, notes = count(len(x)), []
        for name in self.predictors.columns:
            column = frame[name].fill_nan(None) if frame[name].dtype.is_float() else frame[name]
            lost = column.null_count()
            if lost:
                notes.append(f"{count(lost)} of {total} people lack {name} and get no risk")
            if column.dtype.is_float() and (n := int(column.is_infinite().sum())):
                notes.append(f"{count(n)} of {total} people have infinite {name} and get no risk")
            if name in self.predictors.classes:
                classes = list(self.predictors.classes[name])
                other = int((~column.cast(pl.String).is_in(classes)).sum())
                if other:
                    notes.append(
                        f"{count(other)} of {total} people are of a class of {name} that the fit "
                        "did not have, and get no risk"
                    )
        for name, mask in beyond.items():
            if mask.any():
                notes.append(
                    f"{count(int(mask.sum()))} of {total} people lie beyond the {name} of the "
                    "people of the fit: their risk is extrapolated"
                )
        return notes


@dataclass(frozen=True, repr=False)
class PredictedRisk(Result):
    """People with their risks.

    Attributes
    ----------
    table
        The frame with the columns of risk.
    columns
        Their names, in the order of the horizons.
    n_missing, n_extrapolated
        People without a risk, and those with a predictor beyond the people of the fit.
    notes
        Who they are.
    """

    table: pl.DataFrame
    columns: tuple[str, ...]
    n_missing: int
    n_extrapolated: int
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """The frame with the columns of risk."""
        return self.table

    def _summary(self) -> str:
        n = self.table.height
        return f"{', '.join(self.columns)}; {count(n)} people, {count(self.n_missing)} without"


@on_people("time", "event", "competing", "domain")
def fit_risk_model(
    people: Any = None,
    *,
    time: Column,
    event: Column,
    predictors: Sequence[str],
    at: At,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    model: Literal["cox", "cause_specific", "fine_gray"] = "cox",
    design: Any = None,
    domain: Column = None,
    accept_errors: bool = False,
) -> RiskModel:
    """Fit a model that gives each person's absolute risk of an event.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    time, event, event_positive, competing, competing_positive
        As in `follow_up`.
    nothing_competes
        True where no event makes the other impossible. Without it `competing` has to be named
        where the data show signs of one: a column of deaths, or other codes of the event.
    predictors
        Columns of numbers, taken as they are, or of classes, compared with the first (in the
        order of the Enum, else of the alphabet). Whoever lacks one is left out and counted.
    model
        "cox": 1 − exp(−hazard), where nothing competes. "cause_specific": a Cox model of the
        event and one of the competing event together. "fine_gray": the subdistribution hazard.
        The last two need `competing`.
    at
        One horizon or several [unit of time].
    design, domain, accept_errors
        As in `accuracy.accuracy`. A design's weights count in the fit, its units in every error;
        replicate weights are not taken.

    Returns
    -------
    RiskModel
        Its `predict` gives risks, `validate_risk_model` how good they will be elsewhere.

    Raises
    ------
    SchemaError
        If a column is absent, a competing event seems to be unsaid, a predictor is constant or
        repeats others, nobody is followed beyond a horizon, or nobody has the event by it.
    DefinitionError, DesignError
        If an argument is none of its kind, or the people hold half a survey design.

    Notes
    -----
    Where people die first, 1 − exp(−hazard) of a Cox model that takes deaths as censored is the
    risk in a world without death, and too high. Ties as Efron's. Cause-specific: Benichou and Gail
    1990, doi 10.2307/2532098; subdistribution: Fine and Gray 1999, doi
    10.1080/01621459.1999.10474144.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> age, z = rng.uniform(50, 85, 400), rng.normal(size=400)
    >>> years = rng.exponential(30 * np.exp(-0.04 * (age - 65) + 0.5 * z))
    >>> people = pl.DataFrame({
    ...     "age": age, "t_score_femoral_neck": z - 1.5, "years": np.minimum(years, 12),
    ...     "fracture": years < 12,
    ... })
    >>> model = fit_risk_model(
    ...     people, time="years", event="fracture", predictors=("age", "t_score_femoral_neck"),
    ...     at=(5, 10),
    ... )
    >>> model
    RiskModel(cox, age, t_score_femoral_neck; risk at 5, 10; 400 people, 140 events)
    >>> women = pl.DataFrame({"age": [60, 80], "t_score_femoral_neck": [-1.0, -3.0]})
    >>> model.predict(women).to_frame()["risk_10"].round(3).to_list()
    [0.187, 0.619]
    """
    whens = horizons(at)
    chosen = refuse_predictors(predictors)
    _refuse_model(model, competing)
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive,
        nothing_competes=nothing_competes,
        covariates=dict.fromkeys(chosen, "predictors"), design=design, domain=domain,
        accept_errors=accept_errors,
    )  # fmt: skip
    refuse_seen(seen.competing, seen.unsaid, nothing_competes=nothing_competes)
    _refuse_replicates(seen)
    for one in whens:
        refuse_horizon(seen.time[seen.rows], seen.status[seen.rows], one, "at", seen.event)
    frame = seen.people.frame.filter(pl.Series(seen.rows))
    known = Predictors.of(frame, chosen)
    followed = Followed(
        seen.time[seen.rows], seen.status[seen.rows], known.table(frame),
        seen.sample.weight[seen.rows], known.names,
    )  # fmt: skip
    absolute = AbsoluteRisk.of(followed, model)
    competed = int((followed.status == COMPETING).sum())
    notes = (*seen.notes, *_few(seen.n_events, competed, len(known.names), model),
             *_alone(seen.competing, nothing_competes))  # fmt: skip
    return RiskModel(
        model, whens, known, absolute, seen.n, seen.n_events, competed, seen.event,
        seen.competing, str(seen.sample.design), notes, followed, seen,
    )  # fmt: skip


def _refuse_model(model: str, competing: str | None) -> None:
    if model not in MODELS:
        raise DefinitionError(f"model={model!r}; expected one of {', '.join(MODELS)}")
    if model == COX and competing is not None:
        raise DefinitionError(
            'model="cox" has no place for a competing event: 1 − exp(−hazard) would be the risk in '
            f'a world without it; take model="{CAUSES}" or "{SUBDISTRIBUTION}"'
        )
    if model != COX and competing is None:
        raise DefinitionError(
            f'model="{model}" needs competing=, the column of what makes the event impossible '
            '(death); where nothing does, take model="cox"'
        )


def _refuse_overwriting(frame: pl.DataFrame, columns: Iterable[str]) -> None:
    there = [
        name for name in frame.columns
        if name == EXTRAPOLATED or any(name == one or name.startswith(f"{one}_") for one in columns)
    ]  # fmt: skip
    if there:
        raise SchemaError(
            f"column {', '.join(there)} is in the data already and would be written over; rename "
            "it, or leave it out"
        )


def _refuse_replicates(seen: FollowUp) -> None:
    if seen.sample.arrays is None:
        raise DesignError(
            "a risk model takes a design of weights, strata and units, not replicate weights: "
            "state SurveyDesign(weight=, strata=, psu=)"
        )


def _alone(competing: str | None, nothing_competes: bool) -> tuple[str, ...]:
    """What a risk is where nobody said whether people may die before the event."""
    if competing is not None or nothing_competes:
        return ()
    return (
        "nothing is said to compete with the event: where people may die before it, these risks "
        "are those if nobody died, and too high; name the column in competing=",
    )


def _few(events: int, competed: int, p: int, model: str) -> list[str]:
    """Events for each coefficient; a few are no ground for a model."""
    kinds = {"event": events} | ({"competing event": competed} if model == CAUSES else {})
    notes = []
    for word, n in kinds.items():
        text = (
            f"{count(n)} people with the {word} for {counted(p, 'coefficient')}, "
            f"{number(n / p, digits=2)} each"
        )
        if n < FEW_EVENTS * p:
            text += (
                f": fewer than {FEW_EVENTS}. Risks will be too extreme elsewhere; "
                "`prediction_sample_size` says how many people a model needs"
            )
        notes.append(text)
    return notes


def _limits(risk: float, reach: float) -> tuple[float, float]:
    """On the scale of log(−log(1 − risk)); none at 0 and 1, where there is no such scale."""
    if not 0 < risk < 1:
        return math.nan, math.nan
    centre = math.log(-math.log1p(-risk))
    scaled = reach / ((1 - risk) * -math.log1p(-risk))
    low, high = (-math.expm1(-math.exp(centre + side * scaled)) for side in (-1, 1))
    return low, high
