"""What stands beside a report: each figure and table as files, and the report on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import docx
import nbformat
import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

import osteo_epi as oe
from osteo_epi.cli import main
from osteo_epi.errors import OutputError
from osteo_epi.report.document import Block, Box, Figure, Folded, Table

CLINIC = {"reference": "nhanes_2005_2010_derived", "standard": "china_2010", "by": ["sex"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over SIMULATED people with all that can be asked for, in Chinese."""
    out = tmp_path_factory.mktemp("runs") / "out"
    file = oe.datasets.clinic_file()
    oe.run(file, out=out, pdf=True, docx=True, language="zh", title="患病率", **CLINIC)
    return out


def named(blocks: tuple[Block, ...]) -> Iterator[Figure | Table]:
    for block in blocks:
        if isinstance(block, Box | Folded):
            yield from named(block.blocks)
        elif isinstance(block, Figure | Table) and block.name:
            yield block


def test_every_figure_and_table_has_its_files_and_the_page_links_to_them(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="((?:figures|tables)/[^"]+)"', page))
    there = {
        path.relative_to(folder).as_posix()
        for part in ("figures", "tables")
        for path in (folder / part).iterdir()
    }
    blocks = [*named(oe.report.report_document(oe.report.load_run(folder)).blocks)]
    assert len(blocks) > 10
    assert links == there
    assert len(there) == 2 * len(blocks)


def test_a_report_that_stands_beside_no_files_links_to_none(folder: Path) -> None:
    report = oe.report.report_document(oe.report.load_run(folder))
    assert "figures/" not in report.part("prevalence_by_age")._repr_html_()


def test_the_files_are_what_their_endings_say(folder: Path) -> None:
    for path in (folder / "figures").glob("*.svg"):
        assert b"<text" in path.read_bytes()
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    printed = pl.read_csv(folder / "tables" / "prevalence.csv", infer_schema=False)
    sheet = openpyxl.load_workbook(folder / "tables" / "prevalence.xlsx").active
    assert printed.height > 3
    assert "患病率" in str(sheet["A1"].value)
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    texts = [p.text for p in docx.Document(str(folder / "report.docx")).paragraphs]
    assert texts[0] == "患病率"


def test_no_word_of_a_chinese_report_on_paper_is_left_in_english(folder: Path) -> None:
    """Headings and captions; what the file, norms and software are called stays as it is."""
    styles = ("Heading 1", "Heading 2", "Caption")
    file = docx.Document(str(folder / "report.docx"))
    shown = [p.text for p in file.paragraphs if p.style.name in styles]
    assert len(shown) > 15
    # What a language is called is said in that language.
    assert [text for text in shown if not re.search(r"[\u4e00-\u9fff]", text)] == ["English"]


def test_a_run_without_a_report_takes_the_parts_of_the_old_one_away(
    folder: Path, tmp_path: Path
) -> None:
    import shutil

    out = tmp_path / "out"
    shutil.copytree(folder, out)
    own = out / "figures" / "of_my_own.svg"
    own.write_text("<svg/>")
    oe.run(oe.datasets.clinic_file(), out=out, overwrite=True, report=False, **CLINIC)
    left = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert "figures/of_my_own.svg" in left
    assert not [name for name in left if name.startswith(("tables/", "report."))]
    assert [path.name for path in (out / "figures").iterdir()] == ["of_my_own.svg"]
    assert not (out / "tables").exists()


def test_every_part_that_a_report_can_have_is_taken_away(tmp_path: Path) -> None:
    """Weighted people have a table more, which the files of a run must know too."""
    file = tmp_path / "survey.csv"
    oe.datasets.survey().to_polars().write_csv(file)
    run = oe.run(file, **CLINIC)
    assert "weighted" in run.participants["weighting"]
    known = set(oe.report.PARTS)
    for block in named(oe.report.report_document(run).blocks):
        folder = "figures" if isinstance(block, Figure) else "tables"
        endings = ("svg", "png") if isinstance(block, Figure) else ("csv", "xlsx")
        assert {f"{folder}/{block.name}.{ending}" for ending in endings} <= known


@pytest.mark.parametrize(("library", "option"), [("typst", "--pdf"), ("docx", "--docx")])
def test_what_is_not_installed_is_said_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, option: str
) -> None:
    def absent(name: str) -> Any:
        if name == library:
            raise ImportError(name)
        return import_module(name)

    for file in ("_pdf", "_word"):
        monkeypatch.setattr(f"osteo_epi.report.document.formats.{file}.import_module", absent)
    monkeypatch.setattr("osteo_epi.report._job.analyse", lambda *_: pytest.fail("worked"))
    out = tmp_path / "out"
    answer = CliRunner().invoke(main, ["run", "--n", "100", "--out", str(out), option])
    assert answer.exit_code == 2
    assert "pip install 'osteo-epi[" in answer.output
    assert not out.exists()


def test_a_form_of_a_report_that_is_not_made_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="are forms of the report"):
        oe.run(n=100, pdf=True)
    words = ["run", "--n", "100", "--out", str(tmp_path / "out"), "--docx", "--no-report"]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2
    assert "leave out --no-report" in " ".join(answer.output.split())


def test_a_part_that_fails_takes_nothing_along(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    def fails(*_: object) -> bytes:
        raise ZeroDivisionError("a participant's value")

    out = tmp_path / "out"
    shutil.copytree(folder, out)
    (out / "report.html").unlink()
    monkeypatch.setattr("osteo_epi.tables.JournalTable.save", fails)
    blank = nbformat.v4.new_notebook()
    monkeypatch.setattr("osteo_epi.report._page.execute", lambda *_: blank)
    answer = CliRunner().invoke(main, ["report", str(out)])
    assert answer.exit_code == 2
    assert "these could not be made: participants (ZeroDivisionError)" in answer.output
    assert "participant's value" not in answer.output
    assert (out / "report.html").is_file()
