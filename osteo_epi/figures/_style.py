"""Colours, marks and words that figures and tables share, so that a sex looks the same in all.

The colours of the sexes are Okabe and Ito's, the others are theirs and Tol's, darkened where a mark
on white would have a contrast below 3 to 1; they are told apart under every common colour
blindness. Marks and line styles differ as well, for a report printed in grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from osteo_epi.figures._picture import Picture, describe
from osteo_epi.figures._words import LONGEST, TIE, columns_of, filled, fitted
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
FOOT = 64
"""Letters of a line under the axes."""
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
    _Style("#00805D", "^", "-"),
    _Style("#AA4499", "v", "--"),
    _Style("#A66F00", "P", "-."),
    _Style("#2A8AC4", "X", ":"),
)


def style_of(group: str, *, order: int = 0) -> _Style:
    """Give the style of a group; groups beyond the sexes take turns.

    After four of them colours come again with other lines: no two of sixteen look the same.

    Examples
    --------
    >>> [(style_of("", order=i).colour, style_of("", order=i).line) for i in (0, 4)]
    [('#00805D', '-'), ('#00805D', '--')]
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
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.08)
    return Figure(figsize=(width, height), layout=layout)


def own_axes(width: float, height: float, caption: str) -> Axes:
    """Axes alone on a canvas [inches]; Jupyter shows them as the picture, with its caption.

    Without pyplot nothing else would show them; an attribute is enough for Jupyter, and they
    stay matplotlib's own Axes.
    """
    figure = canvas(width, height)
    axes: Any = figure.subplots()
    shown: Any = figure
    shown._repr_html_ = axes._repr_html_ = Picture(figure, caption=caption)._repr_html_
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


def small_multiples(axes: Axes, names: list[str], *, columns: int) -> list[Axes]:
    """Divide axes into a panel for each name, with its title; call `align` when they are drawn."""
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    height = axes.get_position().height * _root(axes).get_figheight()
    lines = max(name.count("\n") + 1 for name in names)
    panels = panels_in(axes, rows, columns, gap=(0.05, (0.16 + 0.17 * lines) / height))
    for panel in panels[len(names) :]:
        panel.remove()
    panels = panels[: len(names)]
    for panel, name in zip(panels, names, strict=True):
        dress(panel)
        panel.set_title(name, fontsize=SMALL, color=INK, loc="left", pad=3)
    return panels


def above_titles(panels: list[Axes]) -> float:
    """How high the titles of panels are [points], for a legend above them."""
    return 6 + 1.25 * SMALL * max(p.get_title(loc="left").count("\n") + 1 for p in panels)


def align(axes: Axes, panels: list[Axes], columns: int, *, x: str = "", y: str = "") -> Axes:
    """Give panels the same limits, and name their axes once, in the middle of all.

    Returns
    -------
    Axes
        The last panel: lines `under` it stand in the middle of all.
    """
    columns = min(columns, len(panels))
    for ends in ("xlim", "ylim"):
        spans = [getattr(panel, f"get_{ends}")() for panel in panels]
        for panel in panels:
            getattr(panel, f"set_{ends}")(min(s[0] for s in spans), max(s[1] for s in spans))
    for place, panel in enumerate(panels):
        panel.tick_params(
            labelleft=place % columns == 0, labelbottom=place + columns >= len(panels)
        )
    # A label keeps the place along its axis that it is given, also outside of the panel.
    whole, first, last = (one.get_position(original=True) for one in (axes, panels[0], panels[-1]))
    panels[0].set_ylabel(fitted(y, letters=TALL))
    panels[0].yaxis.label.set_y((whole.y0 + whole.height / 2 - first.y0) / first.height)
    panels[-1].set_xlabel(fitted(x))
    panels[-1].xaxis.label.set_x((whole.x0 + whole.width / 2 - last.x0) / last.width)
    return panels[-1]


def dress(
    axes: Axes,
    *,
    title: str = "",
    x: str = "",
    y: str = "",
    grid: Literal["x", "y"] = "y",
) -> None:
    """Give axes their title, their names and a quiet grid across the measured direction."""
    # A title or label that is wider than the canvas would push the axes together.
    letters = min(LONGEST, int(11 * _root(axes).get_figwidth()))
    axes.set_title(fitted(title, letters=letters), fontsize=11, color=INK, loc="left")
    if x:
        axes.set_xlabel(fitted(x, letters=letters))
    if y:
        axes.set_ylabel(fitted(y, letters=TALL))
    axes.grid(axis=grid, color=GRID, lw=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def legend_under_title(
    axes: Axes, *, gap: float = 0.1, columns: int = 0, above: float = 0.0, **options: Any
) -> None:
    """Put the legend between the title, which goes up, and the axes, wrapped to their width.

    Parameters
    ----------
    axes
        With handles, or `handles` among the options.
    gap
        Between a mark and its name [letters].
    columns
        As many as fit by default.
    above
        Room for the titles of panels, which lie between [points].
    **options
        Of matplotlib's legend.
    """
    from matplotlib.transforms import ScaledTranslation

    handles = options.pop("handles", None) or axes.get_legend_handles_labels()[0]
    names = [str(handle.get_label()) for handle in handles]
    figure = _root(axes)
    columns = columns or columns_of(names, letters=int(axes_size(axes)[0] * 14))
    rows = -(-len(names) // columns)
    height = max((name.count("\n") + 1 for name in names), default=1) * 1.3 * SMALL
    shift = ScaledTranslation(0, above / 72, figure.dpi_scale_trans)
    axes.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=SMALL,
        bbox_transform=axes.transAxes + shift, borderaxespad=0.1, borderpad=0, handletextpad=gap,
        ncols=columns, columnspacing=1.4, **options,
    )  # fmt: skip
    raised = above + 7 + rows * height
    _grow(axes, raised / 12)
    title = axes.get_title(loc="left")
    axes.set_title(title, fontsize=11, color=INK, loc="left", pad=raised)


def axes_size(axes: Axes) -> tuple[float, float]:
    """How wide and how high axes are [inches], before the layout is made."""
    place, figure = axes.get_position(), _root(axes)
    return (
        float(place.width * figure.get_figwidth()),
        float(place.height * figure.get_figheight()),
    )


def under(axes: Axes, *lines: str, note: str = "") -> None:
    """Write lines under the name of the horizontal axis, and a note in the colour of warnings."""
    # Centred under the axes, a longer line would leave the canvas on the right.
    letters = FOOT if _is_given(axes) else int(12.3 * _root(axes).get_figwidth())
    texts = [axes.get_xlabel(), *(_broken(line, letters) for line in lines if line)]
    if len(texts) > 1:
        # Not set_xlabel, which takes a label back to the middle of its own panel.
        axes.xaxis.label.set(text="\n".join(filter(None, texts)), fontsize=SMALL)
    broken = _broken(note, letters) if note else ""
    _grow(axes, sum(text.count("\n") + 1 for text in (*texts[1:], broken) if text))
    if note:
        axes.annotate(
            broken, (0.5, 0), xycoords=axes.xaxis.label, xytext=(0, -4),
            textcoords="offset points", ha="center", va="top", fontsize=SMALL, color=WARNING,
        )  # fmt: skip


def _grow(axes: Axes, lines: float) -> None:
    """Make room for lines on a canvas of our own: they would be taken from the axes."""
    if not _is_given(axes):
        figure = _root(axes)
        figure.set_figheight(figure.get_figheight() + 0.165 * lines)


def _root(axes: Axes) -> Any:
    return axes.get_figure(root=True)


def _is_given(axes: Axes) -> bool:
    """Whether axes stand on a canvas of others, whose size is theirs."""
    return not hasattr(_root(axes), "_repr_html_")


def _broken(note: str, letters: int) -> str:
    return filled(visible(note), letters).replace(TIE, " ")


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


def nothing(text: str, note: str, ax: Axes | None = None) -> Axes:
    """Say in the figure's place why there is none."""
    axes = ax or own_axes(WIDTH, 1.2, "")
    axes.text(
        0.5, 0.5, fitted(text, letters=FOOT), ha="center", va="center", color=INK,
        transform=axes.transAxes,
    )  # fmt: skip
    axes.set_axis_off()
    if note:
        axes.text(
            0.5, 0.1, _broken(note, FOOT), ha="center", va="top", fontsize=SMALL, color=WARNING,
            transform=axes.transAxes,
        )  # fmt: skip
    describe(axes, text)
    return axes
