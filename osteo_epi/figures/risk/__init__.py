"""Figures of predicted risks: whether they are true, and what deciding by them is worth."""

from osteo_epi.figures.risk._calibration import calibration_chart
from osteo_epi.figures.risk._decision import decision_chart
from osteo_epi.figures.risk._forest import forest_plot

__all__ = ["calibration_chart", "decision_chart", "forest_plot"]
