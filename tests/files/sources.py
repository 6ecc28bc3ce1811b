"""What one made-up file is: its bytes, what is odd about it, what is typed, what is right."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from people import Right

Table = Mapping[str, Sequence[object]]
Made = tuple[bytes, Right | None]


@dataclass(frozen=True)
class Source:
    """A file and the commands that lead from it to a number.

    `options` are those of the first command, which a user types unasked; `advised` those that the
    first refusal names word for word, and `known` those that it names and whose value only the
    user knows. `bone_class` is the class that is counted. `refuses` are words of the last refusal,
    where the file holds no number, `because` says why in the table.
    """

    name: str
    odd: str
    make: Callable[[], Made]
    options: str = ""
    advised: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    bone_class: str = ""
    refuses: str = ""
    because: str = ""


SOURCES: dict[str, Source] = {}


def source(name: str, odd: str, **typed: object) -> Callable[[Callable[[], Made]], None]:
    """Put a function that makes a file on the list."""

    def put(make: Callable[[], Made]) -> None:
        SOURCES[name] = Source(name, odd, make, **typed)  # type: ignore[arg-type]

    return put


def text(
    table: Table,
    *,
    separator: str = ",",
    encoding: str = "utf-8",
    decimal: str = ".",
    above: str = "",
    below: str = "",
) -> bytes:
    """A table as separated text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerow(table)
    for row in zip(*table.values(), strict=True):
        writer.writerow([_cell(value, decimal) for value in row])
    return (above + out.getvalue() + below).encode(encoding)


def _cell(value: object, decimal: str) -> str:
    if value is None:
        return ""
    return str(value).replace(".", decimal) if isinstance(value, float) else str(value)
