"""Figures of thresholds: how well a test tells the diseased from the healthy, and at which cut."""

from osteo_epi.figures.accuracy._flow import stard_diagram
from osteo_epi.figures.accuracy._roc import band_chart, roc_curve

__all__ = [
    "band_chart",
    "roc_curve",
    "stard_diagram",
]
