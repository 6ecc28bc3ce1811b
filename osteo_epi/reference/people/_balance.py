"""How a reference sample is made up: age by sex by device, centre and year, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import ages_between, number
from osteo_epi.calibration import Correction
from osteo_epi.cohort import refuse_foreign
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.norms import SEXES
from osteo_epi.reference._devices import device_findings, measured
from osteo_epi.reference.people._heaping import ROUGH, Heaping, whipple
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted

BY = ("age", "sex", "device", "centre", "year")
ALL, UNSTATED = "all", "not stated"
LEAST = 30
"""People below which a band of age and sex is thin: as many as `peaks` needs. Ours."""
BAND = 10
SURE = 0.01
NAMED = 6
_SCHEMA = {"factor": pl.String, "level": pl.String, "sex": pl.String, "ages": pl.String}
_YEAR = ("exam_year", "scan_date")


@dataclass(frozen=True, repr=False)
class Balance(Result):
    """Counts of reference people, and what they lack.

    Attributes
    ----------
    rows
        Age by sex, of all and within each device, centre and year, see `to_frame`.
    cells
        All factors crossed, as far as anybody is there.
    heaping
        Whipple's index of the ages.
    findings
        What the sample lacks, in words.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame
    heaping: Heaping
    findings: Findings = field(default_factory=Findings)

    def to_polars(self) -> pl.DataFrame:
        """Counts of age by sex.

        Returns
        -------
        DataFrame
            factor ("all", "device", …), level, sex, ages (completed years), n, share (of the level,
            0 to 1) and thin (fewer people than `least`). Bands without anybody are there, with 0.
        """
        return self.rows

    def _summary(self) -> str:
        whole = self.rows.filter(pl.col("factor") == ALL)
        return (
            f"{count(int(whole['n'].sum()))} people, {int(whole['thin'].sum())} of "
            f"{counted(whole.height, 'band')} thin, {counted(len(self.findings), 'finding')}"
        )


@in_callers_kind
def balance(
    people: Any,
    by: Sequence[str] = BY,
    *,
    band: int = BAND,
    least: int = LEAST,
    ages: tuple[float, float] | None = None,
    heaping: float = ROUGH,
    calibration: Correction | None = None,
) -> Balance:
    """Count reference people by age, sex, device, centre and year; say what is missing.

    Parameters
    ----------
    people
        Any frame with `age` [years] and `sex`; where it holds densities, people without any do not
        count.
    by
        Factors, age and sex first: "device" (or device_maker), "centre", "year" (exam_year, or
        that of scan_date), or other columns.
    band
        [years] Width of the bands of age.
    least
        People below which a band of age and sex is called thin. Ours, not published.
    ages
        [years] First and last completed year that the reference is for; by default those that
        there are. Who is outside is counted and said.
    heaping
        Whipple's index from which ages are called heaped, where chance gives so many in fewer than
        1 of 100 samples. 125 is where the United Nations call ages rough.
    calibration
        The correction of densities of several scanners.

    Returns
    -------
    Balance
        Its findings are those of `check_reference_people`.

    Raises
    ------
    SchemaError
        If `age`, `sex` or another column of `by` is absent, or nobody counts.
    DefinitionError
        If `band` or `least` is below 1.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> sample = balance(simulate(2_000, seed=1))
    >>> sample
    Balance(1,998 people, 4 of 16 bands thin, 3 findings)
    >>> sample.findings.codes
    ('thin_band', 'uneven_year', 'one_device')
    """
    number(band, "band", least=1, whole=True, unit="years")
    number(least, "least", least=1, whole=True, unit="people")
    number(heaping, "heaping", above=0)
    if ages is not None:
        ages_between(ages, "ages", whole=False)
    refuse_foreign(people, ["age", "sex"])
    frame = as_polars(people)[0].lazy().collect()
    table, unstated = _table(frame, by)
    known = table.filter(pl.col("age").is_finite(), pl.col("sex").is_in(SEXES))
    if known.is_empty():
        raise SchemaError(
            "nobody has an age, a sex (female or male) and a density: check columns age and sex"
        )
    span = _span(known, ages)
    inside = known.filter(pl.col("age").is_between(span[0], span[1] + 1, closed="left"))
    factors = [name for name in table.columns if name not in ("age", "sex")]
    rows = _rows(inside, factors, span, band, least)
    heaped = whipple(known["age"].to_numpy())
    noted = (
        *_age_and_sex(frame, table, span, ages),
        *_thin(rows, least),
        *_heaped(heaped, heaping),
        *_uneven(rows, factors),
        *device_findings(frame, calibration),
        *(_not_stated(name, len(table)) for name in unstated if name != "device"),
    )
    return Balance(rows, _cells(inside, factors, span, band), heaped, Findings(noted))


@in_callers_kind
def check_reference_people(
    people: Any,
    *,
    least: int = LEAST,
    ages: tuple[float, float] | None = None,
    calibration: Correction | None = None,
) -> Findings:
    """Say what of these people would make a reference wrong, or narrow.

    Parameters
    ----------
    people, least, ages, calibration
        As `balance`.

    Returns
    -------
    Findings
        error: mixed_devices (scanners pooled without a calibration), partly_calibrated,
        several_scales. warning: one_sex, thin_band,
        empty_band, ages_heaped, age_outside, age_or_sex_missing, device_not_stated,
        uneven_<factor>, calibration_error_not_carried. note: one_device.

    Raises
    ------
    SchemaError
        As `balance`.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> check_reference_people(simulate(900, seed=1, devices="seven_centres")).errors.codes
    ('mixed_devices',)
    """
    by = [name for name in BY if name != "year"]
    findings = balance(people, by, least=least, ages=ages, calibration=calibration).findings
    return Findings(tuple(f for f in findings if f.code != "factor_not_stated"))


def _table(frame: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, list[str]]:
    """Age, sex and the factors of people with densities; the usual factors that are not stated."""
    if isinstance(by, str) or not {"age", "sex"} <= set(by):
        raise DefinitionError(f'by={by!r}; expected a list with "age" and "sex"')
    absent = [name for name in ("age", "sex") if name not in frame.columns]
    absent += [name for name in by if name not in BY and name not in frame.columns]
    if absent:
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data; there are "
            f"{', '.join(frame.columns)}"
        )
    factors = {name: _factor(frame, name) for name in by if name not in ("age", "sex")}
    stated = [
        value.cast(pl.String).fill_null(UNSTATED).alias(name)
        for name, value in factors.items()
        if value is not None
    ]
    head = (pl.col("age").cast(pl.Float64), pl.col("sex").cast(pl.String))
    table = frame.filter(measured(frame)).select(*head, *stated)
    return table, [name for name, value in factors.items() if value is None]


def _factor(frame: pl.DataFrame, name: str) -> pl.Expr | None:
    """The column of a factor where it holds values."""
    offered = {"year": _YEAR, "device": ("device", "device_maker")}.get(name, (name,))
    held = [column for column in offered if column in frame.columns and frame[column].count()]
    if not held:
        return None
    column = pl.col(held[0])
    if held[0] == "scan_date" and frame.schema["scan_date"].is_temporal():
        return column.dt.year()
    return (
        column.cast(pl.Int64) if name == "year" and frame.schema[held[0]].is_numeric() else column
    )


def _span(known: pl.DataFrame, ages: tuple[float, float] | None) -> tuple[int, int]:
    if ages is not None:
        return int(np.floor(ages[0])), int(np.floor(ages[1]))
    years = np.floor(known["age"].to_numpy())
    return int(years.min()), int(years.max())


def _bands(span: tuple[int, int], band: int) -> list[tuple[int, int]]:
    """Bands that begin at multiples of their width."""
    starts = range(span[0] // band * band, span[1] + 1, band)
    return [(start, start + band - 1) for start in starts]


def _banded(table: pl.DataFrame, span: tuple[int, int], band: int) -> pl.DataFrame:
    of_start = {first // band: f"{first}–{last}" for first, last in _bands(span, band)}
    start = (pl.col("age").floor() / band).floor().cast(pl.Int64)
    return table.with_columns(start.replace_strict(of_start, return_dtype=pl.String).alias("ages"))


def _rows(
    table: pl.DataFrame, factors: Sequence[str], span: tuple[int, int], band: int, least: int
) -> pl.DataFrame:
    """Each level of each factor by sex and age, empty bands included."""
    banded = _banded(table, span, band)
    labels = [f"{first}–{last}" for first, last in _bands(span, band)]
    sexes = [sex for sex in SEXES if (banded["sex"] == sex).any()]
    rows = []
    for factor in (ALL, *factors):
        levels = [ALL] if factor == ALL else sorted(banded[factor].unique().to_list())
        for level in levels:
            own = banded if factor == ALL else banded.filter(pl.col(factor) == level)
            n = dict(own.group_by(pl.concat_str("sex", "ages", separator="|")).len().iter_rows())
            rows += [
                (factor, level, sex, label, n.get(f"{sex}|{label}", 0), own.height)
                for sex in sexes
                for label in labels
            ]
    schema = _SCHEMA | {"n": pl.Int64, "whole": pl.Int64}
    counts = pl.DataFrame(rows, schema=schema, orient="row")
    share = (pl.col("n") / pl.col("whole")).alias("share")
    return counts.with_columns(share, (pl.col("n") < least).alias("thin")).drop("whole")


def _cells(
    table: pl.DataFrame, factors: Sequence[str], span: tuple[int, int], band: int
) -> pl.DataFrame:
    keys = ["sex", "ages", *factors]
    return _banded(table, span, band).group_by(keys).agg(pl.len().alias("n")).sort(keys)


def _age_and_sex(
    frame: pl.DataFrame,
    table: pl.DataFrame,
    span: tuple[int, int],
    ages: tuple[float, float] | None,
) -> Iterator[Finding]:
    age, sex = pl.col("age").cast(pl.Float64), pl.col("sex").cast(pl.String)
    unknown = age.is_null() | age.is_nan() | ~sex.is_in(SEXES).fill_null(False)
    n = int(table.select(unknown.sum()).item())
    if n:
        yield Finding(
            "age_or_sex_missing", "warning", "age, sex", n,
            f"{counted(n, 'row')} with densities without an age or a sex (female or male)",
            "fill them in; until then these people count nowhere", measured(frame) & unknown,
        )  # fmt: skip
    there = set(table["sex"].drop_nulls())
    for lost in (sex for sex in SEXES if sex not in there):
        yield Finding(
            "one_sex", "warning", "sex", table.height,
            f"nobody is {lost}: the reference will hold no {lost} norm",
            "check how sex is coded; a T-score needs the sex that its definition names",
        )  # fmt: skip
    outside = ~age.is_between(span[0], span[1] + 1, closed="left")
    n = int(table.select(outside.fill_null(False).sum()).item())
    if ages is not None and n:
        yield Finding(
            "age_outside", "warning", "age", n,
            f"{counted(n, 'row')} with densities of ages outside {span[0]}–{span[1]} years",
            "leave them out by a rule on age, or widen ages=", measured(frame) & outside,
        )  # fmt: skip


def _thin(rows: pl.DataFrame, least: int) -> Iterator[Finding]:
    """Empty bands and thin ones, of all people."""
    whole = rows.filter(pl.col("factor") == ALL, pl.col("thin"))
    for code, part, words in (
        ("empty_band", whole.filter(pl.col("n") == 0), "nobody"),
        ("thin_band", whole.filter(pl.col("n") > 0), f"fewer than {least} people"),
    ):
        if part.height:
            yield Finding(
                code, "warning", "age, sex", int(part["n"].sum()),
                f"{words} in {counted(part.height, 'band')} of age and sex ({_named(part)})",
                "measure more people there, take wider bands, or end the reference before; curves "
                "rest there on people of other ages",
            )  # fmt: skip


def _named(part: pl.DataFrame) -> str:
    names = [f"{sex} {ages}" for sex, ages in part.select("sex", "ages").iter_rows()]
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _heaped(found: Heaping, limit: float) -> Iterator[Finding]:
    if found.n and found.whipple >= limit and found.p < SURE:
        yield Finding(
            "ages_heaped", "warning", "age", found.at_digits,
            f"{count(found.at_digits)} of {count(found.n)} people of 23–62 years have an age that "
            f"ends in 0 or 5 (Whipple's index {found.whipple:.0f}; 100 without heaping)",
            "compute ages from the dates of birth and scan; heaped ages blur the curve",
        )  # fmt: skip


def _uneven(rows: pl.DataFrame, factors: Sequence[str]) -> Iterator[Finding]:
    """Factors of which some level lacks ages that the sample has: level and age are mixed up."""
    whole = rows.filter(pl.col("factor") == ALL, pl.col("n") > 0).select("sex", "ages")
    for factor in factors:
        own = rows.filter(pl.col("factor") == factor, pl.col("level") != UNSTATED)
        empty = own.filter(pl.col("n") == 0).join(whole, on=["sex", "ages"])
        if own["level"].n_unique() > 1 and empty.height:
            n, k = empty["level"].n_unique(), own["level"].n_unique()
            yield Finding(
                f"uneven_{factor}", "warning", factor, empty.height,
                f"{n} of {k} levels of {factor} have nobody in some band of age and sex that the "
                f"sample has ({_named(empty.unique(['sex', 'ages'], maintain_order=True))})",
                f"look at to_frame() by {factor}: a difference between levels would there look "
                "like one of age",
            )  # fmt: skip


def _not_stated(name: str, n: int) -> Finding:
    return Finding(
        "factor_not_stated", "note", name, n,
        f"{name} is not stated: the balance by it cannot be told", f"add the column {name}",
    )  # fmt: skip
