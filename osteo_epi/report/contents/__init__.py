"""What stands in the report of a run, in which order."""

from osteo_epi.report.contents._report import report_document

__all__ = ["report_document"]
