"""What may be seen of a prevalence: its rows, the groups they stand for, and how sure each is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.frames import as_polars, grouping
from osteo_epi.language import SIMULATED, said
from osteo_epi.population import ALL, Prevalence


def rows_of(prevalence: Any, bone_class: str) -> pl.DataFrame:
    """The rows of a class, of a result or its frame of any kind.

    Beside the columns that were there, `withheld` and `doubtful`: whether the rule of presentation
    hides an estimate, and whether it or a flag asks to read it with care.
    """
    rows = prevalence.to_polars() if isinstance(prevalence, Prevalence) else prevalence
    frame: pl.DataFrame = as_polars(rows)[0].lazy().collect()
    frame = frame.filter(pl.col("class").cast(pl.String) == bone_class)
    verdict = pl.col("verdict").cast(pl.String) if "verdict" in frame.columns else pl.lit(None)
    flag = pl.col("flag").cast(pl.String).fill_null("") if "flag" in frame.columns else pl.lit("")
    flags = flag.str.split("; ").list.set_difference(pl.lit(["", SIMULATED]))
    text = [pl.col(c).cast(pl.String) for c in (*grouping(frame), "statistic")]
    return frame.with_columns(
        *text,
        withheld=verdict.eq_missing(pl.lit("suppress")) & pl.col("estimate").is_not_null(),
        doubtful=verdict.eq_missing(pl.lit("review")) | (flags.list.len() > 0),
    )


def levels_of(rows: pl.DataFrame, column: str) -> list[str]:
    """Levels of a column in the order of the rows, without that of everybody."""
    levels = rows[column].drop_nulls().unique(maintain_order=True).to_list()
    return [level for level in levels if level != ALL] or levels


def series_column(rows: pl.DataFrame, columns: Sequence[str], *, most: int = 6) -> str | None:
    """The column whose levels share a panel: sex, or the one with the fewest levels of several."""
    if "sex" in columns:
        return "sex"
    sizes = {column: len(levels_of(rows, column)) for column in columns}
    if len(columns) < 2 or min(sizes.values()) > most:
        return None
    return min(sizes, key=sizes.__getitem__)


def marks_words(rows: pl.DataFrame, *, show_unreliable: bool) -> tuple[str, ...]:
    """What the marks of unsure estimates mean, for those that there are."""
    words = []
    if rows["withheld"].any():
        words.append(
            said("Crossed out: not precise enough to be reported")
            if show_unreliable
            else said("* Withheld: not precise enough to be shown")
        )
    if (rows["doubtful"] & ~rows["withheld"] & rows["estimate"].is_not_null()).any():
        words.append(said("Hollow: to be read with caution"))
    return tuple(words)


def confidence_words(rows: pl.DataFrame) -> str:
    """Which intervals the lines are; empty where the rows do not say."""
    if "confidence" not in rows.columns:
        return ""
    levels = rows["confidence"].drop_nulls().unique().to_list()
    if len(levels) != 1:
        return ""
    return said("Lines: {confidence} confidence intervals", confidence=rounding.level(levels[0]))
