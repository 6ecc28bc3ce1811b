"""A report as PDF: the blocks as one JSON payload, set by Typst with a template, from no network.

The same document gives the same bytes on the same machine: nothing of it is taken from a clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteo_epi.errors import OutputError
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
from osteo_epi.report.document.formats._word import has_word
from osteo_epi.tables import JournalTable
from osteo_epi.visible import visible

if TYPE_CHECKING:
    from osteo_epi.report.document._document import Document

TEMPLATE = Path(__file__).with_name("report.typ")
LATIN, MONO = "Libertinus Serif", "DejaVu Sans Mono"
"""Fonts that Typst brings along."""
CHINESE_SERIF = ("Noto Serif CJK SC", "Noto Serif SC", "Source Han Serif SC", "Songti SC", "SimSun")
CHINESE_SANS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC"),
    *("Microsoft YaHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei"),
)
HAN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
TEXT_OF_SVG = re.compile(r"<text\b.*?</text>", re.DOTALL)
SIZE_OF_SVG = re.compile(r'<svg\b[^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"', re.DOTALL)
REGIONS = {"zh": "cn"}


def to_pdf(document: Document) -> bytes:
    """Set a report as PDF.

    Raises
    ------
    OutputError
        If Typst is not installed, or no Chinese font for a Chinese report.
    """
    typst, fonts = typesetter(document.language), _chinese_fonts()
    with speaking(document.language):
        payload = _Payload(document, fonts)
        files = payload.files()
    return bytes(typst.compile(files, font_paths=[_own_fonts()]))


def typesetter(language: str) -> Any:
    """Typst, for a report in a language.

    Raises
    ------
    OutputError
        If it is not installed, or no Chinese font for a Chinese report.
    """
    typst = _typst()
    if language == "zh" and not _chinese_fonts():
        other = "report.html or report.docx (--docx)" if has_word() else "report.html"
        raise OutputError(
            "a PDF in Chinese needs a Chinese font, and this computer has none; install one, such "
            f"as Noto Serif CJK SC, or take {other}"
        )
    return typst


def _typst() -> Any:
    try:
        return import_module("typst")
    except ImportError:
        install = (
            "pip install 'osteo-epi[pdf]', or take report.docx (--docx)"
            if has_word()
            else "pip install 'osteo-epi[pdf,tables]', which lets you have report.docx (--docx) too"
        )
        raise OutputError(f"a PDF (--pdf) needs typst: {install}") from None


def _own_fonts() -> str:
    """The fonts that figures are laid out with, which matplotlib brings along."""
    import matplotlib as mpl

    return str(Path(mpl.get_data_path()) / "fonts" / "ttf")


@cache
def _chinese_fonts() -> tuple[str, ...]:
    """Chinese fonts of this computer, those of a book first."""
    installed = set(_typst().Fonts().families())
    return tuple(name for name in (*CHINESE_SERIF, *CHINESE_SANS) if name in installed)


class _Payload:
    """What the template reads: the blocks as JSON, and a file for each picture."""

    def __init__(self, document: Document, fonts: tuple[str, ...]) -> None:
        self.document, self.fonts = document, fonts
        self.pictures: dict[str, bytes] = {}

    def files(self) -> dict[str, bytes]:
        """All files of the sheet by their names."""
        text = json.dumps(self._report(), ensure_ascii=False)
        return {
            "main.typ": TEMPLATE.read_bytes(),
            "report.json": text.encode(),
            **self.pictures,
        }

    def _report(self) -> dict[str, Any]:
        document, day = self.document, self.document.date
        first = len(document.opening.blocks)
        return {
            "title": visible(document.title),
            "author": visible(document.author),
            "byline": ", ".join(filter(None, (visible(document.author), day.isoformat()))),
            "date": [day.year, day.month, day.day],
            "label": visible(document.label),
            "fonts": [LATIN, *self.fonts],
            "mono": [MONO, *self.fonts],
            **self._tongue(document.language),
            "contents": said("Contents") if document.contents else "",
            "opening": self._blocks(document.blocks[:first]),
            "blocks": self._blocks(document.blocks[first:]),
        }

    def _tongue(self, code: str) -> dict[str, str | None]:
        return {"lang": code, "region": REGIONS.get(code)}

    def _blocks(self, blocks: Iterable[Block]) -> list[dict[str, Any]]:
        return [self._block(block) for block in blocks]

    def _block(self, block: Block) -> dict[str, Any]:
        match block:
            case Heading():
                return {"kind": "heading", "text": visible(block.text), "level": block.level}
            case Paragraph():
                return {"kind": "paragraph", "style": block.style, **self._sentences(block)}
            case Listing():
                return {"kind": "listing", "items": [*map(visible, block.items)]}
            case Code():
                return {"kind": "code", "text": visible(block.text)}
            case Table():
                return {"kind": "table", **self._table(block)}
            case Figure():
                return {"kind": "figure", **self._figure(block)}
            case References():
                return {"kind": "references", "items": [*map(_reference, block.items)]}
            case Box() | Folded():
                kind = "box" if isinstance(block, Box) else "folded"
                inner = self._blocks(_said_once(block))
                return {"kind": kind, "title": visible(block.title), "blocks": inner}

    def _sentences(self, paragraph: Paragraph) -> dict[str, Any]:
        """A paragraph; one in Chinese is left to the page where no font could show it."""
        if paragraph.language == "zh" and not self.fonts:
            return {"text": said("The Chinese text is in report.html."), "lang": "", "region": None}
        return {"text": visible(paragraph.text), **self._tongue(paragraph.language)}

    def _table(self, block: Table) -> dict[str, Any]:
        numbered = "" if block.number is None else said("Table {n}", n=block.number)
        cells = block.table
        return {
            "numbered": numbered,
            "caption": visible(block.caption),
            "columns": cells.columns,
            "align": cells.align,
            "spanners": cells.spanners,
            "lines": [*_lines(cells)],
            "notes": cells.notes,
        }

    def _figure(self, block: Figure) -> dict[str, Any]:
        picture = block.picture()
        told = {
            "numbered": said("Figure {n}", n=block.number),
            "caption": visible(block.caption),
            "alt": visible(block.alt) or picture.alt,
            "file": "",
            "fault": picture.words,
        }
        if picture.figure is None:
            return told
        drawn = picture.svg()
        name = f"figure-{block.number}.svg"
        self.pictures[name] = _in_chinese(drawn, self.fonts)
        return told | {"file": name, **_size(drawn)}


def _said_once(around: Box | Folded) -> Iterator[Block]:
    """Its blocks; a table without a number that is called like it has no caption of its own."""
    for block in around.blocks:
        if isinstance(block, Table) and block.number is None and block.caption == around.title:
            yield replace(block, caption="")
        else:
            yield block


def _lines(table: JournalTable) -> Iterator[dict[str, Any]]:
    """Rows, and before those of a section or group its heading, which each of their pages repeats.

    A heading without words ends one that is not of what follows.
    """
    section = group = ""
    cells, indents = table.aligned(), table.indents
    for k, (of, row, mark) in enumerate(zip(table.sections, cells, table.marks, strict=True)):
        if of != section:
            section, group = of, ""
            yield {"heading": of, "level": 2}
        if not indents[k] and any(indents[k + 1 : k + 2]) and not any(row[1:]):
            group = row[0]
            yield {"heading": group, "level": 3}
            continue
        if group and not indents[k]:
            group = ""
            yield {"heading": "", "level": 3}
        yield {"cells": row, "mark": mark, "indent": indents[k]}


def _reference(item: Reference) -> dict[str, Any]:
    texts = {name: visible(getattr(item, name)) for name in ("text", "link", "use")}
    return {"number": item.number, **texts}


def _in_chinese(svg: bytes, fonts: tuple[str, ...]) -> bytes:
    """Put a Chinese font first where a text has Chinese: else that of another country is taken."""
    family = next((name for name in CHINESE_SANS if name in fonts), "")
    if not family:
        return svg

    def named(text: re.Match[str]) -> str:
        first = f"font-family: '{family}', "
        return text[0].replace("font-family: ", first) if HAN.search(text[0]) else text[0]

    return TEXT_OF_SVG.sub(named, svg.decode()).encode()


def _size(svg: bytes) -> dict[str, float]:
    """[pt] Width and height."""
    found = SIZE_OF_SVG.search(svg[:4000].decode(errors="ignore"))
    assert found is not None
    width, height = map(float, found.groups())
    return {"width": width, "height": height}
