"""Figures of how well a score tells the diseased from the healthy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteo_epi.accuracy import ROC
from osteo_epi.figures._style import GRID, INK, OTHERS, SMALL, WIDTH, dress, own_axes, under
from osteo_epi.rounding import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 2_000
"""Points that a line is drawn through: more are closer together than a pixel."""


def roc_curve(
    curve: ROC,
    ax: Axes | None = None,
    *,
    beside: Sequence[ROC] = (),
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw receiver operating characteristics: sensitivity over 1 − specificity.

    Parameters
    ----------
    curve
        Of `accuracy.roc`.
    ax
        Axes to draw into; of its own by default.
    beside
        Further curves.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A line a curve, with its area and limits in the legend. The dotted line is a score that
        tells nothing; shaded is the range that a partial area of `curve` is over.

    Examples
    --------
    >>> from osteo_epi.accuracy import roc
    >>> from osteo_epi.datasets import survey
    >>> hip = roc(survey(), score="abmd_total_hip", truth="abmd_lumbar_spine", direction="low",
    ...           truth_positive="(-inf, 0.8]")
    >>> [text.get_text() for text in roc_curve(hip).get_legend().get_texts()]
    ['abmd_total_hip, low: AUC 0.94 (0.92 to 0.97)']
    """
    curves = (curve, *beside)
    axes = ax or own_axes(WIDTH, WIDTH + 0.6, "; ".join(one._summary() for one in curves))
    axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":")
    _shade(axes, curve)
    for one, style in zip(curves, OTHERS * (1 + len(beside) // len(OTHERS)), strict=False):
        places = np.linspace(0, len(one.cut_points) - 1, MOST_POINTS).round().astype(int)
        kept = np.unique(places)
        axes.plot(
            1 - one.specificity[kept], one.sensitivity[kept], color=style.colour, ls=style.line,
            lw=1.6, label=f"{one.score}, {one.direction}: AUC {one.auc.rounded(2)}",
        )  # fmt: skip
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_aspect("equal")
    dress(axes, title=title or f"ROC against {curve.truth}", x="1 − specificity", y="Sensitivity")
    axes.legend(loc="lower right", frameon=False, fontsize=SMALL)
    sizes = f"{count(curve.n_diseased)} diseased, {count(curve.n_healthy)} healthy"
    under(axes, sizes if not beside else "", note)
    return axes


def _shade(axes: Axes, curve: ROC) -> None:
    if curve.over is None:
        return
    of, low, high = curve.over
    shade = axes.axvspan if of == "specificity" else axes.axhspan
    ends = (1 - high, 1 - low) if of == "specificity" else (low, high)
    shade(*ends, color=GRID, lw=0, zorder=0)
