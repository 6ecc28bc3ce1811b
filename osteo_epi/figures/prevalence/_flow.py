"""Who is in and who is out, as STROBE wants it drawn: boxes of people, down to those analysed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.cohort import Cohort, Flow
from osteo_epi.diagnosis import reason_words
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import INK, SMALL, WARNING, axes_size, dress, own_axes
from osteo_epi.figures._words import TIE, in_lines, listed
from osteo_epi.frames import as_polars
from osteo_epi.language import WITHHELD, language, phrase, said

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEEDED = ("order", "step", "reason", "n_in", "n_excluded", "n_out")
LEFT, BETWEEN, RIGHT = 1.75, 0.25, 3.0
"""[inches] Width of the boxes of those who stay, of the arrow, and of the boxes of those who go."""
WHOLE = LEFT + BETWEEN + RIGHT
LINE, PAD, APART = 0.165, 0.09, 0.34
"""[inches] Height of a line, rim of a box, and the least way between two boxes."""
LETTERS = 13
"""Letters of an inch of text."""
JOINED = ", joined"
"""How the reason ends of rows that are in another row of the person, and no people left out."""
MOST_REASONS = 8


@dataclass(frozen=True)
class _Stage:
    """Those who remain, in lines; and those who left since the box above."""

    box: str
    aside: str = ""

    @property
    def height(self) -> float:
        return _height(self.box)


@drawing
def flow_diagram(flow: Any, ax: Axes | None = None, *, title: str = "", note: str = "") -> Axes:
    """Draw the flow of participants: who is in, who is out, and why.

    Parameters
    ----------
    flow
        Of `population.participants`, a cohort (its steps until it was read), or the frame of a
        flow, of any kind.
    ax
        Axes to draw into; of its own by default, as high as there are boxes. In axes that are
        smaller the letters are smaller.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        At the left a box for each step at which anybody left, at the right those who did, with
        each reason once; the last box are those analysed.

    Raises
    ------
    SchemaError
        If a frame is none of a flow.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [44.0, 61.0, None, 70.0]})
    >>> flow = Flow.start(len(people), reason="a file")
    >>> flow = flow.step("age stated", pl.col("age") >= 0, reason="age missing", frame=people)
    >>> for text in flow_diagram(flow).texts:
    ...     print(text.get_text().splitlines())
    ['Read: a file', 'n = 4']
    ['Age stated', 'n = 3']
    ['Excluded (n = 1)', 'age missing']
    """
    rows = _rows(flow)
    stages = _stages(rows)
    tops, boxes = _places(stages)
    # The axes have no label that a note could stand under: it has a place of its own.
    told = in_lines(note, int(WHOLE * LETTERS)) if note else ""
    height = boxes + (_height(told) if told else 0)
    axes = ax or own_axes(WHOLE + 0.2, height + 0.3, _alt(rows))
    dress(axes, title=title)
    axes.set_axis_off()
    axes.set_xlim(0, WHOLE)
    axes.set_ylim(-height, 0)
    size = SMALL if ax is None else SMALL * _shrunk(ax, height)
    for place, (stage, top) in enumerate(zip(stages, tops, strict=True)):
        is_last = place == len(stages) - 1
        _box(axes, 0, top, LEFT, stage.box, size, bold=is_last and place > 0)
        if place:
            _arrows(axes, tops[place - 1] - stages[place - 1].height, top, stage, size)
    if told:
        axes.text(WHOLE / 2, PAD - height, told, ha="center", va="bottom", fontsize=size,
                  color=WARNING, linespacing=1.2)  # fmt: skip
    describe(axes, _alt(rows))
    return axes


def _shrunk(given: Axes, height: float) -> float:
    """How much smaller letters are in axes that are smaller than the boxes want them."""
    width, room = axes_size(given)
    return min(1.0, width / WHOLE, room / height)


def _rows(flow: Any) -> pl.DataFrame:
    flow = flow.flow if isinstance(flow, Cohort) else flow
    given = as_polars(flow.to_polars() if isinstance(flow, Flow) else flow)[0]
    frame: pl.DataFrame = given.lazy().collect()
    if absent := [name for name in NEEDED if name not in frame.columns]:
        raise SchemaError(
            f"columns {', '.join(absent)} are not in the frame; give a flow, such as "
            "participants() has, or its to_frame()"
        )
    if frame.is_empty():
        raise SchemaError("the flow holds no step: there is nothing to draw")
    if isinstance(flow, Flow) and language() == "zh":
        frame = frame.with_columns(reason=_in_chinese(flow))
    return frame.sort("order", maintain_order=True)


def _in_chinese(flow: Flow) -> pl.Expr:
    """The reason of a step that has one in Chinese, as a rule of a reference has."""
    words = {step.name: step.reason_zh for step in flow.steps if step.reason_zh}
    chinese = pl.col("step").replace_strict(words, default=None, return_dtype=pl.String)
    return pl.coalesce(chinese, "reason")


def _stages(rows: pl.DataFrame) -> list[_Stage]:
    """The first step, and each at which anybody left or came."""
    steps = rows.partition_by("order", maintain_order=True)
    first, *others = (step.rows(named=True) for step in steps)
    source = _source(first[0]["reason"])
    name = said(": ").join(filter(None, [phrase(first[0]["step"]), source]))
    stages = [_Stage(_boxed(name, first[0]["n_out"]))]
    moved = [step for step in others if _gone(step) != 0]
    names = [phrase(step[0]["step"]) for step in moved]
    if names and "classified" in rows["step"]:
        names[-1] = said("Analysed")
    for name, step in zip(names, moved, strict=True):
        stages.append(_Stage(_boxed(name, step[0]["n_out"]), _aside(step)))
    return stages


def _source(reason: str | None) -> str:
    # The label of simulated people is long, and stands where the figure does.
    if "SIMULATED" in (reason or ""):
        return said("SIMULATED people")
    return reason_words(reason or "")


def _boxed(name: str, n: int | None) -> str:
    broken = in_lines(name, int((LEFT - 2 * PAD) * LETTERS))
    return f"{broken}\nn = {_people(n)}"


def _people(n: int | None) -> str:
    """How many; an asterisk where a count is hidden since it is small."""
    return WITHHELD if n is None else rounding.count(n)


def _gone(step: list[dict[str, Any]]) -> int | None:
    """How many left at a step; None where that is hidden."""
    before, after = step[0]["n_in"], step[0]["n_out"]
    return None if before is None or after is None else before - after


def _aside(step: list[dict[str, Any]]) -> str:
    """Those who left, with each reason and, where there are several, its people."""
    gone = _gone(step)
    if gone is not None and gone < 0:
        return said("Added (n = {n})", n=rounding.count(-gone))
    reasons = [(_reason(row["reason"]), row["n_excluded"]) for row in step]
    reasons = [(why, n) for why, n in reasons if n != 0 or len(reasons) == 1]
    shown, others = reasons[:MOST_REASONS], reasons[MOST_REASONS:]
    if others:
        rest = None if any(n is None for _, n in others) else sum(n for _, n in others)
        shown.append((said("other reasons"), rest))
    texts = [why for why, _ in shown]
    if len(shown) > 1:
        texts = [f"• {_counted(why, n)}" for why, n in shown]
    letters = int((RIGHT - 2 * PAD) * LETTERS)
    joined = all((row["reason"] or "").endswith(JOINED) for row in step)
    n = _people(gone)
    head = said("Joined (n = {n})", n=n) if joined else said("Excluded (n = {n})", n=n)
    return "\n".join([head, *(in_lines(text, letters) for text in texts if text)])


def _reason(text: str | None) -> str:
    """A reason without the option that would change it, which is for who makes the run."""
    return re.sub(r" *[（(][^()（）]*--[^()（）]*[)）]", "", reason_words(text or ""))


def _counted(reason: str, n: int | None) -> str:
    text = said("{reason} (n = {n})", reason=reason, n=_people(n))
    return text.replace("n = ", f"n{TIE}={TIE}")


def _height(text: str) -> float:
    return LINE * (text.count("\n") + 1) + 2 * PAD


def _places(stages: list[_Stage]) -> tuple[list[float], float]:
    """The upper edge of each box of those who stay, and the height of all [inches]."""
    tops, edge = [0.0], -stages[0].height
    for above, stage in pairwise(stages):
        # A box at the right may reach as high as the middle of the boxes beside its arrow.
        way = max(APART, _height(stage.aside) + 0.12 - (above.height + stage.height) / 2)
        tops.append(edge - way)
        edge = tops[-1] - stage.height
    return tops, -edge


def _box(axes: Axes, left: float, top: float, width: float, text: str, size: float, *,
         bold: bool = False, aside: bool = False) -> None:  # fmt: skip
    from matplotlib.patches import Rectangle

    height = _height(text)
    axes.add_patch(Rectangle((left, top - height), width, height, fc="white", ec=INK,
                             lw=1.6 if bold else 0.8, clip_on=False))  # fmt: skip
    at, side = (left + PAD, "left") if aside else (left + width / 2, "center")
    axes.text(at, top - height / 2, text, ha=side, va="center", fontsize=size, color=INK,
              linespacing=1.2)  # fmt: skip


def _arrows(axes: Axes, above: float, below: float, stage: _Stage, size: float) -> None:
    """From a box down to the next, and from halfway to those who left."""
    from matplotlib.patches import FancyArrowPatch

    middle, half = LEFT / 2, (above + below) / 2
    for start, end in (
        ((middle, above), (middle, below)),
        ((middle, half), (LEFT + BETWEEN, half)),
    ):
        axes.add_patch(FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=10, color=INK, lw=0.8, shrinkA=0,
            shrinkB=0, clip_on=False,
        ))  # fmt: skip
    height = _height(stage.aside)
    _box(axes, LEFT + BETWEEN, half + height / 2, RIGHT, stage.aside, size, aside=True)


def _alt(rows: pl.DataFrame) -> str:
    """How many people there were, how many are left, and the commonest reasons."""
    joined = pl.col("reason").str.ends_with(JOINED).fill_null(False)
    # Before their rows were joined nobody knew how many people they were.
    first = pl.concat([rows.head(1), rows.filter(joined)]).row(-1, named=True)
    last = rows.row(-1, named=True)
    gone = rows.filter((pl.col("n_excluded") > 0) & ~joined)
    largest = gone.sort("n_excluded", descending=True, maintain_order=True).head(3)
    parts = [
        _counted(_reason(why), n).replace(TIE, " ")
        for why, n in largest.select("reason", "n_excluded").iter_rows()
    ]
    text = said("Flow of participants: of {n} people {left} remain.",
                n=rounding.count(first["n_out"]), left=rounding.count(last["n_out"]))  # fmt: skip
    if not parts:
        return text
    return f"{text} {said('Most were excluded for: {reasons}.', reasons=listed(parts))}"
