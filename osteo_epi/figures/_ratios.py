"""An axis of ratios: logarithms, few ticks, and arrows for limits that lie beyond its ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

TICKS = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 50)
FEWEST = 3
"""Ticks without which a scale cannot be read."""
FARTHEST = 100
"""A limit beyond this ratio [times its estimate] is cut: its arrow says so."""
Limits = tuple[float, float | None, float | None]


def reach(ratios: Iterable[Limits]) -> tuple[float, float]:
    """Ends of an axis that holds 1, and the ratios with their limits; a ratio of 0 has no place.

    Examples
    --------
    >>> [round(end, 2) for end in reach([(2.0, 1.0, 4.0)])]
    [0.92, 4.35]
    """
    ends = [1.0]
    for estimate, lower, upper in ratios:
        if not (estimate > 0 and math.isfinite(estimate)):
            ends += [end for end in (lower, upper) if end and math.isfinite(end)]
            continue
        far = (estimate / FARTHEST, estimate * FARTHEST)
        ends += [estimate, *(min(max(end, far[0]), far[1]) for end in (lower, upper)
                             if end is not None)]  # fmt: skip
    low, high = min(ends), max(ends)
    room = (high / low) ** 0.06 if high > low else 1.1
    return low / room, high * room


def draw_limits(
    axes: Axes, lower: float, upper: float, place: float, span: tuple[float, float], colour: str
) -> None:
    """A line between limits, with an arrow at an end of the axis that it would leave."""
    low, high = span
    axes.plot([max(lower, low), min(upper, high)], [place, place], color=colour, lw=1.4)
    if upper > high:
        axes.plot([high], [place], marker=">", color=colour, ms=5)
    if lower < low:
        axes.plot([low], [place], marker="<", color=colour, ms=5)


def scale(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis one of logarithms with ticks that can be told apart."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    if len(ticks) < FEWEST:
        ticks = [1.0, *(t for t in MaxNLocator(5).tick_values(low, high) if low <= t <= high)]
    # Ticks nearer than a tenth of the axis run into each other.
    apart: list[float] = []
    for tick in sorted(ticks, key=lambda t: abs(math.log(t))):
        gaps = [abs(math.log(tick / other)) for other in apart]
        if all(gap > 0.1 * math.log(high / low) for gap in gaps):
            apart.append(tick)
    axes.set_xticks(sorted(apart), [f"{tick:g}" for tick in sorted(apart)])
    axes.xaxis.set_minor_locator(NullLocator())
