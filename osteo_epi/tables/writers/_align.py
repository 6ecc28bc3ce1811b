"""Numbers in printed cells: read again, and put below each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FIGURE = "\u2007"
"""A blank as wide as a digit."""
POINT = "\u2008"
"""A blank as wide as a point or a comma."""
NUMBER = re.compile(r"([<>+\u2212-]?\d[\d,]*)(\.\d+)?(.*)", re.DOTALL)
BETWEEN = re.compile(r"\d\)?(?:–| to |, |至|，)")
ALIGNMENTS = ("left", "right", "decimal")
_NARROW = set(".,()[]*\u2020\u2021 ")

ONE = r"[+\u2212-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
PARTS = re.compile(
    rf"({ONE})(?: ?%)?(?:(?: \(| ± ?| to |至)({ONE})(?:(?:–| to |, |至|，)({ONE}))?\)?)?([*†‡]*)"
)
"""A number; one with another, as "12 (3.4)" or "56.5 ± 3.9"; an estimate with its limits."""


@dataclass(frozen=True)
class Number:
    """A number as Excel holds it, with the digits that were printed and the mark behind them."""

    value: float
    form: str


def numbers(cell: str) -> list[Number]:
    """Read a printed cell; nothing where it is not numbers throughout.

    Examples
    --------
    >>> [(n.value, n.form) for n in numbers("29.1 (27.1–31.2)‡")]
    [(29.1, '0.0"‡"'), (27.1, '0.0'), (31.2, '0.0')]
    >>> [n.value for n in numbers("12,245")], numbers("50–54"), numbers("*")
    ([12245.0], [], [])
    """
    match = PARTS.fullmatch(cell)
    if match is None:
        return []
    *texts, mark = match.groups()
    read = [_number(text) for text in texts if text]
    first = read[0]
    return [Number(first.value, f'{first.form}"{mark}"') if mark else first, *read[1:]]


def _number(text: str) -> Number:
    fraction = len(text.partition(".")[2])
    form = ("#,##0" if "," in text else "0") + ("." + "0" * fraction if fraction else "")
    return Number(float(text.replace(",", "").replace("−", "-")), form)


def decimal_cells(cells: Sequence[str]) -> list[str]:
    """Pad cells so that, centred in digits of one width, their first points stand in a line.

    A cell that does not start with a number stays as it is. In a column of several forms, as n (%)
    below mean ± SD, the cells of one form stand in a line.

    Parameters
    ----------
    cells
        Of one column, as they are printed.

    Examples
    --------
    >>> [cell.replace(FIGURE, "_").replace(POINT, ",") for cell in decimal_cells(["4.2", "12.35"])]
    ['_4.2_', '12.35']
    """
    padded = list(cells)
    for places in _alike([_form(cell) for cell in cells]):
        for place, cell in zip(places, _in_line([cells[k] for k in places]), strict=True):
            padded[place] = cell
    return padded


def _alike(forms: Sequence[tuple[str, int] | None]) -> list[list[int]]:
    """Places of the cells that stand in a line: of one form, and of one variable where it tells."""
    numbers = [place for place, form in enumerate(forms) if form is not None]
    several = {form[0] for form in forms if form is not None} - {""}
    if len(several) < 2 and "±" not in several:
        return [numbers]  # a number alone goes with those that have limits
    groups: dict[tuple[str, int] | None, list[int]] = {}
    for place in numbers:
        groups.setdefault(forms[place], []).append(place)
    return list(groups.values())


def _form(cell: str) -> tuple[str, int] | None:
    """What stands between the numbers of a cell, and its decimals; None without a number first."""
    match = NUMBER.fullmatch(cell)
    if match is None:
        return None
    fraction, rest = match[2] or "", match[3]
    between = "(–" if BETWEEN.search(rest) else "("
    return "±" if "±" in rest else between if "(" in rest else "", len(fraction)


def _in_line(cells: Sequence[str]) -> list[str]:
    parts = [match.groups("") for cell in cells if (match := NUMBER.fullmatch(cell))]
    widest = [max((_wide(part[k]) for part in parts), default=(0, 0)) for k in range(3)]
    return [
        _blank(widest[0], whole) + whole + _tail(fraction, rest, widest[1], widest[2])
        for whole, fraction, rest in parts
    ]


def _tail(fraction: str, rest: str, widest: tuple[int, int], longest: tuple[int, int]) -> str:
    return fraction + _blank(widest, fraction) + rest + _blank(longest, rest)


def _wide(text: str) -> tuple[int, int]:
    """Wide and narrow characters."""
    narrow = sum(character in _NARROW for character in text)
    return len(text) - narrow, narrow


def _blank(widest: tuple[int, int], text: str) -> str:
    wide, narrow = _wide(text)
    return FIGURE * (widest[0] - wide) + POINT * (widest[1] - narrow)


def usual_alignment(cells: Sequence[str]) -> str:
    """Say `decimal` of a column of numbers, else `left`; a dash, a star or nothing is neither.

    Examples
    --------
    >>> usual_alignment(["12.1", "*", "–"]), usual_alignment(["50-54", "80+"])
    ('decimal', 'left')
    """
    held = [cell for cell in cells if cell.strip("*–")]
    return "decimal" if held and all(map(numbers, held)) else "left"
