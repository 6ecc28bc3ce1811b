"""What a run has computed stays: a failing figure takes no table, and a killed run leaves none."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from osteo_epi.cli import main
from osteo_epi.datasets import follow_up
from osteo_epi.errors import OutputError
from osteo_epi.figures import Picture
from osteo_epi.files import partial_beside, sweep, write_beside
from osteo_epi.report import (
    ThresholdQuestion,
    load_run,
    make_page,
    run,
    threshold_study,
    write_study,
)

N = 9000


def fail(*args: object, **options: object) -> None:
    raise ZeroDivisionError("a participant's value")


def test_a_failing_report_leaves_the_tables_and_says_so_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("osteo_epi.report._job.make_page", fail)
    out = tmp_path / "out"
    told = r"tables are written to out; the report could not be made: ZeroDivisionError$"
    with pytest.raises(OutputError, match=told):
        run(n=N, out=out)
    before = load_run(out)
    answer = CliRunner().invoke(main, ["run", "--n", str(N), "--out", str(out), "--overwrite"])
    assert answer.exit_code == 2
    assert "error: the tables are written to out; the report could not be made" in answer.output
    assert "Traceback" not in answer.output
    assert "participant" not in answer.output
    assert load_run(out).prevalence.equals(before.prevalence)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failing_figure_says_so_on_the_page_and_in_the_message(tmp_path, monkeypatch):
    notebook = tmp_path / "small.ipynb"
    out = tmp_path / "out"
    run(n=N, out=out, report=False)
    import nbformat

    code = "import osteo_epi as oe\noe.figures.Picture.drawn(lambda: 1 / 0, caption='By age.')"
    cells = [nbformat.v4.new_code_cell("folder = '.'", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell(code)]  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    with pytest.raises(OutputError, match=r"report.html is written, but 1 figure of it could not"):
        make_page(out, notebook=notebook)
    page = (out / "report.html").read_text()
    assert "This figure could not be drawn: By age." in page
    assert "Traceback" not in page


def test_a_picture_that_fails_only_when_it_is_rendered_is_told_too():
    class Figure:
        def savefig(self, *args: object, **options: object) -> None:
            raise ValueError("$")

    picture = Picture.drawn(Figure, caption="<b>")
    assert picture.fault == "ValueError"
    assert "<b>" not in picture._repr_html_()


def test_a_study_keeps_its_tables_where_a_figure_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("osteo_epi.report.laboratory._page.roc_curve", fail)
    question = ThresholdQuestion(
        test="vbmd_lumbar_spine", direction="low", cut=80, truth="dxa_osteoporosis", replicates=50
    )
    study = threshold_study(follow_up(), question)
    with pytest.raises(OutputError, match=r"tables are written to out; .* roc \(ZeroDivision"):
        write_study(study, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"accuracy.csv", "cut_points.csv", "stard.svg", "thresholds.html"} <= names
    assert "roc.svg" not in names
    page = (tmp_path / "out" / "thresholds.html").read_text()
    assert "This figure could not be drawn" in page


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path):
    target = tmp_path / "out"
    living = partial_beside(target)
    living.mkdir()
    stale = Path(str(living).replace(f"-{os.getpid()}-", f"-{dead_process()}-"))
    stale.mkdir()
    (stale / "prevalence.csv").write_text("")
    kept = [living]
    for name in (".out.partial", ".other.0000-1-aaaaaaaa.partial", "out.partial", ".out.deadbeef"):
        (tmp_path / name).mkdir()
        kept.append(tmp_path / name)
    young, old = (tmp_path / f".out.{letter * 8}.partial" for letter in "ab")
    for path in (young, old):
        path.mkdir()
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    sweep(target)
    assert set(tmp_path.iterdir()) == {*kept, young}


def test_a_partial_file_is_swept_when_the_file_is_written_again(tmp_path):
    target = tmp_path / "people.csv"
    own = partial_beside(target).name
    (tmp_path / own.replace(f"-{os.getpid()}-", f"-{dead_process()}-")).write_text("half")
    write_beside(target, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


@pytest.mark.skipif(os.name != "posix", reason="a process is killed")
def test_a_killed_run_leaves_the_old_one_or_the_new_one_whole(tmp_path):
    out = tmp_path / "out"
    run(n=N, seed=1, out=out, report=False)
    words = ["run", "--n", str(N), "--seed", "2", "--out", str(out), "--overwrite", "--no-report"]
    command = [sys.executable, "-m", "osteo_epi.cli", *words]
    for wait in (0.0, 0.05):
        child = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        for line in child.stderr:
            if b"writing" in line:
                break
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stderr.close()
        seed = load_run(out).manifest["options"].get("seed")
        assert seed in ("1", "2")
    run(n=N, seed=3, out=out, overwrite=True, report=False)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


class Killed(BaseException):
    """What a process meets that is killed: nothing is tidied after it."""


@pytest.fixture(scope="module")
def old_and_new(tmp_path_factory):
    """The folder of an old run, with the user's own file in it, and the analysis of a new one."""
    old = tmp_path_factory.mktemp("runs") / "old"
    run(n=N, seed=1, out=old, report=False)
    (old / "notes.txt").write_text("the user's own")
    write_page(old, text="old")
    (old / "figures" / "forest.svg").write_text("old")
    (old / "figures" / "of_my_own.svg").write_text("the user's own")
    return old, run(n=N, seed=2).analysis


def write_page(stage, *, text, papers=()):
    """What a report writes, a part in a folder of its own."""
    (Path(stage) / "report.html").write_text(text)
    (Path(stage) / "figures").mkdir()
    (Path(stage) / "figures" / "flow.svg").write_text(text)


def killed_at(step, inside, patch):
    """Let the call that changes a folder for the given time be the last one."""
    left = [step]

    def counted(call):
        def counting(*args, **options):
            if inside in Path(args[-1]).parents or inside in Path(args[0]).parents:
                left[0] -= 1
            if left[0] < 0:
                raise Killed
            return call(*args, **options)

        return counting

    patch.setattr(os, "replace", counted(os.replace))
    for name in ("unlink", "rmdir"):
        patch.setattr(Path, name, counted(getattr(Path, name)))


@pytest.mark.parametrize("report", [False, True])
def test_a_kill_at_any_step_of_the_moving_leaves_a_manifest_and_one_run_whole(
    tmp_path, monkeypatch, old_and_new, report
):
    old, analysis = old_and_new
    monkeypatch.setattr("osteo_epi.report._job.analyse", lambda *_: analysis)
    monkeypatch.setattr("osteo_epi.report._job.make_page", partial(write_page, text="new"))
    made = analysis.tables()  # the same at each step
    monkeypatch.setattr(type(analysis), "tables", lambda _: dict(made))
    seen = set()
    for step in range(40):
        out = shutil.copytree(old, tmp_path / f"out{step}")
        with monkeypatch.context() as patch:
            killed_at(step, out, patch)
            try:
                run(n=N, seed=2, out=out, overwrite=True, report=report)
                killed = False
            except Killed:
                killed = True
        assert (out / "manifest.json").is_file()
        manifest = load_run(out).manifest
        seed = manifest["options"].get("seed", "1")
        seen.add(seed)
        for name, digest in manifest["outputs"].items():
            assert sha256((out / name).read_bytes()).hexdigest() == digest
        assert (out / "report.html").exists() == (report or seed == "1")
        parts = {path.name: path.read_text() for path in (out / "figures").glob("*.svg")}
        parts.pop("of_my_own.svg")
        text, names = ("old", ("flow.svg", "forest.svg")) if seed == "1" else ("new", ("flow.svg",))
        assert parts == (dict.fromkeys(names, text) if report or seed == "1" else {})
        assert not [path for path in out.iterdir() if path.name.startswith(".")]
        assert (out / "notes.txt").read_text() == "the user's own"
        if not killed:
            break
    assert not killed
    assert seen == {"1", "2"}


def test_of_two_runs_into_one_folder_the_later_is_refused(tmp_path, monkeypatch, old_and_new):
    """Both began while the folder was free; the second to end wrote over the first."""
    _, analysis = old_and_new
    out = tmp_path / "run"

    def beside_another(*_):
        if not out.exists():
            monkeypatch.setattr("osteo_epi.report._job.analyse", lambda *_: analysis)
            run(n=N, seed=3, out=out, report=False)
        return analysis

    monkeypatch.setattr("osteo_epi.report._job.analyse", beside_another)
    with pytest.raises(OutputError, match="already holds a run"):
        run(n=N, seed=4, out=out, report=False)
    assert load_run(out).manifest["options"]["seed"] == "3"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
