"""Whether the reference suits the data: the same maker's scale, the same T-scores as the file's."""

from osteo_epi.diagnosis.suitability._embedded import BY_MAKER, EMBEDDED, age_reference_by_maker
from osteo_epi.diagnosis.suitability._makers import NAMES, maker_in, stated_makers
from osteo_epi.diagnosis.suitability._readings import Readings, region_of, without_unread
from osteo_epi.diagnosis.suitability._suitability import refuse_unsuitable, suitability_findings

__all__ = [
    "BY_MAKER",
    "EMBEDDED",
    "NAMES",
    "Readings",
    "age_reference_by_maker",
    "maker_in",
    "refuse_unsuitable",
    "region_of",
    "stated_makers",
    "suitability_findings",
    "without_unread",
]
