"""Figures of the people of a reference: who they are, what a rule moves, how many to measure."""

from osteo_epi.figures.people._bars import balance_chart, sample_size_chart
from osteo_epi.figures.people._residuals import outlier_chart
from osteo_epi.figures.people._shifts import rule_shifts

__all__ = ["balance_chart", "outlier_chart", "rule_shifts", "sample_size_chart"]
