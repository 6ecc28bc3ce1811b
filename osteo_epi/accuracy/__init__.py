"""Thresholds: how well a test, or a cut-point of a density, tells the diseased from the healthy.

A frame of any kind comes first and its columns are named, ``accuracy(people, test="low",
truth="dxa")``; without one values stand in the place of the names, ``accuracy(test=low,
truth=dxa)``.
"""

from osteo_epi.accuracy._accuracy import MEASURES, Accuracy, accuracy
from osteo_epi.accuracy._columns import (
    Answers,
    People,
    Positive,
    refuse_one_class,
    said_yes,
)
from osteo_epi.accuracy._comparison import AccuracyComparison, PairedShares, compare_tests
from osteo_epi.accuracy._corrected import CorrectedPrevalence, corrected_prevalence
from osteo_epi.accuracy._measures import Counts, Measure
from osteo_epi.accuracy._sample import Joint, Sample, Share
from osteo_epi.accuracy._side_by_side import AccuracyTable, accuracy_table
from osteo_epi.accuracy.curves._adjusted import AdjustedROC, adjusted_roc
from osteo_epi.accuracy.curves._band import ROCBand
from osteo_epi.accuracy.curves._comparison import (
    ROCComparison,
    compare_independent_roc,
    compare_roc,
)
from osteo_epi.accuracy.curves._roc import ROC, roc
from osteo_epi.accuracy.curves._smooth import SmoothROC, smooth_roc
from osteo_epi.accuracy.cutpoints._asked import CRITERIA
from osteo_epi.accuracy.cutpoints._cut_points import cut_points
from osteo_epi.accuracy.cutpoints._result import CutPoint, CutPoints
from osteo_epi.accuracy.planning._sizes import (
    accuracy_sample_size,
    auc_comparison_sample_size,
    auc_sample_size,
    kappa_sample_size,
)
from osteo_epi.accuracy.planning._study_size import Need, StudySize, normal, sampling
from osteo_epi.accuracy.reporting._stard import Branch, StardFlow, stard_flow
from osteo_epi.accuracy.thresholds._carried import Carried
from osteo_epi.accuracy.thresholds._compared import (
    Candidate,
    ThresholdComparison,
    compare_thresholds,
)
from osteo_epi.accuracy.thresholds._conditions import ConditionCheck
from osteo_epi.accuracy.thresholds._moved import Change
from osteo_epi.accuracy.thresholds._threshold import Conditions, Threshold, threshold
from osteo_epi.accuracy.thresholds._transport import Transport, transport
from osteo_epi.accuracy.verification._verified import VerifiedAccuracy, verified_accuracy

__all__ = [
    "CRITERIA",
    "MEASURES",
    "ROC",
    "Accuracy",
    "AccuracyComparison",
    "AccuracyTable",
    "AdjustedROC",
    "Answers",
    "Branch",
    "Candidate",
    "Carried",
    "Change",
    "ConditionCheck",
    "Conditions",
    "CorrectedPrevalence",
    "Counts",
    "CutPoint",
    "CutPoints",
    "Joint",
    "Measure",
    "Need",
    "PairedShares",
    "People",
    "Positive",
    "ROCBand",
    "ROCComparison",
    "Sample",
    "Share",
    "SmoothROC",
    "StardFlow",
    "StudySize",
    "Threshold",
    "ThresholdComparison",
    "Transport",
    "VerifiedAccuracy",
    "accuracy",
    "accuracy_sample_size",
    "accuracy_table",
    "adjusted_roc",
    "auc_comparison_sample_size",
    "auc_sample_size",
    "compare_independent_roc",
    "compare_roc",
    "compare_tests",
    "compare_thresholds",
    "corrected_prevalence",
    "cut_points",
    "kappa_sample_size",
    "normal",
    "refuse_one_class",
    "roc",
    "said_yes",
    "sampling",
    "smooth_roc",
    "stard_flow",
    "threshold",
    "transport",
    "verified_accuracy",
]


def __dir__() -> list[str]:
    return sorted(__all__)
