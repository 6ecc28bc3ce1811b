"""Differences of two methods against their means, with what there is to read off them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteo_epi import rounding
from osteo_epi.agreement import BlandAltman, PointEstimate
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._points import points
from osteo_epi.figures._style import INK, OTHERS, SMALL, STYLES, dress, own_axes, spread, under
from osteo_epi.figures._words import limits_said, method_said, p_text
from osteo_epi.figures.estimates import interval_chart
from osteo_epi.language import said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIT, BAND, SLOPE = STYLES["male"].colour, OTHERS[3].colour, STYLES["female"].colour


@drawing
def bland_altman(
    result: BlandAltman,
    ax: Axes | None = None,
    *,
    unit: str = "g/cm²",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw differences against means: bias and limits with their intervals, and their slope.

    Parameters
    ----------
    result
        Of `agreement.bland_altman`; of `bland_altman_repeated`, which keeps no single differences,
        bias and limits alone are drawn.
    ax
        Axes to draw into; of its own by default.
    unit
        Of the readings.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        The three levels are named at the right with their numbers; dashed and slanting, the
        differences as they change with the mean (proportional bias), with its p-value below.

    Examples
    --------
    >>> from osteo_epi.agreement import bland_altman as agree
    >>> axes = bland_altman(agree([0.8, 0.9, 1.0, 1.1], [0.83, 0.92, 1.04, 1.13]))
    >>> axes.texts[1].get_text().splitlines()
    ['Bias', '0.030 (0.017 to 0.043)']
    """
    if result.means is None or result.differences is None:
        return interval_chart(result, ax, unit=unit, title=title, note=note)
    axes = ax or own_axes(6.4, 4.4, result._summary())
    values = np.exp(result.differences) if result.scale == "log" else result.differences
    points(axes, result.means, values)
    axes.axhline(1.0 if result.scale == "log" else 0.0, color=INK, lw=0.7)
    _slope(axes, result)
    _levels(axes, result)
    names = _axis_names(result.scale, unit)
    dress(axes, title=title, x=names[0], y=names[1])
    levels = said(
        "Limits for {agreement} of people, n = {n}; bands: {confidence} intervals ({interval})",
        agreement=rounding.level(result.agreement),
        n=rounding.count(result.n),
        confidence=rounding.level(result.confidence),
        interval=method_said(result.interval),
    )
    under(axes, levels, _slope_words(result), note=note)
    describe(axes, _alt(result, unit))
    return axes


def _axis_names(scale: str, unit: str) -> tuple[str, str]:
    mean = said("Mean of the two methods [{unit}]", unit=unit)
    if scale == "difference":
        return mean, said("Difference, y − x [{unit}]", unit=unit)
    if scale == "percent":
        return mean, said("Difference, y − x [% of the mean]")
    return said("Geometric mean of the two methods [{unit}]", unit=unit), said("Ratio y/x")


def _levels(axes: Axes, result: BlandAltman) -> None:
    """Bias and limits with their intervals as bands, and their numbers beside the axes."""
    names = (said("Upper limit"), said("Bias"), said("Lower limit"))
    levels = (result.upper, result.bias, result.lower)
    for level, style in zip(levels, ("--", "-", "--"), strict=True):
        axes.axhline(level.estimate, color=FIT, ls=style, lw=1.4)
        if level.lower is not None and level.upper is not None:
            axes.axhspan(level.lower, level.upper, color=BAND, alpha=0.22, lw=0)
    low, high = axes.get_ylim()
    places = spread([level.estimate for level in levels], 0.13 * (high - low))
    for name, level, place in zip(names, levels, places, strict=True):
        axes.annotate(
            f"{name}\n{_numbers(level, result.scale)}", (1.01, place),
            xycoords=("axes fraction", "data"), va="center", fontsize=SMALL, color=INK,
        )  # fmt: skip
    axes.set_ylim(low, high)


def _slope(axes: Axes, result: BlandAltman) -> None:
    """The line of the differences on the means: the bias as it changes with the density."""
    line = result.proportional
    if line is None or result.means is None:
        return
    ends = np.array([result.means.min(), result.means.max()])
    fitted = line.intercept.estimate + line.slope.estimate * ends
    fitted = np.exp(fitted) if result.scale == "log" else fitted
    axes.plot(ends, fitted, color=SLOPE, lw=1.4, ls=(0, (5, 2)))


def _slope_words(result: BlandAltman) -> str:
    line = result.proportional
    if line is None:
        return ""
    slope = limits_said(line.slope.rounded(3))
    what = said("Slanting: differences on means, slope {slope}, {p}", slope=slope, p=p_text(line.p))
    return what + (said(" (of the logarithms)") if result.scale == "log" else "")


def _numbers(level: PointEstimate, scale: str) -> str:
    """An estimate with its interval; decimals as the scale has them."""
    decimals = 1 if scale == "percent" else 3
    parts = [rounding.fixed(part, decimals=decimals) for part in
             (level.estimate, level.lower, level.upper)]  # fmt: skip
    if rounding.MISSING in parts:
        return parts[0]
    return said("{estimate} ({lower} to {upper})", estimate=parts[0], lower=parts[1],
                upper=parts[2])  # fmt: skip


def _alt(result: BlandAltman, unit: str) -> str:
    unit = {"difference": unit, "percent": "%", "log": ""}[result.scale]
    text = said(
        "Bland–Altman plot of {n} pairs: bias {bias}, limits of agreement {lower} and {upper} "
        "{unit}.",
        n=rounding.count(result.n),
        bias=_numbers(result.bias, result.scale),
        lower=_numbers(result.lower, result.scale),
        upper=_numbers(result.upper, result.scale),
        unit=unit,
    ).replace(" .", ".")
    slope = _slope_words(result)
    return f"{text} {said('{sentence}.', sentence=slope)}" if slope else text
