"""Figures of estimates with limits that have no figure of their own."""

from osteo_epi.figures.estimates._interval_chart import interval_chart
from osteo_epi.figures.estimates._kinds import ESTIMATES

__all__ = ["ESTIMATES", "interval_chart"]
