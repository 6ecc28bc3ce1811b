"""Classified people in parts: more than a memory holds, each part made once, all put in place."""

from osteo_epi.report.in_parts._classify import classify_parts
from osteo_epi.report.in_parts._numbers import persons_in_several
from osteo_epi.report.in_parts._place import place_of
from osteo_epi.report.in_parts._result import ClassifiedParts
from osteo_epi.report.in_parts._streamed import StreamedAnalysis, analyse_parts, parts_of_run

__all__ = [
    "ClassifiedParts",
    "StreamedAnalysis",
    "analyse_parts",
    "classify_parts",
    "parts_of_run",
    "persons_in_several",
    "place_of",
]
