"""Several files that are one data set: a yearly export whose columns drift."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.errors import SchemaError

COLUMNS = ["person_id", "age", "sex", "abmd_femoral_neck", "abmd_total_hip", "abmd_lumbar_spine"]


def people(n: int = 400, seed: int = 3) -> pl.DataFrame:
    return oe.simulate(n, seed=seed).frame.select(COLUMNS)


def in_thirds(folder: Path, frame: pl.DataFrame, ending: str = "parquet") -> list[Path]:
    """The frame in three files of unequal length."""
    paths, cuts = [], [0, len(frame) // 2, len(frame) // 2 + 1, len(frame)]
    for year, (start, end) in enumerate(itertools.pairwise(cuts), start=2019):
        path = folder / f"{year}.{ending}"
        part = frame.slice(start, end - start)
        part.write_parquet(path) if ending == "parquet" else part.write_csv(path)
        paths.append(path)
    return paths


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_several_files_are_the_one_file_that_they_were(tmp_path, ending):
    whole = people()
    paths = in_thirds(tmp_path, whole, ending)
    one = tmp_path / "whole" / f"all.{ending}"
    one.parent.mkdir()
    whole.write_csv(one) if ending == "csv" else whole.write_parquet(one)
    alone = oe.read(one)
    for given in (paths, str(tmp_path / f"20*.{ending}"), [str(tmp_path / f"*.{ending}")]):
        several = oe.read(given)
        assert several.frame.equals(alone.frame)
        assert several.source.files == tuple(path.name for path in paths)
        assert several.flow.n == len(whole)
        assert set(several.findings.codes) == {*alone.findings.codes, "files_joined"}
    assert oe.read(paths).source.sha256 == oe.read(str(tmp_path / "20*")).source.sha256
    assert oe.read(paths[::-1]).source.sha256 != several.source.sha256


def test_a_folder_is_read_with_what_lies_in_it(tmp_path):
    in_thirds(tmp_path, people())
    for name in ("_SUCCESS", ".crc", "README.md"):
        (tmp_path / name).write_text("nobody")
    several = oe.read(tmp_path)
    assert len(several) == 400
    (over,) = several.findings.of("files_passed_over")
    assert over.message == "1 file of no known kind, not read: README.md"


def test_folders_give_their_columns(tmp_path):
    for year in (2019, 2020):
        for centre in ("north", "__HIVE_DEFAULT_PARTITION__"):
            place = tmp_path / f"exam_year={year}" / f"site%20of%20scan={centre}"
            place.mkdir(parents=True)
            people(50, seed=year + len(centre)).drop("person_id").write_parquet(place / "0.parquet")
    read = oe.read(tmp_path / "**" / "*.parquet")
    assert read.frame["exam_year"].to_list() == [2019.0] * 100 + [2020.0] * 100
    assert read.frame["site of scan"].null_count() == 100
    assert read.source.files[0] == (
        "exam_year=2019/site%20of%20scan=__HIVE_DEFAULT_PARTITION__/0.parquet"
    )


def test_a_file_that_gainsays_its_folder_counts(tmp_path):
    for year in (2019, 2020):
        (tmp_path / f"exam_year={year}").mkdir()
        frame = people(30, seed=year).with_columns(exam_year=pl.lit(2019))
        frame.write_parquet(tmp_path / f"exam_year={year}" / f"{year}.parquet")
    read = oe.read(tmp_path)
    assert read.frame["exam_year"].unique().to_list() == [2019.0]
    assert [f.n for f in read.findings.of("folder_gainsaid")] == [30]


@pytest.mark.parametrize("months", [[2, 2, 3], [2.0, 2.0, 3.0], ["2", "02", "March"]])
def test_a_folder_may_write_a_number_with_a_zero_in_front(tmp_path, months):
    place = tmp_path / "month=02"
    place.mkdir()
    people(3).with_columns(month=pl.Series(months)).write_parquet(place / "a.parquet")
    assert [f.n for f in oe.read(tmp_path).findings.of("folder_gainsaid")] == [1]


def test_drift_is_found_and_the_columns_are_those_of_the_codebook(tmp_path):
    first, second, third = (people(60, seed=s).with_columns(k=pl.lit(1)) for s in (1, 2, 3))
    first.write_parquet(tmp_path / "a.parquet")
    second.with_columns(
        pl.col("abmd_femoral_neck") * 1000,
        age=pl.col("age").cast(pl.String),
        sex=(pl.col("sex") == "male").cast(pl.Int8),
        k=pl.lit("x"),
        scan_date=dt.date(2020, 1, 2),
    ).rename({"abmd_femoral_neck": "Neck BMD (mg/cm2)"}).write_parquet(tmp_path / "b.parquet")
    third.drop("abmd_lumbar_spine").write_parquet(tmp_path / "c.parquet")
    read = oe.read(tmp_path, sex_coding={"1": "male", "0": "female"})
    found = {(f.code, f.column): f for f in read.findings if f.code.startswith("drift_")}
    assert set(found) == {
        ("drift_column", "abmd_lumbar_spine"),
        ("drift_column", "scan_date"),
        ("drift_heading", "abmd_femoral_neck"),
        ("drift_unit", "abmd_femoral_neck"),
        ("drift_type", "age"),
        ("drift_type", "k"),
        ("drift_coding", "sex"),
    }
    lacking = found["drift_column", "abmd_lumbar_spine"]
    assert (lacking.severity, lacking.n) == ("warning", 60)
    assert lacking.message.startswith("1 of 3 files lack the column")
    assert "c.parquet" in lacking.message
    assert "mg/cm2 in b.parquet" in found["drift_unit", "abmd_femoral_neck"].message
    assert "numbers in b.parquet" in found["drift_coding", "sex"].message
    whole = pl.concat([first, second, third.with_columns(abmd_lumbar_spine=None)], how="diagonal")
    assert read.frame["abmd_femoral_neck"].to_list() == pytest.approx(
        whole["abmd_femoral_neck"].to_list()
    )
    assert read.frame["sex"].cast(pl.String).to_list() == whole["sex"].cast(pl.String).to_list()
    assert read.frame["age"].dtype == pl.Float64
    assert read.frame["k"].to_list() == ["1"] * 60 + ["x"] * 60 + ["1"] * 60
    assert read.frame["abmd_lumbar_spine"][120:].null_count() == 60


def test_files_in_one_form_do_not_drift(tmp_path):
    in_thirds(tmp_path, people(), "csv")
    assert [c for c in oe.read(tmp_path).findings.codes if c.startswith("drift")] == []


def test_another_unit_in_one_file_alone_is_refused(tmp_path):
    people(60, 1).write_parquet(tmp_path / "a.parquet")
    people(60, 2).with_columns(pl.col("abmd_total_hip") * 1000).write_parquet(
        tmp_path / "b.parquet"
    )
    with pytest.raises(SchemaError, match=r"b\.parquet: abmd_total_hip has .* write the unit"):
        oe.read(tmp_path)
    # As the message says.
    path = tmp_path / "b.parquet"
    pl.read_parquet(path).rename({"abmd_total_hip": "abmd_total_hip (mg/cm2)"}).write_parquet(path)
    assert oe.read(tmp_path).findings.of("drift_unit", "abmd_total_hip")


def test_a_person_of_two_files_is_found(tmp_path):
    frame = people(60, 1)
    frame.write_parquet(tmp_path / "2019.parquet")
    frame.head(7).with_columns(pl.col("age") + 1).write_parquet(tmp_path / "2020.parquet")
    read = oe.read(tmp_path)
    assert read.findings.of("repeated_person")[0].n == 14
    once = oe.read(tmp_path, repeats="last")
    assert len(once) == 60
    assert once.frame["age"][0] == frame["age"][0] + 1


def test_an_empty_part_is_said_and_an_empty_file_refused(tmp_path):
    in_thirds(tmp_path, people())
    people().clear().write_parquet(tmp_path / "part.parquet")
    read = oe.read(tmp_path)
    assert len(read) == 400
    assert "part.parquet" in read.findings.of("empty_files")[0].message
    (tmp_path / "nothing.csv").write_bytes(b"")
    with pytest.raises(SchemaError, match=r"nothing\.csv is empty \(0 bytes\)"):
        oe.read(tmp_path)
    with pytest.raises(SchemaError, match=r"no file has a row of data: part\.parquet"):
        oe.read(str(tmp_path / "part*"))


def test_everything_that_is_wrong_is_said_at_once_and_once(tmp_path):
    paths = in_thirds(tmp_path, people(), "csv")
    coded = "age,sex,abmd_total_hip\n61,1,0.7\n66,2,0.8\n"
    for year in (2030, 2031, 2032, 2033):
        (tmp_path / f"{year}.csv").write_text(coded)
    paths[1].write_bytes(b"PAR1 damaged")
    with pytest.raises(SchemaError) as error:
        oe.read(tmp_path)
    damaged, coding = error.value.faults
    assert damaged.startswith("2020.csv is Parquet, not a text table")
    assert coding.startswith("2030.csv, 2031.csv, 2032.csv and 1 more: column 'sex': codes 1, 2")


def test_a_declaration_holds_for_the_files_that_have_the_column(tmp_path):
    frame = people(60, 1)
    frame.rename({"age": "jahre"}).write_csv(tmp_path / "a.csv")
    people(60, 2).write_csv(tmp_path / "b.csv")
    assert oe.read(tmp_path, map={"jahre": "age"}).frame["age"].null_count() == 0
    for wrong in ({"units": {"neck": "mg/cm2"}}, {"map": {"jahr": "age"}}):
        with pytest.raises(SchemaError, match="no column") as error:
            oe.read(tmp_path, **wrong)
        assert len(error.value.faults) == 1


def test_a_column_that_cannot_be_read_is_not_said_to_lack(tmp_path):
    people(60).write_csv(tmp_path / "2019.csv")
    coded = people(60, 2).with_columns(
        sex=pl.col("sex").cast(pl.String).replace({"female": "1", "male": "2"})
    )
    coded.write_csv(tmp_path / "2020.csv")
    result = CliRunner().invoke(main, ["check", str(tmp_path / "*.csv")])
    assert result.exit_code == 2
    assert "codes 1, 2 do not say which is which" in result.output
    assert "drift_column" not in result.output


def test_names_that_are_wrong_have_their_message(tmp_path):
    (path, *_) = in_thirds(tmp_path, people(60))
    with pytest.raises(SchemaError, match=r"no such file or folder: absent\.csv"):
        oe.read([path, tmp_path / "absent.csv"])
    with pytest.raises(SchemaError, match=r"no file is called as \*\.xlsx says"):
        oe.read(tmp_path / "*.xlsx")
    with pytest.raises(SchemaError, match=r"no such folder: absent, where \*\*/\*\.csv was"):
        oe.read(tmp_path / "absent" / "**" / "*.csv")
    with pytest.raises(SchemaError, match=r"named more than once: 2019\.parquet"):
        oe.read([path, path])
    (tmp_path / "link.parquet").symlink_to(path)
    with pytest.raises(SchemaError, match=r"named more than once: 2019\.parquet"):
        oe.read(str(tmp_path / "*.parquet"))
    (tmp_path / "link.parquet").unlink()
    odd = tmp_path / "[1].parquet"
    os.replace(path, odd)
    assert oe.read(odd).source.files == ("[1].parquet",)


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for year in ("2019", "2020"):
        (tmp_path / year).mkdir()
        people(30, int(year)).write_csv(tmp_path / year / "export.csv")
    assert oe.read(tmp_path).source.files == ("2019/export.csv", "2020/export.csv")


def test_the_command_line_takes_a_pattern(tmp_path):
    in_thirds(tmp_path, people(3000), "parquet")
    out, words = tmp_path / "out", ["--reference", "nhanes3_white_female", "--no-report", "--quiet"]
    given = str(tmp_path / "20*.parquet")
    result = CliRunner().invoke(main, ["run", given, "--out", str(out), *words])
    assert result.exit_code == 0, result.output
    manifest = oe.report.load_run(out).manifest
    assert manifest["data"]["files"] == ["2019.parquet", "2020.parquet", "2021.parquet"]
    assert manifest["command"].startswith("osteo-epi run '20*.parquet'")
    assert manifest["data"]["n"] == 3000
