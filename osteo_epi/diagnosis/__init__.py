"""What "osteoporosis" means here: definition, spine, fracture, and the class of each person."""

from osteo_epi.diagnosis.classify import classify
from osteo_epi.diagnosis.define import definition
from osteo_epi.diagnosis.definition import Definition
from osteo_epi.diagnosis.explain import explain
from osteo_epi.diagnosis.fracture import with_fragility_fracture
from osteo_epi.diagnosis.own_reference import young_adult_reference
from osteo_epi.diagnosis.spine import with_lumbar_spine

__all__ = [
    "Definition",
    "classify",
    "definition",
    "explain",
    "with_fragility_fracture",
    "with_lumbar_spine",
    "young_adult_reference",
]
