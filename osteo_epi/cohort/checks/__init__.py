"""Checks: what the people's own numbers say against each other."""

from osteo_epi.cohort.checks._check import check

__all__ = [
    "check",
]
