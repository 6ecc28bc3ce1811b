"""Between scanners: published equations, phantoms, in-vivo pairs, precision, and drift."""

from osteo_epi.calibration.before_after import before_after
from osteo_epi.calibration.between import between_devices
from osteo_epi.calibration.components import variance_components
from osteo_epi.calibration.control_chart import signals, with_control_chart
from osteo_epi.calibration.correction import Correction, correction_between
from osteo_epi.calibration.crossvalidation import cross_validate
from osteo_epi.calibration.decisions import Decision, Decisions, decide
from osteo_epi.calibration.deming import deming, error_ratio_from_repeats, weighted_deming
from osteo_epi.calibration.drift import change_points, steps_at_events
from osteo_epi.calibration.followup import with_area_flag, with_change
from osteo_epi.calibration.linearity import lack_of_fit
from osteo_epi.calibration.lsc import (
    check_precision,
    cross_device_lsc,
    precision_of_vertebrae,
)
from osteo_epi.calibration.mixed import mixed_line
from osteo_epi.calibration.ols import least_squares
from osteo_epi.calibration.pairs import join_pairs, paired
from osteo_epi.calibration.passing_bablok import passing_bablok, theil_sen
from osteo_epi.calibration.periods import with_period
from osteo_epi.calibration.phantom import phantom_lines
from osteo_epi.calibration.phantom_nominal import with_nominal
from osteo_epi.calibration.precision import lsc_factor, precision, precision_of
from osteo_epi.calibration.published import convert, published_equations
from osteo_epi.calibration.published_people import with_converted, with_sbmd
from osteo_epi.calibration.regression import fit_line, recommend
from osteo_epi.calibration.york import known_errors

__all__ = [
    "Correction",
    "Decision",
    "Decisions",
    "before_after",
    "between_devices",
    "change_points",
    "check_precision",
    "convert",
    "correction_between",
    "cross_device_lsc",
    "cross_validate",
    "decide",
    "deming",
    "error_ratio_from_repeats",
    "fit_line",
    "join_pairs",
    "known_errors",
    "lack_of_fit",
    "least_squares",
    "lsc_factor",
    "mixed_line",
    "paired",
    "passing_bablok",
    "phantom_lines",
    "precision",
    "precision_of",
    "precision_of_vertebrae",
    "published_equations",
    "recommend",
    "signals",
    "steps_at_events",
    "theil_sen",
    "variance_components",
    "weighted_deming",
    "with_area_flag",
    "with_change",
    "with_control_chart",
    "with_converted",
    "with_nominal",
    "with_period",
    "with_sbmd",
]
