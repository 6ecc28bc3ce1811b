"""Risk: what a density, or a risk score, says of fractures to come."""

from osteo_epi.risk._follow_up import FollowUp, follow_up
from osteo_epi.risk.discrimination._concordance import (
    Concordance,
    ConcordanceComparison,
    compare_concordance,
    concordance,
)
from osteo_epi.risk.performance import DecisionCurve, decision_curve
from osteo_epi.risk.planning._sizes import hazard_ratio_sample_size, prediction_sample_size
from osteo_epi.risk.screening._comparison import Screen, ScreeningComparison, compare_screening
from osteo_epi.risk.screening._screening import with_answers_counted, with_screening
from osteo_epi.risk.survival._subdistribution import FineGrayFit, fit_fine_gray

__all__ = [
    "Concordance",
    "ConcordanceComparison",
    "DecisionCurve",
    "FineGrayFit",
    "FollowUp",
    "Screen",
    "ScreeningComparison",
    "compare_concordance",
    "compare_screening",
    "concordance",
    "decision_curve",
    "fit_fine_gray",
    "follow_up",
    "hazard_ratio_sample_size",
    "prediction_sample_size",
    "with_answers_counted",
    "with_screening",
]
