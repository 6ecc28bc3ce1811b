"""Ratios with limits, one under the other; published ones apart from ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._ratios import draw_limits, reach, scale
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import INK, STYLES, dress, own_axes, under
from osteo_epi.figures._words import briefly, joined, listed
from osteo_epi.figures.risk._said import contrast_words, limits_words
from osteo_epi.language import said, word
from osteo_epi.risk import Association, Gradient, GradientComparison
from osteo_epi.rounding import count, level

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class _Row:
    """One line of the forest."""

    label: str
    estimate: float
    lower: float | None
    upper: float | None
    group: str
    published: bool


@drawing
def forest_plot(
    result: Association | GradientComparison,
    ax: Axes | None = None,
    *,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw ratios with their limits on a scale of logarithms.

    Parameters
    ----------
    result
        Of `risk.hazard_ratios`, `risk.odds_ratios` or `risk.compare_gradients`.
    ax
        Axes to draw into; of its own by default, as high as there are rows.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a ratio, with its numbers at the right; published ones are hollow. The dotted line
        is a ratio of 1.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import hazard_ratios
    >>> people = pl.DataFrame({"years": [1.0, 2, 3, 4, 5, 6, 7, 8], "hip": [1, 1, 0, 1, 1, 0, 1, 0],
    ...                        "smoker": [1, 0, 1, 1, 0, 0, 0, 1]})
    >>> axes = forest_plot(hazard_ratios(people, time="years", event="hip", exposures="smoker"))
    >>> [text.get_text() for text in axes.get_yticklabels()]
    ['smoker, yes against no']
    """
    rows = _of_association(result) if isinstance(result, Association) else _of_gradients(result)
    lines = Rows.of([row.label for row in rows])
    axes = ax or own_axes(6.6, 1.6 + lines.height, result._summary())
    axes.axvline(1, color=INK, lw=0.8, ls=":")
    span = reach((row.estimate, row.lower, row.upper) for row in rows)
    for row, place in zip(rows, lines.places, strict=True):
        _draw(axes, row, place, span)
    scale(axes, *span)
    lines.name(axes)
    heading = title or _title(result)
    words = said("{measure} ({confidence} limits)", measure=_measure(result.measure),
                 confidence=level(result.confidence))  # fmt: skip
    dress(axes, title=heading, x=words, grid="x")
    under(axes, *_sizes(result, rows), note=note)
    parts = [f"{row.label} {limits_words(row.estimate, row.lower, row.upper)}" for row in rows]
    describe(axes, said("{heading}, {measure}: {parts}.", heading=heading,
                        measure=_measure(result.measure).lower(),
                        parts=briefly(parts)))  # fmt: skip
    return axes


def _measure(measure: str) -> str:
    """A kind of ratio in words."""
    words = {
        "hazard ratio": said("Hazard ratio"),
        "odds ratio": said("Odds ratio"),
        "subdistribution hazard ratio": said("Subdistribution hazard ratio"),
        "rate ratio": said("Rate ratio"),
        "risk ratio": said("Risk ratio"),
    }
    return words.get(measure, f"{measure[0].upper()}{measure[1:]}")


def _of_association(result: Association) -> list[_Row]:
    rows = []
    for ratio in result.ratios:
        of = word(ratio.exposure.removeprefix("abmd_"))
        group = [] if ratio.group == "all" else [word(ratio.group)]
        label = joined(of, *group, contrast_words(ratio.contrast))
        limits = ratio.ratio
        rows.append(_Row(label, limits.estimate, limits.lower, limits.upper, ratio.group, False))
    return rows


def _of_gradients(result: GradientComparison) -> list[_Row]:
    return [
        _Row(_named(one), one.estimate, one.lower, one.upper, one.group, one.is_published)
        for one in result.gradients
    ]


def _named(one: Gradient) -> str:
    place = {"any": said("Any site"), "hip": said("Hip")}.get(
        one.measured_at, word(one.measured_at)
    )
    parts = [place] + ([] if one.group == "all" else [word(one.group)])
    parts += [] if one.age is None else [said("at {age} years", age=f"{one.age:g}")]
    source = one.source.replace("_", " ")
    source = source[0].upper() + source[1:]
    grade = said(" (grade {grade})", grade=one.grade) if one.grade else ""
    return said(": ").join([source, joined(*parts)]) + grade


def _draw(axes: Axes, row: _Row, place: float, span: tuple[float, float]) -> None:
    style = STYLES.get(row.group, STYLES["all"])
    if row.lower is not None:
        upper = span[1] if row.upper is None else row.upper
        draw_limits(axes, row.lower, upper, place, span, style.colour)
    face = "white" if row.published else style.colour
    axes.plot([row.estimate], [place], marker="s" if row.published else style.marker, ms=6,
              mfc=face, mec=style.colour, ls="")  # fmt: skip
    beside(axes, place, limits_words(row.estimate, row.lower, row.upper))


def _title(result: Association | GradientComparison) -> str:
    if isinstance(result, Association):
        if not result.adjusted_for:
            return word(result.event)
        named = said(", ").join(map(word, result.adjusted_for))
        return said("{words}, adjusted for {named}", words=word(result.event), named=named)
    (fracture,) = {one.fracture for one in result.gradients}
    return said("Fracture ({fracture}) per SD decrease of density", fracture=fracture)


def _sizes(result: Association | GradientComparison, rows: list[_Row]) -> list[str]:
    published = any(row.published for row in rows)
    if isinstance(result, Association):
        n, events = result.n, result.n_events
    else:
        ours = next(one for one in result.gradients if not one.is_published)
        n, events = ours.n or 0, ours.n_events or 0
    told = [said("{n} people, {events} with the event", n=count(n), events=count(events))]
    return [listed([*told, said("hollow: as published")] if published else told)]
