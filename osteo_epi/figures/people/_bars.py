"""People by age and sex as bars: those there are, and those to measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    SMALL,
    WIDTH,
    dress,
    legend_under_title,
    own_axes,
    style_of,
    under,
)
from osteo_epi.figures._words import joined
from osteo_epi.frames import in_natural_order
from osteo_epi.language import said, word
from osteo_epi.reference import Balance, SampleSize
from osteo_epi.rounding import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARE = 0.84
"""Of the room of a band of age, which its bars take."""


@drawing
def balance_chart(
    balance: Balance, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how many people there are by age and sex; thin bands are hollow.

    Parameters
    ----------
    balance
        Of `reference.balance`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import balance
    >>> axes = balance_chart(balance(simulate(2_000, seed=1)))
    >>> [label.get_text() for label in axes.get_xticklabels()][:2]
    ['20–29', '30–39']
    """
    rows = balance.to_polars().filter(pl.col("factor") == "all")
    heading = title or said("People by age and sex")
    axes = ax or own_axes(WIDTH, 3.6, f"{heading}: {balance._summary()}")
    dress(axes, title=heading, x=said("Age [years]"), y=said("People"))
    _draw_bars(axes, rows, hollow="thin")
    thin = said("hollow: fewer people than a band needs") if rows["thin"].any() else ""
    under(axes, thin, note=note)
    describe(axes, _alt(rows, heading))
    return axes


@drawing
def sample_size_chart(
    size: SampleSize, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how many people to measure by age and sex.

    Parameters
    ----------
    size
        Of `reference.sample_size`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from osteo_epi.reference import sample_size
    >>> axes = sample_size_chart(sample_size(cut_off_se=0.1))
    >>> axes.get_ylabel()
    'People to measure'
    """
    rows = size.to_polars()
    heading = title or said("People to measure by age and sex")
    axes = ax or own_axes(WIDTH, 3.6, f"{heading}: {size._summary()}")
    dress(axes, title=heading, x=said("Age [years]"), y=said("People to measure"))
    _draw_bars(axes, rows)
    invited = int(rows["invited"].sum())
    told = [said("{n} in all", n=count(size.n))]
    told += [said("{n} to be invited", n=count(invited))] if invited > size.n else []
    under(axes, joined(*told), note=note)
    describe(axes, _alt(rows, heading))
    return axes


def _alt(rows: pl.DataFrame, heading: str) -> str:
    """How many of each sex, and the smallest band."""
    sexes = rows.group_by("sex", maintain_order=True).agg(pl.col("n").sum())
    smallest = rows.sort("n", maintain_order=True).row(0, named=True)
    return said(
        "{heading}: {sexes}; fewest: {n} of {sex}, {ages} years.",
        heading=heading,
        sexes=said(", ").join(f"{word(sex)} {count(n)}" for sex, n in sexes.iter_rows()),
        n=count(smallest["n"]),
        sex=word(smallest["sex"]),
        ages=smallest["ages"],
    )


def _draw_bars(axes: Axes, rows: pl.DataFrame, *, hollow: str = "") -> None:
    """A group of bars a band of age, a bar a sex, each with its number."""
    from matplotlib.patches import Patch

    bands = in_natural_order(rows["ages"].unique())
    sexes = rows["sex"].unique(maintain_order=True).to_list()
    width = SHARE / len(sexes)
    for order, sex in enumerate(sexes):
        style = style_of(sex, order=order)
        for row in rows.filter(pl.col("sex") == sex).to_dicts():
            place = bands.index(row["ages"]) + (order - (len(sexes) - 1) / 2) * width
            face = "white" if hollow and row[hollow] else style.colour
            axes.bar(place, row["n"], width * 0.94, color=face, edgecolor=style.colour, lw=1.1)
            axes.annotate(
                f"{row['n']}", (place, row["n"]), xytext=(0, 2), textcoords="offset points",
                ha="center", va="bottom", fontsize=SMALL - 2, color=INK,
            )  # fmt: skip
    axes.set_xticks(range(len(bands)), bands)
    axes.margins(y=0.1)
    colours = (style_of(sex, order=order).colour for order, sex in enumerate(sexes))
    handles = [Patch(color=c, label=word(s)) for c, s in zip(colours, sexes, strict=True)]
    legend_under_title(axes, gap=0.4, handles=handles, columns=len(sexes))
