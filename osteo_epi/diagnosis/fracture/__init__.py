"""Fragility fracture: what a record of it says, and whether that establishes one."""

from osteo_epi.diagnosis.fracture._causes import SCANS, secondary_cause, unread_scans
from osteo_epi.diagnosis.fracture._record import (
    OPEN,
    PARTS,
    PLACE,
    REASON,
    SCREENED,
    STATUS,
    Fracture,
    check_choices,
    with_fragility_fracture,
)
from osteo_epi.diagnosis.fracture._vertebra import ENDPLATE_RULES, classes, genant_index

__all__ = [
    "ENDPLATE_RULES",
    "OPEN",
    "PARTS",
    "PLACE",
    "REASON",
    "SCANS",
    "SCREENED",
    "STATUS",
    "Fracture",
    "check_choices",
    "classes",
    "genant_index",
    "secondary_cause",
    "unread_scans",
    "with_fragility_fracture",
]
