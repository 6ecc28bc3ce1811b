"""What a predicted risk is worth: whether it is true, and whether deciding by it does good."""

from osteo_epi.risk.performance._calibration import RiskCalibration, risk_calibration
from osteo_epi.risk.performance._decision import (
    TREAT_ALL,
    TREAT_NONE,
    DecisionCurve,
    decision_curve,
)
from osteo_epi.risk.performance._reclassification import Reclassification, reclassification

__all__ = [
    "TREAT_ALL",
    "TREAT_NONE",
    "DecisionCurve",
    "Reclassification",
    "RiskCalibration",
    "decision_curve",
    "reclassification",
    "risk_calibration",
]
