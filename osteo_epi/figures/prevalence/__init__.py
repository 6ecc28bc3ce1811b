"""Figures of one prevalence: by age, by group, and who the people are."""

from osteo_epi.figures.prevalence._bmd import bmd_by_age
from osteo_epi.figures.prevalence._by_age import prevalence_by_age
from osteo_epi.figures.prevalence._overlap import site_overlap

__all__ = ["bmd_by_age", "prevalence_by_age", "site_overlap"]
