"""Write docs/doors.md: every public name of every door, a line each.

    python docs/make_doors.py

A name's line is the first sentence of its docstring; a constant's is the string below it. Constants
and types without one are for other rooms, and stand together in the last line of their room.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import get_origin

import osteo_epi as oe

TARGET = Path(__file__).parent / "doors.md"
PACKAGE = Path(oe.__file__).parent
HEAD = (
    "# What stands at each door\n\n"
    "`import osteo_epi as oe` is the face: its names are what most work needs. Each room has more, "
    "as `oe.agreement.bland_altman`. What is not listed here may change without notice. Made by "
    "`python docs/make_doors.py` from the docstrings: edit those.\n"
)
# An abbreviation's point ends no sentence.
SENTENCE = re.compile(r"(.+?(?<!e\.g)(?<!i\.e)(?<!et al)[.?!])(?=\s|$)", flags=re.DOTALL)


def doors() -> dict[str, ModuleType]:
    """The face and the rooms that it hands out, by the name that a user writes."""
    rooms = {f"oe.{name}": getattr(oe, name) for name in oe.__all__}
    rooms["oe.population.rates"] = oe.population.rates
    return {"oe": oe} | {name: room for name, room in rooms.items() if inspect.ismodule(room)}


def page() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, door in doors().items():
        parts += [f"## `{name}`\n", f"{sentence(door.__doc__ or '')}\n", *lines(name, door), ""]
    return "\n".join(parts)


def lines(name: str, door: ModuleType) -> Iterator[str]:
    """A line a public name: what a user writes, and what it is."""
    shared = []
    for public in sorted(door.__all__, key=str.casefold):
        text = describe(door, public)
        if text:
            yield f"- `{name}.{public}`: {text}"
        elif not inspect.ismodule(getattr(door, public)):
            shared.append(f"`{public}`")
    if shared:
        yield f"- For other rooms: {', '.join(shared)}."


def describe(door: ModuleType, public: str) -> str:
    """The first sentence that says what a public name is; empty for rooms and bare constants.

    Raises
    ------
    LookupError
        If a class or function says nothing of itself.
    """
    thing = getattr(door, public)
    text = _below(door, public)
    if text or not callable(thing) or get_origin(thing):
        return sentence(text)
    text = inspect.getdoc(thing) or ""
    # What a dataclass says of itself without a docstring is its signature.
    if not text or text.startswith(f"{public}("):
        raise LookupError(f"{door.__name__}.{public}: no docstring says what it is")
    return sentence(text)


def _below(door: ModuleType, public: str) -> str:
    """The string below a constant of a room; two files may have constants of one name."""
    thing = getattr(door, public)
    for path, text in constants(Path(door.__file__ or "")).get(public, []):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if getattr(import_module(name), public) is thing:
            return text
    return ""


@cache
def constants(door: Path) -> dict[str, list[tuple[Path, str]]]:
    """The files of a door that have a constant, with the string that stands below it there."""
    texts: dict[str, list[tuple[Path, str]]] = {}
    room = door.parent.rglob("*.py") if door.name == "__init__.py" else [door]
    for path in sorted(room):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, after in pairwise(body):
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                for name in _assigned(node):
                    texts.setdefault(name, []).append((path, str(after.value.value)))
    return texts


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    summary = " ".join(text.strip().split("\n\n")[0].split())
    whole = SENTENCE.match(summary)
    return whole.group(1) if whole else summary


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
