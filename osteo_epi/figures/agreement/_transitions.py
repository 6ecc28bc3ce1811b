"""Who changes class between two classifications, as a coloured table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteo_epi import rounding
from osteo_epi.agreement import Transitions
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import INK, SMALL, dress, own_axes, under
from osteo_epi.figures._words import NAME, fitted, legible
from osteo_epi.language import said, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@drawing
def transitions(
    table: Transitions, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw a transition table: colour by share of the row, counts and shares in the cells.

    Parameters
    ----------
    table
        Of `agreement.transitions`. Small counts are printed as they are: pass it through
        disclosure control first where the figure leaves the house.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.agreement import transitions as cross
    >>> people = pl.DataFrame({"own": ["normal", "low", "low"], "us": ["normal", "low", "normal"]})
    >>> axes = transitions(cross(people, first="own", second="us", classes=["low", "normal"]))
    >>> [text.get_text().splitlines() for text in axes.texts][:2]
    [['1', '50%'], ['1', '50%']]
    """
    k = len(table.classes)
    axes = ax or own_axes(1.9 + 1.25 * k, 1.7 + 0.95 * k, table._summary())
    sizes = table.counts.sum(axis=1, keepdims=True)
    share = np.divide(table.counts, sizes, out=np.zeros_like(table.counts), where=sizes > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), part in np.ndenumerate(share):
        colour = "white" if part > 0.6 else INK
        text = f"{rounding.count(float(table.counts[i, j]))}\n{rounding.percent(part, decimals=0)}%"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=SMALL)
    dress(axes, title=title)
    axes.grid(visible=False)
    names = [legible(word(c), letters=18) for c in table.classes]
    axes.set_xticks(range(k), names, fontsize=SMALL)
    axes.set_yticks(range(k), names, fontsize=SMALL)
    axes.set_xlabel(fitted(word(table.second), letters=NAME))
    axes.set_ylabel(fitted(word(table.first), letters=NAME))
    moved = _moved(table)
    under(axes, said("{share} change class; per cent of each row; n = {n}", share=moved,
                     n=rounding.count(table.n)), note=note)  # fmt: skip
    describe(
        axes,
        said("Of {n} people {share} change class between {first} and {second}.", share=moved,
             n=rounding.count(table.n), first=word(table.first), second=word(table.second)),
    )  # fmt: skip
    return axes


def _moved(table: Transitions) -> str:
    share = table.reclassified
    ends = [rounding.percent(v, decimals=1) for v in (share.estimate, share.lower, share.upper)]
    return f"{ends[0]}% ({ends[1]}–{ends[2]})"
