"""Screens side by side: sensitivity and specificity with limits, a row a screen at a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import OTHERS, STYLES, dress, legend_under_title, own_axes, under
from osteo_epi.figures._words import filled, joined, listed
from osteo_epi.language import said, word
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
    labels = [joined(_named(one), f"n {count(one.accuracy.counts.n)}")
              for one in result.screens]  # fmt: skip
    rows = Rows.of(labels, letters=26, lines=2)
    axes = ax or own_axes(6.0, 1.7 + rows.height, result._summary())
    names = {"sensitivity": said("Sensitivity"), "specificity": said("Specificity")}
    for name, (style, shift) in SHOWN.items():
        for i, (screen, place) in enumerate(zip(result.screens, rows.places, strict=True)):
            label = names[name] if i == 0 else "_"
            _draw(axes, screen.accuracy.measures[name], place + shift, style, label)
    rows.name(axes)
    truth = word(result.truth).replace("_", " ")
    heading = title or filled(said("Screening for {truth}", truth=truth), 44)
    dress(axes, title=heading, grid="x", x=said("Share of class [%], limits {confidence}",
                                                confidence=level(result.confidence)))  # fmt: skip
    axes.set_xlim(-3, 103)
    legend_under_title(axes, columns=2)
    under(axes, said("A screen says who should be measured, and is no diagnosis"), note=note)
    describe(axes, _alt(result, heading))
    return axes


def _alt(result: ScreeningComparison, heading: str) -> str:
    """What each screen finds and spares."""
    parts = []
    for one in result.screens:
        finds, spares = (one.accuracy.measures[name].estimate for name in SHOWN)
        parts.append(said("{screen} sensitivity {finds}%, specificity {spares}%",
                          screen=_named(one), finds=fixed(100 * finds, decimals=0),
                          spares=fixed(100 * spares, decimals=0)))  # fmt: skip
    return said("{heading}. {parts}.", heading=" ".join(heading.split()), parts=listed(parts))


def _named(one: Screen) -> str:
    """A screen with what is positive, an interval as a paper prints it."""
    if one.positive[0] in "([":
        return Interval.parse(one.positive).inequality(word(one.name), decimals=None)
    known = {
        "high": said("high"),
        "low": said("low"),
        "high or intermediate": said("high or intermediate"),
    }
    return joined(word(one.name), known.get(one.positive, one.positive))


def _draw(axes: Axes, one: Measure, place: float, style: Any, label: str) -> None:
    shown = fixed(100 * one.estimate, decimals=0)
    if one.lower is not None and one.upper is not None:
        ends = [100 * one.lower, 100 * one.upper]
        axes.plot(ends, [place, place], color=style.colour, lw=1.6)
        shown += said(" ({lower} to {upper})", lower=fixed(ends[0], decimals=0),
                      upper=fixed(ends[1], decimals=0))  # fmt: skip
    axes.plot([100 * one.estimate], [place], marker=style.marker, ms=5, color=style.colour, ls="",
              label=label)  # fmt: skip
    beside(axes, place, shown)
