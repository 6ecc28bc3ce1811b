"""Survey statistics that know no bone: designs, variance, estimates, replicate weights.

A frame comes first, its columns and its `SurveyDesign` by keyword; or arrays do, with the design
that `SurveyDesign(...).arrays(frame)` gives, or the replicate weights that
`ReplicateDesign(...).sample(frame)` does. How weights that `svy` rakes, and
replicates that it makes, are handed over stands with `ReplicateDesign`.
"""

from osteo_epi.survey._arrays import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    degrees_of_freedom,
    mask_of,
    rows_in,
)
from osteo_epi.survey._bootstrap import WEIGHT, resamples
from osteo_epi.survey._design import (
    DESCRIBING,
    SurveyDesign,
    WeightSpan,
    check_design,
    refuse_faults,
)
from osteo_epi.survey._estimates import (
    Estimate,
    contrast,
    domain_means,
    effective_size,
    log_ratio,
    mean,
    ratio,
    total,
    trend_coefficients,
    variance_of,
    weighted_mean,
    weighted_variance,
)
from osteo_epi.survey._intervals import INTERVAL_METHODS, INTERVAL_NAMES, survey_interval
from osteo_epi.survey._quantile import Quantiles, survey_quantile, weighted_quantiles
from osteo_epi.survey._regression import (
    Regression,
    covariates,
    marginal_means,
    survey_regression,
    term_test,
)
from osteo_epi.survey._replicates import (
    Design,
    ReplicateDesign,
    Replicates,
    bootstrap_replicates,
    given_replicates,
    independent,
    replicate_estimate,
    replicate_mean,
    replicate_ratio,
    replicate_total,
)
from osteo_epi.survey._standardised import (
    empty_strata,
    linearised_standard,
    refuse_empty,
    shares_by_name,
    standardised_mean,
    standardised_weights,
)
from osteo_epi.survey._tests import RaoScott, rao_scott_test
from osteo_epi.survey._variance import covariance, element_variance

__all__ = [
    "DESCRIBING",
    "INTERVAL_METHODS",
    "INTERVAL_NAMES",
    "WEIGHT",
    "Array",
    "Codes",
    "Design",
    "DesignArrays",
    "Estimate",
    "Mask",
    "Quantiles",
    "RaoScott",
    "Regression",
    "ReplicateDesign",
    "Replicates",
    "SurveyDesign",
    "WeightSpan",
    "bootstrap_replicates",
    "check_design",
    "contrast",
    "covariance",
    "covariates",
    "degrees_of_freedom",
    "domain_means",
    "effective_size",
    "element_variance",
    "empty_strata",
    "given_replicates",
    "independent",
    "linearised_standard",
    "log_ratio",
    "marginal_means",
    "mask_of",
    "mean",
    "rao_scott_test",
    "ratio",
    "refuse_empty",
    "refuse_faults",
    "replicate_estimate",
    "replicate_mean",
    "replicate_ratio",
    "replicate_total",
    "resamples",
    "rows_in",
    "shares_by_name",
    "standardised_mean",
    "standardised_weights",
    "survey_interval",
    "survey_quantile",
    "survey_regression",
    "term_test",
    "total",
    "trend_coefficients",
    "variance_of",
    "weighted_mean",
    "weighted_quantiles",
    "weighted_variance",
]


def __dir__() -> list[str]:
    return sorted(__all__)
