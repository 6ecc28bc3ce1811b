"""How a finished table is written: HTML, LaTeX, Excel, Word; the cells are the table's own."""

from osteo_epi.tables.writers._align import (
    ALIGNMENTS,
    Number,
    decimal_cells,
    numbers,
    usual_alignment,
)
from osteo_epi.tables.writers._excel import write_excel
from osteo_epi.tables.writers._html import STYLE, html
from osteo_epi.tables.writers._latex import latex
from osteo_epi.tables.writers._printed import Printed
from osteo_epi.tables.writers._word import word_table, word_width, write_word

__all__ = [
    "ALIGNMENTS",
    "STYLE",
    "Number",
    "Printed",
    "decimal_cells",
    "html",
    "latex",
    "numbers",
    "usual_alignment",
    "word_table",
    "word_width",
    "write_excel",
    "write_word",
]
