"""The laboratory of thresholds: one cut-off in one population, from people to a report."""

from osteo_epi.report.laboratory._question import ThresholdQuestion
from osteo_epi.report.laboratory._study import ThresholdStudy, threshold_study
from osteo_epi.report.laboratory._tables import study_tables
from osteo_epi.report.laboratory._words import study_verdict
from osteo_epi.report.laboratory._write import STUDY_FINDINGS, check_study_folder, write_study

__all__ = [
    "STUDY_FINDINGS",
    "ThresholdQuestion",
    "ThresholdStudy",
    "check_study_folder",
    "study_tables",
    "study_verdict",
    "threshold_study",
    "write_study",
]
