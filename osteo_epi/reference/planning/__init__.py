"""How many people a reference needs, and the protocol that says so."""

from osteo_epi.reference.planning._errors import (
    centile_error,
    equivalent_people,
    people_for_prevalence,
    people_for_score,
    prevalence_error,
    score_error,
    smooth_centile_error,
)
from osteo_epi.reference.planning._sample_size import Aim, SampleSize, sample_size

__all__ = [
    "Aim",
    "SampleSize",
    "centile_error",
    "equivalent_people",
    "people_for_prevalence",
    "people_for_score",
    "prevalence_error",
    "sample_size",
    "score_error",
    "smooth_centile_error",
]
