"""Figures of two methods, or two classifications, of the same people."""

from osteo_epi.figures.agreement._bland_altman import bland_altman
from osteo_epi.figures.agreement._method_comparison import method_comparison
from osteo_epi.figures.agreement._transitions import transitions

__all__ = ["bland_altman", "method_comparison", "transitions"]
