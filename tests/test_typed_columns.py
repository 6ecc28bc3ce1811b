"""Whatever type a column has, one sentence comes out or one plain column; nothing is lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osteo_epi.cohort import check, codebook, read
from osteo_epi.errors import SchemaError

DAY, TIME = dt.date(2019, 3, 5), dt.datetime(2019, 3, 5, 22, 30)
COLUMNS = {
    "list": pl.Series([[0.8, 0.7], [0.9]]),
    "list of one": pl.Series([[61.0], [70.0]]),
    "list of lists": pl.Series([[[1, None]], [[2], []]]),
    "list of bytes": pl.Series([[b"\xff"], [b"a"]]),
    "list of times": pl.Series([[dt.timedelta(1)], [dt.timedelta(2)]]),
    "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "struct": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": None}]),
    "nested nulls": pl.Series([[None], [None]], dtype=pl.List(pl.Null)),
    "null lists": pl.Series([None, None], dtype=pl.List(pl.Float64)),
    "null struct": pl.Series([None, None], dtype=pl.Struct({"a": pl.Int8})),
    "nulls": pl.Series([None, None], dtype=pl.Null),
    "object": pl.Series([{1}, object()], dtype=pl.Object),
    "mixed object": pl.Series([61, "x"], dtype=pl.Object),
    "duration": pl.Series([dt.timedelta(days=22000), None]),
    "decimal": pl.Series([Decimal("0.81"), Decimal("61.5")]),
    "wide decimal": pl.Series([Decimal(10**30), Decimal(7)], dtype=pl.Decimal(38, 0)),
    "binary text": pl.Series(["女".encode(), b"61"]),
    "binary gbk": pl.Series(["女".encode("gbk"), b"61"]),
    "binary": pl.Series([b"\xff\xfe\x00", b"\x01"]),
    "categorical": pl.Series(["女", "F"], dtype=pl.Categorical),
    "enum": pl.Series(["F", "M"], dtype=pl.Enum(["M", "F"])),
    "enum of nothing": pl.Series([None, None], dtype=pl.Enum([])),
    "1e300": pl.Series([1e300, -1e300]),
    "infinite": pl.Series([float("inf"), float("nan")]),
    "zero": pl.Series([0.0, -0.0]),
    "float32": pl.Series([0.8, 3e38], dtype=pl.Float32),
    "float16": pl.Series([0.8, 61.0], dtype=pl.Float16),
    "int8": pl.Series([1, 2], dtype=pl.Int8),
    "uint64": pl.Series([2**64 - 1, 0], dtype=pl.UInt64),
    "int128": pl.Series([2**100, 1], dtype=pl.Int128),
    "uint128": pl.Series([2**127, 1], dtype=pl.UInt128),
    "boolean": pl.Series([True, None]),
    "date": pl.Series([DAY, None]),
    "early date": pl.Series([dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    "datetime": pl.Series([TIME, None], dtype=pl.Datetime("ns")),
    "zoned": pl.Series([TIME, None]).dt.replace_time_zone("Asia/Shanghai"),
    "time": pl.Series([dt.time(10, 20), None]),
    "long text": pl.Series(["x" * 100_000, "\x00\x1b[31m"]),
    "digits": pl.Series(["9" * 400, "1e400"]),
    "empty text": pl.Series(["", None]),
}
VARIABLES = (
    *("person_id", "age", "birth_date", "sex", "postmenopausal", "menopause_age", "survey_weight"),
    *("stratum", "device", "device_maker", "scan_date", "abmd_femoral_neck", "vbmd_l1", "hu_l1"),
    *("t_score_l1_reported", "genant_grade", "fracture_site", "ctx", "invalid_reason_l1"),
)
UNREADABLE = {"binary", "list of bytes"}  # told, and left out


def taken_or_told(column, name):
    """Read one column, with another variable beside it; or the sentence that refuses it."""
    other = "height" if name != "height" else "weight"
    try:
        return read(pl.DataFrame([column.alias(name), pl.Series(other, [160.0, 170.0])]))
    except SchemaError as error:
        return str(error)


@pytest.mark.parametrize("kind", COLUMNS)
def test_every_type_in_every_kind_of_variable_is_read_or_told(kind):
    column = COLUMNS[kind]
    for name in VARIABLES:
        people = taken_or_told(column, name)
        if isinstance(people, str):
            assert name in people, people
            assert people.count("\n") == 0
            assert len(people) < 500
            continue
        variable = codebook()[name]
        if name in people.columns:
            assert people.frame.schema[name] == variable.dtype
        else:
            told = [f for f in people.findings if f.column == name]
            assert told, (name, people.columns)
            assert all(str(f).count("\n") == 0 for f in told)
            assert kind in UNREADABLE or f"{name} (file)" in people.columns
        people.frame.write_csv()


@pytest.mark.parametrize("kind", COLUMNS)
def test_other_columns_of_any_type_stay_or_are_told(kind):
    frame = pl.DataFrame([pl.Series("age", [61.0, 70.0]), COLUMNS[kind].alias("extra")])
    people = read(frame)
    assert people["age"].to_list() == [61.0, 70.0]
    assert ("extra" in people.columns) == (kind not in UNREADABLE)
    assert kind not in UNREADABLE or people.findings.of("odd_type", "extra")[0].n == 2
    people.frame.write_csv()
    people.frame.write_parquet("/dev/null")


@pytest.mark.parametrize("kind", [k for k in COLUMNS if "object" not in k and "128" not in k])
def test_a_parquet_file_goes_the_same_way(tmp_path, kind):
    frame = pl.DataFrame([pl.Series("age", [61.0, 70.0]), COLUMNS[kind].alias("extra")])
    frame.write_parquet(tmp_path / "clinic.parquet")
    people = read(tmp_path / "clinic.parquet")
    assert people.frame.equals(read(frame).frame)
    assert people.findings.codes == read(frame).findings.codes


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (
            [[0.8], [0.7]],
            r"\(abmd_femoral_neck\) holds List\(Float64\); give one number",
        ),
        ([{"left": 0.8}, None], "holds Struct"),
        ([dt.timedelta(1), None], "holds Duration"),
        ([True, False], r"holds Boolean; give one number \[g/cm2\] a row, or leave the column out"),
        ([DAY, DAY], r"holds Date; .*map={'neck BMD': None} \(--map \"neck BMD=none\"\)"),
    ],
)
def test_a_density_that_is_no_number_is_refused_by_its_type(column, words):
    frame = {"age": [61.0, 70.0], "neck BMD": column}
    with pytest.raises(SchemaError, match=words):
        read(frame)
    people = read(frame, map={"neck BMD": None})
    assert people.columns == ["age", "neck BMD"]


def test_what_no_diagnosis_rests_on_is_left_out_with_a_warning():
    people = read({"age": [61.0], "CTX": [[0.3, 0.4]], "检查日期": [True]})
    assert people.columns == ["age", "CTX", "检查日期"]
    assert [
        (f.column, f.severity, f.n)
        for f in people.findings.of("odd_type")
        if f.severity == "warning"
    ] == [
        ("CTX", "warning", 1),
        ("检查日期", "warning", 1),
    ]


def test_nothing_of_an_identifier_is_lost():
    ids = [2**100, 2**100 + 1]
    people = read(pl.DataFrame({"person_id": pl.Series(ids, dtype=pl.Int128), "age": [61.0, 70.0]}))
    assert people["person_id"].to_list() == [str(i) for i in ids]
    assert read({"person_id": [1e300, 7.0], "age": [61, 70]})["person_id"].n_unique() == 2
    assert read({"person_id": [1.0, 7.0], "age": [61, 70]})["person_id"].to_list() == ["1", "7"]


def test_a_moment_with_a_zone_is_the_day_of_that_zone():
    evening = pl.Series([dt.datetime(2019, 3, 5, 20)]).dt.replace_time_zone("UTC")
    frame = pl.DataFrame(
        {"age": [61.0], "scan_date": evening.dt.convert_time_zone("Asia/Shanghai")}
    )
    assert read(frame)["scan_date"].to_list() == [dt.date(2019, 3, 6)]


def test_a_date_out_of_all_years_is_missing_in_a_frame_as_in_a_file(tmp_path):
    frame = pl.DataFrame({"age": [61.0, 70.0], "scan_date": [dt.date(1, 1, 1), DAY]})
    frame.write_csv(tmp_path / "clinic.csv")
    of_file, people = read(tmp_path / "clinic.csv"), read(frame)
    assert people["scan_date"].to_list() == of_file["scan_date"].to_list() == [None, DAY]
    assert people.findings.codes == of_file.findings.codes


def invalid_text(content=b"61a\xb9\xc7"):
    """A column of Arrow whose second text is no UTF-8, as some writers leave it."""
    offsets = pa.array([0, 3, 5], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(content)])


def test_text_that_is_no_utf8_is_read_as_gb18030_or_left_out(tmp_path):
    table = pa.table({"age": [61.0, 70.0], "remark": invalid_text()})
    assert read(table)["remark"].to_list() == ["61a", "骨"]
    pq.write_table(table, tmp_path / "clinic.parquet")
    with pytest.raises(SchemaError, match="cannot be read as Parquet"):
        read(tmp_path / "clinic.parquet")
    broken = pa.table({"age": [61.0, 70.0], "remark": invalid_text(b"6\x001\xff\xff")})
    told = read(broken).findings.of("odd_type", "remark")
    assert told[0].severity == "warning"


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 1e300])
def test_a_score_without_end_is_looked_at_as_it_stands(value):
    """A raw frame is checked before anything of it became null."""
    scores = [value] * 8 + [place % 7 - 3.0 for place in range(32)]
    people = {"sex": ["female"] * 40, "age": [61.0] * 40, "t_score_femoral_neck_reported": scores}
    assert check(pl.DataFrame(people)).errors
