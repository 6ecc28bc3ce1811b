"""Densities on too coarse a grid, and a value that stands too often, as codes do and filled-in."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding, Severity

CODES = ("rounded_densities", "repeated_density")
_ENOUGH = 20
_ROWS = 100_000  # evenly spaced, of which a grid and a value that stands often are told
_GRIDS: dict[float, Severity] = {0.1: "warning", 0.01: "note"}
"""[g/cm2] to how grave it is: a densitometer gives three decimals."""
_NEAR = 1e-9
_OFTEN, _OTHERS = 5, 2
"""How often a value stands at least, and how many times as often as the third most frequent."""


def check_grains(frame: pl.DataFrame) -> list[Finding]:
    """Check the areal densities of a frame of canonical columns."""
    findings = []
    for name in frame.columns:
        if not (name.startswith("abmd_") and name in codebook() and codebook()[name].decides):
            continue
        values = frame[name].drop_nulls()
        if len(values) >= _ENOUGH:
            values = values.gather_every(max(1, len(values) // _ROWS))
            findings += [*_rounded(values, name), *_repeated(frame, values, name)]
    return findings


def _rounded(values: pl.Series, name: str) -> list[Finding]:
    for grid, severity in _GRIDS.items():
        steps = values / grid
        if ((steps - steps.round()).abs() < _NEAR / grid).all():
            message = f"densities are rounded to {grid:g} g/cm²: people near a cut-off change class"
            fix = "export them with three decimals, as the densitometer gives them"
            return [Finding("rounded_densities", severity, name, len(values), message, fix)]
    return []


def _repeated(frame: pl.DataFrame, values: pl.Series, name: str) -> list[Finding]:
    """A value that many people share, where no other is shared by nearly as many."""
    counts = values.value_counts(sort=True).head(3)
    often = counts["count"].to_list()
    if often[0] < max(_OFTEN, _OTHERS * ([*often, 0, 0][2] + 1)):
        return []
    where = pl.col(name) == counts[name][0]
    n = int(frame.select(where.sum()).item())
    message = (
        f"one value stands {n} times, and no other nearly so often: a code for missing, or a value "
        "that was filled in?"
    )
    fix = (
        f'if so, declare it with missing={{"{name}": [CODE]}} (--missing {name}=CODE); in Python '
        "people.frame.filter(finding.where) lists the rows"
    )
    return [Finding("repeated_density", "warning", name, n, message, fix, where)]
