"""How the rows of a prevalence frame are broken down, read from its columns."""

from __future__ import annotations

import polars as pl

from osteo_epi.report.palette import WORDS

SEPARATOR = " · "


def grouping(frame: pl.DataFrame) -> list[str]:
    """Name the columns by which a prevalence is broken down: those between class and statistic.

    Examples
    --------
    >>> grouping(pl.DataFrame(schema=["definition", "class", "sex", "centre", "statistic"]))
    ['sex', 'centre']
    """
    columns = frame.columns
    return columns[columns.index("class") + 1 : columns.index("statistic")]


def group_label(frame: pl.DataFrame, *, words: bool = False) -> pl.Expr:
    """Name the group of each row, in codes or in words; everybody is "all"."""
    columns = grouping(frame)
    parts = [pl.col(name).cast(pl.String).fill_null("not stated") for name in columns]
    if words:
        parts = [worded(part) for part in parts]
    return pl.concat_str(parts, separator=SEPARATOR) if parts else worded(pl.lit("all"))


def worded(codes: pl.Expr) -> pl.Expr:
    """Say codes in words; a code without words stays."""
    return codes.cast(pl.String).replace(WORDS)
