"""Classified people in parts: kept from run to run, put in place whole, the same each time."""

from __future__ import annotations

import errno
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.errors import DefinitionError, OutputError, SchemaError
from osteo_epi.report import classify_parts, people_of
from osteo_epi.report.in_parts import persons_in_several, place_of

COLUMNS = ["age", "sex", "abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine"]
HOW = {"reference": "nhanes3_white_female", "sex_rule": "female"}
RULES = {"name": "china_2020", **HOW}
READING = "osteo_epi.report.in_parts._work.people_of"
KILLS = int(os.environ.get("OSTEO_EPI_KILLS", "3"))
"""How often a run is killed; `benchmarks/kill_resume.py` does it with more people."""


def people(n: int, seed: int) -> pl.DataFrame:
    frame = oe.simulate(n, seed=seed).frame.select("person_id", *COLUMNS)
    return frame.with_columns(person_id=pl.lit(f"{seed}-") + pl.col("person_id"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three years: a text table, Parquet of four row groups with a column more, one year empty."""
    folder = tmp_path / "data"
    folder.mkdir()
    people(300, 1).write_csv(folder / "2019.csv")
    people(400, 2).with_columns(village=pl.lit("north")).write_parquet(
        folder / "2020.parquet", row_group_size=100
    )
    people(200, 3).drop("abmd_lumbar_spine").write_parquet(folder / "2021.parquet")
    people(3, 4).clear().write_parquet(folder / "2022.parquet")
    return folder


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_parts_are_the_people_and_give_the_prevalence_of_one_table(data, tmp_path):
    parts = classify_parts(data, out=tmp_path / "out", part_rows=200, **HOW)
    whole = oe.read(data)
    rules = oe.definition(people=whole, **RULES)
    assert rules.sha256 == parts.definition.sha256
    classified = oe.classify(whole, rules)
    kept = parts.scan().collect()
    assert kept.select(classified.columns).equals(classified.frame)
    by = {"by": ["sex"], "standard": "china_2010"}
    streamed = oe.prevalence(parts.scan(), parts.definition, **by).to_frame()
    assert streamed.equals(oe.prevalence(classified, rules, **by).to_frame())
    rows = parts.to_frame()
    assert rows["rows"].to_list() == [300, 200, 200, 200, 0]
    assert rows["first_row"].to_list() == [None, 1, 201, None, None]
    assert parts.flow.rows() == [
        (1, "read", "rows of 2019.csv, 2020.parquet, 2021.parquet", 900, 0, 900)
    ]
    counts = dict(kept["bone_class"].cast(pl.String).value_counts().iter_rows())
    assert parts.classes == counts
    assert repr(parts).startswith("ClassifiedParts(900 rows in 5 parts, by china_2020")


def test_findings_are_those_of_all_parts(data, tmp_path):
    parts = classify_parts(data, out=tmp_path / "out", part_rows=100, **HOW)
    whole = oe.read(data)
    classified = oe.classify(whole, oe.definition(people=whole, **RULES))
    one = {(f.code, f.column): f.n for f in classified.findings}
    several = {(f.code, f.column): f.n for f in parts.findings}
    del one["files_joined", ""]
    assert several == one
    (lacking,) = parts.findings.of("drift_column", "abmd_lumbar_spine")
    assert (lacking.severity, lacking.n) == ("warning", 200)
    table = pl.read_csv(tmp_path / "out" / "findings.csv")
    assert table["code"].to_list() == [f.code for f in parts.findings]


def test_a_part_has_fewer_rows_where_there_are_more_columns(tmp_path, monkeypatch):
    monkeypatch.setattr("osteo_epi.report.in_parts._plan.MOST_CELLS", 1200)
    path = tmp_path / "wide.parquet"
    wide = people(200, 1).with_columns(pl.lit(0).alias(f"x{i}") for i in range(6))
    for frame, rows in ((wide.select("person_id", *COLUMNS), [200]), (wide, [100, 100])):
        frame.write_parquet(path, row_group_size=50)
        parts = classify_parts(path, out=tmp_path / f"out{len(rows)}", **HOW)
        assert parts.to_frame()["rows"].to_list() == rows


def test_the_manifest_says_of_what_each_part_is_made(data, tmp_path):
    classify_parts(data, out=tmp_path / "out", part_rows=200, units={"age": "year"}, **HOW)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["options"] == {"units": ["age=year"]}
    for part in manifest["parts"]:
        source = data / part["input"]["file"]
        assert part["input"]["sha256"] == sha256(source.read_bytes()).hexdigest()
        if part["part"]:
            made = (tmp_path / "out" / part["part"]).read_bytes()
            assert part["sha256"] == sha256(made).hexdigest()
    assert [part["input"]["rows"] for part in manifest["parts"]][1:3] == [[0, 200], [200, 400]]
    assert sorted(bytes_of(tmp_path / "out")) == [
        *("findings.csv", "flow.csv", "manifest.json"),
        *(f"part-0000{i}.parquet" for i in range(1, 5)),
    ]
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


def command(data: Path, out: Path) -> list[str]:
    words = "from osteo_epi.cli import main; main()"
    given = ["classify", str(data), "--out", str(out), "--part-rows", "100", "--quiet"]
    chosen = ["--reference", HOW["reference"], "--sex-rule", HOW["sex_rule"]]
    return [sys.executable, "-c", words, *given, *chosen]


def hidden(out: Path) -> Path:
    return out.with_name(f".{out.name}.parts")


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_a_killed_run_resumes_to_the_same_bytes(data, tmp_path):
    """Killed at random moments after the first part, each time until it ends by itself."""
    plain, out = tmp_path / "plain", tmp_path / "out"
    classify_parts(data, out=plain, part_rows=100, **HOW)
    draw = random.Random(13)
    killed = 0
    lock = out.with_name(f".{out.name}.parts-lock")
    for _ in range(KILLS):
        lock.unlink(missing_ok=True)  # of the process that was killed
        process = subprocess.Popen(command(data, out))
        # The libraries take a second to load: the clock starts where the work does.
        while process.poll() is None and not lock.exists():
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, 0.8))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        assert not out.exists() or bytes_of(out) == bytes_of(plain)
    assert killed
    subprocess.run(command(data, out), check=True)
    assert bytes_of(out) == bytes_of(plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out", "plain"]


class _KilledError(BaseException):
    """Stands for a process that ends at once."""


def test_wherever_it_stops_it_resumes_to_the_same_bytes(data, tmp_path, monkeypatch):
    """Stopped before or after the second file that is moved to its place, the third, and so on."""
    plain, out = tmp_path / "plain", tmp_path / "out"
    classify_parts(data, out=plain, part_rows=200, **HOW)
    whole, replace = bytes_of(plain), os.replace
    moves = last = 0

    def stopping(source, target):
        nonlocal moves
        moves += 1
        if moves == last and last % 2:
            raise _KilledError
        replace(source, target)
        if moves == last:
            raise _KilledError

    monkeypatch.setattr(os, "replace", stopping)
    for stop in range(2, 30):
        moves, last = 0, stop
        try:
            parts = classify_parts(data, out=out, part_rows=200, **HOW)
            break
        except _KilledError:
            assert not out.exists() or bytes_of(out) == whole
    assert 6 < last < 29
    assert parts.n_kept
    assert bytes_of(out) == whole
    assert not hidden(out).exists()


def test_what_a_run_leaves_that_is_killed_at_its_very_end_goes(data, tmp_path, monkeypatch):
    """Between the last rename and the clearing away nothing but the hidden folder is left."""
    out, clear = tmp_path / "out", shutil.rmtree
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda path, **how: None if how else clear(path))
        classify_parts(data, out=out, part_rows=200, **HOW)
    assert hidden(out).exists()
    assert classify_parts(data, out=out, part_rows=200, **HOW).n_kept == 5
    assert not hidden(out).exists()


def stopped_after(n: int, data: Path, out: Path, monkeypatch: pytest.MonkeyPatch, **how) -> None:
    """A run that ends before the (n + 1)th part."""
    done = 0

    def stopping(chosen, **read):
        nonlocal done
        if done == n:
            raise _KilledError
        done += 1
        return people_of(chosen, **read)

    with monkeypatch.context() as patched:
        patched.setattr(READING, stopping)
        with pytest.raises(_KilledError):
            classify_parts(data, out=out, part_rows=200, **{**HOW, **how})


def test_what_was_made_otherwise_is_made_again_and_said(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    stopped_after(3, data, out, monkeypatch)
    assert not out.exists()
    # A byte of a part, another file, another definition.
    told = [json.loads(p.read_text()) for p in (hidden(out) / "entries").glob("*.json")]
    (key,) = (e["key"] for e in told if e["input"]["rows"] == [0, 200])
    part = hidden(out) / "parts" / f"{key}.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    people(300, 9).write_csv(data / "2019.csv")
    parts = classify_parts(data, out=out, part_rows=200, **HOW)
    assert parts.made_again == (("another file", 1), ("damaged", 1))
    assert parts.n_kept == 1

    other = tmp_path / "other"
    stopped_after(2, data, other, monkeypatch, sites=["hip"])
    parts = classify_parts(data, out=other, part_rows=200, **HOW)
    assert (parts.n_kept, parts.made_again) == (0, (("another definition", 2),))
    assert bytes_of(other) == bytes_of(out)

    monkeypatch.setattr("osteo_epi.report.in_parts._plan.version", lambda _: "0.0.1")
    with pytest.raises(OutputError, match="holds classified parts of other files, options"):
        classify_parts(data, out=out, part_rows=200, **HOW)


def with_identity_numbers(n: int, seed: int) -> pl.DataFrame:
    numbers = pl.Series([f"1101011990{seed:02d}07{i:03d}1" for i in range(n)])
    return people(n, seed).with_columns(person_id=numbers)


def test_a_file_more_in_the_middle_lets_all_parts_be_kept(data, tmp_path, monkeypatch):
    """They get other numbers; those of people whose numbers hold that of the part, too."""
    out, plain = tmp_path / "out", tmp_path / "plain"
    with_identity_numbers(40, 6).write_parquet(data / "2018b.parquet")
    stopped_after(3, data, out, monkeypatch)
    people(60, 5).with_columns(ward=pl.lit(1)).write_parquet(data / "2018a.parquet")
    parts = classify_parts(data, out=out, part_rows=200, **HOW)
    assert (parts.n_kept, parts.made_again) == (3, ())
    assert parts.scan().filter(pl.col("person_id") == "2-1").collect().height == 1
    classify_parts(data, out=plain, part_rows=200, **HOW)
    assert bytes_of(out) == bytes_of(plain)


def test_a_new_year_leaves_the_parts_of_the_others_as_they_are(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    with_identity_numbers(40, 6).write_parquet(data / "2018.parquet")
    classify_parts(data, out=out, part_rows=200, **HOW)

    def as_undisturbed(n_kept: int) -> None:
        parts = classify_parts(data, out=out, part_rows=200, overwrite=True, **HOW)
        assert parts.n_kept == n_kept
        classify_parts(data, out=tmp_path / f"plain{n_kept}", part_rows=200, **HOW)
        assert bytes_of(out) == bytes_of(tmp_path / f"plain{n_kept}")

    # Those of 2018 are made again: of their identity numbers nothing is kept.
    people(60, 5).with_columns(ward=pl.lit(1)).write_parquet(data / "2018a.parquet")
    as_undisturbed(5)
    # Parts lose the columns that another had, also where nothing has a second name.
    (data / "2018a.parquet").unlink()
    (data / "2018.parquet").unlink()
    (data / "2019.csv").unlink()

    def no_link(*_: object) -> None:
        raise OSError(errno.EPERM, "no second names")

    monkeypatch.setattr(os, "link", no_link)
    as_undisturbed(4)
    # Persons are told from those of parts that were taken.
    people(200, 3).head(10).write_parquet(data / "2024.parquet")
    with pytest.raises(SchemaError, match="10 persons stand in several parts"):
        classify_parts(data, out=out, part_rows=200, overwrite=True, **HOW)


def test_parts_that_are_there_are_not_made_again(data, tmp_path):
    out = tmp_path / "out"
    classify_parts(data, out=out, part_rows=200, **HOW)
    before = (out / "part-00001.parquet").stat().st_mtime_ns
    parts = classify_parts(data, out=out, part_rows=200, **HOW)
    assert parts.n_kept == 5
    assert (out / "part-00001.parquet").stat().st_mtime_ns == before
    with pytest.raises(OutputError, match="give --overwrite"):
        classify_parts(data, out=out, part_rows=200, **{**HOW, "sites": ["hip"]})
    again = classify_parts(data, out=out, part_rows=200, overwrite=True, **HOW, sites=["hip"])
    assert (again.n_kept, again.n) == (0, 900)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "out"]


def test_a_folder_of_other_things_is_left_alone(data, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.docx").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds other files \(thesis\.docx\)"):
        classify_parts(data, out=out, overwrite=True, **HOW)
    (out / "thesis.docx").unlink()
    assert classify_parts(data, out=out, **HOW).n == 900
    (out / "thesis.docx").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds other files \(thesis\.docx\)"):
        classify_parts(data, out=out, overwrite=True, **HOW, sites=["hip"])
    with pytest.raises(OutputError, match="lies among the files that are read"):
        classify_parts(data, out=data / "out", **HOW)
    with pytest.raises(OutputError, match="is a file, not a folder"):
        classify_parts(data, out=data / "2019.csv", **HOW)


def test_two_processes_do_not_write_to_one_folder(data, tmp_path):
    with (
        place_of(tmp_path / "out"),
        pytest.raises(OutputError, match="another process is writing the parts of out"),
    ):
        classify_parts(data, out=tmp_path / "out", **HOW)
    assert classify_parts(data, out=tmp_path / "out", **HOW).n == 900


def test_a_full_disk_is_one_sentence_and_what_is_made_is_kept(data, tmp_path, monkeypatch):
    write, n = pl.DataFrame.write_parquet, 0

    def full(self, *given, **options):
        nonlocal n
        n += 1
        if n > 2:
            raise pl.exceptions.ComputeError(
                f"parquet: No space left on device (os error {errno.ENOSPC})"
            )
        return write(self, *given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(pl.DataFrame, "write_parquet", full)
        with pytest.raises(OutputError, match="No space left on device; what is made is kept"):
            classify_parts(data, out=tmp_path / "out", part_rows=200, **HOW)
    assert not (tmp_path / "out").exists()
    assert classify_parts(data, out=tmp_path / "out", part_rows=200, **HOW).n_kept == 2


def test_all_bad_files_are_said_at_once_and_the_sound_are_kept(data, tmp_path):
    text = people(50, 8).with_columns(abmd_total_hip=pl.lit("see the letter"))
    for year in (2030, 2031):
        text.write_parquet(data / f"{year}.parquet")
    with pytest.raises(SchemaError) as error:
        classify_parts(data, out=tmp_path / "out", **HOW)
    message = str(error.value)
    assert message.startswith("2030.parquet, 2031.parquet: column 'abmd_total_hip'")
    assert "4 of 6 parts are made and kept: where the files are mended" in message
    assert "letter" not in message
    for year in (2030, 2031):
        (data / f"{year}.parquet").unlink()
    assert classify_parts(data, out=tmp_path / "out", **HOW).n_kept == 4


def test_files_that_cannot_be_opened_are_said_before_any_work(data, tmp_path):
    (data / "2019.csv").write_bytes(b"")
    (data / "2021.parquet").write_bytes(b"PAR1" + b"\0" * 60)
    with pytest.raises(SchemaError) as error:
        classify_parts(data, out=tmp_path / "out", **HOW)
    assert len(error.value.faults) == 2
    assert not hidden(tmp_path / "out").exists()


def test_a_file_that_changes_or_goes_while_it_is_read_is_refused(data, tmp_path, monkeypatch):
    def changing(chosen, *, data, **noted):
        if data.name == "2021.parquet":
            os.utime(data.path, (1, 1))
        if data.name == "2019.csv":
            data.path.unlink()
        return people_of(chosen, data=data, **noted)

    monkeypatch.setattr(READING, changing)
    with pytest.raises(SchemaError) as error:
        classify_parts(data, out=tmp_path / "out", **HOW)
    assert "2019.csv cannot be opened" in str(error.value)
    assert "2021.parquet was changed while it was read" in str(error.value)


def test_a_text_table_that_the_memory_does_not_hold_is_refused(data, tmp_path, monkeypatch):
    monkeypatch.setattr("osteo_epi.report._size.memory_of_machine", lambda: 30_000)
    with pytest.raises(
        SchemaError, match=r"2019\.csv: about 30\d rows .* a text table is one part"
    ):
        classify_parts(data, out=tmp_path / "out", part_rows=100, **HOW)
    path = tmp_path / "data" / "2019"
    # Said at once, in place of a command that would say it.
    with pytest.raises(SchemaError, match=r"^2019\.csv: about 30\d rows .*sink_parquet"):
        oe.run(data, **HOW)
    pl.scan_csv(f"{path}.csv", infer_schema=False).sink_parquet(f"{path}.parquet")
    Path(f"{path}.csv").unlink()
    assert classify_parts(data, out=tmp_path / "out", part_rows=100, **HOW).n == 900


@pytest.mark.parametrize(
    ("own", "instead"),
    [
        ({"reference": "own_young_adults"}, "name a reference; in Python .* reference= takes"),
        ({"age_reference": "by_maker"}, "name the age reference, as one that osteo-epi norms list"),
    ],
)
def test_what_no_part_can_be_asked_for_is_said_in_place_of_a_command(
    own, instead, data, tmp_path, monkeypatch
):
    monkeypatch.setattr("osteo_epi.report._size.memory_of_machine", lambda: 50_000)
    with pytest.raises(SchemaError, match=f"about 90. rows need .*{instead}") as refused:
        oe.run(data, **{**HOW, **own})
    assert "osteo-epi classify" not in str(refused.value)
    young = oe.young_adult_reference(oe.simulate(3000, seed=1), rois=["femoral_neck", "total_hip"])
    assert classify_parts(data, out=tmp_path / "out", reference=young).n == 900


def test_nobody_at_all_is_refused(tmp_path):
    people(3, 4).clear().write_parquet(tmp_path / "2022.parquet")
    with pytest.raises(SchemaError, match=r"no file has a row of data: 2022\.parquet"):
        classify_parts(tmp_path / "2022.parquet", out=tmp_path / "out", **HOW)


def test_persons_of_several_parts_are_counted(data, tmp_path):
    pl.concat([people(300, 1).head(30), people(50, 7)]).write_parquet(data / "2023.parquet")
    out = tmp_path / "out"
    with pytest.raises(SchemaError, match="30 persons stand in several parts, 60 times") as error:
        classify_parts(data, out=out, **HOW)
    assert "if each file numbers its people from 1" in str(error.value)
    parts = classify_parts(data, out=out, accept_errors=True, **HOW)
    assert parts.n_kept == 5
    (finding,) = parts.findings.of("person_in_several_parts")
    assert (finding.severity, finding.n) == ("error", 60)
    # Who does not accept it does not get it because another did.
    with pytest.raises(OutputError):
        classify_parts(data, out=out, **HOW)


def test_a_copy_of_a_file_is_seen_where_nobody_is_named(tmp_path):
    for name in ("a", "b"):
        people(40, 1).drop("person_id").write_parquet(tmp_path / f"{name}.parquet")
    out = tmp_path / "out"
    with pytest.raises(SchemaError, match=r"40 people would count again: a\.parquet is b\.parquet"):
        classify_parts(str(tmp_path / "*.parquet"), out=out, **HOW)
    # What a job leaves half-written beside them is none of the files.
    (tmp_path / "_temporary").mkdir()
    (tmp_path / "b.parquet").rename(tmp_path / "_temporary" / "b.parquet")
    assert classify_parts(str(tmp_path / "**/*.parquet"), out=out, **HOW).n == 40


@pytest.mark.parametrize("at_once", [10, 1000, 10**7])
def test_persons_are_counted_in_slices(tmp_path, at_once):
    rng = np.random.default_rng(1)
    parts = [np.unique(rng.integers(0, 1 << 63, 500, np.uint64)) for _ in range(4)]
    parts[2][:20] = parts[0][:20]
    parts[3][:5] = parts[0][:5]
    parts.append(np.array([0, (1 << 64) - 1], np.uint64))
    parts.append(np.array([0, (1 << 64) - 1], np.uint64))
    files = [tmp_path / str(i) for i in range(len(parts) + 1)]
    for file, part in zip(files, parts, strict=False):
        np.sort(part).tofile(file)
    files[-1].touch()
    assert persons_in_several(files, at_once) == (22, 45 + 4)


def test_identity_numbers_are_replaced_and_persons_counted_before(tmp_path):
    numbers = [f"11010119900307{i:03d}1" for i in range(100)]
    frame = people(100, 1).with_columns(person_id=pl.Series(numbers))
    frame.write_csv(tmp_path / "a.csv")
    frame.head(40).write_csv(tmp_path / "b.csv")
    parts = classify_parts(str(tmp_path / "*.csv"), out=tmp_path / "out", accept_errors=True, **HOW)
    assert parts.findings.of("person_in_several_parts")[0].n == 80
    written = parts.scan().select("person_id").collect()["person_id"]
    assert written.n_unique() == 140
    assert written[0] == "1-1"
    for path in (tmp_path / "out").iterdir():
        assert b"11010119900307" not in path.read_bytes()


def test_columns_have_one_type_in_all_parts(tmp_path):
    for year, village in ((2019, 7), (2020, "north")):
        people(40, year).with_columns(village=pl.lit(village)).write_parquet(
            tmp_path / f"{year}.parquet"
        )
    given = str(tmp_path / "20*.parquet")
    parts = classify_parts(given, out=tmp_path / "out", **HOW)
    assert parts.scan().collect()["village"].to_list() == ["7"] * 40 + ["north"] * 40
    assert parts.findings.of("drift_type", "village")
    schemas = {str(pl.read_parquet_schema(p)) for p in (tmp_path / "out").glob("*.parquet")}
    assert len(schemas) == 1


def test_files_that_code_sex_otherwise_are_named_as_in_memory(tmp_path):
    """Of a file in two parts too, and of parts that are kept from a folder of before."""
    coded = pl.col("sex").cast(pl.String).replace_strict({"female": 2, "male": 1})
    people(60, 1).write_csv(tmp_path / "2019.csv")
    people(60, 2).with_columns(sex=coded).write_parquet(tmp_path / "2020.parquet")
    given, out = str(tmp_path / "20*"), tmp_path / "out"
    how = {"sex_coding": {"1": "male", "2": "female"}, "part_rows": 30}
    for year in (2021, 2022):
        people(60, year).write_csv(tmp_path / f"{year}.csv")
        parts = classify_parts(given, out=out, overwrite=True, **how, **HOW)
        (found,) = parts.findings.of("drift_coding")
        assert found == oe.read(given, sex_coding=how["sex_coding"]).findings.of("drift_coding")[0]
    assert "numbers in 2020.parquet" in found.message
    assert (found.n, parts.n_kept) == (60, 4)


def test_what_needs_all_people_is_refused(data, tmp_path):
    for name, own in (("reference", "own_young_adults"), ("age_reference", "by_maker")):
        with pytest.raises(DefinitionError, match="taken from all people at once"):
            classify_parts(data, out=tmp_path / "out", **{**HOW, name: own})
    result = CliRunner().invoke(main, ["classify", str(data), "--out", "a.csv", "--part-rows", "9"])
    assert result.exit_code == 2
    assert "--part-rows is of a folder of parts" in result.output
    with pytest.raises(TypeError, match="no option 'standard', which is of estimates"):
        classify_parts(data, out=tmp_path / "out", standard="china_2010")
    with pytest.raises(SchemaError, match="no such file or folder"):
        classify_parts((), out=tmp_path / "out", **HOW)


def test_the_command_says_what_was_kept(data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    stopped_after(2, data, out, monkeypatch)
    words = ["classify", str(data), "--out", str(out), "--part-rows", "200"]
    words += ["--reference", HOW["reference"], "--sex-rule", HOW["sex_rule"]]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert "Parts: 2 kept, 3 made" in result.output
    assert result.output.count("classifying …") == 1
    assert (out / "manifest.json").is_file()
    words[words.index(str(out))] = str(tmp_path / "people.parquet")
    result = CliRunner().invoke(main, words)
    assert "--part-rows is of a folder of parts" in result.output, result.output


def test_more_than_the_memory_holds_is_refused_with_the_command_that_does_it(
    data, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("osteo_epi.report._size.memory_of_machine", lambda: 50_000)
    with pytest.raises(SchemaError) as refused:
        oe.run("data/*", **HOW, sites=["hip"])
    told = " ".join(str(refused.value).split())
    assert "about 900 rows need about" in told or "about 901 rows need about" in told
    advised = told.partition("part by part with: ")[2].partition(" – ")[0]
    assert advised.startswith("osteo-epi classify 'data/*' --definition china_2020")
    # As it is advised.
    result = CliRunner().invoke(main, shlex.split(advised)[1:])
    assert result.exit_code == 0, result.output
    streamed = oe.prevalence(
        pl.scan_parquet("classified/part-*.parquet"),
        oe.definition("china_2020", **HOW, sites=["hip"]),
        by=["sex"],
    )
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    run = oe.run("data/*", **HOW, sites=["hip"])
    shown = ["class", "sex", "statistic", "age_band", "estimate", "lower", "upper", "n"]
    rows = streamed.to_frame().select(shown).cast({"class": pl.String, "sex": pl.String})
    assert rows.equals(run.to_frame().select(shown))
