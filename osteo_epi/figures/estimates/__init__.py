"""Figures of estimates with limits that have no figure of their own."""

from osteo_epi.figures.estimates._interval_chart import ESTIMATES, interval_chart

__all__ = ["ESTIMATES", "interval_chart"]
