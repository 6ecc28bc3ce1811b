"""Names and identity numbers stay out of what is written of people, unless somebody keeps them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.cohort import without_identity
from osteo_epi.errors import SchemaError

OUT = ["--reference", "zhang_2007", "--no-report", "--quiet"]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Simulated people with names and telephone numbers, told apart by identity numbers."""
    people = oe.simulate(n=1500, seed=2).frame.drop("person_id")
    people = people.with_row_index("row").with_columns(
        pl.format("1101011960{}{}", pl.lit("0101"), pl.col("row").cast(pl.String).str.zfill(4))
        .alias("身份证号"),
        pl.format("somebody {}", "row").alias("Patient Name"),
        pl.format("1380000{}", "row").alias("联系电话"),
        pl.lit("Lunar iDXA").alias("device_name"),
    ).drop("row")  # fmt: skip
    path = tmp_path_factory.mktemp("people") / "clinic.csv"
    people.write_csv(path)
    return path


@pytest.mark.parametrize(
    "heading",
    [
        "姓名",
        "患者姓名(拼音)",
        "Name",
        "patient_name",
        "身份证号码",
        "Tel.",
        "家庭住址",
        "MRN",
        "住院号",
        "ID",
        "Patient ID",
        "person_id (file)",
        "medicare no",
        "Referring physician",
        "Notes",
        "remarks",
        "备注",
        "Postcode",
        "ZIP code",
        "Date of birth",
    ],
)
def test_headings_that_name_a_person_are_recognised(heading):
    left, findings = without_identity(pl.DataFrame({"age": [60], heading: ["x"]}))
    assert left.columns == ["age"]
    assert findings[0].column == heading
    assert "x" not in str(findings[0]).split()


@pytest.mark.parametrize(
    "heading",
    ["device_name", "hospital_name", "site", "person_id", "drug name", "birth_date", "sex"],
)
def test_other_headings_stay(heading):
    left, findings = without_identity(pl.DataFrame({heading: ["x"]}))
    assert left.columns == [heading]
    assert findings == ()


def test_a_date_of_birth_stays_where_no_age_was_made_of_it_and_where_it_is_kept():
    born = pl.DataFrame({"birth_date": ["1960-01-01"], "note_of_scanner": ["x"]})
    assert without_identity(born)[0].equals(born)
    aged = born.with_columns(age=60)
    assert "birth_date" not in without_identity(aged)[0].columns
    assert without_identity(aged, keep=["birth_date"])[0].columns == aged.columns


@pytest.mark.parametrize("heading", ["姓名", "Notes", "medicare no"])
def test_reading_says_of_such_a_column_that_it_is_not_written(heading):
    people = oe.read(pl.DataFrame({"age": [60.0], "FN BMD": [0.8], heading: ["x"]}))
    (said,) = people.findings.of("unknown_heading")
    assert "left out of what is written of people (--keep " in said.message
    assert "kept as it is" not in said.message


def test_groups_by_a_physician_or_a_postcode_may_be_made():
    frame = oe.simulate(n=400, seed=3).frame.with_columns(doctor=pl.Series(["A", "B"] * 200))
    rules = oe.definition("china_2020", reference="zhang_2007")
    people = oe.classify(frame, rules)
    assert set(oe.prevalence(people, rules, by="doctor").frame["doctor"]) == {"A", "B", "all"}


def test_a_second_identifier_is_said_to_be_left_out():
    frame = pl.DataFrame({"age": [60.0, 61.0], "FN BMD": 0.8, "ID": ["a", "b"], "MRN": ["1", "2"]})
    people = oe.read(frame)
    (said,) = people.findings.of("several_identifiers")
    assert "'ID': left out of what is written of people (--keep ID writes it)" in said.message
    assert "ID" not in without_identity(people.frame)[0].columns


def test_a_column_of_identity_numbers_under_any_heading_is_left_out():
    frame = pl.DataFrame({"number": ["11010119900307001X", None], "t": ["1", "2"]})
    assert without_identity(frame)[0].columns == ["t"]


def test_rows_of_a_person_keep_their_link_where_the_number_is_replaced():
    number = ["110101199003070011", "110101199003070038", "110101199003070011", None]
    left, findings = without_identity(pl.DataFrame({"person_id": number}))
    assert left["person_id"].to_list() == ["1", "2", "1", None]
    assert findings[0].code == "identity_number_replaced"


def test_what_is_kept_has_to_be_there():
    with pytest.raises(SchemaError, match="keep"):
        without_identity(pl.DataFrame({"age": [1]}), keep=["姓名"])


def test_a_column_to_keep_that_is_misspelt_is_said_before_the_work(file, tmp_path, monkeypatch):
    """A run said it when all was estimated and about to be written."""
    monkeypatch.setattr("osteo_epi.report._analysis.classify", lambda *_: pytest.fail("worked"))
    words = ["run", str(file), *OUT, "--out", str(tmp_path / "out"), "--keep", "Patient Nam"]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert "'Patient Nam' (--keep) is no column of the data (did you mean Patient Name" in (
        answer.output
    )


def test_a_run_and_classify_write_nobody_by_name(file, tmp_path):
    out = tmp_path / "out"
    run = CliRunner().invoke(main, ["run", str(file), *OUT, "--out", str(out)])
    assert run.exit_code == 0, run.output
    people = pl.read_parquet(out / "classified.parquet")
    assert not {"Patient Name", "联系电话", "身份证号"} & set(people.columns)
    assert people["person_id"].to_list()[:2] == ["1", "2"]
    assert people["device_name"].unique().to_list() == ["Lunar iDXA"]
    findings = pl.read_csv(out / "findings.csv")
    noted = findings.filter(pl.col("code") == "identifying_left_out")
    assert noted["column"].item() == "Patient Name, 联系电话"
    assert '--keep "Patient Name"' in noted["fix"].item()
    for name in out.iterdir():
        assert b"somebody 1" not in name.read_bytes()
    target = tmp_path / "people.csv"
    kept = ["--keep", "Patient Name", "--keep", "person_id"]
    said = CliRunner().invoke(
        main, ["classify", str(file), *OUT[:2], "--out", str(target), *kept]
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    head = pl.read_csv(target, infer_schema=False)
    assert "Patient Name" in head.columns
    assert "联系电话" not in head.columns
    assert head["person_id"][0].startswith("110101")
    assert "--keep 联系电话" in said.output


def test_a_frame_in_python_keeps_its_columns(file):
    people = oe.read(file)
    classified = oe.classify(people, oe.definition("china_2020", reference="zhang_2007"))
    assert {"Patient Name", "联系电话"} <= set(classified.columns)


def test_all_is_kept_where_all_is_asked_for(file, tmp_path):
    out = tmp_path / "out"
    oe.run(file, reference="zhang_2007", out=out, report=False, keep="all")
    assert {"Patient Name", "联系电话"} <= set(pl.read_parquet(out / "classified.parquet").columns)
