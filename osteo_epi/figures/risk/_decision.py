"""Figures of what deciding by a risk is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import GRID, INK, SMALL, WIDTH, dress, own_axes, style_of, under
from osteo_epi.figures._words import legible, listed
from osteo_epi.language import said, word
from osteo_epi.risk import TREAT_ALL, TREAT_NONE, DecisionCurve
from osteo_epi.rounding import count, level, number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEGEND = 30
"""Letters of a line in the legend."""
MEASURES = ("net_benefit", "interventions_avoided")
BELOW = 0.2
"""How far below no benefit the figure goes, as a share of the largest benefit drawn."""


@drawing
def decision_chart(
    curve: DecisionCurve,
    ax: Axes | None = None,
    *,
    measure: str = "net_benefit",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw net benefit over thresholds, with a band a risk or test.

    Parameters
    ----------
    curve
        Of `risk.decision_curve`.
    ax
        Axes to draw into; of its own by default.
    measure
        "net_benefit", or "interventions_avoided" per 100 people.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        The axis ends a little below zero: treating all falls without end.

    Raises
    ------
    SchemaError
        If the measure is unknown.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import decision_curve
    >>> people = pl.DataFrame({
    ...     "risk": [0.05, 0.1, 0.3, 0.6], "fracture": [False, False, True, True],
    ... })
    >>> axes = decision_chart(decision_curve(people, risks="risk", outcome="fracture"))
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['risk', 'treat all', 'treat none']
    """
    if measure not in MEASURES:
        raise SchemaError(f"measure={measure!r}; expected one of {', '.join(MEASURES)}")
    axes = ax or own_axes(WIDTH, WIDTH, curve._summary())
    names = curve.strategies[:-2]
    for i, name in enumerate(names):
        style = style_of("", order=i)
        middle, lower, upper = _numbers(curve, name, measure)
        axes.plot(
            100 * curve.thresholds,
            middle,
            label=legible(name, letters=LEGEND),
            color=style.colour,
            lw=1.6,
            ls=style.line,
        )
        axes.fill_between(
            100 * curve.thresholds, lower, upper, color=style.colour, alpha=0.15, lw=0
        )
    if measure == "net_benefit":
        names_of = {TREAT_ALL: said("treat all"), TREAT_NONE: said("treat none")}
        for name, line in ((TREAT_ALL, ":"), (TREAT_NONE, "-")):
            middle = _numbers(curve, name, measure)[0]
            axes.plot(100 * curve.thresholds, middle, color=INK, lw=1.0, ls=line,
                      label=names_of[name])  # fmt: skip
    highest = max(float(_numbers(curve, name, measure)[2].max()) for name in curve.strategies)
    axes.set_ylim(-BELOW * highest, 1.05 * highest)
    heading = title or said("Decision by risk of {outcome}", outcome=word(curve.outcome))
    dress(axes, title=heading, y=_axis(measure),
          x=said("Risk from which people would be treated [%]"))  # fmt: skip
    axes.legend(loc="best", fontsize=SMALL, framealpha=0.85, edgecolor=GRID)
    under(axes, _people(curve), note=note)
    describe(axes, _alt(curve, heading))
    return axes


def _alt(curve: DecisionCurve, heading: str) -> str:
    """Between which thresholds each risk is worth more than treating all or none."""
    bases = [curve.net_benefit[curve.strategies.index(name)] for name in (TREAT_ALL, TREAT_NONE)]
    parts = []
    for name in curve.strategies[:-2]:
        own = curve.net_benefit[curve.strategies.index(name)]
        better = 100 * curve.thresholds[own > np.maximum(*bases)]
        if len(better):
            parts.append(said("{name} is worth more than treating all or none from {low}% to "
                              "{high}%", name=word(name), low=number(float(better.min()), digits=3),
                              high=number(float(better.max()), digits=3)))  # fmt: skip
        else:
            parts.append(said("{name} is never worth more than treating all or none",
                              name=word(name)))  # fmt: skip
    return said("{heading}: {parts}.", heading=heading, parts=listed(parts))


def _axis(measure: str) -> str:
    if measure == "net_benefit":
        return said("Net benefit [true positives per person]")
    return said("Treatments avoided [per 100 people]")


def _numbers(curve: DecisionCurve, name: str, measure: str) -> tuple[np.ndarray, ...]:
    """(T,) values and limits."""
    if measure == "net_benefit":
        place = curve.strategies.index(name)
        return curve.net_benefit[place], curve.lower[place], curve.upper[place]
    frame = curve.interventions_avoided(name)
    names = ("interventions_avoided", "lower", "upper")
    return tuple(100 * frame[column].to_numpy() for column in names)


def _people(curve: DecisionCurve) -> str:
    share = f"{percent(curve.event_share, decimals=1)} %"
    if curve.prevalence is not None:
        of = said("{share} stated", share=share)
    else:
        of = said("{share} with the outcome", share=share)
    return said("{n} people, {events} events, {of}; bands: {confidence} at each threshold",
                n=count(curve.n), events=count(curve.n_events), of=of,
                confidence=level(curve.confidence))  # fmt: skip
