"""Risks of people beside what happened to them: what every measure of this room is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments
from osteo_epi.accuracy import Joint, Measure, People, Positive
from osteo_epi.errors import SchemaError
from osteo_epi.risk._follow_up import EVENT, FollowUp, follow_up
from osteo_epi.rounding import count, number
from osteo_epi.survey import Array, Codes, Mask

LOW_HIGH = ("low", "high")


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

    def joint(
        self, statistic: Callable[[Array], Array], influence: Callable[[], tuple[Array, Array]]
    ) -> Joint:
        """Values with their covariance.

        `statistic` gives the (k,) values of (m,) weights, for replicate weights; `influence` the
        values and the (m, k) weighted linearised values.
        """
        sample = self.seen.sample
        if sample.arrays is None:
            return sample.replicated(lambda weight: statistic(weight[self.rows]), self.rows)
        value, part = influence()
        linear = np.zeros((len(self.rows), part.shape[1]))
        linear[self.rows] = part
        joint = sample.linearised(value, linear, self.rows)
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
    domain: str | pl.Expr | None,
    accept_errors: bool,
    confidence: float,
    directions: tuple[str, ...] | None = None,
) -> Risks:
    """Read (role, column) of risks with the follow-up; people who lack any are left out.

    Raises
    ------
    SchemaError
        If a column is absent or holds no numbers, or a risk is one value.
    DefinitionError
        If a direction or the confidence is none.
    """
    arguments.confidence_level(confidence)
    for direction in directions or ():
        if direction not in LOW_HIGH:
            raise SchemaError(
                f'direction is "high" where high values mean risk, or "low" (densities, '
                f"T-scores), not {direction!r}"
            )
    # Looked up here first, so that an error names the option and not a covariate.
    known = People.of(people, accept_errors=accept_errors)
    columns = [known.numbers(name, role) for role, name in risks]
    seen = follow_up(
        people, time=time, event=event, event_positive=event_positive, competing=competing,
        competing_positive=competing_positive, covariates=tuple(name for _, name in risks),
        design=design, domain=domain, accept_errors=accept_errors,
    )  # fmt: skip
    values = []
    ways = directions or ("high",) * len(risks)
    for (role, name), column, way in zip(risks, columns, ways, strict=True):
        value = column[seen.rows]
        if np.ptp(value) == 0:
            raise SchemaError(
                f"column {name}, named as {role}=, is constant: all {count(len(value))} people "
                "have one value, which ranks nobody; look whether it is the risk of each person"
            )
        values.append(value if way == "high" else -value)
    return Risks(seen, tuple(name for _, name in risks), tuple(values))


def measures(
    joint: Joint, *, n: int, method: str, confidence: float, within: bool = True
) -> list[Measure]:
    """Estimates with Wald limits, brought into 0 to 1 if `within`."""
    reach = joint.quantile(confidence) * np.sqrt(np.maximum(np.diag(joint.covariance), 0.0))
    lower, upper = joint.value - reach, joint.value + reach
    if within:
        lower, upper = np.maximum(lower, 0.0), np.minimum(upper, 1.0)
    errors = np.sqrt(np.maximum(np.diag(joint.covariance), 0.0))
    rows = zip(joint.value, errors, lower, upper, strict=True)
    return [Measure(float(v), float(e), float(a), float(b), n, method) for v, e, a, b in rows]


def p_value(difference: float, se: float, df: float) -> tuple[float | None, float | None]:
    """Difference over its standard error, and its two-sided p; None where that is 0."""
    if not se > 0:
        return None, None
    z = difference / se
    return z, float(2 * special.stdtr(df, -abs(z)))


def events_until(risks: Risks, horizon: float, argument: str) -> int:
    """People with the event at or before a horizon.

    Raises
    ------
    SchemaError
        If nobody is followed beyond the horizon, or nobody has the event by then.
    """
    longest = float(risks.time.max())
    if not (risks.time > horizon).any():
        usable = risks.time[risks.time < longest]
        latest = number(float(usable.max()) if len(usable) else longest, digits=4)
        raise SchemaError(
            f"{argument}={horizon:g}: nobody is followed beyond it, so that nobody is known to be "
            f"free of the event then; the largest usable value here is {latest}"
        )
    events = int(((risks.status == EVENT) & (risks.time <= horizon)).sum())
    if events == 0:
        first = number(float(risks.time[risks.status == EVENT].min()), digits=4)
        raise SchemaError(
            f"{argument}={horizon:g}: nobody has the event ({risks.seen.event}) by then; the "
            f"first comes at {first}"
        )
    return events
