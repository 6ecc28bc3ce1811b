"""The variable that a misspelt heading was meant for, or none: a proposal is followed.

Only a spelling is corrected. Whatever else a heading says stays as it is said: a proposal never
leads to another quantity (T to Z, content to density), region, side or unit, and where two
variables are equally near there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import accumulate, takewhile

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SHORTEST = 6
"""Letters below which a word is near to too many others (later and Alter, PTH and TH)."""
_LONG = 9
"""Letters from which two slips of the pen are still the same word."""
_MOST_TOKENS = 4

Words = Mapping[str, tuple[tuple[str, str], ...]]


def tokens(text: str) -> list[str]:
    """The words of a heading, at its signs and at its capitals, in lower case.

    >>> tokens("femoral_nek_BMD"), tokens("FNCTz-score"), tokens("femurNeckBMD")
    (['femoral', 'nek', 'bmd'], ['fnc', 'tz', 'score'], ['femur', 'neck', 'bmd'])
    """
    return [word.casefold() for word in _TOKEN.findall(text)]


def distance(first: str, second: str, *, most: int) -> int:
    """Slips of the pen between two words: letters changed, left out, put in, or exchanged.

    >>> distance("nek", "neck", most=2), distance("lubmar", "lumbar", most=2)
    (1, 1)
    """
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, letter in enumerate(first, start=1):
        previous, row, oldest = row, [i], before
        for j, other in enumerate(second, start=1):
            cost = min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, oldest[j - 2] + 1)
            row.append(cost)
        before = previous
    return row[-1]


def corrections(text: str, words: Iterable[str]) -> dict[str, int]:
    """Keys that a heading would have with one of its words spelt as a known one.

    Parameters
    ----------
    text
        The heading.
    words
        Known words, normalised.

    Returns
    -------
    dict
        Key, normalised, and how many slips of the pen it takes.

    Examples
    --------
    >>> corrections("femoral_nek_bmd", ["femoralneck", "bmd"])
    {'femoralneckbmd': 1}
    >>> corrections("S.No", ["neck"]), corrections("PatientSize", ["patientsid"])
    ({}, {})
    """
    parts = tokens(text)
    usable = _usable(tuple(words))
    found: dict[str, int] = {}
    for start in range(len(parts)):
        for end in range(start + 1, min(start + _MOST_TOKENS, len(parts)) + 1):
            for word, slips in _near(parts[start:end], usable).items():
                key = "".join([*parts[:start], word, *parts[end:]])
                found[key] = min(slips, found.get(key, slips))
    return found


@lru_cache(maxsize=16)
def _usable(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if len(word) >= _SHORTEST and word.isascii())


def _near(parts: list[str], words: tuple[str, ...]) -> dict[str, int]:
    """Known words that a piece of a heading is a misspelling of; the digits are never slips."""
    piece = "".join(parts)
    if len(piece) < _SHORTEST or not piece.isascii() or piece in words:
        return {}
    most = 2 if len(piece) >= _LONG else 1
    digits = _digits(piece)
    near = {}
    for word in words:
        if (
            abs(len(word) - len(piece)) > most
            or _digits(word) != digits
            or piece in (f"{word}s", f"{word}es")
        ):
            continue
        slips = distance(piece, word, most=most)
        if slips <= most and slips * 2 < min(len(word), _shortest_changed(parts, word)):
            near[word] = slips
    return near


@lru_cache(maxsize=20_000)
def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _shortest_changed(parts: list[str], word: str) -> int:
    """Letters of the shortest of several words that would change; two slips make SID of sex."""
    piece = "".join(parts)
    start = _alike(piece, word)
    end = len(piece) - _alike(piece[start:][::-1], word[start:][::-1])
    ends = list(accumulate(len(part) for part in parts))
    spans = [(stop - len(part), stop) for part, stop in zip(parts, ends, strict=True)]
    changed = [stop - first for first, stop in spans if first < end and start < stop]
    return min(changed, default=len(piece))


def _alike(first: str, second: str) -> int:
    """How many letters two words begin with in common."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def told(text: str, words: Words) -> dict[str, set[str]]:
    """What the words of a heading say of themselves, by the part that they play.

    >>> told("femoral nek Z-score", {"zscore": (("quantity", "z_score"),)})
    {'quantity': {'z_score'}}
    """
    parts = tokens(text)
    said: dict[str, set[str]] = {}
    for start in range(len(parts)):
        for end in range(start + 1, min(start + _MOST_TOKENS, len(parts)) + 1):
            for part, meaning in words.get("".join(parts[start:end]), ()):
                said.setdefault(part, set()).add(meaning)
    return said


def best(found: Mapping[str, int], variable_of: Callable[[str], str | None]) -> str | None:
    """The one variable that the fewest slips lead to; None where two are equally near."""
    slips: dict[str, int] = {}
    for key, cost in found.items():
        name = variable_of(key)
        if name is not None:
            slips[name] = min(cost, slips.get(name, cost))
    least = min(slips.values(), default=0)
    nearest = [name for name, cost in slips.items() if cost == least]
    return nearest[0] if len(nearest) == 1 else None
