"""Whether the reference suits the data: the same maker's scale, the same T-scores as the file's."""

from osteo_epi.diagnosis.suitability._suitability import refuse_unsuitable, suitability_findings

__all__ = ["refuse_unsuitable", "suitability_findings"]
