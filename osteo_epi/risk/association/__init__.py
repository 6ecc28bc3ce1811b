"""Association: hazard and odds ratios per standard deviation, rates, and published gradients."""

from osteo_epi.risk.association._association import FEW_EVENTS, Association, Model, Ratio
from osteo_epi.risk.association._gradients import (
    Gradient,
    GradientComparison,
    Heterogeneity,
    compare_gradients,
)
from osteo_epi.risk.association._hazard_ratios import hazard_ratios
from osteo_epi.risk.association._odds_ratios import odds_ratios
from osteo_epi.risk.association._person_years import PersonYears, Rate, person_years
from osteo_epi.risk.association._subdistribution_ratios import subdistribution_hazard_ratios
from osteo_epi.risk.association._terms import KNOTS, spline_basis

__all__ = [
    "FEW_EVENTS",
    "KNOTS",
    "Association",
    "Gradient",
    "GradientComparison",
    "Heterogeneity",
    "Model",
    "PersonYears",
    "Rate",
    "Ratio",
    "compare_gradients",
    "hazard_ratios",
    "odds_ratios",
    "person_years",
    "spline_basis",
    "subdistribution_hazard_ratios",
]
