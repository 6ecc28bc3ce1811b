"""From people to a population: design, variance, estimates, standardisation, burden.

`prevalence` is the frame layer. Below it stand functions of arrays that take a design made by
`SurveyDesign.arrays(frame)`: means, totals, ratios, quantiles, regressions, tests, replicate and
calibrated weights.
"""

from osteo_epi.population.burden import people_affected, population_size
from osteo_epi.population.calibrated import calibrated_prevalence
from osteo_epi.population.definition_grid import DefinitionGrid, definition_grid
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
from osteo_epi.population.grid_axes import definition_axes, with_cut_off
from osteo_epi.population.grid_decomposition import decompose_difference
from osteo_epi.population.indirect import indirect_rate, smr
from osteo_epi.population.intervals import survey_interval
from osteo_epi.population.poisson import poisson_limits
from osteo_epi.population.presentation import presentation
from osteo_epi.population.prevalence import prevalence
from osteo_epi.population.prevalence_result import Prevalence
from osteo_epi.population.projection import people_in_populations
from osteo_epi.population.proportion import proportion, with_proportion
from osteo_epi.population.proportion_difference import proportion_difference
from osteo_epi.population.proportion_direct import standardised_proportion
from osteo_epi.population.quantile import survey_quantile
from osteo_epi.population.rate_direct import direct_rate, direct_rate_ratio
from osteo_epi.population.rate_standardised import standardised_rate
from osteo_epi.population.rates import rate, rate_ratio, with_rates
from osteo_epi.population.regression import (
    covariates,
    marginal_means,
    survey_regression,
    term_test,
)
from osteo_epi.population.replicate_design import ReplicateDesign
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
from osteo_epi.population.trend import prevalence_trend

__all__ = [
    "DefinitionGrid",
    "Estimate",
    "Prevalence",
    "ReplicateDesign",
    "SurveyDesign",
    "association",
    "calibrate",
    "calibrated_prevalence",
    "check_design",
    "contrast",
    "covariates",
    "decompose_difference",
    "definition_axes",
    "definition_grid",
    "direct_rate",
    "direct_rate_ratio",
    "domain_means",
    "effective_size",
    "given_replicates",
    "indirect_rate",
    "kappa",
    "log_ratio",
    "marginal_means",
    "people_affected",
    "people_in_populations",
    "poisson_limits",
    "population_size",
    "poststratify",
    "presentation",
    "prevalence",
    "prevalence_trend",
    "proportion",
    "proportion_difference",
    "rake",
    "rank_test",
    "rate",
    "rate_ratio",
    "replicate_estimate",
    "replicate_mean",
    "replicate_ratio",
    "replicate_total",
    "replicates",
    "shares_by_name",
    "smr",
    "standardised_mean",
    "standardised_proportion",
    "standardised_rate",
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
    "with_cut_off",
    "with_proportion",
    "with_rates",
]
