"""Rates and proportions of counts: intervals, direct and indirect standardisation."""

from osteo_epi.population.rates._difference import (
    DIFFERENCE_METHODS,
    ProportionDifference,
    proportion_difference,
)
from osteo_epi.population.rates._direct import (
    DIRECT_METHODS,
    DirectRate,
    direct_rate,
    direct_rate_ratio,
    standardised_proportion,
    standardised_rate,
)
from osteo_epi.population.rates._indirect import IndirectRates, Smr, indirect_rate, smr
from osteo_epi.population.rates._poisson import POISSON_METHODS, poisson_limits
from osteo_epi.population.rates._proportion import (
    PROPORTION_METHODS,
    Proportion,
    proportion,
    with_proportion,
)
from osteo_epi.population.rates._rates import Rate, RateRatio, rate, rate_ratio, with_rates
from osteo_epi.population.rates._strata import Standardised

__all__ = [
    "DIFFERENCE_METHODS",
    "DIRECT_METHODS",
    "POISSON_METHODS",
    "PROPORTION_METHODS",
    "DirectRate",
    "IndirectRates",
    "Proportion",
    "ProportionDifference",
    "Rate",
    "RateRatio",
    "Smr",
    "Standardised",
    "direct_rate",
    "direct_rate_ratio",
    "indirect_rate",
    "poisson_limits",
    "proportion",
    "proportion_difference",
    "rate",
    "rate_ratio",
    "smr",
    "standardised_proportion",
    "standardised_rate",
    "with_proportion",
    "with_rates",
]
