"""Blocks as HTML: each text escaped here, no address loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Protocol

from osteo_epi.figures import Picture
from osteo_epi.language import HTML_CODES, said
from osteo_epi.tables import STYLE, JournalTable
from osteo_epi.visible import visible


class Shown(Protocol):
    """What a notebook shows as HTML."""

    def _repr_html_(self) -> str: ...


class Source(Protocol):
    """What a reference says of its source."""

    @property
    def number(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def use(self) -> str: ...


STYLES = {"plain": "", "lead": "lead", "label": "label", "note": "note", "quote": "methods"}
"""Style of a paragraph to its class in the page."""


def text(words: object) -> str:
    """A text as HTML shows it."""
    return escape(visible(words))


def joined(blocks: Iterable[Shown]) -> str:
    """Blocks one after the other."""
    return "\n".join(block._repr_html_() for block in blocks)


def styled(blocks: str) -> str:
    """Blocks with the rules of their tables, once, where there are any."""
    return f"<style>{STYLE}</style>\n{blocks}" if 'class="journal' in blocks else blocks


def heading(words: str, level: int, name: str) -> str:
    """A heading, to which the contents point by its name."""
    return f"<h{level}{_attribute('id', name)}>{text(words)}</h{level}>"


def paragraph(words: str, style: str, language: str) -> str:
    """A paragraph in the class of its style."""
    spoken = _attribute("lang", HTML_CODES.get(language, language))
    return f"<p{_attribute('class', STYLES[style])}{spoken}>{text(words)}</p>"


def listing(items: Iterable[str]) -> str:
    """Items one below the other."""
    return f"<ul>{''.join(f'<li>{text(item)}</li>' for item in items)}</ul>"


def code(words: str) -> str:
    """A command."""
    return f"<pre>{text(words)}</pre>"


def table(
    number: int | None, caption: str, cells: JournalTable, name: str, files: Iterable[str]
) -> str:
    """A table below its caption."""
    above = _captioned(number, said("Table {n}", n=number), caption)
    return (
        f'<div class="table"{_attribute("id", name and f"table-{name}")}>'
        f"{above}{cells.to_html(style=False)}{_links(files)}</div>"
    )


def figure_caption(number: int, caption: str) -> str:
    """A caption with the number of its figure."""
    return said("{numbered}. {caption}", numbered=said("Figure {n}", n=number), caption=caption)


def figure(picture: Picture, name: str, files: Iterable[str]) -> str:
    """A figure above its caption."""
    return (
        f'<div class="figure"{_attribute("id", name and f"figure-{name}")}>'
        f"{picture._repr_html_()}{_links(files if picture.figure else ())}</div>"
    )


def box(title: str, blocks: Iterable[Shown]) -> str:
    """Blocks in a frame."""
    return f'<aside class="box"><h3>{text(title)}</h3>{joined(blocks)}</aside>'


def folded(title: str, blocks: Iterable[Shown]) -> str:
    """Blocks that a click opens."""
    return f"<details><summary>{text(title)}</summary>{joined(blocks)}</details>"


def references(items: Iterable[Source]) -> str:
    """The numbered list of sources; a link is followed by the reader, never by the page."""
    return f'<ol class="references">{"".join(map(_reference, items))}</ol>'


def head(title: str, author: str, day: date | None, label: str) -> str:
    """Title, author and date, and what must be said of the data before anything else."""
    by = " · ".join(part for part in (author, day.isoformat() if day else "") if part)
    warned = f'<p class="label">{text(label)}</p>' if label else ""
    return f'<h1>{text(title)}</h1><p class="byline">{text(by)}</p>{warned}'


def contents(sections: Iterable[tuple[str, str]]) -> str:
    """The list of the sections, by their headings and names."""
    links = (f'<a href="#{text(name)}">{text(words)}</a>' for words, name in sections)
    items = "".join(f"<li>{link}</li>" for link in links)
    return f'<nav class="contents" aria-label="{text(said("Contents"))}"><ol>{items}</ol></nav>'


def _reference(item: Source) -> str:
    link = f' <a href="{text(item.link)}" rel="noreferrer">{text(item.link)}</a>'
    use = f' <span class="use">{text(item.use)}</span>' if item.use else ""
    return (
        f'<li value="{item.number}" id="reference-{item.number}">{text(item.text)}'
        f"{link if item.link else ''}{use}</li>"
    )


def _links(files: Iterable[str]) -> str:
    """Where the same is as files, for a manuscript or a calculation."""
    links = [f'<a href="{text(file)}">{file.rpartition(".")[2].upper()}</a>' for file in files]
    return f'<p class="files">{" · ".join(links)}</p>' if links else ""


def _captioned(number: int | None, numbered: str, caption: str) -> str:
    if not caption:
        return ""
    said_whole = (
        caption
        if number is None
        else said("{numbered}. {caption}", numbered=numbered, caption=caption)
    )
    return f'<p class="caption">{text(said_whole)}</p>'


def _attribute(name: str, value: str) -> str:
    return f' {name}="{text(value)}"' if value else ""
