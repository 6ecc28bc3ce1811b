"""What SPSS, Stata and SAS keep beside the values, and codes for missing."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import polars as pl
import pyreadstat
import pytest

from osteo_epi.cohort import read

FILES = Path(__file__).parent / "files"


def test_labels_that_say_that_there_is_no_answer(tmp_path):
    frame = pd.DataFrame(
        {
            "sex": [1.0, 2.0, 9.0, 2.0],
            "age": [61.0, 70.0, 55.0, 777.0],
            "menopause": [1.0, 0.0, 8.0, 8.0],
            "race": ["A", "B", "R", "A"],
            "neck BMD": [0.7, 0.6, 5.0, 0.8],
        }
    )
    labels = {
        "sex": {1: "Male", 2: "Female", 9: "Refused"},
        "age": {777: "Don't know"},
        "menopause": {0: "No", 1: "Yes", 8: "不详"},
        "race": {"A": "Han", "B": "Zhuang", "R": "Refused"},
        "neck BMD": {5: "Not done"},
    }
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(
        frame.rename(columns={"neck BMD": "FNBMD"}),
        path,
        variable_value_labels={k.replace("neck BMD", "FNBMD"): v for k, v in labels.items()},
    )
    people = read(path)
    assert people["sex"].to_list() == ["male", "female", None, "female"]
    assert people["age"].to_list() == [61.0, 70.0, 55.0, None]
    assert people["postmenopausal"].to_list() == [True, False, None, None]
    assert people["race_ethnicity"].to_list() == ["Han", "Zhuang", None, "Han"]
    assert people["abmd_femoral_neck"].to_list() == [0.7, 0.6, None, 0.8]
    counts = {f.column: f.n for f in people.findings.of("labelled_missing")}
    assert counts == {
        "sex": 1,
        "age": 1,
        "postmenopausal": 2,
        "race_ethnicity": 1,
        "abmd_femoral_neck": 1,
    }


def test_none_is_an_answer_where_its_code_is_nought(tmp_path):
    frame = pd.DataFrame({"sex": ["F", "M"], "postmenopausal": [0.0, 1.0]})
    path = tmp_path / "a.dta"
    labels = {"postmenopausal": {0: "No", 1: "Yes"}}
    pyreadstat.write_dta(frame, path, variable_value_labels=labels)
    assert read(path)["postmenopausal"].to_list() == [False, True]


TITLES = {
    "VAR00001": "Patient number",
    "q12": "Sex",
    "q13": "Age (years)",
    "x1": "Femoral neck BMD (mg/cm2)",
    "x2": "Lumbar spine T-score",
}


@pytest.mark.parametrize("kind", ["sav", "dta", "xpt"])
def test_a_label_is_the_heading_where_the_name_says_nothing(tmp_path, kind):
    frame = pd.DataFrame([["P1", "F", 61.0, 700.0, -1.0]], columns=list(TITLES))
    path = tmp_path / f"a.{kind}"
    write = {
        "sav": pyreadstat.write_sav,
        "dta": pyreadstat.write_dta,
        "xpt": pyreadstat.write_xport,
    }
    write[kind](frame, path, column_labels=list(TITLES.values()))
    people = read(path)
    assert people["age"].to_list() == [61.0]
    assert people["sex"].to_list() == ["female"]
    assert people["abmd_femoral_neck"].to_list() == [pytest.approx(0.7)]
    assert people["t_score_lumbar_spine_reported"].to_list() == [-1.0]
    (said,) = people.findings.of("variable_labels")
    assert {"q12", "q13", "x1", "x2"} <= set(said.column.split(", "))
    mapped = read(path, map={"q13": None})
    assert "age" not in mapped.frame.columns


def test_a_label_takes_nothing_from_a_name(tmp_path):
    frame = pd.DataFrame({"age": [61.0], "q1": [44.0], "q2": [0.7], "q3": [0.6]})
    path = tmp_path / "a.sav"
    titles = ["Age", "Age", "Femoral neck BMD", "Femoral neck BMD"]
    pyreadstat.write_sav(frame, path, column_labels=titles)
    people = read(path)
    assert people["age"].to_list() == [61.0]
    assert "abmd_femoral_neck" not in people.frame.columns


def test_what_spss_and_stata_declare_missing_is_missing(tmp_path):
    frame = pd.DataFrame(
        {"age": [61.0, 98.0, 70.0], "FNBMD": [0.7, 0.9, 1.5], "race": list("ARB"), "id": [1, 2, 3]}
    )
    path = tmp_path / "a.sav"
    ranges = {"age": [98], "FNBMD": [{"lo": 1.0, "hi": 2.0}, 0.9], "race": ["R"]}
    pyreadstat.write_sav(frame, path, missing_ranges=ranges)
    people = read(path)
    assert people["age"].to_list() == [61.0, None, 70.0]
    assert people["abmd_femoral_neck"].to_list() == [0.7, None, None]
    assert people["race_ethnicity"].to_list() == ["A", None, "B"]
    told = {f.column: f.n for f in people.findings.of("declared_missing")}
    assert told == {"age": 1, "FNBMD": 2, "race": 1}
    frame = pd.DataFrame({"age": [61.0, "a", "z"], "id": [1.0, 2.0, 3.0]})
    path = tmp_path / "a.dta"
    pyreadstat.write_dta(frame, path, missing_user_values={"age": ["a", "z"]})
    assert read(path)["age"].to_list() == [61.0, None, None]


@pytest.mark.parametrize("column", ["q17", "name"])
def test_what_spss_declares_missing_in_other_columns_is_one_note(tmp_path, column):
    frame = pd.DataFrame({"age": [61.0, 98.0], "q17": [8.0, 8.0], "name": ["x", "y"]})
    path = tmp_path / "a.sav"
    ranges = {"age": [99], "q17": [8], "name": ["x"]}
    pyreadstat.write_sav(frame, path, missing_ranges={column: ranges[column], "age": [99]})
    (finding,) = read(path).findings.of("declared_missing")
    assert (finding.column, finding.n) == ("", {"q17": 2, "name": 1}[column])


def test_a_file_that_sas_wrote(tmp_path):
    path = tmp_path / "iris.sas7bdat"
    path.write_bytes(gzip.decompress((FILES / "iris.sas7bdat.gz").read_bytes()))
    flowers = read(path, map={"Sepal_Length": "height", "Species": "race_ethnicity"})
    assert len(flowers.frame) == 150
    assert flowers["race_ethnicity"].value_counts().height == 3
    assert flowers["Petal_Length"].mean() == pytest.approx(3.758)
    assert flowers.source.reader == "sas"


@pytest.mark.parametrize("code", [9.999, 9.9999, 99.9999, 888, 8888, 777, 7777, -8, -88])
def test_usual_codes_count_outside_the_plausible_range_only(code):
    frame = pl.DataFrame({"neck BMD": [0.7, 0.8, 0.9, float(code)]})
    people = read(frame)
    assert people["abmd_femoral_neck"].to_list() == [0.7, 0.8, 0.9, None]
    assert [f.n for f in people.findings.of("missing_code")] == [1]


def test_a_value_within_its_range_is_no_code():
    frame = pl.DataFrame({"weight": [61.0, 88.0, 77.0], "PTH": [888.0, 40.0, 50.0]})
    people = read(frame)
    assert people["weight"].to_list() == [61.0, 88.0, 77.0]
