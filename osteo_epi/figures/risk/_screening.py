"""Screens side by side: sensitivity and specificity with limits, a row a screen at a cut."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import OTHERS, STYLES, dress, legend_under_title, own_axes, under
from osteo_epi.labels import word
from osteo_epi.norms import Interval
from osteo_epi.risk import Screen, ScreeningComparison
from osteo_epi.rounding import count, fixed, level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from osteo_epi.accuracy import Measure

SHOWN = {"sensitivity": (OTHERS[0], 0.085), "specificity": (STYLES["male"], -0.085)}
"""Each with its style, and where it stands from the middle of its row [inches]."""


@drawing
def screening_chart(
    result: ScreeningComparison, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how many each screen finds, and how many it spares.

    Parameters
    ----------
    result
        Of `risk.compare_screening`.
    ax
        Axes to draw into; of its own by default, as high as there are rows.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a screen at a cut: sensitivity above specificity [%], with limits and numbers.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import compare_screening
    >>> people = pl.DataFrame({"age": [72.0, 61.0, 55.0, 80.0], "weight": [48.0, 58.0, 70.0, 60.0],
    ...                        "low": [True, False, False, True]})
    >>> axes = screening_chart(compare_screening(people, index="osta", truth="low"))
    >>> [label.get_text().replace("\\n", " ") for label in axes.get_yticklabels()]
    ['OSTA, high, n 4', 'OSTA, high or intermediate, n 4']
    """
    labels = [f"{_named(one)}, n {count(one.accuracy.counts.n)}" for one in result.screens]
    rows = Rows.of(labels, letters=26, lines=2)
    axes = ax or own_axes(6.0, 1.7 + rows.height, result._summary())
    for name, (style, shift) in SHOWN.items():
        for i, (screen, place) in enumerate(zip(result.screens, rows.places, strict=True)):
            label = name.capitalize() if i == 0 else "_"
            _draw(axes, screen.accuracy.measures[name], place + shift, style, label)
    rows.name(axes)
    dress(axes, title=title or fill(f"Screening for {result.truth.replace('_', ' ')}", 44),
          x=f"Share of class [%], limits {level(result.confidence)}", grid="x")  # fmt: skip
    axes.set_xlim(-3, 103)
    legend_under_title(axes, columns=2)
    under(axes, "A screen says who should be measured, and is no diagnosis", note=note)
    return axes


def _named(one: Screen) -> str:
    """A screen with what is positive, an interval as a paper prints it."""
    if one.positive[0] in "([":
        return Interval.parse(one.positive).inequality(word(one.name), decimals=None)
    return f"{word(one.name)}, {one.positive}"


def _draw(axes: Axes, one: Measure, place: float, style: Any, label: str) -> None:
    shown = fixed(100 * one.estimate, decimals=0)
    if one.lower is not None and one.upper is not None:
        ends = [100 * one.lower, 100 * one.upper]
        axes.plot(ends, [place, place], color=style.colour, lw=1.6)
        shown += f" ({' to '.join(fixed(end, decimals=0) for end in ends)})"
    axes.plot([100 * one.estimate], [place], marker=style.marker, ms=5, color=style.colour, ls="",
              label=label)  # fmt: skip
    beside(axes, place, shown)
