"""Tables that were made for readers: titles, headings in two rows, totals, several sheets."""

from __future__ import annotations

import polars as pl
import pytest
import xlsxwriter
from click.testing import CliRunner

from osteo_epi.cli import main
from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError

TWO_ROWS = "编号,性别,年龄,腰椎,,股骨颈,\n,,,骨密度,T值,骨密度,T值\n"
BODY = "P1,女,61,0.912,-1.1,0.702,-1.4\nP2,男,70,0.853,-1.9,0.688,-1.8\n"
NAMES = [
    "person_id",
    "age",
    "sex",
    "abmd_lumbar_spine",
    "abmd_femoral_neck",
    "t_score_lumbar_spine_reported",
    "t_score_femoral_neck_reported",
]


def text_file(folder, content, name="clinic.csv"):
    """A text file of this content."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def workbook(folder, sheets, name="clinic.xlsx"):
    """A workbook, its sheets as rows of cells."""
    path = folder / name
    with xlsxwriter.Workbook(path) as book:
        for title, rows in sheets.items():
            sheet = book.add_worksheet(title)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
    return path


def cells(text):
    """Rows of cells; numbers where they are some."""
    rows = [line.split(",") for line in text.strip().split("\n")]
    return [[float(c) if c.strip("-").replace(".", "").isdecimal() else c for c in r] for r in rows]


HEADS = {
    "plain": ("编号,性别,年龄,腰椎骨密度,腰椎T值,股骨颈骨密度,股骨颈T值\n", 0, 1),
    "title": (
        "某医院骨密度登记表,,,,,,\n2019年,,,,,,\n编号,性别,年龄,腰椎骨密度,腰椎T值,股骨颈骨密度,股骨颈T值\n",
        2,
        1,
    ),
    "two rows": (TWO_ROWS, 0, 2),
    "title and two rows": ("某医院骨密度登记表,,,,,,\n" + TWO_ROWS, 1, 2),
    "sites above": (",,,腰椎,,股骨颈,\n编号,性别,年龄,骨密度,T值,骨密度,T值\n", 0, 2),
    "one site above": (",,,腰椎,,,\n编号,性别,年龄,骨密度,T值,股骨颈骨密度,股骨颈T值\n", 0, 2),
    "quantities above": (
        "编号,性别,年龄,骨密度,T值,骨密度,T值\n,,,腰椎,腰椎,股骨颈,股骨颈\n",
        0,
        2,
    ),
    "groups": ("基本信息,,,腰椎,,股骨颈,\n编号,性别,年龄,骨密度,T值,骨密度,T值\n", 0, 2),
    "english": ("ID,Sex,Age,Lumbar spine,,Femoral neck,\n,,,BMD,T-score,BMD,T-score\n", 0, 2),
    "units": (
        "编号,性别,年龄,腰椎骨密度,腰椎T值,股骨颈骨密度,股骨颈T值\n,,岁,g/cm2,SD,g/cm2,SD\n",
        0,
        2,
    ),
}


MERGED = {
    "regions below": "ID,Sex,Age,DXA,\n,,,Neck BMD,L1-L4 BMD\n",
    "regions below, dashes": "ID,Sex,Age,DXA,\n-,-,-,Neck BMD,L1-L4 BMD\n",
    "a quantity above": "ID,Sex,Age,BMD (g/cm2),\n-,-,-,Femoral neck,L1-L4\n",
    "Chinese": "编号,性别,年龄,双能X线,\n—,—,—,股骨颈骨密度,腰椎骨密度\n",
}


@pytest.mark.parametrize("kind", MERGED)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_merged_headings_over_named_columns_are_two_rows(tmp_path, kind, form):
    text = MERGED[kind] + "P1,female,61,0.702,0.912\nP2,male,70,0.688,0.853\n"
    is_text = form == "csv"
    path = text_file(tmp_path, text) if is_text else workbook(tmp_path, {"S": cells(text)})
    people = read(path)
    assert people["abmd_femoral_neck"].to_list() == [0.702, 0.688]
    assert people["abmd_lumbar_spine"].to_list() == [0.912, 0.853]
    assert [f.n for f in people.findings.of("heading_rows")] == [2]


@pytest.mark.parametrize("above", ["QCT", "Change", "变化率"])
def test_what_stands_above_a_heading_is_not_dropped_where_it_makes_another_thing_of_it(
    tmp_path, above
):
    head = f"ID,Sex,Age,{above},\n,,,Lumbar spine T,L1 Z\n"
    path = text_file(tmp_path, head + "P1,female,61,-3.1,-1.9\nP2,male,70,-2.6,-1.1\n")
    people = read(path, header_rows=2)
    assert not [name for name in people.columns if name.endswith("_reported")]
    assert f"{above} Lumbar spine T" in people.columns


def test_a_column_without_a_heading_is_no_column_to_map(tmp_path):
    head = "ID,Sex,Age,Measured,,FN BMD\n,,,by us,yesterday,\n"
    people = read(text_file(tmp_path, head + "P1,female,61,a,b,0.702\n"))
    assert "unnamed_5" in people.columns
    for code in ("no_heading", "unknown_heading"):
        fix = people.findings.of(code)[-1].fix
        assert "--header-rows 2" in fix
        assert "map=" not in fix
    path = text_file(tmp_path, "ID,Sex,Age,DXA,\n,,,by us,yesterday\nP1,female,61,a,b\n")
    said = CliRunner().invoke(main, ["check", str(path)])
    assert said.exit_code == 2
    assert "stand in two rows, say --header-rows 2" in said.output


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_headings_are_found_wherever_they_stand(tmp_path, kind, form):
    head, above, depth = HEADS[kind]
    is_text = form == "csv"
    path = (
        text_file(tmp_path, head + BODY)
        if is_text
        else workbook(tmp_path, {"S": cells(head + BODY)})
    )
    people = read(path)
    assert sorted(people.frame.columns) == sorted(NAMES)
    assert people["t_score_femoral_neck_reported"].to_list() == [-1.4, -1.8]
    assert [f.n for f in people.findings.of("title_rows")] == [above] * bool(above)
    assert [f.n for f in people.findings.of("heading_rows")] == [depth] * (depth > 1)


def test_the_caller_says_where_the_headings_are(tmp_path):
    head = "my sheet,a,b,c\nno,who,old,neck\n,,,BMD\n"
    path = text_file(tmp_path, head + "P1,女,61,0.7\n")
    names = {"no": "person_id", "who": "sex", "old": "age"}
    people = read(path, skip_rows=1, header_rows=2, map=names)
    assert people.frame.rows() == [("P1", 61.0, "female", 0.7)]
    assert not {"title_rows", "heading_rows"} & set(people.findings.codes)
    bare = text_file(tmp_path, "P1,女,61\nP2,男,70\n", "bare.csv")
    names = {"column_1": "person_id", "column_2": "sex", "column_3": "age"}
    assert read(bare, header_rows=0, map=names)["age"].to_list() == [61.0, 70.0]
    with pytest.raises(SchemaError, match=r"--skip-rows"):
        read(bare, skip_rows=40)
    with pytest.raises(SchemaError, match=r"header_rows= \(--header-rows\) takes a number"):
        read(bare, header_rows=-1)


def test_what_was_taken_for_headings_is_shown_unless_it_may_be_a_persons(tmp_path):
    path = text_file(tmp_path, "alpha,beta\nP1,61\nP2,70\n")
    with pytest.raises(SchemaError, match=r"taken for headings: 'alpha', 'beta'.*--header-rows"):
        read(path)
    for row in ("Zhou Enlai,61,0.812", "Zhou Enlai,F,yes"):
        with pytest.raises(SchemaError) as error:
            read(text_file(tmp_path, f"{row}\n{row}\n"))
        assert "Zhou" not in str(error.value)
        assert "0.812" not in str(error.value)
    # A broken workbook: numbers stand below, and one cell alone of the row is an answer.
    with pytest.raises(SchemaError) as error:
        read(text_file(tmp_path, "alpha,Zhou Enlai,beta,gamma,male\n" + "1,2,3,4,5\n" * 3))
    assert "Zhou" not in str(error.value)
    with pytest.raises(SchemaError) as error:
        read(text_file(tmp_path, "Zhou Enlai,Beijing\nMao,Hunan\n"))
    assert "Zhou" not in str(error.value)


def test_a_row_of_words_below_the_headings_is_a_person(tmp_path):
    path = text_file(tmp_path, "id,sex,age,FN BMD\nP1,F,NA,NA\nP2,M,70,0.7\n")
    assert read(path)["person_id"].to_list() == ["P1", "P2"]


TOTALS = "P1,女,61,0.71\nP2,男,70,0.69\n"


@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ("合计,2,,\n", 1),
        ("合 计,,,\n平均,,65.5,0.70\nMean ± SD,,,0.70\n", 2),
        ("Total,,,\n", 1),
        ("注：T值按厂家参考值计算,,,\n", 1),
        ("Note: by the maker's reference\n", 1),
        ("小计,,,0.70\nP3,女,66,0.66\n总计,,,\n", 2),
        ("女性合计,,66,0.70\nSubtotal Men,,65,0.71\nP值,,0.03,0.01\n", 3),
    ],
)
def test_totals_and_remarks_are_left_out_and_counted(tmp_path, rows, n):
    people = read(text_file(tmp_path, "编号,性别,年龄,股骨颈骨密度\n" + TOTALS + rows))
    if "合 计" in rows:
        n += 1
    assert [f.n for f in people.findings.of("total_rows")] == [n]
    assert set(people["person_id"].to_list()) <= {"P1", "P2", "P3"}
    assert people["person_id"].null_count() == 0


def test_a_person_who_is_called_total_stays(tmp_path):
    rows = "Total,F,66,0.7\nSum,M,58,0.8\n"
    people = read(text_file(tmp_path, "name,sex,age,FN BMD\nA,F,61,0.71\nB,M,70,0.7\n" + rows))
    assert len(people.frame) == 4
    assert [f.n for f in people.findings.of("total_or_person")] == [2]


@pytest.mark.parametrize("mean", ["Mean", "Standard deviation", "Promedio"])
def test_a_mean_row_goes_though_it_has_an_age_where_nobody_has_a_sex(tmp_path, mean):
    people = read(
        text_file(tmp_path, f"id,age,FN BMD\nA,61,0.71\nTotal,70,0.7\n{mean},65.5,0.7\n"),
        sex_coding=None,
    )
    assert people["age"].to_list() == [61.0, 70.0]


def test_rows_of_tests_and_phantoms_are_said_and_count(tmp_path):
    rows = "TEST,F,65,0.71\nSpine Phantom,,,1.01\nTesta,F,66,0.7\n"
    people = read(text_file(tmp_path, "ID,Sex,Age,FN BMD\n" + rows))
    assert len(people.frame) == 3
    assert [f.n for f in people.findings.of("test_rows")] == [2]


def test_totals_of_a_frame():
    frame = pl.DataFrame(
        {"id": ["1", "2", "Mean"], "sex": ["F", "M", None], "age": [61.0, 70.0, 65.5]}
    )
    assert len(read(frame).frame) == 2


def test_the_sheet_of_most_known_headings_is_read(tmp_path):
    path = workbook(
        tmp_path,
        {
            "说明": [["本表由体检中心导出"], ["联系人"]],
            "2018": cells("编号,性别,年龄,股骨颈骨密度\n" + TOTALS),
            "2019": cells("编号,性别,年龄,股骨颈骨密度\nP3,女,55,0.8\n"),
        },
    )
    people = read(path)
    (said,) = people.findings.of("several_sheets")
    assert people["person_id"].to_list() == ["P1", "P2"]
    assert said.severity == "warning"
    assert "'2019' with the same headings" in said.message
    assert "--sheet" in said.fix
    for sheet in ("2019", 2, "2"):
        assert read(path, sheet=sheet)["person_id"].to_list() == ["P3"]
    with pytest.raises(SchemaError, match=r"--sheet.*it has 0 '说明'"):
        read(path, sheet=7)


def test_a_stray_cell_far_to_the_right_makes_no_columns(tmp_path):
    """Each of the 16,000 columns was once looked at through all the others: 40 s a file."""
    rows = [["id", "sex", "age", "T-score femoral neck"], ["1", "female", "61", "-2.6"]]
    rows[0] += [None] * (16_384 - len(rows[0]))
    rows[1] += [None] * (16_383 - len(rows[1])) + [" "]
    path = workbook(tmp_path, {"clinic": rows})
    people = read(path)
    assert people["t_score_femoral_neck_reported"].to_list() == [-2.6]
    assert len(people.columns) < 10


def test_rows_shorter_than_the_headings_are_said_and_refused_where_all_are(tmp_path):
    head = "编号,性别,年龄,绝经(1=是, 2=否),腰椎T值,股骨颈T值\n"
    with pytest.raises(SchemaError, match="no row has as many cells as there are headings"):
        read(text_file(tmp_path, head + "P1,女,61,1,-1.1,-1.4\nP2,男,70,,-1.9,-1.8\n"))
    rows = "P1,女,61,1,-1.1,-1.4\nP2,男,70,-1.9,-1.8\n合计,2,,\n"
    people = read(text_file(tmp_path, head.replace(", 2=否", "") + rows))
    assert people.findings.of("short_rows")[0].n == 1
    full = "P1,女,61,1,-1.1,-1.4\n注：示例\n合计,1,\n"
    assert not read(text_file(tmp_path, head.replace(", 2=否", "") + full)).findings.of(
        "short_rows"
    )


def test_a_sheet_of_answers_to_choose_from_is_no_table_and_no_fault(tmp_path):
    """The workbook was refused, for the list's first row is no row of headings."""
    people = [["编号", "性别", "年龄", "腰椎T值"], ["P1", "女", 61, -1.1]]
    for answers in ([["男"], ["女"]], [["1"], ["2"]], [["yes", "no"]]):
        path = workbook(tmp_path, {"people": people, "lists": answers})
        (said,) = read(path).findings.of("several_sheets")
        assert said.message == "the workbook has 2 sheets; 'people' was read"


def test_a_hidden_sheet_is_read_only_where_none_that_is_shown_has_half_its_headings(tmp_path):
    path = tmp_path / "clinic.xlsx"
    old = ["编号", "性别", "年龄", "腰椎T值", "股骨颈T值"]
    for shown, read_one, severity in ((old[:4], "now", "note"), (old[:2], "old", "warning")):
        with xlsxwriter.Workbook(path) as book:
            for title, head in {"old": old, "now": shown}.items():
                sheet = book.add_worksheet(title)
                sheet.write_row(0, 0, head)
                sheet.write_row(1, 0, ["P1", "女", 61, -1.1, -1.4][: len(head)])
            book.get_worksheet_by_name("old").hide()
            book.get_worksheet_by_name("now").activate()
        (said,) = read(path).findings.of("several_sheets")
        assert f"{read_one!r} was read" in said.message
        assert said.severity == severity
