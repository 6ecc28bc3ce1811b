"""Write docs/files.md: forty files as people have them, what is typed, and what comes out.

    python docs/make_files.py

The files and what is right for each stand in tests/files, made by its draw_files.py; that every
line holds is tested by tests/test_files.py.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
TARGET = DOCS / "files.md"
FILES = DOCS.parent / "tests" / "files"
HEAD = """# Forty files and the way to a number

Small files in the forms in which people have their data, all of SIMULATED people: what is odd about
each, what is typed, and how many have osteoporosis of those who can be judged. The files stand in
`tests/files`; the right number was counted where the people were drawn, without this package, and
`tests/test_files.py` types every line. Where two commands are shown, the first is refused, and its
message names the options of the second: those in italics with a value that only the user knows.
Merged cells are read of .xlsx; in .xls, .xlsb, .ods and pages a blank below a cell is guessed at,
as in text, because the reader of workbooks tells merged cells of none of them.
Made by `python docs/make_files.py`.

"""
CLASSES = {"": "", "below_expected_range": "below the expected range for age: "}
TABLE = "| | file | what is odd | command | tries | osteoporosis |\n|---|---|---|---|---|---|\n"


def files() -> list[dict[str, Any]]:
    """Every file of expected.toml."""
    return tomllib.loads((FILES / "expected.toml").read_text(encoding="utf-8"))["file"]


def page() -> str:
    """The whole file."""
    held = files()
    rows = "".join(line(i, file) for i, file in enumerate(held, start=1))
    return HEAD + counted(held) + TABLE + rows


def counted(held: list[dict[str, Any]]) -> str:
    """How many need one command, how many two, and how many hold no number."""
    refused = sum("refuses" in file for file in held)
    once = sum(tries(file) == 1 and "refuses" not in file for file in held)
    return (
        f"Of {len(held)} files {once} give their number at the first command and "
        f"{len(held) - once - refused} at the second; {refused} hold none, which is said.\n\n"
    )


def tries(file: dict[str, Any]) -> int:
    """Commands up to the number, or to the refusal."""
    return 2 if file.get("advised") or file.get("known") else 1


def line(number: int, file: dict[str, Any]) -> str:
    """One file as a row of the table."""
    said = f"| {number} | `{file['name']}` | {file['odd']} | {command(file)} | {tries(file)} |"
    return f"{said} {result(file)} |\n"


def command(file: dict[str, Any]) -> str:
    """The last command; the options that the first refusal named after it."""
    typed = " ".join(["run", file["name"], *filter(None, [file.get("options")])])
    advised = [f"`{choice}`" for choice in file.get("advised", [])]
    known = [f"*`{choice}`*" for choice in file.get("known", [])]
    return " ".join([f"`{typed}`", *advised, *known])


def result(file: dict[str, Any]) -> str:
    """Women and men with osteoporosis, of how many; else what the refusal is about."""
    if "refuses" in file:
        return f"refused: {file['because']}"
    sexes = {"female": "women", "male": "men", "all": "people"}
    if file.get("bone_class"):
        sexes |= {"female": "girls", "male": "boys"}
    return CLASSES[file.get("bone_class", "")] + ", ".join(
        f"{file[sex]['cases']} of {file[sex]['n']} {word}{weighted(file[sex])}"
        for sex, word in sexes.items()
        if sex in file
    )


def weighted(right: dict[str, Any]) -> str:
    """The weighted share, where it is not the plain one."""
    plain = right["cases"] / right["n"]
    return "" if abs(plain - right["share"]) < 1e-9 else f" ({100 * right['share']:.2f} % weighted)"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
