"""Figures of what a definition does: prevalences by definition, what each choice adds, trends.

Each takes a result and gives a matplotlib figure; none computes.
"""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._style import INK, OTHERS, STYLES, canvas, dress, nothing, signed, style_of
from osteo_epi.figures._words import drawing, legible
from osteo_epi.labels import word
from osteo_epi.population import ALL, COMMON, OWN, Decomposition, DefinitionGrid, Trend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SETS = {
    COMMON: "People classifiable under all definitions",
    OWN: "People classifiable under this definition",
}
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
    grid: DefinitionGrid, *, statistic: str = "", note: str = "", **group: str
) -> Figure:
    """Draw the prevalence under each definition, ordered, beside its difference from the base.

    Parameters
    ----------
    grid
        The result of `definition_grid`.
    statistic
        "crude" or "age_standardised"; standardised where there is a standard, by default.
    note
        A line under the title, such as the label of a simulated cohort.
    **group
        Level of each column broken down by; "all" by default.

    Returns
    -------
    Figure
        Two panels: filled marks for the people whom all definitions classify, hollow ones for
        those whom that one does.
    """
    statistic = statistic or ("crude" if grid.standard is None else "age_standardised")
    rows = grid.to_frame().filter(
        pl.col("statistic") == statistic,
        *(pl.col(column) == group.get(column, ALL) for column in grid.by),
    )
    if rows["estimate"].null_count() == rows.height:
        return nothing("Nobody of this group is classifiable.", note)
    order = _ascending(rows)
    figure = canvas(9.6, 1.9 + 0.52 * len(order))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1])
    for which in (COMMON, OWN):
        placed = rows.filter(pl.col("set") == which)
        _dots(left, placed, order, which, "estimate", "")
        _dots(right, placed, order, which, "difference", "difference_")
    left.set_yticks(range(len(order)), [legible(name, letters=LABEL_WIDTH) for name in order])
    left.set_ylim(-0.6, len(order) - 0.4)
    left.set_xlim(left=0)
    left.xaxis.set_major_formatter(_percent)
    right.axvline(0, color=INK, lw=0.9)
    right.xaxis.set_major_formatter(_points)
    levels = [word(group[column]) for column in grid.by if column in group]
    title = ", ".join([word(grid.bone_class), word(statistic).lower(), *levels])
    dress(left, title=title, x="Prevalence [%]", grid="x")
    against = fill(f"Difference from {grid.base}", LABEL_WIDTH)
    dress(right, title=against, x="Difference [percentage points]", grid="x")
    _legend_below(figure, left)
    return signed(figure, note)


@drawing
def difference_by_choice(
    split: Decomposition, *, statistic: str = "crude", note: str = "", **group: str
) -> Figure:
    """Draw how the choices add up from one definition's prevalence to the other's.

    Parameters
    ----------
    split
        The result of `decompose_difference`.
    statistic
        Which statistic to show.
    note
        A line under the title.
    **group
        Level of each column broken down by; "all" by default.

    Returns
    -------
    Figure
        A bar a part with its interval; a thin line from the lowest to the highest over orders.
    """
    rows = split.to_frame().filter(
        pl.col("statistic") == statistic,
        *(pl.col(column) == group.get(column, ALL) for column in split.by),
    )
    if rows["estimate"].null_count() == rows.height:
        return nothing("Nobody of this group is classifiable.", note)
    figure = canvas(8.6, 1.7 + 0.55 * rows.height)
    axes = figure.subplots()
    for y, row in enumerate(reversed(rows.to_dicts())):
        _bar(axes, y, row)
    labels = [_part(row) for row in reversed(rows.to_dicts())]
    axes.set_yticks(range(len(labels)), labels)
    axes.axvline(0, color=INK, lw=0.9)
    axes.xaxis.set_major_formatter(_points)
    levels = [word(group[column]) for column in split.by if column in group]
    title = ", ".join([f"{word(split.bone_class)}: what each choice adds", *levels])
    dress(axes, title=title, x="Contribution [percentage points], mean over all orders", grid="x")
    return signed(figure, note)


@drawing
def prevalence_over(trend: Trend, *, statistic: str = "", note: str = "") -> Figure:
    """Draw the prevalence over cycles with its intervals, a series for each group.

    Parameters
    ----------
    trend
        The result of `prevalence_trend`.
    statistic
        "crude" or "age_standardised"; standardised where there is one, by default.
    note
        A line under the title.
    """
    kinds = trend.levels["statistic"].unique().to_list()
    statistic = statistic or ("age_standardised" if "age_standardised" in kinds else "crude")
    rows = trend.levels.filter(pl.col("statistic") == statistic).drop_nulls("estimate")
    if rows.is_empty():
        return nothing("Nobody was measured.", note)
    figure = canvas(7.6, 4.2)
    axes = figure.subplots()
    named = pl.concat_str(list(trend.by), separator=", ") if trend.by else pl.lit(ALL)
    rows = rows.with_columns(named.alias("_group")).sort("score")
    groups = rows["_group"].unique(maintain_order=True).to_list()
    step = (max(trend.scores.values()) - min(trend.scores.values())) * 0.006
    for order, group in enumerate(sorted(groups)):
        style = style_of(group, order=order)
        series = rows.filter(pl.col("_group") == group)
        x = series["score"].to_numpy() + (order - (len(groups) - 1) / 2) * step
        y = series["estimate"].to_numpy()
        axes.errorbar(x, y, yerr=_reach(series, "estimate", ""), fmt="none", ecolor=style.colour)
        line = style.marker + style.line
        axes.plot(x, y, line, color=style.colour, ms=5, label=legible(word(group)))
    axes.set_xticks(list(trend.scores.values()), [legible(name) for name in trend.scores])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(_percent)
    title = f"{word(trend.bone_class)} by {trend.over}, {word(statistic).lower()}"
    dress(axes, title=title, y="Prevalence [%]")
    _legend_below(figure, axes)
    return signed(figure, note)


def _ascending(rows: pl.DataFrame) -> list[str]:
    """Definitions from the lowest prevalence to the highest, on the common set where there is."""
    by_set = {
        which: dict(rows.filter(pl.col("set") == which).select("definition", "estimate").rows())
        for which in (COMMON, OWN)
    }
    names = list(by_set[OWN])
    return sorted(names, key=lambda n: (by_set[COMMON][n] or -1.0, by_set[OWN][n] or -1.0))


def _dots(
    axes: Axes, rows: pl.DataFrame, order: list[str], which: str, stem: str, ends: str
) -> None:
    filled = which == COMMON
    colour = STYLES["male"].colour if filled else STYLES["female"].colour
    rows = rows.drop_nulls(stem)
    y = [order.index(name) + (0.11 if filled else -0.11) for name in rows["definition"]]
    x = rows[stem].to_numpy()
    axes.errorbar(x, y, xerr=_reach(rows, stem, ends), fmt="none", ecolor=colour, elinewidth=1.2)
    face = colour if filled else "white"
    marker = "o" if filled else "s"
    axes.scatter(
        x, y, s=34, marker=marker, facecolors=face, edgecolors=colour, zorder=3, label=SETS[which]
    )


def _reach(rows: pl.DataFrame, stem: str, ends: str) -> list[Any]:
    """Length of each interval below and above its estimate."""
    low, high = rows[f"{ends}lower"], rows[f"{ends}upper"]
    pair = (rows[stem] - low, high - rows[stem])
    return [part.fill_null(0).clip(0).to_numpy() for part in pair]


def _bar(axes: Axes, y: int, row: dict[str, Any]) -> None:
    if row["estimate"] is None:
        return
    colour = KINDS[row["kind"]]
    sums = row["kind"] in ("definition", "total")
    axes.barh(y, row["estimate"], height=0.5, color=colour, alpha=0.9 if sums else 0.5, lw=0)
    if row["lower"] is not None:
        axes.plot([row["lower"], row["upper"]], [y, y], color=INK, lw=1.3, solid_capstyle="butt")
    if row["lowest_order"] is not None:
        ends = [row["lowest_order"], row["highest_order"]]
        axes.plot(ends, [y - 0.34] * 2, "|-", color=colour, ms=7, lw=0.9)


def _part(row: dict[str, Any]) -> str:
    name = row["part"].replace("_", " ")
    if not row["from"] or row["from"] == row["to"]:
        return legible(name, letters=LABEL_WIDTH)
    return legible(f"{name}: {row['from']} → {row['to']}", letters=LABEL_WIDTH)


def _percent(value: float, _: float) -> str:
    """A tick; on a narrow axis it needs its decimals, so that no two read the same."""
    return f"{rounding.number(100 * value, digits=4)}%"


def _points(value: float, _: float) -> str:
    """A tick of a difference in percentage points."""
    return rounding.number(100 * value, digits=4, sign="+") if value else "0"


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles = axes.get_legend_handles_labels()[0]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9
    )
