"""The codebook as people read it: listed, searched, folded in a notebook."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.cohort import codebook, column_of, read

BOOK = codebook()


def cells(text):
    """How wide a text is on a terminal."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def said(*words, columns="100"):
    result = CliRunner().invoke(main, ["variables", *words], env={"COLUMNS": columns})
    return result.exit_code, result.output


def test_every_heading_that_is_listed_is_read_as_its_variable():
    names = list(BOOK.variables)
    wrong = [
        (name, heading, column_of(heading, names))
        for name in names
        for heading in BOOK.headings(name)
        if column_of(heading, names) != name
    ]
    assert not wrong
    without = [name for name in names if not BOOK.headings(name)]
    assert all(name.startswith("invalid_reason") for name in without)


def test_a_heading_that_is_listed_is_read_from_a_file(tmp_path):
    for heading in BOOK.headings("t_score_total_hip_reported"):
        pl.DataFrame({"age": [61], heading: [-2.1]}).write_csv(tmp_path / "clinic.csv")
        assert "t_score_total_hip_reported" in read(tmp_path / "clinic.csv").columns


@pytest.mark.parametrize("columns", ["40", "80", "100", "200"])
def test_the_list_fits_the_terminal(columns):
    code, text = said(columns=columns)
    assert code == 0
    width = min(max(int(columns), 80), 120)
    assert max(map(cells, text.splitlines())) <= width
    assert all(f"\n{name}" in f"\n{text}" for name in BOOK.variables)


@pytest.mark.parametrize(
    ("words", "first", "others"),
    [
        (("neck",), "abmd_femoral_neck [g/cm2]", "t_score_femoral_neck_reported"),
        (("股骨颈", "T值"), "t_score_femoral_neck_reported [SD]", "t_score_femoral_neck_left"),
        (("neck", "t"), "t_score_femoral_neck_reported [SD]", "t_score_femoral_neck_left"),
        (("PTH",), "pth [pg/mL]", ""),
        (("L1-L4 BMD",), "abmd_lumbar_spine [g/cm2]", ""),
        (("DXXNKBMD",), "abmd_femoral_neck [g/cm2]", ""),
        (("sex",), "sex", "one of female; male"),
        (("鹿特丹",), "", ""),
    ],
)
def test_a_word_finds_its_variables(words, first, others):
    code, text = said(*words)
    assert (code == 0) == bool(first)
    assert text.splitlines()[0] == first or not first
    assert others in text


def test_what_is_not_found_names_the_nearest_words():
    code, text = said("osteoporosiss")
    assert code == 2
    assert text.count("\n") == 1
    code, text = said("heigth")
    assert code == 2
    assert "nearest: height" in text


def test_the_codebook_shows_itself_in_one_line_and_lists_itself_when_printed():
    assert repr(BOOK).startswith(f"Codebook({len(BOOK.variables)} variables; print(codebook)")
    assert len(repr(BOOK)) <= 160
    assert str(BOOK.search("neck")).startswith("abmd_femoral_neck [g/cm2]\n    Areal bone")
    assert "abmd_femoral_neck" not in str(oe.codebook().search("pth"))


def test_a_notebook_holds_every_variable_folded():
    html = BOOK._repr_html_()
    assert html.startswith("<details><summary>")
    assert html.count("<tr>") == len(BOOK.variables) + 1
    assert "股骨颈骨密度" in html


def test_the_frame_has_the_headings():
    frame = BOOK.to_frame()
    assert frame.columns[-1] == "headings"
    assert frame.filter(name="age")["headings"].item().startswith("年龄") or "年龄" in (
        frame.filter(name="age")["headings"].item()
    )


@pytest.mark.parametrize(
    ("heading", "variable"),
    [("FN BMD", "abmd_femoral_neck"), ("HipBMD", "no variable"), ("Neck area", "no variable")],
)
def test_the_last_line_says_what_a_heading_is_read_as(heading, variable):
    """A list of what tells of its words looked as if the first of them were what it is read as."""
    _, text = said(heading)
    assert text.splitlines()[-1] == f"As a heading {heading!r} is read as {variable}."
