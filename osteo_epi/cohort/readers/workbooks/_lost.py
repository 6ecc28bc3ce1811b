"""Cells that are not what they seem: an error, a formula's result that nobody saved, a deletion.

A reader gives the first two as empty, so that a person is classified by the other regions, and
knows nothing of a line through a text. Known of .xlsx alone, as merged cells are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from osteo_epi.findings import Finding

Places = Sequence[tuple[int, int]]
"""Row and column of cells, both from 0."""

LOST = {
    "cell_errors": (
        "cells in which the workbook shows an error (#N/A, #DIV/0!, …), which were read as empty",
        "correct the formulas, or see that these people have no such value",
    ),
    "unsaved_formulas": (
        "formulas whose result the workbook does not hold, which were read as empty",
        "open the workbook in a spreadsheet program and save it, or export it as CSV from there",
    ),
    "struck_through": (
        "cells that the workbook strikes through, which were read as the others were",
        "where the line says that something does not count, empty the cell or delete the row",
    ),
}
"""Code of a finding to what was seen and what to do."""


def of_lost(lost: Mapping[str, Places], above: int, body: pl.DataFrame) -> list[Finding]:
    """Say of the rows below the headings where a formula gave nothing, or a line was drawn through.

    Parameters
    ----------
    lost
        Code of the finding to the places of its cells in the sheet.
    above
        Rows above the body.
    body
        The rows below the headings, by their headings.
    """
    findings = []
    for code, (what, fix) in LOST.items():
        inside = [
            column
            for row, column in lost.get(code, ())
            if above <= row < above + body.height and 0 <= column < body.width
        ]
        if inside:
            named = ", ".join(body.columns[column] for column in sorted(set(inside)))
            message = f"{what}: {len(inside):,} in {named}"
            findings.append(Finding(code, "warning", named, len(inside), message, fix))
    return findings
