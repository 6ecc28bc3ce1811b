"""Figures of a reference: its curves, how good they are, its young adults, and two compared."""

from osteo_epi.figures.reference._centiles import centile_chart, reference_chart, smoothed_mean
from osteo_epi.figures.reference._comparison import reference_comparison
from osteo_epi.figures.reference._diagnostics import coverage_chart, q_statistics, worm_plot
from osteo_epi.figures.reference._peaks import peak_chooser

__all__ = [
    "centile_chart",
    "coverage_chart",
    "peak_chooser",
    "q_statistics",
    "reference_chart",
    "reference_comparison",
    "smoothed_mean",
    "worm_plot",
]
