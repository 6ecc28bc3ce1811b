"""Figures: a result in, matplotlib's axes out; nothing is computed here.

Each takes the result first, axes to draw into as `ax`, and words above and under them as `title`
and `note`. Without `ax` the figure is one of its own, which Jupyter shows.
"""

from osteo_epi.figures._definitions import (
    difference_by_choice,
    prevalence_by_definition,
    prevalence_over,
)
from osteo_epi.figures._picture import Picture, alt_text
from osteo_epi.figures._plot import plot
from osteo_epi.figures._points import CROWD
from osteo_epi.figures.accuracy import (
    band_chart,
    cut_point_panel,
    roc_comparison,
    roc_curve,
    stard_diagram,
    study_size_chart,
    threshold_chart,
    transport_chart,
)
from osteo_epi.figures.agreement import bland_altman, method_comparison, transitions
from osteo_epi.figures.calibration import (
    control_chart,
    differences_between,
    phantom_deviations,
    prevalence_with_calibration,
    signal_chart,
)
from osteo_epi.figures.estimates import interval_chart
from osteo_epi.figures.people import balance_chart, outlier_chart, rule_shifts, sample_size_chart
from osteo_epi.figures.prevalence import (
    bmd_by_age,
    flow_diagram,
    prevalence_by_age,
    prevalence_forest,
    site_overlap,
)
from osteo_epi.figures.reference import (
    centile_chart,
    coverage_chart,
    peak_chooser,
    q_statistics,
    reference_chart,
    reference_comparison,
    smoothed_mean,
    worm_plot,
)
from osteo_epi.figures.risk import (
    calibration_chart,
    decision_chart,
    forest_plot,
    incidence_chart,
    marker_chart,
    risk_distribution,
    screening_chart,
    survival_chart,
)

__all__ = [
    "CROWD",
    "Picture",
    "alt_text",
    "balance_chart",
    "band_chart",
    "bland_altman",
    "bmd_by_age",
    "calibration_chart",
    "centile_chart",
    "control_chart",
    "coverage_chart",
    "cut_point_panel",
    "decision_chart",
    "difference_by_choice",
    "differences_between",
    "flow_diagram",
    "forest_plot",
    "incidence_chart",
    "interval_chart",
    "marker_chart",
    "method_comparison",
    "outlier_chart",
    "peak_chooser",
    "phantom_deviations",
    "plot",
    "prevalence_by_age",
    "prevalence_by_definition",
    "prevalence_forest",
    "prevalence_over",
    "prevalence_with_calibration",
    "q_statistics",
    "reference_chart",
    "reference_comparison",
    "risk_distribution",
    "roc_comparison",
    "roc_curve",
    "rule_shifts",
    "sample_size_chart",
    "screening_chart",
    "signal_chart",
    "site_overlap",
    "smoothed_mean",
    "stard_diagram",
    "study_size_chart",
    "survival_chart",
    "threshold_chart",
    "transitions",
    "transport_chart",
    "worm_plot",
]


def __dir__() -> list[str]:
    return sorted(__all__)
