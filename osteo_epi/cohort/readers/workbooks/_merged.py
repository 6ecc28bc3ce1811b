"""Merged cells: one stands over several rows, and a reader gives its words to the first alone.

The file says which rows a cell is of, and nothing is guessed. Who a person is, and what a group of
people has in common, is so written; of a measurement that stands over several rows nobody can say
whose it is. Known of .xlsx alone: the quick reader tells merged cells of no workbook, and in .xls,
.xlsb and .ods they stand in records between the cells, so that blanks are guessed at there, as in
text (`filled_down`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import as_written
from osteo_epi.cohort.readers._guard import foreign
from osteo_epi.cohort.readers._layout import Merged
from osteo_epi.cohort.readers._raw import Form
from osteo_epi.cohort.readers.workbooks._lost import LOST, Places
from osteo_epi.findings import Finding

_ENDINGS = (".xlsx", ".xlsm")
_WHO = ("sex", "age", "birth_date")
_NOT_MEASURED = {"age", "menopause_age", "years_since_menopause", "exam_year", "survey_weight"}


def merged_cells(
    path: Path, sheet: str, first: int
) -> tuple[Merged, list[int], Mapping[str, Places]]:
    """The merged cells of a sheet whose table begins in the column `first`, and what is beside.

    That is its hidden rows, and the cells to be told of by the code of their finding. The column
    `first` becomes 0; rows are counted from the sheet's first, which is 0.
    """
    if path.suffix.casefold() not in _ENDINGS:
        return (), [], {}
    (ranges,), meta = foreign("merged_cells", path, sheet=sheet) or ([pl.DataFrame()], {})
    cells = [(top, left - first, last, right - first) for top, left, last, right in ranges.rows()]
    lost = {code: [(row, at - first) for row, at in meta.get(code, ())] for code in LOST}
    return cells, meta.get("hidden", []), lost


def of_hidden(rows: Sequence[int], above: int, n: int) -> list[Finding]:
    """Say that rows below the headings are hidden: a filter leaves them in the file."""
    inside = sum(above <= row < above + n for row in set(rows))
    if not inside:
        return []
    message = f"rows that the workbook hides, which were read as the others were: {inside}"
    fix = "if a filter chose people, copy the rows that it shows onto a sheet of their own"
    return [Finding("hidden_rows", "warning", "", inside, message, fix)]


def without_merged(
    body: pl.DataFrame, merged: Merged, above: int, form: Form
) -> tuple[pl.DataFrame, list[Finding]]:
    """Give each row of a merged cell what the cell says; of a measurement the first row alone.

    Parameters
    ----------
    body
        The rows below the headings, empty ones among them.
    merged
        The merged cells of the sheet.
    above
        How many rows of the sheet stand above the body.
    form
        The headings that the caller names.

    Returns
    -------
    tuple
        The rows, and what was done. A row that holds nothing of its own stays empty, and a cell
        that holds something keeps it. The rows of a merged identifier are one person's, who has
        one sex, age and birth.

    Examples
    --------
    >>> body = pl.DataFrame({"ID": ["a", None], "Sex": ["F", None], "neck BMD": [0.7, 0.8]})
    >>> without_merged(body, [(1, 0, 2, 0)], 1, Form())[0].rows()
    [('a', 'F', 0.7), ('a', 'F', 0.8)]
    """
    ranges = np.array(merged, dtype=np.int64).reshape(-1, 4)
    sources = {
        name: rows
        for place, name in enumerate(body.columns)
        if (rows := _sources(ranges[ranges[:, 1] == place] - above, len(body))) is not None
    }
    variables = {name: _variables(name, form) for name in body.columns} if len(ranges) else {}
    across = _across(ranges - [above, 0, above, 0], body, variables)
    if not sources:
        return body, across
    sources = _of_persons(sources, variables)
    holds = {name: _holds(body[name]) for name in body.columns}
    own = np.logical_or.reduce(list(holds.values()))
    filled, counts, left = [], {}, {}
    for name, rows in sources.items():
        to_fill = own & ~holds[name] & holds[name][rows]
        if not (n := int(to_fill.sum())):
            continue
        if any(map(_is_measured, variables[name])):
            left[name] = n
        else:
            counts[name] = n
            filled.append(body[name].gather(np.where(to_fill, rows, np.arange(len(body)))))
    return body.with_columns(filled), [*_filled(counts), *_left(left), *across]


def _across(
    ranges: np.ndarray, body: pl.DataFrame, variables: Mapping[str, tuple[str, ...]]
) -> list[Finding]:
    """Say that a measurement stands over several columns: the first alone was given it."""
    counts: dict[str, int] = {}
    for place, name in enumerate(body.columns):
        if not any(map(_is_measured, variables.get(name, ()))):
            continue
        tops = ranges[(ranges[:, 1] == place) & (ranges[:, 3] > place), 0]
        held = _holds(body[name])[tops[(tops >= 0) & (tops < len(body))]]
        if n := int(held.sum()):
            counts[name] = n
    if not counts:
        return []
    n = sum(counts.values())
    message = f"measurements in cells merged over several columns, taken for the first's: {n}"
    fix = "unmerge the cells in the file, and write each measurement into the column that it is of"
    return [Finding("merged_across", "warning", ", ".join(counts), n, message, fix)]


def _sources(ranges: np.ndarray, n: int) -> np.ndarray | None:
    """The row that each of `n` rows of a column takes its cell from; None where it is its own.

    A range that asks for more rows than there are ends with them, and of two that overlap the
    first holds: a broken file asks for no more than its own size.
    """
    tops, lasts = ranges[:, 0], np.minimum(ranges[:, 2], n - 1)
    order = np.lexsort((-lasts, tops))
    tops, lasts = tops[order], lasts[order]
    reached = np.concatenate([[-1], np.maximum.accumulate(lasts)[:-1]]) if len(lasts) else lasts
    sound = (tops >= 0) & (lasts > tops) & (tops > reached)
    tops, lengths = tops[sound], (lasts - tops)[sound]
    if not len(tops):
        return None
    rows = np.arange(n)
    ends = np.cumsum(lengths)
    step = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    rows[np.repeat(tops, lengths) + 1 + step] = np.repeat(tops, lengths)
    return rows


def _variables(heading: str, form: Form) -> tuple[str, ...]:
    """The variables that a column may be of."""
    if heading in form.wanted:
        return tuple(filter(None, [form.wanted[heading]]))
    reading = as_written(heading)
    return (reading.variable,) if reading.variable else reading.candidates


def _is_measured(name: str) -> bool:
    variable = codebook().variables.get(name)
    return variable is not None and variable.kind == "quantity" and name not in _NOT_MEASURED


def _of_persons(
    sources: dict[str, np.ndarray], variables: Mapping[str, tuple[str, ...]]
) -> dict[str, np.ndarray]:
    """Let sex, age and birth follow the identifier where they are not merged themselves."""
    ids = [rows for name, rows in sources.items() if variables[name] == ("person_id",)]
    who = [name for name, of in variables.items() if len(of) == 1 and of[0] in _WHO]
    return {**dict.fromkeys(who, ids[0]), **sources} if ids else sources


def _holds(column: pl.Series) -> np.ndarray:
    """Which cells hold something."""
    if column.dtype == pl.String:
        column = column.set((column.str.strip_chars() == "").fill_null(True), None)
    return column.is_not_null().to_numpy()


def _filled(counts: Mapping[str, int]) -> list[Finding]:
    if not counts:
        return []
    n = sum(counts.values())
    message = f"cells below the first row of merged cells, which say the same as it: {n}"
    fix = "unmerge them in the file if a merged cell is of its first row alone"
    return [Finding("merged_cells", "note", ", ".join(counts), n, message, fix)]


def _left(counts: Mapping[str, int]) -> list[Finding]:
    if not counts:
        return []
    n = sum(counts.values())
    message = (
        "rows below the first of a merged cell in columns of measurements, in which the "
        f"measurement counts as missing, for nobody can say that it is theirs: {n}"
    )
    fix = "unmerge the cells in the file, and write each measurement into the rows that it is of"
    return [Finding("merged_measurements", "warning", ", ".join(counts), n, message, fix)]
