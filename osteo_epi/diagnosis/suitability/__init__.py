"""Whether the reference suits the data: the same maker's scale, the same T-scores as the file's."""

from osteo_epi.diagnosis.suitability._embedded import BY_MAKER, age_reference_by_maker
from osteo_epi.diagnosis.suitability._suitability import refuse_unsuitable, suitability_findings

__all__ = ["BY_MAKER", "age_reference_by_maker", "refuse_unsuitable", "suitability_findings"]
