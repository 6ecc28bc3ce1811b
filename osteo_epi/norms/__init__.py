"""Published numbers as frozen objects, and the scores made with them."""

from osteo_epi.norms.bands import T_TOLERANCE, VBMD_TOLERANCE, Bands, Interval
from osteo_epi.norms.criterion import Applies, Criterion, FractureRule, QctRule
from osteo_epi.norms.library import Catalogue, available, cite, load, shelf
from osteo_epi.norms.norm import Citation, Norm
from osteo_epi.norms.populations import AgeBand, StandardPopulation
from osteo_epi.norms.records import Calibration, Equation, Index, Record
from osteo_epi.norms.references import (
    AgeCurve,
    AgeReference,
    CurveEntry,
    Entry,
    MeanSD,
    YoungAdultReference,
)

__all__ = [
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
    "Record",
    "StandardPopulation",
    "YoungAdultReference",
    "available",
    "cite",
    "load",
    "shelf",
]
