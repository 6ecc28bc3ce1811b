"""Differences between devices, and what a correction of them does to a prevalence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.calibration import Differences
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import (
    INK,
    OTHERS,
    WIDTH,
    align,
    dress,
    legend_under_title,
    nothing,
    own_axes,
    small_multiples,
    style_of,
    under,
)
from osteo_epi.figures._words import fitted, legible, listed
from osteo_epi.figures.prevalence._shown import rows_of
from osteo_epi.frames import as_polars, grouping, in_natural_order
from osteo_epi.language import WITHHELD, said, word
from osteo_epi.population import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STANDARDISED = "age_standardised"


@drawing
def differences_between(
    result: Differences | Mapping[str, Any],
    ax: Axes | None = None,
    *,
    reference: str = "",
    unit: str = "g/cm²",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw the devices' differences from one of them.

    Parameters
    ----------
    result
        Of `calibration.between_devices`; or several, such as before and after a correction, or
        their frames (device, difference, lower, upper), by what each is called.
    ax
        Axes to draw into; of its own by default.
    reference
        The device compared with; by default that of the result.
    unit
        Of the differences.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a device, points with intervals about a level line at zero.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> people = oe.simulate(3_000, seed=1, devices="seven_centres")
    >>> found = oe.calibration.between_devices(
    ...     people, column="abmd_total_hip", reference="lunar_1")
    >>> differences_between(found).get_xlabel()
    'Difference from lunar_1 [g/cm²]'
    """
    series = _series(result)
    reference = reference or _reference(result)
    devices = in_natural_order({str(d) for table in series.values() for d in table["device"]})
    lines = Rows.of(devices, letters=22, lines=len(series))
    summary = said("Differences from {reference}", reference=reference)
    axes = ax or own_axes(WIDTH, 1.6 + lines.height, summary)
    axes.axvline(0, color=INK, lw=0.9, ls=(0, (6, 3)), zorder=1)
    places = dict(zip(devices, lines.places, strict=True))
    for order, (name, table) in enumerate(series.items()):
        shift = ((len(series) - 1) / 2 - order) * 0.14
        y = [places[str(device)] + shift for device in table["device"]]
        style = OTHERS[order % len(OTHERS)]
        axes.hlines(y, table["lower"], table["upper"], color=style.colour, lw=1.4)
        axes.scatter(table["difference"], y, marker=style.marker, s=34, color=style.colour,
                     label=legible(name) if name else None, zorder=3)  # fmt: skip
    lines.name(axes)
    x = said("Difference from {reference} [{unit}]", reference=reference, unit=unit)
    dress(axes, title=title, x=x, grid="x")
    if len(series) > 1:
        legend_under_title(axes)
    under(axes, note=note)
    describe(axes, _alt(series, reference, unit))
    return axes


def _series(result: Any) -> dict[str, pl.DataFrame]:
    if isinstance(result, Differences):
        result = {"": result}
    return {
        name: table.to_polars()
        if isinstance(table, Differences)
        else as_polars(table)[0].lazy().collect()
        for name, table in result.items()
    }


def _reference(result: Any) -> str:
    if isinstance(result, Differences):
        return result.reference
    named = [table.reference for table in result.values() if isinstance(table, Differences)]
    return named[0] if named else said("the reference device")


def _alt(series: Mapping[str, pl.DataFrame], reference: str, unit: str) -> str:
    parts = []
    for name, table in series.items():
        low, high = (
            rounding.fixed(end, decimals=3, sign="+")
            for end in (min(table["difference"]), max(table["difference"]))
        )
        span = said("from {low} to {high} {unit}", low=low, high=high, unit=unit)
        parts.append(f"{name}: {span}" if name else span)
    return said(
        "Differences from {reference} of {n} devices: {spans}.",
        reference=reference,
        n=next(iter(series.values())).height,
        spans=listed(parts),
    )


@drawing
def prevalence_with_calibration(
    tables: Mapping[str, Any],
    ax: Axes | None = None,
    *,
    by: str = "sex",
    bone_class: str = "osteoporosis",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw age-standardised prevalences side by side: uncorrected, corrected, with uncertainty.

    Parameters
    ----------
    tables
        What each series is called, to its prevalence: the result, or its frame of any kind.
    ax
        Axes to divide into panels; of its own by default.
    by
        The column broken down by: a panel for each level.
    bone_class
        The class to show.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`. Points with intervals, a row a series. An
        estimate that the rule of presentation withholds is an asterisk; a level of which all are
        withheld has no panel, and is named below.

    Raises
    ------
    SchemaError
        If a table is not broken down by that column.
    """
    shown = {name: _standardised(table, by, bone_class) for name, table in tables.items()}
    levels, unseen = _levels(shown, by)
    if not levels:
        return nothing(said("There is no estimate of this kind."), note, ax)
    lines = Rows.of(list(shown), letters=24)
    panel_height = lines.height + 0.75
    summary = said("Prevalence with and without calibration")
    axes = ax or own_axes(WIDTH, panel_height * len(levels) + 0.6, summary)
    panels = small_multiples(axes, [legible(word(level)) for level in levels], columns=1)
    for panel, level in zip(panels, levels, strict=True):
        for place, table in zip(lines.places, shown.values(), strict=True):
            for row in table.filter(pl.col(by) == level).iter_rows(named=True):
                _bar(panel, row, place, level)
        lines.name(panel)
        dress(panel, title=panel.get_title(loc="left"), grid="x")
    align(axes, panels, 1, x=said("Prevalence [%]"))
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left", pad=20)
    hidden = any(table.filter(pl.col(by).is_in(levels))["withheld"].any()
                 for table in shown.values())  # fmt: skip
    marks = said("* Withheld: not precise enough to be shown") if hidden else ""
    under(panels[-1], marks, unseen, note=note)
    describe(axes, _spoken(shown, by, bone_class))
    return axes


def _standardised(table: Any, by: str, bone_class: str) -> pl.DataFrame:
    """The standardised rows by one column, everybody of the others."""
    rows = rows_of(table, bone_class).filter(pl.col("statistic") == STANDARDISED)
    if by not in rows.columns:
        raise SchemaError(f"by={by!r} is no column of the prevalence: break it down by it")
    others = [column for column in grouping(rows) if column != by]
    return rows.filter(pl.lit(True), *(pl.col(column) == ALL for column in others))


def _levels(shown: Mapping[str, pl.DataFrame], by: str) -> tuple[list[str], str]:
    """The levels of which a series has something to show, and in words those of which none has."""
    every = dict.fromkeys(level for table in shown.values() for level in table[by].drop_nulls())
    seen = {
        level
        for table in shown.values()
        for level in table.filter(~pl.col("withheld")).drop_nulls("estimate")[by]
    }
    empty = [word(level) for level in every if level not in seen]
    words = said("Not drawn, no estimate may be shown: {groups}", groups=listed(empty))
    return [level for level in every if level in seen], words if empty else ""


def _bar(axes: Axes, row: Mapping[str, Any], place: float, level: str) -> None:
    style = style_of(level)
    if row["withheld"]:
        beside(axes, place, WITHHELD)
        return
    ends = [row[name] for name in ("estimate", "lower", "upper")]
    beside(axes, place, rounding.percent_interval(*ends, decimals=1))
    if ends[0] is None:
        return
    if ends[1] is not None:
        axes.plot([100 * ends[1], 100 * ends[2]], [place, place], color=style.colour, lw=1.6)
    axes.scatter([100 * ends[0]], [place], marker=style.marker, s=34, color=style.colour, zorder=3)


def _spoken(shown: Mapping[str, pl.DataFrame], by: str, bone_class: str) -> str:
    parts = []
    for name, table in shown.items():
        shares = [
            f"{word(row[by])} {rounding.percent(row['estimate'], decimals=1)}%"
            for row in table.filter(~pl.col("withheld")).drop_nulls("estimate").to_dicts()
        ]
        parts += [said(": ").join([name, said(", ").join(shares)])] if shares else []
    return said("Age-standardised prevalence, {bone_class}. {parts}.",
                bone_class=word(bone_class), parts=listed(parts))  # fmt: skip
