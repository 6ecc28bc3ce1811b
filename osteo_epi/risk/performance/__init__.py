"""What a predicted risk is worth: whether it is true, and whether deciding by it does good."""

from osteo_epi.risk.performance._calibration import RiskCalibration, risk_calibration
from osteo_epi.risk.performance._decision import DecisionCurve, decision_curve

__all__ = ["DecisionCurve", "RiskCalibration", "decision_curve", "risk_calibration"]
