"""Which cells to hide, and what an outsider can still compute about a hidden count.

The outsider knows the printed counts, which cells add up to which totals, and that counts are
whole and not negative. For a hidden cell that leaves an interval of feasible values: its ends are
two integer programmes. A cell is protected when the interval is at least as wide as the threshold:
it then reaches from some value to one that is `threshold` higher, so nobody can tell that the count
is below the threshold, nor come nearer to it than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from osteo_epi.errors import OutputError
from osteo_epi.tables.disclosure._cells import ALL, CountTable, Mask
from osteo_epi.tables.disclosure._solver import solve_relaxed, solve_whole

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
WHOLE = 1e-6
MARGIN_COST = 5.0  # a total is worth several inner cells to the reader
ZERO_COST = 3.0  # readers guess that a hidden cell is empty; take one only where it saves much
# Small cells times terms of the sums. Seconds of the processor, measured: 62,000 to 123,000 in
# tables of 16 × 16 and 20 × 20 took 2; 13,600 to 16,200 in tables of three ways 6 to 7, and 26,600
# in one 13, since only up to two ways are the corners of the relaxed programme whole. On a busy
# machine it was ten times as long, and a table of 4 × 4 × 4 × 4 did not end in four minutes.
LARGEST = 100_000
FLAT, CROSSED = 2, 6
# A limit on nodes, not on time, so that every machine hides the same cells. The best pattern found
# by then is verified like any other.
SEARCH = {"node_limit": 200, "mip_rel_gap": 0.05}


def refuse_size(cells: CountTable, threshold: int) -> None:
    """Say beforehand that a search would not end soon.

    Raises
    ------
    OutputError
        With the size, and the ways out.
    """
    small = int(((cells.counts > 0) & (cells.counts < threshold)).sum())
    ways = max((sum(level != ALL for level in key) for key in cells.keys), default=0)
    if small * cells.sums.nnz * (1 if ways <= FLAT else CROSSED) > LARGEST:
        raise OutputError(
            f"{cells.listed:,} cells, {small:,} of them small, in sums over {len(cells.by)} "
            "column(s) are more than can be protected in about a minute: leave out a column, or "
            "join levels; in Python round the table instead (round_counts), or give any_size=True, "
            "which searches for minutes to hours"
        )


def protect(cells: CountTable, *, threshold: int, keep: Mask) -> tuple[Mask, dict[int, list[int]]]:
    """Hide small cells and the cheapest complements that protect them.

    For each small cell in turn an integer programme finds the cheapest set of further cells with
    which two whole tables exist that agree with everything published and differ in that cell by
    `threshold`. Cells that in the end protect nothing are published again, dearest first.

    Parameters
    ----------
    threshold
        Smallest non-zero count that may be shown, and the width of interval that protects.
    keep
        (cells,) those that must stay visible.

    Returns
    -------
    hidden
        (cells,) all hidden cells, remainders among them.
    protects
        Complement to the small cells that it was hidden for.

    Raises
    ------
    OutputError
        If the visible cells give a small count away, whatever else is hidden.
    """
    small = (cells.counts > 0) & (cells.counts < threshold)
    _check_keep(cells, small & keep)
    remainder = np.arange(len(cells.counts)) >= cells.listed
    hidden = small | remainder
    proofs: dict[int, _Witness] = {}
    protects: dict[int, list[int]] = {}
    for cell in np.flatnonzero(small)[::-1].tolist():
        proof = _witness(cells, hidden, cell, threshold)
        if proof is None:
            extra = _complement(cells, hidden, keep, cell, threshold)
            hidden = hidden | extra
            proof = _witness(cells, hidden, cell, threshold)
            for other in np.flatnonzero(extra).tolist():
                protects.setdefault(other, []).append(cell)
        if proof is None:
            raise OutputError(_unprotectable(cells, cell))
        proofs[cell] = proof
    return _without_needless(cells, hidden, small | remainder, proofs, threshold, protects)


def feasible(cells: CountTable, hidden: Mask, cell: int) -> tuple[int, int | None]:
    """Smallest and largest value that a hidden cell may have; None where there is no largest."""
    beyond = int(cells.counts.sum()) + 1  # above every published sum: as good as infinite
    low, high = (_extreme(cells, hidden, cell, sign, beyond)[cell] for sign in (1, -1))
    return int(low), None if high >= beyond else int(high)


@dataclass(frozen=True)
class _Witness:
    """Two whole tables that agree with all that is published; they differ in the cell asked for."""

    low: Counts
    high: Counts

    def without(self, cell: int, count: int) -> bool:
        """Whether both still agree when that cell is published too."""
        return bool(self.low[cell] == count == self.high[cell])


def _witness(cells: CountTable, hidden: Mask, cell: int, width: int) -> _Witness | None:
    """Proof that the cell's interval is at least `width` wide, or None if it is not."""
    ceiling = int(cells.counts[cell]) + width
    low, high = (_extreme(cells, hidden, cell, sign, ceiling) for sign in (1, -1))
    return _Witness(low, high) if high[cell] - low[cell] >= width else None


def _extreme(cells: CountTable, hidden: Mask, cell: int, sign: int, ceiling: int) -> Counts:
    """The whole table in which a cell is smallest (sign 1), or largest (-1) up to a ceiling."""
    places = np.flatnonzero(hidden)
    sums = cells.sums[:, places]
    published = cells.sums @ np.where(hidden, 0, cells.counts)
    concerned = np.abs(sums).sum(axis=1) > 0
    upper = np.where(places == cell, float(ceiling), np.inf)
    objective = np.where(places == cell, float(sign), 0.0)
    table = cells.counts.copy()
    table[places] = _solve(objective, sums[concerned], -published[concerned], upper)
    return table


def _solve(objective: Array, sums: csr_array, totals: Array, upper: Array) -> Counts:
    """The relaxed programme, whose corners are whole for most tables; the integer one if not."""
    from scipy.optimize import Bounds, LinearConstraint

    box = np.column_stack([np.zeros_like(upper), upper])
    equations = {"A_eq": sums, "b_eq": totals} if len(totals) else {}
    relaxed = solve_relaxed(objective, bounds=box, **equations)
    if relaxed.success and np.abs(relaxed.x - np.round(relaxed.x)).max() < WHOLE:
        return np.round(relaxed.x).astype(np.int64)
    whole = solve_whole(
        objective,
        integrality=np.ones_like(objective),
        bounds=Bounds(np.zeros_like(upper), upper),
        constraints=LinearConstraint(sums, totals, totals) if len(totals) else None,
    )
    if whole.x is None:
        raise OutputError(f"the disclosure check found no answer: {whole.message}")
    return np.round(whole.x).astype(np.int64)


def _check_keep(cells: CountTable, clash: Mask) -> None:
    if clash.any():
        names = "; ".join(cells.name(i) for i in np.flatnonzero(clash).tolist())
        raise OutputError(f"cells to keep are below the threshold themselves: {names}")


def _unprotectable(cells: CountTable, cell: int) -> str:
    return (
        f"the count of {cells.name(cell)} comes back from the cells that must stay visible, "
        f"whatever else is hidden; keep fewer, join levels, or round the table instead"
    )


def _costs(cells: CountTable) -> NDArray[np.float64]:
    """What it costs the reader to lose a cell: totals and large counts more, empty cells less."""
    largest = np.log1p(cells.counts.max(initial=1))
    cost = (1 + MARGIN_COST * cells.margins) * (1 + np.log1p(cells.counts) / largest)
    return np.where(cells.counts == 0, ZERO_COST * cost, cost)


def _complement(cells: CountTable, hidden: Mask, keep: Mask, cell: int, threshold: int) -> Mask:
    """Cheapest further cells that protect one; small deviations suffice save in odd tables."""
    for most in (threshold, int(cells.counts.max()) + 2 * threshold):
        for whole in (False, True):
            pattern = _search(cells, hidden, keep, cell, threshold, most, whole)
            if pattern is not None and _witness(cells, hidden | pattern, cell, threshold):
                return pattern
    raise OutputError(_unprotectable(cells, cell))


def _search(
    cells: CountTable, hidden: Mask, keep: Mask, cell: int, threshold: int, most: int, whole: bool
) -> Mask | None:
    """Integer programme over (hide?, table above, table below); tables as deviations."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint

    size = len(cells.counts)
    eye, none = sparse.eye_array(size), sparse.csr_array((size, size))
    zeros = sparse.csr_array(cells.sums.shape)
    down = sparse.diags_array(np.minimum(cells.counts, most).astype(float))
    blocks = sparse.block_array(
        [
            [zeros, cells.sums, None],
            [zeros, None, cells.sums],
            [-most * eye, eye, none],
            [-most * eye, none, eye],
            [-down, -eye, none],
            [-down, none, -eye],
        ],
        format="csr",
    )
    gap = np.zeros(3 * size)
    gap[[size + cell, 2 * size + cell]] = 1, -1
    equal, limits = 2 * cells.sums.shape[0], np.zeros(blocks.shape[0])
    low = np.where(np.arange(blocks.shape[0]) < equal, 0.0, -np.inf)
    fixed = np.where(hidden, 1.0, 0.0)
    free = np.where(hidden | ~keep, 1.0, 0.0)
    box = np.full(2 * size, float(most))
    result = solve_whole(
        np.concatenate([np.where(hidden, 0, _costs(cells)), np.zeros(2 * size)]),
        integrality=np.repeat([1, int(whole)], [size, 2 * size]),
        bounds=Bounds(np.concatenate([fixed, -box]), np.concatenate([free, box])),
        constraints=[
            LinearConstraint(blocks, low, limits),
            LinearConstraint(gap[None, :], threshold, np.inf),
        ],
        options=SEARCH,
    )
    return None if result.x is None else (result.x[:size] > 0.5) & ~hidden


def _without_needless(
    cells: CountTable,
    hidden: Mask,
    needed: Mask,
    proofs: dict[int, _Witness],
    threshold: int,
    protects: dict[int, list[int]],
) -> tuple[Mask, dict[int, list[int]]]:
    """Show complements without which every small cell keeps a proof."""
    price = _costs(cells)
    for other in sorted(np.flatnonzero(hidden & ~needed).tolist(), key=lambda i: -price[i]):
        fewer = hidden.copy()
        fewer[other] = False
        fresh = _proofs_without(cells, fewer, other, proofs, threshold)
        if fresh is not None:
            hidden, proofs = fewer, fresh
            protects.pop(other, None)
    return hidden, protects


def _proofs_without(
    cells: CountTable, hidden: Mask, other: int, proofs: dict[int, _Witness], threshold: int
) -> dict[int, _Witness] | None:
    fresh = {}
    for cell, proof in proofs.items():
        renewed: _Witness | None = proof
        if not proof.without(other, int(cells.counts[other])):
            renewed = _witness(cells, hidden, cell, threshold)
        if renewed is None:
            return None
        fresh[cell] = renewed
    return fresh
