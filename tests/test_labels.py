"""Labels that SPSS and Stata files keep: of variables whose names say nothing, and of values."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

import osteo_epi as oe

FILES = Path(__file__).parent / "files"


def written(folder: Path, columns: dict, **labels: object) -> Path:
    path = folder / "survey.sav"
    pyreadstat.write_sav(pd.DataFrame(columns), str(path), **labels)
    return path


def test_names_that_say_nothing_are_read_by_the_labels_of_their_variables():
    people = oe.read(FILES / "labelled.dta")
    assert {"person_id", "sex", "age", "t_score_femoral_neck_reported"} <= set(people.frame.columns)
    (finding,) = people.findings.of("variable_labels")
    assert "v4 'L1-L4 T-score'" in finding.message


def test_a_name_that_is_mapped_or_known_stays(tmp_path):
    columns = {"age": [60.0, 61.0], "x": [0.8, 0.7], "y": ["F", "M"]}
    labels = ["Age at menopause", "Total hip BMD", "Sex"]
    path = written(tmp_path, columns, column_labels=labels)
    frame = oe.read(path, map={"x": "abmd_femoral_neck"}).frame
    assert frame["age"].to_list() == [60.0, 61.0]
    assert frame["abmd_femoral_neck"].to_list() == [0.8, 0.7]
    assert frame["sex"].to_list() == ["female", "male"]


def test_two_variables_of_one_label_keep_their_names(tmp_path):
    columns = {"age": [60.0], "x": [0.8], "y": [0.7]}
    path = written(tmp_path, columns, column_labels=["", "Total hip BMD", "Total hip BMD"])
    assert {"x", "y"} <= set(oe.read(path).frame.columns)


@pytest.mark.parametrize("word", ["Refused", "Don't know", "不详"])
def test_a_value_label_that_says_missing_is_missing(tmp_path, word):
    columns = {"sex": [1.0, 2.0, 7.0], "age": [60.0, 61.0, 62.0], "menopause": [1.0, 0.0, 7.0]}
    answers = {
        "sex": {1.0: "Male", 2.0: "Female", 7.0: word},
        "menopause": {0.0: "No", 1.0: "Yes", 7.0: word},
    }
    frame = oe.read(written(tmp_path, columns, variable_value_labels=answers)).frame
    assert frame["sex"].to_list() == ["male", "female", None]
    assert frame["postmenopausal"].to_list() == [True, False, None]


def test_what_a_file_declares_missing_is_missing(tmp_path):
    columns = {"age": [60.0, 61.0, 62.0], "femoral neck BMD": [0.8, 1.1, 0.7]}
    renamed = {"age": columns["age"], "fn_bmd": columns["femoral neck BMD"]}
    path = written(tmp_path, renamed, missing_ranges={"fn_bmd": [{"lo": 1.0, "hi": 1.2}]})
    assert oe.read(path).frame["abmd_femoral_neck"].to_list() == [0.8, None, 0.7]
