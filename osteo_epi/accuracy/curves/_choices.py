"""What may be asked of a curve: what is none, or nothing would read, is refused."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from osteo_epi import arguments
from osteo_epi.errors import DesignError

RATES = ("specificity", "sensitivity")
AREA_INTERVALS = ("logit", "wald")
"""The first is the default: limits on the log-odds hold as they say near 1 and of few people."""
UNCERTAINTY = ("analytic", "bootstrap")
REPLICATES = 2000
SEED = 0

Over = tuple[str, float, float]
"""The rate and its range that a partial area is over."""


def partial_range(partial: Any, of: str | None) -> Over | None:
    """The range of a partial area.

    Raises
    ------
    DesignError
        If it is no range within 0 to 1, or there is a rate and no range.
    """
    if of is not None:
        arguments.one_of(of, "partial_of", RATES)
    if partial is None:
        if of is not None:
            raise DesignError(
                f'partial_of="{of}" without partial=: say the range, as partial=(0.8, 1.0), or '
                "leave partial_of= out"
            )
        return None
    pair = not isinstance(partial, str) and isinstance(partial, Sequence) and len(partial) == 2
    if not pair or not all(isinstance(v, Real) and not isinstance(v, bool) for v in partial):
        raise DesignError(_no_range(partial))
    low, high = map(float, partial)
    if not 0 <= low < high <= 1:
        raise DesignError(_no_range(partial))
    return of or RATES[0], low, high


def draws_asked(uncertainty: str, replicates: int | None, seed: int | None) -> tuple[int, int]:
    """Replicates and seed of a bootstrap, the usual ones where none are given.

    Raises
    ------
    DesignError
        If the way is unknown, or one is given though nothing is drawn.
    DefinitionError
        If one is no such number.
    """
    arguments.one_of(uncertainty, "uncertainty", UNCERTAINTY)
    for value, word in ((replicates, "replicates"), (seed, "seed")):
        if uncertainty != UNCERTAINTY[1] and value is not None:
            raise DesignError(
                f'{word}={value!r} is of the bootstrap: say uncertainty="bootstrap" too, or leave '
                f"{word}= out"
            )
    return bootstrap_size(replicates, seed)


def bootstrap_size(replicates: int | None, seed: int | None) -> tuple[int, int]:
    """Replicates and seed, the usual ones where none are given.

    Raises
    ------
    DefinitionError
        If one is no such number.
    """
    size = REPLICATES if replicates is None else replicates
    start = SEED if seed is None else seed
    arguments.number(size, "replicates", least=2, whole=True)
    arguments.number(start, "seed", least=0, whole=True)
    return int(size), int(start)


def area_interval(interval: str | None, uncertainty: str) -> str:
    """Which limits an area has.

    Raises
    ------
    DesignError
        If there are no such, or one is named though the bootstrap has its own.
    """
    if interval is None:
        return AREA_INTERVALS[0]
    arguments.one_of(interval, "interval", AREA_INTERVALS)
    if uncertainty == UNCERTAINTY[1]:
        raise DesignError(
            f'interval="{interval}" is of a standard error, and the limits of the bootstrap are '
            'percentiles: leave interval= out, or take uncertainty="analytic"'
        )
    return interval


def refuse_tolerance(tolerance: float | None) -> None:
    """Raise DefinitionError for a tolerance that is no number, or negative."""
    if tolerance is not None:
        arguments.number(tolerance, "tolerance", least=0)


def _no_range(partial: Any) -> str:
    return (
        f"partial={partial!r}; expected a range within 0 to 1, the lower end first, as (0.8, 1.0)"
    )
