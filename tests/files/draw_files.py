"""Make forty small files as people have them, of SIMULATED people, and what is right for each.

    python tests/files/draw_files.py

expected.toml then holds what is typed and what has to come out; `test_files.py` types it, and
docs/make_files.py writes the table of docs/files.md.
"""

from __future__ import annotations

import json
from pathlib import Path

import binary_files  # noqa: F401 - puts its files on the list
import text_files  # noqa: F401
from people import Right
from sources import SOURCES, Source

FOLDER = Path(__file__).parent
HEAD = "# Made by tests/files/draw_files.py: SIMULATED people; what is typed, and what is right.\n"


def expected(one: Source, right: Right | None) -> str:
    """One file's table of expected.toml."""
    lines = ["[[file]]", f"name = {_said(one.name)}", f"odd = {_said(one.odd)}"]
    for key in ("options", "advised", "known", "bone_class", "refuses", "because"):
        if value := getattr(one, key):
            lines.append(f"{key} = {_said(value)}")
    if right is not None:
        for sex, n in right.n.items():
            share = right.share[sex]
            lines.append(f"{sex} = {{ cases = {right.cases[sex]}, n = {n}, share = {share!r} }}")
    return "\n".join(lines)


def _said(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def made() -> dict[str, bytes]:
    """Every file by its name, with expected.toml."""
    files, tables = {}, [HEAD]
    for one in SOURCES.values():
        files[one.name], right = one.make()
        tables.append(expected(one, right))
    return files | {"expected.toml": ("\n\n".join(tables) + "\n").encode()}


def main() -> None:
    """Write them beside this script."""
    for name, data in made().items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
