"""A report in the formats of an office: PDF and Word, from the blocks that its page is made of."""

from osteo_epi.report.document.formats._pdf import to_pdf
from osteo_epi.report.document.formats._word import to_docx

__all__ = ["to_docx", "to_pdf"]
