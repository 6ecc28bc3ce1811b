"""People and the survey: top-coded ages, contradictions, weights."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._coding import completed_years
from osteo_epi.findings import Finding, rows_where

CODES = (
    "age_top_coded",
    "sex_contradiction",
    "menopause_age",
    "age_against_dates",
    "missing_weight",
    "negative_weight",
    "heavy_weight",
    "incomplete",
)
HEAVY, ENOUGH = 0.1, 50
"""Share of all weights from which one person's is said, among how many people at least."""
_PILE = 2.5
_PILE_AT_LEAST = 10
# Of a warning alone, and no guideline's: ages at which hardly any woman is after, or yet before,
# the menopause. A coding turned round is seen by them, and nothing is decided.
_YOUNG, _OLD = 30, 65


def check_people(frame: pl.DataFrame) -> list[Finding]:
    """Check persons, ages and weights of a frame of canonical columns."""
    findings = [
        _top_coded(frame),
        *_contradictions(frame),
        _against_dates(frame),
        *_weights(frame),
        *[_incomplete(frame, name) for name in ("age", "sex")],
    ]
    return [f for f in findings if f]


def _top_coded(frame: pl.DataFrame) -> Finding | None:
    """A pile of people at the highest age: everybody above it was put there.

    Cycles of a survey are looked at one by one: their highest ages differ.
    """
    if "age" not in frame.columns or not frame["age"].count():
        return None
    parts = frame.partition_by("cycle") if "cycle" in frame.columns else [frame]
    piles = sorted({age for part in parts if (age := _pile(part["age"].drop_nulls()))})
    if not piles:
        return None
    where = pl.col("age").is_in(piles)
    at, ages = rows_where(frame, where), ", ".join(f"{age:g}" for age in piles)
    message = f"the highest age ({ages}) holds a pile of people ({at}): ages seem top-coded there"
    fix = "let the last age band be open, and read Z-scores at this age with care"
    codes = [age for age in piles if age in codebook().missing_codes]
    if not codes:
        return Finding("age_top_coded", "note", "age", at, message, fix, where)
    told = ", ".join(f"{code:g}" for code in codes)
    options = " ".join(f"--missing age={code:g}" for code in codes)
    message += ", or it is a code for missing"
    fix += f'; if it is a code, read with missing={{"age": [{told}]}} ({options})'
    return Finding("age_top_coded", "warning", "age", at, message, fix, where)


def _pile(ages: pl.Series) -> float | None:
    """The highest age, if it holds many more people than each of the five years below it."""
    highest = ages.max()
    if not isinstance(highest, float) or highest != round(highest):
        return None
    at = int((ages == highest).sum())
    below = int(ages.is_between(highest - 5, highest, closed="left").sum()) / 5
    return highest if at >= max(_PILE_AT_LEAST, _PILE * below) else None


def _contradictions(frame: pl.DataFrame) -> list[Finding]:
    findings = []
    for name in ("postmenopausal", "ovaries_removed", "pregnant"):
        if not {name, "sex"} <= set(frame.columns):
            continue
        where = (pl.col("sex") == "male") & pl.col(name)
        if n := rows_where(frame, where):
            message = f"men marked {name}: {n}"
            fix = "check the coding of sex, and these rows"
            column = f"sex, {name}"
            findings.append(Finding("sex_contradiction", "warning", column, n, message, fix, where))
    if {"postmenopausal", "age"} <= set(frame.columns):
        young = pl.col("postmenopausal") & (pl.col("age") < _YOUNG)
        old = ~pl.col("postmenopausal") & (pl.col("age") > _OLD)
        women = pl.col("sex") != "male" if "sex" in frame.columns else pl.lit(True)
        where = (young | old) & women
        if n := rows_where(frame, where):
            message = f"women postmenopausal below {_YOUNG} years, or not yet above {_OLD}: {n}"
            fix = "check the coding of the menopause, and these rows"
            findings.append(
                Finding("menopause_age", "warning", "postmenopausal", n, message, fix, where)
            )
    return findings


def _against_dates(frame: pl.DataFrame) -> Finding | None:
    """Ages that the dates of birth and scan contradict: whom T-scores judge hangs on the age."""
    if not {"age", "birth_date", "scan_date"} <= set(frame.columns):
        return None
    by_dates = completed_years(pl.col("birth_date"), pl.col("scan_date"))
    where = (pl.col("age").floor() - by_dates).abs() > 1
    if not (n := rows_where(frame, where)):
        return None
    message = f"ages more than a year off those by the dates of birth and scan: {n}"
    fix = (
        "look which is right; with the column of ages left out (map={heading: None}, --map "
        "HEADING=none) they are made of the dates"
    )
    return Finding("age_against_dates", "warning", "age, birth_date", n, message, fix, where)


def _weights(frame: pl.DataFrame) -> list[Finding]:
    if "survey_weight" not in frame.columns:
        return []
    rules = (
        ("missing_weight", pl.col("survey_weight").is_null(), "people without a sampling weight"),
        ("negative_weight", pl.col("survey_weight") < 0, "people with a negative sampling weight"),
    )
    fix = "a design-based estimate needs a weight for everybody; 0 for who was not examined"
    found = [
        Finding(code, "error", "survey_weight", n, f"{what}: {n}", fix, where)
        for code, where, what in rules
        if (n := rows_where(frame, where))
    ]
    return [*found, *_heavy_weights(frame)]


def _heavy_weights(frame: pl.DataFrame) -> list[Finding]:
    """Weights beside which the others hardly count: a code such as 999999, or a slip of the key."""
    weight = frame["survey_weight"]
    where = pl.col("survey_weight") > HEAVY * float(weight.sum())
    n = rows_where(frame, where)
    if weight.count() < ENOUGH or not n:
        return []
    message = f"people who carry more than {HEAVY:.0%} of all sampling weights each: {n}"
    fix = (
        "see whether the number is a code for missing, and then say so with --missing "
        "survey_weight=CODE; else every estimate is mostly theirs"
    )
    return [Finding("heavy_weight", "warning", "survey_weight", n, message, fix, where)]


def _incomplete(frame: pl.DataFrame, name: str) -> Finding | None:
    if name not in frame.columns:
        message = f"there is no column {name}"
        fix = f"name one with map={{heading: {name!r}}} (--map HEADING={name})"
        if name == "sex":
            one = 'sex="female" or sex="male"'
            fix += f", or read a file of one sex with {one}"
        return Finding("incomplete", "error", name, len(frame), message, fix)
    n = frame[name].null_count()
    if not n or n == len(frame):
        return None
    message = f"people without {name}: {n}; they cannot be classified"
    return Finding("incomplete", "warning", name, n, message, "fill it in", pl.col(name).is_null())
