"""One row a visit: a person's regions that stand in several rows, of one file or of several."""

from __future__ import annotations

from functools import cache

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.checks._repeats import repeated
from osteo_epi.cohort.conform._headings import as_written
from osteo_epi.cohort.conform._hips import with_hips
from osteo_epi.cohort.conform._long import side_word
from osteo_epi.cohort.conform.keeping import tells_people_apart
from osteo_epi.findings import Finding
from osteo_epi.frames import all_differ

_KEY = ["person_id", "scan_date"]
_ROW, _SURE, _SIDE = "__row", "__sure", "__side"
_READINGS = ("abmd_", "t_score_", "z_score_", "vbmd_", "hu_", "bmc_", "area_", "qus_", "tbs")
_LOWEST = "t_score_min_reported"
"""Of each row the lowest score, which differs between the rows of one visit."""
_WITHOUT_SIDES = ("_trochanter", "_wards")
"""Regions of the hip of which the codebook has one reading a person: of two hips the lower."""
_NAMED = 3


def one_row_a_visit(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Join rows of one person and day that hold different regions and agree in all else.

    Parameters
    ----------
    frame
        Canonical columns, and the file's others.

    Returns
    -------
    tuple
        The frame, people in its order, and what was joined. Rows of which one says another value
        than another in any column of the codebook, or in a person's name, stay, as do copies.
        Where a column says left in one row and right in another of the same visit, these are two
        hips.

    Examples
    --------
    >>> from datetime import date
    >>> frame = pl.DataFrame({"person_id": ["a"] * 3, "scan_date": [date(2019, 3, 5)] * 3,
    ...                       "abmd_lumbar_spine": [0.9, None, None],
    ...                       "abmd_total_hip": [None, 0.8, 0.7],
    ...                       "scan": ["Spine", "Left Hip", "Right Hip"]})
    >>> one_row_a_visit(frame)[0].drop("person_id", "scan_date", "scan").rows()
    [(0.9, 0.7, 0.8, 0.7)]
    """
    if not set(_KEY) <= set(frame.columns):
        return frame, []
    if all_differ(frame["person_id"].drop_nulls().hash()):  # as in most files, and soon told
        return frame, []
    again = pl.struct(_KEY).is_duplicated() & pl.all_horizontal(pl.col(_KEY).is_not_null())
    numbered = frame.with_row_index(_ROW)
    rows = numbered.filter(repeated(frame) & again)
    if rows.is_empty():
        return frame, []
    rows, by = _with_two_hips(rows)
    lower = [n for n in rows.columns if n == _LOWEST or (by and _is_of_a_hip_without_sides(n))]
    sure = rows.group_by(_KEY).agg(_agree(rows, lower).alias(_SURE)).filter(_SURE)
    rows = rows.join(sure.select(_KEY), on=_KEY, how="semi")
    if rows.is_empty():
        return frame, []
    others = [n for n in rows.columns if n not in codebook() and n != _ROW]
    visits = rows.group_by(_KEY, maintain_order=True)
    differing = visits.agg(pl.col(others).drop_nulls().n_unique() > 1)
    joined = _with_regions_of_hips(visits.agg(_stated(rows, [_ROW, *lower])))
    rest = numbered.join(rows.select(_ROW), on=_ROW, how="anti")
    out = pl.concat([rest, joined], how="diagonal").sort(_ROW).drop(_ROW)
    names = [n for n in codebook().variables if n in out.columns]
    out = out.select(*names, *(n for n in out.columns if n not in names))
    lost = [n for n in others if differing[n].any()]
    return out, [_told(len(rows), len(joined), by, lost)]


def names_of_people(frame: pl.DataFrame) -> list[pl.Expr]:
    """What the file's own columns call a person, where one person has one value.

    Parameters
    ----------
    frame
        People, and the columns that the codebook does not know.

    Returns
    -------
    list
        An expression a column, text in it without case, blanks and signs.

    Examples
    --------
    >>> frame = pl.DataFrame({"Name": ["LI, Na"], "ward": ["3"]})
    >>> frame.select(names_of_people(frame)).rows()
    [('lina',)]
    """
    names = [n for n in frame.columns if n not in codebook() and tells_people_apart(n)]
    return [_bare(n) if frame[n].dtype == pl.String else pl.col(n) for n in names]


def _told(n: int, visits: int, by: str, lost: list[str]) -> Finding:
    """Say how many rows became how many, and of which other columns the first value was kept."""
    message = (
        "rows of one person and day that hold different regions and agree in all else were "
        f"joined: {n} rows became {visits}"
    )
    if by:
        message += f", left and right hips by the column {by}"
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        message += f"; of {', '.join(lost[:_NAMED])}{more} the first that is stated is kept"
    fix = "if the rows are of different people, give each an identifier of its own"
    return Finding("one_row_a_visit", "note", ", ".join(_KEY), n, message, fix)


def _is_of_a_hip_without_sides(name: str) -> bool:
    return name in codebook() and any(region in name for region in _WITHOUT_SIDES)


def _stated(rows: pl.DataFrame, lower: list[str]) -> list[pl.Expr]:
    """Of each column what is stated first, of some the lowest."""
    names = [name for name in rows.columns if name not in _KEY]
    return [pl.col(n).min() if n in lower else pl.col(n).drop_nulls().first() for n in names]


def _agree(rows: pl.DataFrame, lower: list[str]) -> pl.Expr:
    """Whether a visit's rows contradict each other nowhere, and one holds what another lacks."""
    known = [n for n in rows.columns if n in codebook() and n not in (*_KEY, *lower)]
    readings = [n for n in known if n.startswith(_READINGS)]
    one_value = [
        c.drop_nulls().n_unique() <= 1 for c in (*map(pl.col, known), *names_of_people(rows))
    ]
    lacking = [pl.col(n).count().is_between(1, pl.len() - 1) for n in readings]
    return pl.all_horizontal(*one_value) & pl.any_horizontal(pl.lit(False), *lacking)


def _bare(name: str) -> pl.Expr:
    """A name without case, blanks and signs: LI, Na and Li Na are one."""
    return pl.col(name).str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]", "")


def _with_regions_of_hips(rows: pl.DataFrame) -> pl.DataFrame:
    """The regions without a side, made anew of those of both sides."""
    known = [name for name in rows.columns if name in codebook()]
    return rows.with_columns(with_hips(rows.select(known)))


def _with_two_hips(rows: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Readings of a region of the hip under its side, and the column that says which it is.

    What a region without a side holds of the sides alone is taken off: it is made anew when the
    sides stand in one row.
    """
    sided = _sided(rows)
    known = [name for name in rows.columns if name in codebook() and name not in sided]
    made = with_hips(rows.select(known))
    rows = rows.with_columns(
        pl.when(pl.col(name).ne_missing(made[name])).then(name).alias(name)
        for name in sided
        if name in made.columns
    )
    side = _side_of_rows(rows, list(sided))
    if side is None:
        return rows, ""
    rows = rows.with_columns(side.alias(_SIDE))
    for whole, names in sided.items():
        for said, name in names.items():
            is_here = pl.col(_SIDE) == said
            own = [name] if name in rows.columns else []
            moved = pl.when(is_here).then(whole)
            rows = rows.with_columns(pl.coalesce(*own, moved).alias(name))
        rows = rows.with_columns(pl.when(pl.col(_SIDE).is_null()).then(whole).alias(whole))
    return rows.drop(_SIDE), side.name


def _sided(rows: pl.DataFrame) -> dict[str, dict[str, str]]:
    """By variable of the hip without a side that is here, those of left and right."""
    sided: dict[str, dict[str, str]] = {}
    for variable in codebook().variables.values():
        if variable.whole in rows.columns and variable.side in ("left", "right"):
            sided.setdefault(variable.whole, {})[variable.side] = variable.name
    return sided


def _side_of_rows(rows: pl.DataFrame, wholes: list[str]) -> pl.Series | None:
    """What a column says of the side, if it does so of each row with a hip, and of two in a visit.

    A person's hand or dominant side is the same in all rows, and so no side of a scan.
    """
    held = rows.select(pl.any_horizontal(pl.lit(False), pl.col(wholes).is_not_null())).to_series()
    for name, kind in rows.schema.items():
        if kind != pl.String or name in codebook():
            continue
        words = rows[name].unique().drop_nulls().to_list()
        side = rows[name].replace_strict(
            words, [_side(word) for word in words], default=None, return_dtype=pl.String
        )
        if side.filter(held).null_count():
            continue
        each = rows.select(_KEY).with_columns(side.alias(_SIDE)).filter(held)
        if (each.group_by(_KEY).agg(pl.col(_SIDE).n_unique())[_SIDE] > 1).any():
            return side
    return None


@cache
def _side(word: str) -> str | None:
    said = side_word(word) or as_written(f"{word} BMD").side
    return said if said in ("left", "right") else None
