"""The codebook as a list that people read: names, units, meanings, and headings understood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

_QUANTITIES = ("abmd", "vbmd", "bmc", "area", "hu", "valid", "t_score", "z_score")
_BESIDE = {"_ctxa": "ctxa"}
_INDENT = "    "
_GAP = ", "
_SHORT = 3  # a word of fewer Latin letters must stand by itself: T is no letter of "total"


def headings_of(
    variable: Any, words: Mapping[str, Mapping[str, str]], nhanes: Mapping[str, str]
) -> tuple[str, ...]:
    """Headings that are read as a variable: its other names, and some made of site and quantity.

    Parameters
    ----------
    variable
        A `Variable`.
    words
        Part of a heading → word → what it means, as the codebook has them.
    nhanes
        Column of NHANES → variable.
    """
    own = [*variable.aliases, *(name for name, of in nhanes.items() if of == variable.name)]
    return tuple(dict.fromkeys((*_made(variable, words), *own)))


def _made(variable: Any, words: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Headings of words: side, site and quantity, in English and in Chinese."""
    quantity = next((q for q in _QUANTITIES if variable.name.startswith(f"{q}_")), None)
    if variable.roi is None or quantity is None:
        return []
    side = variable.side
    site = variable.roi.removesuffix(f"_{side}")
    beside = next((word for end, word in _BESIDE.items() if variable.name.endswith(end)), "")
    made = []
    for is_latin, space, most in ((True, " ", 2), (False, "", 1)):
        sites = _some(words["site"], site, most, is_latin=is_latin)
        kinds = _some(words["quantity"], quantity, 1, is_latin=is_latin)
        sides = _some(words["side"], side, 1, is_latin=is_latin) if side else [""]
        made += [
            space.join(filter(None, (first, place, beside, kind)))
            for place in sites
            for kind in kinds
            for first in sides
        ]
    return made


def _some(table: Mapping[str, str], meaning: str, most: int, *, is_latin: bool) -> list[str]:
    """The first and the shortest of the words that mean something, in one script."""
    known = [w for w, of in table.items() if of == meaning and w.isascii() == is_latin]
    shortest = sorted(known, key=len)[: most - 1]
    return list(dict.fromkeys((*known[:1], *shortest)))[:most]


def is_about(variable: Any, headings: Iterable[str], text: str) -> bool:
    """Whether each word of a text stands in the name, a meaning or a heading of a variable."""
    names = (variable.name, variable.name.replace("_", " "))
    held = _plain(" ".join((*names, variable.meaning, variable.meaning_zh, *headings)))
    squeezed = held.replace(" ", "")
    whole = set(re.split(r"[\W_]+", held))
    return all(
        word in whole if len(word) < _SHORT and word.isascii() else word in held or word in squeezed
        for word in _plain(text).split()
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def listing(entries: Iterable[tuple[Any, tuple[str, ...]]], width: int = 100) -> str:
    """Write variables below each other, each with what it is and how a file may call it.

    Parameters
    ----------
    entries
        Variables with their headings.
    width
        Of a line, in cells of a terminal; a Chinese sign takes two.
    """
    return "\n".join(chain.from_iterable(_lines(v, headings, width) for v, headings in entries))


def _lines(variable: Any, headings: tuple[str, ...], width: int) -> list[str]:
    unit = f" [{variable.unit}]" if variable.unit and variable.unit != "1" else ""
    known = "; ".join(variable.categories) if variable.kind == "category" else ""
    lines = [f"{variable.name}{unit}"]
    lines += _wrapped(f"{variable.meaning} {variable.meaning_zh}".split(" "), " ", width)
    lines += _wrapped(f"one of {known}".split(" "), " ", width) if known else []
    if headings:
        lines += _wrapped(["headings: " + headings[0], *headings[1:]], _GAP, width)
    return lines


def _wrapped(parts: list[str], gap: str, width: int) -> list[str]:
    """Parts one after another in indented lines; a part that is longer than a line is broken."""
    ends = [part + gap.rstrip() for part in parts[:-1]] + parts[-1:]
    lines, line = [], _INDENT
    for text in chain.from_iterable(_broken(end, width - len(_INDENT)) for end in ends):
        if line != _INDENT and cells(line) + cells(text) > width:
            lines.append(line.rstrip())
            line = _INDENT
        line += text + " "
    return [*lines, line.rstrip()]


def _broken(text: str, room: int) -> list[str]:
    """A text in pieces that fit into a line."""
    pieces = [""]
    for sign in text:
        if cells(pieces[-1]) + cells(sign) > room:
            pieces.append("")
        pieces[-1] += sign
    return pieces


def cells(text: str) -> int:
    """How many cells of a terminal a text takes.

    >>> cells("T值")
    3
    """
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
