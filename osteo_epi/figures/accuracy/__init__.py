"""Figures of thresholds: how well a test tells the diseased from the healthy, and at which cut."""

from osteo_epi.figures.accuracy._cut_points import cut_point_panel
from osteo_epi.figures.accuracy._flow import stard_diagram
from osteo_epi.figures.accuracy._roc import band_chart, roc_comparison, roc_curve
from osteo_epi.figures.accuracy._study_size import study_size_chart
from osteo_epi.figures.accuracy._transport import threshold_chart, transport_chart

__all__ = [
    "band_chart",
    "cut_point_panel",
    "roc_comparison",
    "roc_curve",
    "stard_diagram",
    "study_size_chart",
    "threshold_chart",
    "transport_chart",
]
