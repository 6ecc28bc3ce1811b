"""Two methods against each other: the readings, the line between them and that of identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from osteo_epi import rounding
from osteo_epi.agreement import Line, PointEstimate
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._points import points
from osteo_epi.figures._style import (
    GRID,
    INK,
    OTHERS,
    STYLES,
    dress,
    legend_under_title,
    own_axes,
    under,
)
from osteo_epi.figures._words import line_said, method_said
from osteo_epi.language import said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIT, BAND = STYLES["male"].colour, OTHERS[3].colour


@drawing
def method_comparison(
    line: Line,
    x: Any = None,
    y: Any = None,
    ax: Axes | None = None,
    *,
    x_label: str = "",
    y_label: str = "",
    unit: str = "g/cm²",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw a line between two methods with its intervals, the readings, and the identity.

    Parameters
    ----------
    line
        Of `agreement.deming`, `passing_bablok`, `least_squares`, … . A band is drawn where the
        line has a covariance (jackknife, bootstrap or analytic).
    x, y
        The readings it was fitted to, shape (n,), to be shown as points.
    ax
        Axes to draw into; of its own by default.
    x_label, y_label
        Names of the methods, with the unit; by default methods x and y.
    unit
        Of both readings, in the default names.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Of equal scales, so that the identity is the diagonal.

    Examples
    --------
    >>> from osteo_epi.agreement import deming
    >>> x, y = [0.6, 0.7, 0.8, 0.9, 1.0], [0.63, 0.72, 0.84, 0.93, 1.05]
    >>> axes = method_comparison(deming(x, y), x, y)
    >>> axes.get_xlim() == axes.get_ylim()
    True
    """
    axes = ax or own_axes(5.2, 5.6, line._summary())
    if x is not None and y is not None:
        points(axes, np.asarray(x, float), np.asarray(y, float))
    _line(axes, line)
    low = min(axes.get_xlim()[0], axes.get_ylim()[0])
    high = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=INK, ls=":", lw=1.2, label=said("Identity"))
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_aspect("equal", adjustable="box")
    x_label = x_label or said("Method x [{unit}]", unit=unit)
    y_label = y_label or said("Method y [{unit}]", unit=unit)
    dress(axes, title=title, x=x_label, y=y_label)
    axes.grid(axis="both", color=GRID, lw=0.8)
    legend_under_title(axes, gap=0.5)
    under(axes, *_words(line), note=note)
    describe(axes, _alt(line))
    return axes


def _line(axes: Axes, line: Line) -> None:
    grid = np.linspace(*line.x_range, 100)
    axes.plot(grid, line.at(grid), color=FIT, lw=1.6, label=line_said(line.method), zorder=3)
    if line.covariance is None:
        return
    person, whole = line.predict(grid), line.predict(grid, people=None)
    axes.fill_between(
        grid, whole.lower, whole.upper, color=FIT, alpha=0.45, lw=0,
        label=said("Interval of the line"),
    )  # fmt: skip
    axes.fill_between(
        grid, person.lower, person.upper, color=BAND, alpha=0.25, lw=0,
        label=said("Interval of a person"),
    )  # fmt: skip


def _words(line: Line) -> tuple[str, str]:
    equation = f"y = {_limits(line.intercept)} + {_limits(line.slope)} · x"
    rest = said(
        "n = {n}, {confidence} intervals ({interval})",
        n=rounding.count(line.n),
        confidence=rounding.level(line.confidence),
        interval=method_said(line.interval),
    )
    return equation, rest


def _limits(coefficient: PointEstimate) -> str:
    parts = (coefficient.estimate, coefficient.lower, coefficient.upper)
    middle, low, high = (rounding.fixed(part, decimals=3) for part in parts)
    if rounding.MISSING in (low, high):
        return middle
    return said("{estimate} ({lower} to {upper})", estimate=middle, lower=low, upper=high)


def _alt(line: Line) -> str:
    same = [c.compatible_with(v) for c, v in ((line.intercept, 0.0), (line.slope, 1.0))]
    text = said(
        "{method} line between two methods, n = {n}: {equation}.",
        method=line_said(line.method),
        n=rounding.count(line.n),
        equation=_words(line)[0],
    )
    if None in same:
        return text
    verdict = (
        said("Its interval holds the identity.")
        if all(same)
        else said("It is not the line of identity.")
    )
    return f"{text} {verdict}"
