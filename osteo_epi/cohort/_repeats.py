"""One row a person: which of several rows counts."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.checks._repeats import copied, has_identifiers, repeated
from osteo_epi.cohort.conform._headings import match, normalise
from osteo_epi.errors import SchemaError, did_you_mean
from osteo_epi.findings import Finding

REPEATS = ("error", "first", "last", "mean")
_ROW, _PERSON, _VISIT = "__row", "__person", "__visit"
_IN_TIME = ("scan_date", "exam_year", _VISIT, "age")
_WHO = ("sex", "age", "birth_date")
_READINGS = ("abmd_", "t_score_", "vbmd_", "hu_", "qus_")
_FEWEST = 2  # rows without an identifier by which merged cells are told
_MEASURED = {"g/cm2", "mg/cm3", "g", "cm2", "HU", "SD", "cm", "kg", "kg/m2"}
_LEFT, _RIGHT = (r"(?i)\b(?:left|lt|l)\b|左", r"(?i)\b(?:right|rt|r)\b|右")
"""Wider than the words by which rows are joined: a warning may be wrong, a join may not."""
_FEWEST_SIDED = 2
_MEASURED_WITHOUT_UNIT = {"tbs", "qus_stiffness"}


def one_row_a_person(frame: pl.DataFrame, repeats: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Keep one row of each person who has several.

    Parameters
    ----------
    frame
        Canonical columns, and the file's others.
    repeats
        "error" leaves all rows, of which `check` makes an error; "first" and "last" take a row
        by the day of the scan, the year, the number of the visit, the age and the order of the
        file; "mean" averages what
        was measured over all rows of the person, and takes the first that is stated of the rest.

    Returns
    -------
    tuple
        The frame, people in the order of the file, and what was done to it. Rows that share an
        identifier and cannot be of one person stay. Without identifiers, copies are dropped: rows
        that agree in every variable, where there are more of them than chance explains.

    Raises
    ------
    SchemaError
        If `repeats` is none of these.

    Examples
    --------
    >>> frame = pl.DataFrame({"person_id": ["a", "b", "a"], "age": [61.0, 70.0, 63.0],
    ...                       "abmd_total_hip": [0.80, 0.75, 0.78]})
    >>> one_row_a_person(frame, "last")[0].rows()
    [('a', 63.0, 0.78), ('b', 70.0, 0.75)]
    >>> one_row_a_person(frame, "mean")[0].rows()
    [('a', 61.0, 0.79), ('b', 70.0, 0.75)]
    """
    check_repeats(repeats)
    if repeats == "error":
        return frame, []
    identified = has_identifiers(frame)
    several = repeated(frame) if identified else copied(frame)
    if several is None:
        return frame, []
    out = _single(frame, several, repeats, by="person_id" if identified else None)
    if len(out) == len(frame):
        return frame, []
    gone = len(frame) - len(out)
    kept = "the mean" if repeats == "mean" else f"the {repeats}"
    message = f"rows dropped, because {kept} of each person's rows was asked for: {gone}"
    if repeats != "mean" and not {"scan_date", "exam_year"} & set(frame.columns):
        message += _by_what(frame)
    about = "person_id" if identified else ""
    said = [Finding("one_row_a_person", "note", about, gone, message)]
    return out, said + (_two_sides(frame.filter(several), repeats) if identified else [])


def _two_sides(rows: pl.DataFrame, repeats: str) -> list[Finding]:
    """Say where a column calls one row of a person left and another right: the lower decides."""
    became = "averaged" if repeats == "mean" else f"taken of the {repeats} row alone"
    findings = []
    for name, kind in rows.schema.items():
        if kind != pl.String or name in codebook():
            continue
        left, right = (pl.col(name).str.contains(words) for words in (_LEFT, _RIGHT))
        each = rows.group_by("person_id").agg(
            ((left & ~right).any() & (right & ~left).any()).alias(_PERSON)
        )
        n = int(each[_PERSON].sum() or 0)
        if n >= _FEWEST_SIDED:
            message = (
                f"left in one row and right in another of the same person: {n} people, whose "
                f"readings were {became}; where these are two hips, the lower one decides"
            )
            fix = "give the readings of left and right hips columns of their own"
            findings.append(Finding("sides_in_rows", "warning", name, n, message, fix))
    return findings


def filled_down(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Give rows below a merged cell the identifier above them, where no other reading is possible.

    Parameters
    ----------
    frame
        Canonical columns, and the file's others.

    Returns
    -------
    tuple
        The frame, with identifier, sex, age and birth of the row above in each row that has no
        identifier, if all such rows hold a measurement and none says another sex, age or birth;
        and what was done, or that these rows count as people of their own.

    Examples
    --------
    >>> frame = pl.DataFrame({"person_id": ["a", None, "b", None], "sex": ["male", None] * 2,
    ...                       "abmd_total_hip": [0.80, 0.78, 0.75, 0.74]})
    >>> filled_down(frame)[0]["person_id"].to_list()
    ['a', 'a', 'b', 'b']
    """
    if "person_id" not in frame.columns or not 0 < frame["person_id"].null_count() < len(frame):
        return frame, []
    empty = pl.col("person_id").is_null()
    n = frame["person_id"].null_count()
    who = [name for name in _WHO if name in frame.columns]
    above = frame.with_columns((~empty).cum_sum().alias(_PERSON))
    first = {name: pl.col(name).first().over(_PERSON) for name in ("person_id", *who)}
    measured = [pl.col(c).is_not_null() for c in frame.columns if c.startswith(_READINGS)]
    same = [(pl.col(name) == first[name]).fill_null(pl.col(name).is_null()) for name in who]
    holds_any = pl.any_horizontal(pl.lit(False), *measured)
    sure = pl.all_horizontal(first["person_id"].is_not_null(), *same) & holds_any
    is_sure = n >= _FEWEST and who and above.select((sure | ~empty).all()).item()
    if not is_sure:
        message = f"rows without an identifier: {n}; each counts as a person of its own"
        fix = (
            "if they are further rows of the person above, as merged cells leave them, write the "
            "identifier into every row"
        )
        return frame, [Finding("no_identifier", "warning", "person_id", n, message, fix, empty)]
    filled = [
        pl.when(empty).then(value).otherwise(name).alias(name) for name, value in first.items()
    ]
    message = f"empty cells of identifiers below the first row of a person that were filled: {n}"
    fix = "write the identifier into every row if two people stand in one block"
    told = Finding("filled_down", "warning", "person_id", n, message, fix)
    return above.with_columns(filled).drop(_PERSON), [told]


def check_repeats(repeats: str) -> None:
    """Insist that a choice of a row is one of those there are."""
    if repeats not in REPEATS:
        raise SchemaError(
            f"repeats={repeats!r} (--repeats) is not known{did_you_mean(repeats, REPEATS)}; one of "
            f"{', '.join(REPEATS)}"
        )


def _single(frame: pl.DataFrame, several: pl.Expr, repeats: str, by: str | None) -> pl.DataFrame:
    """One row for each person among `several`, at the place of the person's first row."""
    names = frame.columns
    key = pl.struct(by) if by else pl.struct([n for n in names if n in codebook()])
    rows = (
        frame.with_columns(_visits(frame))
        .with_row_index(_ROW)
        .with_columns(
            pl.when(several)
            .then(pl.col(_ROW).min().over(key))
            .otherwise(pl.col(_ROW))
            .alias(_PERSON)
        )
    )
    in_time = [n for n in _IN_TIME if n in rows.columns]
    # A row of no day is neither the first nor the last where another has its day.
    rows = rows.sort([_PERSON, *in_time, _ROW], nulls_last=repeats != "last")
    last = pl.all().last() if repeats == "last" else pl.all().first()
    people = rows.group_by(_PERSON, maintain_order=True)
    if repeats == "mean":
        return people.agg(*[_averaged(frame, n) for n in names]).select(names)
    return people.agg(last).select(names)


def _by_what(frame: pl.DataFrame) -> str:
    """What put rows in order where no column says on which day, or why another did not."""
    heading = _visit_column(frame)
    if heading is None:
        return " (by age, then in the file's order: no column says on which day)"
    if _visits(frame):
        return f" (by {heading!r}, then by age and in the file's order)"
    return (
        f" (by age, then in the file's order: column {heading!r} numbers no visits, as 1, 2 or "
        "baseline would)"
    )


def _visit_column(frame: pl.DataFrame) -> str | None:
    known = {normalise(heading) for heading in (*codebook().visits, "cycle")}
    return next((n for n in frame.columns if normalise(n) in known), None)


def _visits(frame: pl.DataFrame) -> list[pl.Series]:
    """The number of each row's visit (2, V2, 第2次; 0 for baseline), where all rows have one.

    >>> _visits(pl.DataFrame({"visit": ["V2", "baseline", "V10"]}))[0].to_list()
    [2.0, 0.0, 10.0]
    """
    heading = _visit_column(frame)
    if heading is None:
        return []
    said = frame[heading].cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
    first = said.is_in(pl.Series(sorted(codebook().first_visits)).implode())
    number = said.str.extract(r"^\D*(\d+(?:\.\d+)?)\D*$").cast(pl.Float64, strict=False)
    number = number.set(first.fill_null(False), 0.0)
    return [] if number.null_count() else [number.alias(_VISIT)]


def _averaged(frame: pl.DataFrame, name: str) -> pl.Expr:
    """The mean of a measurement, the first statement of anything else."""
    variable = codebook().variables.get(name if name in codebook() else match(name).variable or "")
    is_measured = (
        variable is not None
        and frame[name].dtype.is_numeric()
        and (variable.unit in _MEASURED or variable.name in _MEASURED_WITHOUT_UNIT)
    )
    return pl.col(name).mean() if is_measured else pl.col(name).drop_nulls().first()
