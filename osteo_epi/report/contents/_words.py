"""What the sections of a report have in common: captions, the label, and what is weighted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.frames import grouping
from osteo_epi.language import language, said
from osteo_epi.population import ALL
from osteo_epi.report._run import Run
from osteo_epi.report.document import Figure, Table
from osteo_epi.tables import JournalTable

OSTEOPOROSIS, BELOW = "osteoporosis", "below_expected_range"


def table_block(table: JournalTable, name: str, *, is_numbered: bool = True) -> Table:
    """A table with its title as the caption, numbered when the report is put together."""
    return Table(1 if is_numbered else None, table.title, replace(table, title=""), name)


def figure_block(draw: Any, *args: Any, name: str, caption: str, **options: Any) -> Figure:
    """A figure that is drawn when it is shown, numbered when the report is put together."""
    return Figure(1, caption, "", partial(draw, *args, **options), name)


def mark(run: Run) -> str:
    """What every figure of simulated people carries."""
    return said("SIMULATED people") if run.label else ""


def label_words(run: Run) -> str:
    """What must be said of the data before anything else; the label's own words are English."""
    if language() == "en" or not run.label:
        return run.label
    return said("SIMULATED people: no evidence about anybody.")


def weighting(run: Run) -> str:
    """Whether the people of a figure or estimate are weighted."""
    return said("Weighted.") if run.manifest["design"] else said("Unweighted.")


def level(run: Run) -> str:
    """The level of the intervals, "95%"."""
    return rounding.level(run.manifest["confidence"]).replace(" ", "")


def of_everybody(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of everybody; of the only level of a column that has no other."""
    return rows.filter(pl.lit(True), *(pl.col(name) == ALL for name in split_by(rows)))


def split_by(rows: pl.DataFrame) -> list[str]:
    """The columns by whose levels everybody is broken down."""
    return [name for name in grouping(rows) if ALL in rows[name]]


def leading_class(run: Run) -> str:
    """The class that a report is about: of people whom no T-score judges it is by the Z-score."""
    held = set(run.prevalence.drop_nulls("estimate")["class"])
    return BELOW if BELOW in held and OSTEOPOROSIS not in held else OSTEOPOROSIS


def main_rows(run: Run) -> pl.DataFrame:
    """The estimates that a report leads with: age-standardised where there are any, else crude."""
    rows = run.prevalence.filter(pl.col("class") == leading_class(run))
    standardised = rows.filter(pl.col("statistic") == "age_standardised")
    if standardised["estimate"].count():
        return standardised
    return rows.filter(pl.col("statistic") == "crude")
