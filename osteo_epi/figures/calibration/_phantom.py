"""Phantom readings of each device, less what the phantom is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from osteo_epi import rounding
from osteo_epi.calibration import PhantomLines
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    STYLES,
    align,
    own_axes,
    small_multiples,
    under,
)
from osteo_epi.figures._words import fitted, legible
from osteo_epi.frames import as_polars, in_natural_order
from osteo_epi.language import SEPARATOR, said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
POINT = "#6A6A6A"
LINE = STYLES["male"].colour


class _Device(NamedTuple):
    """A device with its line, its ends, and its readings where there are any."""

    name: str
    intercept: float
    slope: float
    ends: tuple[float, float]
    nominal: pl.Series
    reading: pl.Series


@drawing
def phantom_deviations(
    lines: Any,
    scans: Any = None,
    ax: Axes | None = None,
    *,
    value: str = "abmd",
    nominal: str = "nominal",
    device: str = "device",
    unit: str = "",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw each device's phantom readings less the nominal density, with its line.

    Parameters
    ----------
    lines
        Of `calibration.phantom_lines`, or a frame of any kind with device, intercept, slope.
    scans
        The scans that they were fitted to, to be shown as points: a frame of any kind, one row an
        insert and scan.
    ax
        Axes to divide into panels; of its own by default.
    value, nominal, device
        Names of columns; `device` of a frame of lines.
    unit
        Of both densities; by default that of the lines.
    title, note
        Words above the axes, and under them. Simulated scans are named as such in any case.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`, one a device, on common scales: a device
        that reads as the nominal density lies on the level line at zero.

    Examples
    --------
    >>> from osteo_epi.calibration import phantom_lines
    >>> from osteo_epi.datasets import phantom
    >>> axes = phantom_deviations(phantom_lines(phantom()), phantom())
    >>> len(axes.child_axes)
    7
    """
    devices = list(_devices(lines, scans, value, nominal, device))
    order = in_natural_order({one.name for one in devices})
    devices.sort(key=lambda one: order.index(one.name))
    is_result = isinstance(lines, PhantomLines)
    unit = unit or (lines.unit if is_result else "g/cm²")
    unit = unit.replace("cm2", "cm²").replace("cm3", "cm³")
    note = note or (lines.label if is_result else "")
    names = [legible(one.name, letters=24) for one in devices]
    rows = -(-len(names) // COLUMNS)
    summary = said("Phantom readings of {n} devices", n=len(devices))
    axes = ax or own_axes(7.2, 1.95 * rows + 0.9, summary)
    panels = small_multiples(axes, names, columns=COLUMNS)
    for panel, one in zip(panels, devices, strict=True):
        panel.axhline(0, color=INK, lw=0.9, ls=(0, (6, 3)))
        away = one.reading - one.nominal
        panel.scatter(one.nominal, away, s=12, color=POINT, alpha=0.6, lw=0)
        ruled = [one.intercept + (one.slope - 1) * x for x in one.ends]
        panel.plot(one.ends, ruled, color=LINE, lw=1.8)
    x = said("Nominal density [{unit}]", unit=unit)
    foot = align(axes, panels, COLUMNS, x=x, y=said("Reading less nominal [{unit}]", unit=unit))
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left", pad=20)
    under(foot, note=note)
    describe(axes, _alt(devices, unit))
    return axes


def _devices(lines: Any, scans: Any, value: str, nominal: str, device: str) -> Iterator[_Device]:
    frame = None if scans is None else as_polars(scans)[0].lazy().collect()
    nothing = pl.Series([], dtype=pl.Float64)
    for by, key, intercept, slope, ends in _lines(lines, device):
        x = y = nothing
        if frame is not None:
            own = [pl.col(c).cast(pl.String) == str(k) for c, k in zip(by, key, strict=True)]
            readings = frame.filter(*own)
            x, y = readings[nominal], readings[value]
            ends = ends or (frame[nominal].min(), frame[nominal].max())
        name = SEPARATOR.join(map(str, key))
        yield _Device(name, intercept, slope, ends or (0.0, 1.0), x, y)


def _lines(lines: Any, device: str) -> Iterator[tuple[Any, Any, float, float, Any]]:
    """The columns and values of each device, its line and the range of it where that is known."""
    if isinstance(lines, PhantomLines):
        for one in lines:
            line = one.line
            yield lines.by, one.key, line.intercept.estimate, line.slope.estimate, line.x_range
        return
    for row in as_polars(lines)[0].lazy().collect().iter_rows(named=True):
        yield (device,), (row[device],), row["intercept"], row["slope"], None


def _alt(devices: list[_Device], unit: str) -> str:
    """The device that reads furthest from nominal, in the middle of its range."""

    def away(one: _Device) -> float:
        return one.intercept + (one.slope - 1) * sum(one.ends) / 2

    low, high = min(devices, key=away), max(devices, key=away)
    return said(
        "Phantom readings of {n} devices less nominal density: from {low} {unit} ({first}) to "
        "{high} {unit} ({last}) in the middle of the range.",
        n=len(devices),
        low=rounding.fixed(away(low), decimals=3, sign="+"),
        high=rounding.fixed(away(high), decimals=3, sign="+"),
        first=low.name,
        last=high.name,
        unit=unit,
    )
