"""Write docs/rules.md: the consensus rule by rule, where each stands, and its cases.

    python docs/make_rules.py

The rules stand in docs/rules.toml, the cases in tests/cases; both are joined by the row's number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
TARGET = DOCS / "rules.md"
CASES = DOCS.parent / "tests" / "cases"
HEAD = (
    "# The consensus, rule by rule\n\n"
    "The Chinese expert consensus on imaging and bone-density diagnosis of osteoporosis (2020, "
    "doi:10.21037/qims-2020-16) in 31 rules: what each says, what applies it, and the cases that "
    "hold it. A case is one person with the class, rule, region and reason that must come out; it "
    "quotes the words of the text that it rests on. Made by `python docs/make_rules.py`.\n\n"
    "| | rule | applied by | says in the row | cases |\n|---|---|---|---|---|"
)


def rules() -> list[dict[str, Any]]:
    """The rules, in the order of their rows."""
    table = tomllib.loads((DOCS / "rules.toml").read_text(encoding="utf-8"))
    return sorted(table["rule"], key=lambda rule: rule["row"])


def cases() -> dict[int, list[tuple[str, str, int]]]:
    """Of each row: file, name and number of people of its cases."""
    by_row: dict[int, list[tuple[str, str, int]]] = {}
    for path in sorted(CASES.glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            line = (path.name, case["name"], len(case.get("rows", [{}])))
            by_row.setdefault(case["row"], []).append(line)
    return by_row


def page() -> str:
    """The whole file."""
    held = cases()
    return "\n".join([HEAD, *(line(rule, held.get(rule["row"], [])) for rule in rules()), ""])


def line(rule: dict[str, Any], held: list[tuple[str, str, int]]) -> str:
    """One rule as a row of the table."""
    applied = [f"`oe.{name}`" for name in rule["where"]]
    applied += [f"`{option}`" for option in rule.get("options", [])]
    codes = ", ".join(f"`{code}`" for code in rule.get("codes", []))
    tests = [f"[{Path(t).name}](../{t})" for t in rule.get("tests", [])]
    shown = "<br>".join([*_shown(held), *tests])
    return f"| {rule['row']} | {rule['says']} | {', '.join(applied)} | {codes} | {shown} |"


def _shown(held: list[tuple[str, str, int]]) -> Iterator[str]:
    for file, name, n in held:
        people = "1 person" if n == 1 else f"{n} people"
        yield f"[{name}](../tests/cases/{file}) ({people})".replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
