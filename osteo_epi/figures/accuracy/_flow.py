"""The diagram of a study of a test: boxes of people, from the door to the two-by-two table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from osteo_epi.accuracy import Branch, StardFlow
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import INK, SMALL, WARNING, own_axes
from osteo_epi.figures._words import TIE, fitted, in_lines, listed
from osteo_epi.language import said, word
from osteo_epi.norms import Interval
from osteo_epi.rounding import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 7.2, 7.4
"""[inches]"""
ROWS = {"start": 0.95, "eligible": 0.79, "index": 0.63, "result": 0.44, "reference": 0.26,
        "end": 0.06}  # fmt: skip
FORK = 0.54
"""Height at which the results of the index test part."""
ASIDE = 0.67
LINE, PAD = 1.25 * SMALL, 0.45 * SMALL
"""[points] Height of a line of a box, and of its rim."""
MOST_REASONS = 4


@drawing
def stard_diagram(
    flow: StardFlow, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw the flow of people through a study of a test.

    Parameters
    ----------
    flow
        Of `accuracy.stard_flow`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from osteo_epi.accuracy import stard_flow
    >>> from osteo_epi.datasets import survey
    >>> flow = stard_flow(survey(), test="abmd_total_hip", test_positive="(-inf, 0.8]",
    ...                   truth="abmd_lumbar_spine", truth_positive="(-inf, 0.8]")
    >>> len(stard_diagram(flow).texts) > 8
    True
    """
    axes = ax or own_axes(WIDTH, HEIGHT, flow._summary())
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left")
    _trunk(axes, flow)
    shown = [b for b in flow.branches if b.n]
    places = _places(len(shown))
    axes.plot([0.5, 0.5], [ROWS["index"], FORK], color=INK, lw=0.8, zorder=1)
    axes.plot([places[0], places[-1]], [FORK, FORK], color=INK, lw=0.8, zorder=1)
    for place, branch in zip(places, shown, strict=True):
        _limb(axes, place, branch)
    words = said("Index test positive: {test}. Condition present: {truth}",
                 test=_as_printed(flow.test), truth=_as_printed(flow.truth))  # fmt: skip
    axes.text(0, -0.03, in_lines(words, 90), fontsize=SMALL, color=INK, va="top")
    if note:
        below = -0.03 - 0.025 * (1 + in_lines(words, 90).count("\n")) - 0.01
        axes.text(0, below, in_lines(note, 90), fontsize=SMALL, color=WARNING, va="top")
    describe(axes, _alt(flow))
    return axes


def _as_printed(rule: str) -> str:
    """What is positive, as a paper prints it.

    >>> _as_printed("vbmd_lumbar_spine in (-inf, 80)"), _as_printed("dxa_osteoporosis")
    ('Lumbar spine (QCT) < 80', 'dxa_osteoporosis')
    """
    column, within, interval = rule.rpartition(" in ")
    if not within or not interval.startswith(("(", "[")):
        return word(rule)
    return Interval.parse(interval).inequality(word(column), decimals=None)


def _alt(flow: StardFlow) -> str:
    parts = [f"{_result(branch)} {count(branch.n)}" for branch in flow.branches if branch.n]
    return said("Flow of a study of a test: of {n} people {eligible} are eligible and {tested} "
                "have the index test: {parts}.", n=count(flow.n), eligible=count(flow.n_eligible),
                tested=count(flow.n_index), parts=listed(parts))  # fmt: skip


def _result(branch: Branch) -> str:
    words = {
        "positive": said("positive"),
        "negative": said("negative"),
        "inconclusive": said("inconclusive"),
    }
    return words.get(branch.result, branch.result)


def _condition(name: str) -> str:
    words = {
        "present": said("present"),
        "absent": said("absent"),
        "inconclusive": said("inconclusive"),
    }
    return words.get(name, name)


def _limb(axes: Axes, place: float, branch: Branch) -> None:
    """One result of the index test, down to the condition."""
    ends = [f"{_condition(name)} {count(n)}" for name, n in branch.conditions.items()
            if n or name != "inconclusive"]  # fmt: skip
    boxes = {
        "result": said("Index test {result}\nn = {n}", result=_result(branch), n=count(branch.n)),
        "reference": said(
            "Reference standard\nn = {n}\nwithout it {without}",
            n=count(branch.n - branch.no_reference),
            without=count(branch.no_reference),
        ),
        "end": "\n".join([said("Condition"), *ends]),
    }
    above = FORK
    for row, text in boxes.items():
        _arrow(axes, (place, above), (place, ROWS[row]), lines=text.count("\n") + 1)
        _text(axes, place, ROWS[row], text)
        above = ROWS[row]


def _trunk(axes: Axes, flow: StardFlow) -> None:
    """From everybody to those with the index test; who leaves stands aside."""
    steps = {"start": (said("Potentially eligible"), flow.n),
             "eligible": (said("Eligible"), flow.n_eligible),
             "index": (said("Index test"), flow.n_index)}  # fmt: skip
    left = (_excluded(flow), said("No index test {n}", n=count(flow.no_index)))
    for (above, below), text in zip(pairwise(steps), left, strict=True):
        _arrow(axes, (0.5, ROWS[above]), (0.5, ROWS[below]), lines=2)
        height = (ROWS[above] + ROWS[below]) / 2
        _arrow(axes, (0.5, height), (ASIDE, height))
        _text(axes, ASIDE, height, text, ha="left")
    for name, (text, n) in steps.items():
        _text(axes, 0.5, ROWS[name], f"{text}\nn = {count(n)}")


def _excluded(flow: StardFlow) -> str:
    reasons = list(flow.excluded.items())
    lines = [f"{why}{TIE}{count(n)}" for why, n in reasons[:MOST_REASONS]]
    if rest := reasons[MOST_REASONS:]:
        lines.append(f"{said('other reasons')} {count(sum(n for _, n in rest))}")
    total = count(flow.n - flow.n_eligible)
    return "\n".join([said("Not eligible {n}", n=total), *(in_lines(line, 30) for line in lines
                                                if reasons[0][0] != "not eligible")])  # fmt: skip


def _places(n: int) -> Sequence[float]:
    return {1: (0.5,), 2: (0.28, 0.72)}.get(n, (0.17, 0.5, 0.83))


def _text(axes: Axes, x: float, y: float, text: str, *, ha: str = "center") -> None:
    box = {"boxstyle": "round,pad=0.35", "fc": "white", "ec": INK, "lw": 0.8}
    axes.text(x, y, text, ha=ha, va="center", fontsize=SMALL, color=INK, bbox=box, zorder=2)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], *, lines: int = 0
) -> None:
    """An arrow that ends at the edge of a box of so many lines."""
    gap = LINE * lines / 2 + PAD
    axes.annotate(
        "", xy=end, xytext=start, zorder=1,
        arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 0.8, "shrinkB": gap, "shrinkA": 0},
    )  # fmt: skip
