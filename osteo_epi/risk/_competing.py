"""Events that make another impossible and that nobody declared: deaths coded as censoring."""

from __future__ import annotations

import re

import polars as pl

from osteo_epi.accuracy import Positive
from osteo_epi.errors import SchemaError
from osteo_epi.survey import Mask

DEATHS = {
    "death", "deaths", "dead", "died", "deceased", "mortality", "mort", "mortstat", "dod",
    "vital", "死亡",
}  # fmt: skip
"""Words of a column's name that speak of death."""
# Different values, of people without an event, in a column that is neither yes and no, nor a
# measurement.
SEVERAL, MOST_CODES = 2, 9


def signs_of(
    frame: pl.DataFrame, *, time: str, event: str, positive: Positive, rows: Mask, has_event: Mask
) -> tuple[str, ...]:
    """What in the data looks like a competing event: other codes, and columns of deaths.

    `rows` are the people followed, `has_event` those of them with the event, both (n,).
    """
    signs = []
    codes = frame[event].filter(pl.Series(rows & ~has_event)).drop_nulls().n_unique()
    measured = _is_interval(positive) and not SEVERAL <= codes <= MOST_CODES
    if positive is not None and codes >= SEVERAL and not measured:
        signs.append(f"column {event} has {codes} codes beside that of the event")
    deaths = [name for name in frame.columns if name not in (event, time) and _of_death(name)]
    # Beside death itself another column of deaths says when or why.
    if deaths and not _of_death(event):
        signs.append(f"there is column{'s' * (len(deaths) > 1)} {', '.join(deaths)}")
    return tuple(signs)


def notes_on(signs: tuple[str, ...]) -> list[str]:
    """Say what a rate, a hazard ratio or a curve is not, where another event seems to compete."""
    if not signs:
        return []
    return [
        f"{'; '.join(signs)}: a competing event coded as censoring? Rates and hazard ratios are "
        "then those of the event's own cause; risks made of them (1 − survival) come out too high, "
        "those if nothing else happened. Name the event in competing= where that is an argument; "
        "cumulative_incidence gives the risk"
    ]


def refuse_contradiction(competing: str | None, *, nothing_competes: bool) -> None:
    """Raise SchemaError where a competing event is named and denied."""
    if nothing_competes and competing is not None:
        raise SchemaError(
            f"nothing_competes=True is said, and competing= names {competing}: leave one out"
        )


def refuse_unnamed(
    competing: str | None, signs: tuple[str, ...], *, nothing_competes: bool
) -> None:
    """Raise SchemaError unless competing= is given, or it is said that nothing competes."""
    if nothing_competes or competing is not None:
        return
    look = f" ({'; '.join(signs)}: a competing event coded as censoring?)" if signs else ""
    raise SchemaError(
        f"competing= is not given{look}; name the column of what makes the event impossible, as "
        'competing="death", or its code in the same column, as competing="status", '
        "competing_positive=2; only if nothing competes, say nothing_competes=True"
    )


def refuse_seen(competing: str | None, signs: tuple[str, ...], *, nothing_competes: bool) -> None:
    """As `refuse_unnamed`, but only where the data show signs of a competing event."""
    if signs:
        refuse_unnamed(competing, signs, nothing_competes=nothing_competes)


def _of_death(name: str) -> bool:
    return bool(DEATHS & set(re.split(r"[\s_.\-]+", name.lower()))) or "死亡" in name


def _is_interval(positive: Positive) -> bool:
    return isinstance(positive, str) and positive.strip()[:1] in ("[", "(")
