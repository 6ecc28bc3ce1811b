"""Which encoding a file is in, what is called .xls and is none, and compressed files."""

from __future__ import annotations

import gzip
import random
from contextlib import suppress

import pytest

from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError

CHINESE = "编号,性别,年龄,股骨颈骨密度\nP1,女,61,0.71\nP2,男,70,0.69\n"
NAMES = ["person_id", "age", "sex", "abmd_femoral_neck"]


def written(folder, data, name="clinic.csv"):
    """A file of these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("gb18030", "GB18030"),
        ("gbk", "GB18030"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16-LE"),
        ("utf-16-be", "UTF-16-BE"),
    ],
)
def test_chinese_is_read_in_every_encoding(tmp_path, encoding, said):
    people = read(written(tmp_path, CHINESE.encode(encoding)))
    assert people.frame.columns == NAMES
    assert people["sex"].to_list() == ["female", "male"]
    assert [said in f.message for f in people.findings.of("encoding")] == [True] * bool(said)


def test_traditional_chinese_is_told_by_its_headings(tmp_path):
    content = "編號,性別,年齡,股骨頸骨密度,腰椎T值\nP1,女,61,0.71,-1\n"
    people = read(written(tmp_path, content.encode("big5")))
    assert people["t_score_lumbar_spine_reported"].to_list() == [-1.0]
    assert people.source.encoding == "big5hkscs"


def test_german_is_told_by_its_headings(tmp_path):
    content = "Patientennummer;Geschlecht;Alter;Größe (cm)\nM-1;F;61;166\n"
    people = read(written(tmp_path, content.encode("cp1252")))
    assert people["height"].to_list() == [166.0]
    assert "Latin-1" in people.findings.of("encoding")[0].message


@pytest.mark.parametrize(
    ("encoding", "content", "column", "cell"),
    [
        ("cp1252", "id;sex;age;Straße\nMüller;F;61;1\nPeña;F;70;2\n", "Straße", "1"),
        (
            "cp932",
            "id,sex,age,ふりがな\n1,F,61,たなか はなこ\n2,F,66,すずき\n",
            "ふりがな",
            "すずき",
        ),
    ],
)
def test_other_scripts_are_told_by_their_letters(tmp_path, encoding, content, column, cell):
    people = read(written(tmp_path, content.encode(encoding)))
    assert people.source.encoding == encoding
    assert column in people.frame.columns
    assert cell in [str(c).removesuffix(".0") for c in people[column].to_list()]
    (said,) = people.findings.of("encoding")
    assert said.severity == "warning"
    assert "--encoding" in said.fix


def test_the_caller_names_the_encoding(tmp_path):
    content = "번호,성별,age\n1,F,61\n"
    path = written(tmp_path, content.encode("cp949"))
    people = read(path, encoding="euc_kr", map={"번호": "person_id", "성별": "sex"})
    assert people["sex"].to_list() == ["female"]
    assert not people.findings.of("encoding")
    with pytest.raises(SchemaError, match=r"--encoding\) is not known"):
        read(path, encoding="klingon")
    with pytest.raises(SchemaError, match=r"--encoding\) does not fit"):
        read(path, encoding="utf-8")


def test_random_bytes_give_our_own_error_or_a_table(tmp_path):
    drawn = random.Random(11)
    for i in range(60):
        body = bytes(drawn.randrange(32, 256) for _ in range(80))
        path = written(
            tmp_path, b"id,sex,age\n" + body.replace(b",", b" ") + b",F,61\n", f"{i}.csv"
        )
        with suppress(SchemaError):
            read(path)


PAGE = (
    "<html><head><meta charset='gb2312'></head><body><table><tr><td>打印</td></tr></table>"
    "<table border=1><tr><th colspan=4>登记表</th></tr>"
    "<tr><th rowspan=2>编号</th><th rowspan=2>性别</th><th colspan=2>股骨颈</th></tr>"
    "<tr><th>骨密度</th><th>T值</th></tr>"
    "<tr><td>P1</td><td>女</td><td>0.71</td><td>&minus;1.4</td></tr>"
    "<tr><td>P2<td>男<td>0.69<td>-1.8</table></body></html>"
)
XML = (
    '<?xml version="1.0"?><Workbook xmlns:ss="urn:x"><Worksheet ss:Name="1"><Table>'
    "<Row><Cell><Data>ID</Data></Cell><Cell><Data>Sex</Data></Cell><Cell><Data>Neck T-score</Data>"
    "</Cell></Row>"
    "<Row><Cell><Data>P1</Data></Cell><Cell ss:Index='3'><Data>-1.4</Data></Cell></Row>"
    "<Row><Cell><Data>P2</Data></Cell><Cell><Data>M</Data></Cell><Cell><Data>-1.8</Data></Cell></Row>"
    "</Table></Worksheet></Workbook>"
)


@pytest.mark.parametrize(
    "data", [PAGE.encode("gbk"), XML.encode(), b"ID\tSex\tNeck T-score\nP1\tF\t-1.4\nP2\tM\t-1.8\n"]
)
def test_what_is_called_xls_and_is_none(tmp_path, data):
    people = read(written(tmp_path, data, "export.xls"))
    assert people["person_id"].to_list() == ["P1", "P2"]
    assert people["t_score_femoral_neck_reported"].to_list() == [-1.4, -1.8]
    assert ".xls" in people.findings.of("other_kind")[0].message


def test_a_page_without_a_table_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="holds no data"):
        read(written(tmp_path, b"<html><body>Session expired</body></html>", "export.xls"))


def test_a_page_cannot_claim_more_cells_than_it_could_hold(tmp_path):
    rows = "<tr>" + "<td colspan=2000>Sex</td>" * 3_000 + "</tr>"
    with pytest.raises(SchemaError):
        read(written(tmp_path, f"<table>{rows}</table>".encode(), "export.xls"))


def test_compressed_text(tmp_path, monkeypatch):
    packed = gzip.compress(CHINESE.encode("gb18030"))
    people = read(written(tmp_path, packed, "clinic.csv.gz"))
    assert people.frame.columns == NAMES
    with pytest.raises(SchemaError, match="damaged gzip"):
        read(written(tmp_path, packed[:-20], "half.csv.gz"))
    with pytest.raises(SchemaError, match="gunzip"):
        read(written(tmp_path, packed, "clinic.dta.gz"))
    monkeypatch.setattr("osteo_epi.cohort.readers._encoding._MOST", 1_000)
    with pytest.raises(SchemaError, match="unpacks to more than"):
        read(written(tmp_path, gzip.compress(b"0" * 1_000_000), "bomb.csv.gz"))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("euc_jp", "患者番号,性別,年齢,大腿骨頸部骨密度\nA1,女性,61,0.7\n"),
        ("cp850", "código,sexo,edad,DMO cuello femoral\nA1,mujer,61,0.7\n"),
        ("cp850", "identifiant,sexe,âge,DMO col fémoral\nA1,femme,61,0.7\n"),
    ],
)
def test_seldom_encodings_are_taken_where_headings_tell_them(tmp_path, encoding, text):
    path = tmp_path / "clinic.csv"
    path.write_bytes(text.encode(encoding))
    people = read(path)
    assert people.frame.columns == ["person_id", "age", "sex", "abmd_femoral_neck"]
    assert people["sex"].to_list() == ["female"]
    assert people.source.encoding == encoding
