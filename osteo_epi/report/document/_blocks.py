"""The blocks that a report is made of: plain text, tables and figures, nothing of any format.

Every text is as the reader reads it, in the report's language and without markup: each format
escapes it in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from osteo_epi.figures import Picture
from osteo_epi.report.document import _html
from osteo_epi.tables import JournalTable


@dataclass(frozen=True)
class Heading:
    """A heading.

    Parameters
    ----------
    text
        What it says.
    level
        2 for a section, which the contents list; 3 below.
    name
        Of the section, the same in every language: where a link points to.
    """

    text: str
    level: int = 2
    name: str = ""

    def _repr_html_(self) -> str:
        return _html.heading(self.text, self.level, self.name)


@dataclass(frozen=True)
class Paragraph:
    """Sentences.

    Parameters
    ----------
    text
        Plain text.
    style
        `lead` for what the report says first, `label` for what must be said of the data, `note`
        for small print, `quote` for what is to be pasted into a paper.
    language
        Of the text, where it is another than the report's.
    """

    text: str
    style: Literal["plain", "lead", "label", "note", "quote"] = "plain"
    language: str = ""

    def _repr_html_(self) -> str:
        return _html.paragraph(self.text, self.style, self.language)


@dataclass(frozen=True)
class Listing:
    """Sentences one below the other, each of them an item."""

    items: tuple[str, ...]

    def _repr_html_(self) -> str:
        return _html.listing(self.items)


@dataclass(frozen=True)
class Code:
    """A command or lines of Python, as they are typed."""

    text: str

    def _repr_html_(self) -> str:
        return _html.code(self.text)


@dataclass(frozen=True)
class Table:
    """A numbered table; one without a number stands in a box or is folded away.

    Parameters
    ----------
    number
        Of the table, from 1; None where it has none.
    caption
        What stands above it, without the number.
    table
        Its cells.
    name
        Of the file that holds it, without an ending; "" for none.
    files
        Addresses of these files, where the table is shown beside them.
    """

    number: int | None
    caption: str
    table: JournalTable
    name: str = ""
    files: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        return _html.table(self.number, self.caption, self.table, self.name, self.files)


@dataclass(frozen=True)
class Figure:
    """A numbered figure, drawn when it is shown.

    Parameters
    ----------
    number
        Of the figure, from 1.
    caption
        What stands below it, without the number.
    alt
        What the figure shows, for those who cannot see it; "" for what it says of itself.
    draw
        Gives a matplotlib figure or axes.
    name
        Of the file that holds it, without an ending; "" for none.
    files
        Addresses of these files, where the figure is shown beside them.
    """

    number: int
    caption: str
    alt: str
    draw: Callable[[], Any]
    name: str = ""
    files: tuple[str, ...] = ()

    def picture(self) -> Picture:
        """The drawn figure, drawn once; one that cannot be drawn says so."""
        return self._picture

    @cached_property
    def _picture(self) -> Picture:
        return Picture.drawn(self.draw, caption=self.caption, alt=self.alt)

    def _repr_html_(self) -> str:
        picture = self.picture()
        picture.caption = _html.figure_caption(self.number, self.caption)
        return _html.figure(picture, self.name, self.files)


@dataclass(frozen=True)
class Box:
    """Blocks in a frame, with a title: what a reader looks up while reading the rest."""

    title: str
    blocks: tuple[Block, ...]

    def _repr_html_(self) -> str:
        return _html.box(self.title, self.blocks)


@dataclass(frozen=True)
class Folded:
    """Blocks that a reader opens who wants them; on paper they are an appendix."""

    title: str
    blocks: tuple[Block, ...]

    def _repr_html_(self) -> str:
        return _html.folded(self.title, self.blocks)


@dataclass(frozen=True)
class Reference:
    """A source, with the number by which the text cites it.

    Parameters
    ----------
    number
        From 1.
    text
        The citation.
    doi
        Without an address in front; "" where it has none.
    use
        What the report takes from it.
    grade
        Of its numbers: A, B or C; "" where it gives none.
    """

    number: int
    text: str
    doi: str = ""
    use: str = ""
    grade: str = ""

    @property
    def link(self) -> str:
        """Address of the source; "" where it has none."""
        return f"https://doi.org/{self.doi}" if self.doi else ""


@dataclass(frozen=True)
class References:
    """The numbered list of sources."""

    items: tuple[Reference, ...]

    def _repr_html_(self) -> str:
        return _html.references(self.items)


Block: TypeAlias = Heading | Paragraph | Listing | Code | Table | Figure | Box | Folded | References
