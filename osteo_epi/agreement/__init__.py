"""Two readings of one bone: paired readings, lines between them, and how far they agree.

A correlation is not an agreement: `correlation` gives it and says so; `bland_altman`,
`concordance`, `intraclass`, `equivalence` (TOST) and `kappa` answer the question.

Two series come first, ``bland_altman(dxa, qct)``, or a frame of any kind and the names of its
columns, ``bland_altman(people, x="dxa", y="qct")``; ratings are a table, or a frame and `columns`.
"""

from osteo_epi.agreement._bland_altman import BlandAltman, bland_altman, bland_altman_repeated
from osteo_epi.agreement._deming import (
    ErrorRatio,
    deming,
    deming_slope,
    error_ratio_from_repeats,
    weighted_deming,
)
from osteo_epi.agreement._equivalence import (
    Equivalence,
    MethodEquivalence,
    PublishedRange,
    dxa_qct_equivalence,
    equivalence,
    published_range,
    spectral_qct_equivalence,
)
from osteo_epi.agreement._kappa import Kappa, Transitions, kappa, kappa_of_table, transitions
from osteo_epi.agreement._least_squares import Linearity, lack_of_fit, least_squares
from osteo_epi.agreement._line import (
    Line,
    PointEstimate,
    Prediction,
    as_covariance,
    coefficients,
    critical_value,
)
from osteo_epi.agreement._pairs import UNIT_RATIO, Missing, Pairs, join_pairs, paired, readings_of
from osteo_epi.agreement._passing_bablok import passing_bablok, theil_sen
from osteo_epi.agreement._raters import KendallW, Raters, kendall_w, krippendorff, raters
from osteo_epi.agreement._reliability import (
    Concordance,
    Correlation,
    Intraclass,
    concordance,
    correlation,
    intraclass,
)

__all__ = [
    "UNIT_RATIO",
    "BlandAltman",
    "Concordance",
    "Correlation",
    "Equivalence",
    "ErrorRatio",
    "Intraclass",
    "Kappa",
    "KendallW",
    "Line",
    "Linearity",
    "MethodEquivalence",
    "Missing",
    "Pairs",
    "PointEstimate",
    "Prediction",
    "PublishedRange",
    "Raters",
    "Transitions",
    "as_covariance",
    "bland_altman",
    "bland_altman_repeated",
    "coefficients",
    "concordance",
    "correlation",
    "critical_value",
    "deming",
    "deming_slope",
    "dxa_qct_equivalence",
    "equivalence",
    "error_ratio_from_repeats",
    "intraclass",
    "join_pairs",
    "kappa",
    "kappa_of_table",
    "kendall_w",
    "krippendorff",
    "lack_of_fit",
    "least_squares",
    "paired",
    "passing_bablok",
    "published_range",
    "raters",
    "readings_of",
    "spectral_qct_equivalence",
    "theil_sen",
    "transitions",
    "weighted_deming",
]


def __dir__() -> list[str]:
    return sorted(__all__)
