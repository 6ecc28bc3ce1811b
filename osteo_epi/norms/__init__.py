"""Published numbers as frozen objects, and the scores made with them."""

from osteo_epi.norms._bands import (
    READING_TOLERANCE,
    T_TOLERANCE,
    VBMD_TOLERANCE,
    Bands,
    Interval,
    falls_below,
    out_of_range,
    rises_above,
)
from osteo_epi.norms._criterion import SEX_RULES, Applies, Criterion, FractureRule, QctRule
from osteo_epi.norms._curves import AgeCurve, AnyCurve, DistributionCurve
from osteo_epi.norms._families import FAMILIES, PARAMETERS, Family, Link, find_family
from osteo_epi.norms._library import (
    ENVIRONMENT,
    KINDS,
    Catalogue,
    available,
    cite,
    holders,
    load,
    shelf,
)
from osteo_epi.norms._norm import (
    COMPLETED,
    DERIVED,
    EXACT,
    GRADE_MEANING,
    OWN_DATA,
    Citation,
    Derivation,
    Norm,
    graded,
)
from osteo_epi.norms._populations import AgeBand, StandardPopulation
from osteo_epi.norms._records import Calibration, Equation, Index, Simulation
from osteo_epi.norms._references import (
    CTXA,
    SEXES,
    AgeReference,
    CurveEntry,
    Entry,
    MeanSD,
    YoungAdultReference,
)
from osteo_epi.norms._score import (
    t_score,
    t_score_expr,
    with_t_scores,
    with_z_scores,
    z_lines_expr,
    z_score,
    z_score_expr,
)
from osteo_epi.norms._words import (
    citation_words,
    definition_words,
    norm_words,
    population_words,
    reference_words,
)

__all__ = [
    "COMPLETED",
    "CTXA",
    "DERIVED",
    "ENVIRONMENT",
    "EXACT",
    "FAMILIES",
    "GRADE_MEANING",
    "KINDS",
    "OWN_DATA",
    "PARAMETERS",
    "READING_TOLERANCE",
    "SEXES",
    "SEX_RULES",
    "T_TOLERANCE",
    "VBMD_TOLERANCE",
    "AgeBand",
    "AgeCurve",
    "AgeReference",
    "AnyCurve",
    "Applies",
    "Bands",
    "Calibration",
    "Catalogue",
    "Citation",
    "Criterion",
    "CurveEntry",
    "Derivation",
    "DistributionCurve",
    "Entry",
    "Equation",
    "Family",
    "FractureRule",
    "Index",
    "Interval",
    "Link",
    "MeanSD",
    "Norm",
    "QctRule",
    "Simulation",
    "StandardPopulation",
    "YoungAdultReference",
    "available",
    "citation_words",
    "cite",
    "definition_words",
    "falls_below",
    "find_family",
    "graded",
    "holders",
    "load",
    "norm_words",
    "out_of_range",
    "population_words",
    "reference_words",
    "rises_above",
    "shelf",
    "t_score",
    "t_score_expr",
    "with_t_scores",
    "with_z_scores",
    "z_lines_expr",
    "z_score",
    "z_score_expr",
]


def __dir__() -> list[str]:
    return sorted(__all__)
