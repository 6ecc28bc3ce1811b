"""Decision curves: the net benefit of treating by a risk, or by a test, over thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy import Positive, Share
from osteo_epi.agreement import critical_value
from osteo_epi.errors import DefinitionError
from osteo_epi.frames import Column, on_people
from osteo_epi.results import Result
from osteo_epi.risk.performance._outcomes import Binary
from osteo_epi.risk.performance._predictions import (
    TREAT_ALL,
    TREAT_NONE,
    Happened,
    Predictions,
    Tests,
    read_predictions,
)
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array, Mask

# What binary arithmetic leaves of a threshold: 15 percent / 100 is one that is reached at 0.15.
REACHED = 1e-12


@dataclass(frozen=True, repr=False)
class DecisionCurve(Result):
    """Net benefit of strategies over thresholds.

    Attributes
    ----------
    thresholds
        (T,) risks from which a person is treated [0 to 1].
    strategies
        The k names: risks, tests, "treat all", "treat none".
    true_positive, false_positive
        (k, T) people treated who have the outcome, and who have not [per person].
    net_benefit, se, lower, upper
        (k, T) net benefit [true positives per person], and its pointwise limits.
    event_share
        Share of people with the outcome, observed or stated.
    n, n_events
        People, and those known to have the outcome.
    outcome, prevalence, design, confidence, df, notes
        What happened, the share stated (None: observed), how people were drawn, and what a reader
        must know.
    """

    thresholds: Array
    strategies: tuple[str, ...]
    true_positive: Array
    false_positive: Array
    event_share: float
    n: int
    n_events: int
    outcome: str
    prevalence: float | None
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]
    _covariance: Array = field(repr=False)

    @property
    def net_benefit(self) -> Array:
        """(k, T) true positives less false positives at the odds of the threshold."""
        return self.true_positive - self.false_positive * _odds(self.thresholds)

    @property
    def se(self) -> Array:
        """(k, T) standard errors of the net benefit."""
        return np.array([self._error(self._unit(name)) for name in self.strategies])

    @property
    def lower(self) -> Array:
        """(k, T) lower limits."""
        return self.net_benefit - self._critical * self.se

    @property
    def upper(self) -> Array:
        """(k, T) upper limits."""
        return self.net_benefit + self._critical * self.se

    def difference(self, first: str, second: str) -> pl.DataFrame:
        """Net benefit of one strategy less that of another, with limits.

        Parameters
        ----------
        first, second
            Two of `strategies`.

        Returns
        -------
        polars.DataFrame
            threshold, difference, se, lower, upper.

        Raises
        ------
        DefinitionError
            If one is none of the strategies.
        """
        places = [self._place(name) for name in (first, second)]
        gap = self.net_benefit[places[0]] - self.net_benefit[places[1]]
        error = self._error(self._unit(first) - self._unit(second))
        return self._limits(gap, error, "difference")

    def standardised(self, strategy: str) -> pl.DataFrame:
        """Net benefit as a share of the largest possible, which is the share of events.

        Returns
        -------
        polars.DataFrame
            threshold, standardised_net_benefit, se, lower, upper.
        """
        value = self.net_benefit[self._place(strategy)] / self.event_share
        gradient = self._unit(strategy) / self.event_share
        gradient[:, -1] = -value / self.event_share
        return self._limits(value, self._error(gradient), "standardised_net_benefit")

    def interventions_avoided(self, strategy: str) -> pl.DataFrame:
        """People fewer treated than if all were, without one true positive less [per person].

        Returns
        -------
        polars.DataFrame
            threshold, interventions_avoided, se, lower, upper.
        """
        gain = self.net_benefit[self._place(strategy)] - self.net_benefit[self._place(TREAT_ALL)]
        gradient = self._unit(strategy) - self._unit(TREAT_ALL)
        by = _odds(self.thresholds)
        return self._limits(gain / by, self._error(gradient) / by, "interventions_avoided")

    def to_polars(self) -> pl.DataFrame:
        """One row a strategy and threshold.

        Returns
        -------
        polars.DataFrame
            strategy, threshold, net_benefit, se, lower, upper, standardised_net_benefit,
            interventions_avoided, true_positive, false_positive.
        """
        parts = []
        for i, name in enumerate(self.strategies):
            avoided = self.interventions_avoided(name)["interventions_avoided"]
            numbers = {
                "threshold": self.thresholds, "net_benefit": self.net_benefit[i],
                "se": self.se[i], "lower": self.lower[i], "upper": self.upper[i],
                "standardised_net_benefit": self.net_benefit[i] / self.event_share,
                "interventions_avoided": avoided,
                "true_positive": self.true_positive[i], "false_positive": self.false_positive[i],
            }  # fmt: skip
            named = pl.lit(name).alias("strategy")
            parts.append(pl.DataFrame(numbers).select(named, pl.all()))
        return pl.concat(parts)

    @property
    def _critical(self) -> float:
        return critical_value(self.confidence, self.df)

    def _place(self, name: str) -> int:
        if name not in self.strategies:
            raise DefinitionError(
                f"no strategy {name!r} in this curve; it has {', '.join(self.strategies)}"
            )
        return self.strategies.index(name)

    def _unit(self, name: str) -> Array:
        """(T, k + 1) gradient of one strategy's net benefit; the last is of the event share."""
        gradient = np.zeros((len(self.thresholds), len(self.strategies) + 1))
        gradient[:, self._place(name)] = 1.0
        return gradient

    def _error(self, gradient: Array) -> Array:
        variance = np.einsum("ti,tij,tj->t", gradient, self._covariance, gradient)
        return np.sqrt(np.maximum(variance, 0.0))

    def _limits(self, value: Array, error: Array, name: str) -> pl.DataFrame:
        reach = self._critical * error
        ends = {"lower": value - reach, "upper": value + reach}
        return pl.DataFrame({"threshold": self.thresholds, name: value, "se": error} | ends)

    def _summary(self) -> str:
        ends = " to ".join(number(t, digits=3) for t in self.thresholds[[0, -1]])
        return (
            f"{', '.join(self.strategies[:-2])} against {self.outcome}, thresholds {ends}, "
            f"n {count(self.n)}, {count(self.n_events)} events"
        )


@on_people("outcome", "time", "event", "competing", "domain")
def decision_curve(
    people: Any = None,
    *,
    risks: str | Sequence[str] = (),
    tests: Tests = (),
    outcome: Column = None,
    outcome_positive: Positive = None,
    time: Column = None,
    event: Column = None,
    event_positive: Positive = None,
    competing: Column = None,
    competing_positive: Positive = None,
    nothing_competes: bool = False,
    at: float | None = None,
    thresholds: Sequence[float] | Array | None = None,
    prevalence: float | None = None,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> DecisionCurve:
    """Net benefit of treating by predicted risks, and by tests, against treating all and none.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    risks
        Columns of predicted risks [0 to 1]; a column that the codebook has in percent
        (`frax_major`, `frax_hip`) is divided by 100, and a note says so.
    tests
        Columns of yes and no by which people would be treated whatever their risk, or pairs of a
        column and what counts as positive: `("t_score_femoral_neck", "(-inf, -2.5]")`.
    outcome, outcome_positive
        Column of what happened to everybody, and what counts as yes, as in `accuracy.accuracy`.
    time, event, event_positive, competing, competing_positive,
    nothing_competes, at
        Instead of `outcome`, a follow-up as in `follow_up`, and the time up to which the risks
        were predicted [unit of `time`]. Without `competing` people are censored at everything
        else (Kaplan and Meier); with it the incidence is that of Aalen and Johansen. Where the
        data show signs of a competing event (a column of deaths, other codes of the event) it has
        to be named, or `nothing_competes` to be said.
    thresholds
        Risks from which a person would be treated, above 0 and below 1; 0.01 to 0.50 by default.
        A threshold is a judgement of harm against benefit: at 0.2 one person with the outcome who
        is treated is worth four without it.
    prevalence
        Share of people with the outcome where the people do not show it, as in a case-control
        study; with `outcome` only.
    design, domain
        As in `accuracy.accuracy`.
    confidence
        Level of the limits, which hold at each threshold by itself.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    DecisionCurve

    Raises
    ------
    SchemaError
        If a column is absent or undeclared, a risk lies outside 0 to 1, the outcome has one class,
        or nobody is followed to `at`.
    DefinitionError
        If there is nothing to compare, a threshold is none, or the outcome is given in no way or
        in two.

    Notes
    -----
    Net benefit is the share of people treated who have the outcome, less the share treated who
    have not, weighed at the odds of the threshold (Vickers and Elkin 2006, doi
    10.1177/0272989x06295361; with follow-up Vickers, Cronin, Elkin, Gonen 2008, doi
    10.1186/1472-6947-8-53). Limits are of its linearised form: of people, or of the sampling units
    of the design; they take the risks as given. A risk that was fitted to these very people looks
    better here than it is.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "risk": [0.05, 0.1, 0.3, 0.6, 0.1, 0.2, 0.4, 0.7],
    ...     "fracture": [False, False, False, True, False, False, True, True],
    ... })
    >>> curve = decision_curve(people, risks="risk", outcome="fracture", thresholds=[0.2, 0.5])
    >>> curve
    DecisionCurve(risk against fracture, thresholds 0.2 to 0.5, n 8, 3 events)
    >>> curve.net_benefit.round(4).tolist()
    [[0.3125, 0.25], [0.2188, -0.25], [0.0, 0.0]]
    """
    arguments.confidence_level(confidence)
    cuts = _thresholds(thresholds)
    named = _names(risks)
    if not named and not tests:
        raise DefinitionError("nothing to compare: name columns in risks=, or in tests=")
    happened = Happened(
        outcome,
        outcome_positive,
        time,
        event,
        event_positive,
        competing,
        competing_positive,
        at,
        nothing_competes,
    )
    _refuse_prevalence(prevalence, happened)
    read = read_predictions(
        people, named, tests, happened, design=design, domain=domain, accept_errors=accept_errors
    )
    strategies = (*read.risks, *read.tests, TREAT_ALL, TREAT_NONE)
    positive, covariance = _net_benefit(read, cuts, prevalence)
    notes = (*read.notes, *_unseen(read, cuts, at))
    return DecisionCurve(
        cuts, strategies, positive[0], positive[1], float(positive[2][0, 0]), read.n,
        read.n_events, read.outcome.label, prevalence, str(read.sample.design), confidence,
        read.df, notes, covariance,
    )  # fmt: skip


def _names(risks: str | Sequence[str]) -> tuple[str, ...]:
    """The columns of risks; none where tests alone are compared."""
    if isinstance(risks, str):
        return (risks,)
    if not (isinstance(risks, Sequence) and all(isinstance(name, str) for name in risks)):
        raise DefinitionError(f'risks={risks!r}; expected columns, as in risks=["frax_major"]')
    return tuple(risks)


def _odds(threshold: Array) -> Array:
    return threshold / (1 - threshold)


def treated(risk: Array, threshold: float) -> Mask:
    """(n,) people whose risk reaches the threshold."""
    return risk >= threshold * (1 - REACHED)


def _groups(read: Predictions, threshold: float) -> list[Mask]:
    """Whom each strategy treats, none but for the last: treat all."""
    chosen = [treated(risk, threshold) & read.rows for risk in read.risks.values()]
    return [*chosen, *(yes & read.rows for yes in read.tests.values()), read.rows]


Linear = tuple[float, Array]


def _rates(read: Predictions, prevalence: float | None, weight: Array) -> Callable[..., Any]:
    """What gives (true positive, false positive) of a group, each with its linearised values."""
    if prevalence is None:

        def observed(group: Mask) -> tuple[Linear, Linear]:
            share, d_share = Share(group, read.rows).linear(weight)
            risk, d_risk = read.outcome.linear(weight, group)
            true, d_true = share * risk, risk * d_share + share * d_risk
            return (true, d_true), (share - true, d_share - d_true)

        return observed
    assert isinstance(read.outcome, Binary)
    sick, well = read.rows & read.outcome.yes, read.rows & ~read.outcome.yes

    def stated(group: Mask) -> tuple[Linear, Linear]:
        true, d_true = Share(group, sick).linear(weight)
        false, d_false = Share(group, well).linear(weight)
        rest = 1 - prevalence
        return (prevalence * true, prevalence * d_true), (rest * false, rest * d_false)

    return stated


def _net_benefit(
    read: Predictions, thresholds: Array, prevalence: float | None
) -> tuple[tuple[Array, Array, Array], Array]:
    """True and false positives (k, T), the event share (1, T), and their (T, k + 1, k + 1)."""
    k = len(read.risks) + len(read.tests) + 2
    values, covariances = [], []
    for value, linear in _values(read, thresholds, prevalence, read.sample.weight):
        values.append(value)
        if read.sample.arrays is not None:
            joint = read.sample.linearised(value[:, 0], linear, read.rows)
            covariances.append(joint.covariance)
    table = np.array(values)
    covariance = np.array(covariances) if covariances else _replicated(read, thresholds, prevalence)
    true, false = table[:, :k, 1].T, table[:, :k, 2].T
    return (true, false, table[:, k:, 0].T), covariance


def _values(
    read: Predictions, thresholds: Array, prevalence: float | None, weight: Array
) -> Iterator[tuple[Array, Array]]:
    """Of each threshold, (k + 1, 3) net benefit and rates, and (n, k + 1) linearised values."""
    rates = _rates(read, prevalence, weight)
    fixed = [rates(yes & read.rows) for yes in read.tests.values()] + [rates(read.rows)]
    nothing = np.zeros(len(weight))
    share, d_share = fixed[-1][0]
    for threshold in thresholds:
        chosen = [rates(treated(risk, threshold) & read.rows) for risk in read.risks.values()]
        odds = threshold / (1 - threshold)
        rows, columns = [], []
        for (true, d_true), (false, d_false) in [*chosen, *fixed]:
            rows.append((true - odds * false, true, false))
            columns.append(d_true - odds * d_false)
        rows += [(0.0, 0.0, 0.0), (share, share, 0.0)]
        yield np.array(rows), np.column_stack([*columns, nothing, d_share])


def _replicated(read: Predictions, thresholds: Array, prevalence: float | None) -> Array:
    """(T, k + 1, k + 1) covariances over replicate weights."""

    def statistic(weight: Array) -> Array:
        blocks = _values(read, thresholds, prevalence, weight)
        return np.concatenate([value[:, 0] for value, _ in blocks])

    whole = read.sample.replicated(statistic, read.rows).covariance
    size = len(whole) // len(thresholds)
    starts = range(0, len(whole), size)
    return np.array([whole[i : i + size, i : i + size] for i in starts])


def _thresholds(given: Sequence[float] | Array | None) -> Array:
    if given is None:
        return np.arange(1, 51) / 100
    values = [given] if isinstance(given, int | float) else given
    try:
        arguments.numbers(values, "thresholds", above=0, below=1)
    except DefinitionError as error:
        raise DefinitionError(
            f"{error}. A threshold is a risk: at 0 everybody is treated, at 1 nobody, and a "
            "percentage is divided by 100"
        ) from None
    return np.unique(np.asarray(list(values), float))


def _refuse_prevalence(prevalence: float | None, happened: Happened) -> None:
    if prevalence is None:
        return
    arguments.number(prevalence, "prevalence", above=0, below=1)
    if happened.outcome is None:
        raise DefinitionError(
            "prevalence= is for cases and controls (outcome=); people who were followed show "
            "their own incidence: leave it out"
        )


def _unseen(read: Predictions, thresholds: Array, at: float | None) -> list[str]:
    """Say where nobody whom a strategy treats is followed to the end."""
    if read.followed is None or at is None:
        return []
    time, n = read.followed.time, 0
    for threshold in thresholds:
        groups = _groups(read, float(threshold))
        n += sum(bool(g.any() and time[g].max() < at) for g in groups)
    if not n:
        return []
    return [
        f"at {count(n)} points nobody who would be treated is followed to {at:g}: the incidence "
        "last seen is carried on there"
    ]
