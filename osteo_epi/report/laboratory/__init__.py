"""The laboratory of thresholds: one cut-off in one population, from people to a report."""

from osteo_epi.report.laboratory._question import Question
from osteo_epi.report.laboratory._study import ThresholdStudy, threshold_study
from osteo_epi.report.laboratory._tables import tables
from osteo_epi.report.laboratory._words import verdict
from osteo_epi.report.laboratory._write import FINDINGS, check_folder, write_study

__all__ = [
    "FINDINGS",
    "Question",
    "ThresholdStudy",
    "check_folder",
    "tables",
    "threshold_study",
    "verdict",
    "write_study",
]
