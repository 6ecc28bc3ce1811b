"""Figures of scanners: phantoms, drift, differences between devices and what they do."""

from osteo_epi.figures.calibration._control_chart import control_chart
from osteo_epi.figures.calibration._devices import differences_between, prevalence_with_calibration
from osteo_epi.figures.calibration._phantom import phantom_deviations
from osteo_epi.figures.calibration._signals import signal_chart

__all__ = [
    "control_chart",
    "differences_between",
    "phantom_deviations",
    "prevalence_with_calibration",
    "signal_chart",
]
