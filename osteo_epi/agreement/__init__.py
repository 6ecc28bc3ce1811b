"""Between methods: how far two readings of the same bone agree.

A correlation is not an agreement: `association` gives it and says so; `bland_altman`,
`concordance`, `intraclass`, `equivalence` (TOST) and `kappa` answer the question.
"""

from osteo_epi.agreement.association import association
from osteo_epi.agreement.bland_altman import bland_altman
from osteo_epi.agreement.concordance import concordance
from osteo_epi.agreement.equivalence import dxa_qct_equivalence, spectral_qct_equivalence
from osteo_epi.agreement.icc import intraclass
from osteo_epi.agreement.kappa import kappa, kappa_of_table
from osteo_epi.agreement.published import published_range
from osteo_epi.agreement.raters import kendall_w, krippendorff, raters
from osteo_epi.agreement.repeated import bland_altman_repeated
from osteo_epi.agreement.streamed import bland_altman_by
from osteo_epi.agreement.tost import equivalence
from osteo_epi.agreement.transitions import transitions

__all__ = [
    "association",
    "bland_altman",
    "bland_altman_by",
    "bland_altman_repeated",
    "concordance",
    "dxa_qct_equivalence",
    "equivalence",
    "intraclass",
    "kappa",
    "kappa_of_table",
    "kendall_w",
    "krippendorff",
    "published_range",
    "raters",
    "spectral_qct_equivalence",
    "transitions",
]
