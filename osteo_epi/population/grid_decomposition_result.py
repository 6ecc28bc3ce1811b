"""The result of a decomposition, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.population.grid_result import NO_BREAK, span

COLUMNS: dict[str, Any] = {
    "statistic": pl.String,
    "age_band": pl.String,
    "kind": pl.String,
    "part": pl.String,
    "from": pl.String,
    "to": pl.String,
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "lowest_order": pl.Float64,
    "highest_order": pl.Float64,
    "n": pl.Int64,
    "df": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True)
class Decomposition:
    """A difference of two prevalences as a sum of parts.

    Parameters
    ----------
    frame
        By group and statistic one row a part: `kind` is "choice" for each choice, "definition"
        for their sum (everybody classifiable under all hybrids), "people" for what comes from
        who is classifiable under either, "total" for the difference as two papers print it.
        `lowest_order` and `highest_order` are the extremes over orders: far apart, the choices
        interact.
    first, second
        The definitions; estimates are second less first [proportion].
    bone_class, design
        What was counted, and the survey design in one line.
    by
        Columns broken down by.
    notes
        What a reader has to know.
    label
        What has to be known of the data, such as that they are simulated.
    """

    frame: pl.DataFrame
    first: Definition
    second: Definition
    bone_class: str
    design: str
    by: tuple[str, ...]
    notes: tuple[str, ...]
    label: str

    def to_frame(self) -> pl.DataFrame:
        """One row a part, see `frame`."""
        return self.frame

    def _repr_html_(self) -> str:
        kinds = self.frame["statistic"].unique().to_list()
        statistic = "age_standardised" if "age_standardised" in kinds else "crude"
        rows = self.frame.filter(pl.col("statistic") == statistic)
        shown = [*self.by, "part", "from", "to"]
        head = "".join(f"<th>{escape(name)}</th>" for name in shown)
        body = "".join(f"<tr>{_cells(row, shown)}</tr>" for row in rows.to_dicts())
        told = [
            f"Difference in the prevalence of {self.bone_class}, {statistic}: what each choice "
            "contributes, mean over all orders (Shapley)",
            f"First: {self.first.label}",
            f"Second: {self.second.label}",
            f"Design: {self.design}",
            *([f"Label: {self.label}"] if self.label else []),
            *self.notes,
        ]
        caption = "<br>".join(escape(line) for line in told)
        last = "<th>points</th><th>lowest to highest over orders</th><th>n</th>"
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}{last}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )


def _cells(row: dict[str, Any], shown: list[str]) -> str:
    low, high = row["lowest_order"], row["highest_order"]
    ends = [] if low is None else [f"{100 * low:+.1f}", "to", f"{100 * high:+.1f}"]
    orders = NO_BREAK.join(ends)
    texts = [*(row[name] for name in shown), span(row, sign="+"), orders, f"{row['n']:,}"]
    return "".join(f"<td>{escape(str(text or ''))}</td>" for text in texts)
