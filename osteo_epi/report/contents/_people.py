"""Who was studied: Table 1, and who is in and who is out."""

from __future__ import annotations

from osteo_epi import figures, tables
from osteo_epi.language import said
from osteo_epi.report._run import Run
from osteo_epi.report.contents._words import figure_block, mark, table_block
from osteo_epi.report.document import Block, Heading, Paragraph


def participants(run: Run) -> list[Block]:
    """Table 1."""
    return [
        Heading(said("Participants"), name="participants"),
        table_block(tables.participants(run), "participants"),
    ]


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
