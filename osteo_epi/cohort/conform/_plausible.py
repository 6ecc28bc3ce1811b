"""Values that no living person has: null for the analysis, kept under another name."""

from __future__ import annotations

from collections.abc import Container

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.conform._numbers import in_range

AS_GIVEN = "_as_given"


def without_implausible(frame: pl.DataFrame) -> pl.DataFrame:
    """Set aside the values outside the codebook's plausible ranges.

    Parameters
    ----------
    frame
        Canonical columns (and others, which stay as they are), quantities in Float64.

    Returns
    -------
    polars.DataFrame
        The frame with null for what is implausible. For each column that held such a value there
        is another, ``<column>_as_given``, with these values in the canonical unit and null
        elsewhere: nothing is lost, and what was set aside is listed by one filter.

    Examples
    --------
    >>> frame = pl.DataFrame({"abmd_total_hip": [0.7, 700.0]})
    >>> without_implausible(frame).rows(named=True)[1]
    {'abmd_total_hip': None, 'abmd_total_hip_as_given': 700.0}
    """
    for name in frame.columns:
        variable = ranged(name)
        if variable is None:
            continue
        values = frame[name]
        outside = (~in_range(values, variable)).fill_null(False)
        if outside.any():
            aside = (
                frame.select(given(frame.columns, name))
                .to_series()
                .set(~outside & values.is_not_null(), None)
            )
            kept = aside.alias(f"{name}{AS_GIVEN}")
            frame = frame.with_columns(values.set(outside, None), kept)
    return frame


def ranged(name: str) -> Variable | None:
    """The quantity of this name that has a plausible range, if there is one."""
    variable = codebook().variables.get(name)
    is_ranged = variable is not None and variable.kind == "quantity" and variable.range is not None
    return variable if is_ranged else None


def given(columns: Container[str], name: str) -> pl.Expr:
    """A column with the values that were set aside: what the file holds."""
    aside = f"{name}{AS_GIVEN}"
    if aside not in columns:
        return pl.col(name)
    return pl.coalesce(name, pl.col(aside).cast(pl.Float64, strict=False))


def plausible(name: str) -> pl.Expr:
    """A quantity with a plausible range, null where it is outside of it."""
    variable = codebook()[name]
    return pl.when(in_range(pl.col(name), variable)).then(pl.col(name)).alias(name)


def is_implausible(columns: Container[str], variable: Variable) -> pl.Expr:
    """True in the rows whose value is implausible, whether it stands there or was set aside."""
    name, (low, high) = variable.name, variable.range or (float("-inf"), float("inf"))
    outside = ~pl.col(name).is_between(low, high)
    aside = f"{name}{AS_GIVEN}"
    if aside not in columns:
        return outside
    return outside | (pl.col(name).is_null() & pl.col(aside).is_not_null())
