"""The panel of cut-points: where each criterion cuts, over what the cut does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from osteo_epi.accuracy import CutPoint, CutPoints
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import GRID, INK, OTHERS, SMALL, WIDTH, dress, own_axes, under
from osteo_epi.figures._words import filled, legible, listed
from osteo_epi.figures.accuracy._roc import sizes_words
from osteo_epi.language import said, word
from osteo_epi.rounding import level, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL = 30
"""Letters of a criterion on one line."""
ROW = 0.45
"""[inches] Of a criterion."""
CURVES = 2.0
"""[inches] Of the lower panel."""
GAP = 0.07
EDGE = 0.01
"""Share of people at either end of the score who are left out of the picture."""


@drawing
def cut_point_panel(
    result: CutPoints, ax: Axes | None = None, *, title: str = "", x: str = "", note: str = ""
) -> Axes:
    """Draw the cut-points of a score side by side.

    Parameters
    ----------
    result
        Of `accuracy.cut_points`.
    ax
        Axes to draw into; of its own by default.
    title, x, note
        Words above the axes, the name of the score with its unit, and words under it.

    Returns
    -------
    Axes
        Above, a row a criterion: its cut-point with limits, and on the right sensitivity and
        specificity in other people [%], or, without a bootstrap, in these. Below, both over every
        cut-point of the score. A cut-point that is stated is a diamond on a dashed line.

    Examples
    --------
    >>> from osteo_epi.accuracy import cut_points
    >>> from osteo_epi.datasets import survey
    >>> result = cut_points(survey(), score="abmd_total_hip", direction="low",
    ...                     truth="abmd_lumbar_spine", truth_positive="(-inf, 0.8]",
    ...                     criteria=("youden", "closest"), beside="(-inf, 0.7]", replicates=50)
    >>> axes = cut_point_panel(result)
    >>> [label.get_text() for label in axes.child_axes[0].get_yticklabels()]
    ['Youden', 'closest to (0, 1)', 'stated, ≤ 0.7']
    """
    rows = len(result.points)
    height = ROW * rows + CURVES + 1.4
    axes = ax or own_axes(WIDTH + 1.2, height, result._summary())
    axes.set_axis_off()
    share = max(ROW * rows / (ROW * rows + CURVES) - GAP / 2, 0.2)
    above = axes.inset_axes((0, 1 - share, 1, share))
    below = axes.inset_axes((0, 0, 1, 1 - share - GAP))
    ends = _ends(result)
    _rows(above, result, ends)
    _curves(below, result)
    for panel in (above, below):
        panel.set_xlim(*ends)
    for point in result.points:
        if _stated(point) and point.cut_point is not None:
            for panel in (above, below):
                panel.axvline(point.cut_point, color=INK, lw=0.8, ls="--", zorder=1)
    dress(
        above,
        title=title or filled(said("Cut-points against {truth}", truth=word(result.truth)), 60),
        grid="x",
    )
    dress(below, x=x or word(result.score), y=said("Share of class"))
    way = said("low is diseased") if result.direction == "low" else said("high is diseased")
    told = [way, sizes_words(result.n_diseased, result.n_healthy)]
    if result.replicates:
        told.append(said("limits {confidence}", confidence=level(result.confidence)))
    under(below, listed(told), note=note)
    describe(axes, _alt(result))
    return axes


def _alt(result: CutPoints) -> str:
    """Where each criterion cuts, with its sensitivity and specificity."""
    parts = [
        said("{criterion} {cut} (sensitivity {sensitivity}%, specificity {specificity}%)",
             criterion=_said(point.label), cut=number(point.cut_point, digits=4),
             sensitivity=f"{100 * point.sensitivity.estimate:.0f}",
             specificity=f"{100 * point.specificity.estimate:.0f}")
        for point in result.points if point.cut_point is not None
    ]  # fmt: skip
    return said("Cut-points of {score} against {truth}: {parts}.", score=word(result.score),
                truth=word(result.truth), parts=listed(parts))  # fmt: skip


def _said(label: str) -> str:
    """A criterion in the language spoken."""
    words = {
        "Youden": said("Youden"),
        "closest to (0, 1)": said("closest to (0, 1)"),
        "as many as are diseased": said("as many as are diseased"),
    }
    if label.startswith("stated, "):
        return said("stated, {rule}", rule=label.removeprefix("stated, "))
    for name, words_of in (
        ("sensitivity", said("sensitivity")),
        ("specificity", said("specificity")),
    ):
        if label.startswith(f"{name} ≥"):
            return f"{words_of}{label.removeprefix(name)}"
    return words.get(label, label)


def _stated(point: CutPoint) -> bool:
    return point.criterion.startswith("stated")


def _ends(result: CutPoints) -> tuple[float, float]:
    """Where both classes have people to tell apart, and every cut-point that is one."""
    inside = (result.curve_sensitivity > EDGE) & (result.curve_specificity > EDGE)
    values = [*result.curve_cut_points[inside]]
    for point in result.points:
        values += [v for v in (point.cut_point, point.lower, point.upper) if v is not None]
    finite = [v for v in values if math.isfinite(v)]
    low, high = min(finite), max(finite)
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def _rows(panel: Axes, result: CutPoints, ends: tuple[float, float]) -> None:
    """A row a criterion, from above."""
    for row, point in enumerate(result.points):
        _row(panel, row, point, ends)
    panel.set_yticks(
        range(len(result.points)), [legible(_said(p.label), letters=LABEL) for p in result.points]
    )
    panel.set_ylim(len(result.points) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)
    panel.set_xticklabels([])
    corrected = any(point.sensitivity_corrected for point in result.points if not _stated(point))
    head = said("sens. / spec.\nin others, %") if corrected else said("sens. / spec.\nin these, %")
    panel.annotate(
        head, (1, 1), xytext=(6, 4), xycoords="axes fraction", textcoords="offset points",
        fontsize=SMALL - 1, color=INK, va="bottom",
    )  # fmt: skip


def _row(panel: Axes, row: int, point: CutPoint, ends: tuple[float, float]) -> None:
    style = OTHERS[0]
    if point.cut_point is None or not math.isfinite(point.cut_point):
        panel.text(
            sum(ends) / 2, row, said("no cut-point"), ha="center", va="center", fontsize=SMALL
        )
        return
    if point.lower is not None and point.upper is not None:
        reach = np.clip([point.lower, point.upper], *ends)
        panel.plot(reach, [row, row], color=style.colour, lw=2, solid_capstyle="butt", zorder=2)
    marker, colour = ("D", INK) if _stated(point) else ("o", style.colour)
    panel.plot(point.cut_point, row, marker, color=colour, ms=6, zorder=3)
    pair = (point.sensitivity_corrected or point.sensitivity,
            point.specificity_corrected or point.specificity)  # fmt: skip
    text = " / ".join(f"{100 * rate.estimate:.0f}" for rate in pair)
    panel.annotate(
        text, (1, row), xytext=(6, 0), xycoords=("axes fraction", "data"),
        textcoords="offset points", va="center", fontsize=SMALL, color=INK,
    )  # fmt: skip


def _curves(panel: Axes, result: CutPoints) -> None:
    """Both rates over the cut-points; steps, as nobody stands between two scores."""
    finite = np.isfinite(result.curve_cut_points)
    cuts = result.curve_cut_points[finite]
    pairs = (
        (said("Sensitivity"), result.curve_sensitivity),
        (said("Specificity"), result.curve_specificity),
    )
    for (name, rate), style in zip(pairs, OTHERS[:2], strict=True):
        panel.plot(cuts, rate[finite], color=style.colour, ls=style.line, lw=1.6, label=name)
    panel.axhline(0, color=GRID, lw=0.8)
    panel.set_ylim(-0.02, 1.02)
    panel.legend(loc="center right", frameon=False, fontsize=SMALL)
