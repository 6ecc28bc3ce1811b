"""What Table 1 says of a variable in a group: counts, shares, means, quartiles; a row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.frames import in_natural_order
from osteo_epi.survey import DesignArrays, mean, survey_quantile, variance_of

Mask = NDArray[np.bool_]
EVERYBODY = "all"
WEIGHTED, UNWEIGHTED = "weighted", "unweighted"
MEAN_SD, MEAN_SE, MEDIAN_IQR = "mean_sd", "mean_se", "median_iqr"
NUMBERS = (MEAN_SD, MEAN_SE, MEDIAN_IQR)
"""Statistics of a number."""
PERCENT, MISSING, COUNT, SMD = "percent", "missing", "count", "smd"
VALUES = {
    "variable": pl.String,
    "level": pl.String,
    "group": pl.String,
    "weighting": pl.String,
    "statistic": pl.String,
    "n": pl.Int64,
    "estimate": pl.Float64,
    "sd": pl.Float64,
    "se": pl.Float64,
    "lower_quartile": pl.Float64,
    "upper_quartile": pl.Float64,
}
"""Columns of the numbers behind Table 1; `group` is null where a row compares the groups."""
RULE = "school"
"""The median as it is taught, the middle of two values; quartiles alike."""
OF_WOMEN = {
    *("postmenopausal", "menopause_age", "years_since_menopause", "ovaries_removed", "pregnant"),
}
"""Variables of the codebook that are of women only: a man is not missing there."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Group:
    """A column of Table 1 and who is in it, (n,)."""

    name: str
    rows: Mask


@dataclass(frozen=True)
class Variable:
    """A column of the people, read once.

    Parameters
    ----------
    name
        Of the column.
    levels
        In their order; none of a number.
    table
        (n, 1) numbers, or (n, levels) 0/1; NaN where missing.
    applies
        (n,) people whom the variable is about.
    """

    name: str
    levels: tuple[str, ...]
    table: NDArray[np.float64]
    applies: Mask

    @property
    def measured(self) -> Mask:
        """(n,) people with a value."""
        return self.applies & ~np.isnan(self.table).any(axis=1)


def variable_of(people: pl.DataFrame, name: str, inside: Mask) -> Variable:
    """Read a column: a number as it is, anything else as the levels that those inside have."""
    column = people[name]
    if column.dtype.is_numeric():
        levels: tuple[str, ...] = ()
        table = column.cast(pl.Float64).fill_null(np.nan).to_numpy()[:, None]
    else:
        levels, codes = levels_of(column.filter(inside)), codes_of(column)
        columns = [(codes == level).cast(pl.Float64).fill_null(np.nan) for level in levels]
        table = np.column_stack(columns) if columns else np.full((len(people), 1), np.nan)
    applies = np.ones(len(people), dtype=bool)
    if name in OF_WOMEN and "sex" in people.columns:
        applies = (people["sex"].cast(pl.String) == "female").fill_null(True).to_numpy()
    return Variable(name, levels, table, applies)


def levels_of(column: pl.Series) -> tuple[str, ...]:
    """Levels that occur in the order of an Enum, else as they are counted; of yes and no both."""
    if column.dtype == pl.Boolean:
        return ("true", "false") if column.count() else ()
    if isinstance(column.dtype, pl.Enum):
        present = set(column.unique().drop_nulls().cast(pl.String))
        return tuple(level for level in column.dtype.categories if level in present)
    return tuple(in_natural_order(column.drop_nulls().unique().cast(pl.String)))


def codes_of(column: pl.Series) -> pl.Series:
    """The level of each person as text."""
    return column.cast(pl.String)


def described(
    variable: Variable,
    groups: Sequence[Group],
    designs: dict[str, DesignArrays],
    statistics: Sequence[str],
) -> Iterator[Row]:
    """Rows of a variable: each statistic or level in each group, then those missing.

    Parameters
    ----------
    variable
        Of the people.
    groups
        Side by side.
    designs
        The design by `weighted` and `unweighted`, one or both.
    statistics
        Of a number.
    """
    about = [group for group in groups if (group.rows & variable.applies).any()]
    for group in about:
        rows = group.rows & variable.measured
        for weighting, design in designs.items():
            named = {"variable": variable.name, "group": group.name, "weighting": weighting}
            found = (
                _shares(variable, rows, design)
                if variable.levels
                else (_number(name, variable, rows, design) for name in statistics)
            )
            yield from (named | row for row in found)
    absent = variable.applies & ~variable.measured
    missing = {group.name: int((group.rows & absent).sum()) for group in about}
    if any(missing.values()):
        for name, n in missing.items():
            yield {"variable": variable.name, "group": name, "statistic": MISSING, "n": n}


def _shares(variable: Variable, rows: Mask, design: DesignArrays) -> Iterator[Row]:
    counts = variable.table[rows].sum(axis=0)
    share = mean(variable.table, design, domain=rows) if rows.any() else None
    for place, level in enumerate(variable.levels):
        row: Row = {"level": level, "statistic": PERCENT, "n": int(counts[place])}
        if share is not None:
            row |= {"estimate": float(share.value[place]), "se": float(share.se[place])}
        yield row


def _number(name: str, variable: Variable, rows: Mask, design: DesignArrays) -> Row:
    """A mean with SD and SE, or a median with quartiles, of those measured; nothing of nobody."""
    row: Row = {"statistic": name, "n": int(rows.sum())}
    if not rows.any():
        return row
    values = np.where(rows, variable.table[:, 0], np.nan)
    if name == MEDIAN_IQR:
        found = survey_quantile(
            values, [0.25, 0.5, 0.75], design, domain=rows, rule=RULE, interval=None
        )
        low, middle, high = map(float, found.value)
        return row | {"estimate": middle, "lower_quartile": low, "upper_quartile": high}
    average = mean(values, design, domain=rows)
    row["estimate"] = float(average.value[0])
    if row["n"] > 1:
        spread = variance_of(values, design, domain=rows).value[0]
        row |= {"sd": float(np.sqrt(spread)), "se": float(average.se[0])}
    return row
