"""Risk: what a density, or a risk score, says of fractures to come."""

from osteo_epi.risk._follow_up import FollowUp, follow_up
from osteo_epi.risk.discrimination._brier import BrierScore, brier_score, compare_brier
from osteo_epi.risk.discrimination._concordance import (
    Concordance,
    ConcordanceComparison,
    compare_concordance,
    concordance,
)
from osteo_epi.risk.discrimination._difference import HorizonComparison
from osteo_epi.risk.discrimination._time_dependent import (
    TimeDependentAUC,
    compare_time_dependent_auc,
    time_dependent_auc,
)
from osteo_epi.risk.performance import (
    DecisionCurve,
    RiskCalibration,
    decision_curve,
    risk_calibration,
)
from osteo_epi.risk.planning._sizes import hazard_ratio_sample_size, prediction_sample_size
from osteo_epi.risk.screening._comparison import Screen, ScreeningComparison, compare_screening
from osteo_epi.risk.screening._screening import with_answers_counted, with_screening
from osteo_epi.risk.survival._subdistribution import FineGrayFit, fit_fine_gray

__all__ = [
    "BrierScore",
    "Concordance",
    "ConcordanceComparison",
    "DecisionCurve",
    "FineGrayFit",
    "FollowUp",
    "HorizonComparison",
    "RiskCalibration",
    "Screen",
    "ScreeningComparison",
    "TimeDependentAUC",
    "brier_score",
    "compare_brier",
    "compare_concordance",
    "compare_screening",
    "compare_time_dependent_auc",
    "concordance",
    "decision_curve",
    "fit_fine_gray",
    "follow_up",
    "hazard_ratio_sample_size",
    "prediction_sample_size",
    "risk_calibration",
    "time_dependent_auc",
    "with_answers_counted",
    "with_screening",
]
