"""The bench behind the report: what was noticed, methods, references, and how to make it again."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from osteo_epi import tables
from osteo_epi.language import LANGUAGES, language, said
from osteo_epi.report._run import Run
from osteo_epi.report.choices import in_options
from osteo_epi.report.contents._notes import notes_of
from osteo_epi.report.contents._sources import sources
from osteo_epi.report.contents._words import table_block
from osteo_epi.report.document import (
    Block,
    Code,
    Folded,
    Heading,
    Listing,
    Paragraph,
    References,
)

SPELT = ("message", "fix")
"""Texts of a finding that advise in arguments and options."""


def findings(run: Run) -> list[Block]:
    """What restricts the results, and what was noticed about the data."""
    notes = tuple(notes_of(run))
    return [
        Heading(said("What has to be known of the results"), name="findings"),
        *([Listing(notes)] if notes else [Paragraph(said("Nothing was noticed."))]),
        Folded(
            said("What was noticed about the data"),
            (table_block(tables.findings(_in_options(run)), "findings", is_numbered=False),),
        ),
    ]


def _in_options(run: Run) -> Run:
    """The run with its findings as the command line spells advice."""
    texts = [[in_options(text or "") for text in run.findings[name]] for name in SPELT]
    columns = map(pl.Series, SPELT, texts)
    return replace(run, findings=run.findings.with_columns(*columns))


def methods(run: Run) -> list[Block]:
    """The methods paragraphs, that of the report's language first."""
    texts = run.manifest["methods"]
    own, *others = sorted(LANGUAGES, key=lambda code: code != language())
    return [
        Heading(said("Methods paragraph"), name="methods"),
        Paragraph(said("To be pasted into a paper, and checked there."), "note"),
        Paragraph(texts[own], "quote", own),
        *(Folded(LANGUAGES[code], (Paragraph(texts[code], "quote", code),)) for code in others),
    ]


def references(run: Run) -> list[Block]:
    """The numbered sources."""
    return [
        Heading(said("References"), name="references"),
        References(tuple(sources(run))),
    ]


def provenance(run: Run) -> list[Block]:
    """What is needed to make the run again, folded."""
    return [
        Heading(said("How these numbers were made"), name="provenance"),
        Code(run.manifest["command"]),
        Folded(
            said("How to make this run again"),
            (
                table_block(tables.manifest(run), "manifest", is_numbered=False),
                table_block(tables.citations(run), "sources", is_numbered=False),
            ),
        ),
    ]
