"""Several files that are one data set: which they are, one table of them, and how they differ."""

from osteo_epi.cohort.collection._drift import Shape, drift, units_suspected
from osteo_epi.cohort.collection._files import (
    Collection,
    OneFile,
    collected,
    files_named,
    table_size,
    with_partition,
)
from osteo_epi.cohort.collection._table import (
    Table,
    common_type,
    in_type,
    joined,
    long_numbers,
    merged,
)
from osteo_epi.cohort.collection._visits import names_of_people, one_row_a_visit

__all__ = [
    "Collection",
    "OneFile",
    "Shape",
    "Table",
    "collected",
    "common_type",
    "drift",
    "files_named",
    "in_type",
    "joined",
    "long_numbers",
    "merged",
    "names_of_people",
    "one_row_a_visit",
    "table_size",
    "units_suspected",
    "with_partition",
]
