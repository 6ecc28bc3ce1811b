"""From the file's columns to the codebook's: headings, units, codes, numbers, dates."""

from osteo_epi.cohort.conform._columns import Plan, plan_columns
from osteo_epi.cohort.conform._conform import conform
from osteo_epi.cohort.conform._headings import match, normalise
from osteo_epi.cohort.conform._numbers import to_numbers

__all__ = [
    "Plan",
    "conform",
    "match",
    "normalise",
    "plan_columns",
    "to_numbers",
]
