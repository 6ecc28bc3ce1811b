"""Published numbers as frozen objects, and the scores made with them."""

from osteo_epi.norms._bands import T_TOLERANCE, VBMD_TOLERANCE, Bands, Interval
from osteo_epi.norms._criterion import SEX_RULES, Applies, Criterion, FractureRule, QctRule
from osteo_epi.norms._library import ENVIRONMENT, KINDS, Catalogue, available, cite, load, shelf
from osteo_epi.norms._norm import GRADE_MEANING, OWN_DATA, Citation, Norm, graded
from osteo_epi.norms._populations import AgeBand, StandardPopulation
from osteo_epi.norms._records import Calibration, Equation, Index, Simulation
from osteo_epi.norms._references import (
    CTXA,
    SEXES,
    AgeCurve,
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
    z_row_expr,
    z_score,
    z_score_expr,
)

__all__ = [
    "CTXA",
    "ENVIRONMENT",
    "GRADE_MEANING",
    "KINDS",
    "OWN_DATA",
    "SEXES",
    "SEX_RULES",
    "T_TOLERANCE",
    "VBMD_TOLERANCE",
    "AgeBand",
    "AgeCurve",
    "AgeReference",
    "Applies",
    "Bands",
    "Calibration",
    "Catalogue",
    "Citation",
    "Criterion",
    "CurveEntry",
    "Entry",
    "Equation",
    "FractureRule",
    "Index",
    "Interval",
    "MeanSD",
    "Norm",
    "QctRule",
    "Simulation",
    "StandardPopulation",
    "YoungAdultReference",
    "available",
    "cite",
    "graded",
    "load",
    "shelf",
    "t_score",
    "t_score_expr",
    "with_t_scores",
    "with_z_scores",
    "z_row_expr",
    "z_score",
    "z_score_expr",
]
