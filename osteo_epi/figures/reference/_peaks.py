"""The ways to choose young adults: the cut-off that each gives, and what it implies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    SMALL,
    WIDTH,
    dress,
    legend_under_title,
    own_axes,
    panels_in,
    style_of,
    under,
)
from osteo_epi.figures._words import filled, legible, listed
from osteo_epi.figures.reference._names import way_said
from osteo_epi.language import said, word
from osteo_epi.reference import Peaks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = 6
"""At most so many densities of three decimals have room beside each other."""


@drawing
def peak_chooser(peaks: Peaks, ax: Axes | None = None, *, title: str = "", note: str = "") -> Axes:
    """Draw the cut-off that each way to choose young adults gives, and the prevalence it implies.

    Parameters
    ----------
    peaks
        Of `reference.peaks`; with its `target`, a second panel shows the prevalences.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a way, from the first down; marks are cut-offs (T = −2.5) with their intervals, and
        beside them stand ages and number of people.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import peaks
    >>> axes = peak_chooser(peaks(simulate(9_000, seed=1), roi="femoral_neck"))
    >>> [label.get_text() for label in axes.get_yticklabels()][0]
    '20–29 years'
    """
    rows = peaks.to_polars()
    heading = title or said("{roi}: ways to choose young adults", roi=word(peaks.roi))
    prevalence = "prevalence" in rows.columns
    ways = rows["way"].unique(maintain_order=True).to_list()
    height = 1.5 + (0.62 * len(ways)) * (2.15 if prevalence else 1)
    axes = ax or own_axes(
        WIDTH, height, said("{heading}: BMD at T = −2.5 with intervals", heading=heading)
    )
    panels = panels_in(axes, 2, 1, gap=(0, 0.17)) if prevalence else [axes]
    _draw_cuts(panels[0], rows, ways)
    dress(panels[0], title=filled(heading, 48), x=said("BMD at T = −2.5 [g/cm²]"), grid="x")
    if prevalence:
        _draw_shares(panels[1], rows, ways)
        first = ways[0]
        dress(
            panels[1],
            x=said(
                "Prevalence in the target, 50 years and over [%]; {way} hollow", way=way_said(first)
            ),
            grid="x",
        )
    legend_under_title(panels[0], columns=2)
    under(panels[-1], note=note)
    describe(axes, _alt(rows, heading))
    return axes


def _alt(rows: pl.DataFrame, heading: str) -> str:
    """From which cut-off to which the ways go, for each sex."""
    parts = []
    for sex in rows["sex"].unique(maintain_order=True):
        cuts = rows.filter(pl.col("sex") == sex)["cut_off"].drop_nulls().sort().to_list()
        if cuts:
            ends = [rounding.density(cuts[0]), rounding.density(cuts[-1])]
            parts.append(said("{sex} {low} to {high} g/cm²", sex=word(sex), low=ends[0],
                              high=ends[1]))  # fmt: skip
    return said("{heading}. BMD at T = −2.5: {parts}.", heading=heading, parts=listed(parts))


def _draw_cuts(axes: Axes, rows: pl.DataFrame, ways: list[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(TICKS))
    for order, (y, row) in _placed(rows, ways):
        style = style_of(row["sex"], order=order)
        ends = [row["cut_off_lower"], row["cut_off_upper"]]
        axes.plot(ends, [y, y], color=style.colour, lw=1.4, solid_capstyle="butt")
        axes.plot(row["cut_off"], y, style.marker, color=style.colour, ms=6, label=None)
        ages = f"{row['first']:.3g}" + f"–{row['last']:.3g}" * (row["last"] != row["first"])
        axes.annotate(
            said("{ages} y, n {n}", ages=ages, n=rounding.count(row["n"])),
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL - 1,
            color=style.colour,
        )
    for order, sex in enumerate(rows["sex"].unique(maintain_order=True)):
        style = style_of(sex, order=order)
        axes.plot([], [], style.marker, color=style.colour, label=word(sex))
    _name_ways(axes, ways)


def _draw_shares(axes: Axes, rows: pl.DataFrame, ways: list[str]) -> None:
    """Prevalences; the interval is that of the difference from the first way."""
    for order, (y, row) in _placed(rows.drop_nulls("prevalence"), ways):
        style = style_of(row["sex"], order=order)
        share, first = row["prevalence"], row["prevalence"] - (row["difference"] or 0.0)
        if row["difference_lower"] is not None:
            ends = [100 * (first + row[f"difference_{end}"]) for end in ("lower", "upper")]
            axes.plot(ends, [y, y], color=style.colour, lw=1.4, solid_capstyle="butt")
        face = "white" if row["way"] == ways[0] else style.colour
        axes.plot(100 * share, y, style.marker, color=style.colour, mfc=face, ms=6)
        axes.annotate(
            f"{rounding.percent(share, decimals=1)}%",
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL - 1,
            color=style.colour,
        )
    _name_ways(axes, ways)


def _placed(rows: pl.DataFrame, ways: list[str]) -> Any:
    """The order of each row's sex, where it is drawn, and the row."""
    sexes = rows["sex"].unique(maintain_order=True).to_list()
    for row in rows.to_dicts():
        order = sexes.index(row["sex"])
        yield order, (ways.index(row["way"]) + (order - (len(sexes) - 1) / 2) * 0.34, row)


def _name_ways(axes: Axes, ways: list[str]) -> None:
    axes.set_yticks(range(len(ways)), [legible(way_said(way), letters=14) for way in ways])
    axes.set_ylim(len(ways) - 0.5, -0.5)
