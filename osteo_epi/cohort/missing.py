"""One kind of missing: codes that stand for "not known" become null, with counts by code."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort.codebook import Variable, codebook
from osteo_epi.cohort.findings import Finding

_MOST = 0.5


def in_range(values: pl.Series, variable: Variable, factor: float = 1.0) -> pl.Series:
    """Whether values, brought to the canonical unit, can be a living person's."""
    if variable.range is None:
        return values.is_not_null()
    low, high = variable.range
    return (values * factor).is_between(low, high)


def share(mask: pl.Series) -> float:
    """How large a part of the rows is true; none of an empty column."""
    return int(mask.sum() or 0) / len(mask) if len(mask) else 0.0


def without_codes(
    values: pl.Series, variable: Variable, *, factor: float = 1.0, declared: tuple[float, ...] = ()
) -> tuple[pl.Series, dict[float, int]]:
    """Make codes for missing null.

    Declared codes go wherever they stand. The codebook's usual codes go only where they lie
    outside the plausible range, and a positive one only if most other values lie inside: where
    none does, the unit is in doubt, and 999 may be 999 mg/cm².

    Parameters
    ----------
    values
        Numbers, in the unit that they came in.
    variable
        What they are.
    factor
        What brings them to the canonical unit.
    declared
        Codes that the caller named.

    Returns
    -------
    tuple
        The values, and how many cells each code took.

    Examples
    --------
    >>> age = codebook()["age"]
    >>> values, counts = without_codes(pl.Series([61.0, 99.0, 999.0, -9.0, 54.0, 70.0]), age)
    >>> values.to_list(), counts
    ([61.0, 99.0, None, None, 54.0, 70.0], {-9.0: 1, 999.0: 1})
    """
    codes = set(declared) | set(_usual(values, variable, factor))
    present = values.drop_nulls().value_counts()
    counts = {v: n for v, n in present.iter_rows() if v in codes}
    if not counts:
        return values, {}
    taken = values.is_in(pl.Series(sorted(counts)).implode()).fill_null(False)
    return values.set(taken, None), dict(sorted(counts.items()))


def _usual(values: pl.Series, variable: Variable, factor: float) -> list[float]:
    if variable.no_codes:
        return []
    codes = [*codebook().missing_codes, *([0.0] if variable.zero_is_missing else [])]
    series = pl.Series(codes, dtype=pl.Float64)
    outside = series.filter(~in_range(series, variable, factor))
    others = values.drop_nulls().filter(~values.drop_nulls().is_in(outside.implode()))
    sound = not len(others) or share(in_range(others, variable, factor)) >= _MOST
    return [code for code in outside if sound or code <= 0]


def code_finding(variable: str, counts: dict[float, int]) -> list[Finding]:
    """Say which codes became null, and how often."""
    if not counts:
        return []
    listed = ", ".join(f"{code:g} ({n})" for code, n in counts.items())
    return [
        Finding(
            "missing_code",
            "note",
            variable,
            sum(counts.values()),
            f"codes for missing became null: {listed}",
            f'if one of them is a true value, read with sentinels={{"{variable}": [...]}} after '
            "correcting the file; other codes are declared the same way",
        )
    ]
