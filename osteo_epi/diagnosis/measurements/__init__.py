"""Which measurements count: usable areal densities, the lumbar spine by a rule, QCT."""

from osteo_epi.diagnosis.measurements._areal import Areal
from osteo_epi.diagnosis.measurements._spine import (
    VERTEBRAE,
    LumbarSpine,
    Neighbours,
    SpineRule,
    find_spine_rule,
    with_lumbar_spine,
    with_neighbour_flag,
)

__all__ = [
    "VERTEBRAE",
    "Areal",
    "LumbarSpine",
    "Neighbours",
    "SpineRule",
    "find_spine_rule",
    "with_lumbar_spine",
    "with_neighbour_flag",
]
