"""A frame in memory is read as a file is: the same people, findings and flow."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from osteo_epi.cohort import Cohort, check, read, simulate
from osteo_epi.errors import SchemaError

TEXTS = {
    "编号": ["a1", "a2", "a3", "a4", "a5", "a6"],
    "Sex": ["1", "2", "2", "1", "", "2"],
    "年龄": ["61", "70", "", "55", "66", "999"],
    "neck BMD": ["0.712", "858", "0.812*", "-9", "0.690", "0.9"],
    "BMI": ["21.5", "22", "", "30.25", "24", "25"],
    "检查日期": ["2019-03-05", "2019-03-06", "", "2019-03-08", "2019-03-09", "2019-03-10"],
    "remark": ["x", "y", "y", "z", "x", "x"],
    "visit": ["1", "2", "3", "4", "5", "6"],
}
DAYS = [None if not day else dt.date.fromisoformat(day) for day in TEXTS["检查日期"]]
VALUES = {
    "编号": TEXTS["编号"],
    "Sex": [1, 2, 2, 1, None, 2],
    "年龄": [61, 70, None, 55, 66, 999],
    "neck BMD": [0.712, 858, "0.812*", -9, 0.690, 0.9],
    "BMI": [21.5, 22.0, None, 30.25, 24.0, 25.0],
    "检查日期": DAYS,
    "remark": ["x", "y", "y", "z", "x", "x"],
    "visit": [1, 2, 3, 4, 5, 6],
}
ARGUMENTS = {
    "map": {"neck BMD": "abmd_femoral_neck"},
    "sex_coding": {1: "male", 2: "female"},
    "missing": {"neck BMD": ["0.812*"]},
}


def numbers_only():
    """The values without the one cell of text: what a typed table can hold."""
    typed = [None if isinstance(v, str) else float(v) for v in VALUES["neck BMD"]]
    return VALUES | {"neck BMD": typed}


def in_pandas(values=VALUES, **dtypes):
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in values.items()})
    return frame.astype(dtypes)


NULLABLE = {"Sex": "Int64", "年龄": "Int64", "BMI": "Float64", "remark": "string", "visit": "int8"}
ARROW = {
    "Sex": "int64[pyarrow]",
    "年龄": "double[pyarrow]",
    "BMI": "double[pyarrow]",
    "remark": "string[pyarrow]",
    "检查日期": "date32[pyarrow]",
}
FRAMES = {
    "pandas objects": lambda: in_pandas(),
    "pandas numpy": lambda: in_pandas(Sex=float, 年龄=float, BMI=float, visit="int64").assign(
        检查日期=pd.to_datetime(pd.Series(DAYS))
    ),
    "pandas nullable": lambda: in_pandas(**NULLABLE),
    "pandas pyarrow": lambda: in_pandas(**ARROW),
    "pandas categories": lambda: in_pandas(
        编号="category", Sex="category", remark="category", visit="category"
    ),
    "pandas texts": lambda: pd.DataFrame(TEXTS),
    "pandas index": lambda: in_pandas().set_index("编号"),
    "polars": lambda: pl.DataFrame(VALUES, strict=False),
    "polars texts": lambda: pl.DataFrame(TEXTS),
    "polars lazy": lambda: pl.LazyFrame(TEXTS),
    "polars objects": lambda: pl.DataFrame(
        {n: pl.Series(v, dtype=pl.Object) if n == "neck BMD" else v for n, v in VALUES.items()}
    ),
    "pyarrow": lambda: pa.table(TEXTS),
    "duckdb": lambda: duckdb.from_arrow(pa.table(TEXTS)),
    "dict": lambda: VALUES,
    "dict of arrays": lambda: VALUES | {"visit": np.arange(1, 7), "Sex": pd.Series(VALUES["Sex"])},
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "clinic.csv"
    pl.DataFrame(TEXTS).write_csv(path)
    return path


def alike(frame):
    """The frame with dates of every kind as dates, and categories as texts."""
    return frame.with_columns(pl.col(pl.Datetime).dt.date(), pl.col(pl.Categorical).cast(pl.String))


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_of_any_kind_gives_what_the_file_gives(file, kind):
    of_file = read(file, **ARGUMENTS)
    people = read(FRAMES[kind](), **ARGUMENTS)
    assert alike(people.frame).with_columns(visit=pl.col("visit").cast(float)).equals(of_file.frame)
    assert people.flow.to_polars().drop("reason").equals(of_file.flow.to_polars().drop("reason"))
    told = {f.key for f in of_file.findings}
    assert {f.key for f in people.findings} == told
    assert {("missing_code", "age", ""), ("out_of_range", "abmd_femoral_neck", "")} <= told
    assert (people.source.reader, people.source.files) == ("frame", ())


def test_equal_values_have_one_digest_whatever_holds_them():
    values = numbers_only()
    frames = [
        pl.DataFrame(values),
        pl.DataFrame(values).lazy(),
        pl.DataFrame(values).to_arrow(),
        duckdb.from_arrow(pl.DataFrame(values).to_arrow()),
        in_pandas(values),
        in_pandas(values, 年龄=float, Sex=float, visit="int8", BMI="Float64"),
        pl.DataFrame(values).with_columns(pl.col("检查日期").cast(pl.Datetime("ns"))),
        values,
    ]
    digests = {read(f, **ARGUMENTS | {"missing": None}).source.sha256 for f in frames}
    assert len(digests) == 1
    other = pl.DataFrame(values).with_columns(pl.col("visit") + 1)
    assert read(other, **ARGUMENTS | {"missing": None}).source.sha256 not in digests


def test_units_and_repeats_hold_for_frames():
    frame = pd.DataFrame(
        {"person_id": ["a", "a", "b"], "age": [61, 62, 70], "abmd_total_hip": [750, 720, 875.0]}
    )
    people = read(frame, units={"abmd_total_hip": "mg/cm2"}, repeats="first")
    assert people.frame.rows() == [("a", 61.0, 0.75), ("b", 70.0, 0.875)]
    assert people.flow.to_frame()["n_out"].to_list() == [3, 2]


def test_the_callers_frame_is_left_alone():
    frame = in_pandas()
    before = frame.copy(deep=True)
    read(frame, **ARGUMENTS)
    pd.testing.assert_frame_equal(frame, before)


def test_people_who_were_read_come_through_a_second_reading_unchanged():
    people = simulate(500, seed=1)
    again = read(people)
    assert again.frame.select(people.columns).equals(people.frame)
    assert again.source.label == people.source.label
    aside = read({"age": [61.0, 70.0, 65.0], "abmd_total_hip": [0.7, 70.0, 0.8]})
    assert read(aside.frame).frame.equals(aside.frame)
    assert read(aside).findings.codes == aside.findings.codes


def test_one_value_in_a_dict_stands_for_all_rows():
    people = read({"age": [61, 70], "sex": "female", "abmd_total_hip": np.array([0.7, 0.8])})
    assert people["sex"].to_list() == ["female", "female"]


def test_headings_of_several_levels_are_one_line():
    frame = pd.DataFrame([[61, 0.7]], columns=[("age", ""), ("BMD", "total hip")])
    frame.columns = pd.MultiIndex.from_tuples(frame.columns)
    assert read(frame).columns == ["age", "abmd_total_hip"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (61, "expected the path of a file, or a frame of pandas.*got int"),
        ([{"age": 61}], "got list of dict"),
        (pd.Series([61], name="age"), "got Series"),
        ({"age": [61, 70], "sex": ["female"]}, "several lengths"),
        ({"age": {0: 61}}, "column 'age' of the frame is dict, not one value a row"),
        ({"age": np.ones((2, 2))}, "column 'age' of the frame is ndarray"),
        ({}, "no rows of data"),
        (pl.DataFrame({"age": []}), "no rows of data"),
        (pd.DataFrame([[1, 2]], columns=["age", "age"]), "'age' stands more than once"),
        (
            pl.LazyFrame({"age": ["Mrs Li"]}).select(pl.col("age").cast(float)),
            r"the query of the frame fails \(InvalidOperationError\)",
        ),
    ],
)
def test_what_is_no_frame_or_not_a_sound_one_is_refused_in_one_sentence(data, words):
    with pytest.raises(SchemaError, match=words) as error:
        read(data)
    assert "Li" not in str(error.value)


def test_a_source_of_files_is_refused_for_a_frame():
    with pytest.raises(SchemaError, match="source 'csv' is of files"):
        read({"age": [61]}, source="csv")
    assert read({"age": [61]}, source="frame").source.reader == "frame"


def test_a_frame_that_was_read_passes_the_checks_as_a_cohort():
    people = read(FRAMES["dict"](), **ARGUMENTS)
    assert isinstance(people, Cohort)
    assert check(people).codes == people.findings.codes
