"""Rows that count a person twice: repeat scans, visits, shared identifiers, copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from zlib import crc32

import polars as pl
from polars import selectors as cs

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding, Severity, rows_where
from osteo_epi.frames import all_differ
from osteo_epi.questions import LOOK, People, grains

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
_SOME = 0.3  # pairs, or one of a few people who are told well would be beyond chance
_MANY = 0.01
# At the most: readings of two decimals and scores of one agree in 2 or 3 of 100 pairs of people.
_HIP = ("femoral_neck", "total_hip", "trochanter", "wards")
_PERSONAL = ("age", "sex", "height", "weight")
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
    found = zeros_in_front(n, "and say which row counts by repeats= (--repeats)")
    return replace(found, where=where)


def zeros_in_front(n: int, then: str) -> Finding:
    """The finding that identifiers are one another but for zeros, and what to do when they are not.

    Parameters
    ----------
    n
        How many rows.
    then
        What to do when the identifier is written one way.
    """
    message = f"rows whose identifiers differ by zeros in front alone, as 1 and 001 do: {n}"
    fix = (
        "they count as different people; where they are one, write the identifier one way in the "
        f"file, {then}"
    )
    return Finding("identifier_zeros", "warning", "person_id", n, message, fix)


def _near_identical(people: People) -> Finding | None:
    """The same age, sex and three or more densities under another identifier."""
    key, enough = of_one_scan(people.columns)
    if not key:
        return None
    where = enough & pl.struct(key).is_duplicated() & ~pl.col("person_id").is_duplicated()
    # Rows that agree have one hash: seldom any, and far less to hold than the rows themselves.
    if all_differ(_row_hashes(people, key)):
        return None
    frame = people.look(lambda query: query.select("person_id", *key))
    n = rows_where(frame, where)
    return replace(near_identical_rows(n), where=where) if n else None


def of_one_scan(columns: Sequence[str]) -> tuple[list[str], pl.Expr]:
    """The columns in which rows of one scan agree, and where enough of them was measured.

    Returns
    -------
    tuple
        No column where there are too few to tell.
    """
    known = [name for name in columns if name in codebook()]
    densities = [name for name in known if name.startswith(_DENSITIES)]
    key = [name for name in ("age", "sex", "height", "weight", *densities) if name in known]
    if len(densities) < _AT_LEAST or "age" not in key:
        return [], pl.lit(False)
    return key, pl.sum_horizontal([pl.col(c).is_not_null() for c in densities]) >= _AT_LEAST


def near_identical_rows(n: int, where: str = "") -> Finding:
    """The finding that rows agree, of which no other has the identifier.

    Parameters
    ----------
    n
        How many.
    where
        In which files they stand, as the sentence goes on.
    """
    message = f"rows that agree in age, sex and every density with another row{where}: {n}; copies?"
    fix = "look at them, and keep one of each in the file"
    return Finding("near_identical_rows", "warning", "", n, message, fix)


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
    found = identical_rows(n, len(frame), 'keep one of each with repeats="first" (--repeats first)')
    return replace(found, where=where)


def identical_rows(n: int, of: int, copies: str, where: str = "") -> Finding:
    """The finding that rows agree.

    Parameters
    ----------
    n, of
        How many, of how many rows.
    copies
        What to do if they are copies.
    where
        In which files they stand, as the sentence goes on.
    """
    message = f"rows without an identifier that agree in every variable with another row{where}"
    fix = (
        f"if they are copies, {copies}; if they are different people, name the column that tells "
        "them apart with map={heading: 'person_id'} (--map HEADING=person_id)"
    )
    severity: Severity = "error" if n > _MANY * of else "warning"
    return Finding("identical_rows", severity, "", n, f"{message}: {n}", fix)


def copied(frame: pl.DataFrame) -> pl.Expr | None:
    """True in the rows that agree with another in every variable; None if chance explains them.

    Ages in whole years and one rounded score agree in many people. Chance is taken as the product
    over age, sex, height, weight and one reading of spine and of hip, among those who have the
    same of them; it is too low by the correlations among them and too high by all other columns. No
    column is taken to agree in more people than it does in any population, or a file of one person
    would prove itself right.
    """
    key = [name for name in frame.columns if name in codebook()]
    where, has = measured(key), places(key)
    sizes = frame.filter(where).group_by(key).agg(has.first().alias("has"), pl.len())
    n = pl.col("len").cast(pl.Float64)
    pairs = sizes.group_by("has").agg((n * (n - 1) / 2).sum().alias("pairs"))
    found = beyond_chance(pairs, frame.lazy())
    if found.is_empty():
        return None
    return where & pl.struct(key).is_duplicated() & has.is_in(found.implode())


def places(columns: Iterable[str]) -> pl.Expr:
    """A number that tells which of the readings, of age, sex, height and weight a row has."""
    numbers = [
        pl.when(pl.col(name).is_not_null())
        .then(pl.lit(crc32(name.encode()) << 20, pl.UInt64))
        .otherwise(pl.lit(0, pl.UInt64))
        for name in _told(columns)
    ]
    return pl.sum_horizontal(pl.lit(0, pl.UInt64), *numbers)


def _told(columns: Iterable[str]) -> list[str]:
    known = [name for name in columns if name in codebook()]
    return [name for name in known if name in _PERSONAL or name.startswith(_READINGS)]


def measured(columns: Iterable[str]) -> pl.Expr:
    """True in the rows that hold a density or a score."""
    readings = [name for name in columns if name in codebook() and name.startswith(_READINGS)]
    return pl.any_horizontal(pl.lit(False), *(pl.col(name).is_not_null() for name in readings))


def beyond_chance(pairs: pl.DataFrame, people: pl.LazyFrame) -> pl.Series:
    """Among whom more pairs of rows agree than chance explains, see `copied`.

    Parameters
    ----------
    pairs
        How many pairs agree in every variable of the codebook and hold a density or a score, by
        what they have (has, pairs), as `places` tells it.
    people
        All rows, in memory or streamed.

    Returns
    -------
    polars.Series
        What those have: all of them, or without those who are told the least, among whom so many
        agree by chance that some copies of others would not be seen.
    """
    if not pairs["pairs"].sum():
        return pl.Series("has", [], pl.UInt64)
    table = _by_chance(people).join(pairs, on="has", how="left").sort("alike", "has")
    told = table.with_columns(pl.col("pairs").fill_null(0.0).cum_sum(), pl.col("chance").cum_sum())
    last = pl.int_range(pl.len()) == pl.len() - 1
    least = pl.when(last).then("chance").otherwise(pl.max_horizontal("chance", _SOME))
    beyond = told.with_row_index().filter(pl.col("pairs") > _BEYOND_CHANCE * least)
    return told["has"].head(0 if beyond.is_empty() else int(beyond["index"][-1]) + 1)


def _by_chance(people: pl.LazyFrame) -> pl.DataFrame:
    """Pairs of rows that agree by chance (chance), of those who have the same (has, alike).

    Nobody agrees with one who lacks what he has: where a file has the spine alone and another the
    hip alone, no two of different files can, and that neither has the other's is no agreement.
    """
    key = people.collect_schema().names()
    told = _told(key)
    scanned = people.filter(measured(key)).select(places(key).alias("has"), *told)
    groups = scanned.group_by("has").agg(pl.len().cast(pl.Float64).alias("rows"))
    table = groups.collect(engine="streaming")
    for name in told:
        table = table.join(_agreement(scanned, name), on="has", how="left")
    readings = [name for name in told if name not in _PERSONAL]
    hip = [name for name in readings if any(region in name for region in _HIP)]
    kinds = (hip, [name for name in readings if name not in hip])
    # Of each kind the reading that tells most: those of one place are nearly one measurement.
    factors = [pl.col(name) for name in told if name in _PERSONAL]
    factors += [pl.min_horizontal(kind) for kind in kinds if kind]
    alike = pl.lit(1.0)
    for factor in factors:
        alike = alike * factor.fill_null(1.0)
    chance = alike * pl.col("rows") * (pl.col("rows") - 1) / 2
    return table.select("has", alike.alias("alike"), chance.alias("chance"))


def _agreement(people: pl.LazyFrame, name: str) -> pl.DataFrame:
    """Probability that two who were measured at the same places agree in a column that they have.

    The table of values is no longer than that of grains, however many people there are.
    """
    variable = codebook()[name]
    value = grains(name, *variable.range) if variable.range else pl.col(name)
    held = people.filter(pl.col(name).is_not_null()).group_by("has", value.alias("value"))
    most = _AGREE.get(name, _READINGS_AGREE)
    n = pl.col("n")
    alike = pl.min_horizontal((n**2).sum() / n.sum() ** 2, most)
    counts = held.agg(pl.len().cast(pl.Float64).alias("n"))
    return counts.group_by("has").agg(alike.alias(name)).collect(engine="streaming")
