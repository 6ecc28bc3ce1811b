"""Brier score of a risk at a horizon, beside that of giving everybody one risk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.accuracy import Joint, Measure, Positive
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk._shares import as_shares
from osteo_epi.risk.discrimination._at import At, Risk, States, columns, horizons, label, rows
from osteo_epi.risk.discrimination._difference import HorizonComparison, compared
from osteo_epi.risk.discrimination._horizons import Horizon
from osteo_epi.risk.discrimination._read import Risks, measures, read_risks
from osteo_epi.rounding import count
from osteo_epi.survey import Array

RANKS = "`concordance` and `time_dependent_auc` take it as it is"


@dataclass(frozen=True, repr=False)
class BrierScore(Result):
    """Mean squared error of a risk at one or several horizons.

    Attributes
    ----------
    at
        The horizons [unit of time].
    brier
        Mean square of the difference between the risk and what happened by each horizon: 0 is
        perfect.
    null_brier
        The same of the null model, which gives everybody the share with the event by then.
    difference
        brier − null_brier: below 0 the risk says more than that share alone.
    ipa
        Index of prediction accuracy, 1 − brier/null_brier.
    incidence
        (k,) the null model's risk (Aalen and Johansen with competing events).
    states, n, risk, event, competing, design, confidence, df, notes
        As of `TimeDependentAUC`.
    """

    at: tuple[float, ...]
    brier: tuple[Measure, ...]
    null_brier: tuple[Measure, ...]
    difference: tuple[Measure, ...]
    ipa: tuple[Measure, ...]
    incidence: Array
    states: tuple[States, ...]
    n: int
    risk: str
    event: str
    competing: str | None
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a horizon and measure: estimate, se, lower, upper, and people by state."""
        names = ("brier", "null_brier", "difference", "ipa")
        return pl.DataFrame(list(rows(self.states, {name: getattr(self, name) for name in names})))

    def _summary(self) -> str:
        parts = zip(self.at, self.brier, self.ipa, strict=True)
        scores = (f"{t:g}: {b.rounded(3)}, IPA {i.rounded(3)}" for t, b, i in parts)
        return f"{self.risk}, Brier score at {'; '.join(scores)}; n {count(self.n)}"


@on_people("risk", "time", "event", "competing", "cluster", "domain")
def brier_score(
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
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> BrierScore:
    """Brier score and index of prediction accuracy of a risk.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    risk
        Column of the probability of the event by the horizon [0 to 1; one that the codebook has
        in percent, `frax_major`, is divided by 100]; of several horizons the column of each, as
        `{5: "risk_5", 10: "risk_10"}`.
    time, event, event_positive, competing, competing_positive
        As in `follow_up`.
    nothing_competes
        True where no event makes the other impossible. Without it `competing` has to be named
        where the data show signs of one: a column of deaths, or other codes of the event.
    at
        One horizon or several [unit of time].
    design, cluster, domain, confidence, accept_errors
        As in `concordance`.

    Returns
    -------
    BrierScore

    Raises
    ------
    SchemaError
        If a column is absent, a competing event seems to be unsaid, a risk lies outside 0 to 1,
        all have one risk, or at a horizon nobody is followed beyond it or nobody has had the event.
    DesignError, DefinitionError
        If the people hold half a survey design, or an argument is none of its kind.

    Notes
    -----
    People whose state at the horizon is not known are made up for by the others, weighted by the
    inverse share not yet censored as in `time_dependent_auc`; the standard error counts that it is
    estimated. Graf et al. 1999, doi
    10.1002/(sici)1097-0258(19990915/30)18:17/18<2529::aid-sim274>3.0.co;2-5; Kattan and Gerds 2018
    (IPA), doi 10.1186/s41512-018-0029-2.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.71, 0.62, 0.35, 0.42, 0.32, 0.18], "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
    ...     "fracture": [True, True, True, False, True, False],
    ... })
    >>> brier_score(people, risk="risk", time="years", event="fracture", at=7)
    BrierScore(risk, Brier score at 7: 0.162 (0.0164 to 0.307), IPA 0.344 (-0.342 to 1); n 6)
    """
    whens = horizons(at)
    _refuse_one_column(risk, whens, "risk")
    risks = _read(
        people, columns(risk, whens, "risk"), time=time, event=event,
        event_positive=event_positive, competing=competing, competing_positive=competing_positive,
        nothing_competes=nothing_competes, refuses=True,
        design=design, cluster=cluster, domain=domain, accept_errors=accept_errors,
        confidence=confidence,
    )  # fmt: skip
    states = tuple(States.of(risks, one) for one in whens)
    joint, k = _joint(risks, whens, null=True), len(whens)
    given: dict[str, Any] = {
        "n": risks.seen.n, "method": risks.method, "confidence": confidence,
    }  # fmt: skip
    both = measures(joint, **given)
    ratio = joint.value[:k] / joint.value[k:]
    apart = np.hstack([np.eye(k), -np.eye(k)])
    gain = np.hstack([np.diag(-1 / joint.value[k:]), np.diag(ratio / joint.value[k:])])
    differences = _turned(joint, joint.value[:k] - joint.value[k:], apart)
    gains = _turned(joint, 1 - ratio, gain)
    weight = risks.weight
    null = [Horizon.of(risks.time, risks.status, t, weight=weight).incidence() for t in whens]
    return BrierScore(
        whens, tuple(both[:k]), tuple(both[k:]),
        tuple(measures(differences, **given, least=-1.0)),
        tuple(measures(gains, **given, least=-np.inf)), np.array(null), states, risks.seen.n,
        label(risk), risks.seen.event, risks.seen.competing, str(risks.seen.sample.design),
        confidence, joint.df, risks.seen.notes,
    )  # fmt: skip


@on_people("first", "second", "time", "event", "competing", "cluster", "domain")
def compare_brier(
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
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> HorizonComparison:
    """Compare the Brier scores of two risks in the same people.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    first, second
        The risks, each as `risk` in `brier_score`; people who lack either are left out.
    time, event, event_positive, competing, competing_positive, nothing_competes, at
        As in `brier_score`.
    design, cluster, domain, confidence, accept_errors
        As in `concordance`.

    Returns
    -------
    HorizonComparison
        First − second: below 0 the first is better.

    Raises
    ------
    SchemaError, DesignError, DefinitionError
        As `brier_score`.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.71, 0.62, 0.35, 0.42, 0.32, 0.18], "old": [0.5, 0.6, 0.4, 0.4, 0.5, 0.4],
    ...     "years": [1.5, 4.0, 6.0, 5.0, 8.0, 9.0],
    ...     "fracture": [True, True, True, False, True, False],
    ... })
    >>> compare_brier(people, first="risk", second="old", time="years", event="fracture", at=7)
    HorizonComparison(risk less old, Brier score difference at 7: -0.0775 (-0.165 to 0.0102); n 6)
    """
    whens = horizons(at)
    _refuse_one_column(first, whens, "first")
    _refuse_one_column(second, whens, "second")
    pairs = (*columns(first, whens, "first"), *columns(second, whens, "second"))
    risks = _read(
        people, pairs, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, nothing_competes=nothing_competes, refuses=True,
        design=design, cluster=cluster, domain=domain,
        accept_errors=accept_errors, confidence=confidence,
    )  # fmt: skip
    states = tuple(States.of(risks, one) for one in whens)
    joint = _joint(risks, whens * 2, null=False)
    return compared("brier", (label(first), label(second)), risks, states, joint, confidence)


def _refuse_one_column(risk: Risk, at: tuple[float, ...], role: str) -> None:
    """Refuse one probability for several horizons: it can be right for one of them only."""
    named = [name for _, name in columns(risk, at, role)]
    if len(set(named)) == len(named):
        return
    example = ", ".join(f'{t:g}: "risk_{t:g}"' for t in at)
    raise DefinitionError(
        f"{role} names one column ({named[0]}) for several horizons, and the probability of the "
        f"event by one is not that by another: name the column of each, as in {role}={{{example}}}"
    )


def _read(people: Any, pairs: tuple[tuple[str, str], ...], **options: Any) -> Risks:
    """Read risks that are probabilities, those in percent as shares."""
    risks = read_risks(people, pairs, **options)
    values, said = [], list[str]()
    for name, value in zip(risks.names, risks.values, strict=True):
        share, note = as_shares(value, name, value, otherwise=RANKS)
        values.append(share)
        said += [note] if note and note not in said else []
    seen = replace(risks.seen, notes=(*risks.seen.notes, *said))
    return replace(risks, seen=seen, values=tuple(values))


def _joint(risks: Risks, whens: tuple[float, ...], *, null: bool) -> Joint:
    """Scores of each risk at its horizon, then of the null model if wanted."""

    def parts(weight: Array) -> list[tuple[float, Array]]:
        states = {t: Horizon.of(risks.time, risks.status, t, weight=weight) for t in whens}
        scores = [states[t].brier(value) for t, value in zip(whens, risks.values, strict=True)]
        # The null model's own risk moves its score by nothing: it is where the score is least.
        return scores + [states[t].brier(states[t].incidence()) for t in whens if null]

    return risks.joint(parts)


def _turned(joint: Joint, value: Array, gradient: Array) -> Joint:
    """Smooth functions of the values, by their (j, k) gradient."""
    return Joint(value, gradient @ joint.covariance @ gradient.T, joint.df)
