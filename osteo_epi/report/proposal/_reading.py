"""How a file has to be read, as far as it tells: the part of a proposed command about the file."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import replace
from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort, codebook, names_of_people, one_row_a_person
from osteo_epi.report.choices import Choices

MEASURED = ("abmd_", "vbmd_", "t_score_", "z_score_")
"""How the columns of a measurement begin."""
REPEATS = ("repeated_person", "same_person_same_day")
"""Findings of people who stand in several rows."""
_NAMED = 4
_UNIT = re.compile(r"\(--units (\S+)=(\S+)\)")
# A code begins with a digit: "..." stands for one that nobody has named.
_CODE = r"-?\d[\d.e+]*"
_CODES = re.compile(rf"\((--missing \S+={_CODE}(?: --missing \S+={_CODE})*)\)")


def of_file(
    people: Cohort,
    choices: Choices,
    chosen: dict[str, Any],
    notes: list[str],
    unread: Set[str],
) -> Cohort:
    """How the file has to be read: sex, units, people who stand twice.

    Returns
    -------
    Cohort
        The people that the run will have, one row each: of several rows of a person one may hold
        the age and another what was measured.
    """
    if "sex" in unread:
        chosen["sex_coding"] = {"CODE": "female", "OTHER": "male"}
        notes.append(
            "put the codes of women and men for CODE and OTHER in --sex-coding: only who made the "
            "file knows them"
        )
    elif "sex" not in people.columns:
        chosen["sex"] = "SEX"
        notes.append(
            "the file has no column of sex: put female or male for SEX in --sex if all are women "
            "or all are men; otherwise name the column with --map HEADING=sex"
        )
    units = {}
    for finding in people.findings.of("unit_suspected"):
        if match := _UNIT.search(finding.fix):
            units[match[1]] = match[2]
    if units:
        chosen["units"] = units
        notes.append(
            "--units goes by the size of the values alone: leave the command if who made the file "
            "says otherwise"
        )
    if any(f.code in REPEATS for f in people.open_errors):
        chosen["repeats"], note = _row_that_counts(people.frame)
        notes.append(note)
        _of_names_apart(people.frame, notes)
    _of_codes(people, choices, chosen, notes)
    _of_unclear_regions(people, notes)
    if "repeats" not in chosen:
        return people
    return replace(people, frame=one_row_a_person(people.frame, chosen["repeats"])[0])


def _of_unclear_regions(people: Cohort, notes: list[str]) -> None:
    """Measurements that are left out, because no heading says of which region they are."""
    said = people.findings.of("ambiguous_heading")
    if unclear := [f.column for f in said if "which region" in f.message]:
        more = f" and {len(unclear) - _NAMED} more" if len(unclear) > _NAMED else ""
        notes.append(
            f"{', '.join(unclear[:_NAMED])}{more}: the command does not read them, for they do not "
            "tell which region; name each with --map HEADING=VARIABLE first, or fewer people are "
            "found"
        )


def _of_codes(people: Cohort, choices: Choices, chosen: dict[str, Any], notes: list[str]) -> None:
    """Codes for missing: taken for codes where nearly nobody is near them, else left to be said."""
    said = [(f.code, m[1]) for f in people.findings if (m := _CODES.search(f.fix))]
    if likely := [typed for code, typed in said if code == "code_suspected"]:
        missing = {name: list(codes) for name, codes in dict(choices.missing).items()}
        for name, code in re.findall(rf"--missing (\S+)=({_CODE})", " ".join(likely)):
            missing[name] = [*missing.get(name, []), float(code)]
        chosen["missing"] = missing
        notes.append(
            f"{' '.join(likely)}: values that stand apart from all others and again and again are "
            "taken for codes for missing; leave it out if they are true"
        )
    if others := [typed for code, typed in said if code != "code_suspected"]:
        notes.append(
            "values that may be codes for missing count as they stand: if they are codes, add "
            + " ".join(others)
        )


def _row_that_counts(people: pl.DataFrame) -> tuple[str, str]:
    """Which row of a person to propose, and why.

    Rows that hold different regions of one person have to be joined: the first alone would leave
    most people without the others. Where no value is there twice, their mean is the value itself.
    """
    rows = people.filter(pl.col("person_id").is_not_null() & pl.col("person_id").is_duplicated())
    values = [c for c in people.columns if c in codebook() and c.startswith(MEASURED)]
    each = rows.group_by("person_id").agg(pl.col(values).count())
    apart = each.select(pl.all_horizontal(pl.lit(True), pl.col(values) <= 1)).to_series()
    if values and 2 * apart.sum() > each.height:
        return "mean", "--repeats mean joins the rows of a person, which hold different regions"
    if values and 2 * _of_one_day(rows, values) > each.height:
        return "mean", (
            "--repeats mean joins the rows of a person, which hold different regions, and averages "
            "what stands in several: two hips need columns of their own, for the lower decides"
        )
    return "first", (
        "--repeats first takes each person's first row by the day of the scan, the visit, the age "
        f"and the file's order, and leaves {rows.height - each.height:,} rows out; last and mean "
        "are others"
    )


def _of_names_apart(people: pl.DataFrame, notes: list[str]) -> None:
    """Say where rows that the command takes for one person's have several names."""
    names = names_of_people(people)
    several = [name.drop_nulls().n_unique() > 1 for name in names]
    each = people.group_by("person_id").agg(n=pl.any_horizontal(pl.lit(False), *several))
    n = each.filter(pl.col("person_id").is_not_null())["n"].sum()
    if n:
        said = ", ".join(name.meta.root_names()[0] for name in names[:_NAMED])
        notes.append(
            f"{said}: it differs between rows of one identifier, in {n:,}; where these are "
            "different people, give each an identifier of its own first, or the command makes one "
            "of them"
        )


def _of_one_day(rows: pl.DataFrame, values: list[str]) -> int:
    """How many people have rows of one day alone, of which one holds what another lacks."""
    if "scan_date" not in rows.columns:
        return 0
    lacking = [pl.col(c).count().is_between(1, pl.len() - 1) for c in values]
    one_day = (pl.col("scan_date").n_unique() == 1) & pl.col("scan_date").is_not_null().all()
    return int(rows.group_by("person_id").agg(n=one_day & pl.any_horizontal(lacking))["n"].sum())
