"""Answers to items of a report of a risk model, from the model, its people and its validation."""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from osteo_epi.arguments import confidence_level
from osteo_epi.cohort import codebook
from osteo_epi.errors import DefinitionError
from osteo_epi.risk._follow_up import COMPETING, EVENT
from osteo_epi.risk.discrimination._brier import brier_score
from osteo_epi.risk.discrimination._concordance import concordance
from osteo_epi.risk.discrimination._time_dependent import time_dependent_auc
from osteo_epi.risk.hazard import fit_cox
from osteo_epi.risk.planning._sizes import prediction_sample_size
from osteo_epi.risk.prediction._absolute import CAUSES, COX, SUBDISTRIBUTION
from osteo_epi.risk.prediction._model import RiskModel
from osteo_epi.risk.prediction._validation import Validation
from osteo_epi.risk.survival._subdistribution import fit_fine_gray
from osteo_epi.rounding import count, level, number
from osteo_epi.survey import Array

KINDS = {
    COX: "proportional hazards (Cox), ties as Efron's",
    CAUSES: "two cause-specific proportional hazards (Cox), of the event and the competing event",
    SUBDISTRIBUTION: "proportional subdistribution hazard (Fine and Gray)",
}
FORMULAS = {
    COX: "risk = 1 − exp(−H₀(t)·exp(β(x − centre)))",
    CAUSES: "sum over times of being free of both events until then and having the event then",
    SUBDISTRIBUTION: "risk = 1 − exp(−H₀(t)·exp(β(x − centre))), H₀ of the subdistribution",
}
CORRECTED = {
    "concordance": "C", "auc": "AUC", "brier": "Brier", "ipa": "IPA",
    "expected_observed": "expected/observed", "slope": "calibration slope",
}  # fmt: skip
TIME, HAPPENED, OTHER, INSIDE = "_followed", "_event", "_competing", "_inside"


def answers(
    model: RiskModel, validation: Validation | None, confidence: float
) -> dict[str, str | None]:
    """Item to answer; None where there is nothing to say."""
    confidence_level(confidence)
    people, known = model.people, model.predictors
    share = float(np.average(people.status == EVENT, weights=people.weight))
    return {
        "5b": _follow_up(model),
        "8a": f"{model.event}, by {_whens(model)} [unit of the time column]"
              + (f"; {model.competing} competes" if model.competing else ""),
        "9b": "; ".join(_defined(name) for name in known.columns),
        "10": _size(model),
        "11": _missing(model),
        "12a": "all people of the fit built the model, and evaluated it by internal validation"
               if validation else "all people of the fit built the model; nobody evaluated it",
        "12b": "; ".join(_entered(model, name) for name in known.columns),
        "12c": f"{KINDS[model.model]}; all predictors stated entered, none was chosen here; "
               f"{_validated(validation)}",
        "12d": f"people drawn: {model.design}; errors are of this design",
        "12e": "Harrell's C, time-dependent AUC, Brier score at the horizons"
               + ("; with calibration intercept and slope, corrected for optimism"
                  if validation else ""),
        "12g": f"{FORMULAS[model.model]}; model.predict(people) computes it",
        "13": f"{number(100 * share, digits=3)} % of people had the event while followed; nobody "
              "was drawn again or weighted to balance the outcome",
        "15": f"the probability of the event by {_whens(model)}; no classes or thresholds",
        "20a": f"{count(model.seen.n_inside)} people of the domain, "
               f"{count(model.seen.n_inside - model.n)} left out, {count(model.n)} in the model: "
               f"{_outcomes(model)}",
        "20b": f"{'; '.join(_described(model, name) for name in known.columns)}; "
               f"{_follow_up(model)}",
        "21": f"{_outcomes(model)}; {number(model.events_per_parameter, digits=3)} events a "
              "coefficient",
        "22": _specified(model),
        "23a": _performance(model, validation, confidence),
    }  # fmt: skip


def _whens(model: RiskModel) -> str:
    return " and ".join(f"{t:g}" for t in model.at)


def _outcomes(model: RiskModel) -> str:
    competed = f", {count(model.n_competing)} with the competing one" if model.competing else ""
    return (
        f"{count(model.n)} people, {count(model.n_events)} with the event ({model.event}){competed}"
    )


def _follow_up(model: RiskModel) -> str:
    time = model.people.time
    low, middle, high = (number(v, digits=3) for v in (time.min(), np.median(time), time.max()))
    return f"followed for a median of {middle} ({low} to {high}), {number(time.sum())} in all"


def _defined(name: str) -> str:
    """Meaning and unit by the codebook; what it does not have is the author's to define."""
    if name not in codebook():
        return f"{name}: for the author to define"
    variable = codebook()[name]
    return f"{name}: {variable.meaning}" + (f" [{variable.unit}]" if variable.unit else "")


def _entered(model: RiskModel, name: str) -> str:
    classes = model.predictors.classes.get(name)
    if classes is None:
        return f"{name}: as it is, linear in the log hazard"
    return f"{name}: {', '.join(classes[1:])} against {classes[0]}"


def _validated(validation: Validation | None) -> str:
    if validation is None:
        return "no internal validation was done"
    if validation.method == "bootstrap":
        return (
            f"internal validation by {count(validation.replicates)} bootstrap replicates, the "
            f"model fitted anew in each (seed {validation.seed})"
        )
    return f"internal validation across {validation.replicates} folds (seed {validation.seed})"


def _missing(model: RiskModel) -> str:
    total = count(model.seen.n_inside)
    lacking = [f"{name} {count(n)}" for name, n in model.seen.lost.items() if n]
    if not lacking:
        return f"none of {total} people lacked time, event or a predictor"
    return (
        f"of {total} people lacked {', '.join(lacking)}; complete cases: "
        f"{count(model.seen.n_inside - model.n)} left out, nothing was imputed"
    )


def _described(model: RiskModel, name: str) -> str:
    column = model.seen.people.frame.filter(pl.Series(model.seen.rows))[name]
    if name in model.predictors.classes:
        sizes = dict(column.cast(pl.String).value_counts().iter_rows())
        parts = (f"{one} {count(sizes[one])}" for one in model.predictors.classes[name])
        return f"{name} {', '.join(parts)}"
    values = column.cast(pl.Float64).to_numpy()
    mean, sd, low, high = (
        number(v, digits=3) for v in (values.mean(), values.std(ddof=1), values.min(), values.max())
    )
    return f"{name} mean {mean} (SD {sd}), {low} to {high}"


def _size(model: RiskModel) -> str:
    said = f"{_outcomes(model)} for {count(len(model.predictors.names))} coefficients"
    if not model.seen.sample.simple:
        return f"{said}; the criteria of Riley are for people drawn one by one, and not applied"
    people, p = model.people, len(model.predictors.names)
    null, full = _loglik(model)
    gain = 2 * (full - null)
    if gain <= p:
        return f"{said}; the model explains no more than chance would, so no size is large enough"
    explained = (1 - p / gain) * -math.expm1(-gain / model.n)
    try:
        need = prediction_sample_size(
            parameters=p, r_squared=explained, rate=model.n_events / people.time.sum(),
            horizon=max(model.at), mean_follow_up=float(people.time.mean()),
        )  # fmt: skip
    except DefinitionError as error:
        return f"{said}; the criteria of Riley cannot be computed here: {error}"
    wanted = ", ".join(f"{one.aim} {count(one.n)}" for one in need.needs)
    shrinkage = number(1 - p / gain, digits=3)
    return (
        f"{said}; at the model's own R² of {number(explained, digits=2)} (less optimism) the "
        f"criteria of Riley ask for {wanted} people; expected shrinkage {shrinkage}"
    )


def _loglik(model: RiskModel) -> tuple[float, float]:
    """Log partial likelihood without predictors, and of the model of the event."""
    people = model.people
    if model.model == SUBDISTRIBUTION:
        return fit_fine_gray(people.time, people.status, people.x, ties="efron").loglik
    return fit_cox(people.time, people.status == EVENT, people.x, names=people.names).loglik


def _specified(model: RiskModel) -> str:
    parts = []
    for (hazard,), rows in model.to_polars().group_by(["hazard"], maintain_order=True):
        each = [
            f"{name} {number(b, digits=4)} (SE {number(se, digits=2)})"
            for name, b, se in rows.select("covariate", "coefficient", "se").iter_rows()
        ]
        parts.append(f"log hazard ratios of the {hazard}: {', '.join(each)}")
    centre: Array = np.average(model.people.x, axis=0, weights=model.people.weight)
    risks = model.absolute.risk(centre[None], model.at)[0]
    where = ", ".join(
        f"{name} {number(v, digits=4)}"
        for name, v in zip(model.predictors.names, centre, strict=True)
    )
    at_centre = ", ".join(
        f"{number(r, digits=4)} by {t:g}" for t, r in zip(model.at, risks, strict=True)
    )
    return f"{'; '.join(parts)}; risk at the mean ({where}): {at_centre}"


def _performance(model: RiskModel, validation: Validation | None, confidence: float) -> str:
    frame, risks = _judged(model)
    design, competing = model.seen.sample.design, OTHER if model.competing else None
    c = concordance(
        frame, risk=risks[max(model.at)], time=TIME, event=HAPPENED, competing=competing,
        horizon=max(model.at), design=design, domain=INSIDE, confidence=confidence,
    ).c  # fmt: skip
    areas = time_dependent_auc(
        frame, risk=risks, time=TIME, event=HAPPENED, competing=competing, at=model.at,
        design=design, domain=INSIDE, confidence=confidence,
    ).auc  # fmt: skip
    scores = brier_score(
        frame, risk=risks, time=TIME, event=HAPPENED, competing=competing, at=model.at,
        design=design, domain=INSIDE, confidence=confidence,
    ).brier  # fmt: skip
    lines = [f"apparent, with {level(confidence)} limits: C by {max(model.at):g} {c.rounded(3)}"]
    for t, area, score in zip(model.at, areas, scores, strict=True):
        lines.append(f"by {t:g} AUC {area.rounded(3)}, Brier {score.rounded(3)}")
    if validation is not None:
        lines += [_corrected(validation, t) for t in model.at]
    return "; ".join(lines)


def _corrected(validation: Validation, at: float) -> str:
    each = (f"{words} {number(validation.corrected(name, at), digits=3)}"
            for name, words in CORRECTED.items())  # fmt: skip
    return f"corrected for optimism by {at:g}: {', '.join(each)}"


def _judged(model: RiskModel) -> tuple[pl.DataFrame, dict[float, str]]:
    """The people of the data with their risks, under names that no column of theirs has."""
    seen = model.seen
    x = np.full((len(seen.rows), model.people.x.shape[1]), np.nan)
    x[seen.rows] = model.people.x
    risks = np.full((len(x), len(model.at)), np.nan)
    risks[seen.rows] = model.absolute.risk(model.people.x, model.at)
    names = {t: f"_risk_{t:g}" for t in model.at}
    columns = {name: risks[:, j] for j, name in enumerate(names.values())}
    drawn = seen.people.frame.select(sorted(seen.sample.design.columns)).get_columns()
    frame = pl.DataFrame([
        *drawn, pl.Series(TIME, np.where(seen.rows, seen.time, np.nan)),
        pl.Series(HAPPENED, seen.status == EVENT), pl.Series(OTHER, seen.status == COMPETING),
        pl.Series(INSIDE, seen.rows), *(pl.Series(k, v) for k, v in columns.items()),
    ])  # fmt: skip
    return frame, names
