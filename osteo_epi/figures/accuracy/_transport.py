"""Thresholds on the people they are applied to: where each cuts, and how many it finds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi.accuracy import Candidate, Change, Measure, Threshold, ThresholdComparison, Transport
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    GRID,
    INK,
    OTHERS,
    SMALL,
    STYLES,
    WIDTH,
    dress,
    own_axes,
    style_of,
    under,
)
from osteo_epi.figures._words import filled, joined, legible, limits_said, listed, unbroken
from osteo_epi.language import WORDS, printed_unit, said, word
from osteo_epi.rounding import count, level, number, percent, percent_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STAYS = "the cut-off stays"
CURVES = 2.3
"""[inches] Of a distribution."""
LINE = 0.17
"""[inches] Of a line of words, or of a mark with its limits."""
GAP = 0.58
"""[inches] Below a distribution, for the name of its axis."""
LONGEST = 60
"""Letters of a line above a row."""
KEY = 36
"""Letters of a line in the legend."""
EDGE = 0.005
"""Share of people at either end of the score who are left out of the picture."""
TIE = "\N{NO-BREAK SPACE}"
RATES = ("sensitivity", "specificity")
MOST_DEVICES = 3
"""Devices whose cut-offs are named one by one."""


@dataclass(frozen=True)
class _Cut:
    """A cut-off with its limits, and how it is drawn."""

    label: str
    value: float
    lower: float
    upper: float
    colour: str
    line: str

    @classmethod
    def stated(cls, label: str, value: float, colour: str, line: str) -> _Cut:
        """A cut-off without an error."""
        return cls(label, value, value, value, colour, line)


@dataclass(frozen=True)
class _Mark:
    """A prevalence with its limits."""

    measure: Measure
    colour: str
    marker: str
    hollow: bool


@dataclass(frozen=True)
class _Row:
    """Words, and the prevalences under them."""

    words: str
    marks: tuple[_Mark, ...]

    @property
    def height(self) -> float:
        """[inches]"""
        return LINE * (1.3 + self.words.count("\n") + len(self.marks))


@drawing
def transport_chart(
    result: Transport, ax: Axes | None = None, *, title: str = "", x: str = "", note: str = ""
) -> Axes:
    """Draw a threshold applied elsewhere: both cut-offs among the scores, and whom either finds.

    Parameters
    ----------
    result
        Of `accuracy.transport`.
    ax
        Axes to draw into; of its own by default, as high as there are groups.
    title, x, note
        Words above the axes, the name of the score with its unit, and words under it.

    Returns
    -------
    Axes
        Above, people at or below each score by sex, with the old cut-off (dashed; only where it is
        one of the same quantity) and the new one, its limits shaded. Below, for each group the
        prevalence by the old cut-off (hollow) and by the new one with limits, and in words their
        difference in the same people.

    Examples
    --------
    >>> from osteo_epi.accuracy import Threshold, transport
    >>> from osteo_epi.datasets import survey
    >>> hip = Threshold.stated("abmd_total_hip", "(-inf, 0.65]", source="stated by the user")
    >>> axes = transport_chart(transport(survey(), hip, relation=0.03))
    >>> [text.get_text() for text in axes.child_axes[0].get_legend().get_texts()]
    ['Women', 'Men', 'old cut-off ≤ 0.65', 'new cut-off ≤ 0.68']
    >>> axes.child_axes[0].get_xlabel()
    'Total hip [g/cm²]'
    """
    stays = _stays(result.changes[0])
    by = said("exchanged for a stated cut-off")
    if result.to is None:
        unit = result.quantity.unit
        relation = result.carried.relation.replace(unit, printed_unit(unit))
        by = relation if stays else said("carried by {relation}", relation=relation)
    told = [said("{n} people", n=count(result.changes[0].n))]
    if result.standard:
        told.append(said("standardised to {standard}", standard=result.standard))
    told.append(said("hollow: old cut-off"))
    words = listed([*told, said("limits {confidence}", confidence=level(result.confidence)), by])
    heading = title or said("{what} by the old and the new cut-off",
                            what=word(result.threshold.positive))  # fmt: skip
    return _panels(
        ax, result, {x or _axis(result.score, result.quantity.unit): (
            result.distribution, tuple(_cuts(result)))},
        [_group(change) for change in result.changes],
        heading, words, note,
    )  # fmt: skip


@drawing
def threshold_chart(
    result: ThresholdComparison,
    ax: Axes | None = None,
    *,
    title: str = "",
    x: str = "",
    note: str = "",
) -> Axes:
    """Draw thresholds side by side: where each cuts, and how many of the same people it finds.

    Parameters
    ----------
    result
        Of `accuracy.compare_thresholds`.
    ax
        Axes to draw into; of its own by default, as high as there are thresholds.
    title, x, note
        Words above the axes, the name of the score with its unit (where all judge one column), and
        words under it.

    Returns
    -------
    Axes
        Above, for each column that is judged, people at or below each score by sex, with the
        cut-offs. Below, the prevalence by each threshold with limits, and in words the difference
        from the first one, and sensitivity and specificity where a truth was named.

    Examples
    --------
    >>> from osteo_epi.accuracy import Threshold, compare_thresholds
    >>> from osteo_epi.datasets import survey
    >>> both = [Threshold.stated("abmd_total_hip", f"(-inf, {cut}]", source="stated by the user")
    ...         for cut in (0.7, 0.65)]
    >>> axes = threshold_chart(compare_thresholds(survey(), thresholds=both))
    >>> [text.get_text() for text in axes.child_axes[0].get_legend().get_texts()]
    ['Women', 'Men', '≤ 0.7', '≤ 0.65']
    """
    styled = tuple((one, style_of("", order=i)) for i, one in enumerate(result.candidates))
    panels: dict[str, tuple[pl.DataFrame, tuple[_Cut, ...]]] = {}
    for column, values in result.distributions.items():
        mine = [(one, style) for one, style in styled if one.score == column]
        name = _axis(column, mine[0][0].threshold.quantity.unit)
        cuts = (
            _Cut.stated(_short(one.threshold), one.threshold.cut, style.colour, style.line)
            for one, style in mine
        )
        panels[x if x and len(result.distributions) == 1 else name] = (values, tuple(cuts))
    rows = [
        _Row(_candidate_words(one), (_Mark(one.prevalence, s.colour, s.marker, False),))
        for one, s in styled
    ]
    told = [
        said("{n} people", n=count(result.n)),
        said("limits {confidence}", confidence=level(result.confidence)),
        said("differences from {first}", first=result.candidates[0].label),
    ]
    if result.truth:
        told.append(said("accuracy against {truth}", truth=word(result.truth)))
    heading = title or said("Thresholds in the same people")
    return _panels(ax, result, panels, rows, heading, listed(told), note)


def _candidate_words(one: Candidate) -> str:
    """What it is called, where it cuts, and what it finds."""
    rule = _short(one.threshold)
    name = one.label if one.label.endswith(rule) else f"{one.label}, {rule}"
    heads = [f"{name}: {_percent(one.prevalence)}"]
    if one.difference is not None:
        heads.append(said("difference {points}", points=_points(one.difference)))
    if one.accuracy:
        names = (said("sensitivity"), said("specificity"))
        heads += [f"{name} {_percent(one.accuracy[rate])}" for rate, name in zip(RATES, names,
                                                                        strict=True)]  # fmt: skip
    return _wrapped(heads)


def _percent(measure: Measure) -> str:
    return f"{percent(measure.estimate, decimals=1)} %"


def _short(threshold: Threshold) -> str:
    return f"{_sign(threshold)} {number(threshold.cut)}"


def _axis(column: str, unit: str) -> str:
    region = column.removeprefix("abmd_")
    name = word(region if region in WORDS else column)
    return said("{name} [{unit}]", name=name, unit=printed_unit(unit))


def _cuts(result: Transport) -> Iterator[_Cut]:
    """The old cut-off where the axis has its scale, and the new one of each device."""
    old, sign = result.threshold, _sign(result.threshold)
    if old.quantity == result.quantity:
        yield _Cut.stated(said("old cut-off {rule}", rule=_short(old)), old.cut, INK, "--")
    if result.to is not None:
        new = result.to
        yield _Cut.stated(
            said("new cut-off {rule}", rule=_short(new)), new.cut, OTHERS[0].colour, "-"
        )
        return
    if _stays(result.changes[0]):
        return
    table = result.cut_points()
    parts = result.threshold.bands.names
    rows = table.filter(
        pl.col("below") == parts[old.place], pl.col("carried").is_not_null()
    ).to_dicts()  # fmt: skip
    for k, row in enumerate(rows):
        style = OTHERS[k % len(OTHERS)]
        ends, limits = (row["carried"], row["carried"]), ""
        if row["lower"] is not None and row["lower"] < row["upper"]:
            ends = row["lower"], row["upper"]
            limits = said(" ({lower} to {upper})", lower=number(ends[0], digits=4),
                          upper=number(ends[1], digits=4))  # fmt: skip
        whose = f", {row['device']}" if row["device"] else ""
        rule = f"{sign} {number(row['carried'], digits=4)}{limits}"
        label = said("new cut-off{whose} {rule}", whose=whose, rule=rule)
        if len(rows) > MOST_DEVICES:
            label = said("new cut-offs, one a device") if k == 0 else ""
            style = OTHERS[0]
        yield _Cut(label, row["carried"], *ends, style.colour, style.line)


def _sign(threshold: Threshold) -> str:
    return threshold.rule.removeprefix(threshold.column).split()[0]


def _stays(change: Change) -> bool:
    return change.difference is not None and change.difference.method == STAYS


def _group(change: Change) -> _Row:
    whom = said(", ").join(word(v) for v in change.group.values()) or word("all")
    heads, level_name = [f"{whom} (n {count(change.n)})"], next(iter(change.group.values()), "all")
    if change.difference is not None:
        is_kept = _stays(change)
        points = "" if is_kept else _points(change.difference)
        heads.append(said("the cut-off stays") if is_kept
                     else said("difference {points}", points=points))  # fmt: skip
    elif change.new is None:
        heads.append(said("the cut-off is not carried"))
    style = STYLES.get(level_name, STYLES["all"])
    pairs = ((change.old, True), (None if _stays(change) else change.new, False))
    marks = [_Mark(m, style.colour, style.marker, old) for m, old in pairs if m is not None]
    return _Row(_wrapped(heads), tuple(marks))


def _points(measure: Measure) -> str:
    text = percent_interval(measure.estimate, measure.lower, measure.upper, decimals=1, signed=True)
    return said("{change} points", change=limits_said(text))


def _wrapped(heads: Sequence[str]) -> str:
    return _filled(joined(*heads), LONGEST)


def _filled(text: str, width: int) -> str:
    """Break lines, but no number from its sign or unit."""
    tied = re.sub("(?<=[<>≤≥]) | (?=%)", TIE, text)
    return filled(tied, width).replace(TIE, " ")


def _panels(
    ax: Axes | None,
    result: Any,
    above: dict[str, tuple[pl.DataFrame, tuple[_Cut, ...]]],
    rows: Sequence[_Row],
    title: str,
    words: str,
    note: str,
) -> Axes:
    """Distributions, and under them the rows."""
    heights = [CURVES] * len(above) + [sum(row.height for row in rows)]
    total = sum(heights) + GAP * len(above)
    axes = ax or own_axes(WIDTH, total + 1.4, result._summary())
    axes.set_axis_off()
    top = total
    for k, (name, (values, cuts)) in enumerate(above.items()):
        panel = axes.inset_axes((0, (top - CURVES) / total, 1, CURVES / total))
        _draw_distribution(panel, values, cuts)
        dress(panel, title=filled(title, 52) if k == 0 else "", x=name, y=said("At or below [%]"))
        top -= CURVES + GAP
    panel = axes.inset_axes((0, 0, 1, heights[-1] / total))
    _draw_rows(panel, rows)
    dress(panel, x=said("Prevalence [%]"), grid="x")
    under(panel, words, note=note)
    told = listed(unbroken(row.words) for row in rows)
    describe(axes, said("{heading}. {parts}.", heading=title, parts=told))
    return axes


def _draw_distribution(panel: Axes, values: pl.DataFrame, cuts: Sequence[_Cut]) -> None:
    for k, ((sex,), part) in enumerate(values.group_by(["sex"], maintain_order=True)):
        style = style_of(str(sex), order=k)
        panel.step(part["value"], 100 * part["share"], where="post", color=style.colour,
                   ls=style.line, lw=1.6, label=legible(word(sex), letters=KEY))  # fmt: skip
    for cut in cuts:
        if cut.lower < cut.upper:
            panel.axvspan(cut.lower, cut.upper, color=cut.colour, alpha=0.2, lw=0)
        name = legible(cut.label, letters=KEY) if cut.label else None
        panel.axvline(cut.value, color=cut.colour, ls=cut.line, lw=1.4, label=name)
    inside = values.filter(pl.col("share").is_between(EDGE, 1 - EDGE))["value"].to_list()
    ends = [*inside, *(v for c in cuts for v in (c.lower, c.upper) if math.isfinite(v))]
    if ends and min(ends) < max(ends):
        room = 0.03 * (max(ends) - min(ends))
        panel.set_xlim(min(ends) - room, max(ends) + room)
    panel.set_ylim(0, 102)
    key = panel.legend(loc="lower right", fontsize=SMALL, framealpha=0.9, edgecolor=GRID)
    for text in key.get_texts():
        text.set_text(_filled(text.get_text(), KEY))


def _draw_rows(panel: Axes, rows: Sequence[_Row]) -> None:
    """Each row: its words at the left end, its marks below them."""
    depth = 0.0
    for row in rows:
        panel.text(0.01, depth + 0.2 * LINE, row.words, transform=panel.get_yaxis_transform(),
                   va="top", fontsize=SMALL, color=INK)  # fmt: skip
        at = depth + LINE * (1.4 + row.words.count("\n"))
        for k, mark in enumerate(row.marks):
            _draw_mark(panel, mark, at + LINE * (k + 0.4))
        depth += row.height
    panel.set_ylim(depth, 0)
    panel.set_yticks([])
    shown = [v for r in rows for m in r.marks for v in (m.measure.upper, m.measure.estimate) if v]
    panel.set_xlim(0, 105 * max(shown, default=1.0))
    panel.spines["left"].set_visible(False)


def _draw_mark(panel: Axes, mark: _Mark, place: float) -> None:
    m = mark.measure
    if m.lower is not None and m.upper is not None:
        panel.plot([100 * m.lower, 100 * m.upper], [place, place], color=mark.colour, lw=1.6)
    face = "white" if mark.hollow else mark.colour
    panel.plot([100 * m.estimate], [place], marker=mark.marker, ms=6, mfc=face, mec=mark.colour,
               ls="", clip_on=False)  # fmt: skip
