"""Table 1: the people of a study by group, as journals print it.

Counts are unweighted, percentages and means weighted with design-based standard errors, and missing
values have a row of their own. Rounding happens here, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi import rounding
from osteo_epi.cohort import RecognisedDesign, recognised_design, refuse_errors
from osteo_epi.diagnosis import explain
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.labels import word
from osteo_epi.survey import DesignArrays, SurveyDesign, mean, rows_in
from osteo_epi.tables._journal import JournalTable

Mask = NDArray[np.bool_]
EVERYBODY = "all"
MISSING = "Missing"
YES_NO = {True: "Yes", False: "No"}
VALUES = {
    "variable": pl.String,
    "level": pl.String,
    "group": pl.String,
    "statistic": pl.String,
    "n": pl.Int64,
    "estimate": pl.Float64,
    "se": pl.Float64,
}


@dataclass(frozen=True)
class _Group:
    """A column of Table 1: who is in it, and its estimates."""

    name: str
    rows: Mask


def table_one(
    people: Any,
    *,
    variables: Sequence[str] | Mapping[str, str],
    by: str | None = None,
    design: SurveyDesign | str | None = None,
    domain: str | pl.Expr | None = None,
    decimals: Mapping[str, int] | None = None,
    title: str = "Characteristics of the people studied",
    accept_errors: bool = False,
) -> JournalTable:
    """Table 1: who was studied.

    Parameters
    ----------
    people
        Any frame with everybody who was sampled: a domain is a mask, never a filter.
    variables
        Columns to describe, or column to label. Numbers are given as mean ± SE; text, Enum and
        Boolean columns as the percentage in each level.
    by
        Column whose levels are set side by side, after a column for all.
    design
        Survey design; by default that of the columns survey_weight, stratum and psu where they
        hold values, else every person counts alike. "srs" for that whatever the columns.
    domain
        Boolean column or expression: the people that the table is about.
    decimals
        Decimals of a number's mean and SE; three for areal BMD, one otherwise.
    title
        What stands above the table.
    accept_errors
        Describe the people although the cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    JournalTable
        For each group the unweighted n, and the weighted percentage or the mean ± SE. Percentages
        are of the people measured; those missing have a row of their own with their n.

    Raises
    ------
    SchemaError
        If a column is absent or of a kind that has neither a mean nor levels, or a cohort carries
        errors that nobody accepted.
    DesignError
        If the people hold half a survey design, or the design is one of replicate weights.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [52.0, 61.0, None], "sex": ["female", "male", "female"]})
    >>> for row in table_one(people, variables={"age": "Age", "sex": "Sex"}).to_text().rows():
    ...     print(row)
    ('', 'People', '3', '')
    ('Age', 'Mean ± SE', '2', '56.5 ± 3.9')
    ('Age', 'Missing', '1', '')
    ('Sex', 'Women', '2', '66.7')
    ('Sex', 'Men', '1', '33.3')
    """
    frame, _ = as_polars(refuse_errors(people, accept_errors=accept_errors))
    table = frame.lazy().collect()
    labels = dict(variables) if isinstance(variables, Mapping) else {v: v for v in variables}
    _require(table, [*labels, *([by] if by else [])])
    chosen = recognised_design(table, design)
    if not isinstance(chosen.design, SurveyDesign):
        raise DesignError("Table 1 takes a SurveyDesign; replicate weights have none of its sums")
    arrays = chosen.design.arrays(table)
    inside = rows_in(arrays, _mask(table, domain))
    groups = [_Group(EVERYBODY, inside), *(_groups(table, by, inside) if by else [])]
    values = pl.concat(
        [_people(groups), *(_described(table, name, groups, arrays) for name in labels)]
    )
    return _laid_out(values, labels, groups, decimals or {}, title, chosen)


def _require(table: pl.DataFrame, names: Sequence[str]) -> None:
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; it has {table.columns}")
    nested = [name for name in names if table.schema[name].is_nested()]
    if nested:
        raise SchemaError(f"columns {nested} hold lists or structs: neither a mean nor levels")


def _mask(table: pl.DataFrame, domain: str | pl.Expr | None) -> Mask | None:
    if domain is None:
        return None
    mask = pl.col(domain) if isinstance(domain, str) else domain
    return table.select(mask.fill_null(False).cast(pl.Boolean)).to_series().to_numpy()


def _groups(table: pl.DataFrame, by: str, inside: Mask) -> list[_Group]:
    codes = _codes(table[by])
    return [
        _Group(level, inside & (codes == level).fill_null(False).to_numpy())
        for level in _levels(table, by)
    ]


def _levels(table: pl.DataFrame, name: str) -> list[str]:
    """Levels in the order of an Enum, else sorted; those that occur."""
    column = table[name]
    if column.dtype == pl.Boolean:
        return [level for value, level in YES_NO.items() if (column == value).any()]
    if isinstance(column.dtype, pl.Enum):
        present = set(column.drop_nulls().cast(pl.String))
        return [level for level in column.dtype.categories if level in present]
    return column.drop_nulls().unique().sort().cast(pl.String).to_list()


def _codes(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column.replace_strict(YES_NO, return_dtype=pl.String)
    return column.cast(pl.String)


def _people(groups: list[_Group]) -> pl.DataFrame:
    rows = [(None, "People", g.name, "count", int(g.rows.sum()), None, None) for g in groups]
    return pl.DataFrame(rows, schema=VALUES, orient="row")


def _described(
    table: pl.DataFrame, name: str, groups: list[_Group], design: DesignArrays
) -> pl.DataFrame:
    """Rows of one variable in each group; a row for those missing where anybody is."""
    column = table[name]
    is_number = column.dtype.is_numeric()
    if is_number:
        outcome = column.cast(pl.Float64).fill_null(np.nan).to_numpy()[:, None]
        levels, statistic = ["Mean ± SE"], "mean"
    else:
        levels, statistic = _levels(table, name), "percent"
        codes = _codes(column)
        outcome = np.column_stack(
            [(codes == level).cast(pl.Float64).fill_null(np.nan).to_numpy() for level in levels]
        ) if levels else np.full((table.height, 1), np.nan)  # fmt: skip
    measured = ~np.isnan(outcome).any(axis=1)
    rows = [
        row
        for group in groups
        for row in _estimates(name, levels, statistic, outcome, group, measured, design)
    ]
    if any((g.rows & ~measured).any() for g in groups):
        rows += [
            (name, MISSING, g.name, "missing", int((g.rows & ~measured).sum()), None, None)
            for g in groups
        ]
    return pl.DataFrame(rows, schema=VALUES, orient="row")


def _estimates(
    name: str,
    levels: list[str],
    statistic: str,
    outcome: NDArray[np.float64],
    group: _Group,
    measured: Mask,
    design: DesignArrays,
) -> list[tuple]:
    rows = group.rows & measured
    if not rows.any():
        return [(name, level, group.name, statistic, 0, None, None) for level in levels]
    estimate = mean(outcome, design, domain=group.rows)
    counts = [rows.sum()] if statistic == "mean" else np.nansum(outcome[rows], axis=0)
    numbers = zip(levels, counts, estimate.value, estimate.se, strict=True)
    return [
        (name, level, group.name, statistic, int(n), float(value), float(se))
        for level, n, value, se in numbers
    ]


def _laid_out(
    values: pl.DataFrame,
    labels: Mapping[str, str],
    groups: list[_Group],
    decimals: Mapping[str, int],
    title: str,
    chosen: RecognisedDesign,
) -> JournalTable:
    lines = values.select("variable", "level").unique(maintain_order=True).rows()
    cells = {
        (row["variable"], row["level"], row["group"]): _cells(row, decimals)
        for row in values.iter_rows(named=True)
    }
    share = "weighted %" if chosen.design.weight else "%"
    titles = [word(group.name) for group in groups]
    heads = [head for t in titles for head in (f"{t}: n", f"{t}: {share} or mean ± SE")]
    notes = ["n: people, unweighted. Percentages are of the people measured. SE: standard error."]
    if any(name.startswith("frax_") for name in labels):
        notes.append(f"{explain('frax_limited_in_china')}.")
    if chosen.design.columns:
        notes += [f"Survey design: {chosen.design}.", *(f"{note}." for note in chosen.notes)]
    return JournalTable(
        title=title,
        columns=("Characteristic", *heads),
        rows=tuple(
            (word(level), *(c for g in groups for c in cells[variable, level, g.name]))
            for variable, level in lines
        ),
        sections=tuple(labels.get(variable, "") for variable, _ in lines),
        notes=tuple(notes),
        values=values,
    )


def _cells(row: Mapping[str, Any], decimals: Mapping[str, int]) -> tuple[str, str]:
    n = rounding.count(row["n"])
    if row["statistic"] in ("count", "missing"):
        return n, ""
    if row["estimate"] is None:
        return n, rounding.MISSING
    if row["statistic"] == "percent":
        return n, rounding.percent(row["estimate"], decimals=1)
    places = decimals.get(row["variable"], 3 if row["variable"].startswith("abmd_") else 1)
    return n, f"{row['estimate']:.{places}f} ± {row['se']:.{places}f}"
