"""Cox's proportional hazards on arrays: the fit, its residuals and hazards, and its test."""

from osteo_epi.risk.hazard._cox import TIES, CoxFit, fit_cox, refuse_repeats
from osteo_epi.risk.hazard._proportional import (
    TRANSFORMS,
    ScoreTest,
    proportionality,
    time_function,
)

__all__ = [
    "TIES",
    "TRANSFORMS",
    "CoxFit",
    "ScoreTest",
    "fit_cox",
    "proportionality",
    "refuse_repeats",
    "time_function",
]
