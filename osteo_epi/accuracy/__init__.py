"""Thresholds: how well a test, or a cut-point of a density, tells the diseased from the healthy."""

from osteo_epi.accuracy._accuracy import MEASURES, Accuracy, accuracy
from osteo_epi.accuracy._comparison import AccuracyComparison, PairedShares, compare_tests
from osteo_epi.accuracy._corrected import CorrectedPrevalence, corrected_prevalence
from osteo_epi.accuracy._measures import Counts, Measure

__all__ = [
    "MEASURES",
    "Accuracy",
    "AccuracyComparison",
    "CorrectedPrevalence",
    "Counts",
    "Measure",
    "PairedShares",
    "accuracy",
    "compare_tests",
    "corrected_prevalence",
]
