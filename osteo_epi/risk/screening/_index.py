"""The score of a screening index on a frame, from the numbers of its norm file.

A norm of the kind `indices` states `[formula] factor`, for factor × (weight − age), or `[points]`:
points of intervals of age [years] and weight [kg], of answers, and of counts. A user's own index
may be made of the same parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.cohort import codebook
from osteo_epi.errors import NormError, SchemaError
from osteo_epi.norms import Index, Interval

KILOGRAM_IN_POUNDS = 1 / 0.45359237
EDGE = 1e-9
"""How near to a whole number of years, kilograms or tens of pounds a value stands on it."""
Black = str | Sequence[str] | None
"""The classes of race_ethnicity that an index counts as Black; an empty list for nobody."""
Term = Callable[["IndexColumns", Any], pl.Expr]


@dataclass(frozen=True)
class IndexColumns:
    """What an index reads of a frame.

    Attributes
    ----------
    schema
        Columns of the frame.
    black, fracture_cap
        As stated by the user, and by the norm.
    """

    schema: Mapping[str, Any]
    black: Black
    fracture_cap: float | None

    def number(self, name: str) -> pl.Expr:
        """A column of numbers, NaN as missing."""
        if not self.schema[name].is_numeric():
            raise SchemaError(
                f"column {name} is {self.schema[name]}; expected numbers [{_unit(name)}]: read the "
                "file or frame with osteo_epi.read first"
            )
        return pl.col(name).cast(pl.Float64).fill_nan(None)

    def answer(self, name: str) -> pl.Expr:
        """A column of yes and no."""
        if self.schema[name] != pl.Boolean:
            raise SchemaError(
                f"column {name} is {self.schema[name]}; expected true or false: read the file or "
                "frame with osteo_epi.read first"
            )
        return pl.col(name)

    def is_black(self) -> pl.Expr:
        """Whether race_ethnicity is one of the classes stated."""
        classes = [self.black] if isinstance(self.black, str) else list(self.black or ())
        if not classes:
            return pl.lit(False)
        return pl.col("race_ethnicity").cast(pl.String).is_in(classes)


def index_score(norm: Index, schema: Mapping[str, Any], *, black: Black) -> pl.Expr:
    """Score of an index; null where one of its parts is missing.

    Raises
    ------
    SchemaError
        If columns that it reads are absent or hold another kind of values.
    NormError
        If the norm states no formula that is known.
    """
    if "formula" in norm.data:
        _refuse_absent(norm, ("age", "weight"), schema)
        columns = IndexColumns(schema, black, None)
        factor = float(norm.data["formula"]["factor"])
        return factor * (columns.number("weight") - columns.number("age"))
    points: Mapping[str, Any] = norm.data.get("points", {})
    unknown = [name for name in points if name not in TERMS]
    if unknown or not points:
        raise NormError(
            f"{norm.id}: points of {', '.join(unknown) or 'nothing'} are not known; an index has "
            f"[formula] factor, or [points] of {', '.join(TERMS)}"
        )
    columns = IndexColumns(schema, black, norm.data.get("cap", {}).get("fractures"))
    needed = [READS[name] for name in points if name != "not_black" or black is None or black]
    _refuse_absent(norm, dict.fromkeys(needed), schema)
    if "not_black" in points and black is None:
        raise SchemaError(
            f"{norm.id} asks who is Black, and race_ethnicity holds the source's own words: say "
            'black="…" (one class or several), or black=[] where nobody is'
        )
    terms = [TERMS[name](columns, value) for name, value in points.items()]
    return pl.sum_horizontal(terms, ignore_nulls=False).cast(pl.Float64)


def truncated(score: pl.Expr) -> pl.Expr:
    """The whole number towards 0, as some implementations have it."""
    return (score + score.sign() * EDGE).truncate()


def _refuse_absent(norm: Index, names: Sequence[str] | Mapping[str, Any], schema: Any) -> None:
    absent = [name for name in names if name not in schema]
    if absent:
        book = codebook()
        lines = "; ".join(f"{name} ({book[name].meaning})" for name in absent)
        raise SchemaError(
            f"{norm.id} reads columns that are not there: {lines}; add them, or map your own to "
            "them when reading (map={…})"
        )


def _intervals(name: str) -> Term:
    def term(columns: IndexColumns, value: Mapping[str, float]) -> pl.Expr:
        measured = columns.number(name)
        parts = [
            pl.when(Interval.parse(text).expression(measured, tolerance=EDGE)).then(points)
            .otherwise(0) for text, points in value.items()
        ]  # fmt: skip
        return pl.when(measured.is_not_null()).then(pl.sum_horizontal(parts))

    return term


def _yes(name: str) -> Term:
    return lambda columns, points: columns.answer(name).cast(pl.Int64) * points


def _no(name: str) -> Term:
    return lambda columns, points: (~columns.answer(name)).cast(pl.Int64) * points


def _decade(columns: IndexColumns, points: float) -> pl.Expr:
    return ((columns.number("age") + EDGE) / 10).floor() * points


def _pounds(columns: IndexColumns, points: float) -> pl.Expr:
    return ((columns.number("weight") * KILOGRAM_IN_POUNDS + EDGE) / 10).floor() * points


def _fractures(columns: IndexColumns, points: float) -> pl.Expr:
    scored = columns.number("n_fractures_after_45") * points
    cap = columns.fracture_cap
    return scored if cap is None else pl.min_horizontal(scored, pl.lit(cap)) + scored * 0


def _not_black(columns: IndexColumns, points: float) -> pl.Expr:
    return (~columns.is_black()).cast(pl.Int64) * points


def _unit(name: str) -> str:
    return str(codebook()[name].unit or "1")


TERMS: dict[str, Term] = {
    "age": _intervals("age"),
    "weight": _intervals("weight"),
    "no_current_oestrogen": _no("oestrogen_current"),
    "never_oestrogen": _no("oestrogen_ever"),
    "rheumatoid_arthritis": _yes("rheumatoid_arthritis"),
    "not_black": _not_black,
    "each_fracture_after_45": _fractures,
    "per_first_digit_of_age": _decade,
    "per_ten_pounds": _pounds,
}
READS = {
    "age": "age",
    "weight": "weight",
    "no_current_oestrogen": "oestrogen_current",
    "never_oestrogen": "oestrogen_ever",
    "rheumatoid_arthritis": "rheumatoid_arthritis",
    "not_black": "race_ethnicity",
    "each_fracture_after_45": "n_fractures_after_45",
    "per_first_digit_of_age": "age",
    "per_ten_pounds": "weight",
}
