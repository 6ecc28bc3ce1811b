"""Figures of follow-up: ratios, predicted risks, what deciding by them is worth, and curves."""

from osteo_epi.figures.risk._calibration import calibration_chart
from osteo_epi.figures.risk._decision import decision_chart
from osteo_epi.figures.risk._distribution import risk_distribution
from osteo_epi.figures.risk._forest import forest_plot
from osteo_epi.figures.risk._incidence import incidence_chart, survival_chart
from osteo_epi.figures.risk._markers import marker_chart
from osteo_epi.figures.risk._screening import screening_chart

__all__ = [
    "calibration_chart",
    "decision_chart",
    "forest_plot",
    "incidence_chart",
    "marker_chart",
    "risk_distribution",
    "screening_chart",
    "survival_chart",
]
