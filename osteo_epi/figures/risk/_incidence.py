"""Figures of curves over time: survival and cumulative incidence, people at risk under the axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import INK, SMALL, WIDTH, dress, own_axes, style_of, under
from osteo_epi.figures._words import legible, listed
from osteo_epi.language import said, word
from osteo_epi.risk import CumulativeIncidence, GroupCurve, SurvivalCurve
from osteo_epi.rounding import count, level, number, percent
from osteo_epi.survey import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 2_000
"""Steps that a line is drawn with: more are closer together than a pixel."""
TICKS = 8
MOST_SPOKEN = 6
MOST_BANDS = 4
"""Groups whose bands can still be told apart."""
LEGEND = 40
"""Characters of a line in the legend."""
NAME = 14
"""Characters of a group's name beside the people at risk; the legend has all of it."""
TABLE, LINE, BESIDE = 20, 12, 16
"""[points] From the axis down to the people at risk, from row to row, and from the names on."""


@drawing
def survival_chart(
    result: SurvivalCurve, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw survival curves by group, with limits, and the people at risk under the axis.

    Parameters
    ----------
    result
        Of `risk.survival_curve`.
    ax
        Axes to draw into; of its own by default. The people at risk stand below them.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A line a group, with people and events in the legend; the band is its limits at each time,
        one by one.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import survival_curve
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5], "hip": [1, 0, 1, 0, 0]})
    >>> curve = survival_curve(people, time="years", event="hip", at=[1])
    >>> [text.get_text() for text in survival_chart(curve).get_legend().get_texts()]
    ['hip: 5 people, 2 events']
    """
    axes = ax or _axes(result._summary(), len(result.groups))
    _lines(axes, result.groups, result.event, named=result.by is not None)
    axes.set_ylim(-0.02, 1.02)
    heading = said("Free of {event}", event=word(result.event)) + _by(result.by)
    _words(axes, result, title or heading, said("Share free of it"))
    axes.legend(loc="lower left", frameon=False, fontsize=SMALL)
    _people_at_risk(axes, result.groups, _limits(result), note)
    describe(axes, _alt(result, heading))
    return axes


@drawing
def incidence_chart(
    result: CumulativeIncidence,
    ax: Axes | None = None,
    *,
    stacked: bool | None = None,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw cumulative incidences by group, or event and competing event one upon the other.

    Parameters
    ----------
    result
        Of `risk.cumulative_incidence`.
    ax
        Axes to draw into; of its own by default. The people at risk stand below them.
    stacked
        Whether the competing event is drawn upon the event, as areas of one group; None: where
        there is one group and a competing event.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        The band is the limits of the event at each time, one by one. Stacked, the competing
        event's height is its own share, and what is left above is free of both.

    Raises
    ------
    SchemaError
        If areas of several groups, or of no competing event, are asked for.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import cumulative_incidence
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5], "hip": [1, 0, 1, 0, 0],
    ...                        "died": [0, 1, 0, 0, 0]})
    >>> result = cumulative_incidence(people, time="years", event="hip", competing="died",
    ...                               at=[1])
    >>> [text.get_text() for text in incidence_chart(result).get_legend().get_texts()]
    ['died: 1 event', 'hip: 5 people, 2 events']
    """
    possible = len(result.groups) == 1 and bool(result.competing_groups)
    if stacked and not possible:
        raise SchemaError(
            "stacked=True needs one group and a competing event: draw each group by itself "
            "(domain=), or leave stacked= out"
        )
    axes = ax or _axes(result._summary(), len(result.groups))
    top = _lines(axes, result.groups, result.event, named=result.by is not None)
    if possible and stacked is not False:
        top = _upon(axes, result.groups[0], result.competing_groups[0], str(result.competing))
    axes.set_ylim(0, min(1.0, 1.25 * top) or 1.0)
    competing = word(result.competing or "")
    beside = said(", {competing} competing", competing=competing) if result.competing else ""
    heading = f"{word(result.event)}{_by(result.by)}{beside}"
    _words(axes, result, title or heading, said("Cumulative incidence"))
    axes.legend(loc="upper left", frameon=False, fontsize=SMALL, reverse=possible)
    _people_at_risk(axes, result.groups, _limits(result), note)
    describe(axes, _alt(result, heading))
    return axes


def _alt(result: SurvivalCurve | CumulativeIncidence, heading: str) -> str:
    """Where each curve ends."""
    parts = []
    for one in result.groups[:MOST_SPOKEN]:
        end = float(one.n_at_risk.times[-1])
        share = percent(float(one.step.at(np.array([end]))[0]), decimals=1)
        name = said("{name}: ", name=word(one.group)) if result.by is not None else ""
        parts.append(name + _at_end(share, number(end, digits=3), result.time))
    return said("{heading}. {parts}.", heading=heading, parts=listed(parts))


def _at_end(share: str, end: str, column: str) -> str:
    """The share at the end of a time, whose column says in its name where it is in years."""
    if column.endswith("years"):
        return said("{share}% after {time} years", share=share, time=end)
    return said("{share}% at {column} {time}", share=share, time=end, column=word(column))


def _axes(caption: str, groups: int) -> Axes:
    return own_axes(WIDTH, 4.2 + groups * LINE / 72, caption)


def _by(by: str | None) -> str:
    return "" if by is None else said(" by {by}", by=word(by))


def _limits(result: SurvivalCurve | CumulativeIncidence) -> str:
    if len(result.groups) > MOST_BANDS:
        return ""
    return said("Bands: limits at each time ({confidence})", confidence=level(result.confidence))


def _words(axes: Axes, result: SurvivalCurve | CumulativeIncidence, title: str, y: str) -> None:
    dress(axes, title=title, x=result.time, y=y)


def _steps(one: GroupCurve) -> tuple[Array, Array]:
    """The curve from 0 to the end of follow-up."""
    step, end = one.step, one.n_at_risk.times[-1]
    jumps = np.flatnonzero(np.diff(np.concatenate([[step.start], step.values])) != 0)
    if len(jumps) > MOST_POINTS:
        jumps = jumps[np.linspace(0, len(jumps) - 1, MOST_POINTS).round().astype(int)]
    times = np.concatenate([[0.0], step.times[jumps], [end]])
    return times, step.at(times)


def _lines(axes: Axes, groups: Sequence[GroupCurve], event: str, *, named: bool) -> float:
    """Lines and bands of the groups; how high the highest limit is."""
    top = 0.0
    for i, one in enumerate(groups):
        colour, line = _look(one.group, i)
        words = said("{name}: {n} people, {events}", name=word(one.group if named else event),
                     n=count(one.n), events=_events(one.n_events))  # fmt: skip
        words = legible(words, letters=LEGEND, most=4)
        x, y = _steps(one)
        axes.plot(x, y, color=colour, ls=line, lw=1.6, drawstyle="steps-post", label=words)
        band = one.band
        if len(band.times) and len(groups) <= MOST_BANDS:
            ends = np.append(band.times, x[-1])
            low, high = (np.append(v, v[-1]) for v in (band.lower, band.upper))
            axes.fill_between(ends, low, high, step="post", color=colour, alpha=0.18, lw=0)
            top = max([top, *band.upper[~np.isnan(band.upper)]])
        top = max(top, float(y.max()))
    return top


def _look(group: str, order: int) -> tuple[str, str]:
    """Colour and line of a group; everybody's is a full line."""
    style = style_of(group, order=order)
    return style.colour, "-" if group == "all" else style.line


def _events(n: int) -> str:
    return said("1 event") if n == 1 else said("{n} events", n=count(n))


def _upon(axes: Axes, one: GroupCurve, other: GroupCurve, name: str) -> float:
    """The competing event as an area upon the event's line; the height of both."""
    times = np.unique(np.concatenate([_steps(one)[0], _steps(other)[0]]))
    low, high = one.step.at(times), one.step.at(times) + other.step.at(times)
    label = said(": ").join([word(name), _events(other.n_events)])
    label = legible(label, letters=LEGEND)
    axes.fill_between(
        times, low, high, step="post", facecolor="#DDDDDD", edgecolor="#777777", hatch="//",
        lw=0.5, label=label, zorder=0.5,
    )  # fmt: skip
    return float(high.max())


def _people_at_risk(axes: Axes, groups: Sequence[GroupCurve], *notes: str) -> None:
    """People at risk at the ticks, a row a group, between the axis and its name."""
    from matplotlib.ticker import MaxNLocator

    end = max(float(one.n_at_risk.times[-1]) for one in groups)
    ticks = [
        t for t in MaxNLocator(TICKS, steps=[1, 2, 5, 10]).tick_values(0, end) if 0 <= t <= end
    ]
    axes.set_xticks(ticks)
    axes.set_xlim(-0.02 * end, 1.02 * end)
    down = TABLE + LINE
    _text(axes, (0, 0), (-BESIDE, -TABLE), said("People at risk"), INK, "right", fraction=True)
    for i, one in enumerate(groups):
        colour = _look(one.group, i)[0]
        if len(groups) > 1:
            name = legible(word(one.group), letters=NAME, most=1)
            _text(axes, (0, 0), (-BESIDE, -down), name, colour, "right", fraction=True)
        for tick in ticks:
            people = count(int(one.n_at_risk.before(tick))) if tick else count(_first(one))
            _text(axes, (tick, 0), (0, -down), people, INK, "center")
        down += LINE
    axes.xaxis.labelpad = down - TABLE + 4
    under(axes, *notes[:-1], note=notes[-1])


def _first(one: GroupCurve) -> int:
    """People at risk at the start: who comes late is not."""
    return int(one.n_at_risk.start)


def _text(
    axes: Axes,
    at: tuple[float, float],
    away: tuple[float, float],
    text: str,
    colour: str,
    side: str,
    *,
    fraction: bool = False,
) -> None:
    where = "axes fraction" if fraction else ("data", "axes fraction")
    axes.annotate(
        text, at, away, xycoords=where, textcoords="offset points", ha=side, va="top",
        fontsize=SMALL - 1, color=colour, annotation_clip=False,
    )  # fmt: skip
