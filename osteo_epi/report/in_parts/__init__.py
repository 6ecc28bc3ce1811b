"""Classified people in parts: more than a memory holds, each part made once, all put in place."""

from osteo_epi.report.in_parts._classify import classify_parts
from osteo_epi.report.in_parts._numbers import (
    KINDS,
    numbers_of,
    persons_in_several,
    written_otherwise,
)
from osteo_epi.report.in_parts._place import place_of
from osteo_epi.report.in_parts._result import ClassifiedParts
from osteo_epi.report.in_parts._streamed import StreamedAnalysis, analyse_parts, parts_of_run

__all__ = [
    "KINDS",
    "ClassifiedParts",
    "StreamedAnalysis",
    "analyse_parts",
    "classify_parts",
    "numbers_of",
    "parts_of_run",
    "persons_in_several",
    "place_of",
    "written_otherwise",
]
