"""A report on paper: Word and PDF say what the page says, and the same report is the same file."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import docx
import polars as pl
import pytest
from docx.oxml.ns import qn

from osteo_epi.errors import OutputError
from osteo_epi.report.document import (
    Block,
    Box,
    Code,
    Document,
    Figure,
    Folded,
    Heading,
    Listing,
    Paragraph,
    Reference,
    References,
    Table,
)
from osteo_epi.tables import JournalTable

MARKUP = r"a *b* _c_ $x$ #let y = 1 \ @ref <tag> // = + - `raw` [n] & ~ ' \""
READS_PDF = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext")


def drawing() -> Any:
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(4, 3))
    canvas.subplots().set_title("骨质疏松 drawn")
    return canvas


def fails() -> Any:
    raise ZeroDivisionError("a participant's value")


def cells(columns: int, text: str = "12.34 (11.11–13.33)", rows: int = 3) -> JournalTable:
    names = (MARKUP, *(f"Column {k}" for k in range(1, columns)))
    row = (MARKUP, *(text for _ in range(1, columns)))
    return JournalTable(
        "", names, (row,) * rows, ("One", *("Two",) * (rows - 1)), (MARKUP,), pl.DataFrame()
    )


BLOCKS: tuple[Block, ...] = (
    Paragraph("What must be said.", style="label"),
    Paragraph(MARKUP, style="lead"),
    Heading(MARKUP, name="first"),
    Paragraph("患病率为三成。", style="quote", language="zh"),
    Listing((MARKUP,)),
    Table(1, MARKUP, cells(3), name="cells"),
    Figure(1, MARKUP, "What it shows.", drawing, name="drawn"),
    Figure(2, "One that fails.", "", fails, name="fails"),
    Heading("Second", name="second"),
    Heading("Third", level=3),
    Box(MARKUP, (Paragraph(MARKUP, style="note"), Table(None, "Of a box", cells(2)))),
    Table(2, "Wide", cells(11), name="wide"),
    Folded(MARKUP, (Code(MARKUP), Paragraph(MARKUP))),
    References((Reference(1, MARKUP, doi="10.1/x", use=MARKUP), Reference(2, "Another."))),
)
REPORT = Document("A title", "A. Author", date(2026, 1, 31), "en", "SIMULATED people", BLOCKS)


def opened(report: Document) -> Any:
    return docx.Document(io.BytesIO(report.to_docx()))


def texts(file: Any) -> list[str]:
    """Every text of the body, in the cells of tables too."""
    return [
        "".join(t.text or "" for t in p.iter(qn("w:t"))) for p in file.element.body.iter(qn("w:p"))
    ]


def pages(report: Document, folder: Path) -> str:
    path = folder / "report.pdf"
    path.write_bytes(report.to_pdf())
    answer = subprocess.run(["pdftotext", "-raw", str(path), "-"], capture_output=True, check=True)
    return answer.stdout.decode()


def test_the_same_report_is_the_same_file() -> None:
    assert REPORT.to_docx() == REPORT.to_docx()
    assert REPORT.to_pdf() == REPORT.to_pdf()
    assert REPORT.to_pdf() != replace(REPORT, title="Another").to_pdf()


def test_no_text_is_markup_in_word() -> None:
    told = texts(opened(REPORT))
    assert sum(MARKUP in text for text in told) >= len(BLOCKS)


@READS_PDF
def test_no_text_is_markup_in_a_pdf(tmp_path: Path) -> None:
    told = "".join(pages(REPORT, tmp_path).split())
    assert told.count("".join(MARKUP.split())) >= len(BLOCKS)
    assert "患病率为三成。" in told
    assert "骨质疏松drawn" in told


@READS_PDF
def test_the_label_stands_on_every_page_of_a_pdf(tmp_path: Path) -> None:
    sheets = pages(REPORT, tmp_path).split("\f")[:-1]
    assert len(sheets) > 2
    assert all("SIMULATED people" in sheet for sheet in sheets)


@READS_PDF
def test_levels_stand_to_the_right_of_their_variable_in_a_pdf(tmp_path: Path) -> None:
    """Table 1 has no sections: its levels and those missing are set in by the rows' own indents."""
    rows = (("Variable", "1"), ("Level", "2"), ("Deeper", "3"))
    table = JournalTable("", ("", "n"), rows, ("",) * 3, (), pl.DataFrame(), indents=(0, 1, 2))
    path = tmp_path / "report.pdf"
    path.write_bytes(replace(REPORT, blocks=(Table(1, "A table", table),)).to_pdf())
    told = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, check=True)
    left = dict(re.findall(r'xMin="([\d.]+)"[^>]*>(\w+)<', told.stdout.decode()))
    at = {word: float(place) for place, word in left.items()}
    assert at["Variable"] + 5 < at["Level"] < at["Deeper"] - 5


def narrow(n: int) -> JournalTable:
    """Under two names of several words, columns that hold no more than a star."""
    names = (("", 1), ("Osteoporosis", 1), ("Low bone mass", 1))
    rows = tuple((f"row{k}", "*", "*") for k in range(n))
    heads = ("Age", "% (95% CI)", "% (95% CI)")
    return JournalTable(
        "", heads, rows, ("",) * n, (), pl.DataFrame(), ("left", "decimal", "decimal"), names
    )


@READS_PDF
def test_names_over_narrow_columns_do_not_run_into_each_other(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(replace(REPORT, blocks=(Table(1, "A table", narrow(2)),)).to_pdf())
    told = subprocess.run(["pdftotext", "-bbox", str(path), "-"], capture_output=True, check=True)
    box = r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)"[^>]*>'
    ends = {w: (float(a), float(y), float(b)) for a, y, b, w in
            re.findall(box + r"(\w+)<", told.stdout.decode())}  # fmt: skip
    assert ends["Osteoporosis"][2] < ends["Low"][0]
    assert ends["Low"][1] == ends["mass"][1]


@READS_PDF
def test_a_short_table_stands_on_one_page_and_a_long_one_goes_on(tmp_path: Path) -> None:
    def sheets(n: int, above: int) -> int:
        blocks = (*(Paragraph("A line.") for _ in range(above)), Table(1, "A table", narrow(n)))
        told = pages(replace(REPORT, blocks=blocks), tmp_path)
        return sum("row" in sheet for sheet in told.split("\f"))

    assert {sheets(6, above) for above in range(20, 40, 3)} == {1}
    assert sheets(60, 20) > 1


@READS_PDF
def test_the_next_page_repeats_the_heading_of_its_rows(tmp_path: Path) -> None:
    """That of a section, and of a variable of Table 1; rows that are of none have none."""

    def first_rows(sections: tuple[str, ...], indents: tuple[int, ...]) -> list[list[str]]:
        names = (f"Variable{k}" if indents[k : k + 2] == (0, 1) else f"row{k}" for k in range(n))
        rows = tuple((name, "" if name[0] == "V" else "5") for name in names)
        table = JournalTable("", ("", "n"), rows, sections, (), pl.DataFrame(), indents=indents)
        told = pages(replace(REPORT, blocks=(Table(1, "A table", table),)), tmp_path)
        word = re.compile("(Section|Variable|row)[0-9]+")
        return [[m[0] for m in word.finditer(sheet)][:2] for sheet in told.split("\f") if sheet]

    n = 200
    _, second, *_ = first_rows(("Section1",) * 40 + ("Section2",) * 160, (0,) * n)
    assert second[0] == "Section2"
    assert second[1].startswith("row")
    _, second, *_, last = first_rows(("",) * n, (0,) + (1,) * 99 + (0,) * 100)
    assert second[0] == "Variable0"
    assert last[0].startswith("row")


@READS_PDF
def test_a_table_is_not_called_twice_what_it_stands_under(tmp_path: Path) -> None:
    inside = (Table(None, "Noticed", cells(2)), Table(None, "Sources", cells(2)))
    told = pages(replace(REPORT, blocks=(Folded("Noticed", inside),)), tmp_path)
    assert told.count("Noticed") == told.count("Sources") == 1


def test_the_rows_of_a_short_table_stay_on_one_page_in_word() -> None:
    for n, is_short in ((3, True), (60, False)):
        (table,) = opened(replace(REPORT, blocks=(Table(1, "A table", narrow(n)),))).tables
        kept = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in table.rows]
        assert all(kept[:-1]) == is_short
        assert not kept[-1]


def test_no_word_over_a_narrow_column_breaks_in_word() -> None:
    """A digit of 8.5 points is half as wide as it is high, and a bold letter hardly narrower."""
    (table,) = opened(replace(REPORT, blocks=(Table(1, "A table", narrow(2)),))).tables
    assert table.columns[1].width.pt > 8.5 * 0.5 * len("Osteoporosis") + 8


def test_what_introduces_a_quoted_text_stays_on_its_page() -> None:
    both = Paragraph("To be checked.", style="note"), Paragraph("The text.", style="quote")
    told = {p.text: p for p in opened(replace(REPORT, blocks=both)).paragraphs}
    assert told["To be checked."].paragraph_format.keep_with_next
    assert not told["The text."].paragraph_format.keep_with_next


def test_word_has_its_own_headings_contents_and_captions() -> None:
    file = opened(REPORT)
    styles = [(p.style.name, p.text) for p in file.paragraphs]
    assert ("Heading 1", "Second") in styles
    assert ("Heading 2", "Third") in styles
    assert ("Caption", f"Figure 1. {MARKUP}") in styles
    assert ("Caption", "Table\u00a02. Wide") in styles
    links = file.element.body.iter(qn("w:hyperlink"))
    anchors = {link.get(qn("w:anchor")) for link in links} - {None}
    marks = {mark.get(qn("w:name")) for mark in file.element.body.iter(qn("w:bookmarkStart"))}
    assert anchors == marks
    assert len(marks) == 2


def test_a_picture_in_word_says_what_it_shows() -> None:
    shown = [p.get("descr") for p in opened(REPORT).element.body.iter(qn("wp:docPr"))]
    assert shown == ["What it shows."]


def test_a_figure_that_fails_says_so_and_tells_no_value() -> None:
    told = texts(opened(REPORT))
    assert "This figure could not be drawn: One that fails. Its numbers are in the tables." in told
    assert not any("participant" in text for text in told)


def test_the_label_stands_on_every_page_of_word() -> None:
    file = opened(REPORT)
    assert file.sections[0].header.paragraphs[0].text == "SIMULATED people"
    assert all(section.header.is_linked_to_previous for section in file.sections[1:])


def test_a_table_that_is_too_wide_has_a_page_that_lies() -> None:
    lies = [section.orientation for section in opened(REPORT).sections]
    assert lies == [0, 1, 0]


def test_a_chinese_report_has_a_chinese_font_in_every_style_and_chinese_words() -> None:
    file = opened(replace(REPORT, language="zh"))
    properties = [file.styles[name].element.rPr for name in {p.style.name for p in file.paragraphs}]
    fonts = [one.rFonts for one in properties if one is not None and one.rFonts is not None]
    assert len(fonts) > 8
    assert {font.get(qn("w:eastAsia")) for font in fonts} == {"SimSun"}
    assert {"目录", "图1 " + MARKUP, "表2 Wide"} <= {p.text for p in file.paragraphs}


def test_a_table_without_a_number_is_not_counted_by_word() -> None:
    captions = [p.text for p in opened(REPORT).paragraphs if p.style.name == "Caption"]
    numbered = ["Table\u00a01.", "Figure 1.", "Table\u00a02."]
    assert [text[: len(n)] for text, n in zip(captions, numbered, strict=True)] == numbered


@pytest.mark.parametrize(
    ("libraries", "call", "told"),
    [
        ("typst", "to_pdf", r"osteo-epi\[pdf\]', or take report.docx \(--docx\)"),
        ("docx", "to_docx", r"osteo-epi\[tables\]"),
        # Word documents are not advised where they cannot be made either.
        ("typst docx", "to_pdf", r"osteo-epi\[pdf,tables\]', which"),
    ],
)
def test_a_library_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, libraries: str, call: str, told: str
) -> None:
    def absent(name: str) -> Any:
        if name in libraries.split():
            raise ImportError(name)
        return import_module(name)

    for file in ("_pdf", "_word"):
        monkeypatch.setattr(f"osteo_epi.report.document.formats.{file}.import_module", absent)
    with pytest.raises(OutputError, match=told):
        getattr(REPORT, call)()


def test_without_a_chinese_font_the_chinese_text_is_left_out_and_a_chinese_pdf_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("osteo_epi.report.document.formats._pdf._chinese_fonts", tuple)
    with pytest.raises(OutputError, match="needs a Chinese font"):
        replace(REPORT, language="zh").to_pdf()
    if shutil.which("pdftotext"):
        assert "The Chinese text is in report.html." in pages(REPORT, tmp_path)
