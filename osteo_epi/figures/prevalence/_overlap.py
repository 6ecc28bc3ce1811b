"""Which evidence of osteoporosis occurs together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import INK, SMALL, STYLES, dress, nothing, own_axes, under
from osteo_epi.figures._words import legible
from osteo_epi.frames import as_polars
from osteo_epi.language import said, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EMPTY = "#C9C9C9"
ABOVE = 2.4
"""[inches] Height of the columns, over the matrix of dots."""


@drawing
def site_overlap(
    overlap: Any,
    ax: Axes | None = None,
    *,
    largest: int = 12,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw which evidence of osteoporosis occurs together: a column for each combination.

    Parameters
    ----------
    overlap
        Of `population.evidence_overlap`: a frame of any kind of Boolean columns, one for each
        kind of evidence, and n; one row a combination.
    ax
        Axes to divide into panels; of its own by default.
    largest
        How many combinations to show, the commonest first; the rest is summed in words.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`: columns of counts above a matrix of dots.

    Examples
    --------
    >>> sites = pl.DataFrame({"lumbar_spine": [True, True], "total_hip": [False, True],
    ...                       "n": [30, 12]})
    >>> [label.get_text() for label in site_overlap(sites).child_axes[1].get_yticklabels()]
    ['Lumbar spine', 'Total hip']
    """
    rows = as_polars(overlap)[0].lazy().collect()
    if rows.is_empty():
        return nothing(said("Nobody was found to have osteoporosis."), note, ax)
    evidence = [name for name, kind in rows.schema.items() if kind == pl.Boolean]
    ranked = rows.sort(["n", *evidence], descending=True)
    shown, others = ranked.head(largest), ranked.slice(largest)
    evidence = [name for name in evidence if shown[name].any()]
    below = 0.3 * len(evidence) + 0.1
    size = (max(5.2, 2.2 + 0.46 * shown.height), ABOVE + below + 1.0)
    axes = ax or own_axes(*size, said("Which evidence of osteoporosis occurs together"))
    axes.set_axis_off()
    share = below / (ABOVE + below + 0.1)
    top = axes.inset_axes((0, share + 0.03, 1, 0.97 - share))
    bottom = axes.inset_axes((0, 0, 1, share))
    _counts(top, shown["n"].to_list())
    _matrix(bottom, shown.select(evidence))
    dress(top, title=title or said("Which evidence of osteoporosis occurs together"),
          y=said("People [n]"))  # fmt: skip
    top.tick_params(bottom=False, labelbottom=False)
    under(bottom, _rest(others), note=note)
    describe(axes, _alt(rows, ranked, evidence))
    return axes


def _counts(axes: Axes, counts: list[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    bars = axes.bar(range(len(counts)), counts, color=STYLES["male"].colour, width=0.62)
    labels = list(map(rounding.count, counts))
    axes.bar_label(bars, labels=labels, padding=2, fontsize=SMALL - 1, color=INK)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.set_xlim(-0.6, len(counts) - 0.4)
    axes.margins(y=0.14)


def _matrix(axes: Axes, membership: pl.DataFrame) -> None:
    names = membership.columns
    for x, row in enumerate(membership.iter_rows()):
        held = [y for y, member in enumerate(row) if member]
        axes.scatter([x] * len(names), range(len(names)), s=36, color=EMPTY, zorder=1, lw=0)
        axes.plot([x] * len(held), held, "-o", color=INK, ms=6.5, lw=1.6, zorder=2)
    axes.set_yticks(range(len(names)), [legible(word(name)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.6, membership.height - 0.4)
    axes.set_xticks([])
    axes.tick_params(left=False, labelsize=SMALL)
    axes.spines[:].set_visible(False)


def _rest(others: pl.DataFrame) -> str:
    if others.is_empty():
        return ""
    n = rounding.count(int(others["n"].sum()))
    return said("Not drawn: {n} people of rarer combinations.", n=n)


def _alt(rows: pl.DataFrame, ranked: pl.DataFrame, evidence: list[str]) -> str:
    first = ranked.row(0, named=True)
    held = said(", ").join(word(name) for name in evidence if first[name])
    return said(
        "Of {n} people with osteoporosis whose evidence is listed {most} have the commonest "
        "combination: {held}.",
        n=rounding.count(int(rows["n"].sum())),
        most=rounding.count(first["n"]),
        held=held or said("none of these"),
    )
