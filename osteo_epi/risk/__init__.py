"""Risk: what a density, or a risk score, says of fractures to come.

A frame of any kind comes first and its columns are named; without one the values stand in the
place of the names, ``survival_curve(time=years, event=fracture, at=[5])``.
"""

from osteo_epi.risk._follow_up import FollowUp, follow_up
from osteo_epi.risk.association import (
    Association,
    Gradient,
    GradientComparison,
    Heterogeneity,
    PersonYears,
    compare_gradients,
    hazard_ratios,
    odds_ratios,
    person_years,
    subdistribution_hazard_ratios,
)
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
from osteo_epi.risk.hazard import CoxFit, fit_cox
from osteo_epi.risk.markers._association import bone_association
from osteo_epi.risk.markers._effects import BoneAssociation, BoneEffect
from osteo_epi.risk.performance import (
    TREAT_ALL,
    TREAT_NONE,
    DecisionCurve,
    Reclassification,
    RiskCalibration,
    decision_curve,
    reclassification,
    risk_calibration,
)
from osteo_epi.risk.planning._sizes import hazard_ratio_sample_size, prediction_sample_size
from osteo_epi.risk.prediction._model import PredictedRisk, RiskModel, fit_risk_model
from osteo_epi.risk.prediction._validation import Validation, validate_risk_model
from osteo_epi.risk.reporting._items import TripodItem, TripodItems, tripod_items
from osteo_epi.risk.screening._comparison import Screen, ScreeningComparison, compare_screening
from osteo_epi.risk.screening._screening import with_answers_counted, with_screening
from osteo_epi.risk.survival._comparison import CurveComparison, compare_curves, compare_incidence
from osteo_epi.risk.survival._curve import GroupCurve, SurvivalCurve, SurvivalGroup, survival_curve
from osteo_epi.risk.survival._incidence import CumulativeIncidence, cumulative_incidence
from osteo_epi.risk.survival._subdistribution import FineGrayFit, fit_fine_gray
from osteo_epi.risk.tables._two_by_two import TwoByTwo, trend_test, two_by_two

__all__ = [
    "TREAT_ALL",
    "TREAT_NONE",
    "Association",
    "BoneAssociation",
    "BoneEffect",
    "BrierScore",
    "Concordance",
    "ConcordanceComparison",
    "CoxFit",
    "CumulativeIncidence",
    "CurveComparison",
    "DecisionCurve",
    "FineGrayFit",
    "FollowUp",
    "Gradient",
    "GradientComparison",
    "GroupCurve",
    "Heterogeneity",
    "HorizonComparison",
    "PersonYears",
    "PredictedRisk",
    "Reclassification",
    "RiskCalibration",
    "RiskModel",
    "Screen",
    "ScreeningComparison",
    "SurvivalCurve",
    "SurvivalGroup",
    "TimeDependentAUC",
    "TripodItem",
    "TripodItems",
    "TwoByTwo",
    "Validation",
    "bone_association",
    "brier_score",
    "compare_brier",
    "compare_concordance",
    "compare_curves",
    "compare_gradients",
    "compare_incidence",
    "compare_screening",
    "compare_time_dependent_auc",
    "concordance",
    "cumulative_incidence",
    "decision_curve",
    "fit_cox",
    "fit_fine_gray",
    "fit_risk_model",
    "follow_up",
    "hazard_ratio_sample_size",
    "hazard_ratios",
    "odds_ratios",
    "person_years",
    "prediction_sample_size",
    "reclassification",
    "risk_calibration",
    "subdistribution_hazard_ratios",
    "survival_curve",
    "time_dependent_auc",
    "trend_test",
    "tripod_items",
    "two_by_two",
    "validate_risk_model",
    "with_answers_counted",
    "with_screening",
]


def __dir__() -> list[str]:
    return sorted(__all__)
