"""What people really hand over: each fault is one line that says what to do, and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from osteo_epi.cli import main

HEAD = "person_id,sex,age,abmd_lumbar_spine,abmd_femoral_neck,abmd_total_hip"
SECRET_ID, SECRET_BMD = "P-7734177", "0.61737"


def people(*more: str, head: str = HEAD, n: int = 60) -> str:
    """A clean file of women and men of 50 to 79 years, with recognisable values in it."""
    sexes = ("female", "male")
    rows = [
        f"{SECRET_ID}{k},{sexes[k % 2]},{50 + k % 30},1.0{k:02d},0.8{k:02d},{SECRET_BMD}"
        for k in range(n)
    ]
    return "\n".join([head, *rows, *more]) + "\n"


def with_column(name: str, value: Callable[[int], str]) -> str:
    """The clean file with one column more."""
    head, *rows = people().splitlines()
    return "\n".join([f"{head},{name}", *(f"{row},{value(k)}" for k, row in enumerate(rows))])


def replaced(column: int, value: Callable[[int], str]) -> str:
    """The clean file with the values of one column replaced."""
    head, *rows = people().splitlines()
    cells = [row.split(",") for row in rows]
    for k, row in enumerate(cells):
        row[column] = value(k)
    return "\n".join([head, *(",".join(row) for row in cells)])


ILL, WELL = (
    "age,sex,abmd_lumbar_spine\n" + "".join(f"66,female,{bmd}{k:02d}\n" for k in range(30))
    for bmd in ("0.6", "1.1")
)
BY_FRACTURE = (
    "age,sex,abmd_lumbar_spine,abmd_femoral_neck,abmd_total_hip,"
    "fracture_site,fracture_trauma,fracture_evidence,secondary_causes_excluded\n"
    + "".join(
        f"66,female,1.1{k:02d},0.8{k:02d},0.9{k:02d},"
        f"{'hip,minor,xray,yes' if k < 3 else 'none,,,'}\n"
        for k in range(33)
    )
)


@dataclass(frozen=True)
class Fault:
    """A file, what else is asked for, and a word that the line has to hold."""

    name: str
    content: str | bytes
    word: str
    options: tuple[str, ...] = ()


BAND = ("--standard", "china_2010")
FAULTS = [
    Fault("empty", b"", "empty"),
    Fault(
        "no folder of norms", people(), "error: norms (--norms): nowhere", ("--norms", "nowhere")
    ),
    Fault("header only", HEAD + "\n", "no rows"),
    Fault("binary", bytes(range(256)) * 40, "file.csv"),
    Fault("wrong encoding", people().encode() + b"\xff\xfe\xfd\x81\xff\n", "file.csv"),
    Fault("duplicate headings", people(head=HEAD.replace("abmd_total_hip", "age")), "age"),
    Fault("text in a BMD column", replaced(4, lambda k: f"secret{k}"), "abmd_femoral_neck"),
    Fault("ages as dates", replaced(2, lambda k: f"19{50 + k % 30}-03-01"), "age"),
    Fault("all values missing", replaced(2, lambda k: ""), "age"),
    Fault(
        "a missing weight",
        with_column("survey_weight", lambda k: "" if k == 7 else "3"),
        "survey_weight",
    ),
    Fault(
        "a stratum with one unit",
        with_column("stratum,psu", lambda k: f"{min(k, 2)},{k}"),
        "stratum",
    ),
    Fault("a band without people", replaced(2, lambda k: str(50 + k % 9)), "60-64", BAND),
    Fault("one site, and all are ill by it", ILL, "--sites"),
    Fault("one site, and nobody is ill", WELL, "--sites spine"),
    Fault(
        "a reference without the densities of people of whom some have a fracture",
        BY_FRACTURE,
        "does not hold what was measured in",
        ("--reference", "wang_xiao_2022_china"),
    ),
    Fault("an unknown reference", people(), "zhang_2007", ("--reference", "zhang_2070")),
    Fault("an unknown definition", people(), "china_2020", ("--definition", "china_2002")),
    Fault("an unknown standard", people(), "china_2010", ("--standard", "china_2001")),
    Fault("a column that is not there", people(), "village", ("--by", "village")),
    Fault("an unknown kind of interval", people(), "beta", ("--interval", "betta")),
]


def run_on(folder: Path, content: str | bytes, *options: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a run on a file of this content."""
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "file.csv").write_bytes(data)
    asked = ["run", str(folder / "file.csv"), "--out", str(folder / "out"), "--no-report"]
    given = [] if "--reference" in options else ["--reference", "nhanes3_white_female"]
    result = CliRunner().invoke(main, [*asked, *given, *options])
    return result.exit_code, result.stdout, result.stderr


def errors(text: str) -> list[str]:
    """The lines that are errors."""
    return [line for line in text.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_one_line_and_exit_code_2(fault: Fault, tmp_path: Path) -> None:
    code, out, err = run_on(tmp_path, fault.content, *fault.options)
    assert code == 2, err
    assert len(errors(err)) == 1
    assert fault.word in errors(err)[0]
    assert "Traceback" not in out + err
    for secret in (SECRET_ID, SECRET_BMD, "secret1"):
        assert secret not in out + err
    assert not (tmp_path / "out").exists(), "a failed run leaves nothing behind"
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_the_clean_file_runs(tmp_path: Path) -> None:
    code, out, err = run_on(tmp_path, people(), "--sex-coding", "")
    assert code == 0, err
    assert "Osteoporosis" in out
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert SECRET_ID not in out + err


def test_errors_in_the_data_can_be_accepted(tmp_path: Path) -> None:
    content = with_column("abmd_radius_33", lambda k: "")
    assert run_on(tmp_path, content)[0] == 2
    code, _, err = run_on(tmp_path, content, "--accept-errors")
    assert code == 0, err


def test_a_word_for_missing_can_be_declared(tmp_path: Path) -> None:
    content = replaced(4, lambda k: "artefact" if k < 3 else f"0.8{k:02d}")
    code, _, err = run_on(tmp_path, content)
    assert code == 2
    assert "--missing" in errors(err)[0]
    code, _, err = run_on(tmp_path, content, "--missing", "abmd_femoral_neck=artefact")
    assert code == 0, err


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(tmp_path / "nowhere.csv")])
    assert result.exit_code == 2
    assert "nowhere.csv" in errors(result.stderr)[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", "data/clinc.csv"], "no such file or folder: data/clinc.csv\n"),
        (["run", "dat/2019/clinic.csv"], "no such folder: dat, where 2019/clinic.csv was looked"),
        (["check", "dat/2019/*.csv"], "no such folder: dat, where 2019/*.csv was looked for"),
        (["check", "data/none*.csv"], "no file is called as data/none*.csv says"),
        (["check", "."], "the folder . holds no file that can be read"),
        (["report", "data/run"], "no such folder: data/run; make a run with"),
    ],
)
def test_a_path_that_leads_nowhere_is_shown_as_it_was_typed(
    words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert f"error: {told}" in answer.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["check", ""], "a file is named by an empty text; name it, or leave it out"),
        (["norms", "show", "nothing"], "there is no norm 'nothing'; see osteo-epi norms list"),
        # Nothing is said of a standard whose bands hang on a criterion that is not known.
        (["run", "--definition", "nothing"], "definition (--definition): there is no criteria"),
    ],
)
def test_one_slip_is_one_fault_whose_advice_can_be_typed(words: list[str], told: str) -> None:
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert f"error: {told}" in answer.output
    assert "osteo_epi." not in answer.output


def test_a_folder_that_holds_a_run_is_kept_unless_told(tmp_path: Path) -> None:
    assert run_on(tmp_path, people())[0] == 0
    before = (tmp_path / "out" / "prevalence.csv").read_bytes()
    code, _, err = run_on(tmp_path, people(n=40))
    assert code == 2
    assert "--overwrite" in errors(err)[0]
    assert (tmp_path / "out" / "prevalence.csv").read_bytes() == before
    (tmp_path / "out" / "mine.txt").write_text("kept")
    assert run_on(tmp_path, people(n=40), "--overwrite")[0] == 0
    assert (tmp_path / "out" / "prevalence.csv").read_bytes() != before
    assert (tmp_path / "out" / "mine.txt").read_text() == "kept"


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder would have to be")
    for out in (tmp_path / "taken" / "below", tmp_path / "taken"):
        code, _, err = run_on(tmp_path, people(), "--out", str(out))
        assert code == 2
        assert len(errors(err)) == 1
        assert "taken" in err or "below" in err


def test_options_that_cannot_be_read(tmp_path: Path) -> None:
    for option in (("--map", "age"), ("--age-bands", "50,old"), ("--units", "=mg/cm2")):
        code, _, err = run_on(tmp_path, people(), *option)
        assert code == 2
        assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "memory"),
        (RuntimeError("row 17: P-7734177"), 1, "--debug"),
    ],
)
def test_what_is_not_the_users_fault(error, code, word, monkeypatch, tmp_path: Path) -> None:
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("osteo_epi.report._job.analyse", fail)
    result = CliRunner().invoke(main, ["run", "--out", str(tmp_path / "out")])
    assert result.exit_code == code
    assert word in errors(result.stderr)[0]
    assert SECRET_ID not in result.output
    assert not (tmp_path / "out").exists()


def test_debug_shows_the_traceback(monkeypatch, tmp_path: Path) -> None:
    def fail(*args, **kwargs):
        raise RuntimeError("here")

    monkeypatch.setattr("osteo_epi.report._job.analyse", fail)
    result = CliRunner().invoke(main, ["--debug", "run", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1


def test_the_real_command_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    command = [sys.executable, "-m", "osteo_epi.cli", "run", "empty.csv", "--reference", "x"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert len(errors(ended.stderr)) == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("age,neck BMD\n60,0.7\n61,0.8\n", "--sex female or --sex male"),
        ("a,b,c\n1,2,3\n", "--skip-rows and --header-rows;"),
    ],
)
def test_each_option_of_an_advice_is_named_once_in_its_place(
    text: str, advice: str, tmp_path: Path
) -> None:
    """ "--sex female or --sex female, --sex male" was said."""
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    said = " ".join(CliRunner().invoke(main, ["check", str(file)]).output.split())
    assert advice in said
