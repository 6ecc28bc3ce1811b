"""Prevalence by age: a panel for all, or one for each group where there are more than two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    SMALL,
    WIDTH,
    above_titles,
    align,
    dress,
    legend_under_title,
    nothing,
    own_axes,
    small_multiples,
    style_of,
    under,
)
from osteo_epi.figures._words import fitted, joined, legible, listed, width
from osteo_epi.figures.prevalence._shown import (
    confidence_words,
    levels_of,
    marks_words,
    rows_of,
    series_column,
)
from osteo_epi.frames import grouping
from osteo_epi.language import SEPARATOR, WITHHELD, level, said, word
from osteo_epi.population import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
QUIET = "#767676"
MOST_PANELS = 15
"""Five rows of three: what stands on one page."""
MOST_SPOKEN = 6
TOGETHER = 2
"""Groups that share one panel; of more, each non-sex level has its own."""


@dataclass(frozen=True)
class _Series:
    """Rows of one group by age; a quiet one is everybody, for comparison."""

    name: str
    level: str
    order: int
    rows: pl.DataFrame
    quiet: bool = False


@drawing
def prevalence_by_age(
    prevalence: Any,
    ax: Axes | None = None,
    *,
    bone_class: str = "osteoporosis",
    show_unreliable: bool = False,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw the prevalence of a class by age band with its intervals, a series for each group.

    Parameters
    ----------
    prevalence
        Of `prevalence`, or its frame of any kind, with rows of the statistic "age_band".
    ax
        Axes to draw into, or to divide into panels; of its own by default.
    bone_class
        The class to show.
    show_unreliable
        Draw also what the rule of presentation withholds, crossed out, for the author's eye.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Points with intervals. Up to two groups share the axes; of more, each level has a panel
        (`child_axes`), with the sexes in it or with everybody in grey. An estimate that the rule
        of presentation (column `verdict`) withholds is an asterisk, one that it wants reviewed,
        or that carries a flag, is hollow.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> rules = oe.definition("china_2020", reference="zhang_2007")
    >>> axes = prevalence_by_age(oe.prevalence(oe.datasets.survey(), rules, by="sex"))
    >>> axes.get_title(loc="left")
    'Osteoporosis by age'
    """
    rows = rows_of(prevalence, bone_class).filter(pl.col("statistic") == "age_band")
    if rows.drop_nulls("estimate").is_empty():
        return nothing(said("There are no rows by age."), note, ax)
    bands = sorted(rows["age_band"].unique().to_list(), key=_lower_age)
    panels, *left_out = _panels(rows, show_unreliable=show_unreliable)
    alone = next(iter(panels)) if len(panels) == 1 else ""
    heading = title or said("{bone_class} by age", bone_class=word(bone_class))
    heading = heading if title or not alone else joined(heading, alone)
    axes, drawn = _canvas(ax, list(panels), heading)
    for panel, series in zip(drawn, panels.values(), strict=True):
        for one in series:
            _draw(panel, one, bands, show_unreliable=show_unreliable)
        _name_bands(panel, bands, narrow=len(drawn) > 1)
    foot = _name_axes(axes, drawn, heading)
    _legend(axes, list(panels.values()), above=above_titles(drawn) if len(drawn) > 1 else 0)
    marks = marks_words(rows, show_unreliable=show_unreliable)
    under(foot, confidence_words(rows), *marks, *left_out, note=note)
    describe(axes, _alt(panels, bone_class, show_unreliable=show_unreliable))
    return axes


def _panels(
    rows: pl.DataFrame, *, show_unreliable: bool
) -> tuple[dict[str, list[_Series]], str, str]:
    """The series of each panel by its name, and what is not drawn, in words."""
    columns = grouping(rows)
    levels = {column: levels_of(rows, column) for column in columns}
    cells = [c for c in _combinations(rows, columns) if all(c[k] in levels[k] for k in columns)]
    if len(cells) <= TOGETHER:
        series = [
            _Series(_named(cell), next(iter(cell.values()), ALL), order, _cut(rows, cell))
            for order, cell in enumerate(cells)
        ]
        return {"": series}, "", ""
    together = series_column(rows, columns)
    beside = [column for column in columns if column != together]
    if together and not beside:
        beside, together = [together], None
    # Everybody of the other columns has a panel of its own, the first, where the rows hold it.
    combined = _combinations(rows, beside)
    whole = [p for p in combined if together and all(value == ALL for value in p.values())]
    places = [p for p in combined if p not in whole and all(p[k] in levels[k] for k in beside)]
    places = [*whole, *places]
    groups = levels[together] if together else []
    made = ((_named(p), _of_panel(rows, p, together, groups)) for p in places)
    return _seen(made, len(places), show_unreliable=show_unreliable)


def _seen(
    made: Iterable[tuple[str, list[_Series]]], n: int, *, show_unreliable: bool
) -> tuple[dict[str, list[_Series]], str, str]:
    """The first panels in which something is seen; which would be empty, and how many more are.

    Where nothing at all may be shown the first panel stays: its asterisks say so.
    """
    kept: dict[str, list[_Series]] = {}
    empty: dict[str, list[_Series]] = {}
    for name, series in made:
        seen = any(_shown(one, show_unreliable=show_unreliable).height for one in series
                   if not one.quiet)  # fmt: skip
        (kept if seen else empty)[name] = series
        if len(kept) == MOST_PANELS:
            break
    names = listed(empty) if len(empty) <= MOST_SPOKEN else said("{n} groups", n=len(empty))
    unseen = said("Not drawn, no estimate may be shown: {groups}", groups=names) if empty else ""
    rest = n - len(kept) - len(empty)
    more = said("Further groups not drawn: {n}", n=rest) if rest > 0 else ""
    return kept or dict(list(empty.items())[:1]), unseen, more


def _shown(one: _Series, *, show_unreliable: bool) -> pl.DataFrame:
    """The rows of a group of which an estimate is seen."""
    rows = one.rows.drop_nulls("estimate")
    return rows if show_unreliable else rows.filter(~pl.col("withheld"))


def _combinations(rows: pl.DataFrame, columns: list[str]) -> list[dict[str, str]]:
    return rows.select(columns).unique(maintain_order=True).to_dicts() if columns else [{}]


def _of_panel(
    rows: pl.DataFrame, place: dict[str, str], together: str | None, groups: list[str]
) -> list[_Series]:
    if together:
        return [
            _Series(_worded(together, group), group, order, _cut(rows, {**place, together: group}))
            for order, group in enumerate(groups)
        ]
    everybody = _cut(rows, dict.fromkeys(place, ALL))
    quiet = [_Series(word(ALL), ALL, 0, everybody, quiet=True)] if everybody.height else []
    return [*quiet, _Series(_named(place), "", 0, _cut(rows, place))]


def _cut(rows: pl.DataFrame, cell: dict[str, str]) -> pl.DataFrame:
    return rows.filter(pl.lit(True), *(pl.col(k).eq_missing(pl.lit(v)) for k, v in cell.items()))


def _named(cell: dict[str, str]) -> str:
    parts = [_worded(column, value) for column, value in cell.items() if value != ALL]
    return SEPARATOR.join(parts) if parts else word(ALL)


def _worded(column: str, name: str | None) -> str:
    return said("not stated") if name is None else level(column, name)


def _canvas(ax: Axes | None, names: list[str], heading: str) -> tuple[Axes, list[Axes]]:
    """The axes, and the panels in them: itself where there is one."""
    if len(names) == 1:
        axes = ax or own_axes(WIDTH + 0.8, 4.2, heading)
        return axes, [axes]
    rows = -(-len(names) // COLUMNS)
    axes = ax or own_axes(7.2, 1.9 + 1.95 * rows, heading)
    return axes, small_multiples(axes, [legible(n, letters=24) for n in names], columns=COLUMNS)


def _draw(axes: Axes, one: _Series, bands: list[str], *, show_unreliable: bool) -> None:
    style = style_of(one.level, order=one.order)
    rows, seen = one.rows.drop_nulls("estimate"), _shown(one, show_unreliable=show_unreliable)
    place = {band: x for x, band in enumerate(bands)}
    shift = 0.0 if one.level in ("", ALL) else (0.14 if one.order else -0.14)
    x = [place[band] + shift for band in seen["age_band"]]
    y = 100 * seen["estimate"]
    if one.quiet:
        axes.plot(x, y, ":", color=QUIET, lw=1.3, zorder=1)
        return
    axes.vlines(x, 100 * seen["lower"], 100 * seen["upper"], color=style.colour, lw=1.2)
    # A line does not lead over a band that is withheld.
    joined = dict(zip(seen["age_band"], y, strict=True))
    whole = [joined.get(band, float("nan")) for band in bands]
    axes.plot([i + shift for i in range(len(bands))], whole, style.line, color=style.colour,
              lw=0.8, alpha=0.6)  # fmt: skip
    faces = ["white" if doubtful else style.colour for doubtful in seen["doubtful"]]
    axes.scatter(x, y, marker=style.marker, s=28, facecolors=faces, edgecolors=style.colour,
                 zorder=3, clip_on=False)  # fmt: skip
    for band in rows.filter(pl.col("withheld"))["age_band"]:
        at = place[band] + shift
        if show_unreliable:
            axes.plot(at, joined[band], "x", color=style.colour, ms=8, zorder=4)
        else:
            axes.annotate(WITHHELD, (at, 0), ha="center", color=style.colour, fontsize=12)


def _name_bands(axes: Axes, bands: list[str], *, narrow: bool) -> None:
    names = [legible(band.replace("-", "–"), letters=12) for band in bands]
    letters = sum(width(name.split("\n")[0]) + 2 for name in names)
    turned = letters > (24 if narrow else 62)
    axes.set_xticks(range(len(bands)), names, rotation=90 if turned else 0)
    axes.set_xlim(-0.6, len(bands) - 0.4)
    # Where each band is withheld, the axis has no number of its own to reach to.
    axes.set_ylim(bottom=0, top=None if axes.dataLim.height > 0 else 100)
    axes.tick_params(labelsize=SMALL - 1 if narrow else SMALL)


def _name_axes(axes: Axes, drawn: list[Axes], heading: str) -> Axes:
    """Titles and names; given is the panel that the foot stands under."""
    x, y = said("Age [years]"), said("Prevalence [%]")
    if len(drawn) == 1:
        dress(axes, title=heading, x=x, y=y)
        return axes
    foot = align(axes, drawn, COLUMNS, x=x, y=y)
    axes.set_title(fitted(heading), fontsize=11, color=INK, loc="left")
    return foot


def _legend(axes: Axes, panels: list[list[_Series]], *, above: float) -> None:
    """The series of a panel; where each panel holds one group, everybody alone."""
    from matplotlib.lines import Line2D

    handles = []
    for one in _drawn(panels):
        style = style_of(one.level, order=one.order)
        look: dict[str, Any] = {"marker": style.marker, "ls": "", "color": style.colour}
        if one.quiet:
            look = {"ls": ":", "color": QUIET, "lw": 1.3}
        if len(panels) == 1 or one.level:
            handles.append(Line2D([], [], label=legible(one.name), **look))
    if handles and not (len(panels) == 1 and len(handles) == 1 and panels[0][0].level == ALL):
        legend_under_title(axes, handles=handles, gap=0.4, above=above)


def _drawn(panels: list[list[_Series]]) -> list[_Series]:
    """One of each series that has an estimate in any panel."""
    known = {s.name: s for panel in panels for s in panel if s.rows["estimate"].count()}
    return list(known.values())


def _lower_age(band: str) -> float:
    digits = "".join(c if c.isdigit() or c == "." else " " for c in band).split()
    return float(digits[0]) if digits else 0.0


def _alt(panels: dict[str, list[_Series]], bone_class: str, *, show_unreliable: bool) -> str:
    """From which prevalence to which each group goes, as far as it may be shown."""
    parts, everybody = [], []
    for name, series in panels.items():
        for one in series:
            rows = _shown(one, show_unreliable=show_unreliable)
            if rows.is_empty():
                continue
            rows = rows.sort(pl.col("age_band").map_elements(_lower_age, return_dtype=pl.Float64))
            # Everybody's line stands in each panel, and is spoken of once.
            if one.quiet:
                everybody = [_from_to(one, "", rows)]
            else:
                parts.append(_from_to(one, name, rows))
    parts = [*everybody, *parts]
    if not parts:
        heading = said("{bone_class} by age", bone_class=word(bone_class))
        return said("{heading}: no estimate is precise enough to be shown.", heading=heading)
    text = said("Prevalence by age, {bone_class}. ", bone_class=word(bone_class))
    rest = len(parts) - MOST_SPOKEN
    more = said("; and {n} further groups", n=rest) if rest > 0 else ""
    return text + said("{sentence}.", sentence=listed(parts[:MOST_SPOKEN]) + more)


def _from_to(one: _Series, panel: str, rows: pl.DataFrame) -> str:
    name = one.name if panel in ("", one.name) else f"{panel}{SEPARATOR}{one.name}"
    ends = [
        said(
            "{share}% at {ages} years",
            share=rounding.percent(row["estimate"], decimals=1),
            ages=row["age_band"].replace("-", "–"),
        )
        for row in (rows.row(0, named=True), rows.row(-1, named=True))
    ]
    return said(": ").join([name, joined(*dict.fromkeys(ends))])
