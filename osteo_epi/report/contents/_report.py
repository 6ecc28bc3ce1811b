"""The report of a run as a document: its sections in the order of a reader's questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import count

from osteo_epi.language import speaking
from osteo_epi.report._parts import addresses
from osteo_epi.report._run import Run
from osteo_epi.report.contents._behind import findings, methods, provenance, references
from osteo_epi.report.contents._bone import definition, density, evidence
from osteo_epi.report.contents._estimates import forest, prevalence, prevalence_by_age
from osteo_epi.report.contents._opening import summary
from osteo_epi.report.contents._people import flow, participants
from osteo_epi.report.contents._words import label_words
from osteo_epi.report.document import Block, Box, Document, Figure, Folded, Table

SECTIONS = (
    *(summary, participants, flow, prevalence, prevalence_by_age, forest, definition),
    *(density, evidence, findings, methods, references, provenance),
)
"""In their order; one that has nothing to show says so."""


def report_document(run: Run, *, linked: bool = False) -> Document:
    """Write the report of a run, in the language that the run was asked for.

    Parameters
    ----------
    run
        A finished run, fresh or read back from its folder.
    linked
        Whether figures and tables link to their files, as on a page that stands beside them.

    Returns
    -------
    Document
        What was found first, then people, estimates, definition and bone, and behind them what
        was noticed, the methods paragraph, references, and how to make the run again.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> report = oe.report.report_document(oe.run(n=9000))
    >>> report
    Document('Prevalence of osteoporosis', 12 sections, en)
    >>> [heading.name for heading in report.contents][:3]
    ['participants', 'flow', 'prevalence']
    """
    run = run.once()
    with speaking(run.language):
        blocks = [block for section in SECTIONS for block in section(run)]
        return Document(
            title=run.title,
            author=run.manifest["author"],
            date=date.fromisoformat(run.manifest["created"][:10]),
            language=run.language,
            label=label_words(run),
            blocks=tuple(_numbered(_linked(blocks) if linked else blocks, count(1), count(1))),
        )


def _linked(blocks: Iterable[Block]) -> Iterator[Block]:
    """Give tables and figures the addresses of their files."""
    for block in blocks:
        if isinstance(block, Table | Figure):
            yield replace(block, files=addresses(block))
        elif isinstance(block, Box | Folded):
            yield replace(block, blocks=tuple(_linked(block.blocks)))
        else:
            yield block


def _numbered(
    blocks: Iterable[Block], tables: Iterator[int], figures: Iterator[int]
) -> Iterator[Block]:
    """Give tables and figures their numbers in the order in which a reader meets them."""
    for block in blocks:
        if isinstance(block, Table) and block.number is not None:
            yield replace(block, number=next(tables))
        elif isinstance(block, Figure):
            yield replace(block, number=next(figures))
        elif isinstance(block, Box | Folded):
            yield replace(block, blocks=tuple(_numbered(block.blocks, tables, figures)))
        else:
            yield block
