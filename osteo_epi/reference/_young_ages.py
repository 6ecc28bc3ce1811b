"""Where young adults stand against the ages that the people have: inside, at an end, or past it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from osteo_epi.reference.curves import Curve
from osteo_epi.reference.uncertainty._quantities import SEARCHED, peak_age

DECADE, TWO_DECADES = "20–29 years", "20–39 years"
AROUND_PEAK, BEST_BAND, MAXIMUM = "peak ± 5 years", "best five years", "maximum of the curve"
FIXED = {DECADE: (20, 29), TWO_DECADES: (20, 39)}
WAYS = (DECADE, TWO_DECADES, AROUND_PEAK, BEST_BAND, MAXIMUM)
BAND, HALF = 5, 5
STEP = 0.051
"""[years] Two ages at which the peak is looked for lie no further apart."""
FIRST, LAST, PART = "first", "last", "part"
WORDS = {
    FIRST: "{way}: highest at {low:g} years, the first age of these people at which a peak is "
    "looked for: it may lie before; add younger people, or take young adults of another reference",
    LAST: "{way}: highest at {high:g} years, the last age of these people at which a peak is "
    "looked for: it may lie after; add older people, or take young adults of another reference",
    PART: "{way}: these people are of {first}–{last} years, so that the young adults are a part of "
    "those ages",
}


def whole_years(curve: Curve) -> tuple[int, int]:
    """First and last completed year of age that the people of a curve have."""
    return int(np.floor(curve.ages[0])), int(np.floor(curve.ages[1]))


def starts(curve: Curve) -> range:
    """First completed years of the bands of five among young adults, none past the people."""
    first, last = whole_years(curve)
    return range(max(SEARCHED[0], first), min(SEARCHED[1], last) - BAND + 2)


def around(top: float, curve: Curve) -> tuple[float, float]:
    """Completed years about the age of the peak, none past the youngest and oldest people."""
    first, last = whole_years(curve)
    return max(np.floor(top) - HALF, first), min(np.floor(top) + HALF, last)


def place(way: str, start: float, curve: Curve) -> str | None:
    """Where young adults stand: "first", "last" (at an end), "part" (ages lack), or None.

    Parameters
    ----------
    way
        How they were chosen.
    start
        [years] Their first completed year.
    curve
        Of their sex and region.
    """
    first, last = whole_years(curve)
    if way in FIXED:
        return PART if first > FIXED[way][0] or last < FIXED[way][1] else None
    if way == BEST_BAND:
        begun = starts(curve)
        return FIRST if start == begun[0] else LAST if start == begun[-1] else None
    top, (low, high) = peak_age(curve), _looked(curve)
    return FIRST if top < low + STEP else LAST if top > high - STEP else None


def _looked(curve: Curve) -> tuple[float, float]:
    """[years] Between which the peak is looked for."""
    return max(SEARCHED[0], curve.ages[0]), min(SEARCHED[1], curve.ages[1])


def facts(way: str, curve: Curve) -> dict[str, object]:
    """What the sentences of a place name."""
    low, high = _looked(curve)
    first, last = whole_years(curve)
    return {"way": way, "low": low, "high": high, "first": first, "last": last}


def said(curve: Curve, young: Iterable[tuple[str, float]]) -> Iterator[str]:
    """A sentence for each place that young adults have, of (way, first completed year)."""
    ways = dict[str, list[str]]()
    for way, start in young:
        if code := place(way, start, curve):
            ways.setdefault(code, []).append(way)
    for code, named in ways.items():
        yield WORDS[code].format(**facts(", ".join(named), curve))
