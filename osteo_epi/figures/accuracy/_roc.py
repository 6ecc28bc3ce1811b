"""Figures of how well a score tells the diseased from the healthy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from osteo_epi.accuracy import ROC, AdjustedROC, ROCBand, ROCComparison, SmoothROC
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import alt_text, describe
from osteo_epi.figures._style import (
    GRID,
    INK,
    OTHERS,
    SMALL,
    WIDTH,
    dress,
    own_axes,
    style_of,
    under,
)
from osteo_epi.figures._words import in_lines, joined, legible, listed, p_text, with_limits
from osteo_epi.figures.estimates import interval_chart
from osteo_epi.language import said, word
from osteo_epi.rounding import count, fixed, level, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 44
"""Letters of a line in the legend: with more it would cover the curves."""
MOST_POINTS = 2_000
"""Points that a line is drawn through: more are closer together than a pixel."""


Curved = ROC | SmoothROC | AdjustedROC
"""What has a curve."""


@drawing
def roc_curve(
    curve: Curved,
    ax: Axes | None = None,
    *,
    beside: Sequence[Curved] = (),
    band: ROCBand | None = None,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw receiver operating characteristics: sensitivity over 1 − specificity.

    Parameters
    ----------
    curve
        Of `accuracy.roc`, `smooth_roc` or `adjusted_roc`.
    ax
        Axes to draw into; of its own by default.
    beside
        Further curves, of either kind.
    band
        Pointwise limits of a curve, `curve.band()`.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A line a curve, with its area and limits in the legend. The dotted line is a score that
        tells nothing; shaded are the band, and the range that a partial area of `curve` is over.

    Examples
    --------
    >>> from osteo_epi.accuracy import roc
    >>> from osteo_epi.datasets import survey
    >>> hip = roc(survey(), score="abmd_total_hip", truth="abmd_lumbar_spine", direction="low",
    ...           truth_positive="(-inf, 0.8]")
    >>> [text.get_text() for text in roc_curve(hip).get_legend().get_texts()]
    ['abmd_total_hip, low: AUC 0.94 (0.91 to 0.96)']
    >>> axes = roc_curve(hip, band=hip.band(replicates=200))
    >>> [text.get_text() for text in axes.get_legend().get_texts()][0]
    '95 % limits at each specificity'
    """
    curves = (curve, *beside)
    axes = ax or own_axes(WIDTH, WIDTH + 0.6, "; ".join(one._summary() for one in curves))
    axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":")
    _shade(axes, curve)
    if band is not None:
        _fill(axes, band)
    for i, one in enumerate(curves):
        style = style_of("", order=i)
        places = np.linspace(0, len(one.specificity) - 1, MOST_POINTS).round().astype(int)
        kept = np.unique(places)
        axes.plot(
            1 - one.specificity[kept], one.sensitivity[kept], color=style.colour, ls=style.line,
            lw=1.6, label=_label(one),
        )  # fmt: skip
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_aspect("equal")
    heading = title or said("ROC against {truth}", truth=word(curve.truth))
    dress(axes, title=heading, x=said("1 − specificity"), y=said("Sensitivity"))
    for text in axes.legend(loc="lower right", frameon=False, fontsize=SMALL).get_texts():
        text.set_text(in_lines(text.get_text(), LONGEST))
    sizes = {(one.n_diseased, one.n_healthy) for one in curves}
    under(axes, sizes_words(*sizes.pop()) if len(sizes) == 1 else "", note=note)
    parts = [" ".join(_label(one).split()) for one in curves]
    describe(axes, said("{heading}. {parts}.", heading=heading, parts=listed(parts)))
    return axes


def sizes_words(diseased: int, healthy: int) -> str:
    """How many people of each class."""
    return said("{diseased} diseased, {healthy} healthy", diseased=count(diseased),
                healthy=count(healthy))  # fmt: skip


def _label(curve: Curved) -> str:
    """The curve with its area and limits."""
    return said("{name}: AUC {area}", name=legible(_name(curve), letters=LONGEST, most=4),
                area=_area(curve))  # fmt: skip


@drawing
def band_chart(band: ROCBand, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a band with the curve that it is of, see `roc_curve`.

    Parameters
    ----------
    band
        Of `ROC.band`, `SmoothROC.band` or `AdjustedROC.band`.
    ax, **options
        Of `roc_curve`.

    Returns
    -------
    Axes
    """
    return roc_curve(band.curve, ax, band=band, **options)


@drawing
def roc_comparison(
    result: ROCComparison,
    ax: Axes | None = None,
    *,
    curves: Sequence[Curved] = (),
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw two areas under the curve and their difference, or the two curves themselves.

    Parameters
    ----------
    result
        Of `accuracy.compare_roc` or `compare_independent_roc`.
    ax
        Axes to draw into; of its own by default.
    curves
        The two curves that were compared, of `accuracy.roc`: they are drawn one over the other,
        the difference of their areas below. A comparison keeps areas alone.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Raises
    ------
    SchemaError
        If the curves are not those that were compared.

    Examples
    --------
    >>> from osteo_epi.accuracy import compare_roc, roc
    >>> from osteo_epi.datasets import survey
    >>> truth = {"truth": "abmd_lumbar_spine", "truth_positive": "(-inf, 0.8]"}
    >>> hip, neck = "abmd_total_hip", "abmd_femoral_neck"
    >>> found = compare_roc(survey(), first=hip, second=neck, first_direction="low",
    ...                     second_direction="low", **truth)
    >>> curves = [roc(survey(), score=name, direction="low", **truth) for name in (hip, neck)]
    >>> found.plot(curves=curves).get_xlabel().splitlines()[-1]
    'Difference of the areas 0.0019 (−0.0097 to 0.014), p = 0.74'
    """
    if not curves:
        return interval_chart(result, ax, title=title, note=note)
    areas = [curve.auc.estimate for curve in curves]
    if not np.allclose(areas, [result.auc_first, result.auc_second], rtol=1e-6):
        raise SchemaError(
            "curves: expected the two that were compared, of the same people; their areas are "
            f"{result.auc_first:.4g} and {result.auc_second:.4g}, given were "
            + " and ".join(f"{area:.4g}" for area in areas)
        )
    axes = roc_curve(curves[0], ax, beside=curves[1:], title=title, note=note)
    ends = (result.difference, result.lower, result.upper)
    gap = with_limits(*(number(end, digits=2).replace("-", "−") for end in ends))
    told = [said("Difference of the areas {gap}", gap=gap)]
    told += [] if result.p is None else [p_text(result.p)]
    under(axes, joined(*told))
    describe(axes, f"{alt_text(axes)} {said('{sentence}.', sentence=joined(*told))}")
    return axes


def _name(curve: Curved) -> str:
    way = said("low") if curve.direction == "low" else said("high")
    words = joined(word(curve.score), way)
    if isinstance(curve, SmoothROC):
        return joined(words, curve.method)
    if isinstance(curve, AdjustedROC):
        named = said(", ").join(map(word, curve.covariates)) or said("nothing")
        return said("{words}, adjusted for {named}", words=words, named=named)
    return words


def _area(curve: Curved) -> str:
    """Area and limits, all with two decimals."""
    numbers = (curve.auc.estimate, curve.auc.lower, curve.auc.upper)
    return with_limits(*(fixed(number, decimals=2) for number in numbers))


def _fill(axes: Axes, band: ROCBand) -> None:
    """Limits of sensitivity are above each other, those of specificity beside each other."""
    of = said("specificity") if band.of == "specificity" else said("sensitivity")
    words = said("{confidence} limits at each {of}", confidence=level(band.confidence), of=of)
    style: Any = {"color": OTHERS[0].colour, "alpha": 0.18, "lw": 0, "label": words}
    if band.of == "specificity":
        axes.fill_between(1 - band.given, band.lower, band.upper, **style)
    else:
        axes.fill_betweenx(band.given, 1 - band.upper, 1 - band.lower, **style)


def _shade(axes: Axes, curve: Curved) -> None:
    if not isinstance(curve, ROC) or curve.over is None:
        return
    of, low, high = curve.over
    shade = axes.axvspan if of == "specificity" else axes.axhspan
    ends = (1 - high, 1 - low) if of == "specificity" else (low, high)
    shade(*ends, color=GRID, lw=0, zorder=0)
