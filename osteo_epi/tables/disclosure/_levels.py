"""Which levels of a column lie within others: bands in wider bands, and what was declared.

A table by five-year bands and one by ten-year bands are tied together although no cell stands in
both: the wider band is the sum of the narrower ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from osteo_epi.errors import SchemaError
from osteo_epi.norms import Interval

Band = tuple[float, float]
Above = dict[str, tuple[str, ...]]

CLOSED = re.compile(r"(\d+)\s*(?:-|–|—|~|to)\s*(\d+)", re.IGNORECASE)
OPEN = re.compile(r"(?:≥|>=)\s*(\d+)|(\d+)\s*(?:\+|and over|and above|or more|及以上|以上)")
BELOW = re.compile(r"(?:<|under|below)\s*(\d+)", re.IGNORECASE)
SINGLE = re.compile(r"\d+")


def levels_above(
    column: str, levels: Iterable[str], declared: Mapping[str, Sequence[str]]
) -> Above:
    """The levels that each level lies within, the nearest first.

    Parameters
    ----------
    column
        For messages.
    levels
        All levels of the column, margins left out.
    declared
        Level to the levels that it is made of; where nothing is declared, levels that are written
        as bands of numbers are compared.

    Raises
    ------
    SchemaError
        If two bands overlap and neither lies within the other, or a declared level is in no table.
    """
    known = sorted(set(levels))
    within = _declared(column, known, declared) if declared else _bands_within(column, known)
    return {level: tuple(sorted(within[level], key=lambda o: len(within[o]), reverse=True))
            for level in known}  # fmt: skip


def _declared(
    column: str, known: list[str], declared: Mapping[str, Sequence[str]]
) -> dict[str, set[str]]:
    named = {*declared, *(part for parts in declared.values() for part in parts)}
    absent = len(named - set(known))
    if absent:
        raise SchemaError(
            f"nested names {absent} level(s) of {column} that no table has: write them as the "
            "tables do"
        )
    within: dict[str, set[str]] = {level: set() for level in known}
    for _ in known:  # as many steps as a chain can have
        for whole, parts in declared.items():
            for part in parts:
                within[part] |= {whole} | within[whole]
    if any(level in above for level, above in within.items()):
        raise SchemaError(f"nested says of a level of {column} that it lies within itself")
    for one, other in combinations(known, 2):
        shared = [p for p in known if {one, other} <= within[p]]
        if shared and one not in within[other] and other not in within[one]:
            raise SchemaError(
                f"nested puts a level of {column} into two levels of which neither lies within "
                "the other: such groupings overlap; publish one of them"
            )
    return within


def _bands_within(column: str, known: list[str]) -> dict[str, set[str]]:
    """By the ends of the bands; "50-60" ends below 60 where another begins there."""
    for end in (1.0, 0.0):
        bands = {level: band for level in known if (band := _band(level, end)) is not None}
        crossed = [pair for pair in combinations(bands.values(), 2) if _cross(*pair)]
        if not crossed:
            break
    else:
        raise SchemaError(
            f"{len(crossed)} pair(s) of bands in {column} overlap, and neither lies within the "
            "other: what they share cannot be told from the tables, so they cannot be protected "
            "together; publish one grouping, or bands of which each is made of others"
        )
    within: dict[str, set[str]] = {level: set() for level in known}
    for level, band in bands.items():
        within[level] = {o for o, other in bands.items() if o != level and _holds(other, band)}
    return within


def _band(level: str, end: float) -> Band | None:
    """Lower and upper end of a level written as a band of whole numbers."""
    text = level.strip()
    if match := CLOSED.fullmatch(text):
        return float(match[1]), float(match[2]) + end
    if match := OPEN.fullmatch(text):
        return float(match[1] or match[2]), math.inf
    if match := BELOW.fullmatch(text):
        return -math.inf, float(match[1])
    if SINGLE.fullmatch(text):
        return float(text), float(text) + 1.0
    if text[:1] in "[(" and text[-1:] in ")]" and "," in text:
        try:
            interval = Interval.parse(text)
        except Exception:  # a label that only looks like one
            return None
        return interval.lower, interval.upper
    return None


def _holds(wide: Band, narrow: Band) -> bool:
    return wide[0] <= narrow[0] and narrow[1] <= wide[1]


def _cross(one: Band, other: Band) -> bool:
    """Whether two bands share numbers and neither holds the other, or both are the same."""
    apart = one[1] <= other[0] or other[1] <= one[0]
    return one == other or not (apart or _holds(one, other) or _holds(other, one))


def refuse_nested_columns(
    levels: Mapping[str, Iterable[str]], together: set[frozenset[str]]
) -> None:
    """Stop where two columns that no table crosses look like bands and wider bands of one number.

    Raises
    ------
    SchemaError
        That names them and the way out.
    """
    bands = {column: _edges(given) for column, given in levels.items()}
    for one, other in combinations(bands, 2):
        if all(SINGLE.fullmatch(level) for column in (one, other) for level in levels[column]):
            continue  # codes
        ends, others = bands[one], bands[other]
        nested = len(ends & others) > 1 and (ends <= others or others <= ends)
        if nested and frozenset((one, other)) not in together:
            raise SchemaError(
                f"{one} and {other} look like narrower and wider bands of one number, whose sums "
                "give hidden counts back: put both groupings into one column of the same name, "
                "and they are protected together. Where they are bands of different things, say "
                "nested={}"
            )


def _edges(levels: Iterable[str]) -> set[float]:
    """Ends of the bands; none where a level is no band."""
    bands = [_band(level, 1.0) for level in levels]
    if any(band is None for band in bands):
        return set()
    return {end for band in bands if band is not None for end in band if math.isfinite(end)}
