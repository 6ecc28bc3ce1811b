"""The groups of a table of estimates: which columns they are, what they are called, their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.language import OF, SEPARATOR, WORDS, level, phrase, said
from osteo_epi.rounding import are_many


def people_heading(rows: pl.DataFrame, *, population: Callable[[str], str] = phrase) -> str | None:
    """The heading of people affected, which says whose they are; None where no row has any.

    Parameters
    ----------
    rows
        Of a prevalence.
    population
        Says the population of the people affected in the language spoken.

    Examples
    --------
    >>> rows = {"people_affected": [4.9e7], "people_affected_of": ["the population of China"]}
    >>> people_heading(pl.DataFrame(rows))
    'People affected [million] in the population of China'
    >>> people_heading(pl.DataFrame({"people_affected": [4_900.0]}))
    'People affected'
    """
    if "people_affected" not in rows.columns or not rows["people_affected"].count():
        return None
    of = next(iter(rows[OF].drop_nulls()), None) if OF in rows.columns else None
    many = are_many(rows["people_affected"])
    if not of:
        return said("People affected [million]") if many else said("People affected")
    words = said("People affected [million] in {of}", of=population(of))
    return words if many else said("People affected in {of}", of=population(of))


def grouping(frame: pl.DataFrame) -> list[str]:
    """Name the columns by which a prevalence is broken down: those between class and statistic.

    Examples
    --------
    >>> grouping(pl.DataFrame(schema=["definition", "class", "sex", "centre", "statistic"]))
    ['sex', 'centre']
    """
    columns = frame.columns
    return columns[columns.index("class") + 1 : columns.index("statistic")]


def level_text(level: pl.Expr, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """A level as the rows of an estimate call it: whole numbers without a decimal point.

    Parameters
    ----------
    level
        Of a column by which an estimate is broken down.
    kind
        The type of that column.

    Examples
    --------
    >>> levels = pl.DataFrame({"clinic": [55.0, 2.5, float("nan"), None]})
    >>> levels.select(level_text(pl.col("clinic"), pl.Float64)).to_series().to_list()
    ['55', '2.5', None, None]
    """
    if not kind.is_float():
        return level.cast(pl.String)
    whole = level.cast(pl.Int64, strict=False)
    text = pl.when(level == whole).then(whole.cast(pl.String)).otherwise(level.cast(pl.String))
    return pl.when(level.is_not_nan()).then(text)


def group_label(frame: pl.DataFrame, *, words: bool = False) -> pl.Expr:
    """Name the group of each row, in codes or in words; everybody is "all".

    In words a column over all of whose levels a row goes is not named beside others: "Women", not
    "Women · All".

    Examples
    --------
    >>> rows = pl.DataFrame({"class": "osteoporosis", "sex": ["female", "all"],
    ...                      "centre": "all", "statistic": "crude"})
    >>> rows.select(group_label(rows, words=True)).to_series().to_list()
    ['Women', 'All']
    """
    columns = grouping(frame)
    parts = [pl.col(name).cast(pl.String).fill_null(said("not stated")) for name in columns]
    if not parts:
        return worded(pl.lit("all"))
    if not words:
        return pl.concat_str(parts, separator=SEPARATOR)
    named = [
        pl.when(part != "all").then(_levels_in_words(part, frame, name))
        for name, part in zip(columns, parts, strict=True)
    ]
    joined = pl.concat_str(named, separator=SEPARATOR, ignore_nulls=True)
    return pl.when(joined != "").then(joined).otherwise(worded(pl.lit("all")))


def _levels_in_words(part: pl.Expr, frame: pl.DataFrame, column: str) -> pl.Expr:
    held = frame[column].cast(pl.String).drop_nulls().unique()
    return part.replace({text: level(column, text) for text in held})


def worded(codes: pl.Expr) -> pl.Expr:
    """Say codes in words, as `word` does, in the language spoken now."""
    return codes.cast(pl.String).replace({code: said(words) for code, words in WORDS.items()})


def all_differ(values: pl.Series) -> bool:
    """Whether no value but null stands twice.

    Hashes are looked at first: of different values two are hardly ever alike, and numbers are told
    apart in a tenth of the time that texts are.

    Examples
    --------
    >>> all_differ(pl.Series(["a", "b", None, None])), all_differ(pl.Series(["a", "a"]))
    (True, False)
    """
    known = values.drop_nulls()
    return known.hash().n_unique() == len(known) or known.n_unique() == len(known)


def codes_of(column: pl.Series, levels: Sequence[str]) -> NDArray[np.int64]:
    """(n,) place of each one's level among `levels`, −1 where it has none of them.

    Examples
    --------
    >>> codes_of(pl.Series(["male", None, "female"]), ["female", "male"]).tolist()
    [1, -1, 0]
    """
    if not levels:
        return np.full(len(column), -1)
    if isinstance(column.dtype, pl.Enum):
        names = column.dtype.categories.to_list()
        places = [levels.index(name) if name in levels else -1 for name in names]
        physical = column.to_physical().cast(pl.Int64).fill_null(len(names))
        return np.array([*places, -1])[physical.to_numpy()]
    codes = column.cast(pl.String).cast(pl.Enum(list(levels)), strict=False).to_physical()
    return codes.cast(pl.Int64).fill_null(-1).to_numpy().copy()


def in_natural_order(levels: Iterable[str]) -> list[str]:
    """Levels of a column as a reader counts: numbers by their size, also those inside a text.

    Examples
    --------
    >>> in_natural_order(["10", "2", "1", "-1"]), in_natural_order(["site 10", "site 2", "north"])
    (['-1', '1', '2', '10'], ['north', 'site 2', 'site 10'])
    """
    return sorted(levels, key=_natural)


def _natural(text: str) -> tuple[Any, ...]:
    """Numbers before texts; of two that say the same the text decides, so that the order is one."""
    if re.fullmatch(r"[+-]?\d+(\.\d+)?", text, re.ASCII):
        return 0, float(text), text
    # Every second part is a number: equal places hold the same kind.
    parts = re.split(r"(\d+)", text, flags=re.ASCII)
    return 1, [int(part) if place % 2 else part for place, part in enumerate(parts)], text


ORDERS = {
    "sex": ("female", "male", "all"),
    **dict.fromkeys(
        ("class", "bone_class"),
        (
            "osteoporosis",
            "low_bone_mass",
            "normal",
            "below_expected_range",
            "within_expected_range",
            "not_classifiable",
        ),
    ),
}
"""How the words of a column follow each other; age bands follow by their first year."""
AGE_BAND = "age_band"


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Make classes, sexes and age bands ordered categories; a column of other words stays text.

    Examples
    --------
    >>> rows = pl.DataFrame({"sex": ["male", "female"], "age_band": ["80+", "50-59"]})
    >>> in_order(rows).sort("sex").rows(), in_order(rows)["age_band"].dtype
    ([('female', '50-59'), ('male', '80+')], Enum(categories=['50-59', '80+']))
    """
    kinds = {name: _order_of(frame[name]) for name in (*ORDERS, AGE_BAND) if name in frame.columns}
    return frame.with_columns(pl.col(n).cast(pl.Enum(o)) for n, o in kinds.items() if o)


def _order_of(column: pl.Series) -> tuple[str, ...]:
    """The categories of a column of text, none where it holds other words."""
    if column.dtype != pl.String:
        return ()
    present = column.drop_nulls().unique(maintain_order=True).to_list()
    if column.name != AGE_BAND:
        order = ORDERS[column.name]
        return order if set(present) <= set(order) else ()
    years = [tuple(int(year) for year in re.findall(r"\d+", band)) for band in present]
    if not all(years):
        return ()
    # Of bands that begin alike the wider one, which has no last year or a later one, comes first.
    keys = [(first, -(rest[0] if rest else 999)) for first, *rest in years]
    return tuple(band for _, band in sorted(zip(keys, present, strict=True)))
