"""A report: who wrote it when about what, and its blocks in their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from osteo_epi.errors import OutputError
from osteo_epi.language import speaking
from osteo_epi.report.document import _html, formats
from osteo_epi.report.document._blocks import Block, Heading


@dataclass(frozen=True, repr=False)
class Part:
    """A section of a report, as a notebook shows it: its heading and what stands below it.

    Parameters
    ----------
    blocks
        In their order.
    language
        Code of the language that figures and numbers of tables are said in.
    """

    blocks: tuple[Block, ...]
    language: str = "en"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.blocks)} blocks)"

    def _repr_html_(self) -> str:
        with speaking(self.language):
            return _html.styled(_html.joined(self.blocks))


@dataclass(frozen=True, repr=False)
class Opening(Part):
    """What a report begins with: title, author and date, what was found, and its contents.

    Parameters
    ----------
    title, author, date, label
        Of the document.
    contents
        Headings of its sections.
    """

    title: str = ""
    author: str = ""
    date: date | None = None
    label: str = ""
    contents: tuple[Heading, ...] = ()

    def _repr_html_(self) -> str:
        with speaking(self.language):
            head = _html.head(self.title, self.author, self.date, self.label)
            contents = _html.contents([(h.text, h.name) for h in self.contents])
            return _html.styled(f"{head}\n{_html.joined(self.blocks)}\n{contents}")


@dataclass(frozen=True, repr=False)
class Document:
    """A report, the same in every format.

    Parameters
    ----------
    title
        Of the report.
    author
        Whoever signs it; "" for nobody.
    date
        Of the run.
    language
        Code of the language that it is written in.
    label
        What must be said of the data before anything else, e.g. that they are SIMULATED; "" for
        nothing.
    blocks
        In their order.

    Examples
    --------
    >>> from osteo_epi.report.document import Paragraph
    >>> blocks = (Heading("Prevalence", name="prevalence"), Paragraph("One in ten."))
    >>> report = Document("Bone", "A. Author", date(2026, 1, 31), "en", "", blocks)
    >>> report.contents
    (Heading(text='Prevalence', level=2, name='prevalence'),)
    >>> report.part("prevalence")
    Part(2 blocks)
    """

    title: str
    author: str
    date: date
    language: str
    label: str
    blocks: tuple[Block, ...]

    @property
    def contents(self) -> tuple[Heading, ...]:
        """The headings of its sections."""
        return tuple(b for b in self.blocks if isinstance(b, Heading) and b.level == 2)

    @property
    def opening(self) -> Opening:
        """Title, author and date, what stands before the first section, and the contents."""
        starts = self._starts()
        return Opening(
            self.blocks[: starts[0]] if starts else self.blocks,
            self.language,
            self.title,
            self.author,
            self.date,
            self.label,
            self.contents,
        )

    def part(self, name: str) -> Part:
        """A section by its name.

        Raises
        ------
        OutputError
            If it has none of that name; the message lists those that it has.
        """
        starts = [*self._starts(), len(self.blocks)]
        for heading, (start, end) in zip(self.contents, pairwise(starts), strict=True):
            if heading.name == name:
                return Part(self.blocks[start:end], self.language)
        names = ", ".join(heading.name for heading in self.contents)
        raise OutputError(f"the report has no section {name!r}; it has {names}")

    def to_pdf(self) -> bytes:
        """The report as PDF: A4, its pages numbered, tables and figures as on its page.

        Raises
        ------
        OutputError
            If Typst is not installed, or no Chinese font for a Chinese report.
        """
        return formats.to_pdf(self)

    def to_docx(self) -> bytes:
        """The report as a Word document, in styles that an author can change.

        Raises
        ------
        OutputError
            If python-docx is not installed.
        """
        return formats.to_docx(self)

    def _starts(self) -> list[int]:
        return [i for i, b in enumerate(self.blocks) if isinstance(b, Heading) and b.level == 2]

    def __repr__(self) -> str:
        return f"Document({self.title!r}, {len(self.contents)} sections, {self.language})"

    def _repr_html_(self) -> str:
        opening = self.opening
        rest = Part(self.blocks[len(opening.blocks) :], self.language)
        return opening._repr_html_() + rest._repr_html_()
