"""Rows that count a person twice: repeat scans, visits, shared identifiers, copies."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import polars as pl
from polars import selectors as cs

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding, Severity, rows_where
from osteo_epi.frames import all_differ
from osteo_epi.questions import LOOK, People

CODES = (
    "same_person_same_day",
    "repeated_person",
    "shared_identifier",
    "identifier_zeros",
    "identical_rows",
    "near_identical_rows",
)
_DENSITIES = ("abmd_", "vbmd_")
_READINGS = (*_DENSITIES, "t_score_", "z_score_")
_WHOSE = ("person_id", "sex", "age", "birth_date", "scan_date")
_AT_LEAST = 3
_YEARS_APART = 2  # of birth, as completed years of age on a day give it
_LONGEST_STUDY = 20  # years
_BEYOND_CHANCE = 10
_MANY = 0.01
# At the most: readings of two decimals and scores of one agree in 2 or 3 of 100 pairs of people.
_AGREE, _READINGS_AGREE = {"sex": 1.0, "age": 0.5, "height": 0.2, "weight": 0.2}, 0.1
_CHOOSE = (
    "say which row counts with repeats= (--repeats first|last|mean); the mean also joins rows that "
    "hold different regions of one person"
)


def check_repeats(people: People) -> list[Finding]:
    """Check canonical columns for people who would be counted more than once.

    Rows have to be beside each other for it: of people in another engine it is a look.
    """
    if "person_id" in people.schema and people.look(_first_named).height:
        found = [*_repeated(people), _zeros(people), _near_identical(people)]
    else:
        found = [_identical(people)]
    findings = [finding for finding in found if finding]
    if not people.in_part:
        return findings
    seen = f" (of the first {LOOK:,} rows)"
    return [replace(f, message=f.message + seen, where=None) for f in findings]


def _first_named(people: pl.LazyFrame) -> pl.LazyFrame:
    return people.select(pl.col("person_id").drop_nulls().head(1))


def has_identifiers(frame: pl.DataFrame) -> bool:
    """Whether the rows say whose they are."""
    return "person_id" in frame.columns and frame["person_id"].count() > 0


def repeated(frame: pl.DataFrame) -> pl.Expr:
    """True in the rows of a person who occurs more than once; not where people share a name."""
    return _occurs_again() & ~shared(frame)


def _occurs_again() -> pl.Expr:
    return pl.col("person_id").is_not_null() & pl.col("person_id").is_duplicated()


def shared(frame: pl.DataFrame) -> pl.Expr:
    """True in the rows whose identifier stands for people of both sexes or of several births."""
    contradictions = [_births_differ(frame)]
    if "sex" in frame.columns:
        contradictions.append(pl.col("sex").drop_nulls().n_unique().over("person_id") > 1)
    return _occurs_again() & pl.any_horizontal(contradictions).fill_null(False)


def _births_differ(frame: pl.DataFrame) -> pl.Expr:
    """Years of birth of one identifier that lie apart; an age that visits repeat is no sign."""
    if "birth_date" in frame.columns:
        return _spread(pl.col("birth_date").dt.year()) > _YEARS_APART
    if "age" not in frame.columns:
        return pl.lit(False)
    ages = _spread(pl.col("age"))
    if "scan_date" not in frame.columns:
        return ages > _LONGEST_STUDY
    births = _spread(pl.col("scan_date").dt.year() - pl.col("age"))
    return (births > _YEARS_APART) & (ages > _YEARS_APART)


def _spread(value: pl.Expr) -> pl.Expr:
    return (value.max() - value.min()).over("person_id")


def _repeated(people: People) -> list[Finding]:
    if all_differ(people.look(_person_hashes).to_series()):
        return []
    frame = people.look(lambda query: query.select(cs.by_name(_WHOSE, require_all=False)))
    same_day = pl.lit(False)
    if "scan_date" in frame.columns:
        day = (
            pl.struct("person_id", "scan_date").is_duplicated() & pl.col("scan_date").is_not_null()
        )
        same_day = repeated(frame) & day
    several = "rows of persons who occur more than once, on several days or without a day"
    strangers = "rows whose identifier stands for people of different sex or year of birth"
    cases = (
        ("same_person_same_day", same_day, "rows that share person and day of the scan", _CHOOSE),
        ("repeated_person", repeated(frame) & ~same_day, several, _CHOOSE),
        (
            "shared_identifier",
            shared(frame),
            strangers,
            "if each centre numbers its people from 1, put the centre before the number in the "
            "file; if the column names no person, leave its heading out with map={heading: None} "
            "(--map HEADING=none); else correct sex and age",
        ),
    )
    columns = {"same_person_same_day": "person_id, scan_date"}
    return [
        Finding(code, "error", columns.get(code, "person_id"), n, f"{message}: {n}", fix, where)
        for code, where, message, fix in cases
        if (n := rows_where(frame, where))
    ]


def _person_hashes(people: pl.LazyFrame) -> pl.LazyFrame:
    """Numbers in place of identifiers, which are longer to hold: of two persons hardly ever one."""
    return people.select(pl.col("person_id").drop_nulls().hash())


def _zeros(people: People) -> Finding | None:
    """Identifiers that are one another but for zeros in front: a spreadsheet drops them."""
    if people.schema["person_id"] != pl.String:
        return None
    zero = pl.col("person_id").str.starts_with("0")
    if not people.look(lambda query: query.select(zero.any())).item():
        return None
    frame = people.look(lambda query: query.select("person_id"))
    names = frame["person_id"]
    padded = names.filter(names.str.starts_with("0")).unique().str.strip_chars_start("0")
    if not padded.is_duplicated().any() and not names.is_in(padded.implode()).any():
        return None
    bare = pl.col("person_id").str.strip_chars_start("0")
    several = pl.col("person_id").n_unique().over(bare) > 1
    where = several & pl.col("person_id").is_not_null()
    n = rows_where(frame, where)
    if not n:
        return None
    message = f"rows whose identifiers differ by zeros in front alone, as 1 and 001 do: {n}"
    fix = (
        "they count as different people; where they are one, write the identifier one way in the "
        "file, and say which row counts by repeats= (--repeats)"
    )
    return Finding("identifier_zeros", "warning", "person_id", n, message, fix, where)


def _near_identical(people: People) -> Finding | None:
    """The same age, sex and three or more densities under another identifier."""
    densities = [c for c in people.columns if c.startswith(_DENSITIES)]
    key = [c for c in ("age", "sex", "height", "weight", *densities) if c in people.schema]
    if len(densities) < _AT_LEAST or "age" not in key:
        return None
    filled = pl.sum_horizontal([pl.col(c).is_not_null() for c in densities]) >= _AT_LEAST
    where = filled & pl.struct(key).is_duplicated() & ~pl.col("person_id").is_duplicated()
    # Rows that agree have one hash: seldom any, and far less to hold than the rows themselves.
    if all_differ(_row_hashes(people, key)):
        return None
    frame = people.look(lambda query: query.select("person_id", *key))
    n = rows_where(frame, where)
    if not n:
        return None
    message = f"rows that agree in age, sex and every density with another row: {n}; copies?"
    fix = "look at them, and keep one of each in the file"
    return Finding("near_identical_rows", "warning", "", n, message, fix, where)


def _row_hashes(people: People, key: list[str]) -> pl.Series:
    return people.look(lambda query: query.select(pl.struct(key).hash())).to_series()


def _identical(people: People) -> Finding | None:
    """Rows without an identifier that agree throughout, in greater number than by chance."""
    key = [name for name in people.columns if name in codebook()]
    if not any(name.startswith(_READINGS) for name in key):
        return None
    if all_differ(_row_hashes(people, key)):
        return None
    frame = people.look(lambda query: query.select(key))
    where = copied(frame)
    n = 0 if where is None else rows_where(frame, where)
    if not n:
        return None
    message = f"rows without an identifier that agree in every variable with another row: {n}"
    fix = (
        'if they are copies, keep one of each with repeats="first" (--repeats first); if they are '
        "different people, name the column that tells them apart with map={heading: 'person_id'} "
        "(--map HEADING=person_id)"
    )
    severity: Severity = "error" if n > _MANY * len(frame) else "warning"
    return Finding("identical_rows", severity, "", n, message, fix, where)


def copied(frame: pl.DataFrame) -> pl.Expr | None:
    """True in the rows that agree with another in every variable; None if chance explains them.

    Ages in whole years and one rounded score agree in many people. Chance is taken as the product
    over age, sex, height, weight and one reading of spine and of hip, which is too low by the
    correlations among them and too high by all other columns. No column is taken to agree in more
    people than it does in any population, or a file of one person would prove itself right.
    """
    key = [name for name in frame.columns if name in codebook()]
    readings = [name for name in key if name.startswith(_READINGS)]
    if not readings:
        return None
    measured = pl.any_horizontal(pl.col(name).is_not_null() for name in readings)
    scanned = frame.filter(measured)
    sizes = scanned.group_by(key).len()["len"].cast(pl.Float64)
    pairs, by_chance = float((sizes * (sizes - 1)).sum()) / 2, len(scanned) * (len(scanned) - 1) / 2
    if not pairs:
        return None
    by_chance *= prod(_agreement(scanned[name]) for name in _telling(scanned, key))
    if pairs <= _BEYOND_CHANCE * by_chance:
        return None
    return measured & pl.struct(key).is_duplicated()


def _telling(frame: pl.DataFrame, key: list[str]) -> list[str]:
    """The columns that tell people apart, one of each kind."""
    hip = ("femoral_neck", "total_hip", "trochanter", "wards")
    readings = [name for name in key if name.startswith(_READINGS)]
    kinds = (
        [name for name in readings if any(region in name for region in hip)],
        [name for name in readings if not any(region in name for region in hip)],
    )
    best = [max(kind, key=lambda name: frame[name].n_unique()) for kind in kinds if kind]
    return [name for name in ("age", "sex", "height", "weight") if name in key] + best


def _agreement(column: pl.Series) -> float:
    """Probability that two people agree in a column, by the same value or by having none."""
    counts, without = column.drop_nulls().value_counts()["count"], column.null_count()
    same = float((counts.cast(pl.Float64) ** 2).sum())
    most = _AGREE.get(column.name, _READINGS_AGREE) * column.count() ** 2
    return (min(same, most) + without**2) / len(column) ** 2
