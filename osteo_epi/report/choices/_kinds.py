"""How each sort of option is held, read from the words of a command, and written as words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

EVERY = "*"
"""The column for which a code for missing is declared that is of all."""


@dataclass(frozen=True)
class Kind:
    """How one sort of option is held, read from the words of a command, and written as words.

    Parameters
    ----------
    annotation
        What a value may be in Python.
    read
        Words to a value; a ValueError says what was expected.
    write
        A value to words.
    hold
        What is made of a value given in Python.
    repeated
        Whether the option may be given several times, a word each.
    note
        What the help of the command line adds.
    """

    annotation: str
    read: Callable[[Sequence[str]], Any]
    write: Callable[[Any], list[str]]
    hold: Callable[[Any], Any] = lambda value: value
    repeated: bool = False
    note: str = ""


def _pairs(words: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE."""
    pairs = {}
    for word in filter(None, words):
        name, equals, value = word.rpartition("=")
        if not (name.strip() and equals and value.strip()):
            raise ValueError(f"expected NAME=VALUE, got {word!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _variables(words: Sequence[str]) -> dict[str, str | None]:
    """Read COLUMN=VARIABLE; "none" leaves a column as it is."""
    return {name: None if to.lower() == "none" else to for name, to in _pairs(words).items()}


def _codes(words: Sequence[str]) -> dict[str, list[str | float]]:
    """Read COLUMN=CODE, several a column, or a CODE of all; a number where it is one."""
    codes: dict[str, list[str | float]] = {}
    for word in filter(None, words):
        for column, code in _pairs([word if "=" in word else f"{EVERY}={word}"]).items():
            codes.setdefault(column, []).append(_code(code))
    return codes


def _code(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def _held_codes(codes: Any) -> dict[str, list[str | float]]:
    """Codes as they are given in Python; a list of them is of all columns."""
    if isinstance(codes, Mapping):
        return {column: list(listed) for column, listed in codes.items()}
    return {EVERY: [codes] if isinstance(codes, str | float | int) else list(codes)}


def _typed_codes(codes: Mapping[str, Sequence[str | float]]) -> list[str]:
    return [
        ("" if column == EVERY else f"{column}=")
        + (code if isinstance(code, str) else _plain(code))
        for column, listed in codes.items()
        for code in listed
    ]


def _edges(words: Sequence[str]) -> tuple[float, ...]:
    """Read ages; inf is the open end."""
    try:
        return tuple(float(edge) for edge in words[0].split(","))
    except ValueError:
        raise ValueError("expected ages separated by commas, such as 50,65,inf") from None


def _limits(words: Sequence[str]) -> tuple[float | None, ...]:
    """Read two limits; an empty one is none."""
    parts = words[0].split(",")
    try:
        limits = tuple(float(part) if part.strip() else None for part in parts)
    except ValueError:
        limits = ()
    if len(limits) != 2:
        raise ValueError("expected two numbers separated by a comma, such as 18.5,35 or ,35")
    return limits


def _limit(limit: float | None) -> str:
    return "" if limit is None else _plain(limit)


def _number(kind: type[int] | type[float], what: str) -> Callable[[Sequence[str]], Any]:
    def read(words: Sequence[str]) -> Any:
        try:
            return kind(words[0])
        except ValueError:
            raise ValueError(f"expected {what}, got {words[0]!r}") from None

    return read


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _written(pairs: Mapping[str, str | None]) -> list[str]:
    return [f"{name}={value or 'none'}" for name, value in pairs.items()]


def _plain(number: float) -> str:
    return f"{number:.15g}"


TEXT = Kind("str", lambda words: words[0], lambda value: [str(value)])
NORM = Kind("str or a norm", TEXT.read, lambda norm: [getattr(norm, "id", norm)])
WHOLE = Kind("int", _number(int, "a whole number"), lambda value: [str(value)])
NUMBER = Kind("float", _number(float, "a number"), lambda value: [_plain(value)])
SWITCH = Kind("bool", lambda words: bool(words), lambda value: [])
# A command holds no folder of the machine that ran it.
FOLDER = Kind("path", lambda words: Path(words[0]), lambda path: [path.name], Path)
NAMES = Kind(
    "str or list of str",
    lambda words: tuple(name.strip() for w in words for name in w.split(",") if name.strip()),
    lambda names: list(names) or [""],
    _names,
    repeated=True,
    note="Repeatable, or with commas.",
)
PAIRS = Kind("dict", _pairs, _written, dict, repeated=True, note="Repeatable.")
VARIABLES = replace(PAIRS, read=_variables)
CODES = replace(
    PAIRS,
    annotation="dict or list",
    read=_codes,
    write=_typed_codes,
    hold=_held_codes,
)
CODING = Kind(
    "dict", lambda words: _pairs(words[0].split(",")) if words else {},
    lambda coding: [",".join(_written(coding))], dict,
)  # fmt: skip
EDGES = Kind(
    "list of float", _edges, lambda edges: [",".join(_plain(edge) for edge in edges)], tuple
)


LIMITS = Kind("(low, high)", _limits, lambda limits: [",".join(map(_limit, limits))], tuple)
