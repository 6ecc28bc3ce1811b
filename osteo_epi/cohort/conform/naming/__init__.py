"""What stands in a heading beside its name, and the spelling that it was meant to have."""

from osteo_epi.cohort.conform.naming._nearest import best, corrections, distance, told
from osteo_epi.cohort.conform.naming._stated import Stated, stated, unit_of

__all__ = ["Stated", "best", "corrections", "distance", "stated", "told", "unit_of"]
