"""One row a region or a vertebra, brought to one row a person.

A densitometer's export often has a row for each region: a column says which (L1, Total hip), and
its quantities (BMD, T值) name none. Region and quantity together are a heading like any other, so
each becomes a column under both names, and reading goes on as with any file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TypeVar

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._coding import HOUR
from osteo_epi.cohort.conform._headings import Match, as_map, as_written, is_sure, normalise
from osteo_epi.cohort.readers._raw import Declared, Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding
from osteo_epi.rounding import people_who

Value = TypeVar("Value")
_MOST = 60  # regions of a column
_MOSTLY = 0.5
_REGION, _OWN, _TURN, _BLOCK, _ROW = "__region", "__own", "__turn", "__block", "__row"


@dataclass(frozen=True)
class _Form:
    """What the columns of a table of one row a region are."""

    regions: tuple[str, ...]
    side: str | None
    quantities: tuple[str, ...]
    identifiers: tuple[str, ...]
    days: tuple[str, ...]
    variables: frozenset[str]


def joined_regions(raw: Raw, declared: Declared, repeats: str) -> tuple[Raw, Declared]:
    """Bring a table of one row a region to one row a person, and day where there is one.

    Parameters
    ----------
    raw
        The columns as they came.
    declared
        What the caller says of them; a region's column that is mapped to None stays as it is.
    repeats
        Which row counts of a person who has several of one region, see `read`.

    Returns
    -------
    tuple
        As it came where there is no such column. Else one row a person, with a column for each
        region and quantity (腰椎 BMD), and what was declared of BMD for each of them.

    Raises
    ------
    SchemaError
        If no column tells whose row it is, or a person has two rows of one region.

    Examples
    --------
    >>> frame = pl.DataFrame({"id": [1, 1, 2], "ROI": ["L1", "neck", "L1"], "BMD": [0.9, 0.7, 0.8]})
    >>> raw, _ = joined_regions(Raw(frame, (), "frame"), Declared(), "error")
    >>> raw.frame.columns, raw.frame.rows()
    (['id', 'L1 BMD', 'neck BMD'], [(1, 0.9, 0.7), (2, 0.8, None)])
    """
    form = _form(raw, declared)
    if form is None:
        return raw, declared
    frame, filled = _filled_down(_with_regions(raw, form), form)
    frame = _by_day(frame, form)
    frame, days = _with_days(frame, form)
    frame, own = _keyed(frame, form)
    frame = _single(frame, [*form.identifiers, *form.days, _OWN], repeats, form)
    people, spread, findings = _joined(frame, form)
    findings = [*_told(raw.frame, frame, people, form), *filled, *days, *own, *findings]
    new = {q: tuple(n for n in people.columns if n.endswith(f" {q}")) for q in spread}
    labels = {n: raw.labels[q] for q, names in new.items() if q in raw.labels for n in names}
    raw = replace(
        raw,
        frame=people,
        labels=raw.labels | labels,
        findings=(*raw.findings, *findings),
        rows=len(raw.frame),
    )
    return raw, _spread_declared(declared, new)


def _form(raw: Raw, declared: Declared) -> _Form | None:
    """The columns' parts; None where no column holds regions that a quantity lacks."""
    frame = raw.frame
    readings = {name: _reading(name, declared) for name in frame.columns}
    known = {
        name: m.variable for name, m in readings.items() if m.variable and m.how != "site only"
    }
    # What is mapped onto no variable of the codebook is refused where the columns are planned.
    if any(codebook()[variable].roi for variable in known.values() if variable in codebook()):
        return None
    free = [n for n in frame.columns if n not in known and readings[n].how != "left out"]
    regions = [n for n in free if _holds_regions(_cells(raw, n))]
    if not regions:
        return None
    regions = sorted(regions, key=lambda n: frame[n].n_unique())[-2:]
    if len(regions) == 1:  # totals alone beside places (Hip | Total)
        regions += [n for n in free if n not in regions and _holds_totals(_cells(raw, n))][:1]
    side = next((n for n in free if n not in regions and _holds_sides(_cells(raw, n))), None)
    values = {v for n in regions for v in _cells(raw, n).unique().drop_nulls() if _is_region(v)}
    quantities = [
        n for n in free if n not in (*regions, side) and any(is_sure(f"{v} {n}") for v in values)
    ]
    if not quantities:
        return None
    return _Form(
        tuple(regions),
        side,
        tuple(quantities),
        tuple(n for n, v in known.items() if v == "person_id"),
        tuple(n for n, v in known.items() if v == "scan_date"),
        frozenset(known),
    )


def _reading(name: str, declared: Declared) -> Match:
    keys = {normalise(key): variable for key, variable in declared.map.items()}
    if normalise(name) not in keys:
        return as_written(name)
    variable = keys[normalise(name)]
    return Match(name, variable, "mapped" if variable else "left out")


def _cells(raw: Raw, name: str) -> pl.Series:
    """A column as text, its value labels in place of codes; empty cells are null."""
    text = raw.frame[name].cast(pl.String, strict=False)
    if labels := raw.labels.get(name):
        text = text.str.strip_suffix(".0").replace(labels)
    text = text.str.strip_chars()
    return text.set((text == "").fill_null(False), None)


def _holds_regions(cells: pl.Series) -> bool:
    if cells.head(10 * _MOST).n_unique() > _MOST or not cells.count():
        return False
    counts = cells.drop_nulls().value_counts()
    if len(counts) > _MOST:
        return False
    rows = sum(n for value, n in counts.iter_rows() if _is_region(value) or _is_vague(value))
    some = any(_is_region(value) for value in counts.to_series())
    return some and rows > _MOSTLY * cells.count()


def _holds_totals(cells: pl.Series) -> bool:
    values = cells.unique().drop_nulls()
    return 0 < len(values) < 10 and all(_is_total(value) for value in values)


def _holds_sides(cells: pl.Series) -> bool:
    values = cells.unique().drop_nulls()
    sides = {side_word(value) for value in values[:10]}
    return 0 < len(values) < 10 and None not in sides and bool(sides & {"left", "right"})


@cache
def side_word(value: str) -> str | None:
    words = {normalise(word): side for word, side in codebook().words["side"].items()}
    return words.get(normalise(value))


@cache
def _is_region(value: str) -> bool:
    """Whether a cell names a region of the codebook, with its quantity or without."""
    if not normalise(value) or value.isdecimal():
        return False
    reading = as_written(value)
    if reading.variable and is_sure(value):
        return codebook()[reading.variable].roi is not None
    if reading.how == "site only":
        return True
    # Of "Radius 33%" alone the sign is a unit that no density has.
    return reading.how in ("unknown", "other") and is_sure(f"{value} BMD")


@cache
def _is_vague(value: str) -> bool:
    """Whether a cell names a place that is no one region (髋部, Total), or another (L2-L4)."""
    if side_word(value) or not normalise(value) or value.isdecimal():
        return False
    with_quantities = (as_written(f"{value} {quantity}").how for quantity in ("BMD", "T"))
    return all(how in ("ambiguous", "other") for how in with_quantities)


def _with_regions(raw: Raw, form: _Form) -> pl.DataFrame:
    """The rows with what each is of, in one text; null where the region is not known."""
    cells = [_cells(raw, name).alias(str(i)) for i, name in enumerate(form.regions)]
    side = _cells(raw, form.side) if form.side else pl.Series([None], dtype=pl.String)
    side = side if form.side else side.new_from_index(0, len(raw.frame))
    parts = pl.DataFrame([*cells, side.alias("side")])
    distinct = parts.unique(maintain_order=True)
    texts = [_region(row[:-1], row[-1]) for row in distinct.iter_rows()]
    named = distinct.with_columns(pl.Series(_REGION, texts, dtype=pl.String))
    both = parts.join(named, on=parts.columns, how="left", nulls_equal=True, maintain_order="left")
    return raw.frame.with_columns(both[_REGION])


def _region(cells: tuple[str | None, ...], side: str | None) -> str | None:
    """What a row is of: of two columns (左髋 | Neck) the finer, with what the other adds."""
    said = [cell for cell in cells if cell]
    text = _of_two(said[0], said[1]) if len(said) > 1 else (said[0] if said else None)
    if text is None or not (_is_region(text) or _is_vague(text)):
        return None
    word = side_word(side) if side else None
    return f"{word} {text}" if word else text


@cache
def _is_total(region: str) -> bool:
    words = codebook().words["vague"].items()
    return normalise(region) in ("总体", *(normalise(w) for w, of in words if of == "total"))


def _of_two(place: str, region: str) -> str:
    reading = as_written(f"{place} BMD")
    word = f"{reading.side} " if reading.side in ("left", "right") else ""
    if _is_region(region):
        return f"{word}{region}" if is_sure(f"{word}{region} BMD") else region
    if _is_total(region):
        is_hip = any("total_hip" in name for name in reading.candidates)
        return place if _is_region(place) else f"{word}total hip" if is_hip else region
    return f"{place} {region}"


def _filled_down(frame: pl.DataFrame, form: _Form) -> tuple[pl.DataFrame, list[Finding]]:
    """Give the rows below a merged cell its identifier, where no other reading is possible.

    Each block begins with an identifier, and no region occurs in it twice.
    """
    if not form.identifiers:
        return frame, []
    name = form.identifiers[0]
    blank = (pl.col(name).cast(pl.String).str.strip_chars().fill_null("") == "").alias("blank")
    empty = frame.select(blank).to_series()
    if not empty.any() or empty[0] or empty.all():
        return frame, []
    block = (~empty).cast(pl.UInt32).cum_sum().alias(_BLOCK)
    rows = frame.with_columns(block)
    if rows.select(pl.struct(_BLOCK, _REGION).is_duplicated().any()).item():
        return frame, []
    keys = [*form.identifiers, *form.days]
    first = [pl.col(key).drop_nulls().first().over(_BLOCK) for key in keys]
    first = [
        f if frame[k].dtype != pl.String else _not_blank(k)
        for f, k in zip(first, keys, strict=True)
    ]
    message = f"empty cells of {name} below the first of a person's that were filled: {empty.sum()}"
    fix = "write the identifier into every row if two people stand in one block"
    finding = Finding("filled_down", "warning", name, int(empty.sum()), message, fix)
    return rows.with_columns(first).drop(_BLOCK), [finding]


def _not_blank(name: str) -> pl.Expr:
    said = pl.col(name).filter(pl.col(name).str.strip_chars() != "")
    return said.first().over(_BLOCK).alias(name)


def _by_day(frame: pl.DataFrame, form: _Form) -> pl.DataFrame:
    """Take moments for days: a person's regions are scanned minutes after each other.

    Not where one region is scanned twice on a day: the hours tell which is the first.
    """
    moments = [name for name in form.days if frame[name].dtype in (pl.String, pl.Datetime)]
    day = [
        pl.col(n).str.replace(HOUR, "") if frame[n].dtype == pl.String else pl.col(n).dt.date()
        for n in moments
    ]
    by_day = frame.with_columns(day)
    keys = [*form.identifiers, *form.days, _REGION]
    again = by_day.filter(pl.col(_REGION).is_not_null()).select(keys).is_duplicated().any()
    return frame if again or not moments else by_day


def _with_days(frame: pl.DataFrame, form: _Form) -> tuple[pl.DataFrame, list[Finding]]:
    """Give a person's rows without a day that of the row above, or the only one that there is.

    Else the regions of one visit would be two people's rows, each of which lacks a region.
    """
    if not form.identifiers or not form.days:
        return frame, []
    person, findings = form.identifiers[0], []
    for name in form.days:
        text = pl.col(name).cast(pl.String).str.strip_chars()
        day = pl.when(text != "").then(pl.col(name))
        filled = day.forward_fill().over(person).fill_null(day.backward_fill().over(person))
        column = frame.select(pl.when(pl.col(person).is_not_null()).then(filled).otherwise(name))
        n = int((frame.select(day).to_series().is_null() & column.to_series().is_not_null()).sum())
        if n:
            frame = frame.with_columns(column.to_series().alias(name))
            message = f"empty cells of {name} in rows of a person that were filled: {n}"
            fix = "write the day into every row if a person was measured on several"
            findings.append(Finding("days_filled", "warning", name, n, message, fix))
    return frame, findings


def _keyed(frame: pl.DataFrame, form: _Form) -> tuple[pl.DataFrame, list[Finding]]:
    """Number the rows that nothing tells whose they are: each stays by itself."""
    row = pl.int_range(pl.len(), dtype=pl.UInt32)
    if not form.identifiers:
        if frame[_REGION].drop_nulls().n_unique() > 1:
            raise SchemaError(
                f"column {form.regions[-1]!r} says which region a row is of, and no column says "
                "whose: name that of the identifiers with map={heading: 'person_id'} (--map "
                f"HEADING=person_id), or leave the regions as they are with "
                f"{as_map(form.regions[-1])}"
            )
        return frame.with_columns(row.alias(_OWN)), []
    texts = [pl.col(n).cast(pl.String).str.strip_chars().fill_null("") for n in form.identifiers]
    is_nobody = pl.all_horizontal([text == "" for text in texts])
    frame = frame.with_columns(pl.when(is_nobody).then(row).alias(_OWN))
    n = int(frame[_OWN].count())
    message = f"rows of a region without an identifier, each kept as a row of its own: {n}"
    fix = "write the identifier into every row: merged cells hold it in the first only"
    about = ", ".join(form.identifiers)
    return frame, [Finding("region_of_nobody", "error", about, n, message, fix)] * bool(n)


def _single(frame: pl.DataFrame, keys: list[str], repeats: str, form: _Form) -> pl.DataFrame:
    """One row of a region for each person; several are refused, chosen from, or averaged later."""
    again = pl.struct(*keys, _REGION).is_duplicated() & pl.col(_REGION).is_not_null()
    twice = frame.filter(again)
    turn = pl.lit(0, dtype=pl.UInt32).alias(_TURN)
    if not len(twice):
        return frame.with_columns(turn)
    if repeats == "mean":
        nth = pl.int_range(pl.len(), dtype=pl.UInt32).over([*keys, _REGION])
        return frame.with_columns(pl.when(again).then(nth).otherwise(0).alias(_TURN))
    if repeats in ("first", "last"):
        row = pl.col(_ROW).first() if repeats == "first" else pl.col(_ROW).last()
        taken = pl.col(_ROW) == row.over([*keys, _REGION])
        return frame.with_row_index(_ROW).filter(~again | taken).drop(_ROW).with_columns(turn)
    n = twice.select(keys).n_unique()
    day = "on one day" if form.days else "and no column says on which day each was measured"
    raise SchemaError(
        f"column {form.regions[-1]!r}: {people_who(n, 'have')} several rows of one region {day} "
        f"({len(twice)} rows); say which counts with repeats= (--repeats first|last|mean), or "
        "name the column of the day with map={heading: 'scan_date'} (--map HEADING=scan_date)"
    )


def _joined(
    frame: pl.DataFrame, form: _Form
) -> tuple[pl.DataFrame, tuple[str, ...], list[Finding]]:
    """One row a person: a column a region and quantity, of all else the first that is stated."""
    keys = [*form.identifiers, *form.days, _OWN, _TURN]
    taken = {*keys, *form.regions, *form.quantities, form.side, _REGION}
    others = [name for name in frame.columns if name not in taken]
    stated = {name: _stated(frame, name) for name in (*others, *form.quantities)}
    groups = frame.with_columns(stated.values()).group_by(keys, maintain_order=True)
    differing = groups.agg(
        pl.len(), *[pl.col(n).drop_nulls().n_unique().alias(f" {n}") for n in others]
    )
    several = max(int((differing["len"] > 1).sum()), 1)
    counts = {name: int((differing[f" {name}"] > 1).sum()) for name in others}
    by_region = [n for n in others if n not in form.variables and counts[n] > _MOSTLY * several]
    spread = (*form.quantities, *by_region)
    regions = frame[_REGION].drop_nulls().unique(maintain_order=True)
    of_region = [
        pl.col(q).filter(pl.col(_REGION) == region).drop_nulls().first().alias(f"{region} {q}")
        for q in spread
        for region in regions
    ]
    plain = [pl.col(n).drop_nulls().first() for n in others if n not in by_region]
    people = groups.agg(*plain, *of_region)
    names = [n for n in frame.columns if n in people.columns and n not in (_OWN, _TURN)]
    of_region_names = [e for e in people.columns if e not in (*names, _OWN, _TURN)]
    kept = [n for n in of_region_names if people[n].count()]
    findings = [_differs(n, counts[n]) for n in others if counts[n] and n not in by_region]
    return people.select([*names, *kept]), spread, findings


def _stated(frame: pl.DataFrame, name: str) -> pl.Series:
    """A column without its empty cells."""
    column = frame[name]
    if column.dtype != pl.String:
        return column
    return column.set((column.str.strip_chars() == "").fill_null(False), None)


def _differs(name: str, n: int) -> Finding:
    message = f"people whose rows do not agree in this column: {n}; the first that is stated counts"
    fix = "correct the file, if it should be the same in all rows of a person"
    return Finding("differs_within_person", "warning", name, n, message, fix)


def _told(
    given: pl.DataFrame, frame: pl.DataFrame, people: pl.DataFrame, form: _Form
) -> list[Finding]:
    region = form.regions[-1]
    message = (
        f"the table has one row a region: {len(given)} rows of "
        f"{frame[_REGION].drop_nulls().n_unique()} regions became {len(people)}, one a person"
    )
    message += " and day" if form.days else ""
    fix = f"if its rows are people, leave the column as it is with {as_map(region)}"
    findings = [Finding("long_form", "note", ", ".join(form.regions), len(given), message, fix)]
    if n := frame[_REGION].null_count():
        message = f"rows of a region that is not known, whose readings were left out: {n}"
        fix = "call it as the headings are called (L1 … L4, lumbar spine, femoral neck, total hip)"
        findings.append(Finding("unknown_region", "warning", region, n, message, fix))
    return findings


def _spread_declared(declared: Declared, new: dict[str, tuple[str, ...]]) -> Declared:
    """What was declared of a quantity, for its column of each region."""
    keys = {normalise(q): names for q, names in new.items() if names}

    def spread(table: dict[str, Value]) -> dict[str, Value]:
        return {n: value for key, value in table.items() for n in keys.get(normalise(key), (key,))}

    missing = None if declared.missing is None else spread(declared.missing)
    return replace(declared, units=spread(declared.units), missing=missing)
