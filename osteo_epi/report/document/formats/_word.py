"""A report as a Word document: its styles are Word's, so that an author can change them at once."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from osteo_epi.errors import OutputError
from osteo_epi.files import undated
from osteo_epi.language import said, speaking
from osteo_epi.report.document._blocks import (
    Block,
    Box,
    Code,
    Figure,
    Folded,
    Heading,
    Listing,
    Paragraph,
    Reference,
    References,
    Table,
)
from osteo_epi.report.document.formats import _ooxml as ooxml
from osteo_epi.tables import word_table, word_width
from osteo_epi.visible import visible

if TYPE_CHECKING:
    from osteo_epi.report.document._document import Document

STYLES = {
    "plain": "Normal",
    "lead": ooxml.LEAD,
    "label": ooxml.LABEL,
    "note": ooxml.NOTE,
    "quote": ooxml.QUOTE,
}
"""Style of a paragraph to that of Word."""
HIGHEST = 200
"""[mm] Of a picture, so that its caption stands on the page too."""


def to_docx(document: Document) -> bytes:
    """Write a report as a Word document.

    Raises
    ------
    OutputError
        If python-docx is not installed.
    """
    file = word().Document()
    with speaking(document.language):
        ooxml.set_up(file, language=document.language, label=visible(document.label))
        _describe(file, document)
        _Writer(file).write(document)
    buffer = io.BytesIO()
    file.save(buffer)
    return undated(buffer.getvalue(), keep_day=True)


def word() -> Any:
    """The library that writes Word documents.

    Raises
    ------
    OutputError
        If it is not installed.
    """
    try:
        return import_module("docx")
    except ImportError:
        raise OutputError(
            "a Word document (--docx) needs python-docx: pip install 'osteo-epi[tables]'"
        ) from None


def has_word() -> bool:
    """Whether that library is there, so that a Word document can be advised."""
    try:
        word()
    except OutputError:
        return False
    return True


def _describe(file: Any, document: Document) -> None:
    """What Word knows of a file beside its text."""
    day = datetime(document.date.year, document.date.month, document.date.day)
    facts = file.core_properties
    facts.title, facts.author = visible(document.title), visible(document.author)
    facts.last_modified_by, facts.comments = visible(document.author), ""
    facts.created = facts.modified = day
    facts.language, facts.revision = document.language, 1


class _Writer:
    """Writes one block after the other at the end of a file."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.bookmark = 0

    def write(self, document: Document) -> None:
        """Title, what stands before the first section, contents, sections."""
        first = len(document.opening.blocks)
        self.file.add_paragraph(visible(document.title), style="Title")
        byline = filter(None, (visible(document.author), document.date.isoformat()))
        self.file.add_paragraph(", ".join(byline), style="Subtitle")
        if document.label:
            self.file.add_paragraph(visible(document.label), style=ooxml.LABEL)
        self.blocks(document.blocks[:first])
        if document.contents:
            self.file.add_paragraph(said("Contents"), style=ooxml.BOX_TITLE)
            ooxml.contents(self.file, [visible(heading.text) for heading in document.contents])
        self.blocks(document.blocks[first:])

    def blocks(self, blocks: Iterable[Block]) -> None:
        """Several of them; what introduces a figure, table or quoted text stays on its page."""
        for block, below in pairwise((*blocks, None)):
            assert block is not None  # stands behind the last one alone
            self.block(block)
            introduces = isinstance(below, Figure | Table)
            introduces |= isinstance(below, Paragraph) and below.style == "quote"
            if isinstance(block, Paragraph) and introduces:
                self.file.paragraphs[-1].paragraph_format.keep_with_next = True

    def block(self, block: Block) -> None:
        """One of them, in the styles of its kind."""
        match block:
            case Heading():
                self.heading(block)
            case Paragraph():
                self.paragraph(block)
            case Listing():
                for item in block.items:
                    self.file.add_paragraph(visible(item), style="List Bullet")
            case Code():
                self.file.add_paragraph(visible(block.text), style=ooxml.CODE)
            case Table():
                self.table(block)
            case Figure():
                self.figure(block)
            case Box():
                self.file.add_paragraph(visible(block.title), style=ooxml.BOX_TITLE)
                self.blocks(block.blocks)
                self.file.add_paragraph(style=ooxml.BOX_END)
            case Folded():
                self.file.add_paragraph(visible(block.title), style="Heading 2")
                self.blocks(block.blocks)
            case References():
                for source in block.items:
                    self.reference(source)

    def heading(self, heading: Heading) -> None:
        """A heading of Word, to which the contents point where it is that of a section."""
        style = "Heading 1" if heading.level == 2 else "Heading 2"
        paragraph = self.file.add_paragraph(visible(heading.text), style=style)
        if heading.level == 2:
            self.bookmark += 1
            ooxml.bookmark(paragraph, self.bookmark)

    def paragraph(self, block: Paragraph) -> None:
        """Sentences; the spelling of another language is checked in that one."""
        paragraph = self.file.add_paragraph(visible(block.text), style=STYLES[block.style])
        if block.language:
            ooxml.spoken(paragraph, block.language)

    def table(self, block: Table) -> None:
        """A table, on a page that lies where it is too wide for one that stands."""
        room = ooxml.room(self.file)
        lies = word_width(block.table) > room
        if lies:
            ooxml.new_section(self.file, landscape=True)
        before = len(self.file.element.body)
        captioned = replace(block.table, title=block.caption or block.table.title)
        word_table(self.file, captioned, number=block.number)
        if block.number is None:
            # Word would count it; the title of the box or fold that it is in says what it is.
            body = self.file.element.body
            body.remove(body[before - 1])
        if lies:
            ooxml.new_section(self.file, landscape=False)
        else:
            self.file.add_paragraph(style=ooxml.NOTE)

    def figure(self, block: Figure) -> None:
        """A picture with what it shows, above its caption; one that failed says so."""
        picture = block.picture()
        if picture.figure is None:
            self.file.add_paragraph(picture.words, style=ooxml.LABEL)
            return
        wide, high = picture.figure.get_size_inches()
        scale = min(1.0, ooxml.room(self.file) / 72 / wide, HIGHEST / 25.4 / high)
        paragraph = self.file.add_paragraph(style=ooxml.PICTURE)
        alt = visible(block.alt) or picture.alt
        ooxml.picture(paragraph, picture.png(), inches=wide * scale, alt=alt)
        caption = self.file.add_paragraph(style="Caption")
        caption.add_run(said("Figure {n}", n=block.number)).bold = True
        caption.add_run(said(". {title}", title=visible(block.caption))).bold = False

    def reference(self, source: Reference) -> None:
        """A source with its number and its address."""
        paragraph = self.file.add_paragraph(style=ooxml.REFERENCE)
        paragraph.add_run(f"{source.number}.\t{visible(source.text)}")
        if source.link:
            paragraph.add_run(" ")
            ooxml.link(paragraph, source.link)
        if source.use:
            paragraph.add_run(f" {visible(source.use)}").italic = True
