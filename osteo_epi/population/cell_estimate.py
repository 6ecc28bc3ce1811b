"""A proportion among people who are summed to cells, crude or standardised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteo_epi.population.cells import Cells
from osteo_epi.population.replicate_cells import ReplicateSums
from osteo_epi.population.standardise import linearised_standard
from osteo_epi.population.structure import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    degrees_of_freedom,
)
from osteo_epi.population.variance import covariance, element_variance


@dataclass(frozen=True)
class CellEstimate:
    """A proportion among people in cells, with its standard error, n, df and design effect.

    `lost` counts replicates that hold nobody and were left out of the standard error.
    """

    value: float
    se: float
    n: int
    df: int
    deff: float
    lost: int = 0


def cell_proportion(
    cells: Cells,
    mask: Mask,
    wanted: int,
    *,
    stratum: Codes | None = None,
    share: Array | None = None,
    names: Sequence[str] | None = None,
) -> CellEstimate | None:
    """Proportion of a class among the measured people of the masked cells.

    Parameters
    ----------
    cells, mask
        The sums and the (m,) cells of the group.
    wanted
        Index of the class.
    stratum, share, names
        (m,) standardisation strata of the cells (−1 for none), (S,) their shares and names; None
        for a crude proportion.

    Returns
    -------
    CellEstimate or None
        None where nobody was measured.
    """
    if stratum is None or share is None:
        stratum, share = np.zeros(len(cells.band), dtype=np.int64), np.ones(1)
    rows = mask & cells.measured & (cells.people > 0) & (stratum >= 0)
    if not rows.any():
        return None
    weight = np.where(rows, cells.design.weight, 0.0)
    event = (cells.outcome == wanted).astype(float)
    value, influence = linearised_standard(event, weight, stratum, share, names=names)
    n, size, lost = cells.count(rows), weight.sum(), 0
    if isinstance(cells.design, ReplicateSums):
        replicated = cells.design.proportions(event, rows, stratum, share)
        variance, lost = cells.design.variance(value, replicated)
        df = cells.design.degrees_of_freedom(rows)
    else:
        variance = _variance(cells, cells.design, influence, weight, rows)
        df = _df(cells, cells.design, rows)
    deff = _deff(variance, value, n, size)
    return CellEstimate(value, float(np.sqrt(variance)), n, df, deff, lost)


def _variance(
    cells: Cells, design: DesignArrays, influence: Array, weight: Array, rows: Mask
) -> float:
    if design.stages[0].unit is not None:
        return float(covariance(influence, design, domain=rows)[0, 0])
    per_weight = np.divide(influence, weight, out=np.zeros(len(weight)), where=weight > 0)
    people = np.where(rows, cells.people, 0.0)
    return element_variance(influence, per_weight**2 * cells.squares, people, design)


def _df(cells: Cells, design: DesignArrays, rows: Mask) -> int:
    first = design.stages[0]
    if first.unit is not None:
        return degrees_of_freedom(design, rows)
    return cells.count(rows) - len(np.unique(first.stratum[rows]))


def _deff(variance: float, value: float, n: int, size: float) -> float:
    """Against simple random sampling without replacement, as `svymean(deff = TRUE)` of R."""
    simple = value * (1 - value) / (n - 1) * (size - n) / size if n > 1 else 0.0
    if size <= n:
        # Equal or normalised weights say nothing about the size of the population.
        simple = value * (1 - value) / (n - 1) if n > 1 else 0.0
    return variance / simple if simple > 0 else float("nan")
