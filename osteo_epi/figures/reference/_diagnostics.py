"""Figures of how good a curve is: worms by age, Q statistics as a table, coverage by age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    GRID,
    INK,
    SMALL,
    STYLES,
    WARNING,
    WIDTH,
    dress,
    own_axes,
    panels_in,
    under,
)
from osteo_epi.figures._words import fitted
from osteo_epi.figures.reference._names import heading_of
from osteo_epi.language import said
from osteo_epi.reference import Diagnostics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE = STYLES["male"].colour
POINT = "#6A6A6A"
BESIDE = 3
"""Panels in a row."""
FURTHEST = 4.0
"""Z at which the colour of the table is full."""
NOTED = 2.0
"""Z from which a cell is bold, as van Buuren & Fredriks 2001 have it."""
STATISTICS = ("z1", "z2", "z3", "z4")


@drawing
def worm_plot(
    diagnostics: Diagnostics, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw the worm of each age: ordered residuals less what normal ones would be.

    Parameters
    ----------
    diagnostics
        Of `reference.diagnose`.
    ax
        Axes to divide into panels; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`, from the youngest on. Dotted: where 95 of
        100 points of a normal distribution lie, each for itself. A worm above or below zero is a
        fault of the median, a slope of the spread, a bow of the skewness, an S of the tails (van
        Buuren & Fredriks 2001, doi:10.1002/sim.746).

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import diagnose, fit_curve
    >>> women = survey().frame.filter(pl.col("sex") == "female")
    >>> chart = worm_plot(diagnose(fit_curve(women, "abmd_total_hip"), women))
    >>> chart.get_title(loc="left")
    'Total hip: worm plots by age'
    """
    points = diagnostics.worms
    ages = points["ages"].unique(maintain_order=True).to_list()
    rows = -(-len(ages) // BESIDE)
    heading = title or said("{what}: worm plots by age", what=heading_of(diagnostics.curve.column))
    axes = ax or own_axes(WIDTH * 1.2, 1.0 + 1.75 * rows, f"{heading}, {diagnostics._summary()}")
    panels = panels_in(axes, rows, BESIDE, gap=(0.05, 0.3 / rows))
    reach = max(0.5, 1.1 * float(np.abs(points["deviation"].to_numpy()).max()))
    for place, panel in enumerate(panels):
        panel.set_visible(place < len(ages))
        if place >= len(ages):
            continue
        chosen = pl.col("ages") == ages[place]
        cubic = diagnostics.worm_coefficients.filter(chosen).select("b0", "b1", "b2", "b3").row(0)
        _draw_worm(panel, points.filter(chosen), cubic, reach)
        dress(panel)
        panel.set_title(
            said("{ages} years", ages=ages[place]), fontsize=SMALL, color=INK, loc="left", pad=2
        )
        panel.tick_params(labelleft=place % BESIDE == 0, labelbottom=place + BESIDE >= len(ages))
    panels[BESIDE * ((rows - 1) // 2)].set_ylabel(said("Deviation [SD]"))
    last = panels[min(len(ages) - 1, BESIDE * (rows - 1) + 1)]
    last.set_xlabel(said("Normal quantile [SD]"))
    axes.set_title(fitted(heading), fontsize=11, color=INK, loc="left", pad=16)
    under(last, said("dotted: 95 % of the points of a normal distribution"), note=note)
    describe(axes, _alt_of_worms(points, heading))
    return axes


@drawing
def q_statistics(
    diagnostics: Diagnostics, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw Z1 to Z4 by age as a coloured table, with the Q statistics under it.

    Parameters
    ----------
    diagnostics
        Of `reference.diagnose`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a band of age: standard normal where mean, spread, skewness and kurtosis of the
        Z-scores are those of a normal distribution; bold beyond 2. Q: sum of the squares, with its
        p-value (Royston & Wright 2000).

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import diagnose, fit_curve
    >>> women = survey().frame.filter(pl.col("sex") == "female")
    >>> axes = q_statistics(diagnose(fit_curve(women, "abmd_total_hip"), women))
    >>> [label.get_text().split()[0] for label in axes.get_xticklabels()]
    ['Z1', 'Z2', 'Z3', 'Z4']
    """
    rows, totals = diagnostics.q_statistics, diagnostics.q_totals
    heading = title or said("{what}: Q statistics", what=heading_of(diagnostics.curve.column))
    axes = ax or own_axes(
        WIDTH, 1.5 + 0.32 * (rows.height + 1), f"{heading} by age, {diagnostics._summary()}"
    )
    values = rows.select(*STATISTICS).to_numpy()
    full = np.vstack([values, np.full((1, len(STATISTICS)), np.nan)])
    axes.imshow(full, cmap="PuOr", vmin=-FURTHEST, vmax=FURTHEST, aspect="auto", alpha=0.75)
    for (band, column), value in np.ndenumerate(values):
        text = f"{value:+z.1f}".replace("-", "−")
        _cell(axes, band, column, text, bold=abs(value) > NOTED, dark=abs(value) > 0.75 * FURTHEST)
    for column, row in enumerate(totals.head(len(STATISTICS)).iter_rows(named=True)):
        p = "" if row["p"] is None else f"\np {_p(row['p'])}"
        _cell(axes, len(values), column, f"Q {row['q']:.1f}{p}")
    names = [f"{row['ages']}, n {rounding.count(row['n'])}" for row in rows.to_dicts()]
    axes.set_yticks(range(len(names) + 1), [*names, said("all ages")])
    axes.set_xticks(range(len(STATISTICS)), _statistics())
    axes.tick_params(length=0, labelsize=SMALL, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    axes.axhline(len(values) - 0.5, color=INK, lw=1.0)
    axes.set_ylabel(said("Age [years]"))
    axes.set_title(fitted(heading), fontsize=11, color=INK, loc="left")
    under(axes, said("standard normal where the curve is right; bold beyond 2"), note=note)
    describe(axes, _alt_of_statistics(values, heading))
    return axes


@drawing
def coverage_chart(
    diagnostics: Diagnostics, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how many people lie below each centile by age, against how many should.

    Parameters
    ----------
    diagnostics
        Of `reference.diagnose`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Points with intervals about the level line of each centile; a share beyond chance, over all
        of them together, is drawn as a cross.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import diagnose, fit_curve
    >>> women = survey().frame.filter(pl.col("sex") == "female")
    >>> coverage_chart(diagnose(fit_curve(women, "abmd_total_hip"), women)).get_ylabel()
    'People below the centile [%]'
    """
    rows = diagnostics.coverage
    ages = rows["ages"].unique(maintain_order=True).to_list()
    heading = title or said("{what}: coverage by age", what=heading_of(diagnostics.curve.column))
    axes = ax or own_axes(WIDTH, 4.6, f"{heading}, {diagnostics._summary()}")
    for row in rows.iter_rows(named=True):
        x, colour = ages.index(row["ages"]), WARNING if row["beyond_chance"] else LINE
        ends = [100 * row["lower"], 100 * row["upper"]]
        axes.plot([x, x], ends, color=colour, lw=1.2, solid_capstyle="butt")
        mark = "X" if row["beyond_chance"] else "o"
        axes.plot(x, 100 * row["share"], mark, color=colour, ms=4.5)
    for percent in rows["percent"].unique().sort():
        axes.axhline(percent, color=INK, lw=0.8, ls=(0, (4, 3)), zorder=1)
    axes.set_yticks(sorted(rows["percent"].unique().to_list()))
    axes.set_xticks(range(len(ages)), ages, rotation=35, ha="right", rotation_mode="anchor")
    names = (said("Age [years]"), said("People below the centile [%]"))
    dress(axes, title=heading, x=names[0], y=names[1])
    axes.grid(visible=False)
    told = said(
        "dashed: as it should be; intervals: {method}; crosses: beyond chance",
        method=rows["interval"][0],
    )
    under(axes, told, note=note)
    beyond = int(rows["beyond_chance"].sum())
    describe(axes, said("{heading}: {n} of {all} shares are beyond chance.", heading=heading,
                        n=beyond, all=rows.height))  # fmt: skip
    return axes


def _statistics() -> list[str]:
    return [said("Z1\nmean"), said("Z2\nspread"), said("Z3\nskewness"), said("Z4\nkurtosis")]


def _alt_of_worms(points: pl.DataFrame, heading: str) -> str:
    outside = points.filter(~pl.col("deviation").is_between("lower", "upper")).height
    return said(
        "{heading}: {share}% of the points lie beyond the lines between which 95% are expected.",
        heading=heading,
        share=rounding.percent(outside / max(points.height, 1), decimals=1),
    )


def _alt_of_statistics(values: np.ndarray, heading: str) -> str:
    beyond = int((np.abs(values) > NOTED).sum())
    return said("{heading}: {n} of {all} values are beyond ±2.", heading=heading, n=beyond,
                all=values.size)  # fmt: skip


def _draw_worm(panel: Axes, points: pl.DataFrame, cubic: tuple[float, ...], reach: float) -> None:
    x, y, low, high = (
        points[name].to_numpy() for name in ("expected", "deviation", "lower", "upper")
    )
    panel.axhline(0, color=INK, lw=0.8)
    panel.axvline(0, color=GRID, lw=0.8)
    for limit in (low, high):
        panel.plot(x, limit, ls=":", color=INK, lw=0.9)
    panel.plot(x, y, ".", color=POINT, ms=2.4, mew=0, rasterized=True)
    panel.plot(x, np.polynomial.Polynomial(cubic)(x), color=LINE, lw=1.4)
    panel.set_ylim(-reach, reach)
    panel.set_xlim(-3.6, 3.6)


def _cell(
    axes: Axes, row: int, column: int, text: str, *, bold: bool = False, dark: bool = False
) -> None:
    axes.text(
        column,
        row,
        text,
        ha="center",
        va="center",
        fontsize=SMALL,
        color="white" if dark else INK,
        fontweight="bold" if bold else "normal",
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
