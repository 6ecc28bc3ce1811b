"""Sums whose last digit depends neither on the order of the addends nor on the number of threads.

Whatever is added over people goes through `sums` and its siblings, or in Polars through
`exact_totals`, so that the same people give the same bytes.
"""

from osteo_epi.summation._groups import moments, sums_by
from osteo_epi.summation._slices import (
    Array,
    Codes,
    Mask,
    cross_products,
    cuts,
    group_sums,
    names_of_slices,
    of_slices,
    slice_columns,
    sliced,
    sums,
    weighted_sums,
    whole_sums,
)
from osteo_epi.summation._totals import Addend, exact_totals

__all__ = [
    "Addend",
    "Array",
    "Codes",
    "Mask",
    "cross_products",
    "cuts",
    "exact_totals",
    "group_sums",
    "moments",
    "names_of_slices",
    "of_slices",
    "slice_columns",
    "sliced",
    "sums",
    "sums_by",
    "weighted_sums",
    "whole_sums",
]
