"""Figures of two methods and of phantom series; each takes a result and draws it, none computes.

Above `CROWD` points a hexagonal count is drawn instead of marks: it is readable, and shows no
single person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osteo_epi import rounding
from osteo_epi.agreement import BlandAltman, Line, PointEstimate, Transitions
from osteo_epi.errors import SchemaError
from osteo_epi.figures._style import GRID, INK, OTHERS, STYLES, TALL, canvas
from osteo_epi.figures._words import drawing, fitted, legible
from osteo_epi.labels import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CROWD = 2_000
POINT, FIT, BAND = STYLES["all"].colour, STYLES["male"].colour, OTHERS[3].colour
ALARM = STYLES["female"].colour
SCALES = {
    "difference": ("Mean of the two methods", "Difference, y − x"),
    "percent": ("Mean of the two methods", "Difference, y − x [% of the mean]"),
    "log": ("Geometric mean of the two methods", "Ratio y/x"),
}


@drawing
def draw_bland_altman(
    result: BlandAltman, *, unit: str = "g/cm²", title: str = "", note: str = ""
) -> Figure:
    """Draw differences against means, with bias, limits and the intervals of all three.

    Parameters
    ----------
    result
        Of `bland_altman` (a repeated one keeps no points: it cannot be drawn).
    unit
        Of the readings.
    title, note
        Above and below the figure.
    """
    if result.means is None or result.differences is None:
        raise SchemaError(
            "this result of repeated pairs keeps no single differences to draw; take a "
            "random sample of people through bland_altman for the figure"
        )
    figure, axes = _panel(title)
    x_label, y_label = SCALES[result.scale]
    values = np.exp(result.differences) if result.scale == "log" else result.differences
    _points(axes, result.means, values)
    for level, name in (
        (result.upper, "upper limit"),
        (result.bias, "bias"),
        (result.lower, "lower limit"),
    ):
        style = "-" if name == "bias" else "--"
        axes.axhline(level.estimate, color=FIT, linestyle=style, linewidth=1.4)
        axes.axhspan(level.lower or 0, level.upper or 0, color=BAND, alpha=0.22, linewidth=0)
        axes.annotate(
            f"{name} {rounding.number(level.estimate, digits=3)}",
            (1.01, level.estimate),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=INK,
        )
    axes.axhline(1.0 if result.scale == "log" else 0.0, color=INK, linewidth=0.7)
    axes.set_xlabel(fitted(f"{x_label} [{unit}]"))
    y_label += f" [{unit}]" if result.scale == "difference" else ""
    axes.set_ylabel(fitted(y_label, letters=TALL))
    share = f"limits for {rounding.level(result.agreement)} of people, n = {result.n}; "
    bands = f"bands: {rounding.level(result.confidence)} intervals ({result.interval})"
    return _signed(figure, share + bands, note)


@drawing
def draw_line(
    line: Line,
    x: Any,
    y: Any,
    *,
    x_label: str = "Method x [g/cm²]",
    y_label: str = "Method y [g/cm²]",
    title: str = "",
    note: str = "",
) -> Figure:
    """Draw the points, the fitted line with both intervals, and the line of identity.

    Parameters
    ----------
    line
        A fitted line that has a covariance (jackknife, bootstrap or analytic).
    x, y
        The readings it was fitted to.
    x_label, y_label, title, note
        Words; the labels hold the unit.
    """
    figure, axes = _panel(title)
    first, second = np.asarray(x, float), np.asarray(y, float)
    _points(axes, first, second)
    grid = np.linspace(*line.x_range, 100)
    person, whole = line.predict(grid), line.predict(grid, people=None)
    axes.fill_between(grid, person.lower, person.upper, color=BAND, alpha=0.25, label="a person")
    axes.fill_between(grid, whole.lower, whole.upper, color=FIT, alpha=0.45, label="the line")
    axes.plot(grid, whole.estimate, color=FIT, linewidth=1.5, label=line.method)
    axes.plot(grid, grid, color=INK, linestyle=":", linewidth=1.2, label="identity")
    axes.set_xlabel(fitted(x_label))
    axes.set_ylabel(fitted(y_label, letters=TALL))
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    a, b = line.intercept, line.slope
    equation = (
        f"y = {_with_limits(a)} + {_with_limits(b)} x; n = {line.n}, "
        f"{rounding.level(line.confidence)} intervals ({line.interval})"
    )
    return _signed(figure, equation, note)


@drawing
def draw_control_chart(
    chart: pl.DataFrame,
    *,
    value: str,
    date: str = "scan_date",
    h: float = 5.0,
    events: tuple[Any, ...] = (),
    unit: str = "g/cm²",
    title: str = "",
    note: str = "",
) -> Figure:
    """Draw one phantom series: Shewhart chart above, CUSUM below, signals marked.

    Parameters
    ----------
    chart
        One series of `with_control_chart`.
    value, date
        Its columns of reading and time.
    h
        Decision limit of the CUSUM [SD].
    events
        Dates to mark: software, repairs.
    unit, title, note
        Words.
    """
    if chart["baseline_mean"].n_unique() > 1:
        raise SchemaError("the chart holds several series: draw one device at a time (filter it)")
    figure = canvas(7.0, 5.2)
    top, low = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    days, mean, sd = chart[date], chart["baseline_mean"][0], chart["baseline_sd"][0]
    top.plot(days, chart[value], ".-", color=POINT, linewidth=0.6, markersize=4)
    for k, style in ((0, "-"), (2, ":"), (3, "--")):
        for level in {mean - k * sd, mean + k * sd}:
            top.axhline(level, color=FIT, linestyle=style, linewidth=1)
    out = chart.filter(pl.col("shewhart").is_not_null())
    top.plot(out[date], out[value], "o", mfc="none", color=ALARM, label="Shewhart signal")
    top.set_ylabel(f"Phantom [{unit}]")
    for name, line, text in (("cusum_high", "-", "upward"), ("cusum_low", "--", "downward")):
        low.plot(days, chart[name], line, color=POINT, linewidth=1.2, label=f"CUSUM {text}")
    low.axhline(h, color=ALARM, linewidth=1, label=f"limit {h:g} SD")
    low.set_ylabel("CUSUM [SD]")
    for axes in (top, low):
        _plain(axes)
        for event in events:
            axes.axvline(event, color=INK, linestyle="-.", linewidth=0.8)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False, loc="upper left", ncols=3)
    top.set_title(fitted(title), fontsize=10)
    low.tick_params(axis="x", labelrotation=30)
    return _signed(figure, "solid: baseline mean; dotted and dashed: ± 2 and ± 3 SD", note)


@drawing
def draw_transitions(table: Transitions, *, title: str = "", note: str = "") -> Figure:
    """Draw a transition table as a heat map: colour by share of the row, counts in the cells.

    Parameters
    ----------
    table
        Of `transitions`. Small counts are printed as they are: pass it through disclosure control
        first where the figure leaves the house.
    title, note
        Words.
    """
    k = len(table.classes)
    figure = canvas(1.9 + 1.25 * k, 1.7 + 0.95 * k)
    axes = figure.subplots()
    sizes = table.counts.sum(axis=1, keepdims=True)
    share = np.divide(table.counts, sizes, out=np.zeros_like(table.counts), where=sizes > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i in range(k):
        for j in range(k):
            colour = "white" if share[i, j] > 0.6 else INK
            text = f"{int(table.counts[i, j])}\n{rounding.percent(share[i, j], decimals=0)} %"
            axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
    names = [legible(word(c), letters=18) for c in table.classes]
    axes.set_xticks(range(k), names, fontsize=8)
    axes.set_yticks(range(k), names, fontsize=8)
    axes.set_xlabel(fitted(table.second))
    axes.set_ylabel(fitted(table.first, letters=TALL))
    axes.set_title(fitted(title), fontsize=10)
    moved = table.reclassified
    share_moved = rounding.percent(moved.estimate, decimals=1)
    below = f"{share_moved} % change class; per cent of each row; n = {table.n}"
    return _signed(figure, below, note)


def _panel(title: str) -> tuple[Figure, Axes]:
    figure = canvas(6.4, 4.6)
    axes = figure.subplots()
    axes.set_title(fitted(title), fontsize=10)
    _plain(axes)
    return figure, axes


def _with_limits(coefficient: PointEstimate) -> str:
    parts = (coefficient.estimate, coefficient.lower, coefficient.upper)
    middle, low, high = (rounding.number(part, digits=4) for part in parts)
    return f"{middle} ({low} to {high})"


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    if len(x) > CROWD:
        axes.hexbin(x, y, gridsize=45, mincnt=1, cmap="Greys", linewidths=0.1)
    else:
        axes.plot(x, y, ".", color=POINT, markersize=4, alpha=0.65)


def _signed(figure: Figure, *lines: str) -> Figure:
    figure.supxlabel("\n".join(fitted(line) for line in lines if line), fontsize=8, color=INK)
    return figure
