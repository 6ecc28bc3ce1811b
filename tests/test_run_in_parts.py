"""A run of people in parts: the numbers of a run in memory, begun again where it was stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.errors import DefinitionError, OutputError, SchemaError
from osteo_epi.report import load_run, report_document

HOW = {"reference": "nhanes3_white_female", "sex_rule": "female", "standard": "china_2010"}
QUICK = {"report": False, **HOW}
SAME = ("prevalence", "overlap")
"""Tables of the same bytes; the others agree to the last digits, or in their counts."""


def write(folder: Path, *, weighted: bool = True) -> Path:
    """Three years of SIMULATED people, the last without spines; weights are no whole numbers."""
    folder.mkdir()
    for year, n in ((2019, 500), (2020, 700), (2021, 300)):
        people = oe.simulate(n, seed=year).frame
        draw = np.random.default_rng(year)
        people = people.with_columns(person_id=pl.lit(f"{year}-") + pl.col("person_id"))
        if weighted:
            people = people.with_columns(
                survey_weight=pl.Series(draw.lognormal(6, 1, n)),
                stratum=pl.Series(draw.integers(0, 4, n)),
                psu=pl.Series(draw.integers(0, 3, n)),
            )
        if year == 2021:
            people = people.drop("^abmd_(lumbar_spine|l[1-4])$")
        people.write_parquet(folder / f"{year}.parquet")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("people") / "data")


@pytest.fixture(scope="module")
def memory(data, tmp_path_factory) -> oe.report.Run:
    return oe.run(data, out=tmp_path_factory.mktemp("memory") / "out", **QUICK)


@pytest.fixture(scope="module")
def streamed(data, tmp_path_factory) -> oe.report.Run:
    return oe.run(data, out=tmp_path_factory.mktemp("parts") / "out", parts=True, **QUICK)


def csv_files(folder: Path, names=SAME) -> dict[str, bytes]:
    return {name: (folder / f"{name}.csv").read_bytes() for name in names}


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.parent.iterdir() if path.name.startswith(".")]


def test_the_numbers_are_those_of_a_run_in_memory(memory, streamed):
    assert csv_files(streamed.folder) == csv_files(memory.folder)
    assert_frame_equal(streamed.bmd_by_age, memory.bmd_by_age, rel_tol=1e-12, abs_tol=0)
    kept = memory.participants.filter(pl.col("statistic").ne("median_iqr").fill_null(True))
    assert_frame_equal(streamed.participants, kept, rel_tol=1e-12, abs_tol=0)
    assert streamed.flow.rows()[1:] == memory.flow.rows()[1:]
    for name in ("data", "methods", "definition", "design", "reference", "norms"):
        assert streamed.manifest[name] == memory.manifest[name], name


def test_the_folder_holds_the_people_in_parts_and_says_what_is_left_out(memory, streamed):
    inside = sorted(p.relative_to(streamed.folder).as_posix() for p in streamed.folder.rglob("*.*"))
    assert "classified.parquet" not in inside
    assert [name for name in inside if name.startswith("classified/part")] == [
        f"classified/part-0000{i}.parquet" for i in (1, 2, 3)
    ]
    assert hidden(streamed.folder) == []
    people = pl.read_parquet(streamed.folder / "classified" / "part-*.parquet")
    assert people.equals(
        pl.read_parquet(memory.folder / "classified.parquet", columns=people.columns)
    )
    assert streamed.analysis.parts.scan().select(pl.len()).collect().item() == streamed.analysis.n
    assert any("Table 1 has no medians" in note for note in streamed.notes)
    assert "--parts" in streamed.manifest["command"]
    with pytest.raises(OutputError, match="the people of this run are in parts"):
        streamed.people  # noqa: B018


def test_the_report_is_written_of_what_there_is(streamed):
    read = load_run(streamed.folder)
    document = report_document(read)
    assert len(document.contents) >= 11
    words = repr(document.blocks)
    assert "Table 1 has no medians and quartiles" in words
    assert "median" not in words.partition("Table 1 has no medians")[0]


def test_small_counts_are_hidden_alike(tmp_path):
    data = write(tmp_path / "data", weighted=False)
    asked = {"disclosure": "below_10_ons", "by": ["sex"], **QUICK}
    one = oe.run(data, out=tmp_path / "one", **asked)
    parts = oe.run(data, out=tmp_path / "parts", parts=True, **asked)
    assert one.prevalence["n"].null_count() > 0
    assert csv_files(parts.folder) == csv_files(one.folder)


def test_what_the_memory_does_not_hold_is_gone_through_in_parts(
    data, memory, tmp_path, monkeypatch
):
    monkeypatch.setattr("osteo_epi.report._size.memory_of_machine", lambda: 50_000)
    out = tmp_path / "out"
    words = ["--reference", HOW["reference"], "--sex-rule", HOW["sex_rule"]]
    words += ["--standard", HOW["standard"], "--no-report", "--out", str(out)]
    result = CliRunner().invoke(main, ["run", str(data), *words])
    assert result.exit_code == 0, result.output
    assert "part by part: Table 1 has no medians" in " ".join(result.output.split())
    assert csv_files(out) == csv_files(memory.folder)
    with pytest.raises(SchemaError, match=r"run\(…, out=FOLDER\).*part by part"):
        oe.run(data, **HOW)


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_a_run_that_was_killed_goes_on_with_the_same_command(data, streamed, tmp_path):
    out = tmp_path / "out"
    words = [str(data), "--parts", "--no-report", "--quiet", "--out", str(out)]
    for name, value in HOW.items():
        words += [f"--{name.replace('_', '-')}", value]
    code = "from osteo_epi.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "run", *words])
    waiting = tmp_path / ".out.run-in-parts" / ".classified.parts" / "entries"
    while not any(waiting.glob("[!.]*.json")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    result = CliRunner().invoke(main, ["run", *words])
    assert result.exit_code == 0, result.output
    names = (*SAME, "participants", "flow", "findings", "bmd_by_age")
    assert csv_files(out, names) == csv_files(streamed.folder, names)
    for part in (out / "classified").iterdir():
        assert part.read_bytes() == (streamed.folder / "classified" / part.name).read_bytes()
    assert hidden(out) == []


def test_parts_outlive_a_run_that_stops_behind_them(data, tmp_path, monkeypatch):
    out = tmp_path / "out"

    def stopped(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("osteo_epi.report._job.analyse_parts", stopped)
        with pytest.raises(KeyboardInterrupt):
            oe.run(data, out=out, parts=True, **QUICK)
    assert not out.exists()
    monkeypatch.setattr("osteo_epi.report.in_parts._work.people_of", stopped)  # none is made again
    assert oe.run(data, out=out, parts=True, **QUICK).analysis.parts.n_kept == 3
    assert hidden(out) == []


def test_another_run_takes_the_place_of_all_parts(data, memory, tmp_path):
    out = tmp_path / "out"
    oe.run(data, out=out, parts=True, **QUICK)
    with pytest.raises(OutputError, match="already holds a run"):
        oe.run(data, out=out, parts=True, **QUICK)
    (out / "classified" / "mine.txt").write_text("mine")
    one = oe.run([data / "2019.parquet"], out=out, parts=True, overwrite=True, **QUICK)
    assert one.analysis.parts.n_kept == 1
    held = sorted(path.name for path in (out / "classified").iterdir())
    assert held == ["findings.csv", "flow.csv", "manifest.json", "mine.txt", "part-00001.parquet"]
    assert one.analysis.parts.scan().select(pl.len()).collect().item() == 500
    oe.run(data, out=out, overwrite=True, **QUICK)
    assert [path.name for path in (out / "classified").iterdir()] == ["mine.txt"]
    assert csv_files(out) == csv_files(memory.folder)


def test_what_cannot_be_done_in_parts_is_said_before_they_are_made(data, tmp_path, monkeypatch):
    def made(*args, **options):
        raise AssertionError("a part was made")

    monkeypatch.setattr("osteo_epi.report.in_parts._work.people_of", made)
    out = tmp_path / "out"
    with pytest.raises(SchemaError, match="is of files"):
        oe.run(out=out, parts=True, report=False)
    with pytest.raises(OutputError, match="name a folder with out="):
        oe.run(data, parts=True, **HOW)
    with pytest.raises(DefinitionError, match="taken from all people at once"):
        oe.run(data, out=out, parts=True, **{**QUICK, "reference": "own_young_adults"})
    with pytest.raises(SchemaError, match="province"):
        oe.run(data, out=out, parts=True, by=["province"], **QUICK)
    assert not out.exists()


def test_nobody_of_the_ages_is_said_as_in_memory(data, tmp_path):
    told = []
    for parts in (False, True):
        with pytest.raises(SchemaError) as error:
            oe.run(data, out=tmp_path / "out", parts=parts, ages="[98, inf)", age_bands=[98, 110],
                   **{**QUICK, "standard": None})  # fmt: skip
        told.append(str(error.value))
    assert told[1] == told[0].replace("[98, inf)", "[98, 110)")
    assert "nobody is of the ages of the estimate" in told[1]
