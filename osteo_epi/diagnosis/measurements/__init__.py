"""Which measurements count: usable areal densities, the lumbar spine by a rule, QCT."""

from osteo_epi.diagnosis.measurements._areal import Areal, areal_density
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
    "areal_density",
    "find_spine_rule",
    "with_lumbar_spine",
    "with_neighbour_flag",
]
