"""How well a curve fits: coverage, worm plots, Q statistics, people left out, ends, one card."""

from osteo_epi.reference.diagnostics._diagnose import Diagnostics, diagnose

__all__ = ["Diagnostics", "diagnose"]
