"""Write the table and the figure at the top of README.md, from the example that stands there.

python docs/make_readme.py
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import osteo_epi as oe
from osteo_epi.rounding import percent_interval

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FIGURE = ROOT / "docs" / "_static" / "five_definitions.svg"
BEGIN, END = "<!-- made by docs/make_readme.py -->\n", "<!-- end -->\n"


def shown() -> Any:
    """The grid of the first example."""
    example = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    names: dict[str, Any] = {}
    exec(compile(example[1], "README.md", "exec"), names)
    return names["grid"]


def page(grid: Any) -> str:
    """README.md with table and figure of a grid."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + made(grid) + END + rest.split(END)[1]


def made(grid: Any) -> str:
    """How many people, a row a definition, and the figure with what it shows."""
    rows = grid.to_frame().filter(set="common", statistic="age_standardised")
    n = {row["sex"]: row["n"] for row in rows.to_dicts()}
    lines = [
        f"The same {n['female']} women and {n['male']} men from 50 years (SIMULATED), "
        "age-standardised to the census of China 2010, by the Chinese consensus of 2020:",
        "",
        "| osteoporosis, % (95 % CI) | women | men |",
        "|---|---|---|",
    ]
    for name in rows["definition"].unique(maintain_order=True):
        of_sex = {row["sex"]: row for row in rows.filter(definition=name).to_dicts()}
        cells = [
            percent_interval(*(of_sex[sex][column] for column in ("estimate", "lower", "upper")))
            for sex in ("female", "male")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    alt = oe.figures.alt_text(grid.plot(sex="female"))
    return "\n" + "\n".join([*lines, "", f"![{alt}]({FIGURE.relative_to(ROOT)})", "", ""])


if __name__ == "__main__":
    grid = shown()
    README.write_text(page(grid), encoding="utf-8")
    FIGURE.write_bytes(oe.figures.Picture(grid.plot(sex="female")).svg())
