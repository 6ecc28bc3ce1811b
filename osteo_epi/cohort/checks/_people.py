"""People and the survey: top-coded ages, contradictions, weights."""

from __future__ import annotations

from typing import Any

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._coding import completed_years
from osteo_epi.findings import Finding, Severity
from osteo_epi.questions import Asking, People, asked, grouped, rows, together

CODES = (
    "age_top_coded",
    "sex_contradiction",
    "menopause_age",
    "pregnant_age",
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
# No guideline's: ages at which hardly any woman is after, or yet before, the menopause, and how
# many above the upper one tell a coding turned round from slips. No class is decided by them.
_YOUNG, _OLD, _ENOUGH_OLD = 30, 65, 5
_NEVER_PREGNANT, _SLIPS, _SHARE_OF_SLIPS = 55, 2, 0.05
"""Years from which nobody is pregnant, and how many rows that say so, or what share of all who are
not men, are slips of the pen: of pregnancies ever most women say yes."""


def check_people(people: People) -> Asking[list[Finding]]:
    """Check persons, ages and weights of canonical columns."""
    checks = [
        _top_coded(people),
        _contradictions(people),
        _against_dates(people),
        _weights(people),
        *[_incomplete(people, name) for name in ("age", "sex")],
    ]
    return [finding for findings in (yield from together(checks)) for finding in findings]


def _top_coded(people: People) -> Asking[list[Finding]]:
    """A pile of people at the highest age: everybody above it was put there.

    Cycles of a survey are looked at one by one: their highest ages differ.
    """
    if not people.has("age"):
        return []
    age = pl.col("age")
    by = {"cycle": pl.col("cycle")} if people.has("cycle") else {}
    highest = yield from grouped(by, largest={"highest": age.max()})
    whole = [top for top in highest["highest"].unique().drop_nulls().sort() if top == round(top)]
    if not whole:
        return []
    # The highest age of one cycle says nothing in another, which is counted with it and left out.
    at = {f"at {top}": (age == top).sum() for top in whole}
    below = {f"below {top}": age.is_between(top - 5, top, closed="left").sum() for top in whole}
    counts = yield from grouped(by, sums={**at, **below})
    parts = zip(highest["highest"], counts.iter_rows(named=True), strict=True)
    piles = sorted({top for top, part in parts if top in whole and _is_pile(part, top)})
    if not piles:
        return []
    where = pl.col("age").is_in(piles)
    n, ages = (yield from rows(where)), ", ".join(f"{pile:g}" for pile in piles)
    message = f"the highest age ({ages}) holds a pile of people ({n}): ages seem top-coded there"
    fix = "let the last age band be open, and read Z-scores at this age with care"
    codes = [pile for pile in piles if pile in codebook().missing_codes]
    if not codes:
        return [Finding("age_top_coded", "note", "age", n, message, fix, where)]
    told = ", ".join(f"{code:g}" for code in codes)
    options = " ".join(f"--missing age={code:g}" for code in codes)
    message += ", or it is a code for missing"
    fix += f'; if it is a code, read with missing={{"age": [{told}]}} ({options})'
    return [Finding("age_top_coded", "warning", "age", n, message, fix, where)]


def _is_pile(part: dict[str, Any], top: float) -> bool:
    """Whether the highest age holds many more people than each of the five years below it."""
    return part[f"at {top}"] >= max(_PILE_AT_LEAST, _PILE * part[f"below {top}"] / 5)


def _contradictions(people: People) -> Asking[list[Finding]]:
    marks = [
        name
        for name in ("postmenopausal", "ovaries_removed", "pregnant")
        if people.has(name, "sex")
    ]
    checks = [_marked_men(name) for name in marks]
    if people.has("postmenopausal", "age"):
        checks.append(_menopause_at_age(people))
    if people.has("pregnant", "age"):
        checks.append(_pregnant_at_age(people))
    return [finding for finding in (yield from together(checks)) if finding]


def _marked_men(name: str) -> Asking[Finding | None]:
    where = (pl.col("sex") == "male") & pl.col(name)
    n = yield from rows(where)
    message, fix = f"men marked {name}: {n}", "check the coding of sex, and these rows"
    found = Finding("sex_contradiction", "warning", f"sex, {name}", n, message, fix, where)
    return found if n else None


def _menopause_at_age(people: People) -> Asking[Finding | None]:
    young = pl.col("postmenopausal") & (pl.col("age") < _YOUNG)
    old = ~pl.col("postmenopausal") & (pl.col("age") > _OLD)
    women = pl.col("sex") != "male" if people.has("sex") else pl.lit(True)
    where = (young | old) & women
    stated = women & pl.col("postmenopausal").is_not_null() & (pl.col("age") > _OLD)
    sums = {"n": where.sum(), "old": (old & women).sum(), "of": stated.sum()}
    counts = yield from asked(sums=sums)
    n, turned_round = counts["n"], counts["of"] >= _ENOUGH_OLD and 2 * counts["old"] > counts["of"]
    message = f"women postmenopausal below {_YOUNG} years, or not yet above {_OLD}: {n}"
    fix = "check the coding of the menopause, and these rows"
    if turned_round:
        message += f", most of all above {_OLD}: its yes and no seem turned round"
        fix += (
            "; leave the cells of those empty who were not asked, or the column out with "
            "map={heading: None} (--map HEADING=none)"
        )
    severity: Severity = "error" if turned_round else "warning"
    found = Finding("menopause_age", severity, "postmenopausal", n, message, fix, where)
    return found if n else None


def _pregnant_at_age(people: People) -> Asking[Finding | None]:
    """A column of pregnancies ever: who is pregnant is in no estimate, and most women are not."""
    old = pl.col("age") >= _NEVER_PREGNANT
    women = pl.col("sex") != "male" if people.has("sex") else pl.lit(True)
    where = pl.col("pregnant") & old
    counts = yield from asked(sums={"n": where.sum(), "of": (old & women).sum()})
    n, slips = counts["n"], max(_SLIPS, _SHARE_OF_SLIPS * counts["of"])
    message = f"people marked pregnant from {_NEVER_PREGNANT} years: {n}; they are in no estimate"
    fix = (
        "if the column tells of pregnancies ever, leave it out with map={heading: None} "
        "(--map HEADING=none); else check its coding, and these rows"
    )
    severity: Severity = "error" if n > slips else "warning"
    found = Finding("pregnant_age", severity, "pregnant", n, message, fix, where)
    return found if n else None


def _against_dates(people: People) -> Asking[list[Finding]]:
    """Ages that the dates of birth and scan contradict: whom T-scores judge hangs on the age."""
    if not people.has("age", "birth_date", "scan_date"):
        return []
    by_dates = completed_years(pl.col("birth_date"), pl.col("scan_date"))
    where = (pl.col("age").floor() - by_dates).abs() > 1
    n = yield from rows(where)
    if not n:
        return []
    message = f"ages more than a year off those by the dates of birth and scan: {n}"
    fix = (
        "look which is right; with the column of ages left out (map={heading: None}, --map "
        "HEADING=none) they are made of the dates"
    )
    return [Finding("age_against_dates", "warning", "age, birth_date", n, message, fix, where)]


def _weights(people: People) -> Asking[list[Finding]]:
    if not people.has("survey_weight"):
        return []
    weight = pl.col("survey_weight")
    rules = (
        ("missing_weight", weight.is_null(), "people without a sampling weight"),
        ("negative_weight", weight < 0, "people with a negative sampling weight"),
    )
    fix = "a design-based estimate needs a weight for everybody; 0 for who was not examined"
    sums = {code: where.sum() for code, where, _ in rules}
    counts = yield from asked(sums={**sums, "sum": weight.sum(), "n": weight.count()})
    found = [
        Finding(code, "error", "survey_weight", counts[code], f"{what}: {counts[code]}", fix, where)
        for code, where, what in rules
        if counts[code]
    ]
    if counts["n"] < ENOUGH:
        return found
    return [*found, *(yield from _heavy_weights(float(counts["sum"])))]


def _heavy_weights(of: float) -> Asking[list[Finding]]:
    """Weights beside which the others hardly count: a code such as 999999, or a slip of the key."""
    where = pl.col("survey_weight") > HEAVY * of
    n = yield from rows(where)
    if not n:
        return []
    message = f"people who carry more than {HEAVY:.0%} of all sampling weights each: {n}"
    fix = (
        "see whether the number is a code for missing, and then say so with --missing "
        "survey_weight=CODE; else every estimate is mostly theirs"
    )
    return [Finding("heavy_weight", "warning", "survey_weight", n, message, fix, where)]


def _incomplete(people: People, name: str) -> Asking[list[Finding]]:
    of = pl.len()
    without = pl.col(name).null_count() if people.has(name) else of
    counts = yield from asked(sums={"n": without, "of": of})
    n = counts["n"]
    if not people.has(name):
        message = f"there is no column {name}"
        fix = f"name one with map={{heading: {name!r}}} (--map HEADING={name})"
        if name == "sex":
            one = 'sex="female" or sex="male"'
            fix += f", or read a file of one sex with {one}"
        return [Finding("incomplete", "error", name, n, message, fix)]
    if not n or n == counts["of"]:
        return []
    message = f"people without {name}: {n}; they cannot be classified"
    return [
        Finding("incomplete", "warning", name, n, message, "fill it in", pl.col(name).is_null())
    ]
