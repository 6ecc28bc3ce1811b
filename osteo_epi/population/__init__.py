"""From people to a population: design, variance, estimates, standardisation, burden.

`prevalence` is the frame layer. Below it stand functions of arrays that take a design made by
`SurveyDesign.arrays(frame)`: means, totals, ratios, quantiles, regressions, tests, replicate and
calibrated weights.
"""

from osteo_epi.population.burden import people_affected, population_size
from osteo_epi.population.design import SurveyDesign
from osteo_epi.population.design_check import check_design
from osteo_epi.population.estimate import (
    Estimate,
    contrast,
    domain_means,
    effective_size,
    log_ratio,
    trend_coefficients,
)
from osteo_epi.population.estimate import mean as survey_mean
from osteo_epi.population.estimate import ratio as survey_ratio
from osteo_epi.population.estimate import total as survey_total
from osteo_epi.population.estimate import variance_of as survey_variance
from osteo_epi.population.fitted_weights import calibrate, poststratify, rake, trim_weights
from osteo_epi.population.intervals import survey_interval
from osteo_epi.population.prevalence import prevalence
from osteo_epi.population.prevalence_result import Prevalence
from osteo_epi.population.projection import people_in_populations
from osteo_epi.population.quantile import survey_quantile
from osteo_epi.population.regression import (
    covariates,
    marginal_means,
    survey_regression,
    term_test,
)
from osteo_epi.population.replication import (
    given_replicates,
    replicate_estimate,
    replicate_mean,
    replicate_ratio,
    replicate_total,
    replicates,
)
from osteo_epi.population.standardise import (
    shares_by_name,
    standardised_mean,
    standardised_weights,
)
from osteo_epi.population.survey_tests import association, kappa, rank_test, t_test

__all__ = [
    "Estimate",
    "Prevalence",
    "SurveyDesign",
    "association",
    "calibrate",
    "check_design",
    "contrast",
    "covariates",
    "domain_means",
    "effective_size",
    "given_replicates",
    "kappa",
    "log_ratio",
    "marginal_means",
    "people_affected",
    "people_in_populations",
    "population_size",
    "poststratify",
    "prevalence",
    "rake",
    "rank_test",
    "replicate_estimate",
    "replicate_mean",
    "replicate_ratio",
    "replicate_total",
    "replicates",
    "shares_by_name",
    "standardised_mean",
    "standardised_weights",
    "survey_interval",
    "survey_mean",
    "survey_quantile",
    "survey_ratio",
    "survey_regression",
    "survey_total",
    "survey_variance",
    "t_test",
    "term_test",
    "trend_coefficients",
    "trim_weights",
]
