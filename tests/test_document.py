"""The document: blocks in an order, each escaped where a format writes it."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

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

MARKUP = "<img src=x onerror=alert(1)>"


def blank() -> object:
    from matplotlib.figure import Figure as Canvas

    return Canvas()


CELLS = JournalTable(MARKUP, (MARKUP, "n"), ((MARKUP, "1"),), ("",), (MARKUP,), pl.DataFrame())
BLOCKS: tuple[Block, ...] = (
    Heading(MARKUP, name="first"),
    Paragraph(MARKUP, style="lead"),
    Listing((MARKUP,)),
    Code(MARKUP),
    Table(1, MARKUP, CELLS, name="cells"),
    Figure(1, MARKUP, MARKUP, blank, name="blank"),
    Heading("Second", name="second"),
    Box(MARKUP, (Paragraph(MARKUP),)),
    Folded(MARKUP, (Paragraph(MARKUP),)),
    References((Reference(1, MARKUP, doi="10.1/x", use=MARKUP),)),
)
REPORT = Document(MARKUP, MARKUP, date(2026, 1, 31), "en", "", BLOCKS)


def test_no_text_of_a_block_becomes_markup() -> None:
    page = REPORT._repr_html_()
    assert MARKUP not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= len(BLOCKS)


def test_a_part_is_a_heading_and_what_stands_below_it() -> None:
    assert REPORT.part("first").blocks == BLOCKS[:6]
    assert REPORT.part("second").blocks == BLOCKS[6:]
    assert REPORT.opening.blocks == ()


def test_a_part_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(OutputError, match=r"no section 'third'; it has first, second"):
        REPORT.part("third")


def test_a_source_links_to_its_doi() -> None:
    assert 'href="https://doi.org/10.1/x"' in REPORT._repr_html_()
