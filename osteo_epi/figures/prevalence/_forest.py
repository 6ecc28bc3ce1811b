"""Prevalences of groups one under the other, each with its interval and its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows
from osteo_epi.figures._style import INK, SMALL, dress, nothing, own_axes, style_of, under
from osteo_epi.figures._words import listed
from osteo_epi.figures.prevalence._shown import (
    confidence_words,
    levels_of,
    marks_words,
    rows_of,
)
from osteo_epi.frames import grouping
from osteo_epi.language import SEPARATOR, WITHHELD, level, said, word
from osteo_epi.population import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL = 26
"""Letters of a line of the name of a group."""
MOST_ROWS = 60
STANDARDISED, CRUDE = "age_standardised", "crude"
PEOPLE, PERCENT = 40, 52
"""[points] From the axes: where the numbers of people end, and where the percentages begin."""
TOP = 0.26
"""[inches] Room for the names of the numbers, above the first row."""
Row = dict[str, Any]


@dataclass(frozen=True)
class _Line:
    """One line: a heading, or a group with its estimate, its whole name and whose colour it has."""

    label: str
    row: Row | None = None
    name: str = ""
    group: str = ""


@drawing
def prevalence_forest(
    prevalence: Any,
    ax: Axes | None = None,
    *,
    bone_class: str = "osteoporosis",
    statistic: str = "",
    show_unreliable: bool = False,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw the prevalence of each group with its interval, one under the other: a forest plot.

    Parameters
    ----------
    prevalence
        Of `prevalence`, or its frame of any kind.
    ax
        Axes to draw into; of its own by default, as high as there are groups.
    bone_class
        The class to show.
    statistic
        "crude" or "age_standardised"; standardised where there is a standard, by default.
    show_unreliable
        Draw also what the rule of presentation withholds, crossed out, for the author's eye.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a group, with its people and percentage at the right; of two or more groupings the
        levels of one, the sexes where there are, are headings. The dotted line is everybody's
        prevalence. An estimate that the rule of presentation (column `verdict`) withholds is an
        asterisk, one that it wants reviewed, or that carries a flag, is hollow.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> rules = oe.definition("china_2020", reference="zhang_2007")
    >>> people = oe.prevalence(oe.datasets.survey(), rules, by="sex", standard="china_2010")
    >>> [label.get_text() for label in prevalence_forest(people).get_yticklabels()]
    ['Women', 'Men', 'All']
    """
    rows = rows_of(prevalence, bone_class)
    kinds = rows["statistic"].unique().to_list()
    statistic = statistic or (STANDARDISED if STANDARDISED in kinds else CRUDE)
    rows = rows.filter(pl.col("statistic") == statistic)
    if rows.drop_nulls("estimate").is_empty():
        return nothing(said("There is no estimate of this kind."), note, ax)
    if not show_unreliable:
        rows = rows.with_columns(estimate=pl.when(~pl.col("withheld")).then("estimate"))
    lines = _lines(rows)
    heading = title or said("{bone_class} by group, {statistic}", bone_class=word(bone_class),
                            statistic=word(statistic).lower())  # fmt: skip
    axes = _draw_lines(ax, lines[:MOST_ROWS], heading)
    whole = next((one.row for one in lines if one.name == word(ALL)), None)
    if whole is not None and whole["estimate"] is not None and len(lines) > 1:
        axes.axvline(100 * whole["estimate"], color=INK, lw=0.8, ls=":", zorder=1)
        dotted = said("dotted: everybody")
    else:
        dotted = ""
    words = said("; ").join(filter(None, [confidence_words(rows), dotted]))
    rest = len(lines) - MOST_ROWS
    left_out = said("Further groups not drawn: {n}", n=rest) if rest > 0 else ""
    under(axes, words, *marks_words(rows, show_unreliable=show_unreliable), left_out, note=note)
    describe(axes, _alt(lines, heading))
    return axes


def _lines(rows: pl.DataFrame) -> list[_Line]:
    """Groups in the order of the rows; the levels of one of several groupings are headings."""
    columns = grouping(rows)
    if len(columns) < 2:
        return [_line(row, columns) for row in rows.iter_rows(named=True)]
    above = "sex" if "sex" in columns else columns[0]
    within = [column for column in columns if column != above]
    lines: list[_Line] = []
    levels = [name for name in levels_of(rows, above) if name != ALL]
    for name in [*levels, ALL]:
        part = rows.filter(pl.col(above) == name)
        if part.height:
            lines.append(_Line(_named({above: name}) if name != ALL else said("Everybody")))
            lines += [_line(row, within, {above: name}) for row in part.iter_rows(named=True)]
    return lines


def _line(row: Row, columns: list[str], section: Mapping[str, str] | None = None) -> _Line:
    levels = {column: row[column] for column in columns}
    above = next(iter((section or {}).values()), ALL)
    group = above if above != ALL else str(row.get("sex") or ALL)
    return _Line(_named(levels), row, _named({**(section or {}), **levels}), group)


def _named(levels: Mapping[str, str | None]) -> str:
    words = [
        said("not stated") if name is None else level(column, name)
        for column, name in levels.items()
        if name != ALL
    ]
    return SEPARATOR.join(words) or word(ALL)


def _draw_lines(ax: Axes | None, lines: list[_Line], heading: str) -> Axes:
    placed = Rows.of([line.label for line in lines], letters=LABEL)
    axes = ax or own_axes(6.2, 1.5 + placed.height, heading)
    decimals = min((_decimals(one.row) for one in lines if _is_known(one.row)), default=1)
    for line, place in zip(lines, placed.places, strict=True):
        if line.row is not None:
            _draw(axes, line.row, place, line.group)
            told = _told(line.row, decimals)
            _beside(axes, place, rounding.count(line.row["n"]), told)
    axes.set_xlim(left=0)
    placed.name(axes)
    axes.set_ylim(top=TOP)
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("normal" if line.row else "bold")
    levels = {line.row["confidence"] for line in lines if line.row and line.row.get("confidence")}
    level = f"{100 * levels.pop():g}" if len(levels) == 1 else ""
    percent = said("% ({level}% CI)", level=level) if level else said("% (CI)")
    _beside(axes, TOP / 2, said("n"), percent)
    dress(axes, title=heading, x=said("Prevalence [%]"), grid="x")
    return axes


def _is_known(row: Row | None) -> bool:
    return row is not None and row["estimate"] is not None


def _decimals(row: Row | None) -> int:
    assert row is not None
    return rounding.interval_decimals(row["lower"], row["upper"])


def _told(row: Row, decimals: int) -> str:
    """The percentage as it may be shown, of as many decimals as all of the column."""
    if row["estimate"] is None and row["withheld"]:
        return WITHHELD
    numbers = (row["estimate"], row["lower"], row["upper"])
    return rounding.percent_interval(*numbers, decimals=decimals)


def _draw(axes: Axes, row: Row, place: float, group: str) -> None:
    if row["estimate"] is None:
        return
    style = style_of(group)
    if row["lower"] is not None:
        ends = [100 * row["lower"], 100 * row["upper"]]
        axes.plot(ends, [place, place], color=style.colour, lw=1.4, solid_capstyle="butt")
    face = "white" if row["doubtful"] else style.colour
    axes.plot(100 * row["estimate"], place, style.marker, ms=6, mfc=face, mec=style.colour,
              zorder=3)  # fmt: skip
    if row["withheld"]:
        axes.plot(100 * row["estimate"], place, "x", color=style.colour, ms=9, zorder=4)


def _beside(axes: Axes, place: float, n: str, shown: str) -> None:
    """Write people and percentage at the right of the axes, each in its column."""
    for text, at, side in ((n, PEOPLE, "right"), (shown, PERCENT, "left")):
        axes.annotate(
            text, (1, place), xytext=(at, 0), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", ha=side, va="center", fontsize=SMALL, color=INK,
        )  # fmt: skip


def _alt(lines: list[_Line], heading: str) -> str:
    """The lowest and the highest of what is shown."""
    shown = {one.name: one.row["estimate"] for one in lines if one.row}
    ranked = sorted((share, name) for name, share in shown.items() if share is not None)
    if not ranked:
        return said("{heading}: no estimate is precise enough to be shown.", heading=heading)
    if len(ranked) == 1:
        ((share, name),) = ranked
        return said("{heading}: {name} {share}%.", heading=heading, name=name,
                    share=rounding.percent(share, decimals=1))  # fmt: skip
    parts = [f"{name} {rounding.percent(share, decimals=1)}%" for share, name in ranked]
    return said("{heading}. {n} groups, the lowest and the highest: {parts}.", heading=heading,
                n=len(ranked), parts=listed(dict.fromkeys((parts[0], parts[-1]))))  # fmt: skip
