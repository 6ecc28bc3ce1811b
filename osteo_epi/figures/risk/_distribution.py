"""How predicted risks are spread over people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    WIDTH,
    dress,
    legend_under_title,
    nothing,
    own_axes,
    style_of,
    under,
)
from osteo_epi.figures._words import listed
from osteo_epi.language import said, word
from osteo_epi.risk import PredictedRisk
from osteo_epi.rounding import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 25
MOST = 6
"""Horizons whose lines can be told apart."""


@drawing
def risk_distribution(
    predicted: PredictedRisk, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw how many people have which predicted risk, a line a horizon.

    Parameters
    ----------
    predicted
        Of `RiskModel.predict`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Steps, all of the same width; up to six horizons.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import PredictedRisk
    >>> people = pl.DataFrame({"risk_10": [0.05, 0.10, 0.20, 0.40]})
    >>> axes = PredictedRisk(people, ("risk_10",), 0, 0, ()).plot()
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['risk_10']
    """
    known = [name for name in predicted.columns if predicted.table[name].count()]
    if not known:
        return nothing(said("Nobody has a predicted risk."), note, ax)
    risks = {name: 100 * predicted.table[name].drop_nulls().to_numpy() for name in known[:MOST]}
    axes = ax or own_axes(WIDTH, 3.6, predicted._summary())
    edges = np.linspace(0, max(float(values.max()) for values in risks.values()), BINS + 1)
    told = []
    for order, (name, values) in enumerate(risks.items()):
        style = style_of("", order=order)
        axes.stairs(np.histogram(values, edges)[0], edges, color=style.colour, ls=style.line,
                    lw=1.6, label=word(name))  # fmt: skip
        middle = percent(float(np.median(values)) / 100, decimals=1)
        told.append(said("{name}: median {share}%", name=word(name), share=middle))
    heading = title or said("Predicted risks")
    dress(axes, title=heading, x=said("Predicted risk [%]"), y=said("People"))
    axes.set_ylim(bottom=0)
    legend_under_title(axes, gap=0.4)
    lacking = predicted.n_missing
    missing = said("without one: {n}", n=count(lacking)) if lacking else ""
    rest = len(known) - MOST
    left_out = said("Further groups not drawn: {n}", n=rest) if rest > 0 else ""
    under(axes, missing, left_out, note=note)
    people = said("{n} people", n=count(predicted.table.height - lacking))
    describe(axes, said("{heading} of {people}. {parts}.", heading=heading, people=people,
                        parts=listed(told)))  # fmt: skip
    return axes
