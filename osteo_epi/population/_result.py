"""The result of a prevalence: rows that carry all they rest on, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from osteo_epi.results import Result
from osteo_epi.rounding import count

ALL = "all"
KEYS = ("statistic", "age_band")
NUMBERS: dict[str, Any] = {
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "n": pl.Int64,
    "n_missing": pl.Int64,
    "n_effective": pl.Float64,
    "df": pl.Int64,
    "deff": pl.Float64,
    "people_affected": pl.Float64,
    "people_affected_lower": pl.Float64,
    "people_affected_upper": pl.Float64,
    "method": pl.String,
    "flag": pl.String,
}


@dataclass(frozen=True, repr=False)
class Prevalence(Result):
    """Prevalences with all that they rest on.

    Parameters
    ----------
    frame
        One row a class, group and statistic ("crude", "age_standardised", "age_band").
    definition
        The definition of the disease, in one line.
    standard
        The standard population, in one line; None where nothing was standardised.
    design
        The survey design, in one line.
    by
        The columns broken down by.
    meta
        Version, digests of definition, standard and data, ages, counts, and notes.
    """

    frame: pl.DataFrame
    definition: str
    standard: str | None
    design: str
    by: tuple[str, ...]
    meta: Mapping[str, Any]

    def to_frame(self) -> pl.DataFrame:
        """The rows: definition, class, the by columns, statistic, age_band, estimate, …, flag."""
        return self.frame

    def _summary(self) -> str:
        rows = "1 row" if self.frame.height == 1 else f"{count(self.frame.height)} rows"
        return f"{rows}, {self.definition}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know beyond the rows."""
        return tuple(self.meta.get("notes", ()))

    def _repr_html_(self) -> str:
        shown = ["class", *self.by, "statistic", "age_band", "prevalence [%]"]
        shown += ["people affected", "n", "n_missing", "method", "flag"]
        head = "".join(f"<th>{escape(name)}</th>" for name in shown)
        body = "".join(f"<tr>{_cells(row, self.by)}</tr>" for row in self.frame.to_dicts())
        return (
            f"<table><caption>{self._caption()}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _caption(self) -> str:
        parts = [f"Definition: {self.definition}", f"Design: {self.design}"]
        parts += [f"Standard population: {self.standard}"] if self.standard else []
        parts += [f"Label: {self.meta['label']}"] if self.meta.get("label") else []
        return "<br>".join(escape(part) for part in (*parts, *self.notes))


def _cells(row: dict[str, Any], by: tuple[str, ...]) -> str:
    texts = [row["class"], *(row[c] for c in by), row["statistic"], row["age_band"]]
    texts += [_range(row, "estimate", ("lower", "upper"), 100, ".1f")]
    limits = ("people_affected_lower", "people_affected_upper")
    texts += [_range(row, "people_affected", limits, 1, ",.0f")]
    texts += [f"{row['n']:,}", f"{row['n_missing']:,}", row["method"], row["flag"]]
    return "".join(f"<td>{escape(str(text or ''))}</td>" for text in texts)


def _range(
    row: dict[str, Any], name: str, limits: tuple[str, str], factor: float, form: str
) -> str:
    if row[name] is None:
        return "–"
    middle = f"{factor * row[name]:{form}}"
    ends = [row[limit] for limit in limits]
    if any(end is None for end in ends):
        return middle
    return f"{middle} ({factor * ends[0]:{form}} to {factor * ends[1]:{form}})"
