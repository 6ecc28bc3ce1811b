"""The result of a definition grid, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import polars as pl

from osteo_epi.diagnosis import Definition

COMMON, OWN = "common", "own"
NO_BREAK = "\N{NO-BREAK SPACE}"
DIFFERENCES: dict[str, Any] = {
    "base": pl.String,
    "set": pl.String,
    "statistic": pl.String,
    "age_band": pl.String,
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "n": pl.Int64,
    "df": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True)
class DefinitionGrid:
    """Prevalences of one population under several definitions.

    Parameters
    ----------
    prevalence
        Rows of `prevalence`, with the definition's short name and the set: `common` (people whom
        all definitions classify) or `own` (whom that one classifies).
    differences
        Each prevalence less the base's [proportion], with design-based standard error and limits.
        `n` counts the people that either of the two rests on.
    reclassification
        On the common set, by definition and group: people moved into and out of the class, as
        counts, unweighted shares and shares of the population, and kappa of having the class.
    transitions
        On the common set: every pair of classes under the base and under the definition.
    definitions
        By short name.
    base
        Short name of the base.
    bone_class
        The class that is counted.
    design, standard
        In one line.
    by
        Columns broken down by.
    meta
        Version, digests, label of the data, counts, notes.
    """

    prevalence: pl.DataFrame
    differences: pl.DataFrame
    reclassification: pl.DataFrame
    transitions: pl.DataFrame
    definitions: Mapping[str, Definition] = field(repr=False)
    base: str
    bone_class: str
    design: str
    standard: str | None
    by: tuple[str, ...]
    meta: Mapping[str, Any]

    def to_frame(self) -> pl.DataFrame:
        """Each prevalence with its difference from the base.

        Columns as those of a prevalence with `set` after the definition, then base, difference,
        difference_se, difference_lower, difference_upper, difference_method.
        """
        keys = ["definition", "set", *self.by, "statistic", "age_band"]
        columns = {"estimate": "", "se": "_se", "lower": "_lower", "upper": "_upper"}
        beside = self.differences.select(
            *keys,
            "base",
            *(pl.col(name).alias(f"difference{end}") for name, end in columns.items()),
            pl.col("method").alias("difference_method"),
        )
        return self.prevalence.join(
            beside, on=keys, how="left", maintain_order="left", validate="1:1"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know beyond the rows."""
        return tuple(self.meta.get("notes", ()))

    def labels(self) -> pl.DataFrame:
        """The definitions in full: short name, label, digest."""
        rows = [(name, d.label, d.sha256) for name, d in self.definitions.items()]
        return pl.DataFrame(rows, schema=["definition", "label", "sha256"], orient="row")

    def _repr_html_(self) -> str:
        statistic = "crude" if self.standard is None else "age_standardised"
        rows = self.to_frame().filter(pl.col("statistic") == statistic)
        keys = ["definition", *self.by]
        own = rows.filter(pl.col("set") == OWN)
        both = rows.filter(pl.col("set") == COMMON).join(own, on=keys, suffix="_own")
        head = ["common people [%]", "difference [points]", "n"]
        head += ["own people [%]", "difference [points]", "n", "n_missing"]
        head += ["flag"] if (both["flag_own"] != "").any() else []
        width = len(keys) + len(head)
        body = "".join(_line(self._texts(row)[:width]) for row in both.to_dicts())
        return _table(self._caption(statistic), [*keys, *head], body) + self._moved()

    def _texts(self, row: dict[str, Any]) -> list[Any]:
        texts = [row["definition"], *(row[column] for column in self.by)]
        for end in ("", "_own"):
            texts += [span(row, end=end)]
            is_base = row["definition"] == self.base
            texts += ["base" if is_base else span(row, "difference", "difference_", end, sign="+")]
            texts += [row[f"n{end}"]]
        return [*texts, row["n_missing_own"], row["flag_own"]]

    def _moved(self) -> str:
        shown = ["definition", *self.by, "n", "into: n", "into [%]", "out of: n", "out of [%]"]
        body = "".join(_line(_moves(row, self.by)) for row in self.reclassification.to_dicts())
        title = f"Moved into and out of {self.bone_class} against {self.base}, common set"
        return _table(escape(title), [*shown, "kappa (SE)"], body) if body else ""

    def _caption(self, statistic: str) -> str:
        parts = [f"Prevalence of {self.bone_class} by definition, {statistic}"]
        parts += [f"Design: {self.design}"]
        parts += [f"Standard population: {self.standard}"] if self.standard else []
        parts += [f"Label: {self.meta['label']}"] if self.meta.get("label") else []
        parts += [
            "common people: whom all definitions classify; own people: whom that one classifies",
            f"Differences are from {self.base}",
        ]
        return "<br>".join(escape(part) for part in (*parts, *self.notes))


def table(
    rows: Iterable[dict[str, Any]], by: tuple[str, ...], columns: dict[str, Any]
) -> pl.DataFrame:
    """Rows as a frame whose columns do not depend on what the rows hold."""
    first = dict.fromkeys(("definition", *by), pl.String)
    keys = {c: kind for c, kind in columns.items() if c in ("base", "set")}
    frame = pl.DataFrame(list(rows), schema={"definition": pl.String, **keys, **first, **columns})
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def span(
    row: Mapping[str, Any],
    stem: str = "estimate",
    ends: str = "",
    end: str = "",
    *,
    sign: str = "",
    decimals: int = 1,
) -> str:
    """A share with its limits, in percent, the limits on one line; a dash where there is none.

    Examples
    --------
    >>> span({"estimate": 0.125, "lower": 0.1, "upper": 0.15}).replace(NO_BREAK, " ")
    '12.5 (10.0 to 15.0)'
    """
    form = f"{sign}.{decimals}f"
    value, low, high = row[stem + end], row[f"{ends}lower{end}"], row[f"{ends}upper{end}"]
    if value is None:
        return "–"
    middle = f"{100 * value:{form}}"
    if low is None or high is None:
        return middle
    limits = NO_BREAK.join([f"({100 * low:{form}}", "to", f"{100 * high:{form}})"])
    return f"{middle} {limits}"


def _moves(row: dict[str, Any], by: tuple[str, ...]) -> list[Any]:
    kappa = "–" if row["kappa"] is None else f"{row['kappa']:.3f}{NO_BREAK}({row['kappa_se']:.3f})"
    into, out_of = span(row, "into", "into_"), span(row, "out_of", "out_of_")
    keys = [row["definition"], *(row[c] for c in by)]
    return [*keys, row["n"], row["n_into"], into, row["n_out_of"], out_of, kappa]


def _line(texts: Iterable[Any]) -> str:
    cells = (f"{t:,}" if isinstance(t, int) else escape(str(t or "")) for t in texts)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(caption: str, head: Iterable[str], body: str) -> str:
    titles = "".join(f"<th>{escape(name)}</th>" for name in head)
    return (
        f'<div style="overflow-x:auto"><table><caption>{caption}</caption><thead>'
        f"<tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )
