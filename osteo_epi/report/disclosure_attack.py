"""What an outsider can compute about a hidden count from all that is published.

The outsider knows the printed counts, which cells add up to which totals, and that counts are
whole and not negative. For a hidden cell that leaves an interval of feasible values: its ends are
two integer programmes. A cell is protected when the interval is at least as wide as the threshold:
it then reaches from some value to one that is `threshold` higher, so nobody can tell that the count
is below the threshold, nor come nearer to it than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from osteo_epi.errors import OutputError
from osteo_epi.report.disclosure_cells import Cells, Mask

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
WHOLE = 1e-6


@dataclass(frozen=True)
class Witness:
    """Two whole tables that agree with all that is published; they differ in the cell asked for."""

    low: Counts
    high: Counts

    def without(self, cell: int, count: int) -> bool:
        """Whether both still agree when that cell is published too."""
        return bool(self.low[cell] == count == self.high[cell])


def feasible(cells: Cells, hidden: Mask, cell: int) -> tuple[int, int | None]:
    """Smallest and largest value that a hidden cell may have; None where there is no largest."""
    beyond = int(cells.counts.sum()) + 1  # above every published sum: as good as infinite
    low, high = (_extreme(cells, hidden, cell, sign, beyond)[cell] for sign in (1, -1))
    return int(low), None if high >= beyond else int(high)


def witness(cells: Cells, hidden: Mask, cell: int, width: int) -> Witness | None:
    """Proof that the cell's interval is at least `width` wide, or None if it is not."""
    ceiling = int(cells.counts[cell]) + width
    low, high = (_extreme(cells, hidden, cell, sign, ceiling) for sign in (1, -1))
    return Witness(low, high) if high[cell] - low[cell] >= width else None


def _extreme(cells: Cells, hidden: Mask, cell: int, sign: int, ceiling: int) -> Counts:
    """The whole table in which a cell is smallest (sign 1), or largest (-1) up to a ceiling."""
    places = np.flatnonzero(hidden)
    sums = cells.sums[:, places]
    known = cells.sums @ np.where(hidden, 0, cells.counts)
    concerned = np.abs(sums).sum(axis=1) > 0
    upper = np.where(places == cell, float(ceiling), np.inf)
    objective = np.where(places == cell, float(sign), 0.0)
    table = cells.counts.copy()
    table[places] = _solve(objective, sums[concerned], -known[concerned], upper)
    return table


def _solve(objective: Array, sums: sparse.csr_array, totals: Array, upper: Array) -> Counts:
    """The relaxed programme, whose corners are whole for most tables; the integer one if not."""
    box = np.column_stack([np.zeros_like(upper), upper])
    equations = {"A_eq": sums, "b_eq": totals} if len(totals) else {}
    relaxed = linprog(objective, bounds=box, **equations)
    if relaxed.success and np.abs(relaxed.x - np.round(relaxed.x)).max() < WHOLE:
        return np.round(relaxed.x).astype(np.int64)
    whole = milp(
        objective,
        integrality=np.ones_like(objective),
        bounds=Bounds(np.zeros_like(upper), upper),
        constraints=LinearConstraint(sums, totals, totals) if len(totals) else None,
    )
    if whole.x is None:
        raise OutputError(f"the disclosure check found no answer: {whole.message}")
    return np.round(whole.x).astype(np.int64)
