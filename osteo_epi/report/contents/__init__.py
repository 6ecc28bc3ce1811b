"""What stands in the report of a run, in which order."""

from osteo_epi.report.contents._definition import CHOICES
from osteo_epi.report.contents._notes import NOTES, note_words
from osteo_epi.report.contents._report import report_document

__all__ = ["CHOICES", "NOTES", "note_words", "report_document"]
