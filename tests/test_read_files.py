"""Files as they come: encodings, separators, kinds, and broken ones, each with one line."""

from __future__ import annotations

import polars as pl
import pytest

from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError

HEAD = "编号,性别,年龄,股骨颈骨密度,腰椎骨密度"
ROWS = "a1,女,61,0.712,0.901\na2,男,70,0.858,1.047"
TEXT = f"{HEAD}\n{ROWS}\n"
FRAME = pl.DataFrame(
    {
        "person_id": ["a1", "a2"],
        "age": [61.0, 70.0],
        "sex": pl.Series(["female", "male"], dtype=pl.Enum(["female", "male"])),
        "abmd_lumbar_spine": [0.901, 1.047],
        "abmd_femoral_neck": [0.712, 0.858],
    }
)


def written(tmp_path, content, name="clinic.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8-sig"),
        (TEXT.encode("utf-8-sig"), "utf-8-sig"),
        (TEXT.encode("gb18030"), "gb18030"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.replace("\n", "\r\n").encode("gbk"), "gb18030"),
        (TEXT.replace(",", "\t").encode(), "utf-8-sig"),
        (TEXT.replace(",", ";").encode(), "utf-8-sig"),
        (("\n\n" + TEXT).encode(), "utf-8-sig"),
    ],
)
def test_the_same_table_in_any_encoding_and_separator(tmp_path, content, encoding):
    people = read(written(tmp_path, content))
    assert people.frame.equals(FRAME)
    assert people.source.encoding == encoding
    assert ("encoding" in people.findings.codes) == (encoding != "utf-8-sig")


@pytest.mark.parametrize("cell", ["0.71", "0.812*", " 0.8", "未查", "1,5", ""])
def test_a_large_file_is_read_as_a_small_one(tmp_path, cell):
    """Above 1 MB, columns of numbers alone are read as numbers: one odd cell, and as text again."""
    sound = "00{0},女,{1},0.{2},0.9\n"
    rows = [sound.format(i, 50 + i % 40, 500 + i % 400) for i in range(60_000)]
    rows[-1] = f'x,女,61,"{cell}",0.9\n'
    files = [HEAD + "\n" + "".join(part) for part in (rows, rows[-50:])]
    large, small = (read(written(tmp_path, text), missing=["0.812*"]) for text in files)
    assert large.frame.tail(50).equals(small.frame)
    assert large.frame.schema == small.frame.schema
    counts = [
        {(f.code, f.column): f.n for f in people.findings if f.column == "abmd_femoral_neck"}
        for people in (large, small)
    ]
    assert counts[0] == counts[1]


def test_semicolons_with_comma_decimals(tmp_path):
    content = TEXT.replace(",", ";").replace(".", ",")
    people = read(written(tmp_path, content))
    assert people.frame.equals(FRAME)
    assert people.findings.of("comma_decimal", "abmd_femoral_neck")[0].n == 2


def test_full_width_digits_and_minus(tmp_path):
    content = "年龄,性别,腰椎T值\n６１,女,－２．５\n70,男,−1.5\n"
    people = read(written(tmp_path, content))
    assert people["t_score_lumbar_spine_reported"].to_list() == [-2.5, -1.5]
    assert people.findings.of("full_width", "t_score_lumbar_spine_reported")[0].n == 2


def as_parquet(path):
    FRAME.with_columns(pl.col("abmd_femoral_neck").cast(pl.Float32)).write_parquet(path)


def as_stata(path):
    import pyreadstat

    table = FRAME.with_columns(pl.Series("sex", [2.0, 1.0])).to_pandas()
    labels = {"sex": {1: "male", 2: "female"}}
    pyreadstat.write_dta(table, str(path), variable_value_labels=labels)


def as_spss(path):
    import pyreadstat

    table = FRAME.with_columns(pl.Series("sex", [2.0, 1.0])).to_pandas()
    pyreadstat.write_sav(table, str(path), variable_value_labels={"sex": {1: "男", 2: "女"}})


def as_excel(path):
    FRAME.with_columns(pl.col("sex").cast(pl.String)).write_excel(path)


def as_xport(path):
    import pyreadstat

    short = {"abmd_lumbar_spine": "LSBMD", "abmd_femoral_neck": "FNBMD", "person_id": "ID"}
    table = FRAME.with_columns(pl.col("sex").cast(pl.String)).rename(short).to_pandas()
    pyreadstat.write_xport(table, str(path), file_format_version=5)


@pytest.mark.parametrize(
    ("name", "write", "reader"),
    [
        ("a.parquet", as_parquet, "parquet"),
        ("a.dta", as_stata, "stata"),
        ("a.sav", as_spss, "spss"),
        ("a.xlsx", as_excel, "excel"),
        ("a.xpt", as_xport, "xport"),
    ],
)
def test_the_same_table_from_every_kind_of_file(tmp_path, name, write, reader):
    write(tmp_path / name)
    people = read(tmp_path / name)
    assert people.source.reader == reader
    frame = people.frame.with_columns(pl.col("abmd_femoral_neck").round(6))
    assert frame.equals(FRAME)


def test_codes_are_understood_by_a_files_own_value_labels(tmp_path):
    import pyreadstat

    table = pl.DataFrame({"sex": [1.0, 2.0], "age": [99.0, 61.0]}).to_pandas()
    labels = {"sex": {1: "女", 2: "男"}, "age": {99: "不详"}}
    pyreadstat.write_sav(table, str(tmp_path / "a.sav"), variable_value_labels=labels)
    people = read(tmp_path / "a.sav")
    assert people["sex"].to_list() == ["female", "male"]
    assert people["age"].to_list() == [None, 61.0]


def test_a_workbook_of_several_sheets(tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        for name, age in (("旧", 60), ("新", 61)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["年龄", "性别", "", "检查日期"])
            sheet.write_row(1, 0, [age, "女", "x", 43529])
    people = read(tmp_path / "a.xlsx")
    assert people["age"].to_list() == [60.0]
    assert {"several_sheets", "no_heading", "excel_dates"} <= set(people.findings.codes)
    assert str(people["scan_date"][0]) == "2019-03-05"
    assert read(tmp_path / "a.xlsx", sheet="新")["age"].to_list() == [61.0]
    with pytest.raises(SchemaError, match=r"it has 0 '旧', 1 '新'"):
        read(tmp_path / "a.xlsx", sheet="none")


BROKEN = {
    "empty.csv": (b"", "empty"),
    "blank.csv": (b"\n \n", "no data|no rows"),
    "header_only.csv": (f"{HEAD}\n".encode(), "no rows of data"),
    "blank_rows.csv": (f"{HEAD}\n,,,,\n".encode(), "no rows of data"),
    "binary.csv": (bytes(range(256)) * 8, "no known kind"),
    "control.csv": (b"age,sex\n\x01\x02,F\n", r"control characters such as U\+0001"),
    "undecodable.csv": (b"age,sex\n61,\xff\x81\x81\n", "neither UTF-8 nor text in GB18030"),
    "twice.csv": (b"age,FN BMD,FN BMD\n61,0.7,0.8\n", "'FN BMD' stands more than once"),
    "ragged.csv": (b"age,sex\n61,F,0.7,9\n", "do not fit its 2 headings"),
    "not_excel.xlsx": (TEXT.encode(), "not an Excel"),
    "renamed.csv": (
        b"PK\x03\x04" + b"\x00" * 60,
        "is an Excel or OpenDocument workbook, not a text",
    ),
    "damaged.xlsx": (b"PK\x03\x04" + b"\x00" * 60, "cannot be read as an Excel"),
    "damaged.parquet": (b"PAR1" + b"\x00" * 60, "cannot be read as Parquet"),
    "junk.dta": (b"hello, this is no Stata file", "not Stata"),
    "junk.xpt": (b"hello, this is no transport file", "not SAS transport"),
    "damaged.xpt": (b"HEADER RECORD*******LIBRARY HEADER" + b"x" * 9, "cannot be read as SAS"),
    "damaged.sav": (b"$FL2" + b"\x00" * 60, "cannot be read as SPSS"),
    "photo.xyz": (b"\x89PNG\x00\x00", "no known kind"),
    "no_headings.csv": (b"a1,61,0.712\na2,70,0.858\n", "the first row looks like values"),
    "text_in_bmd.csv": (TEXT.replace("0.858", "abc").encode(), "1 cells hold text.*data row 2"),
    "ages_as_dates.csv": (
        TEXT.replace("61", "1958-02-11").replace("70", "1949/11/30").encode(),
        "holds dates, not ages",
    ),
    "ages_as_serials.csv": (
        TEXT.replace("61", "21227").replace("70", "18232").encode(),
        "Excel dates",
    ),
    "ages_as_years.csv": (
        TEXT.replace("61", "1958").replace("70", "1949").encode(),
        "years of birth",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_give_one_line_that_says_what_to_do(tmp_path, name):
    content, says = BROKEN[name]
    with pytest.raises(SchemaError, match=says) as error:
        read(written(tmp_path, content, name))
    assert "\n" not in str(error.value)
    assert str(tmp_path) not in str(error.value)


def test_absent_files_and_unknown_sources(tmp_path):
    with pytest.raises(SchemaError, match=r"no such file or folder: absent\.csv"):
        read(tmp_path / "absent.csv")
    with pytest.raises(SchemaError, match="source 'hologic' is not known; one of auto, nhanes"):
        read(written(tmp_path, TEXT), source="hologic")
    empty = tmp_path / "nothing"
    empty.mkdir()
    with pytest.raises(SchemaError, match="the folder nothing holds no file that can be read"):
        read(empty)


def test_errors_never_print_a_value(tmp_path):
    content = TEXT.replace("0.858", "zhang-san-0.858")
    with pytest.raises(SchemaError) as error:
        read(written(tmp_path, content))
    assert "zhang" not in str(error.value)


def test_all_values_missing_is_an_error_finding(tmp_path):
    content = "性别,年龄,股骨颈骨密度\n女,61,\n男,70,NA\n"
    found = read(written(tmp_path, content)).findings.of("all_missing")
    assert [(f.severity, f.column, f.n) for f in found] == [("error", "abmd_femoral_neck", 2)]


@pytest.mark.parametrize(
    "given", ["s3://insurer/a.parquet", ["https://a.org/a.csv"], "gs://b/*.csv"]
)
def test_an_address_is_no_path_and_says_what_leads_there(given: object) -> None:
    """Of s3://insurer/a.parquet it was said that there is no file a.parquet."""
    with pytest.raises(SchemaError, match=r"is an address \(\w+:\).*scan_parquet"):
        read(given)


def test_what_looks_like_an_address_and_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study:").mkdir()
    (tmp_path / "study:" / "a.csv").write_text("sex,age,abmd_total_hip\nF,61,0.8\n")
    assert len(read("study:/a.csv")) == 1
    with pytest.raises(SchemaError, match=r"^a\.csv is given as file://…; name its path"):
        read((tmp_path / "study:" / "a.csv").as_uri().replace("%3A", ":"))
    with pytest.raises(SchemaError, match=r"^a\.csv is an address") as refused:
        read("https://a.org/a.csv?signature=secret")
    assert "secret" not in str(refused.value)
