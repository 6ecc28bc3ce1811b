"""The result of a prevalence: rows that carry all they rest on, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.frames import people_heading
from osteo_epi.language import (
    MARKS,
    design_words,
    flags_of,
    language,
    method_words,
    phrase,
    said,
    word,
)
from osteo_epi.norms import definition_words, reference_words
from osteo_epi.results import Result
from osteo_epi.rounding import (
    are_many,
    count,
    people_interval,
    percent,
    percent_interval,
)

ALL = "all"
OF_WEIGHTS = "the population that the weights describe"
KEYS = ("statistic", "age_band")
NUMBERS: dict[str, Any] = {
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "n": pl.Int64,
    "n_missing": pl.Int64,
    "n_fracture": pl.Int64,
    "n_fracture_missing": pl.Int64,
    "n_density": pl.Int64,
    "n_density_missing": pl.Int64,
    "lowest_possible": pl.Float64,
    "highest_possible": pl.Float64,
    "n_effective": pl.Float64,
    "df": pl.Int64,
    "deff": pl.Float64,
    "people_affected": pl.Float64,
    "people_affected_se": pl.Float64,
    "people_affected_lower": pl.Float64,
    "people_affected_upper": pl.Float64,
    "people_affected_of": pl.String,
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

    def to_polars(self) -> pl.DataFrame:
        """The rows: definition, class, the by columns, statistic, age_band, estimate, …."""
        return self.frame

    def _summary(self) -> str:
        rows = "1 row" if self.frame.height == 1 else f"{count(self.frame.height)} rows"
        by = f", by {', '.join(self.by)}" if self.by else ""
        return f"{self.definition.partition(';')[0]}, {rows}{by}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know beyond the rows."""
        return tuple(self.meta.get("notes", ()))

    def _repr_html_(self) -> str:
        rows = self.frame.to_dicts()
        shown = pl.DataFrame(self._texts(marked(row)) for row in rows)
        told = (*meaning_of_marks(rows), *self._methods(), *self.notes)
        return self._shown(shown, caption=self._caption(), notes=told)

    def _texts(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            **{_heading(c): word(row[c]) for c in ("class", *self.by, "statistic")},
            said("age"): row["age_band"],
            said("prevalence [%]"): written(row),
            **self._affected(row),
            said("n"): count(row["n"]),
            said("n_missing"): count(row["n_missing"]),
            **(self._bounds(row) if self.frame["lowest_possible"].count() else {}),
            said("flag"): said("; ").join(map(phrase, flags_of(row["flag"]))),
        }

    def _affected(self, row: dict[str, Any]) -> dict[str, str]:
        """People affected, of a small population in full and of others in the language's unit."""
        heading = people_heading(self.frame)
        if not heading:
            return {}
        ends = [row[f"people_affected{end}"] for end in ("", "_lower", "_upper")]
        return {heading: people_interval(*ends, many=are_many(self.frame["people_affected"]))}

    @staticmethod
    def _bounds(row: dict[str, Any]) -> dict[str, str]:
        """The prevalence if none, and if all, of those missing had the class."""
        ends = (row["lowest_possible"], row["highest_possible"])
        known = ends[0] is not None
        low, high = (percent(end, decimals=1) for end in ends)
        text = said("{low} to {high}", low=low, high=high) if known else ""
        return {said("if none or all missing had it [%]"): text}

    def _methods(self) -> list[str]:
        """Each method once, with the rows that it made where there are several."""
        used = self.frame.group_by("method", maintain_order=True).agg(pl.col("statistic").unique())
        made = {method: sorted(map(word, rows)) for method, rows in used.iter_rows() if method}
        told = []
        for method, rows in made.items():
            of = said("Method")
            if len(made) > 1:
                of = said("{group}, {statistics}", group=of, statistics=said(", ").join(rows))
            told.append(f"{of}{said(': ')}{method_words(method)}")
        return told

    def _caption(self) -> str:
        is_english = language() == "en"
        definition = self.definition if is_english else definition_words(self.definition)
        design = self.design if is_english else design_words(self.design)
        standard, label = self.standard or "", self.meta.get("label") or ""
        if not is_english:
            standard = reference_words(standard.partition(":")[0])
            label = said("SIMULATED people") if "simul" in label.lower() else label
        parts = {said("Definition"): definition, said("Design"): design}
        parts |= {said("Standard population"): standard, said("Label"): label}
        return "\n".join(f"{name}{said(': ')}{text}" for name, text in parts.items() if text)


def _heading(column: str) -> str:
    """What a column is called: in English as in the frame, elsewhere in words."""
    names = {"class": said("class"), "statistic": said("statistic")}
    return names.get(column) or (column if language() == "en" else word(column))


def marked(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the mark of its verdict, and without what that withholds."""
    verdict = str(row.get("verdict") or "")
    mark = MARKS.get(verdict, "")
    if verdict != "suppress" or row["estimate"] is None:
        return row | {"mark": mark if row["estimate"] is not None else ""}
    withheld = [name for name in row if name.startswith(("people_affected", "lowest", "highest"))]
    gone = dict.fromkeys((*withheld, "estimate", "lower", "upper"))
    return row | gone | {"mark": mark}


def written(row: dict[str, Any], *, decimals: int | None = None) -> str:
    """The percentage with its interval and mark; the mark alone where it is withheld."""
    text = percent_interval(row["estimate"], row["lower"], row["upper"], decimals=decimals)
    return text + row["mark"] if row["estimate"] is not None else row["mark"] or text


def meaning_of_marks(rows: list[dict[str, Any]]) -> list[str]:
    """What the marks mean that occur."""
    meaning = {
        "suppress": said("too uncertain to be shown; the number is in to_frame()"),
        "review": said("to be looked at by a statistician before it is published"),
        "show_with_note": said("the complement of this percentage is not precise"),
    }
    estimated = [row for row in rows if row["estimate"] is not None]
    occur = {str(row.get("verdict")): row.get("verdict_rule") for row in estimated}
    return [f"{MARKS[v]} {text} ({occur[v]})" for v, text in meaning.items() if v in occur]
