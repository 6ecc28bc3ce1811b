"""Area under the time-dependent ROC curve: who has the event by a horizon, against who has not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi.accuracy import Joint, Measure, Positive
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk.discrimination._at import At, States, columns, horizons, label, rows
from osteo_epi.risk.discrimination._difference import HorizonComparison, compared
from osteo_epi.risk.discrimination._horizons import Horizon
from osteo_epi.risk.discrimination._read import (
    Direction,
    Risks,
    certain,
    measures,
    read_risks,
)
from osteo_epi.rounding import count
from osteo_epi.survey import Array

CONTROLS = ("without_event", "event_free")
Controls = Literal["without_event", "event_free"]


@dataclass(frozen=True, repr=False)
class TimeDependentAUC(Result):
    """Area under the time-dependent ROC curve at one or several horizons.

    Attributes
    ----------
    at
        The horizons [unit of time].
    auc
        The area at each: the probability that of a person with the event by then and one without
        the former has the higher risk, ties counted a half.
    states
        People at each: cases, those with the competing event, those known to be free, and those
        censored before, whose place the others take.
    covariance
        (k, k) of the areas.
    n, risk, direction, event, competing, controls, design, confidence, df, notes
        People, what was asked, degrees of freedom of the limits, and what a reader must know.
    """

    at: tuple[float, ...]
    auc: tuple[Measure, ...]
    states: tuple[States, ...]
    covariance: Array
    n: int
    risk: str
    direction: str
    event: str
    competing: str | None
    controls: str
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a horizon: estimate, se, lower, upper, and people by state."""
        return pl.DataFrame(list(rows(self.states, {"auc": self.auc})))

    def _summary(self) -> str:
        areas = (f"{t:g}: {m.rounded(3)}" for t, m in zip(self.at, self.auc, strict=True))
        return f"{self.risk}, AUC at {'; '.join(areas)}; n {count(self.n)}"


@on_people("risk", "time", "event", "competing", "cluster", "domain")
def time_dependent_auc(
    people: Any = None,
    *,
    risk: Column,
    time: Column,
    event: Column,
    at: At,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    controls: Controls = "without_event",
    direction: Direction | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> TimeDependentAUC:
    """Area under the time-dependent ROC curve.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    risk
        Column of numbers, or the column of each horizon, as `{5: "risk_5", 10: "risk_10"}`; only
        their order counts.
    time, event, event_positive, competing, competing_positive
        As in `follow_up`.
    nothing_competes
        True where no event makes the other impossible. Without it `competing` has to be named
        where the data show signs of one: a column of deaths, or other codes of the event.
    at
        One horizon or several [unit of time].
    controls
        "without_event": whoever has not had the event by the horizon, those with the competing
        event among them. "event_free": only who has had neither. They differ with `competing`
        only.
    direction
        "high" where high values mean risk, "low" for densities and T-scores; a column of
        probabilities (within 0 to 1, or in percent by the codebook) needs none.
    design, cluster, domain, confidence, accept_errors
        As in `concordance`.

    Returns
    -------
    TimeDependentAUC

    Raises
    ------
    SchemaError
        If a column is absent, a competing event seems to be unsaid, the risk is constant, or at a
        horizon nobody is followed beyond it or nobody has had the event.
    DesignError, DefinitionError
        If the people hold half a survey design, or an argument is none of its kind.

    Notes
    -----
    Cases are cumulative and controls dynamic (Heagerty, Lumley, Pepe 2000, doi
    10.1111/j.0006-341x.2000.00337.x), weighted by the inverse share not yet censored, which must
    not depend on the risk: just before the event, G(T−), and G(t) at the horizon. An event at the
    horizon itself is a case. The standard error counts that G is estimated (Blanche, Dartigues,
    Jacqmin-Gadda 2013, doi 10.1002/sim.5958), with a survey design by its units. The two kinds of
    controls are their definitions ii and i.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.31, 0.22, 0.05, 0.12, 0.12, 0.08], "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
    ...     "fracture": [True, True, True, False, True, False],
    ... })
    >>> time_dependent_auc(people, risk="risk", time="years", event="fracture", at=7)
    TimeDependentAUC(risk, AUC at 7: 0.6 (0 to 1); n 6)
    """
    whens = horizons(at)
    _refuse_controls(controls)
    risks = read_risks(
        people, columns(risk, whens, "risk"), time=time, event=event,
        event_positive=event_positive, competing=competing, competing_positive=competing_positive,
        nothing_competes=nothing_competes, refuses=True,
        design=design, cluster=cluster, domain=domain, accept_errors=accept_errors,
        confidence=confidence,
        directions=(direction,) * len(whens),
    )  # fmt: skip
    states = tuple(States.of(risks, one) for one in whens)
    joint = _joint(risks, whens, controls)
    areas = tuple(measures(joint, n=risks.seen.n, method=risks.method, confidence=confidence))
    low = [f"{t:g}" for t, area in zip(whens, areas, strict=True) if area.estimate < 0.5]
    notes = [*risks.seen.notes]
    if low:
        notes.append(
            f"the area at {', '.join(low)} is below 0.5; those with the lower value have the event "
            'first. Look whether direction="low" was meant'
        )
    notes += certain([f"the area at {t:g}" for t in whens], areas)
    return TimeDependentAUC(
        whens, areas, states, joint.covariance, risks.seen.n, label(risk), direction or "high",
        risks.seen.event, risks.seen.competing, controls, str(risks.seen.sample.design),
        confidence, joint.df, tuple(notes),
    )  # fmt: skip


@on_people("first", "second", "time", "event", "competing", "cluster", "domain")
def compare_time_dependent_auc(
    people: Any = None,
    *,
    first: Column,
    second: Column,
    time: Column,
    event: Column,
    at: At,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    controls: Controls = "without_event",
    first_direction: Direction | None = None,
    second_direction: Direction | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> HorizonComparison:
    """Compare the time-dependent areas of two risks in the same people.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    first, second
        The risks, each as `risk` in `time_dependent_auc`; people who lack either are left out.
    first_direction, second_direction
        "high" where high values mean risk, "low" for densities and T-scores; a column of
        probabilities (within 0 to 1, or in percent by the codebook) needs none.
    time, event, event_positive, competing, competing_positive, nothing_competes, at,
    controls
        As in `time_dependent_auc`.
    design, cluster, domain, confidence, accept_errors
        As in `concordance`.

    Returns
    -------
    HorizonComparison

    Raises
    ------
    SchemaError, DesignError, DefinitionError
        As `time_dependent_auc`.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.31, 0.22, 0.05, 0.12, 0.12, 0.08], "age": [80, 61, 77, 70, 66, 64],
    ...     "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
    ...     "fracture": [True, True, True, False, True, False],
    ... })
    >>> compare_time_dependent_auc(
    ...     people, first="risk", second="age", second_direction="high", time="years",
    ...     event="fracture", at=7
    ... )
    HorizonComparison(risk less age, AUC difference at 7: -0.1 (-1 to 0.928); n 6)
    """
    whens = horizons(at)
    _refuse_controls(controls)
    pairs = (*columns(first, whens, "first"), *columns(second, whens, "second"))
    ways = (first_direction,) * len(whens) + (second_direction,) * len(whens)
    risks = read_risks(
        people, pairs, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, nothing_competes=nothing_competes, refuses=True,
        design=design, cluster=cluster, domain=domain,
        accept_errors=accept_errors, confidence=confidence, directions=ways,
    )  # fmt: skip
    states = tuple(States.of(risks, one) for one in whens)
    joint = _joint(risks, whens * 2, controls)
    return compared("auc", (label(first), label(second)), risks, states, joint, confidence)


def _refuse_controls(controls: str) -> None:
    if controls not in CONTROLS:
        raise DefinitionError(f"controls={controls!r}; expected one of {', '.join(CONTROLS)}")


def _joint(risks: Risks, whens: tuple[float, ...], controls: str) -> Joint:
    """The area of each risk at its horizon, with their covariance."""
    codes = [np.unique(value, return_inverse=True)[1] for value in risks.values]

    def parts(weight: Array) -> list[tuple[float, Array]]:
        states = {t: Horizon.of(risks.time, risks.status, t, weight=weight) for t in whens}
        return [
            states[t].auc(code, states[t].free if controls == "event_free" else states[t].controls)
            for t, code in zip(whens, codes, strict=True)
        ]

    return risks.joint(parts)
