"""Two hips: each side is a variable of its own, and the region without a side is made of them.

The region holds the file's own unsided reading, else the lower of the sides, else the mean that the
file gives. So whoever looks at one column sees what a diagnosis sees by default; a definition reads
the sides themselves, by its `hip_side`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import as_map
from osteo_epi.findings import Finding


def with_hips(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill the regions of the hip that name no side from those that do.

    Parameters
    ----------
    frame
        Canonical columns.

    Returns
    -------
    polars.DataFrame
        The same with the region of each side, in the codebook's order; a side that is stated
        invalid or implausible does not count.

    Examples
    --------
    >>> frame = {"abmd_total_hip_left": [0.80, None], "abmd_total_hip_right": [0.55, 0.7]}
    >>> with_hips(pl.DataFrame(frame)).rows(named=True)[0]
    {'abmd_total_hip': 0.55, 'abmd_total_hip_left': 0.8, 'abmd_total_hip_right': 0.55}
    """
    columns = {}
    for whole, sides in _sides(frame.columns).items():
        readings = frame.select(_valid(frame, side) for side in sides)
        value = readings.select(_of_sides(whole, sides)).to_series().alias(whole)
        if whole in frame.columns:
            value = frame.select(pl.coalesce(whole, pl.lit(value))).to_series()
        if value.count():
            columns[whole] = value
    if not columns:
        return frame
    frame = frame.with_columns(**columns)
    return frame.select(name for name in codebook().variables if name in frame.columns)


def _sides(names: list[str]) -> dict[str, list[str]]:
    """By region without a side, the quantities of its sides."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        variable = codebook().variables.get(name)
        if variable is not None and variable.whole and variable.kind == "quantity":
            groups[variable.whole].append(name)
    return groups


def _of_sides(whole: str, sides: list[str]) -> pl.Expr:
    mean = [name for name in sides if codebook()[name].side == "mean"]
    single = [name for name in sides if name not in mean]
    lower = [pl.min_horizontal(single)] if single else []
    return pl.coalesce(*lower, *mean)


def _valid(frame: pl.DataFrame, name: str) -> pl.Expr:
    """A reading unless it is implausible or stated invalid; the flags are of readings by DXA."""
    variable = codebook()[name]
    flag, value = f"valid_{variable.roi}", pl.col(name)
    if variable.range is not None:
        value = pl.when(value.is_between(*variable.range)).then(value)
    if flag in frame.columns and not name.endswith("_ctxa"):
        value = pl.when(pl.col(flag).fill_null(True)).then(value)
    return value.alias(name)


def several_hips(headings: Mapping[str, str]) -> list[Finding]:
    """Say of each region that was read on both hips what the region without a side holds.

    Parameters
    ----------
    headings
        Variable to the file's heading.
    """
    findings = []
    for whole, sides in _sides(list(headings)).items():
        named = [headings[name] for name in (whole, *sides) if name in headings]
        if len(named) < 2:
            continue
        message = (
            f"several readings of the hip: {whole} is the one that names no side, else the lower "
            "of left and right, else the mean that the file gives"
        )
        fix = (
            "a definition takes the lower side; hip_side= (--hip-side) chooses left, right or "
            f"mean; {as_map(named[-1])} leaves a column out"
        )
        findings.append(Finding("several_sides", "note", ", ".join(named), 0, message, fix))
    return findings
