"""Figures of what a definition does: prevalences by definition, what each choice adds, trends.

Each takes a result, draws it and gives the axes; none computes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows
from osteo_epi.figures._style import (
    INK,
    OTHERS,
    SMALL,
    STYLES,
    above_titles,
    align,
    dress,
    legend_under_title,
    nothing,
    own_axes,
    panels_in,
    small_multiples,
    style_of,
    under,
)
from osteo_epi.figures._words import fitted, in_lines, joined, legible, listed
from osteo_epi.figures.prevalence._shown import confidence_words, marks_words, rows_of
from osteo_epi.frames import in_natural_order
from osteo_epi.language import SEPARATOR, WITHHELD, said, word
from osteo_epi.population import ALL, COMMON, OWN, Decomposition, DefinitionGrid, Trend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOGETHER, COLUMNS = 3, 3
MOST_SPOKEN = 6
SUM = "#8A8A8A"
KINDS = {
    "choice": STYLES["male"].colour,
    "definition": SUM,
    "people": OTHERS[0].colour,
    "total": SUM,
}
LABEL_WIDTH = 38


@drawing
def prevalence_by_definition(
    grid: DefinitionGrid,
    ax: Axes | None = None,
    *,
    statistic: str = "",
    show_unreliable: bool = False,
    title: str = "",
    note: str = "",
    **group: str,
) -> Axes:
    """Draw the prevalence under each definition, ordered, beside its difference from the base.

    Parameters
    ----------
    grid
        The result of `definition_grid`.
    ax
        Axes to divide into panels; of its own by default.
    statistic
        "crude" or "age_standardised"; standardised where there is a standard, by default.
    show_unreliable
        Draw also what the rule of presentation withholds, for the author's eye.
    title, note
        Words above the axes, and under them.
    **group
        Level of each column broken down by; "all" by default.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`, two: filled marks for the people whom all
        definitions classify, hollow ones for those whom that one does. Where the rule of
        presentation (column `verdict`) withholds an estimate stands an asterisk; its difference,
        which has limits of its own, is drawn.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> axes = oe.definition_axes(sites=["lumbar_spine", "femoral_neck"])
    >>> grid = oe.definition_grid(oe.datasets.survey(), axes)
    >>> [panel.get_xlabel() for panel in prevalence_by_definition(grid).child_axes]
    ['Prevalence [%]', 'Difference [percentage points]']
    """
    statistic = statistic or ("crude" if grid.standard is None else "age_standardised")
    rows = rows_of(grid.to_polars(), grid.bone_class).filter(
        pl.col("statistic") == statistic,
        *(pl.col(column) == group.get(column, ALL) for column in grid.by),
    )
    if rows["estimate"].null_count() == rows.height:
        return nothing(said("Nobody of this group is classifiable."), note, ax)
    # Hollow marks are of other people here, and no word of caution.
    rows = rows.with_columns(withheld=pl.col("withheld") & (not show_unreliable), doubtful=False)
    order = _ascending(rows)
    lines = Rows.of(list(map(_in_words, order)), letters=LABEL_WIDTH, lines=2)
    axes = ax or own_axes(8.4, 1.9 + lines.height, grid._summary())
    left, right = panels_in(axes, 1, 2, gap=(0.06, 0))
    places = dict(zip(order, lines.places, strict=True))
    for which in (COMMON, OWN):
        placed = rows.filter(pl.col("set") == which)
        _dots(left, placed.filter(~pl.col("withheld")), places, which, "estimate", "")
        _asterisks(left, placed.filter("withheld"), places, which)
        _dots(right, placed, places, which, "difference", "difference_")
    _name_panels(left, right, lines, grid)
    levels = [word(group[column]) for column in grid.by if column in group]
    heading = title or joined(word(grid.bone_class), word(statistic).lower(), *levels)
    axes.set_title(fitted(heading), fontsize=11, color=INK, loc="left")
    handles = left.get_legend_handles_labels()[0]
    legend_under_title(axes, handles=handles, gap=0.4, above=above_titles([right]) + 6)
    under(left, *marks_words(rows, show_unreliable=False), note=note)
    describe(axes, _alt_of_grid(rows, order, grid.base, heading))
    return axes


def _name_panels(left: Axes, right: Axes, lines: Rows, grid: DefinitionGrid) -> None:
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter(_percent)
    right.axvline(0, color=INK, lw=0.9)
    right.xaxis.set_major_formatter(_points)
    dress(left, x=said("Prevalence [%]"), grid="x")
    dress(right, x=said("Difference [percentage points]"), grid="x")
    for panel in (left, right):
        lines.name(panel)
    right.tick_params(labelleft=False)
    against = in_lines(said("Difference from {base}", base=_in_words(grid.base)), LABEL_WIDTH)
    right.set_title(against, fontsize=SMALL, color=INK, loc="left")


def _alt_of_grid(rows: pl.DataFrame, order: list[str], base: str, heading: str) -> str:
    """The lowest and the highest prevalence, on the common people where there are any."""
    rows = rows.filter(~pl.col("withheld")).drop_nulls("estimate")
    if rows.is_empty():
        return said("{heading}: no estimate is precise enough to be shown.", heading=heading)
    which = COMMON if COMMON in rows["set"] else OWN
    known = rows.filter(pl.col("set") == which).sort("estimate")
    low, high = known.row(0, named=True), known.row(-1, named=True)
    return said(
        "{heading}: from {low}% under {first} to {high}% under {last}, of {n} definitions.",
        heading=heading,
        low=rounding.percent(low["estimate"], decimals=1),
        high=rounding.percent(high["estimate"], decimals=1),
        first=_in_words(low["definition"]),
        last=_in_words(high["definition"]),
        n=len(order),
    )


@drawing
def difference_by_choice(
    split: Decomposition,
    ax: Axes | None = None,
    *,
    statistic: str = "crude",
    title: str = "",
    note: str = "",
    **group: str,
) -> Axes:
    """Draw how the choices add up from one definition's prevalence to the other's.

    Parameters
    ----------
    split
        The result of `decompose_difference`.
    ax
        Axes to draw into; of its own by default.
    statistic
        Which statistic to show.
    title, note
        Words above the axes, and under them.
    **group
        Level of each column broken down by; "all" by default.

    Returns
    -------
    Axes
        A bar a part with its interval; a thin line from the lowest to the highest over orders.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> spine, neck = oe.definition_axes(sites=["lumbar_spine", "femoral_neck"])
    >>> split = oe.population.decompose_difference(oe.datasets.survey(), spine, neck)
    >>> difference_by_choice(split).get_xlabel()
    'Contribution [percentage points], mean over all orders'
    """
    rows = split.to_polars().filter(
        pl.col("statistic") == statistic,
        *(pl.col(column) == group.get(column, ALL) for column in split.by),
    )
    if rows["estimate"].null_count() == rows.height:
        return nothing(said("Nobody of this group is classifiable."), note, ax)
    parts = rows.to_dicts()
    lines = Rows.of([_part(row) for row in parts], letters=LABEL_WIDTH, lines=2)
    axes = ax or own_axes(7.2, 1.6 + lines.height, split._summary())
    for place, row in zip(lines.places, parts, strict=True):
        _bar(axes, place, row)
    lines.name(axes)
    axes.axvline(0, color=INK, lw=0.9)
    axes.xaxis.set_major_formatter(_points)
    levels = [word(group[column]) for column in split.by if column in group]
    what = said("{bone_class}: what each choice adds", bone_class=word(split.bone_class))
    heading = title or joined(what, *levels)
    dress(axes, title=heading, grid="x",
          x=said("Contribution [percentage points], mean over all orders"))  # fmt: skip
    under(axes, note=note)
    describe(axes, _alt_of_parts(parts, heading))
    return axes


def _alt_of_parts(parts: list[dict[str, Any]], heading: str) -> str:
    known = [row for row in parts if row["estimate"] is not None]
    texts = [
        f"{_part(row)} {rounding.percent(row['estimate'], decimals=1, sign='+')}" for row in known
    ]
    return said("{heading} [percentage points]. {parts}.", heading=heading,
                parts=listed(" ".join(text.split()) for text in texts))  # fmt: skip


@drawing
def prevalence_over(
    trend: Trend,
    ax: Axes | None = None,
    *,
    statistic: str = "",
    show_unreliable: bool = False,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw the prevalence over cycles with its intervals, a series for each group.

    Parameters
    ----------
    trend
        The result of `prevalence_trend`.
    ax
        Axes to draw into, or to divide into panels; of its own by default.
    statistic
        "crude" or "age_standardised"; standardised where there is one, by default.
    show_unreliable
        Draw also what the rule of presentation withholds, crossed out, for the author's eye.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Up to three groups share the axes; of more, each has a panel (`child_axes`). What the rule
        of presentation (column `verdict`) withholds is an asterisk; what it wants reviewed, or
        carries a flag, is hollow.
    """
    kinds = trend.levels["statistic"].unique().to_list()
    statistic = statistic or ("age_standardised" if "age_standardised" in kinds else "crude")
    rows = rows_of(trend.levels, trend.bone_class).filter(pl.col("statistic") == statistic)
    rows = rows.drop_nulls("estimate")
    if rows.is_empty():
        return nothing(said("Nobody was measured."), note, ax)
    groups = _by_group(rows.sort("score"), trend.by)
    heading = title or said(
        "{bone_class} by {over}, {statistic}",
        bone_class=word(trend.bone_class),
        over=word(trend.over),
        statistic=word(statistic).lower(),
    )
    axes, panels, foot = _trend_canvas(ax, groups, heading)
    step = (max(trend.scores.values()) - min(trend.scores.values())) * 0.006
    for order, (group, series) in enumerate(groups.items()):
        panel = panels[order] if len(panels) > 1 else axes
        shift = 0.0 if len(panels) > 1 else (order - (len(groups) - 1) / 2) * step
        _line(panel, series, group, order, shift, show_unreliable=show_unreliable)
        names = [legible(name, letters=10) for name in trend.scores]
        panel.set_xticks(list(trend.scores.values()), names)
        panel.yaxis.set_major_formatter(_percent)
    for panel in panels:
        panel.set_ylim(bottom=0)
    if len(panels) > 1:
        align(axes, panels, COLUMNS, y=said("Prevalence [%]"))
    elif len(groups) > 1:
        legend_under_title(axes, gap=0.4)
    marks = marks_words(rows, show_unreliable=show_unreliable)
    under(foot, confidence_words(rows), *marks, note=note)
    seen = rows if show_unreliable else rows.filter(~pl.col("withheld"))
    spoken = _by_group(seen.sort("score"), trend.by)
    describe(axes, _alt_of_trend(spoken, heading, trend.over))
    return axes


def _by_group(rows: pl.DataFrame, by: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    if not by:
        return {ALL: rows}
    groups = {
        SEPARATOR.join(map(str, key)): part for key, part in rows.group_by(by, maintain_order=True)
    }
    return {name: groups[name] for name in in_natural_order(groups)}


def _trend_canvas(
    ax: Axes | None, groups: dict[str, pl.DataFrame], heading: str
) -> tuple[Axes, list[Axes], Axes]:
    """The axes, its panels where there are any, and what the foot stands under."""
    if len(groups) <= TOGETHER:
        axes = ax or own_axes(6.0, 4.2, heading)
        dress(axes, title=heading, y=said("Prevalence [%]"))
        return axes, [axes], axes
    axes = ax or own_axes(7.2, 1.5 + 1.95 * -(-len(groups) // COLUMNS), heading)
    names = [legible(_worded(group), letters=24) for group in groups]
    panels = small_multiples(axes, names, columns=COLUMNS)
    axes.set_title(fitted(heading), fontsize=11, color=INK, loc="left", pad=20)
    return axes, panels, panels[-1]


def _line(
    axes: Axes, series: pl.DataFrame, group: str, order: int, shift: float, *, show_unreliable: bool
) -> None:
    style = style_of(group, order=order)
    withheld, doubtful = (series[name].to_numpy() for name in ("withheld", "doubtful"))
    hidden = withheld & (not show_unreliable)
    x = series["score"].to_numpy() + shift
    # A line does not lead over a cycle that is withheld.
    y = np.where(hidden, np.nan, series["estimate"].to_numpy())
    axes.errorbar(x, y, yerr=_reach(series, "estimate", ""), fmt="none", ecolor=style.colour)
    axes.plot(x, y, style.marker + style.line, color=style.colour, ms=5,
              label=legible(_worded(group)))  # fmt: skip
    axes.plot(x[doubtful], y[doubtful], style.marker, color=style.colour, mfc="white", ms=5)
    axes.plot(x[withheld], y[withheld], "x", color=style.colour, ms=8)
    for at in x[hidden]:
        axes.annotate(WITHHELD, (at, 0), ha="center", color=style.colour, fontsize=12)


def _worded(group: str) -> str:
    return SEPARATOR.join(word(level) for level in group.split(SEPARATOR))


def _alt_of_trend(groups: dict[str, pl.DataFrame], heading: str, over: str) -> str:
    """From which prevalence to which each group goes, as far as it may be shown."""
    parts = []
    for group, rows in groups.items():
        ends = [
            said("{share}% in {level}", share=rounding.percent(row["estimate"], decimals=1),
                 level=row[over])
            for row in rows.to_dicts()
        ]  # fmt: skip
        if ends:
            told = joined(*dict.fromkeys((ends[0], ends[-1])))
            parts.append(said(": ").join([_worded(group), told]))
    if not parts:
        return said("{heading}: no estimate is precise enough to be shown.", heading=heading)
    return said("{heading}. {parts}.", heading=heading, parts=listed(parts[:MOST_SPOKEN]))


def _ascending(rows: pl.DataFrame) -> list[str]:
    """Definitions from the lowest prevalence to the highest, on the common set where there is."""
    by_set = {
        which: dict(rows.filter(pl.col("set") == which).select("definition", "estimate").rows())
        for which in (COMMON, OWN)
    }
    names = list(by_set[OWN])
    return sorted(names, key=lambda n: (by_set[COMMON][n] or -1.0, by_set[OWN][n] or -1.0))


def _dots(
    axes: Axes, rows: pl.DataFrame, places: dict[str, float], which: str, stem: str, ends: str
) -> None:
    filled = which == COMMON
    colour = STYLES["male"].colour if filled else STYLES["female"].colour
    rows = rows.drop_nulls(stem)
    y = [places[name] + (0.05 if filled else -0.05) for name in rows["definition"]]
    x = rows[stem].to_numpy()
    axes.errorbar(x, y, xerr=_reach(rows, stem, ends), fmt="none", ecolor=colour, elinewidth=1.2)
    face = colour if filled else "white"
    marker = "o" if filled else "s"
    axes.scatter(
        x,
        y,
        s=34,
        marker=marker,
        facecolors=face,
        edgecolors=colour,
        zorder=3,
        label=said("People classifiable under all definitions")
        if filled
        else said("People classifiable under this definition"),
    )


def _asterisks(axes: Axes, rows: pl.DataFrame, places: dict[str, float], which: str) -> None:
    """Say in the place of an estimate that it is withheld."""
    colour = STYLES["male" if which == COMMON else "female"].colour
    for name in rows["definition"]:
        at = places[name] + (0.05 if which == COMMON else -0.05)
        axes.annotate(WITHHELD, (0, at), ha="left", va="center", color=colour, fontsize=12)


def _reach(rows: pl.DataFrame, stem: str, ends: str) -> list[Any]:
    """Length of each interval below and above its estimate."""
    low, high = rows[f"{ends}lower"], rows[f"{ends}upper"]
    pair = (rows[stem] - low, high - rows[stem])
    return [part.fill_null(0).clip(0).to_numpy() for part in pair]


def _bar(axes: Axes, y: float, row: dict[str, Any]) -> None:
    if row["estimate"] is None:
        return
    colour = KINDS[row["kind"]]
    sums = row["kind"] in ("definition", "total")
    axes.barh(y, row["estimate"], height=0.24, color=colour, alpha=0.9 if sums else 0.5, lw=0)
    if row["lower"] is not None:
        axes.plot([row["lower"], row["upper"]], [y, y], color=INK, lw=1.3, solid_capstyle="butt")
    if row["lowest_order"] is not None:
        ends = [row["lowest_order"], row["highest_order"]]
        axes.plot(ends, [y - 0.17] * 2, "|-", color=colour, ms=7, lw=0.9)


def _part(row: dict[str, Any]) -> str:
    own = {
        "all choices": said("All choices"),
        "who is classifiable": said("Who is classifiable"),
        "difference": said("Difference"),
        "reference": said("Reference"),
        "regions": said("Regions"),
        "sex rule": said("Sex of the reference"),
        "spine": said("Vertebrae"),
        "evidence": said("Evidence"),
    }
    name = own.get(row["part"]) or word(row["part"]).replace("_", " ")
    if not row["from"] or row["from"] == row["to"]:
        return legible(name, letters=LABEL_WIDTH)
    ends = " → ".join(_in_words(row[end]) for end in ("from", "to"))
    return legible(said(": ").join([name, ends]), letters=LABEL_WIDTH)


def _in_words(label: str) -> str:
    """The label of a definition with its regions in words; norms keep the names they are cited by.

    Examples
    --------
    >>> _in_words("nhanes3_white; lumbar_spine+total_hip")
    'nhanes3_white; Lumbar spine + Total hip'
    """
    parts = ([word(code) for code in part.split("+")] for part in label.split("; "))
    return said("; ").join(" + ".join(codes) for codes in parts)


def _percent(value: float, _: float) -> str:
    """A tick, whose unit the axis names; on a narrow axis it needs decimals, to tell two apart."""
    return rounding.number(100 * value, digits=4)


def _points(value: float, _: float) -> str:
    """A tick of a difference in percentage points."""
    text = rounding.number(100 * value, digits=4, sign="+") if value else "0"
    return text.replace("-", "−")
