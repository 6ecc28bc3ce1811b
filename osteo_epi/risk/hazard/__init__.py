"""Cox's proportional hazards on arrays: the fit, its residuals and hazards, and its test."""

from osteo_epi.risk.hazard._cox import TIES, CoxFit, fit_cox
from osteo_epi.risk.hazard._newton import INTERCEPT, Quadratic, climb, refuse_repeats
from osteo_epi.risk.hazard._proportional import (
    TRANSFORMS,
    ScoreTest,
    chi_square,
    proportionality,
    time_function,
)

__all__ = [
    "INTERCEPT",
    "TIES",
    "TRANSFORMS",
    "CoxFit",
    "Quadratic",
    "ScoreTest",
    "chi_square",
    "climb",
    "fit_cox",
    "proportionality",
    "refuse_repeats",
    "time_function",
]
