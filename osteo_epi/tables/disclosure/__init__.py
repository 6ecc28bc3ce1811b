"""Counts that may be shown: suppression and rounding against disclosure."""

from osteo_epi.tables.disclosure._round import round_counts
from osteo_epi.tables.disclosure._suppress import suppress_counts

__all__ = [
    "round_counts",
    "suppress_counts",
]
