"""Figures of one prevalence: by age, by group, and who the people are."""

from osteo_epi.figures.prevalence._bmd import bmd_by_age
from osteo_epi.figures.prevalence._by_age import prevalence_by_age
from osteo_epi.figures.prevalence._flow import flow_diagram
from osteo_epi.figures.prevalence._forest import prevalence_forest
from osteo_epi.figures.prevalence._overlap import site_overlap

__all__ = ["bmd_by_age", "flow_diagram", "prevalence_by_age", "prevalence_forest", "site_overlap"]
