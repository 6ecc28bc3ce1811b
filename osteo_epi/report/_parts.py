"""A report's figures and tables as files of their own, and the whole of it on paper."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from osteo_epi.errors import OsteoEpiError
from osteo_epi.files import write_beside
from osteo_epi.language import speaking
from osteo_epi.report.document import Block, Box, Document, Figure, Folded, Table
from osteo_epi.tables import JournalTable

FIGURES = ("flow", "prevalence_by_age", "forest", "bmd_by_age", "overlap")
TABLES = (
    *("participants", "participants_unweighted", "flow", "prevalence", "prevalence_by_age"),
    *("definition", "reference", "findings", "manifest", "sources"),
)
"""What a report shows has a name, the same in every language, and a file of that name."""
DRAWN, PRINTED = ("svg", "png"), ("csv", "xlsx")
PAPERS = ("pdf", "docx")
PARTS = (
    *(f"figures/{name}.{ending}" for name in FIGURES for ending in DRAWN),
    *(f"tables/{name}.{ending}" for name in TABLES for ending in PRINTED),
    *(f"report.{ending}" for ending in PAPERS),
)
"""The files of a report beside its page, in the folder of its run."""


def addresses(block: Figure | Table) -> tuple[str, ...]:
    """The files of a figure or table, as a page beside them links to them."""
    folder, endings = ("figures", DRAWN) if isinstance(block, Figure) else ("tables", PRINTED)
    return tuple(f"{folder}/{block.name}.{ending}" for ending in endings if block.name)


def named(blocks: Iterable[Block]) -> Iterator[Figure | Table]:
    """Figures and tables that have files, those in boxes and behind folds too."""
    for block in blocks:
        if isinstance(block, Box | Folded):
            yield from named(block.blocks)
        elif isinstance(block, Figure | Table) and block.name:
            yield block


def write_parts(document: Document, folder: Path, *, papers: Iterable[str] = ()) -> list[str]:
    """Write each figure as SVG and PNG, each table as CSV and XLSX, and the report on paper.

    Parameters
    ----------
    document
        The report.
    folder
        Of the run.
    papers
        `pdf`, `docx`, or both.

    Returns
    -------
    list of str
        What could not be made, with the reason; a figure that cannot be drawn says so on the page.
    """
    faults = []
    with speaking(document.language):
        for part in (*named(document.blocks), *papers):
            name = f"report.{part}" if isinstance(part, str) else part.name
            try:
                _write(document, part, folder)
            except Exception as error:
                own = isinstance(error, OsteoEpiError)
                faults.append(f"{name} ({str(error) if own else type(error).__name__})")
    return faults


def _write(document: Document, part: Figure | Table | str, folder: Path) -> None:
    if isinstance(part, str):
        whole = document.to_pdf() if part == "pdf" else document.to_docx()
        write_beside(folder / f"report.{part}", whole)
        return
    for address in addresses(part):
        target = folder / address
        target.parent.mkdir(exist_ok=True)
        if isinstance(part, Table):
            write_beside(target, _printed(part, target.suffix))
        elif (picture := part.picture()).figure is not None:
            write_beside(target, picture.svg() if target.suffix == ".svg" else picture.png())


def _printed(block: Table, ending: str) -> bytes:
    """A table as a file holds it, with its caption."""
    table: JournalTable = replace(block.table, title=block.caption)
    with tempfile.TemporaryDirectory() as folder:
        return table.save(Path(folder) / f"table{ending}").read_bytes()
