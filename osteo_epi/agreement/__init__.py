"""Two readings of one bone: paired readings, lines between them, and how far they agree.

A correlation is not an agreement: `association` gives it and says so; `bland_altman`,
`concordance`, `intraclass`, `equivalence` (TOST) and `kappa` answer the question.
"""

from osteo_epi.agreement._bland_altman import (
    BlandAltman,
    bland_altman,
    bland_altman_by,
    bland_altman_repeated,
    limits,
)
from osteo_epi.agreement._deming import (
    ErrorRatio,
    deming,
    error_ratio_from_repeats,
    known_errors,
    weighted_deming,
)
from osteo_epi.agreement._equivalence import (
    dxa_qct_equivalence,
    equivalence,
    published_range,
    spectral_qct_equivalence,
)
from osteo_epi.agreement._kappa import (
    Transitions,
    agreement_scores,
    kappa,
    kappa_of_table,
    transitions,
)
from osteo_epi.agreement._least_squares import Linearity, lack_of_fit, least_squares
from osteo_epi.agreement._line import Estimate, Line, Prediction, as_covariance, coefficients
from osteo_epi.agreement._pairs import UNIT_RATIO, Missing, Pairs, join_pairs, paired, same_units
from osteo_epi.agreement._passing_bablok import passing_bablok, theil_sen
from osteo_epi.agreement._raters import kendall_w, krippendorff, raters
from osteo_epi.agreement._reliability import association, concordance, intraclass
from osteo_epi.agreement._slopes import PairwiseSlopes

__all__ = [
    "UNIT_RATIO",
    "BlandAltman",
    "ErrorRatio",
    "Estimate",
    "Line",
    "Linearity",
    "Missing",
    "Pairs",
    "PairwiseSlopes",
    "Prediction",
    "Transitions",
    "agreement_scores",
    "as_covariance",
    "association",
    "bland_altman",
    "bland_altman_by",
    "bland_altman_repeated",
    "coefficients",
    "concordance",
    "deming",
    "dxa_qct_equivalence",
    "equivalence",
    "error_ratio_from_repeats",
    "intraclass",
    "join_pairs",
    "kappa",
    "kappa_of_table",
    "kendall_w",
    "known_errors",
    "krippendorff",
    "lack_of_fit",
    "least_squares",
    "limits",
    "paired",
    "passing_bablok",
    "published_range",
    "raters",
    "same_units",
    "spectral_qct_equivalence",
    "theil_sen",
    "transitions",
    "weighted_deming",
]
