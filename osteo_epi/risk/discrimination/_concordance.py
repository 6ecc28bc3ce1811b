"""C-index: of two people, whether the one who has the event first had the higher risk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Joint, Measure, Positive
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._follow_up import EVENT
from osteo_epi.risk.discrimination._pairs import Pairs
from osteo_epi.risk.discrimination._ranking import Ranking
from osteo_epi.risk.discrimination._read import (
    Direction,
    Risks,
    certain,
    events_until,
    measures,
    p_value,
    read_risks,
)
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array

METHODS = ("harrell", "uno")


@dataclass(frozen=True, repr=False)
class Concordance(Result):
    """Concordance of a risk with the order of events.

    Attributes
    ----------
    c
        Share of pairs in which the person who has the event had the higher risk, ties in risk
        counted a half.
    concordant, discordant, tied_risk
        Weight of the pairs of each kind: their number by "harrell" without a design.
    tied_time, tied_both
        Pairs of two events at one time, of different and of equal risk; they are in no share.
    n, n_events
        People, and those of them whose event counts.
    risk, direction, event, competing, method, horizon, design, confidence, df, notes
        What was asked, degrees of freedom of the limits, and what a reader must know.
    """

    c: Measure
    concordant: float
    discordant: float
    tied_risk: float
    tied_time: float
    tied_both: float
    n: int
    n_events: int
    risk: str
    direction: str
    event: str
    competing: str | None
    method: str
    horizon: float | None
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row: estimate, se, lower, upper, n, and the pairs by kind."""
        pairs = ("concordant", "discordant", "tied_risk", "tied_time", "tied_both", "n_events")
        row = self.c.as_row() | {name: getattr(self, name) for name in pairs}
        return pl.DataFrame([row | {"method": self.method, "horizon": self.horizon}],
                            schema_overrides={"horizon": pl.Float64})  # fmt: skip

    def _summary(self) -> str:
        return (
            f"{self.risk}, {self.method}, C {self.c.rounded(3)}, {count(self.n)} people, "
            f"{count(self.n_events)} events"
        )


@dataclass(frozen=True, repr=False)
class ConcordanceComparison(Result):
    """Difference of the concordance of two risks in the same people.

    Attributes
    ----------
    first, second
        The risks.
    c_first, c_second, difference
        Their concordances, and first − second with its `se`, `lower` and `upper`.
    covariance
        (2, 2) of the two.
    statistic, df, p
        Difference over its standard error, on the normal law where df is infinite, else on
        Student's t; None where the standard error is 0.
    n, n_events, method, horizon, design, confidence, notes
        As of `Concordance`.
    """

    first: str
    second: str
    c_first: float
    c_second: float
    difference: float
    se: float
    lower: float
    upper: float
    covariance: Array
    statistic: float | None
    df: float
    p: float | None
    n: int
    n_events: int
    method: str
    horizon: float | None
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row; the covariance of the two as a number."""
        row = {k: v for k, v in self.__dict__.items() if k != "notes"}
        row["covariance"] = float(self.covariance[0, 1])
        floats = dict.fromkeys(("statistic", "p", "horizon"), pl.Float64)
        return pl.DataFrame([row], schema_overrides=floats)

    def _summary(self) -> str:
        gap, low, high = (number(v, digits=3) for v in (self.difference, self.lower, self.upper))
        return (
            f"{self.first} less {self.second}, C difference {gap} ({low} to {high}), "
            f"n {count(self.n)}"
        )


@on_people("risk", "time", "event", "competing", "cluster", "domain")
def concordance(
    people: Any = None,
    *,
    risk: Column,
    time: Column,
    event: Column,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    method: Literal["harrell", "uno"] = "harrell",
    direction: Direction | None = None,
    horizon: float | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> Concordance:
    """C-index of a risk.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    risk
        Column of numbers; only their order counts.
    time, event, event_positive, competing, competing_positive
        As in `follow_up`. Whoever has the competing event is without the event for good, and
        makes a pair with everybody who has it (Wolbers et al. 2009).
    method
        "harrell": every pair counts alike, so that C depends on who is censored when. "uno":
        pairs are weighted by the inverse share not yet censored, which estimates the C of the
        population up to the horizon.
    direction
        "high" where high values mean risk, "low" for densities and T-scores; a column of
        probabilities (within 0 to 1, or in percent by the codebook) needs none.
    horizon
        Only events at or before it count [unit of time]; None for all. "uno" wants one: late
        events weigh without bound.
    design, cluster, domain, accept_errors
        As in `accuracy.accuracy`.
    confidence
        Level of the limits.

    Returns
    -------
    Concordance

    Raises
    ------
    SchemaError
        If a column is absent, nobody has the event, the risk is constant, or the horizon lies
        beyond the follow-up.
    DesignError, DefinitionError
        If the people hold half a survey design, or an argument is none of its kind.

    Notes
    -----
    A pair is an event and a person followed beyond it, or censored at its very time. The standard
    error is that of the infinitesimal jackknife, with a survey design summed to its units;
    "uno" counts the censoring as estimated too, which R's survival does not. Harrell et al. 1982,
    doi 10.1001/jama.1982.03320430047030; Uno et al. 2011, doi 10.1002/sim.4154; Wolbers et al.
    2009, doi 10.1097/ede.0b013e3181a39056, and 2014, doi 10.1093/biostatistics/kxt059.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.31, 0.22, 0.05, 0.12, 0.12, 0.08], "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
    ...     "fracture": [True, True, True, False, True, False],
    ... })
    >>> concordance(people, risk="risk", time="years", event="fracture")
    Concordance(risk, harrell, C 0.833 (0.528 to 1), 6 people, 4 events)
    """
    _refuse_arguments(method, horizon)
    risks = read_risks(
        people, (("risk", risk),), time=time, event=event, event_positive=event_positive,
        competing=competing, competing_positive=competing_positive, design=design, cluster=cluster,
        domain=domain,
        accept_errors=accept_errors, confidence=confidence, directions=(direction,),
    )  # fmt: skip
    events = _events(risks, horizon)
    rankings = _rankings(risks, method, horizon)
    joint, one = _joint(risks, rankings)
    seen = risks.seen
    way = f"{method}, {risks.method}"
    (c,) = measures(joint, n=seen.n, method=way, confidence=confidence)
    return Concordance(
        c, one.concordant, one.discordant, one.tied_risk, one.tied_time, one.tied_both, seen.n,
        events, risk, direction or "high", seen.event, seen.competing, method, horizon,
        str(seen.sample.design), confidence, joint.df,
        (*_notes(risks, (risk,), joint.value, method, horizon), *certain((risk,), (c,))),
    )  # fmt: skip


@on_people("first", "second", "time", "event", "competing", "cluster", "domain")
def compare_concordance(
    people: Any = None,
    *,
    first: Column,
    second: Column,
    time: Column,
    event: Column,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    method: Literal["harrell", "uno"] = "harrell",
    first_direction: Direction | None = None,
    second_direction: Direction | None = None,
    horizon: float | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> ConcordanceComparison:
    """Compare the C-index of two risks in the same people.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    first, second
        Columns of the risks; people who lack either are left out and counted.
    first_direction, second_direction
        "high" where high values mean risk, "low" for densities and T-scores; a column of
        probabilities (within 0 to 1, or in percent by the codebook) needs none.
    time, event, event_positive, competing, competing_positive, method, horizon
        As in `concordance`.
    design, cluster, domain, confidence, accept_errors
        As in `concordance`.

    Returns
    -------
    ConcordanceComparison

    Raises
    ------
    SchemaError, DesignError, DefinitionError
        As `concordance`.

    Notes
    -----
    The difference of two C-indices has little power to show that a marker adds to a model: test
    its coefficient (`hazard_ratios`), and see what it changes (`brier_score`, `decision_curve`).

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.31, 0.22, 0.05, 0.12, 0.12, 0.08], "age": [80, 61, 77, 70, 66, 64],
    ...     "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
    ...     "fracture": [True, True, True, False, True, False],
    ... })
    >>> compare_concordance(people, first="risk", second="age", second_direction="high",
    ...                     time="years", event="fracture")
    ConcordanceComparison(risk less age, C difference 0.167 (-0.462 to 0.796), n 6)
    """
    _refuse_arguments(method, horizon)
    risks = read_risks(
        people, (("first", first), ("second", second)), time=time, event=event,
        event_positive=event_positive, competing=competing, competing_positive=competing_positive,
        design=design, cluster=cluster, domain=domain, accept_errors=accept_errors,
        confidence=confidence,
        directions=(first_direction, second_direction),
    )  # fmt: skip
    events = _events(risks, horizon)
    joint, _ = _joint(risks, _rankings(risks, method, horizon))
    one, two = (float(v) for v in joint.value)
    se = joint.error([1, -1])
    reach = joint.quantile(confidence) * se
    statistic, p = p_value(one - two, se, joint.df)
    return ConcordanceComparison(
        first, second, one, two, one - two, se, max(one - two - reach, -1.0),
        min(one - two + reach, 1.0), joint.covariance, statistic, joint.df, p,
        risks.seen.n, events, method, horizon, str(risks.seen.sample.design), confidence,
        _notes(risks, (first, second), joint.value, method, horizon),
    )  # fmt: skip


def _refuse_arguments(method: str, horizon: float | None) -> None:
    if method not in METHODS:
        raise DefinitionError(f"method={method!r}; expected one of {', '.join(METHODS)}")
    if horizon is not None:
        arguments.number(horizon, "horizon", above=0)


def _events(risks: Risks, horizon: float | None) -> int:
    if horizon is None:
        return int((risks.status == EVENT).sum())
    return events_until(risks, horizon, "horizon")


def _rankings(risks: Risks, method: str, horizon: float | None) -> list[Ranking]:
    given: dict[str, Any] = {"uno": method == "uno", "horizon": horizon}
    return [Ranking.of(risks.time, risks.status, value, **given) for value in risks.values]


def _joint(risks: Risks, rankings: list[Ranking]) -> tuple[Joint, Pairs]:
    """The concordances with their covariance, and the pairs of the first.

    Of people drawn one by one it is the sum of squares of what each moves, as in R's survival.
    """
    both = [one.influence(risks.weight) for one in rankings]
    if not both[0][0].weight:
        raise SchemaError(
            f"nobody is followed beyond anybody's event ({risks.seen.event}), so that there is no "
            "pair of which one had it first; take a longer follow-up, or a later horizon"
        )
    values = np.array([pairs.c for pairs, _ in both])
    linear = np.column_stack([moved for _, moved in both])
    if risks.seen.sample.simple:
        return Joint(values, linear.T @ linear, math.inf), both[0][0]

    def parts(weight: Array) -> list[tuple[float, Array]]:
        return [(pairs.c, moved) for pairs, moved in (one.influence(weight) for one in rankings)]

    return risks.joint(parts), both[0][0]


def _notes(
    risks: Risks, names: tuple[str, ...], values: Array, method: str, horizon: float | None
) -> tuple[str, ...]:
    notes = [*risks.seen.notes]
    for name, value in zip(names, values, strict=True):
        if value < 0.5:
            notes.append(
                f"{name}: C is below 0.5; those with the lower value have the event first. Look "
                'whether direction="low" was meant'
            )
    if method == "uno" and horizon is None:
        notes.append(
            "no horizon: pairs weigh by the inverse share not yet censored, which grows without "
            "bound towards the end of follow-up; state horizon="
        )
    return tuple(notes)
