"""Small counts of a run hidden in all its tables and sentences."""

from osteo_epi.report.disclosure._shield import Shield

__all__ = ["Shield"]
