"""What is known of a person beside the density: an established fracture, or that only Z applies."""

from osteo_epi.population.status._person import (
    BY_FRACTURE,
    ESTABLISHED,
    EXCLUDE,
    NO_RECORD,
    NONE,
    OPEN,
    PARTS,
    UNKNOWN,
    Z_ONLY,
    Status,
)
from osteo_epi.population.status._two_parts import TwoParts, two_parts

__all__ = [
    "BY_FRACTURE",
    "ESTABLISHED",
    "EXCLUDE",
    "NONE",
    "NO_RECORD",
    "OPEN",
    "PARTS",
    "UNKNOWN",
    "Z_ONLY",
    "Status",
    "TwoParts",
    "two_parts",
]
