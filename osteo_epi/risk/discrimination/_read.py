"""Risks of people beside what happened to them: what every measure of this room is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments
from osteo_epi.accuracy import Joint, Measure, People, Positive
from osteo_epi.cohort import codebook
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.risk._competing import refuse_seen
from osteo_epi.risk._follow_up import EVENT, FollowUp, follow_up
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Codes, Mask

LOW_HIGH = ("low", "high")
Direction = Literal["high", "low"]


@dataclass(frozen=True)
class Risks:
    """People with a risk and a follow-up; arrays are (m,), of these people alone.

    `values` holds the (m,) risks, high for those more likely to have the event.
    """

    seen: FollowUp
    names: tuple[str, ...]
    values: tuple[Array, ...]

    @property
    def time(self) -> Array:
        """(m,) times."""
        return self.seen.time[self.seen.rows]

    @property
    def status(self) -> Codes:
        """(m,) 0 censored, 1 event, 2 competing."""
        return self.seen.status[self.seen.rows]

    @property
    def weight(self) -> Array:
        """(m,) weights."""
        return self.seen.sample.weight[self.seen.rows]

    @property
    def rows(self) -> Mask:
        """(n,) whom of the frame these people are."""
        return self.seen.rows

    @property
    def method(self) -> str:
        """How standard errors are made."""
        return "influence of each person" if self.seen.sample.simple else "design-based"

    def joint(self, parts: Callable[[Array], list[tuple[float, Array]]]) -> Joint:
        """Values with their covariance.

        `parts` gives of (m,) weights each value with its (m,) weighted linearised values.
        """
        sample = self.seen.sample
        if sample.arrays is None:
            return sample.replicated(
                lambda weight: np.array([value for value, _ in parts(weight[self.rows])]),
                self.rows,
            )
        values, moved = zip(*parts(self.weight), strict=True)
        linear = np.zeros((len(self.rows), len(values)))
        linear[self.rows] = np.column_stack(moved)
        joint = sample.linearised(np.array(values), linear, self.rows)
        return Joint(joint.value, joint.covariance, math.inf) if sample.simple else joint


def read_risks(
    people: Any,
    risks: tuple[tuple[str, str], ...],
    *,
    time: str,
    event: str,
    event_positive: Positive,
    competing: str | None,
    competing_positive: Positive,
    design: Any,
    cluster: str | None,
    domain: str | pl.Expr | None,
    accept_errors: bool,
    confidence: float,
    nothing_competes: bool = False,
    refuses: bool = False,
    directions: tuple[Direction | None, ...] | None = None,
) -> Risks:
    """Read (role, column) of risks with the follow-up; people who lack any are left out.

    `refuses` says that deaths taken as censoring would make the answer a wrong number; without
    `directions` each risk is a probability.

    Raises
    ------
    SchemaError
        If a column is absent or holds no numbers, a risk is one value, or a competing event seems
        to be unsaid.
    DefinitionError
        If a direction is none, or not given of a column that is no probability, or the confidence
        is none.
    """
    arguments.confidence_level(confidence)
    for direction in directions or ():
        if direction is not None and direction not in LOW_HIGH:
            raise DefinitionError(
                f'direction is "high" where high values mean risk, or "low" (densities, '
                f"T-scores), not {direction!r}"
            )
    for role, name in risks:
        if name in (time, event, competing):
            raise SchemaError(
                f"column {name} is named as {role}= and is what happened as well: name the risk "
                "of each person"
            )
    # Looked up here first, so that an error names the option and not a covariate.
    known = People.of(people, accept_errors=accept_errors, cluster=cluster)
    columns = [known.numbers(name, role) for role, name in risks]
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, covariates=tuple(name for _, name in risks),
        nothing_competes=nothing_competes, design=design, cluster=cluster, domain=domain,
        accept_errors=accept_errors,
    )  # fmt: skip
    if refuses:
        refuse_seen(seen.competing, seen.unsaid, nothing_competes=nothing_competes)
    values = []
    ways = directions or ("high",) * len(risks)
    for (role, name), column, way in zip(risks, columns, ways, strict=True):
        value = column[seen.rows]
        if way is None:
            _refuse_no_direction(name, role, value)
        if np.ptp(value) == 0:
            raise SchemaError(
                f"column {name}, named as {role}=, is constant: all {count(len(value))} people "
                "have one value, which ranks nobody; look whether it is the risk of each person"
            )
        values.append(-value if way == "low" else value)
    return Risks(seen, tuple(name for _, name in risks), tuple(values))


def _refuse_no_direction(name: str, role: str, value: Array) -> None:
    """Refuse a column that is no probability, of which nobody says whether high means risk."""
    variables = codebook()
    if name in variables:
        probability = variables[name].unit == "%"
    else:
        probability = value.min() >= 0 and value.max() <= 1
    if probability:
        return
    word = "direction" if role == "risk" else f"{role}_direction"
    raise DefinitionError(
        f"{word}= is not given, and column {name}, named as {role}=, is no probability: say "
        f'{word}="low" where low values mean risk (densities, T-scores), or {word}="high"'
    )


def measures(
    joint: Joint, *, n: int, method: str, confidence: float, least: float = 0.0, most: float = 1.0
) -> list[Measure]:
    """Estimates with Wald limits, brought between the least and the most that there can be."""
    errors = np.sqrt(np.maximum(np.diag(joint.covariance), 0.0))
    reach = joint.quantile(confidence) * errors
    ends = (np.maximum(joint.value - reach, least), np.minimum(joint.value + reach, most))
    rows = zip(joint.value, errors, *ends, strict=True)
    return [Measure(float(v), float(e), float(a), float(b), n, method) for v, e, a, b in rows]


def certain(names: Iterable[str], measures: Iterable[Measure]) -> list[str]:
    """Say of estimates without any spread that their limits are none."""
    flat = [name for name, one in zip(names, measures, strict=True) if not (one.se or 0.0) > 0]
    if not flat:
        return []
    return [
        f"{', '.join(flat)}: every pair of people says the same, so the standard error is 0 and "
        "the limits say nothing; take more people or events"
    ]


def p_value(difference: float, se: float, df: float) -> tuple[float | None, float | None]:
    """Difference over its standard error, and its two-sided p; None where that is 0."""
    if not se > 0:
        return None, None
    z = difference / se
    return z, float(2 * special.stdtr(df, -abs(z)))


def events_until(risks: Risks, horizon: float, argument: str) -> int:
    """People with the event at or before a horizon; errors as `refuse_horizon`."""
    refuse_horizon(risks.time, risks.status, horizon, argument, risks.seen.event)
    return int(((risks.status == EVENT) & (risks.time <= horizon)).sum())


def refuse_horizon(time: Array, status: Codes, horizon: float, argument: str, event: str) -> None:
    """Refuse a horizon that the follow-up says nothing of.

    Raises
    ------
    SchemaError
        If nobody is followed beyond it, or nobody has the event by then.
    """
    if not (time > horizon).any():
        shorter = time[time < time.max()]
        usable = _rounded(float(shorter.max()), up=False) if len(shorter) else 0.0
        advice = f"take {usable:g} or less" if usable > 0 else "all have one time of follow-up"
        raise SchemaError(
            f"{argument}={horizon:g}: nobody is followed beyond it, so that nobody is known to be "
            f"free of the event then; {advice}"
        )
    if not ((status == EVENT) & (time <= horizon)).any():
        first = _rounded(float(time[status == EVENT].min()), up=True)
        raise SchemaError(
            f"{argument}={horizon:g}: nobody has the event ({event}) by then; take "
            f"{first:g} or more"
        )


def _rounded(value: float, *, up: bool) -> float:
    """To two digits, so that no person's own time is told."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return (math.ceil if up else math.floor)(value / unit) * unit
