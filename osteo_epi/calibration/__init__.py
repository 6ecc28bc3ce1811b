"""Between scanners: published equations, phantoms, in-vivo pairs, precision, and drift.

The lines themselves, of any two methods, are in `osteo_epi.agreement`, and
take what they are given in the same ways: series, a frame and names, values in place of names.
"""

from osteo_epi.calibration._control_chart import Signals, signals, with_control_chart
from osteo_epi.calibration._correction import (
    Correction,
    check_devices,
    chosen_columns,
    correction_between,
    with_corrected,
)
from osteo_epi.calibration._devices import BeforeAfter, Differences, before_after, between_devices
from osteo_epi.calibration._drift import (
    Decision,
    Decisions,
    Steps,
    change_points,
    decide,
    steps_at_events,
    with_period,
)
from osteo_epi.calibration._followup import with_area_flag, with_change
from osteo_epi.calibration._in_vivo import (
    CrossValidation,
    Recommendation,
    cross_validate,
    fit_line,
    recommend,
)
from osteo_epi.calibration._mixed import (
    MixedLine,
    VarianceComponents,
    mixed_line,
    variance_components,
)
from osteo_epi.calibration._phantom import PhantomLines, phantom_lines, with_nominal
from osteo_epi.calibration._precision import (
    CrossDeviceLSC,
    PrecisionCheck,
    PrecisionError,
    PrecisionTable,
    check_precision,
    cross_device_lsc,
    lsc_factor,
    precision,
    precision_of,
    precision_of_vertebrae,
)
from osteo_epi.calibration._published import (
    PublishedEquations,
    convert,
    published_equations,
    with_converted,
    with_maker_scale,
    with_sbmd,
)

__all__ = [
    "BeforeAfter",
    "Correction",
    "CrossDeviceLSC",
    "CrossValidation",
    "Decision",
    "Decisions",
    "Differences",
    "MixedLine",
    "PhantomLines",
    "PrecisionCheck",
    "PrecisionError",
    "PrecisionTable",
    "PublishedEquations",
    "Recommendation",
    "Signals",
    "Steps",
    "VarianceComponents",
    "before_after",
    "between_devices",
    "change_points",
    "check_devices",
    "check_precision",
    "chosen_columns",
    "convert",
    "correction_between",
    "cross_device_lsc",
    "cross_validate",
    "decide",
    "fit_line",
    "lsc_factor",
    "mixed_line",
    "phantom_lines",
    "precision",
    "precision_of",
    "precision_of_vertebrae",
    "published_equations",
    "recommend",
    "signals",
    "steps_at_events",
    "variance_components",
    "with_area_flag",
    "with_change",
    "with_control_chart",
    "with_converted",
    "with_corrected",
    "with_maker_scale",
    "with_nominal",
    "with_period",
    "with_sbmd",
]


def __dir__() -> list[str]:
    return sorted(__all__)
