"""Classified people in parts: more than a memory holds, each part made once, all put in place."""

from osteo_epi.report.in_parts._classify import classify_parts
from osteo_epi.report.in_parts._result import ClassifiedParts

__all__ = ["ClassifiedParts", "classify_parts"]
