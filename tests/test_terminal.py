"""What the command line shows on a terminal of 80 columns, and in which colours."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.datasets import clinic_file
from osteo_epi.language import speaking
from osteo_epi.report import load_run

pty = pytest.importorskip("pty", reason="needs a terminal of this kind")
STEERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def typed(folder: Path, *words: str, **environment: str) -> str:
    """What a command writes to a terminal of 80 columns."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    plain = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    child = subprocess.Popen(
        [sys.executable, "-m", "osteo_epi.cli", *words],
        cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
        env=plain | {"TERM": "xterm-256color"} | environment,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the terminal is gone with the last who had it
            break
        if not part:
            break
        written += part
    os.close(ours)
    child.wait()
    return written.decode()


def lines(shown: str) -> list[str]:
    return STEERS.sub("", shown).replace("\r", "").splitlines()


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """SIMULATED people of whom something is to be said."""
    people = pl.DataFrame(
        {
            "person_id": [f"p{k}" for k in range(12)],
            "age": [*range(50, 61), 400],
            "sex": ["F"] * 12,
            "abmd_femoral_neck": [0.7 + 0.01 * k for k in range(12)],
        }
    )
    people.write_csv(tmp_path / "clinic.csv")
    return tmp_path


def test_how_grave_it_is_is_said_in_colour_unless_none_is_wanted(clinic: Path) -> None:
    shown = typed(clinic, "check", "clinic.csv")
    assert "\x1b[1;33mwarning:\x1b[0m" in shown
    assert all(cell_len(line) <= 80 for line in lines(shown) if line.startswith(("warning", " ")))
    bare = typed(clinic, "check", "clinic.csv", NO_COLOR="1")
    assert "warning:" in bare
    assert "\x1b[1;33m" not in bare
    assert "\x1b[1;31merror:\x1b[0m" in typed(clinic, "check", "nowhere.csv")


def test_an_identifier_is_not_broken_and_a_table_fits(tmp_path: Path) -> None:
    shown = lines(typed(tmp_path, "norms", "list", "young_adult"))
    assert all(cell_len(line) <= 80 for line in shown)
    assert any(line.startswith("nhanes_2005_2010_mexican_american_derived ") for line in shown)


def test_a_run_shows_how_far_it_is_and_tables_that_fit(tmp_path: Path) -> None:
    words = ("--reference", "nhanes_2005_2010_derived", "--by", "sex")
    shown = typed(tmp_path, "run", str(clinic_file()), *words, "--no-report", "--out", "out")
    assert re.search(r"estimating .* \d+ %", STEERS.sub("", shown))
    table = [line for line in lines(shown) if re.search(r"\(\d.*–.*\)", line)]
    assert len(table) >= 4
    assert all(cell_len(line) <= 80 for line in table)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes(tmp_path: Path, shell: str) -> None:
    words = {"_OSTEO_EPI_COMPLETE": f"{shell}_source"}
    call = "import sys; from osteo_epi.cli import main; sys.argv[0] = 'osteo-epi'; main()"
    done = subprocess.run(
        [sys.executable, "-c", call], env=os.environ | words, capture_output=True, text=True
    )
    if shell == "bash" and "4.4" in done.stderr:
        pytest.skip("needs a newer bash")
    assert "_OSTEO_EPI_COMPLETE" in done.stdout


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pipe_has_80_columns_too_and_no_word_is_broken(tmp_path: Path, language: str) -> None:
    """A table was 102 wide in a pipe, and "Non-Hispanic" was parted in a terminal."""
    villages = ["Upper-Meadow North", "the valley, including Meadowbrook", "Mountainside East"]
    people = oe.datasets.survey().frame.with_columns(
        village=pl.Series(villages * 800), survey_weight=pl.col("survey_weight") * 1000
    )
    people.write_parquet(tmp_path / "people.parquet")
    words = ["run", str(tmp_path / "people.parquet"), "--reference", "nhanes_2005_2010_derived"]
    words += ["--by", "sex,village", "--no-report", "--out", str(tmp_path / "out")]
    words += ["--standard", "us_2000_bone", "--language", language]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert all(cell_len(line) <= 80 for line in lines if str(tmp_path) not in line)
    assert {"Upper-Meadow", "including", "Meadowbrook", "Mountainside"} <= set(told.stdout.split())
    run = load_run(tmp_path / "out")
    with speaking(language):
        table = oe.tables.prevalence(run)
    shown = " ".join(told.stdout.split())
    for row in table.rows:
        assert row[2].replace(" ", "") in shown.replace(" ", ""), "digits of the report"


def test_nothing_around_a_run_in_chinese_is_said_in_english(tmp_path: Path) -> None:
    words = ["run", str(oe.datasets.clinic_file()), "--reference", "nhanes3_white_female"]
    words += ["--accept-errors", "--no-report", "--out", str(tmp_path / "out"), "--language", "zh"]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output
    assert {line[:3] for line in told.output.splitlines()} >= {"警告：", "提示："}
    for english in ("Note", "warning", "linearisation", "interval", "reading", "tables …"):
        assert english not in told.output
    assert told.stderr.startswith("读取数据 …\n检查 …\n分类 …\n估计 …\n写表格 …\n")
    # A blank between sentences is English; no line begins or ends with a sign of the other side.
    lines = told.stdout.splitlines()
    assert "。 " not in told.stdout
    assert not [line for line in lines if line.lstrip()[:1] in "，。；：、）》" and line.strip()]
    assert not [line for line in lines if line.endswith(("（", "《"))]
