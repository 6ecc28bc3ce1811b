"""One run and its page: choices, run, folder, methods text.

What is heavy is loaded on first use, so that the command line can list the options at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from osteo_epi.report.choices import Choices, in_options

if TYPE_CHECKING:
    from osteo_epi.report._analysis import people_of
    from osteo_epi.report._folder import load_run
    from osteo_epi.report._job import STAGES, run
    from osteo_epi.report._page import make_page
    from osteo_epi.report._parts import PARTS
    from osteo_epi.report._run import Run
    from osteo_epi.report.contents import note_words, report_document
    from osteo_epi.report.in_parts import ClassifiedParts, classify_parts
    from osteo_epi.report.laboratory import (
        STUDY_FINDINGS,
        ThresholdQuestion,
        ThresholdStudy,
        check_study_folder,
        study_tables,
        study_verdict,
        threshold_study,
        write_study,
    )
    from osteo_epi.report.proposal import Proposal, checked, propose

__all__ = [
    "PARTS",
    "STAGES",
    "STUDY_FINDINGS",
    "Choices",
    "ClassifiedParts",
    "Proposal",
    "Run",
    "ThresholdQuestion",
    "ThresholdStudy",
    "check_study_folder",
    "checked",
    "classify_parts",
    "in_options",
    "load_run",
    "make_page",
    "note_words",
    "people_of",
    "propose",
    "report_document",
    "run",
    "study_tables",
    "study_verdict",
    "threshold_study",
    "write_study",
]

_FILE_OF = {
    "PARTS": "_parts",
    "STAGES": "_job",
    "Proposal": "proposal",
    "checked": "proposal",
    "ClassifiedParts": "in_parts",
    "classify_parts": "in_parts",
    "people_of": "_analysis",
    "propose": "proposal",
    "Run": "_run",
    "load_run": "_folder",
    "make_page": "_page",
    "note_words": "contents",
    "report_document": "contents",
    "run": "_job",
    **dict.fromkeys(
        (
            *("STUDY_FINDINGS", "ThresholdQuestion", "ThresholdStudy", "check_study_folder"),
            *("study_tables", "study_verdict", "threshold_study", "write_study"),
        ),
        "laboratory",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _FILE_OF:
        return getattr(import_module(f"osteo_epi.report.{_FILE_OF[name]}"), name)
    raise AttributeError(f"module 'osteo_epi.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
