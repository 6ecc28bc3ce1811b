"""Merged cells of a workbook: the file says which rows and columns a cell is of."""

from __future__ import annotations

import time
import zipfile

import numpy as np
import polars as pl
import pytest
import xlsxwriter

from osteo_epi.cohort import read

HEAD = ["ID", "Sex", "Age", "Visit", "Neck BMD", "Village"]
ROWS = [
    ["P1", "F", 61, "V1", 0.702, "north"],
    ["", "", "", "V2", 0.690, ""],
    ["P2", "F", 66, "V1", 0.588, ""],
    ["P3", "M", 70, "V1", 0.811, ""],
]


def workbook(folder, rows, merged=(), *, corner=(0, 0), name="clinic.xlsx"):
    """A workbook; merged cells as first row, first column, last row, last column of the table."""
    path, (above, left) = folder / name, corner
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("People & <scans>")
        book.add_worksheet("Notes").write(0, 0, "nothing")
        for i, row in enumerate(rows):
            sheet.write_row(i + above, left, [cell or None for cell in row])
        for top, first, last, right in merged:
            cell = rows[top][first]
            sheet.merge_range(top + above, first + left, last + above, right + left, cell)
    return path


@pytest.mark.parametrize("corner", [(0, 0), (3, 2)])
def test_what_a_merged_cell_says_of_people_is_said_of_each_of_its_rows(tmp_path, corner):
    merged = [(1, 0, 2, 0), (1, 1, 3, 1), (1, 5, 4, 5)]
    people = read(workbook(tmp_path, [HEAD, *ROWS], merged, corner=corner))
    assert people["person_id"].to_list() == ["P1", "P1", "P2", "P3"]
    assert people["sex"].to_list() == ["female", "female", "female", "male"]
    assert people["age"].to_list() == [61.0, 61.0, 66.0, 70.0]  # of the person, with the identifier
    assert people["Village"].to_list() == ["north"] * 4
    (told,) = people.findings.of("merged_cells")
    assert (told.n, set(told.column.split(", "))) == (6, {"ID", "Sex", "Age", "Village"})
    assert not people.findings.of("filled_down")
    assert not people.findings.of("merged_measurements")


@pytest.mark.parametrize("column", ["Neck BMD", "my reading", "neck T"])
def test_a_measurement_over_several_rows_is_given_to_nobody_else(tmp_path, column):
    head = [column if name == "Neck BMD" else name for name in HEAD]
    rows = [["P1", "F", 61, "V1", 0.5, "n"], ["P2", "F", 66, "V1", "", "n"]]
    chosen = {"my reading": "abmd_femoral_neck"} if column == "my reading" else {}
    people = read(workbook(tmp_path, [head, *rows], [(1, 4, 2, 4)]), map=chosen)
    name = "t_score_femoral_neck_reported" if column == "neck T" else "abmd_femoral_neck"
    assert people[name].to_list() == [0.5, None]
    assert [f.n for f in people.findings.of("merged_measurements")] == [1]


def test_a_measurement_over_several_columns_is_said(tmp_path):
    """Neck and hip in one cell: the neck was given it without a word."""
    head = ["ID", "Sex", "Age", "Neck BMD", "Total hip BMD"]
    rows = [["P1", "F", 61, 0.61, ""], ["P2", "F", 66, 0.7, 0.8]]
    people = read(workbook(tmp_path, [head, *rows], [(1, 3, 1, 4)]))
    assert people["abmd_femoral_neck"].to_list() == [0.61, 0.7]
    (told,) = people.findings.of("merged_across")
    assert (told.n, told.column, told.severity) == (1, "Neck BMD", "warning")
    # Above the table a title may stand over as many columns as it likes.
    titled = workbook(tmp_path, [["Clinic", *[""] * 4], head, *rows], [(0, 0, 0, 4)], name="t.xlsx")
    assert not read(titled).findings.of("merged_across")


def test_rows_that_hold_nothing_of_their_own_stay_empty(tmp_path):
    rows = [*ROWS[2:], ["Remark: P3 came late", "", "", "", "", ""], [""] * 6, [""] * 6]
    people = read(workbook(tmp_path, [HEAD, *rows], [(3, 0, 5, 0), (3, 1, 5, 5)]))
    assert people["person_id"].to_list() == ["P2", "P3"]


def test_a_heading_is_over_the_columns_that_it_is_merged_with_and_no_others(tmp_path):
    top = ["No", "Sex", "Age", "Lumbar spine", "", "", ""]
    below = ["", "", "", "BMD", "T-score", "Weight", "Neck BMD"]
    body = [["P1", "F", 61, 0.912, -1.1, 60, 0.7], ["P2", "M", 70, 0.853, -1.9, 71, 0.8]]
    upright = [(0, i, 1, i) for i in range(3)]
    path = workbook(tmp_path, [top, below, *body], [*upright, (0, 3, 0, 4)])
    for people in (read(path), read(path, header_rows=2)):
        assert people["abmd_lumbar_spine"].to_list() == [0.912, 0.853]
        assert people["t_score_lumbar_spine_reported"].to_list() == [-1.1, -1.9]
        assert people["weight"].to_list() == [60.0, 71.0]
        assert people["abmd_femoral_neck"].to_list() == [0.7, 0.8]
    below[6] = "BMD"  # stands under no region: nothing tells of which it is
    people = read(workbook(tmp_path, [top, below, *body], [*upright, (0, 3, 0, 4)]))
    assert people["abmd_lumbar_spine"].to_list() == [0.912, 0.853]
    assert "BMD" in people.columns


def test_rows_of_regions_are_of_the_person_whose_cell_is_merged_over_them(tmp_path):
    head = ["ID", "Sex", "Age", "Scan date", "Region", "BMD", "T-score"]
    rows = [
        ["P1", "F", 61, "2024-03-01", "Femoral neck", 0.70, -1.4],
        ["", "", "", "", "Total hip", 0.80, -1.2],
        ["P2", "M", 70, "2024-03-02", "Femoral neck", 0.66, -2.6],
        ["", "", "", "", "Total hip", 0.75, -2.1],
    ]
    people = read(workbook(tmp_path, [head, *rows], [(1, 0, 2, 0), (3, 0, 4, 0)]))
    assert people.frame.select("person_id", "sex", "abmd_total_hip").rows() == [
        ("P1", "female", 0.80),
        ("P2", "male", 0.75),
    ]


def test_rows_that_a_filter_hides_are_read_and_said(tmp_path):
    path = tmp_path / "clinic.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for i, row in enumerate([["A title"], [], HEAD, *ROWS[2:]]):
            sheet.write_row(i, 0, row)
        sheet.set_row(0, None, None, {"hidden": True})
        sheet.set_row(3, None, None, {"hidden": True})
    people = read(path)
    assert len(people.frame) == 2
    assert [f.n for f in people.findings.of("hidden_rows")] == [1]


def test_cells_that_are_struck_through_are_read_and_said(tmp_path):
    """Who was struck from the list counted like everybody else."""
    path = tmp_path / "clinic.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, line = book.add_worksheet(), book.add_format({"font_strikeout": True})
        for i, row in enumerate([HEAD, *ROWS[2:]]):
            sheet.write_row(i, 0, row, line if i == 1 else book.add_format({"bold": True}))
    (finding,) = read(path).findings.of("struck_through")
    assert (finding.n, finding.column) == (5, ", ".join(HEAD[:5]))


def test_cells_in_which_a_formula_gave_nothing_are_said(tmp_path):
    """They are empty for a reader, and the other regions made the class without a word."""
    path = tmp_path / "clinic.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(1, 1, ["ID", "Sex", "Age", "FN BMD", "TH BMD"])
        for i, (fn, th) in enumerate([(0.7, 0.8), ("#DIV/0!", 0.9), ("", 0.8), (0.6, "#N/A")]):
            sheet.write_row(2 + i, 1, [f"P{i}", "F", 61 + i])
            sheet.write_formula(2 + i, 4, "=A9/3", None, fn)
            sheet.write_formula(2 + i, 5, "=A9/4", None, th)
    people = read(path)
    assert people["abmd_femoral_neck"].to_list() == [0.7, None, None, 0.6]
    (errors,) = people.findings.of("cell_errors")
    assert (errors.severity, errors.n, errors.column) == ("warning", 2, "FN BMD, TH BMD")
    (unsaved,) = people.findings.of("unsaved_formulas")
    assert (unsaved.n, unsaved.column) == (1, "FN BMD")


def with_merges(path, refs):
    """The same workbook, its first sheet with these merged cells."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    said = "".join(f'<mergeCell ref="{ref}"/>' for ref in refs)
    parts[sheet] = parts[sheet].replace(
        b"</sheetData>", f"</sheetData><mergeCells>{said}</mergeCells>".encode()
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return path


ODD = {
    "more rows than there are": ["A2:A1048576"],
    "beyond any sheet": ["ZZZ9999999:ZZZ9999999", "A0:A0", "A3:A2", "F2:A1"],
    "over one another": [f"B2:B{i}" for i in range(1_000_000, 1_030_000)],
    "no references": ["", "A", "1:2", "A1:", "甲1:甲2"],
}


@pytest.mark.parametrize("kind", ODD)
def test_merged_cells_of_a_broken_file_ask_for_nothing(tmp_path, kind):
    path = with_merges(workbook(tmp_path, [HEAD, *ROWS]), ODD[kind])
    start = time.perf_counter()
    people = read(path)
    assert time.perf_counter() - start < 20  # [s]
    assert people["abmd_femoral_neck"].to_list() == [0.702, 0.690, 0.588, 0.811]


def test_each_row_finds_the_merged_cell_that_it_stands_under(tmp_path):
    """A thousand blocks of two to four rows, against a loop over them."""
    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 5, 1000)
    rows, merged, right = [["ID", "Sex", "Age", "Neck BMD"]], [], []
    for i, size in enumerate(sizes):
        rows += [[f"P{i}" if j == 0 else "", "F", 50 + i % 40, 0.7] for j in range(size)]
        right += [f"P{i}"] * size
        if size > 1:
            merged.append((len(rows) - size, 0, len(rows) - 1, 0))
    people = read(workbook(tmp_path, rows, merged))
    assert people["person_id"].to_list() == right
    assert isinstance(people.frame, pl.DataFrame)
