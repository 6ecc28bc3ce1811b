"""Figures of a calibration: each takes frames of results and draws them; none computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from osteo_epi.figures._style import GRID, INK, OTHERS, add_legend, canvas, dress, signed, style_of
from osteo_epi.figures._words import drawing, fitted, legible
from osteo_epi.labels import word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
POINT = "#7A7A7A"
LINE = "#0072B2"
STANDARDISED = "age_standardised"


@drawing
def phantom_deviations(
    scans: pl.DataFrame,
    lines: pl.DataFrame,
    *,
    value: str = "abmd",
    nominal: str = "nominal",
    device: str = "device",
    unit: str = "g/cm²",
    note: str = "",
) -> Figure:
    """Draw each device's phantom readings less the nominal density, with its line.

    Parameters
    ----------
    scans
        One row an insert and scan, columns device, value, nominal.
    lines
        `PhantomLines.to_frame()`: device, intercept, slope.
    value, nominal, device, unit
        Names of the columns, and the unit of both densities.
    note
        A line above the figure, such as the label of simulated scans.

    Returns
    -------
    Figure
        One panel a device on common axes: a device that reads as the nominal density lies on the
        level line at zero.
    """
    names = lines[device].cast(pl.String).to_list()
    rows = -(-len(names) // COLUMNS)
    figure = canvas(9.6, 2.3 * rows + 0.6)
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    ends = [scans[nominal].min(), scans[nominal].max()]
    for axes, name, line in zip(panels, names, lines.iter_rows(named=True), strict=False):
        readings = scans.filter(pl.col(device).cast(pl.String) == name)
        away = readings[value] - readings[nominal]
        axes.axhline(0, color=INK, lw=0.9, ls=(0, (6, 3)))
        axes.scatter(readings[nominal], away, s=12, color=POINT, alpha=0.55, lw=0)
        ruled = [line["intercept"] + (line["slope"] - 1) * x for x in ends]
        axes.plot(ends, ruled, color=LINE, lw=1.8)
        dress(axes, title=legible(name))
    for place, axes in enumerate(panels):
        axes.tick_params(labelbottom=place + COLUMNS >= len(names))
        axes.set_visible(place < len(names))
    figure.supxlabel(fitted(f"Nominal density [{unit}]"), fontsize=10)
    figure.supylabel(fitted(f"Reading less nominal [{unit}]", letters=30), fontsize=10)
    return signed(figure, note)


@drawing
def differences_between(
    tables: Mapping[str, pl.DataFrame],
    *,
    reference: str,
    unit: str = "g/cm²",
    title: str = "",
    note: str = "",
) -> Figure:
    """Draw the devices' differences from one of them, before and after a correction.

    Parameters
    ----------
    tables
        What each series is called, to `Differences.to_frame()`: device, difference, lower, upper.
    reference
        The device compared with.
    unit, title, note
        Words on the figure.

    Returns
    -------
    Figure
        Points with intervals about a level line at zero.
    """
    figure = canvas(7.6, 4.2)
    axes = figure.subplots()
    devices = next(iter(tables.values()))["device"].to_list()
    for order, (name, table) in enumerate(tables.items()):
        at = {device: place for place, device in enumerate(devices)}
        shift = (order - (len(tables) - 1) / 2) * 0.2
        x = [at[device] + shift for device in table["device"]]
        _points(axes, x, table, "difference", name, order)
    axes.axhline(0, color=INK, lw=0.9, ls=(0, (6, 3)), zorder=1)
    axes.set_xticks(range(len(devices)), [legible(name, letters=14) for name in devices])
    dress(axes, title=title, y=f"Difference from {reference} [{unit}]")
    add_legend(figure, axes)
    return signed(figure, note)


@drawing
def prevalence_with_calibration(
    tables: Mapping[str, pl.DataFrame],
    *,
    by: str = "sex",
    bone_class: str = "osteoporosis",
    title: str = "",
    note: str = "",
) -> Figure:
    """Draw age-standardised prevalences side by side: uncorrected, corrected, with uncertainty.

    Parameters
    ----------
    tables
        What each series is called, to the frame of its prevalence.
    by
        The column broken down by: a panel for each level.
    bone_class
        The class to show.
    title, note
        Words on the figure.

    Returns
    -------
    Figure
        Points with intervals, a row a series; the panels have their own scales.
    """
    shown = {
        name: table.filter((pl.col("class") == bone_class) & (pl.col("statistic") == STANDARDISED))
        for name, table in tables.items()
    }
    levels = next(iter(shown.values()))[by].to_list()
    titles = [legible(word(level)) for level in levels]
    lines = max((title.count("\n") for title in titles), default=0)
    figure = canvas(9.6, 1.5 + 0.5 * len(tables) + 0.2 * lines)
    panels = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    for axes, level, head in zip(panels, levels, titles, strict=True):
        for place, table in enumerate(shown.values()):
            _bar(axes, table.filter(pl.col(by) == level), place, level)
        dress(axes, title=head, x="Prevalence [%]")
        axes.grid(axis="x", color=GRID, lw=0.8)
        axes.grid(visible=False, axis="y")
    panels[0].set_yticks(range(len(shown)), [legible(name) for name in shown])
    panels[0].set_ylim(len(shown) - 0.5, -0.5)
    figure.suptitle(fitted(title), fontsize=11, color=INK, x=0.01, ha="left")
    return signed(figure, note or title)


def _points(
    axes: Axes, x: list[float], table: pl.DataFrame, column: str, name: str, order: int
) -> None:
    style = OTHERS[order % len(OTHERS)]
    y = table[column]
    reach = [(y - table["lower"]).to_numpy(), (table["upper"] - y).to_numpy()]
    axes.errorbar(x, y, yerr=reach, fmt="none", ecolor=style.colour, elinewidth=1.4)
    axes.scatter(x, y, marker=style.marker, s=34, color=style.colour, label=legible(name), zorder=3)


def _bar(axes: Axes, row: pl.DataFrame, place: int, level: str) -> None:
    style = style_of(level)
    estimate, low, high = (100 * row[c].item() for c in ("estimate", "lower", "upper"))
    axes.plot([low, high], [place, place], color=style.colour, lw=1.6)
    axes.scatter([estimate], [place], marker=style.marker, s=34, color=style.colour, zorder=3)
