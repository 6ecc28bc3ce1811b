"""Differences of a density by markers with limits, crude and adjusted, one under the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteo_epi.accuracy import Measure
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import INK, STYLES, dress, own_axes, under
from osteo_epi.figures._words import joined, listed
from osteo_epi.figures.risk._said import contrast_words, limits_words
from osteo_epi.language import printed_unit, said, word
from osteo_epi.risk import BoneAssociation
from osteo_epi.rounding import count, level, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.085
"""Crude and adjusted from the middle of their row [inches]."""


@drawing
def marker_chart(
    result: BoneAssociation, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how a density differs with markers.

    Parameters
    ----------
    result
        Of `risk.bone_association`.
    ax
        Axes to draw into; of its own by default, as high as there are rows.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a comparison; adjusted full, crude hollow. The dotted line is no difference.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import bone_association
    >>> people = pl.DataFrame({"pth": [30.0, 60, 45, 80, 20], "abmd_total_hip": [0.9, 0.7, 0.8,
    ...                        0.75, 0.88]})
    >>> axes = marker_chart(bone_association(people, exposures="pth"))
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['PTH, per SD increase, n 5']
    """
    own = {(one.exposure, one.contrast): one for one in result.effects}
    labels = [
        joined(word(one.exposure), contrast_words(one.contrast), f"n {count(one.effect.n)}")
        for one in own.values()
    ]  # fmt: skip
    adjusted = bool(result.adjusted_for)
    rows = Rows.of(labels, lines=2 if adjusted else 1)
    axes = ax or own_axes(6.6, 1.6 + rows.height, result._summary())
    axes.axvline(0, color=INK, lw=0.8, ls=":")
    axes.locator_params(axis="x", nbins=5)
    decimals = _decimals(result)
    for key, place in zip(own, rows.places, strict=True):
        for one in result.effects:
            if (one.exposure, one.contrast) == key:
                shift = 0.0 if not adjusted else APART if one.model == "crude" else -APART
                _draw(axes, one.effect, place + shift, decimals, crude=one.model == "crude")
    rows.name(axes)
    unit = said(" [{unit}]", unit=printed_unit(result.unit)) if result.unit else ""
    heading = title or word(result.density.removeprefix("abmd_"))
    dress(axes, title=heading, grid="x",
          x=said("Difference{unit} ({confidence} limits)", unit=unit,
                 confidence=level(result.confidence)))  # fmt: skip
    named = said(", ").join(map(word, result.adjusted_for))
    told = said("Hollow: crude; full: adjusted for {named}", named=named) if adjusted else ""
    under(axes, told, said("An association, no diagnosis"), note=note)
    describe(axes, _alt(result, heading, decimals))
    return axes


def _alt(result: BoneAssociation, heading: str, decimals: int) -> str:
    """Each effect, adjusted where there is adjustment."""
    last = {(one.exposure, one.contrast): one for one in result.effects}
    parts = [
        f"{joined(word(one.exposure), contrast_words(one.contrast))} "
        f"{limits_words(one.effect.estimate, one.effect.lower, one.effect.upper, decimals)}"
        for one in last.values()
    ]
    return said("Differences of {heading}: {parts}.", heading=heading, parts=listed(parts))


def _draw(axes: Axes, one: Measure, place: float, decimals: int, *, crude: bool) -> None:
    style = STYLES["all"] if crude else STYLES["male"]
    shown = limits_words(one.estimate, one.lower, one.upper, decimals)
    if one.lower is not None and one.upper is not None:
        axes.plot([one.lower, one.upper], [place, place], color=style.colour, lw=1.4)
    axes.plot([one.estimate], [place], marker=style.marker, ms=5, ls="", mec=style.colour,
              mfc="white" if crude else style.colour)  # fmt: skip
    beside(axes, place, shown)


def _decimals(result: BoneAssociation) -> int:
    """Decimals that show two digits of the narrowest limits."""
    spans = [one.effect.upper - one.effect.lower for one in result.effects
             if one.effect.upper is not None and one.effect.lower is not None]  # fmt: skip
    text = number(min(spans, default=1.0), digits=2)
    return max(2, len(text.partition(".")[2]))
