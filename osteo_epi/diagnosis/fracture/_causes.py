"""Secondary causes: stated, or found by a bone scan or PET in the source's own words (row 25).

A scan's finding is free text. Its words are read by the codebook's lists: what names a cause sets
the flag unless the clause denies it; what is doubtful or unknown is left unread and counted, since
a guess either way would change whom a fracture diagnoses.
"""

from __future__ import annotations

import re

import polars as pl

from osteo_epi.cohort import codebook
from osteo_epi.diagnosis._columns import Columns

SCANS = ("bone_scan_finding", "pet_finding")
CLAUSE = r"[^,，.。;；\n]*"


def secondary_cause(columns: Columns) -> pl.Expr | None:
    """Say whether a secondary cause is known: stated, or named by a scan; None if nothing is there.

    A scan that finds a cause sets the flag, also against a stated "no".
    """
    stated = columns.stated("secondary_cause")
    found = [_reading(scan) == "secondary_cause" for scan in _scans(columns)]
    if not found:
        return stated
    named = pl.any_horizontal(part.fill_null(False) for part in found)
    return pl.when(named).then(True).otherwise(stated)


def unread_scans(columns: Columns) -> pl.Expr:
    """Say whether a scan's finding is there whose words are doubtful or not known."""
    unread = [scan.is_not_null() & _reading(scan).is_null() for scan in _scans(columns)]
    return pl.any_horizontal(unread) if unread else pl.lit(False)


def _scans(columns: Columns) -> list[pl.Expr]:
    texts = (columns.text(name) for name in SCANS)
    return [text.cast(pl.String) for text in texts if text is not None]


def _reading(scan: pl.Expr) -> pl.Expr:
    """Read a finding as `secondary_cause` or `no_cause`; null where it cannot be told."""
    text = scan.str.to_lowercase()
    affirmed = text.str.replace_all(_any("denial_before") + CLAUSE, "")
    affirmed = affirmed.str.replace_all(CLAUSE + _any("denial_around") + CLAUSE, "")
    return (
        pl.when(text.str.contains(_any("doubt")))
        .then(None)
        .when(affirmed.str.contains(_any("secondary_cause")))
        .then(pl.lit("secondary_cause"))
        .when(affirmed.str.contains(_any("no_cause")) | ~affirmed.str.contains(r"\pL"))
        .then(pl.lit("no_cause"))
    )


def _any(group: str) -> str:
    """Match any word of a group of the codebook; a Latin word begins at its beginning."""
    words = [word for word, meaning in codebook()[SCANS[0]].words.items() if meaning == group]
    return f"(?:{'|'.join(_word(word) for word in sorted(words, key=len, reverse=True))})"


def _word(word: str) -> str:
    # The ASCII boundary, since a Chinese character before a Latin word is none in Unicode.
    return (
        rf"(?-u:\b){re.escape(word)}" if word.isascii() and word[0].isalpha() else re.escape(word)
    )
