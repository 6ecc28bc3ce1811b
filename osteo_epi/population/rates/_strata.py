"""Strata of a table of counts, joined to a standard population by their names.

A release of another package joined standard weights by position, and rows in another order gave
another rate. Here a stratum meets its weight by name or not at all, and one that stays alone is
named in an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.errors import NormError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.norms import load
from osteo_epi.results import Result
from osteo_epi.summation import names_of_slices, of_slices, slice_columns

WEIGHT = "__standard__"
_LARGEST = 1e200  # what is above, or not finite, is refused by what counts cases and years


@dataclass(frozen=True, repr=False)
class Standardised(Result):
    """Crude and standardised rates, or proportions, of each group; `frame` holds a row for each."""

    frame: pl.DataFrame

    def to_polars(self) -> pl.DataFrame:
        """The rows: by columns, statistic, estimate, se, lower, upper, …, method, standard."""
        return self.frame


@dataclass(frozen=True)
class _Group:
    """The strata of one group with their standard weights, and what was left out of them."""

    key: dict[str, Any]
    strata: pl.DataFrame
    flag: str


def sum_strata(
    data: Any, *, sums: Sequence[str], stratum: Sequence[str], by: Sequence[str]
) -> pl.DataFrame:
    """Add up the count columns over each group and stratum, after checking every column."""
    frame, _ = as_polars(data)
    table = frame.lazy().collect()
    absent = [c for c in (*by, *stratum, *sums) if c not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; it has {table.columns}")
    for column in (*by, *stratum, *sums):
        if empty := table[column].null_count():
            raise SchemaError(
                f"column {column!r} is missing in {empty} of {table.height} rows; name these rows "
                f"(e.g. 'unknown') or leave them out before the rates are made"
            )
    keys = [pl.col(c).cast(pl.String).map_elements(_tidy, pl.String) for c in stratum]
    rows = table.select(*by, *keys, pl.col(*sums).cast(pl.Float64))
    slices = [part for column in sums for part in _slices(rows[column])]
    parts = rows.with_columns(slices).group_by([*by, *stratum], maintain_order=True)
    added = parts.agg(pl.col(name for column in sums for name in names_of_slices(column)).sum())
    return added.select(*by, *stratum, *(of_slices(column) for column in sums))


def _slices(column: pl.Series) -> list[pl.Expr]:
    """What a column's sums are made of, the same in every order of the rows."""
    largest = min(float(column.abs().max() or 0.0), _LARGEST)  # type: ignore[arg-type]
    return slice_columns(column.name, pl.col(column.name), largest=largest, n=len(column))


def finite(limit: float) -> float | None:
    """A limit for a frame, where null says that the method gives none."""
    return None if math.isnan(limit) else limit


def _tidy(name: str) -> str:
    """A stratum's name with one kind of dash and no blanks around: '50–54 ' is '50-54'."""
    for dash in "‐‑‒–—−－":
        name = name.replace(dash, "-")
    return name.strip()


def standard_frame(standard: Any, stratum: Sequence[str]) -> tuple[pl.DataFrame, str]:
    """Standard weights as the stratum columns and one of weights, with the standard's name.

    `standard` is the id of a norm, a StandardPopulation, a mapping from stratum to weight, or a
    frame with the stratum columns and one more.
    """
    if isinstance(standard, str):
        standard = load("standard_population", standard)
    if isinstance(standard, Mapping):
        table, name = _from_mapping(standard, stratum), "given weights"
    elif hasattr(standard, "bands"):
        table, name = _from_norm(standard, stratum), standard.id
    else:
        table, name = _from_frame(standard, stratum), "given weights"
    keys = [pl.col(c).cast(pl.String).map_elements(_tidy, pl.String) for c in stratum]
    table = table.with_columns(*keys, pl.col(WEIGHT).cast(pl.Float64))
    _check_weights(table, stratum)
    return table, name


def _from_mapping(standard: Mapping, stratum: Sequence[str]) -> pl.DataFrame:
    rows = [(k if isinstance(k, tuple) else (k,)) + (v,) for k, v in standard.items()]
    if any(len(row) != len(stratum) + 1 for row in rows):
        raise NormError(f"each key of the standard must name {len(stratum)} strata: {stratum}")
    return pl.DataFrame(rows, schema=[*stratum, WEIGHT], orient="row")


def _from_norm(standard: Any, stratum: Sequence[str]) -> pl.DataFrame:
    names = [band.name for band in standard.bands]
    if len(stratum) == 1:
        return pl.DataFrame({stratum[0]: names, WEIGHT: _values(standard.counts(None), names)})
    if len(stratum) == 2 and "sex" in stratum and standard.by_sex:
        age = next(c for c in stratum if c != "sex")
        parts = [
            pl.DataFrame({age: names, WEIGHT: _values(standard.counts(sex), names)}).with_columns(
                sex=pl.lit(sex)
            )
            for sex in ("female", "male")
        ]
        return pl.concat(parts)
    raise NormError(
        f"{standard.id} holds age bands{' by sex' if standard.by_sex else ''}; it cannot weight "
        f"strata of {list(stratum)}; give a frame with these columns and a weight"
    )


def _values(counts: Any, names: list[str]) -> list[float]:
    return [counts[n] for n in names] if isinstance(counts, Mapping) else list(counts)


def _from_frame(standard: Any, stratum: Sequence[str]) -> pl.DataFrame:
    frame, _ = as_polars(standard)
    table = frame.lazy().collect()
    rest = [c for c in table.columns if c not in stratum]
    if len(rest) != 1 or any(c not in table.columns for c in stratum):
        raise NormError(
            f"the standard needs the columns {list(stratum)} and one of weights; "
            f"it has {table.columns}"
        )
    return table.select(*stratum, pl.col(rest[0]).alias(WEIGHT))


def _check_weights(table: pl.DataFrame, stratum: Sequence[str]) -> None:
    bad = table.filter(
        ~pl.col(WEIGHT).is_finite() | (pl.col(WEIGHT) < 0) | pl.col(WEIGHT).is_null()
    )
    twice = table.filter(table.select(stratum).is_duplicated())
    for rows, what in ((bad, "without a weight of 0 or more"), (twice, "given twice")):
        if rows.height:
            raise NormError(f"standard strata {what}: {names_of(rows, stratum)}")


def names_of(rows: pl.DataFrame, stratum: Sequence[str]) -> str:
    """Strata as a reader would list them."""
    return "; ".join(
        " × ".join(map(str, row))
        for row in rows.select(stratum).unique().sort(list(stratum)).rows()
    )


def groups(
    counts: pl.DataFrame,
    standard: pl.DataFrame,
    *,
    stratum: Sequence[str],
    by: Sequence[str],
    people: str,
    empty: str,
) -> Iterator[_Group]:
    """Each group with every stratum of the standard, checked on both sides.

    Parameters
    ----------
    people
        Column that must be above 0 for a stratum to have a rate (person-years, or people).
    empty
        What a standard stratum without people means: "error", or "restrict" the standard to the
        others and say so in the flag.
    """
    if empty not in ("error", "restrict"):
        raise SchemaError(f"empty must be 'error' or 'restrict', got {empty!r}")
    _check_known(counts, standard, stratum)
    parts = counts.partition_by(by, maintain_order=True) if by else [counts]
    for part in parts:
        key = part.select(by).row(0, named=True) if by else {}
        joined = standard.join(part.drop(by), on=list(stratum), how="left", maintain_order="left")
        joined = joined.filter(pl.col(WEIGHT) > 0)
        alone = joined.filter(pl.col(people).fill_null(0) <= 0)
        yield _Group(
            key,
            joined.join(alone, on=list(stratum), how="anti", maintain_order="left"),
            _flag(alone, key, stratum, empty),
        )


def _check_known(counts: pl.DataFrame, standard: pl.DataFrame, stratum: Sequence[str]) -> None:
    unknown = counts.join(standard.filter(pl.col(WEIGHT) > 0), on=list(stratum), how="anti")
    if unknown.height:
        raise SchemaError(
            f"strata without a standard population: {names_of(unknown, stratum)}; the standard "
            f"has {names_of(standard, stratum)}; rename them, or leave them out before the call"
        )


def _flag(alone: pl.DataFrame, key: dict, stratum: Sequence[str], empty: str) -> str:
    if not alone.height:
        return ""
    names = names_of(alone, stratum)
    if empty == "restrict":
        return f"standard restricted: no people in {names}"
    where = f" in the group {key}" if key else ""
    raise SchemaError(
        f"strata of the standard without people{where}: {names}; join neighbouring strata on both "
        f"sides, give the standard for the ages studied only (StandardPopulation.collapse), or "
        f"pass empty='restrict' to standardise over the others, with a flag"
    )
