"""Paired readings: what has to hold before two methods may be compared.

Every comparison starts here, so that a fault of the data is named once, with its count and what
to do, and never reaches a formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from osteo_epi.arguments import one_of, true_or_false
from osteo_epi.cohort import refuse_errors
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, as_polars, numbers_of, series_given

Missing = Literal["fail", "drop"]
"""What a missing reading does: stop ("fail"), or leave its pair out, counted ("drop")."""

UNIT_RATIO = 20.0
"""Two methods for one quantity do not differ twentyfold; g/cm² and mg/cm² do, a thousandfold."""


@dataclass(frozen=True)
class Pairs:
    """Complete pairs of readings: `x` (reference or first method), `y`, and how many were lost."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    n_missing: int

    @property
    def n(self) -> int:
        """Number of complete pairs."""
        return len(self.x)


def paired(
    *data: Any,
    x: Column = None,
    y: Column = None,
    missing: Missing = "fail",
    same_unit: bool = False,
    varying: bool = True,
) -> Pairs:
    """Check two series of readings of the same people and give them as arrays.

    Parameters
    ----------
    *data, x, y
        Readings of the reference and of the other method, shape (n,), in the same order. They come
        first, or a frame comes first and `x` and `y` name its columns.
    missing
        `"fail"` stops on a missing reading, `"drop"` leaves such pairs out and counts them.
    same_unit
        The two must be in one unit (a difference is going to be taken).
    varying
        The readings of either method must not all be equal.

    Raises
    ------
    SchemaError
        Unpaired rows, missing or infinite readings, fewer than three pairs, a constant reference,
        constant readings of the other method, or units that differ: each with its own message.

    Examples
    --------
    >>> paired([0.8, 0.9, 1.0], [0.82, 0.93, 1.01]).n
    3
    >>> people = pl.DataFrame({"dxa": [0.8, 0.9, 1.0], "qct": [0.82, 0.93, 1.01]})
    >>> paired(people, x="dxa", y="qct").y.tolist()
    [0.82, 0.93, 1.01]
    """
    one_of(missing, "missing", ("fail", "drop"))
    true_or_false(same_unit=same_unit, varying=varying)
    given = readings_of(data, x=x, y=y)
    first, second = (_readings(values, name) for values, name in zip(given, "xy", strict=True))
    if len(first) != len(second):
        raise SchemaError(
            f"unpaired rows: {len(first)} readings of x and {len(second)} of y; give one row per "
            "person with both readings, or join the two tables by identifier first "
            "(agreement.join_pairs)"
        )
    gap = np.isnan(first) | np.isnan(second)
    if gap.any() and missing == "fail":
        lost = [int(np.isnan(v).sum()) for v in (first, second)]
        raise SchemaError(
            f"{int(gap.sum())} of {len(first)} pairs lack a reading (x: {lost[0]}, y: {lost[1]}); "
            "say missing='drop' to leave them out, counted"
        )
    pairs = Pairs(first[~gap], second[~gap], int(gap.sum()))
    _check(pairs, same_unit=same_unit, varying=varying)
    return pairs


def readings_of(
    data: Sequence[Any], *, optional: Sequence[str] = (), **columns: Any
) -> tuple[Any, ...]:
    """What a comparison was called with, see `series_given`; people with open errors are refused.

    Raises
    ------
    SchemaError
        As `series_given`, or if a cohort carries errors that nobody accepted
        (`people.with_errors_accepted()`).
    """
    return series_given([refuse_errors(one) for one in data], optional=optional, **columns)


def join_pairs(first: Any, second: Any, *, on: str, value: str) -> pl.DataFrame:
    """Join the readings of two methods by identifier, refusing unpaired and repeated people.

    Parameters
    ----------
    first, second
        Frames of any kind, one row a person.
    on
        The identifier's column.
    value
        The reading's column, the same in both.

    Returns
    -------
    polars.DataFrame
        Columns `on`, `x`, `y`.

    Raises
    ------
    SchemaError
        People in one table only, or more than once: with counts.

    Examples
    --------
    >>> a = pl.DataFrame({"person_id": ["1", "2"], "bmd": [0.8, 0.9]})
    >>> b = pl.DataFrame({"person_id": ["2", "1"], "bmd": [0.93, 0.82]})
    >>> join_pairs(a, b, on="person_id", value="bmd")["y"].to_list()
    [0.82, 0.93]
    """
    tables = [as_polars(f)[0].lazy().select(on, value).collect() for f in (first, second)]
    for table, name in zip(tables, ("first", "second"), strict=True):
        repeated = len(table) - table[on].n_unique()
        if repeated:
            raise SchemaError(
                f"the {name} table has {repeated} rows too many for its identifiers in {on!r}; "
                "take the mean of a person's repeats, or keep one scan, before pairing"
            )
    alone = [len(tables[k].join(tables[1 - k], on=on, how="anti")) for k in (0, 1)]
    if any(alone):
        raise SchemaError(
            f"unpaired rows: {alone[0]} people only in the first and {alone[1]} only in the second "
            f"table (column {on!r}); keep those measured by both methods"
        )
    joined = tables[0].join(tables[1], on=on, how="left", maintain_order="left", suffix="_second")
    return joined.select(on, x=pl.col(value), y=pl.col(f"{value}_second"))


def _readings(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = numbers_of(values, name)
    if array.ndim != 1:
        raise SchemaError(
            f"{name} has {array.ndim} dimensions, expected one reading per person (shape (n,))"
        )
    if np.isinf(array).any():
        raise SchemaError(
            f"{int(np.isinf(array).sum())} infinite readings in {name}: most often a division by "
            "zero on the way here; make them missing at the door"
        )
    return array


def _check(pairs: Pairs, *, same_unit: bool, varying: bool) -> None:
    if pairs.n < 3:
        raise SchemaError(
            f"{pairs.n} complete pairs, at least three are needed; measure more people with both "
            "methods"
        )
    if varying and np.ptp(pairs.x) == 0:
        raise SchemaError(
            f"the reference x has zero variance: all {pairs.n} readings are equal; a line needs "
            "people (or phantom vertebrae) of different density"
        )
    if varying and np.ptp(pairs.y) == 0:
        raise SchemaError(
            f"constant readings: all {pairs.n} values of y are equal; check that the column is "
            "the measurement and not a nominal value"
        )
    if same_unit:
        _check_scale(pairs)


def _check_scale(pairs: Pairs) -> None:
    size = [float(np.median(np.abs(v))) for v in (pairs.x, pairs.y)]
    if min(size) > 0 and max(size) / min(size) > UNIT_RATIO:
        raise SchemaError(
            f"the units seem to differ: the median reading of one method is "
            f"{max(size) / min(size):.0f} times that of the other; convert to one unit "
            "(g/cm² = 1000 mg/cm²) before taking differences"
        )
