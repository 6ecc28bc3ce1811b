"""Densities on too coarse a grid, and a value that stands too often, as codes do and filled-in."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding, Severity
from osteo_epi.questions import Asking, People, rows, together

CODES = ("rounded_densities", "repeated_density")
_ENOUGH = 20
_GRIDS: dict[float, Severity] = {0.1: "warning", 0.01: "note"}
"""[g/cm2] to how grave it is: a densitometer gives three decimals."""
_NEAR = 1e-9
_OFTEN, _OTHERS = 5, 2
"""How often a value stands at least, and how many times as often as the third most frequent."""


def check_grains(people: People) -> Asking[list[Finding]]:
    """Check the areal densities of canonical columns."""
    names = [
        name
        for name in people.columns
        if name.startswith("abmd_") and name in codebook() and codebook()[name].decides
    ]
    return [f for found in (yield from together(_grain(people, n) for n in names)) for f in found]


def _grain(people: People, name: str) -> Asking[list[Finding]]:
    n = yield from rows(pl.col(name).is_not_null())
    if n < _ENOUGH:
        return []
    values = people.sample(n, [name]).to_series()
    findings = yield from together([_rounded(values, name, n), _repeated(values, name)])
    return [finding for finding in findings if finding]


def _rounded(values: pl.Series, name: str, n: int) -> Asking[Finding | None]:
    """A look tells that a grid is none; that all values stand on it, all of them."""
    for grid, severity in _GRIDS.items():
        if values.to_frame().select(_off_grid(name, grid).any()).item():
            continue
        if (yield from rows(_off_grid(name, grid))):
            continue
        message = f"densities are rounded to {grid:g} g/cm²: people near a cut-off change class"
        fix = "export them with three decimals, as the densitometer gives them"
        return Finding("rounded_densities", severity, name, n, message, fix)
    return None


def _off_grid(name: str, grid: float) -> pl.Expr:
    steps = pl.col(name) / grid
    return (steps - steps.round()).abs() >= _NEAR / grid


def _repeated(values: pl.Series, name: str) -> Asking[Finding | None]:
    """A value that many people share, where no other is shared by nearly as many."""
    counts = values.value_counts(sort=True).head(3)
    often = counts["count"].to_list()
    if not often or often[0] < max(_OFTEN, _OTHERS * ([*often, 0, 0][2] + 1)):
        return None
    where = pl.col(name) == counts[name][0]
    n = yield from rows(where)
    message = (
        f"one value stands {n} times, and no other nearly so often: a code for missing, or a value "
        "that was filled in?"
    )
    fix = (
        f'if so, declare it with missing={{"{name}": [CODE]}} (--missing {name}=CODE); in Python '
        "people.frame.filter(finding.where) lists the rows"
    )
    return Finding("repeated_density", "warning", name, n, message, fix, where)
