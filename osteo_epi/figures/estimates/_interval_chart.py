"""Estimates with their limits: what a table of few numbers looks like.

A row each, the numbers at the right; over time, where there are several times. What is not of one
scale has a panel of its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._ratios import draw_limits, reach, scale
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import (
    INK,
    STYLES,
    dress,
    legend_under_title,
    nothing,
    own_axes,
    style_of,
    under,
)
from osteo_epi.figures._words import briefly, columns_of, fitted, joined, legible, with_limits
from osteo_epi.figures.estimates._kinds import ESTIMATES
from osteo_epi.figures.estimates._parts import Mark, Read, read
from osteo_epi.language import said
from osteo_epi.results import Result
from osteo_epi.rounding import count, fixed, level, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THOUSAND = 1000
MOST_ROWS = 60
TICKS = 5
APART = 0.17
"""[inches] Between the marks of one row."""
OVER, FOOT, LINE = 2.4, 0.62, 0.2
"""[inches] Height of a panel over a column, room below each panel, and a line of its legend."""
LEGEND = 36
"""Letters of a line of legends: labels and numbers take the rest of the width."""


@drawing
def interval_chart(
    result: Result, ax: Axes | None = None, *, unit: str = "", title: str = "", note: str = ""
) -> Axes:
    """Draw estimates with their limits, a row each, the numbers at the right.

    Parameters
    ----------
    result
        Of a kind in `ESTIMATES`: shares of a test and comparisons of two, kappa, correlations,
        rates and ratios, precision errors, corrections, measures of a risk, survey estimates.
    ax
        Axes to draw into; of its own by default, as high as there are rows.
    unit
        Of the readings, where their table does not know it: "g/cm²".
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        What is of another scale has a panel of its own (`child_axes`). The dotted line is no
        difference; ratios stand on a scale of logarithms. Estimates at four or more times are
        drawn over them.

    Raises
    ------
    SchemaError
        If the result is of another kind.

    Examples
    --------
    >>> from osteo_epi.agreement import concordance
    >>> axes = interval_chart(concordance([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13]))
    >>> axes.get_xlabel().splitlines()[0], axes.texts[0].get_text()
    ('Concordance correlation coefficient', '0.964 (0.760 to 0.995)')
    """
    parts = next((ESTIMATES[form] for form in type(result).__mro__ if form in ESTIMATES), None)
    if parts is None:
        raise SchemaError(
            f"{type(result).__name__} is no table of estimates with limits: result.plot() draws "
            "it by its own figure, or says what it is instead"
        )
    drawn = [one for one in (read(part, result, unit=unit) for part in parts) if one.rows]
    if not drawn:
        return nothing(said("There is no estimate of this kind."), note, ax)
    axes, panels = _panels(ax, drawn, result._summary())
    for panel, one in zip(panels, drawn, strict=True):
        _draw(panel, one, title if panel is axes else "")
    if panels != [axes]:
        above = 8 + 72 * LINE * _legend_rows(drawn[0])
        axes.set_title(fitted(title), fontsize=11, color=INK, loc="left", pad=above)
    stated = result._level() if any(_has_limits(one) for one in drawn) else None
    limits = "" if stated is None else said("Limits: {level}", level=level(stated))
    for panel, one in zip(panels[:-1], drawn, strict=False):
        under(panel, one.foot)
    rest = max((len(one.rows) - MOST_ROWS for one in drawn if not one.is_over), default=0)
    left_out = said("Further groups not drawn: {n}", n=rest) if rest > 0 else ""
    under(panels[-1], drawn[-1].foot, limits, left_out, note=note)
    describe(axes, " ".join(map(_spoken, drawn)))
    return axes


def _panels(ax: Axes | None, drawn: list[Read], caption: str) -> tuple[Axes, list[Axes]]:
    """The axes, and a panel in them for each part: itself where there is one."""
    inside = [OVER if one.is_over else _rows(one).height for one in drawn]
    heads = [_legend_rows(one) * LINE for one in drawn]
    whole = sum(inside) + sum(heads[1:]) + FOOT * (len(drawn) - 1)
    axes = ax or own_axes(6.0, 1.3 + whole, caption)
    if len(drawn) == 1:
        return axes, [axes]
    axes.set_axis_off()
    panels, top = [], whole
    for place, (height, head) in enumerate(zip(inside, heads, strict=True)):
        top -= height + (head if place else 0)
        panels.append(axes.inset_axes((0, top / whole, 1, height / whole)))
        top -= FOOT
    return axes, panels


def _rows(one: Read) -> Rows:
    most = max(map(len, one.rows.values()))
    return Rows.of(list(one.rows)[:MOST_ROWS], lines=most)


def _legend_rows(one: Read) -> int:
    if len(one.names) < 2:
        return 0
    return -(
        -len(one.names)
        // columns_of([legible(name, letters=LEGEND) for name in one.names], letters=LEGEND)
    )


def _has_limits(one: Read) -> bool:
    return any(mark.has_limits for mark in one.marks)


def _draw(axes: Axes, one: Read, title: str) -> None:
    heading = {"y": one.heading, "x": one.part.along()} if one.is_over else {"x": one.heading}
    line = axes.axhline if one.is_over else axes.axvline
    if one.part.line is not None:
        line(one.part.line, color=INK, lw=0.8, ls=":")
    for value in one.dashed:
        line(value, color=INK, lw=0.9, ls="--")
    (_draw_over if one.is_over else _draw_rows)(axes, one)
    dress(axes, title=title, grid="y" if one.is_over else "x", **heading)
    if len(one.names) > 1:
        legend_under_title(axes, gap=0.4, columns=-(-len(one.names) // _legend_rows(one)))


def _draw_rows(axes: Axes, one: Read) -> None:
    lines = _rows(one)
    span = reach((m.estimate, m.lower, m.upper) for m in one.marks) if one.part.ratio else None
    for name in one.names if len(one.names) > 1 else ():
        axes.plot([], [], ls="", label=legible(name, letters=LEGEND), **_look(one, name))
    for row, place in zip(one.rows.values(), lines.places, strict=False):
        for order, mark in enumerate(row):
            at = place + ((len(row) - 1) / 2 - order) * APART
            _draw_mark(axes, mark, at, _look(one, mark.series), span)
            beside(axes, at, _written(mark, one.decimals))
    if span is not None:
        scale(axes, *span)
    else:
        axes.locator_params(axis="x", nbins=TICKS)
    lines.name(axes)


def _look(one: Read, name: str) -> dict[str, Any]:
    """Colour and mark of a series; one that is alone looks as single ones do everywhere."""
    alone = len(one.names) == 1
    style = STYLES["male"] if alone else style_of("", order=one.names.index(name))
    return {"color": style.colour, "marker": style.marker, "ms": 5}


def _draw_mark(
    axes: Axes,
    mark: Mark,
    place: float,
    look: dict[str, Any],
    span: tuple[float, float] | None,
) -> None:
    if mark.lower is not None and mark.upper is not None:
        if span is not None:
            draw_limits(axes, mark.lower, mark.upper, place, span, look["color"])
        elif math.isfinite(mark.lower) and math.isfinite(mark.upper):
            axes.plot([mark.lower, mark.upper], [place, place], color=look["color"], lw=1.6)
    # A ratio of 0 has no place on a scale of logarithms; its arrow and its numbers stand.
    if span is None or mark.estimate > 0:
        axes.plot([mark.estimate], [place], ls="", **look)


def _draw_over(axes: Axes, one: Read) -> None:
    """A line a series with its band."""
    for order, name in enumerate(one.names):
        drawn = [(x, mark) for x in sorted(one.rows) for mark in one.rows[x] if mark.series == name]
        style = style_of("", order=order)
        x = [at for at, _ in drawn]
        axes.plot(x, [mark.estimate for _, mark in drawn], marker=style.marker, ls=style.line,
                  color=style.colour, ms=4, lw=1.4, label=legible(name, letters=LEGEND)
                  )  # fmt: skip
        banded = [(at, mark) for at, mark in drawn if mark.has_limits]
        low, high = ([getattr(mark, end) for _, mark in banded] for end in ("lower", "upper"))
        axes.fill_between([at for at, _ in banded], low, high, color=style.colour, alpha=0.16, lw=0)


def _spoken(one: Read) -> str:
    """The estimates of a panel in a sentence."""
    several = len(one.names) > 1
    told = [
        f"{_named(one, label, mark.series * several)} {_written(mark, one.decimals)}"
        for label, marks in one.rows.items()
        for mark in marks
    ]
    parts = briefly(told)
    return " ".join([said("{heading}. {parts}.", heading=one.heading, parts=parts), *_found(one)])


def _found(one: Read) -> list[str]:
    """Whether limits leave out the value of no difference, and what stands below."""
    if one.finding:
        return [one.finding]
    line, foot = one.part.line, [said("{sentence}.", sentence=one.foot)] if one.foot else []
    marks = [mark for mark in one.marks if mark.has_limits]
    if line is None or not marks:
        return foot
    out = sum(not mark.holds(line) for mark in marks)
    null = number(line)
    if len(marks) > 1:
        return [said("Of {all} limits, {n} leave out {null}.", all=len(marks), n=out, null=null),
                *foot]  # fmt: skip
    text = said("The limits leave out {null}.", null=null)
    return [text if out else said("The limits hold {null}.", null=null), *foot]


def _named(one: Read, label: Any, series: str) -> str:
    place = f"{one.part.along()} {number(label)}" if one.is_over else str(label)
    return joined(place, series) if series else place


def _written(mark: Mark, decimals: int) -> str:
    numbers = (mark.estimate, mark.lower, mark.upper)
    return with_limits(*(_number(value, decimals) for value in numbers))


def _number(value: float | None, decimals: int) -> str:
    if value is None or abs(value) < THOUSAND:
        return fixed(value, decimals=decimals)
    return count(value).replace("-", "−").replace("inf", "∞")
