"""Colours, marks and words that figures and tables share, so that a sex looks the same in all.

The colours are Okabe and Ito's, told apart under every common colour blindness; marks and line
styles differ as well, for a report printed in grey.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

from osteo_epi.figures._picture import Picture
from osteo_epi.figures._words import TIE, columns_of, fitted
from osteo_epi.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
GRID = "#E3E3E3"
WARNING = "#A33B00"
WIDTH = 5.2
"""[inches] Of a figure that is read on a telephone too: at 390 pixels, 9 points are 7 pixels."""
SMALL = 9
TALL = 44
"""Letters of a line beside a vertical axis."""


@dataclass(frozen=True)
class _Style:
    """How one group is drawn."""

    colour: str
    marker: str
    line: str


STYLES = {
    "female": _Style("#D55E00", "o", "-"),
    "male": _Style("#0072B2", "s", "--"),
    "all": _Style("#4D4D4D", "D", "-."),
}
OTHERS = (
    _Style("#009E73", "^", "-"),
    _Style("#CC79A7", "v", "--"),
    _Style("#E69F00", "P", "-."),
    _Style("#56B4E9", "X", ":"),
)


def style_of(group: str, *, order: int = 0) -> _Style:
    """Give the style of a group; groups beyond the sexes take turns.

    After four of them colours come again with other lines: no two of sixteen look the same.

    Examples
    --------
    >>> [(style_of("", order=i).colour, style_of("", order=i).line) for i in (0, 4)]
    [('#009E73', '-'), ('#009E73', '--')]
    """
    k = len(OTHERS)
    own, turned = OTHERS[order % k], OTHERS[(order + order // k) % k]
    return STYLES.get(group, _Style(own.colour, own.marker, turned.line))


def canvas(width: float, height: float) -> Figure:
    """An empty figure [inches].

    Only matplotlib's object interface is used: what is drawn inside someone's notebook must not
    touch the figures that they have open.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def own_axes(width: float, height: float, caption: str) -> Axes:
    """Axes alone on a canvas [inches]; Jupyter shows them as the picture, with its caption.

    Without pyplot nothing else would show them; an attribute is enough for Jupyter, and they
    stay matplotlib's own Axes.
    """
    figure = canvas(width, height)
    axes = figure.subplots()
    axes._repr_html_ = Picture(figure, caption=caption)._repr_html_  # type: ignore[attr-defined]
    return axes


def panels_in(axes: Axes, rows: int, columns: int, *, gap: tuple[float, float]) -> list[Axes]:
    """Divide axes into panels, row by row; `gap` [share of the axes] lies beside and below each.

    They are insets, so that a figure of several panels too fits into axes that are given.
    """
    axes.set_axis_off()
    width, height = (1 - gap[0] * (columns - 1)) / columns, (1 - gap[1] * (rows - 1)) / rows
    return [
        axes.inset_axes(
            (column * (width + gap[0]), 1 - height - row * (height + gap[1]), width, height)
        )
        for row in range(rows)
        for column in range(columns)
    ]


def dress(
    axes: Axes,
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    grid: Literal["x", "y"] = "y",
) -> None:
    """Give axes their title, their names and a quiet grid across the measured direction."""
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left")
    if x:
        axes.set_xlabel(fitted(x))
    if y:
        axes.set_ylabel(fitted(y, letters=TALL))
    axes.grid(axis=grid, color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def legend_under_title(axes: Axes, *, gap: float = 0.1, **options: Any) -> None:
    """Put the legend on a line of its own between the title, which goes up, and the axes."""
    axes.set_title(axes.get_title(loc="left"), fontsize=11, color=INK, loc="left", pad=20)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=SMALL,
        borderaxespad=0.1, borderpad=0, handletextpad=gap, **options,
    )  # fmt: skip


def under(axes: Axes, *lines: str) -> None:
    """Write lines under the name of the horizontal axis."""
    # Centred under the axes, a longer line would leave a canvas of WIDTH on the right.
    texts = [
        axes.get_xlabel(),
        *(_broken(line, 64) for line in lines if line),
    ]
    if len(texts) > 1:
        axes.set_xlabel("\n".join(texts), fontsize=SMALL)


def _broken(note: str, letters: int) -> str:
    return fitted(fill(visible(note), letters).replace(TIE, " "))


def spread(values: list[float], apart: float) -> list[float]:
    """Places of labels beside their values, at least so far apart, in the order that they came.

    Examples
    --------
    >>> spread([1.0, 0.0, 1.0], 0.5)
    [0.8333333333333334, -0.16666666666666666, 1.3333333333333333]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    places = [values[i] for i in order]
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + apart)
    shift = (sum(places) - sum(values)) / max(len(values), 1)
    moved = dict(zip(order, places, strict=True))
    return [moved[i] - shift for i in range(len(values))]


def add_legend(figure: Figure, axes: Axes, *, extra: Iterable[Any] = ()) -> None:
    """Put the legend below the figure, in one line where the names are short."""
    handles = [*axes.get_legend_handles_labels()[0], *extra]
    columns = columns_of([str(handle.get_label()) for handle in handles])
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=9
    )


def nothing(text: str, note: str) -> Figure:
    """Say in the figure's place why there is none."""
    figure = canvas(6.4, 1.2)
    axes = figure.subplots()
    axes.text(0.5, 0.5, fitted(text), ha="center", va="center", color=INK)
    axes.set_axis_off()
    return signed(figure, note)


def signed(figure: Figure, note: str) -> Figure:
    """Put the note on the figure itself: a figure that is copied out keeps its label."""
    if note:
        width = int(figure.get_figwidth() * 11.5)
        text = _broken(note, width)
        # Room for the third line and those after it, which would be taken from the axes.
        figure.set_figheight(figure.get_figheight() + 0.15 * max(0, text.count("\n") - 1))
        figure.suptitle(text, fontsize=9, color=WARNING, x=0.01, ha="left")
    return figure
