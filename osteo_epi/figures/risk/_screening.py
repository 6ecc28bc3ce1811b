"""Screens side by side: sensitivity and specificity with limits, a row a screen at a cut."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from osteo_epi.figures._style import INK, OTHERS, SMALL, STYLES, dress, own_axes, panels_in
from osteo_epi.figures.risk._rows import Rows, beside
from osteo_epi.labels import word
from osteo_epi.norms import Interval
from osteo_epi.risk import Screen, ScreeningComparison
from osteo_epi.rounding import count, fixed, level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from osteo_epi.accuracy import Measure

SHOWN = {"sensitivity": OTHERS[0], "specificity": STYLES["male"]}
GAP = 0.36
"""Between the panels [share of both], where the numbers of the first stand."""
LETTERS = 78


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
        Its two panels are `child_axes`: sensitivity and specificity [%] with limits.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import compare_screening
    >>> people = pl.DataFrame({"age": [72.0, 61.0, 55.0, 80.0], "weight": [48.0, 58.0, 70.0, 60.0],
    ...                        "low": [True, False, False, True]})
    >>> axes = screening_chart(compare_screening(people, index="osta", truth="low"))
    >>> [label.get_text().replace("\\n", " ") for label in axes.child_axes[0].get_yticklabels()]
    ['OSTA, high, n 4', 'OSTA, high or intermediate, n 4']
    """
    labels = [f"{_named(one)}, n {count(one.accuracy.counts.n)}" for one in result.screens]
    rows = Rows.of(labels, letters=24)
    axes = ax or own_axes(6.8, 1.5 + rows.height, result._summary())
    panels = panels_in(axes, 1, 2, gap=(GAP, 0.0))
    for panel, (name, style) in zip(panels, SHOWN.items(), strict=True):
        for screen, place in zip(result.screens, rows.places, strict=True):
            _draw(panel, screen.accuracy.measures[name], place, style)
        rows.name(panel)
        dress(panel, x=f"{name.capitalize()} [%]", grid="x")
        panel.set_xlim(-3, 103)
        panel.set_xticks([0, 50, 100])
    panels[1].set_yticklabels([])
    dress(axes, title=title or fill(f"Screening for {result.truth.replace('_', ' ')}", 60))
    said = (f"Limits {level(result.confidence)}. A screen says who should be measured, "
            "and is no diagnosis")  # fmt: skip
    axes.annotate(
        "\n".join(fill(line, LETTERS) for line in (said, note) if line), (0, 0), xytext=(0, -36),
        xycoords="axes fraction", textcoords="offset points", fontsize=SMALL, color=INK, va="top",
    )  # fmt: skip
    return axes


def _named(one: Screen) -> str:
    """A screen with what is positive, an interval as a paper prints it."""
    if one.positive[0] in "([":
        return Interval.parse(one.positive).inequality(word(one.name), decimals=None)
    return f"{word(one.name)}, {one.positive}"


def _draw(panel: Axes, one: Measure, place: float, style: object) -> None:
    colour, marker = style.colour, style.marker  # type: ignore[attr-defined]
    shown = fixed(100 * one.estimate, decimals=0)
    if one.lower is not None and one.upper is not None:
        panel.plot([100 * one.lower, 100 * one.upper], [place, place], color=colour, lw=1.6)
        ends = (fixed(100 * end, decimals=0) for end in (one.lower, one.upper))
        shown += f" ({' to '.join(ends)})"
    panel.plot([100 * one.estimate], [place], marker=marker, ms=6, color=colour, ls="")
    beside(panel, place, shown)
