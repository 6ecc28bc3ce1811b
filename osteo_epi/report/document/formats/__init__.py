"""A report in the formats of an office: PDF and Word, from the blocks that its page is made of."""

from __future__ import annotations

from collections.abc import Iterable

from osteo_epi.report.document.formats._pdf import to_pdf, typesetter
from osteo_epi.report.document.formats._word import to_docx, word

__all__ = ["check_papers", "to_docx", "to_pdf"]


def check_papers(papers: Iterable[str], language: str) -> None:
    """Refuse a form of a report that cannot be made on this computer.

    Parameters
    ----------
    papers
        `pdf`, `docx`, or both.
    language
        Of the report.

    Raises
    ------
    OutputError
        If a library or a font is absent; the message names what to install.
    """
    for paper in papers:
        typesetter(language) if paper == "pdf" else word()
