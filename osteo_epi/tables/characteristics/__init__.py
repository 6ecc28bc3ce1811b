"""Table 1: who was studied, as numbers and as a table."""

from osteo_epi.tables.characteristics._labels import is_known_variable, variable_words
from osteo_epi.tables.characteristics._layout import characteristics_table
from osteo_epi.tables.characteristics._statistics import WEIGHTED
from osteo_epi.tables.characteristics._sums import TableOneSums
from osteo_epi.tables.characteristics._table_one import table_one

__all__ = [
    "WEIGHTED",
    "TableOneSums",
    "characteristics_table",
    "is_known_variable",
    "table_one",
    "variable_words",
]
