"""Forty files as people have them: a number from the command line in two commands, or a refusal.

tests/files/expected.toml says what is typed and what is right; the people are SIMULATED by
tests/files/draw_files.py, which counts them without this package.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from osteo_epi.cli import main

FOLDER = Path(__file__).parent / "files"
FILES = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))["file"]
NAMES = [file["name"] for file in FILES]


def tried(file: dict, options: list[str], out: Path) -> tuple[int, str]:
    """Exit code and what was said, of one command."""
    words = ["run", str(FOLDER / file["name"]), *options, "--no-report", "--out", str(out)]
    answer = CliRunner().invoke(main, words)
    raised = answer.exception
    assert raised is None or isinstance(raised, SystemExit), f"not our own error: {raised!r}"
    return answer.exit_code, " ".join(answer.output.split())


def commands(file: dict) -> list[list[str]]:
    """Options of the first command, and of the second where the first is refused."""
    typed = shlex.split(file.get("options", ""))
    more = [word for choice in file.get("advised", []) for word in shlex.split(choice)]
    more += [word for choice in file.get("known", []) for word in shlex.split(choice)]
    return [typed, [*typed, *more]] if more else [typed]


def unsaid(file: dict, said: str) -> list[str]:
    """What the refusal should have named, and did not."""
    literal = [choice for choice in file.get("advised", []) if choice not in said]
    return literal + [c for c in file.get("known", []) if c.split()[0] not in said]


def number(out: Path, who: str, bone_class: str) -> tuple[int, float | None]:
    """How many of a sex, or of all, were judged, and the share of a class."""
    table = pl.read_csv(out / "prevalence.csv", infer_schema_length=None)
    by = table.columns[table.columns.index("class") + 1]
    row = table.filter(
        pl.col("class") == bone_class, pl.col(by) == who, pl.col("statistic") == "crude"
    )
    assert len(row) == 1, table
    return row["n"].item(), row["estimate"].item()


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_a_file_gives_the_right_number_or_says_why_not(file, tmp_path):
    first, *second = commands(file)
    code, said = tried(file, first, tmp_path / "out")
    if second:
        assert code == 2, f"the first command was meant to be refused, it said: {said}"
        assert unsaid(file, said) == [], said
        code, said = tried(file, second[0], tmp_path / "out")
    if "refuses" in file:
        assert code == 2, said
        assert re.search(file["refuses"], said), said
        return
    assert code == 0, said
    for who in {"female", "male", "all"} & set(file):
        right = file[who]
        n, share = number(tmp_path / "out", who, file.get("bone_class", "osteoporosis"))
        assert (n, share) == (right["n"], pytest.approx(right["share"], rel=1e-12)), said


def test_there_are_forty_files():
    assert len(FILES) == len(set(NAMES)) == 40
    assert all((FOLDER / name).stat().st_size < 20_000 for name in NAMES)


def test_the_files_are_those_that_the_script_makes(monkeypatch):
    """Byte for byte where they are text; a package writes the others as its version does."""
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    try:
        from draw_files import made

        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            files = made()
    finally:
        for name in set(sys.modules) - before:
            if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
    binary = (".xlsx", ".parquet", ".sav", ".dta", ".xpt", ".gz")
    assert set(files) == {*NAMES, "expected.toml"}
    other = {n for n, data in files.items() if (FOLDER / n).read_bytes() != data}
    assert {n for n in other if not n.endswith(binary)} == set(), "python tests/files/draw_files.py"


def test_the_table_of_files_is_current(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER.parents[1] / "docs"))
    from make_files import TARGET, page

    sys.modules.pop("make_files")
    assert TARGET.read_text(encoding="utf-8") == page(), "run: python docs/make_files.py"
