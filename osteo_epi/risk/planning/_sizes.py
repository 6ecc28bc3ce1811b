"""Sizes of studies of a risk: to find a hazard ratio per SD, and to build a prediction model."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from osteo_epi.accuracy import Need, StudySize, normal, sampling
from osteo_epi.arguments import number
from osteo_epi.errors import DefinitionError

NODES = 120
"""Of the quadrature over a normal law: the R² of a c-statistic stands still to 1e-12 from 60 on."""
BINARY, TIME = "prediction_binary", "prediction_time"


def hazard_ratio_sample_size(
    *,
    hazard_ratio: float,
    event_share: float,
    r_squared: float = 0.0,
    power: float = 0.8,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> StudySize:
    """People to find a hazard ratio per SD of a measurement.

    Parameters
    ----------
    hazard_ratio
        Expected per SD, in either direction (2.6 or 1/2.6 are the same).
    event_share
        Expected share of people who have the event during the follow-up (0 to 1).
    r_squared
        Share of the measurement's variance that the covariates adjusted for explain (0 to 1).
    power, confidence, design_effect, response
        As in `accuracy.accuracy_sample_size`.

    Returns
    -------
    StudySize

    Raises
    ------
    DefinitionError
        If the hazard ratio is 1, or a number is out of its range.

    Notes
    -----
    Events: (z + z')²/(ln²HR·(1 − R²)) (Hsieh and Lavori 2000, doi
    10.1016/s0197-2456(00)00104-5), for a hazard that is proportional and a measurement of SD 1.

    Examples
    --------
    >>> hazard_ratio_sample_size(hazard_ratio=1.5, event_share=0.05, r_squared=0.2)
    StudySize(hazard ratio per SD: 1,200 people, hazard ratio takes most)
    """
    number(hazard_ratio, "hazard_ratio", above=0)
    number(event_share, "event_share", above=0, most=1)
    number(r_squared, "r_squared", least=0, below=1)
    if hazard_ratio == 1:
        raise DefinitionError("hazard_ratio=1; expected a ratio that is to be found, such as 1.5")
    z = sum(normal(confidence, power))
    events = z**2 / (math.log(hazard_ratio) ** 2 * (1 - r_squared))
    stated = {
        "hazard_ratio": hazard_ratio, "event_share": event_share, "r_squared": r_squared,
        "power": power, "confidence": confidence,
    }  # fmt: skip
    return StudySize(
        "hazard ratio per SD", (Need.among("hazard ratio", "events", events, event_share),),
        stated, *sampling(design_effect, response), template="hazard_ratio",
    )  # fmt: skip


def prediction_sample_size(
    *,
    parameters: int,
    r_squared: float | None = None,
    share_of_largest: float | None = None,
    c_statistic: float | None = None,
    outcome_share: float | None = None,
    rate: float | None = None,
    horizon: float | None = None,
    mean_follow_up: float | None = None,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
    precision: float = 0.05,
    confidence: float = 0.95,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> StudySize:
    """People to build a prediction model that will not be too sure of itself.

    Parameters
    ----------
    parameters
        Candidate parameters: a category more, or a term of a spline, is one each.
    r_squared
        Expected R² of Cox and Snell; or one of the next two.
    share_of_largest
        Expected R² as a share of the largest possible (Nagelkerke's).
    c_statistic
        Expected c-statistic, for an outcome of yes or no: normal scores of one variance are
        taken to give it.
    outcome_share
        Expected share with the outcome (0 to 1), for an outcome of yes or no.
    rate, horizon, mean_follow_up
        Instead, for the time to an event: expected events a person-year, the time of prediction
        and the mean follow-up [years].
    shrinkage
        Least factor, below 1, that the model's effects are to be multiplied by to hold in other
        people: 0.9 takes a tenth off them.
    optimism
        Largest difference of apparent and true R², as a share of the largest possible.
    precision
        Half the width of the interval of the mean risk.
    confidence, design_effect, response
        As in `accuracy.accuracy_sample_size`.

    Returns
    -------
    StudySize

    Raises
    ------
    DefinitionError
        If the outcome or the R² is stated in no way or in two, or a number is out of its range.

    Notes
    -----
    The three criteria of Riley et al. 2019 (doi 10.1002/sim.7992); the R² of a c-statistic as in
    Riley et al. 2021 (doi 10.1002/sim.8806), by quadrature where they simulate.

    Examples
    --------
    >>> size = prediction_sample_size(parameters=24, r_squared=0.288, outcome_share=0.174)
    >>> size.to_frame().select("aim", "n").rows()
    [('shrinkage', 623), ('optimism', 662), ('mean risk', 221)]
    """
    number(parameters, "parameters", least=1, whole=True)
    for name, value in {"shrinkage": shrinkage, "optimism": optimism,
                        "precision": precision}.items():  # fmt: skip
        number(value, name, above=0, below=1)
    z = normal(confidence)[0]
    outcome = _outcome(outcome_share, rate, horizon, mean_follow_up)
    largest = _largest(outcome)
    explained = _explained(r_squared, share_of_largest, c_statistic, outcome, largest)
    second = explained / (explained + optimism * largest)
    share = outcome.get("outcome_share", outcome.get("rate", 0) * outcome.get("mean_follow_up", 0))
    risk, aim = _mean_risk(outcome, z, precision)
    needs = (
        Need.among("shrinkage", "people", _shrunk(parameters, explained, shrinkage), 1.0),
        Need.among("optimism", "people", _shrunk(parameters, explained, second), 1.0),
        Need.among(aim, "people", risk, 1.0),
    )
    stated = outcome | {
        "parameters": float(parameters), "r_squared": explained, "shrinkage": shrinkage,
        "optimism": optimism, "precision": precision, "confidence": confidence,
    }  # fmt: skip
    events = max(need.n for need in needs) * share
    note = f"{events:.0f} events are expected, {events / parameters:.1f} a parameter"
    return StudySize(
        "prediction model", needs, stated, *sampling(design_effect, response), notes=(note,),
        template=BINARY if "outcome_share" in outcome else TIME,
    )  # fmt: skip


def _outcome(
    outcome_share: float | None,
    rate: float | None,
    horizon: float | None,
    mean_follow_up: float | None,
) -> dict[str, float]:
    in_time = {"rate": rate, "horizon": horizon, "mean_follow_up": mean_follow_up}
    given = [name for name, value in in_time.items() if value is not None]
    if (outcome_share is None) == (not given) or (given and len(given) < len(in_time)):
        raise DefinitionError(
            "say what the outcome is: outcome_share= of yes or no, or rate=, horizon= and "
            "mean_follow_up= of the time to an event"
        )
    if outcome_share is not None:
        number(outcome_share, "outcome_share", above=0, below=1)
        return {"outcome_share": outcome_share}
    for name, value in in_time.items():
        number(value, name, above=0)
    return {name: float(value or 0.0) for name, value in in_time.items()}


def _largest(outcome: dict[str, float]) -> float:
    """Largest possible R² of Cox and Snell: that of a model that knows every outcome."""
    if "outcome_share" in outcome:
        p = outcome["outcome_share"]
        null = p * math.log(p) + (1 - p) * math.log(1 - p)
    else:
        events = outcome["rate"] * outcome["mean_follow_up"]
        null = events * math.log(events) - events
    return 1 - math.exp(2 * null)


def _explained(
    r_squared: float | None,
    share_of_largest: float | None,
    c_statistic: float | None,
    outcome: dict[str, float],
    largest: float,
) -> float:
    ways = {"r_squared": r_squared, "share_of_largest": share_of_largest,
            "c_statistic": c_statistic}  # fmt: skip
    given = {name: value for name, value in ways.items() if value is not None}
    if len(given) != 1:
        raise DefinitionError(f"say how much the model explains by one of {', '.join(ways)}")
    if share_of_largest is not None:
        number(share_of_largest, "share_of_largest", above=0, below=1)
        return share_of_largest * largest
    if c_statistic is not None:
        number(c_statistic, "c_statistic", above=0.5, below=1)
        if "outcome_share" not in outcome:
            raise DefinitionError(
                "c_statistic= is for an outcome of yes or no; of the time to an event state "
                "r_squared= or share_of_largest="
            )
        return r_squared_of(c_statistic, outcome["outcome_share"])
    number(r_squared, "r_squared", above=0, below=largest)
    return float(r_squared or 0.0)


def r_squared_of(c_statistic: float, outcome_share: float) -> float:
    """R² of Cox and Snell of normal scores of one variance with a c-statistic."""
    gap = math.sqrt(2) * float(ndtri(c_statistic))
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    # Both laws have SD 1 and stand a gap apart: the log-odds of disease are straight in the score.
    odds = math.log(outcome_share / (1 - outcome_share))
    sick, well = (odds + gap * (nodes + centre) for centre in (gap / 2, -gap / 2))
    fitted = outcome_share * weights @ -np.logaddexp(0, -sick)
    fitted += (1 - outcome_share) * weights @ -np.logaddexp(0, well)
    null = outcome_share * math.log(outcome_share) + (1 - outcome_share) * math.log(
        1 - outcome_share
    )
    return 1 - math.exp(-2 * (float(fitted) - null))


def _shrunk(parameters: int, explained: float, shrinkage: float) -> float:
    if explained >= shrinkage:
        raise DefinitionError(
            f"an R² of {explained:.3g} is not below the shrinkage of {shrinkage:.3g}: state a "
            "larger shrinkage= or a smaller R²"
        )
    return parameters / ((shrinkage - 1) * math.log(1 - explained / shrinkage))


def _mean_risk(outcome: dict[str, float], z: float, precision: float) -> tuple[float, str]:
    """People for the mean risk, by the wider side of its interval."""
    if "outcome_share" in outcome:
        p = outcome["outcome_share"]
        return z**2 * p * (1 - p) / precision**2, "mean risk"
    rate, time = outcome["rate"], outcome["horizon"]
    free = math.exp(-rate * time)
    # Of the rate: upwards, and downwards, to where the risk has moved by the precision.
    moves = [math.log(free / (free - precision)) / time] if free > precision else []
    moves += [math.log((free + precision) / free) / time] if free + precision < 1 else []
    if not moves:
        return 1.0, "risk at the horizon"
    return z**2 * rate / (outcome["mean_follow_up"] * min(moves) ** 2), "risk at the horizon"
