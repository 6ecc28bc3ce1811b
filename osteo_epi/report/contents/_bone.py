"""What was judged, and by what: the definition, the densities, and which evidence agrees."""

from __future__ import annotations

from osteo_epi import figures, tables
from osteo_epi.language import said
from osteo_epi.report._run import Run
from osteo_epi.report.contents._definition import choices_table
from osteo_epi.report.contents._words import figure_block, mark, table_block, weighting
from osteo_epi.report.document import Block, Heading, Paragraph


def definition(run: Run) -> list[Block]:
    """The whole definition, and the young adults behind the scores."""
    blocks: list[Block] = [
        Heading(said("Definition"), name="definition"),
        Paragraph(
            said(
                "The choice of the reference alone can move a prevalence by many points, so the "
                "definition is stated whole."
            )
        ),
        table_block(choices_table(run), "definition"),
    ]
    if run.reference.height:
        blocks.append(table_block(tables.reference(run), "reference"))
    return blocks


def _caption(run: Run) -> str:
    """What the figure shows; scores that the file reports bring no young adults to draw."""
    if run.reference.is_empty():
        return said(
            "Mean areal BMD by age, with one standard deviation to either side. {weighted}",
            weighted=weighting(run),
        )
    return said(
        "Mean areal BMD by age, with one standard deviation to either side. Level lines: "
        "the mean of the young adults compared with, and the BMD at the cut-off. {weighted}",
        weighted=weighting(run),
    )


def density(run: Run) -> list[Block]:
    """Mean BMD by age."""
    heading = Heading(said("Bone mineral density by age"), name="density")
    if run.bmd_by_age.is_empty():
        return [heading, Paragraph(said("No age band holds enough people with a BMD."))]
    return [
        heading,
        figure_block(
            figures.bmd_by_age,
            run.bmd_by_age,
            reference=run.reference,
            note=mark(run),
            name="bmd_by_age",
            caption=_caption(run),
        ),
    ]


def evidence(run: Run) -> list[Block]:
    """Which evidence of osteoporosis occurs together."""
    heading = Heading(said("Which evidence agrees"), name="evidence")
    few = [Paragraph(said("Combinations that few people have are not listed."))]
    if run.overlap.is_empty():
        nobody = [Paragraph(said("Nobody was found to have osteoporosis."))]
        return [heading, *(few if run.hides_few else nobody)]
    return [
        heading,
        Paragraph(
            said(
                "Sites do not diagnose the same people. Evidence that was not measured counts as "
                "not there."
            )
        ),
        *(few if run.hides_few else []),
        figure_block(
            figures.site_overlap,
            run.overlap,
            note=mark(run),
            name="overlap",
            caption=said(
                "People with osteoporosis by the combination of evidence that shows it. Counts of "
                "people, unweighted."
            ),
        ),
    ]
