"""A report as a list of blocks: one content, and each format writes it in its own way."""

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
from osteo_epi.report.document._document import Document, Opening, Part
from osteo_epi.report.document.formats import check_papers

__all__ = [
    "Block",
    "Box",
    "Code",
    "Document",
    "Figure",
    "Folded",
    "Heading",
    "Listing",
    "Opening",
    "Paragraph",
    "Part",
    "Reference",
    "References",
    "Table",
    "check_papers",
]
