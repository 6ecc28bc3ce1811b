"""Tables: a result in, a table for a journal or a page out; nothing is computed here."""

from osteo_epi.tables._journal import JournalTable
from osteo_epi.tables._prevalence import prevalence_table
from osteo_epi.tables._run import (
    citations,
    finding_words,
    findings,
    flow,
    manifest,
    notes,
    participants,
    prevalence,
    prevalence_by_age,
    reference,
)
from osteo_epi.tables.characteristics import (
    TableOneSums,
    characteristics_table,
    table_one,
    variable_words,
)
from osteo_epi.tables.disclosure._round import Rounded, round_counts
from osteo_epi.tables.disclosure._suppress import Suppressed, suppress_counts
from osteo_epi.tables.writers import STYLE, word_table, word_width

__all__ = [
    "STYLE",
    "JournalTable",
    "Rounded",
    "Suppressed",
    "TableOneSums",
    "characteristics_table",
    "citations",
    "finding_words",
    "findings",
    "flow",
    "manifest",
    "notes",
    "participants",
    "prevalence",
    "prevalence_by_age",
    "prevalence_table",
    "reference",
    "round_counts",
    "suppress_counts",
    "table_one",
    "variable_words",
    "word_table",
    "word_width",
]


def __dir__() -> list[str]:
    return sorted(__all__)
