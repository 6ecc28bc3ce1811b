"""Tables turned for a figure, and what their parts are called by what is in a result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from osteo_epi.figures._words import joined, p_text
from osteo_epi.language import printed_unit, said, word
from osteo_epi.rounding import count, number

MOST_POWERS = 8
"""Sets of powers that are drawn, the best first."""
Table = Callable[[Any], pl.DataFrame]


def p_of(result: Any) -> str:
    """The p-value of a comparison, where it has one."""
    return "" if result.p is None else p_text(result.p)


def margin_and_p(result: Any) -> str:
    """What the dashed lines of equivalence are, and the p of both one-sided tests."""
    return joined(said("Dashed: the margin of equivalence"), p_text(result.p))


def is_equivalent(result: Any) -> str:
    """The verdict of a test of equivalence."""
    if result.equivalent:
        return said("The limits lie within the margin: equivalent.")
    return said("The limits do not lie within the margin: equivalence is not shown.")


def passes(result: Any) -> str:
    """How many groups of a check pass it."""
    verdicts = result.to_polars()["verdict"]
    return said("{n} of {all} pass.", n=count((verdicts == "pass").sum()), all=count(len(verdicts)))


def coefficient(result: Any) -> str:
    """What the coefficients of a regression are on the scale that they were fitted on."""
    words = {
        "binomial": said("Coefficient [log odds]"),
        "poisson": said("Coefficient [logarithm of a ratio]"),
    }
    return words.get(result.family, said("Coefficient"))


def less(result: Any) -> str:
    """Which less which; a comparison that is one share knows no names."""
    if isinstance(result.first, str):
        return said("Difference: {first} less {second}", first=word(result.first),
                    second=word(result.second))  # fmt: skip
    return said("Difference: first less second")


def first(result: Any) -> str:
    """What was compared with the other."""
    return word(result.first) if isinstance(result.first, str) else said("first")


def second(result: Any) -> str:
    """What it was compared with."""
    return word(result.second) if isinstance(result.second, str) else said("second")


def pair(one: str, other: str) -> Table:
    """A table of two rows, of what a comparison keeps in two columns."""

    def table(result: Any) -> pl.DataFrame:
        row = result.to_polars().row(0, named=True)
        return _without_limits([result.first, result.second], [row[one], row[other]])

    return table


def in_rows(names: dict[str, str]) -> Table:
    """A table of one row turned: a row for each of some columns, called by their codes."""

    def table(result: Any) -> pl.DataFrame:
        row = result.to_polars().row(0, named=True)
        return _without_limits(list(names), [row[name] for name in names.values()])

    return table


def _without_limits(names: list[str], values: list[float]) -> pl.DataFrame:
    none = pl.lit(None, pl.Float64)
    return pl.DataFrame({"of": names, "estimate": values}).with_columns(lower=none, upper=none)


def by_ages(result: Any) -> pl.DataFrame:
    """Ages from and to as one name of a row."""
    ages = [f"{number(a, digits=3)}–{number(b, digits=3)}"
            for a, b in result.to_polars().select("from_age", "to_age").iter_rows()]  # fmt: skip
    return result.to_polars().with_columns(ages=pl.Series(ages))  # type: ignore[no-any-return]


def per(result: Any) -> str:
    """How many person-years a rate is of."""
    per = result.to_polars()["per"][0]
    return said("Rate per {n} person-years", n=count(per)) if per != 1 else said("Rate")


def share_or_rate(result: Any) -> str:
    """Standardised are rates, or shares of people."""
    return per(result) if "per" in result.to_polars().columns else said("Share of people")


def of_events(events: str, of: str, words: Callable[[str, str], str]) -> Table:
    """A table whose rows have no names but the counts that they are of."""

    def table(result: Any) -> pl.DataFrame:
        frame = result.to_polars()
        names = [words(number(a), number(b)) for a, b in frame.select(events, of).iter_rows()]
        return frame.with_columns(of=pl.Series(names))

    return table


def of_people(a: str, b: str) -> str:
    """Of a share."""
    return said("{events} of {n}", events=a, n=b)


def in_years(a: str, b: str) -> str:
    """Of a rate."""
    return said("{events} in {n} person-years", events=a, n=b)


def against_expected(a: str, b: str) -> str:
    """Of a ratio of observed to expected."""
    return said("{events} observed, {n} expected", events=a, n=b)


def without_intercept(result: Any) -> pl.DataFrame:
    """An intercept is far from the others, and no effect of anything."""
    frame: pl.DataFrame = result.to_polars()
    others = frame.filter(pl.col("term") != "(Intercept)")
    return others if others.height else frame


def likely_powers(result: Any) -> pl.DataFrame:
    """The sets of powers with the least deviance."""
    return result.to_polars().sort("above", maintain_order=True).head(MOST_POWERS)  # type: ignore[no-any-return]


def unit(result: Any) -> str:
    """The unit of what is corrected, as print has it."""
    correction = getattr(result, "correction", result)
    return printed_unit(correction.unit)


def measure(result: Any) -> str:
    """What two risks are compared by."""
    return said("Area under the curve") if result.measure == "auc" else said("Brier score")
