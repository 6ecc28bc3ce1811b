"""Thresholds: how well a test, or a cut-point of a density, tells the diseased from the healthy."""

from osteo_epi.accuracy._accuracy import MEASURES, Accuracy, accuracy
from osteo_epi.accuracy._comparison import AccuracyComparison, PairedShares, compare_tests
from osteo_epi.accuracy._corrected import CorrectedPrevalence, corrected_prevalence
from osteo_epi.accuracy._measures import Counts, Measure
from osteo_epi.accuracy._roc import ROC, roc
from osteo_epi.accuracy._roc_comparison import (
    ROCComparison,
    compare_independent_roc,
    compare_roc,
)

__all__ = [
    "MEASURES",
    "ROC",
    "Accuracy",
    "AccuracyComparison",
    "CorrectedPrevalence",
    "Counts",
    "Measure",
    "PairedShares",
    "ROCComparison",
    "accuracy",
    "compare_independent_roc",
    "compare_roc",
    "compare_tests",
    "corrected_prevalence",
    "roc",
]
