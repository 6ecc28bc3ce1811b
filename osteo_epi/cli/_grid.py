"""Tables and lines in the columns that a terminal has; no word is broken where there is a way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text

from osteo_epi.visible import visible

CHINESE = "[\u2e80-\uffef]"
WORDS = re.compile(f" |(?<={CHINESE})|(?={CHINESE})")
"""Where a line may be broken: at blanks, and between letters of Chinese."""
_OPENING, _CLOSING = "（《“‘「【〈『［", "，。；：、！？）》”’」】〉』］％"
_UNIT = re.compile(
    f"[{_OPENING}]*(?:(?![{_OPENING}{_CLOSING}]){CHINESE}|(?:(?![{_OPENING}{_CLOSING}]|{CHINESE})\\S)+)?"
    f"[{_CLOSING}]*"
)
"""What stays in one line of Chinese: a letter or a word of another, with the signs around it."""
HUNG = 2
"""Columns by which the second line of a text is set in."""


@dataclass(frozen=True)
class Grid:
    """An empty table whose columns have their widths, and the lines that are to be put into it."""

    table: Table
    lines: list[list[Text]]


def plain(words: object, **options: Any) -> Text:
    """Words as they stand: no markup, and nothing that steers the terminal."""
    return Text(visible(words), **options)


def hung(words: str, width: int, *, style: str = "") -> Text:
    """A text in lines of a width, what follows the first set in.

    Examples
    --------
    >>> print(hung("Note: 25 of 525 not classified", 20))
    Note: 25 of 525
      not classified
    >>> print(hung("参考值（2007）见表，用--map去除", 12))
    参考值
      （2007）见
      表，用
      --map去除
    """
    if re.search(CHINESE, words):
        parts = (_lines(part, width - HUNG) for part in visible(words).splitlines())
        return Text(("\n" + " " * HUNG).join(chain.from_iterable(parts)), style=style)
    console = Console(width=width)
    lines = plain(words, style=style).wrap(console, width - HUNG)
    return Text("\n" + " " * HUNG).join(map(_without_end, lines))


def _lines(words: str, width: int) -> list[str]:
    """Chinese in lines: none begins with a sign that closes or ends with one that opens."""
    lines = [""]
    for word in words.split(" "):
        lines[-1] += " " * (lines != [""])
        for unit in filter(None, _UNIT.findall(word)):
            if cell_len(lines[-1] + unit) > width and lines[-1].strip():
                lines.append("")
            *whole, rest = chop_cells(unit, width)  # longer than a line
            lines[-1:] = (
                [*(lines[-1] + part for part in whole), rest] if whole else [lines[-1] + rest]
            )
    return [line.rstrip() for line in lines]


def _without_end(line: Text) -> Text:
    line.rstrip()
    return line


def grid(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    right: Sequence[str] = (),
    yielding: Sequence[int] = (),
) -> Grid:
    """Lay out a table so that it fits, and breaks no word while there is another way.

    Parameters
    ----------
    headings, rows
        Texts of the cells.
    width
        Columns of the terminal.
    right
        Headings of counts, which stand right.
    yielding
        Places of columns whose intervals go to the next line before anything else is broken.

    Examples
    --------
    >>> rows = [["Non-Hispanic White", "24.4 (18.2–31.5)", "13.06 (10.67–15.44)"]]
    >>> made = grid(["People", "Crude %", "Affected"], rows, 40, yielding=[2, 1])
    >>> [text.plain.splitlines() for text in made.lines[0]]
    [['Non-Hispanic', ' White'], ['24.4', '(18.2–31.5)'], ['13.06', '(10.67–15.44)']]
    >>> [column.width for column in made.table.columns]
    [14, 11, 13]
    """
    cells = [[visible(cell) for cell in row] for row in rows]
    names = [visible(name) for name in headings]
    least = _least(names, cells)
    for place in yielding:
        if sum(least) + len(least) - 1 <= width:
            break
        for row in cells:
            row[place] = row[place].replace(" (", "\n(", 1)
        least = _least(names, cells)
    table = Table(box=SIMPLE_HEAD, padding=0, show_edge=False)
    for name, wide in zip(names, _widths(names, cells, least, width), strict=True):
        side: Any = "right" if name in right else "left"
        table.add_column(Text(name), justify=side, overflow="fold", width=wide)
    first = table.columns[0].width if table.columns else 0
    return Grid(table, [[_set_in(row[0], first or 1), *map(Text, row[1:])] for row in cells])


def _set_in(cell: str, width: int) -> Text:
    """The name of a row; what does not fit into its first line stands below it, set in."""
    name = cell.lstrip()
    start = len(cell) - len(name)
    if cell_len(cell) <= width:
        return Text(cell)
    lines = Text(name).wrap(Console(width=max(width, 1)), max(width - start - 1, 1))
    below = Text("\n" + " " * (start + 1))
    return Text(" " * start) + below.join(map(_without_end, lines))


def _least(names: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """What each column needs: its longest word, and its longest number with the interval."""
    return [
        max(cell_len(piece) for cell in column for piece in _pieces(cell, hung=place == 0))
        for place, column in enumerate(zip(names, *cells, strict=True))
    ]


def _pieces(cell: str, *, hung: bool = False) -> list[str]:
    """What is never broken: a number with its interval, else words, what is set in with blanks.

    >>> _pieces("24.4 (18.2–31.5)"), _pieces(" Non-Hispanic White", hung=True), _pieces("青年 T")
    (['24.4 (18.2–31.5)'], [' Non-Hispanic', '  White'], ['青', '年', 'T'])
    """
    pieces = [""]
    for line in cell.splitlines():
        start = line[: len(line) - len(line.lstrip())]
        words = [word for word in WORDS.split(line.strip()) if word]
        if re.match(r"[\d(–*]", line.strip()):
            pieces.append(line)
        elif words:
            pieces += [start + words[0], *(start + " " * hung + word for word in words[1:])]
    return pieces[1:] or pieces


def _widths(
    names: Sequence[str], cells: Sequence[Sequence[str]], least: Sequence[int], width: int
) -> list[int]:
    """Widths of the columns: the widest gives way first, to its longest word; at last all do."""
    columns = zip(names, *cells, strict=True)
    widths = [
        max(cell_len(line) for cell in column for line in cell.splitlines() or [""])
        for column in columns
    ]
    room = width - (len(widths) - 1)
    for floor in (least, [1] * len(widths)):
        while sum(widths) > room:
            spare = [k for k in range(len(widths)) if widths[k] > floor[k]]
            if not spare:
                break
            widths[max(spare, key=lambda k: widths[k])] -= 1
    return widths
