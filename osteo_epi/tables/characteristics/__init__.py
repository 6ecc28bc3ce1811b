"""Table 1: who was studied, as numbers and as a table."""

from osteo_epi.tables.characteristics._labels import variable_words
from osteo_epi.tables.characteristics._layout import characteristics_table
from osteo_epi.tables.characteristics._statistics import WEIGHTED
from osteo_epi.tables.characteristics._table_one import table_one

__all__ = ["WEIGHTED", "characteristics_table", "table_one", "variable_words"]
