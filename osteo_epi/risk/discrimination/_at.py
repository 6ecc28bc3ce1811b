"""Horizons at which a risk is judged, each with the column that holds the risk at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from osteo_epi import arguments
from osteo_epi.accuracy import Measure
from osteo_epi.errors import DefinitionError
from osteo_epi.risk.discrimination._read import Risks, events_until

Risk = str | Mapping[float, str]
"""One column for every horizon, or the column of each: `{5: "risk_5", 10: "risk_10"}`."""
At = float | Sequence[float]
"""One horizon or several [unit of time]."""


@dataclass(frozen=True)
class States:
    """How many people are in which state at a horizon: they add up to all."""

    at: float
    cases: int
    competed: int
    free: int
    censored: int

    @classmethod
    def of(cls, risks: Risks, at: float) -> States:
        """Counted, unweighted."""
        events_until(risks, at, "at")
        by = risks.time <= at
        kinds = [int((by & (risks.status == kind)).sum()) for kind in (1, 2, 0)]
        return cls(at, kinds[0], kinds[1], int((~by).sum()), kinds[2])

    def as_row(self) -> dict[str, float]:
        """With the names of columns."""
        return {"at": self.at} | {f"n_{k}": v for k, v in self.__dict__.items() if k != "at"}


def horizons(at: At) -> tuple[float, ...]:
    """Positive numbers that differ within six digits, one or several.

    Raises
    ------
    DefinitionError
        If they are not.
    """
    given = (at,) if isinstance(at, Real) else at
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray) or not len(given):
        raise DefinitionError(f"at={at!r}; expected one horizon or several, as in at=(5, 10)")
    for one in given:
        arguments.number(one, "at", above=0)
    if len(set(given)) < len(given):
        raise DefinitionError(f"at={at!r} names a horizon twice; name each once")
    if len({f"{one:g}" for one in given}) < len(given):
        raise DefinitionError(
            f"at={at!r}: two horizons are one to six digits, by which columns are named; round them"
        )
    return tuple(float(one) for one in given)


def columns(risk: Risk, at: tuple[float, ...], role: str) -> tuple[tuple[str, str], ...]:
    """(role, column) of the risk at each horizon.

    Raises
    ------
    DefinitionError
        If a horizon has no column.
    """
    if isinstance(risk, str):
        return ((role, risk),) * len(at)
    if not isinstance(risk, Mapping):
        raise DefinitionError(
            f"{role} is a {type(risk).__name__}; expected a column, or the column of each horizon, "
            f'as in {role}={{5: "risk_5", 10: "risk_10"}}'
        )
    absent = [f"{one:g}" for one in at if one not in risk]
    if absent:
        raise DefinitionError(
            f"{role} names no column for the horizon {', '.join(absent)}; name one for each of at="
        )
    return tuple((role, risk[one]) for one in at)


def label(risk: Risk) -> str:
    """Name of a risk in a table."""
    return risk if isinstance(risk, str) else ", ".join(risk.values())


def rows(
    states: tuple[States, ...], parts: Mapping[str, tuple[Measure, ...]]
) -> Iterator[dict[str, Any]]:
    """One row a horizon and measure."""
    for k, state in enumerate(states):
        for name, values in parts.items():
            yield {"at": state.at, "measure": name} | values[k].as_row() | state.as_row()
