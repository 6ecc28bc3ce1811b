"""What "osteoporosis" means here: definition, spine, fracture, and the class of each person."""

from osteo_epi.diagnosis._applicability import TAKEN_FROM_AGE, taken_from_age
from osteo_epi.diagnosis._classify import classify, with_classes
from osteo_epi.diagnosis._columns import Columns, joined, measured
from osteo_epi.diagnosis._define import check_names, definition, needs_reference, planned_readings
from osteo_epi.diagnosis._definition import CLASSES, REPORTED, SWITCHES, Definition
from osteo_epi.diagnosis._findings import classification_findings
from osteo_epi.diagnosis._reasons import catalogue, explain, reason_words
from osteo_epi.diagnosis._regions import LOWEST_ROI, NOT_STATED
from osteo_epi.diagnosis._stages import Stages
from osteo_epi.diagnosis.fracture import with_fragility_fracture
from osteo_epi.diagnosis.measurements import (
    areal_density,
    find_spine_rule,
    with_lumbar_spine,
    with_neighbour_flag,
)
from osteo_epi.diagnosis.own_reference import (
    MOVE,
    OWN_REFERENCE,
    YOUNG,
    OwnReference,
    young_adult_reference,
    young_rois,
)
from osteo_epi.diagnosis.suitability import NAMES as MAKERS
from osteo_epi.diagnosis.suitability import (
    Readings,
    maker_in,
    refuse_unsuitable,
    region_of,
    stated_makers,
    suitability_findings,
    without_unread,
)

__all__ = [
    "CLASSES",
    "LOWEST_ROI",
    "MAKERS",
    "MOVE",
    "NOT_STATED",
    "OWN_REFERENCE",
    "REPORTED",
    "SWITCHES",
    "TAKEN_FROM_AGE",
    "YOUNG",
    "Columns",
    "Definition",
    "OwnReference",
    "Readings",
    "Stages",
    "areal_density",
    "catalogue",
    "check_names",
    "classification_findings",
    "classify",
    "definition",
    "explain",
    "find_spine_rule",
    "joined",
    "maker_in",
    "measured",
    "needs_reference",
    "planned_readings",
    "reason_words",
    "refuse_unsuitable",
    "region_of",
    "stated_makers",
    "suitability_findings",
    "taken_from_age",
    "with_classes",
    "with_fragility_fracture",
    "with_lumbar_spine",
    "with_neighbour_flag",
    "without_unread",
    "young_adult_reference",
    "young_rois",
]


def __dir__() -> list[str]:
    return sorted(__all__)
