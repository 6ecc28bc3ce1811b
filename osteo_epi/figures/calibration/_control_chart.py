"""One phantom series over time: Shewhart's chart above, the CUSUM below, signals marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    STYLES,
    dress,
    legend_under_title,
    own_axes,
    under,
)
from osteo_epi.figures._words import fitted
from osteo_epi.frames import as_polars
from osteo_epi.language import said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINT, LEVEL = STYLES["all"].colour, STYLES["male"].colour
ALARM = STYLES["female"].colour
SHARES = ((0, 0.47, 1, 0.53), (0, 0, 1, 0.3))
"""Left, bottom, width and height of the two panels [share of the axes]."""


@drawing
def control_chart(
    chart: Any,
    ax: Axes | None = None,
    *,
    value: str,
    date: str = "scan_date",
    h: float = 5.0,
    events: tuple[Any, ...] = (),
    unit: str = "g/cm²",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw one phantom series: Shewhart chart above, CUSUM below, signals marked.

    Parameters
    ----------
    chart
        One series of `calibration.with_control_chart`, a frame of any kind.
    ax
        Axes to divide into panels; of its own by default.
    value, date
        Its columns of reading and time.
    h
        Decision limit of the CUSUM [SD].
    events
        Dates to mark: software, repairs.
    unit
        Of the readings.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`.

    Raises
    ------
    SchemaError
        If the frame holds several series.

    Examples
    --------
    >>> from osteo_epi.calibration import with_control_chart
    >>> series = pl.DataFrame({"device": ["D"] * 8, "scan_date": range(8),
    ...                        "bmd": [1.00, 1.01, 0.99, 1.00, 1.00, 1.05, 1.05, 1.06]})
    >>> axes = control_chart(with_control_chart(series, value="bmd", baseline=5), value="bmd")
    >>> [panel.get_ylabel() for panel in axes.child_axes]
    ['Phantom [g/cm²]', 'CUSUM [SD]']
    """
    rows = as_polars(chart)[0].lazy().collect().sort(date)
    if rows["baseline_mean"].n_unique() > 1:
        raise SchemaError("the chart holds several series: draw one device at a time (filter it)")
    axes = ax or own_axes(6.8, 5.2, said("Control chart of {n} readings", n=rows.height))
    axes.set_axis_off()
    top, low = (axes.inset_axes(share) for share in SHARES)
    low.sharex(top)
    _shewhart(top, rows, value, date)
    _cusum(low, rows, date, h)
    for panel in (top, low):
        for event in events:
            panel.axvline(event, color=INK, ls="-.", lw=0.8)
    dress(top, y=said("Phantom [{unit}]", unit=unit))
    dress(low, y=said("CUSUM [SD]"))
    legend_under_title(top, gap=0.4)
    legend_under_title(low, gap=0.4)
    low.tick_params(axis="x", labelrotation=30)
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left", pad=18)
    marked = said("Dash-dotted: events") if events else ""
    levels = said("Solid: mean of the baseline; dotted and dashed: ± 2 and ± 3 SD")
    under(low, levels, marked, note=note)
    describe(axes, _alt(rows, date))
    return axes


def _shewhart(top: Axes, rows: pl.DataFrame, value: str, date: str) -> None:
    mean, sd = rows["baseline_mean"][0], rows["baseline_sd"][0]
    top.plot(rows[date], rows[value], ".-", color=POINT, lw=0.6, ms=4)
    for k, style in ((0, "-"), (2, ":"), (3, "--")):
        for level in {mean - k * sd, mean + k * sd}:
            top.axhline(level, color=LEVEL, ls=style, lw=1)
    out = rows.filter(pl.col("shewhart").is_not_null())
    top.plot(out[date], out[value], "o", mfc="none", color=ALARM, label=said("Shewhart signal"))
    top.tick_params(labelbottom=False)


def _cusum(low: Axes, rows: pl.DataFrame, date: str, h: float) -> None:
    low.plot(rows[date], rows["cusum_high"], "-", color=POINT, lw=1.2, label=said("CUSUM upward"))
    low.plot(rows[date], rows["cusum_low"], "--", color=POINT, lw=1.2, label=said("CUSUM downward"))
    low.axhline(h, color=ALARM, lw=1, label=said("Limit {h} SD", h=f"{h:g}"))


def _alt(rows: pl.DataFrame, date: str) -> str:
    shewhart, cusum = rows["shewhart"].count(), int(rows["cusum_signal"].sum())
    text = said(
        "Control chart of {n} readings of a phantom: {shewhart} Shewhart signals, {cusum} readings "
        "beyond the limit of the CUSUM.",
        n=rounding.count(rows.height),
        shewhart=rounding.count(shewhart),
        cusum=rounding.count(cusum),
    )
    if not cusum:
        return text
    first = rows.filter(pl.col("cusum_signal"))[date][0]
    return f"{text} {said('The first: {date}.', date=first)}"
