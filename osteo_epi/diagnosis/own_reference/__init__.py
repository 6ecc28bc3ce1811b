"""A young-adult reference from the people at hand, and the error that it shares."""

from osteo_epi.diagnosis.own_reference._moments import Moments
from osteo_epi.diagnosis.own_reference._reference import (
    CTXA_ROIS,
    MOVE,
    OWN_REFERENCE,
    YOUNG,
    LinearSums,
    OwnReference,
    ctxa_reference_of_people,
    reference_of_people,
    young_adult_reference,
    young_rois,
)

__all__ = [
    "CTXA_ROIS",
    "MOVE",
    "OWN_REFERENCE",
    "YOUNG",
    "LinearSums",
    "Moments",
    "OwnReference",
    "ctxa_reference_of_people",
    "reference_of_people",
    "young_adult_reference",
    "young_rois",
]
