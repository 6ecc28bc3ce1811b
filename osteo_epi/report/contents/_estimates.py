"""The prevalences: whole, by age, and side by side."""

from __future__ import annotations

import polars as pl

from osteo_epi import figures, tables
from osteo_epi.frames import grouping
from osteo_epi.language import said, word
from osteo_epi.report._run import Run
from osteo_epi.report.contents._words import (
    BELOW,
    figure_block,
    leading_class,
    level,
    main_rows,
    mark,
    table_block,
    weighting,
)
from osteo_epi.report.document import Block, Figure, Heading, Paragraph

MOST_ALONE = 2
"""Groups from which on they are set side by side."""


def prevalence(run: Run) -> list[Block]:
    """Crude and, where there is a standard, age-standardised, in each group."""
    table = tables.prevalence(run, show_unreliable=run.shows_unreliable)
    described = said(
        "Crude figures describe the people who were measured; age-standardised figures "
        "describe a population with the ages of the standard."
    )
    if "age_standardised" not in run.prevalence["statistic"]:
        described = said(
            "Crude figures describe the people who were measured, at the ages that they have."
        )
    return [
        Heading(said("Prevalence"), name="prevalence"),
        Paragraph(described),
        table_block(table, "prevalence"),
    ]


def prevalence_by_age(run: Run) -> list[Block]:
    """A curve for each group, and the numbers behind it."""
    heading = Heading(said("Prevalence by age"), name="prevalence_by_age")
    rows = run.prevalence.filter(pl.col("statistic") == "age_band")
    if rows.is_empty():
        return [heading, Paragraph(said("There are no rows by age."))]
    table = tables.prevalence_by_age(run, show_unreliable=run.shows_unreliable)
    shown = pl.lit(run.shows_unreliable) | pl.col("verdict").ne_missing("suppress")
    # Where there are groups everybody is in the table alone.
    groups = grouping(rows)
    drawn = pl.any_horizontal(pl.col(groups) != "all") if groups else pl.lit(True)
    return [
        heading,
        _curve(run)
        if rows.filter(shown, drawn, pl.col("class") == leading_class(run))["estimate"].count()
        else Paragraph(said("Too few prevalences by age are precise enough for a figure.")),
        table_block(table, "prevalence_by_age"),
    ]


def _curve(run: Run) -> Figure:
    return figure_block(
        figures.prevalence_by_age,
        run.prevalence,
        bone_class=leading_class(run),
        show_unreliable=run.shows_unreliable,
        note=mark(run),
        name="prevalence_by_age",
        caption=said(
            "Prevalence of {what} by age, with {level} intervals. {weighted}",
            what=_what(run),
            level=level(run),
            weighted=weighting(run),
        ),
    )


def _what(run: Run) -> str:
    """What the report's prevalence is of."""
    if leading_class(run) == BELOW:
        return said("BMD below the expected range for age")
    return said("osteoporosis")


def forest(run: Run) -> list[Block]:
    """The groups below each other."""
    heading = Heading(said("The groups side by side"), name="forest")
    rows = main_rows(run)
    if rows.drop_nulls("estimate").height < MOST_ALONE:
        return [heading, Paragraph(said("Fewer than two groups have a prevalence to be compared."))]
    return [
        heading,
        figure_block(
            figures.prevalence_forest,
            run.prevalence,
            bone_class=leading_class(run),
            statistic=rows["statistic"][0],
            show_unreliable=run.shows_unreliable,
            note=mark(run),
            name="forest",
            caption=said(
                "{statistic} prevalence of {what} by group, with {level} intervals. The dotted "
                "line is everybody's. {weighted}",
                what=_what(run),
                statistic=word(rows["statistic"][0]),
                level=level(run),
                weighted=weighting(run),
            ),
        ),
    ]
