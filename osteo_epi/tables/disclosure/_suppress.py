"""Statistical disclosure control of tables of counts: hide small cells, or round the table.

Hiding the small counts alone protects nobody: a total less the other parts gives them back. Here
further cells are hidden until whoever solves the published sums is left, for every small count,
with an interval as wide as the threshold. Only the report calls this; estimates stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.errors import OutputError
from osteo_epi.frames import as_polars
from osteo_epi.html import html_table
from osteo_epi.norms import load
from osteo_epi.results import Result
from osteo_epi.tables.disclosure._cells import ALL, CountTable, Mask, Nested, read_cells
from osteo_epi.tables.disclosure._protect import feasible, protect, refuse_size

SHOWN, HIDDEN = "shown", "hidden"


@dataclass(frozen=True, repr=False)
class Suppressed(Result):
    """Tables that may be published, and the record of what was hidden in them.

    Attributes
    ----------
    tables
        The tables in their order, with null for what is hidden and a column `disclosure` (shown or
        hidden). Why a cell is hidden is not in them: telling small counts from complements would
        give the small ones away.
    audit
        Confidential. Each hidden cell with its reason, what it protects, and the smallest and
        largest value (`lowest`, `highest`; null: no limit) that an outsider can work out. Counts
        themselves are not in it.
    threshold, rule
        Smallest non-zero count shown, and whose rule that is.
    left_out
        Columns of text with numbers in it that were left out.
    """

    no_figure = "holds tables: read them in to_frame()"

    tables: tuple[pl.DataFrame, ...]
    audit: pl.DataFrame
    threshold: int
    rule: str
    left_out: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the tables has to know of them."""
        if not self.left_out:
            return ()
        return (
            f"left out, since their text holds numbers that may be counts: "
            f"{', '.join(self.left_out)}; name them in derived= to hide them with their counts",
        )

    def to_polars(self) -> pl.DataFrame:
        """The table; several ones below each other."""
        return pl.concat(self.tables, how="diagonal_relaxed")

    def _summary(self) -> str:
        return "; ".join((f"{self.audit.height} cells hidden, {self.rule}", *self.notes))

    def _repr_html_(self) -> str:
        return "".join(map(html_table, self.tables))


def suppress_counts(
    data: Any,
    *,
    by: Sequence[str],
    rule: str | int,
    count: str = "n",
    total: str = ALL,
    derived: Sequence[str] | None = None,
    within: Mapping[str, str | Sequence[str]] | None = None,
    keep: pl.Expr | None = None,
    nested: Nested | None = None,
    any_size: bool = False,
) -> Suppressed:
    """Hide small counts, and further cells so that none comes back by subtraction.

    Parameters
    ----------
    data
        A frame of counts, or several that are published together. A row is a cell; margins are
        rows with `total` in the columns summed over. A table without one of the columns `by` is
        summed over it, which links it to the others.
    by
        Columns that tell the cells apart.
    rule
        Id of a norm of kind "presentation" whose id starts with ``"disclosure_"``, or a threshold:
        the smallest non-zero count that may be shown.
    count
        Column of counts [people], unweighted.
    total
        Level that marks a margin.
    derived
        Columns to hide with their count; by default all columns of numbers save `by`. Text with
        numbers in it, such as "3 (3%)", is left out unless it is named here, or is the same in
        every row.
    within
        Percentages and the columns that their denominator is summed over, e.g.
        `{"row_percent": "age_band"}`: such a value is hidden also where its denominator is, which
        it would give back.
    keep
        Expression for rows that must stay visible, such as totals that are known anyway.
    nested
        Column to level to the levels that it is made of, as `{"region": {"north": ["a", "b"]}}`.
        Bands of whole numbers ("50-54" in "50-59", "65+") in one column are known to be nested,
        in whichever tables they stand; other groupings within groupings have to be named, or they
        give hidden counts back. `{}` says that columns which look nested are not.
    any_size
        Whether to begin a search that may take hours.

    Returns
    -------
    Suppressed

    Raises
    ------
    SchemaError
        If counts are not whole numbers, keys repeat, parts exceed their total, or groupings
        overlap without being nested.
    OutputError
        If rows to keep give a small count away, or the tables are too large for the search.

    Notes
    -----
    A small count is protected when the values that agree with everything published span at least
    the threshold (Fischetti and Salazar's sliding protection level); zero is shown. It is assumed
    that readers know the sums and nothing about single people. Reports of one population at
    another time or for other groups are other tables: pass them together.

    Seconds of the processor: 1 for 12 × 12 cells with margins, 2 for 20 × 20, 3 for 4 × 4 × 5,
    7 for 5 × 5 × 5 with 20 small cells. With twice as many such a table is refused, as are larger
    ones, unless `any_size`.

    Examples
    --------
    >>> table = pl.DataFrame({
    ...     "sex": ["female", "female", "female", "male", "male", "male", "all", "all", "all"],
    ...     "age": ["50-64", "65+", "all"] * 3,
    ...     "n": [40, 60, 100, 3, 57, 60, 43, 117, 160],
    ... })
    >>> result = suppress_counts(table, by=["sex", "age"], rule="disclosure_below_10_ons")
    >>> result.tables[0].pivot("age", index="sex", values="n").rows()
    [('female', None, None, 100), ('male', None, None, 60), ('all', 43, 117, 160)]
    >>> result.audit.select("cell", "reason", "lowest", "highest").row(0)
    ('sex=male, age=50-64', 'below the threshold', 0, 43)
    """
    true_or_false(any_size=any_size)
    tables = _tables(data)
    threshold, name = _threshold(rule)
    cells, rows = read_cells(tables, count=count, by=by, total=total, nested=nested)
    if not any_size:
        refuse_size(cells, threshold)
    hidden, protects = protect(cells, threshold=threshold, keep=_visible(tables, rows, cells, keep))
    named = {*by, *(derived or ()), *(within or {})}
    told = tuple(dict.fromkeys(c for table in tables for c in _telling(table) if c not in named))
    published = tuple(
        _blank(table, places, cells, hidden, count, by, derived, within or {})
        for table, places in zip([t.drop(told, strict=False) for t in tables], rows, strict=True)
    )
    audit = _audit(cells, hidden, protects, threshold)
    return Suppressed(published, audit, threshold, name, told)


def _telling(table: pl.DataFrame) -> list[str]:
    """Columns whose text holds numbers, unless it is the same in every row; lists and the like."""
    told = []
    for column, kind in table.schema.items():
        if kind.is_nested():
            told.append(column)
        elif isinstance(kind, pl.String | pl.Categorical | pl.Enum):
            text = table[column].cast(pl.String)
            if text.n_unique() > 1 and text.str.contains(r"\d").any():
                told.append(column)
    return told


def _tables(data: Any) -> list[pl.DataFrame]:
    several = list(data) if isinstance(data, list | tuple) else [data]
    return [as_polars(table)[0].lazy().collect() for table in several]


def _threshold(rule: str | int) -> tuple[int, str]:
    if isinstance(rule, str):
        norm = load("presentation", rule)
        if norm.data.get("quantity") != "disclosure":
            raise OutputError(f"{rule} is no disclosure rule; take one named disclosure_…")
        return int(norm.data["threshold"]), norm.cite()
    if rule < 2:
        raise OutputError(f"a threshold of {rule} hides nothing; it is the smallest count shown")
    return rule, f"threshold {rule}, chosen by the user"


def _visible(
    tables: list[pl.DataFrame], rows: list[list[int]], cells: CountTable, keep: pl.Expr | None
) -> Mask:
    visible = np.zeros(len(cells.counts), dtype=bool)
    if keep is not None:
        for table, places in zip(tables, rows, strict=True):
            chosen = table.select(keep.fill_null(False)).to_series().to_numpy()
            visible[np.array(places)[chosen]] = True
    return visible


def _blank(
    table: pl.DataFrame,
    places: list[int],
    cells: CountTable,
    hidden: Mask,
    count: str,
    by: Sequence[str],
    derived: Sequence[str] | None,
    within: Mapping[str, str | Sequence[str]],
) -> pl.DataFrame:
    """Null what is hidden, and percentages of hidden denominators."""
    numbers = [c for c, kind in table.schema.items() if kind.is_numeric() and c not in by]
    masked = pl.Series(hidden[places])
    others = [c for c in (numbers if derived is None else derived) if c not in within]
    masks = dict.fromkeys({count, *others}, masked)
    for column, over in within.items():
        dimensions = [over] if isinstance(over, str) else list(over)
        masks[column] = masked | pl.Series(_denominator_hidden(cells, hidden, places, dimensions))
    return table.with_columns(
        *(pl.when(~mask).then(pl.col(column)).alias(column) for column, mask in masks.items()),
        disclosure=pl.when(masked).then(pl.lit(HIDDEN)).otherwise(pl.lit(SHOWN)),
    )


def _denominator_hidden(
    cells: CountTable, hidden: Mask, places: list[int], over: list[str]
) -> list[bool]:
    """Whether the denominator is a hidden cell; one that no table prints counts as hidden."""
    place = {key: i for i, key in enumerate(cells.keys[: cells.listed])}
    answers = []
    for i in places:
        levels = zip(cells.by, cells.keys[i], strict=True)
        denominator = place.get(tuple(ALL if d in over else level for d, level in levels))
        answers.append(denominator is None or bool(hidden[denominator]))
    return answers


def _audit(
    cells: CountTable, hidden: Mask, protects: dict[int, list[int]], threshold: int
) -> pl.DataFrame:
    rows = []
    for cell in np.flatnonzero(hidden).tolist():
        small = 0 < cells.counts[cell] < threshold
        if cell >= cells.listed and not small:
            continue
        low, high = feasible(cells, hidden, cell)
        guarded = "; ".join(cells.name(other) for other in protects.get(cell, []))
        reason = "below the threshold" if small else "complement"
        rows.append((cells.name(cell), reason, guarded or None, low, high, threshold))
    schema = {
        "cell": pl.String,
        "reason": pl.String,
        "protects": pl.String,
        "lowest": pl.Int64,
        "highest": pl.Int64,
        "threshold": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("reason", maintain_order=True)
