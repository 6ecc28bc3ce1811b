"""Workbooks: which sheet, which rows of it, and what merged cells say."""

from osteo_epi.cohort.readers.workbooks._workbook import read_excel

__all__ = ["read_excel"]
