"""Who was studied: Table 1, and who is in and who is out."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from osteo_epi import figures, tables
from osteo_epi.language import said
from osteo_epi.report._run import Run
from osteo_epi.report.contents._words import figure_block, mark, table_block
from osteo_epi.report.document import Block, Folded, Heading, Paragraph
from osteo_epi.tables import JournalTable

WEIGHTED, UNWEIGHTED = "weighted", "unweighted"


def participants(run: Run) -> list[Block]:
    """Table 1."""
    heading = Heading(said("Participants"), name="participants")
    if WEIGHTED not in run.participants["weighting"]:
        return [heading, table_block(tables.participants(run), "participants")]
    beside = table_block(
        _weighted_as(run, UNWEIGHTED), "participants_unweighted", is_numbered=False
    )
    return [
        heading,
        table_block(_weighted_as(run, WEIGHTED), "participants"),
        Folded(said("The same people, unweighted"), (beside,)),
    ]


def _weighted_as(run: Run, weighting: str) -> JournalTable:
    """Table 1 with one of its weightings: both side by side are wider than a page."""
    rows = run.participants.filter(
        pl.col("weighting").is_null() | (pl.col("weighting") == weighting)
    )
    return tables.participants(replace(run, participants=rows))


def flow(run: Run) -> list[Block]:
    """The flow of people, each reason once."""
    return [
        Heading(said("Who is in, who is out"), name="flow"),
        Paragraph(
            said(
                "Nobody is deleted on the way: those left out of the estimate stay in the survey "
                "design that its variance rests on."
            )
        ),
        figure_block(
            figures.flow_diagram,
            run.flow,
            note=mark(run),
            name="flow",
            caption=said("Flow of participants. Counts of people, unweighted."),
        ),
        table_block(tables.flow(run), "flow"),
    ]
