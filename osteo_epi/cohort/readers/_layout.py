"""Where the headings of a table are, and which of its last rows are no person.

A table that was made for readers has a title above its headings, two rows of headings where one
cell stands over several (腰椎 over 骨密度 and T值), a row of units, and totals and remarks below.
Headings are found by what they say: a row of at least two that are known, above which there are
only rows of a few cells. What is found is said; where nothing is found, the first row is taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.conform._headings import as_written, is_sure
from osteo_epi.cohort.readers._raw import Form, Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

Merged = Sequence[tuple[int, int, int, int]]
"""Merged cells of a sheet, each its first row and column, last row and column, from 0."""
Cells = tuple[pl.Series, pl.Series]
"""Rows of a column, and what they say."""
Spans = Sequence[Sequence[tuple[int, int]]]
ROWS = 30  # rows in which headings are looked for
_COLUMNS = 300  # cells of a row that are looked at
_FEW = 2  # headings that make a row of them, and rows that may complete it
_LONG = 60  # signs above which a cell is a sentence and no heading
_LAST = 50  # rows at the end in which remarks are looked for
_NUMBER = re.compile(r"[<>≥≤=~]?\s*[-+\u2212]?[\d.,]*\d[\d.,:/\-\s年月日]*[*%]?")
_REMARK = re.compile(
    r"(?:注|备注|说明|数据来源|资料来源|单位|制表|填表人|审核|note|notes|source|remark|footnote|n\.b)"
    r"\s*\d*\s*[:：.、]|[*†‡※]",
    flags=re.IGNORECASE,
)
_EMPTY = {"-", "--", "—", "——", "–", "/", "\\", "·"}  # in rows of headings: nothing stands here
_ANSWERS = {"yes", "no", "true", "false", "是", "否", "有", "无"}
_NAMES = {"姓名", "患者姓名", "病人姓名", "受检者", "name", "patientname", "fullname", "surname"}


@dataclass(frozen=True)
class Layout:
    """The headings of a table, `start` rows from its top and `depth` rows deep."""

    start: int
    depth: int
    names: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, a date or a time.

    >>> is_number("－２．５"), is_number("2019年3月4日"), is_number("L1-L4"), is_number("062Y")
    (True, True, False, False)
    """
    return _NUMBER.fullmatch(unicodedata.normalize("NFKC", cell).strip()) is not None


@lru_cache(maxsize=20_000)
def is_heading(cell: str) -> bool:
    """Whether a cell says something that headings say.

    >>> is_heading("股骨颈T值"), is_heading("腰椎"), is_heading("2.5"), is_heading("某医院登记表")
    (True, True, False, False)
    """
    text = cell.strip()
    if not text or len(text) > _LONG or is_number(text):
        return False
    reading = as_written(text)
    # A word of sex is an answer more often than a heading.
    return reading.how != "unknown" and reading.candidates != ("sex",)


def known(row: Sequence[str], wanted: Iterable[str] = ()) -> int:
    """How many cells of a row are headings, or one of those that the caller names."""
    named = set(wanted)
    return sum(cell.strip() in named or is_heading(cell) for cell in row[:_COLUMNS])


def lay_out(rows: Sequence[Sequence[str]], form: Form, file: str, merged: Merged = ()) -> Layout:
    """Find the headings of a table.

    Parameters
    ----------
    rows
        The first rows, cells of text, "" where there is none.
    form
        What the caller says of them.
    file
        Name of the file, for messages.
    merged
        Cells that are known to be merged; where none is, a heading is taken to stand over the
        empty cells to its right.

    Returns
    -------
    Layout
        The headings, one a column, and what was noticed.

    Raises
    ------
    SchemaError
        If more rows are declared than there are.

    Examples
    --------
    >>> rows = [["登记表", "", "", ""], ["编号", "性别", "腰椎", ""], ["", "", "骨密度", "T值"],
    ...         ["1", "女", "0.9", "-1"]]
    >>> layout = lay_out(rows, Form(), "clinic.xlsx")
    >>> layout.start, layout.depth, layout.names
    (1, 2, ('编号', '性别', '腰椎 骨密度', '腰椎 T值'))
    """
    start = _start(rows, form) if form.skip_rows is None else form.skip_rows
    depth = form.header_rows
    if depth is None:
        depth = max(_depth(rows, start, form), _merged_depth(start, merged))
    if start + depth > len(rows) or start >= len(rows):
        raise SchemaError(
            f"{file} has {len(rows)} rows at its top, and {start} to skip with {depth} of headings "
            "were declared; lower skip_rows= (--skip-rows) or header_rows= (--header-rows)"
        )
    width = max(map(len, rows[start:]))
    top = [_padded(row, width) for row in rows[start : start + depth]]
    spans = [[(m[1], m[3]) for m in merged if m[0] == start + i] for i in range(depth)]
    names = tuple(joined(top, spans)) if depth else tuple(f"column_{i + 1}" for i in range(width))
    if depth:
        names = names[: max(len(row) for row in rows[start : start + depth])]
    if depth == 1 and form.header_rows is None:
        _refuse_values(names, form, file)
    return Layout(start, depth, names, tuple(_told(start, depth, names, form)))


def _start(rows: Sequence[Sequence[str]], form: Form) -> int:
    """The row in which the headings begin: the first, unless they are surely below it."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    score = [known(row, form.wanted) for row in rows]
    for i, row in enumerate(rows):
        numbers = sum(map(is_number, row))
        if score[i] < _FEW or numbers * 4 > filled[i]:
            continue
        above = [
            filled[j] < filled[i] and filled[j] <= max(_FEW, filled[i] // 2) and score[j] < score[i]
            for j in range(i)
        ]
        if not all(above):
            return _first(filled)
        return i - 1 if i and _gain(rows[i - 1], row) else i
    return _first(filled)


def _first(filled: Sequence[int]) -> int:
    return next((i for i, n in enumerate(filled) if n), 0)


def _depth(rows: Sequence[Sequence[str]], start: int, form: Form) -> int:
    """How many rows the headings have: two where the second completes the first."""
    depth = 1
    while start + depth < len(rows):
        below = rows[start + depth]
        above = rows[start + depth - 1]
        more = _gain(above, below) or _fills(above, below) or _is_units(below)
        if depth < 1 + _FEW and more:
            depth += 1
        else:
            break
    return depth


def _merged_depth(start: int, merged: Merged) -> int:
    """How many rows the headings have by a cell of theirs that is merged with those below."""
    depths = [last - start + 1 for top, _left, last, _right in merged if top == start]
    return max((depth for depth in depths if depth <= 1 + _FEW), default=1)


def _gain(top: Sequence[str], below: Sequence[str]) -> int:
    """How many columns two rows name together that neither names alone; 0 with a number below."""
    if any(map(is_number, below)) or not any(map(is_heading, below[:_COLUMNS])):
        return 0
    width = max(len(top), len(below))
    pair = [_padded(top, width), _padded(below, width)]
    both = zip(_spread(pair)[0], pair[1], strict=True)
    return sum(
        bool(a and b) and is_sure(f"{a} {b}") and not is_sure(a) and not is_sure(b)
        for a, b in list(both)[:_COLUMNS]
    )


def _fills(top: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a row names the columns that a merged cell above it leaves without a name.

    Surely so where each of its cells is a heading, stands under no heading of its own, and several
    stand under an empty cell: people's values are no headings.
    """
    width = max(len(top), len(below))
    pairs = list(zip(_padded(top, width), _padded(below, width), strict=True))[:_COLUMNS]
    named = [(a, b) for a, b in pairs if b]
    return (
        len(named) >= _FEW
        and all(is_sure(b) and (a == b or not is_sure(a)) for a, b in named)
        and any(not a for a, _ in named)
    )


def _is_units(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    return len(cells) >= _FEW and all(_unit(cell) for cell in cells)


def _unit(cell: str) -> str | None:
    return codebook().unit(unicodedata.normalize("NFKC", cell).strip(" ()[]{}"))


def _padded(row: Sequence[str], width: int) -> list[str]:
    cells = ("" if cell.strip() in _EMPTY else cell.strip() for cell in row)
    return [*cells, *[""] * (width - len(row))]


def _spread(rows: list[list[str]], spans: Spans = ()) -> list[list[str]]:
    """Let a cell stand over those that it is merged with.

    In a row of which no merged cell is known it stands over the empty ones to its right, as far as
    there are headings below.
    """
    out = []
    for i, row in enumerate(rows[:-1]):
        spread, last = [], ""
        if wide := [(left, right) for left, right in (spans[i] if spans else ()) if right > left]:
            over = {j: left for left, right in wide for j in range(left, min(right + 1, len(row)))}
            out.append([row[max(0, over.get(j, j))] for j in range(len(row))])
            continue
        for j, cell in enumerate(row):
            is_end = not cell and not any(below[j] for below in rows[i + 1 :])
            last = "" if is_end else cell or last
            spread.append(last)
        out.append(spread)
    return [*out, rows[-1]]


def joined(rows: list[list[str]], spans: Spans = ()) -> list[str]:
    """One heading a column, of several rows of headings.

    A part that adds nothing to what the others say is left out, unless two columns need it.
    `spans` are the first and last columns of each row's merged cells, where they are known.

    >>> joined([["基本信息", "", "腰椎", ""], ["编号", "年龄", "骨密度", "T值"]])
    ['编号', '年龄', '腰椎 骨密度', '腰椎 T值']
    """
    if len(rows) == 1:
        return rows[0]
    units = [row for row in rows[1:] if _is_units(row)]
    places = [i for i, row in enumerate(rows) if row not in units]
    named = _spread([rows[i] for i in places], [spans[i] for i in places] if spans else ())
    names = [_named(parts) for parts in zip(*named, strict=True)]
    whole = [" ".join(filter(None, parts)) for parts in zip(*named, strict=True)]
    names = [w if names.count(n) > 1 else n for n, w in zip(names, whole, strict=True)]
    for row in units:
        pairs = zip(names, row, strict=True)
        names = [f"{n} ({u.strip(' ()[]（）')})" if n and u else n for n, u in pairs]
    return names


def _named(parts: Sequence[str]) -> str:
    said = [part for part in parts if part]
    ways = [said[i:] for i in range(len(said))] + [[part] for part in said]
    texts = [" ".join(way) for way in ways]
    if len(said) > 1 and as_written(texts[0]).how == "other":
        return texts[0]  # a change, a score of QCT: what stands below alone says another thing
    return next(
        (text for text in texts if is_sure(text)), said[-1] if parts[-1] else "".join(said[:1])
    )


def _told(start: int, depth: int, names: Sequence[str], form: Form) -> Iterable[Finding]:
    if start and form.skip_rows is None:
        message = f"rows above the headings that were left out: {start}"
        fix = "if the headings begin elsewhere, say after how many rows: skip_rows= (--skip-rows)"
        yield Finding("title_rows", "note", "", start, message, fix)
    if depth > 1 and form.header_rows is None:
        shown = ", ".join(repr(name) for name in names if " " in name)
        message = f"the headings stand in {depth} rows; they were joined ({_short(shown)})"
        fix = "if there are more or fewer, say how many: header_rows= (--header-rows)"
        yield Finding("heading_rows", "note", "", depth, message, fix)


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[:most].rpartition(',')[0]}, …"


def like_values(names: Sequence[str]) -> bool:
    """Whether a row that was taken for headings looks like a participant's values.

    >>> like_values(["1", "女", "0.812"]), like_values(["编号", "性别", "2019"])
    (True, False)
    """
    cells = [name for name in names if name.strip() and not name.startswith("unnamed_")]
    return sum(map(_is_value, cells)) * 3 > len(cells)


def _is_value(cell: str) -> bool:
    """Whether a cell is a number or an answer, as no heading is."""
    plain = unicodedata.normalize("NFKC", cell).strip().casefold()
    return is_number(plain) or plain in _ANSWERS or plain in codebook()["sex"].words


REMEDY = (
    "add a line of headings, or say that there is none with header_rows=0 (--header-rows 0) and "
    'name the columns with map={"column_1": variable} (--map column_1=VARIABLE); if headings stand '
    "further down, say after how many rows with skip_rows= (--skip-rows)"
)


def _refuse_values(names: Sequence[str], form: Form, file: str) -> None:
    if like_values(names) and known(names, form.wanted) < _FEW:
        raise SchemaError(f"{file}: the first row looks like values, not headings; {REMEDY}")


def unknown_headings(frame: pl.DataFrame) -> str:
    """The message for a table of which no heading is known, with what was taken for headings.

    Headings are shown only where they cannot be a person's values: none is a number or an answer,
    and there is a column of numbers below.
    """
    names = frame.columns
    told = [name for name in names if not name.startswith("unnamed_")]
    n, numbers_below = len(names), any(map(_has_numbers, frame.get_columns()))
    sure = numbers_below and not any(map(_is_value, names))
    if like_values(names) or any(map(is_number, names)):
        return f"none of the {n} headings is known: the first row looks like values; {REMEDY}"
    shown = f" (taken for headings: {_short(', '.join(map(repr, told)))})" if sure else ""
    return (
        f"none of the {n} headings is known{shown}; if the headings stand in other rows, say so "
        "with skip_rows= (--skip-rows) and header_rows= (--header-rows); if their letters are "
        "wrong, name the file's encoding= (--encoding); otherwise name them with "
        "map={heading: variable} (--map HEADING=VARIABLE)"
    )


def _has_numbers(column: pl.Series) -> bool:
    if column.dtype.is_numeric():
        return True
    cells = column.drop_nulls().cast(pl.String, strict=False).head(100).to_list()
    return bool(cells) and sum(map(is_number, cells)) * 2 > len(cells)


def without_headings(raw: Raw) -> Raw:
    """Leave out rows of a body that say its headings again, as files joined one below another do.

    Raises
    ------
    SchemaError
        If a row says the headings in another order: the rows below it would be read crosswise.

    Examples
    --------
    >>> raw = Raw(pl.DataFrame({"age": ["61", "age"], "sex": ["F", "sex"]}), (), "csv")
    >>> without_headings(raw).frame.rows()
    [('61', 'F')]
    """
    columns = [c for c in raw.frame.get_columns() if not c.name.startswith("unnamed_")]
    text, names = [c for c in columns if c.dtype == pl.String], [c.name for c in columns]
    # Two columns of text tell the few rows that are looked at whole.
    said = _saying(text[0], names) if text else pl.Series([], dtype=pl.UInt32)
    said = said.gather(_saying(text[1].gather(said), names)) if text[1:] else said
    rows = [*said, *_wordy(text)]
    again = [row for row in dict.fromkeys(rows) if _is_again(raw.frame, row)]
    if not again:
        return raw
    message = f"rows that say the headings again, and were left out: {len(again)}"
    fix = "joined files? see that nobody stands in two of them"
    finding = Finding("headings_again", "warning", "", len(again), message, fix)
    kept = ~pl.Series(range(len(raw.frame))).is_in(pl.Series(again).implode())
    return replace(raw, frame=raw.frame.filter(kept), findings=(*raw.findings, finding))


def _saying(column: pl.Series, names: list[str]) -> pl.Series:
    """Rows of a column that say one of these."""
    return column.str.strip_chars().is_in(pl.Series(names).implode()).arg_true()


def _wordy(text: Sequence[pl.Series]) -> list[int]:
    """Rows without any digit in a column of numbers, as headings in other words would be."""
    numbers = (c for c in text if codebook().variables.get(as_written(c.name).variable or ""))
    column = next((c for c in numbers if codebook()[as_written(c.name).variable or ""].range), None)
    if column is None:
        return []
    bare = column.str.strip_chars()
    wordy = ~bare.str.contains(r"\d") & (bare.str.len_chars() > 1)
    rows = (wordy.fill_null(False) & ~bare.is_in(sorted(codebook().missing_words))).arg_true()
    return rows.head(_LAST).to_list()


def _is_again(frame: pl.DataFrame, row: int) -> bool:
    """Whether all cells that a row has are the headings above them."""
    cells = {
        name: str(cell).strip()
        for name, cell in zip(frame.columns, frame.row(row), strict=True)
        if cell is not None and str(cell).strip()
    }
    here = {name: as_written(name).variable or name for name in cells}
    there = {c: as_written(c).variable or c for c in cells.values() if len(c) <= _LONG}
    said = [c for c in cells.values() if c in frame.columns or there.get(c) in here.values()]
    if len(said) < _FEW or len(said) * 2 <= len(cells) or known(said) < _FEW:
        return False
    if all(here[name] == there.get(cell) for name, cell in cells.items() if cell in said):
        return True
    raise SchemaError(
        f"data row {row + 1} says the headings again and in other places than the first row, so "
        "that the rows below it would be read under the wrong headings; bring both parts of the "
        "file to one order of columns and delete this row, or read them as two files"
    )


def without_totals(raw: Raw) -> Raw:
    """Leave out totals, means and remarks, which are rows of the table and no people.

    Parameters
    ----------
    raw
        As a reader gave it.

    Returns
    -------
    Raw
        Without the rows whose identifier, name or first cell is a word such as 合计 or Mean, and
        that have no sex (or, where there is no column of sex, no age), and without remarks at the
        end, of which there is one cell. A finding counts them.

    Examples
    --------
    >>> raw = Raw(pl.DataFrame({"id": ["1", "合计"], "sex": ["女", None]}), (), "csv")
    >>> without_totals(raw).frame.rows()
    [('1', '女')]
    """
    frame = raw.frame
    columns = [frame[name] for name in _naming(frame) if frame[name].dtype == pl.String]
    if not len(frame) or not columns:
        return raw
    cells = [_wordlike(column) for column in columns]
    summaries = codebook().summaries
    called = _called(frame, cells, _of_groups([*summaries["totals"], *summaries["averages"]]))
    ids = [cells[k] for k, column in enumerate(columns) if _is_identifier(column.name)]
    called |= _called(frame, ids, _groups())
    gone = called & ~_is_person(frame, called, cells) if called.any() else called
    remarks = _remarks(frame.tail(_LAST), columns[0].name)
    gone = gone | pl.Series([False] * (len(frame) - len(remarks)) + remarks, dtype=pl.Boolean)
    doubtful = int((called & ~gone).sum())
    tests = int((_called(frame, cells, summaries["tests"]) & ~gone).sum())
    findings = [*_left_out(int(gone.sum())), *_doubtful(doubtful), *_of_tests(tests)]
    if gone.all():
        return raw
    return replace(raw, frame=frame.filter(~gone), findings=(*raw.findings, *findings))


def is_summary(cell: str) -> bool:
    """Whether a cell says of its row that it is of totals or means.

    Examples
    --------
    >>> is_summary("合 计:"), is_summary("P001")
    (True, False)
    """
    words = _of_groups([*codebook().summaries["totals"], *codebook().summaries["averages"]])
    return bool(_called(pl.DataFrame([cell]), [_wordlike(pl.Series([cell]))], words)[0])


def _wordlike(column: pl.Series) -> Cells:
    """The rows of a column that may be a word: short, and without digits; and their cells."""
    short = (column.str.len_bytes() <= _LONG) & ~column.str.contains("[0-9]")
    rows = short.fill_null(False).arg_true()
    cells = column.gather(rows).str.normalize("NFKC").str.replace_all(r"[\s:]", "")
    return rows, cells.str.to_lowercase()


def _called(frame: pl.DataFrame, columns: list[Cells], words: Iterable[str]) -> pl.Series:
    """Rows in which a column holds one of these words."""
    plain = pl.Series(sorted({word.replace(" ", "") for word in words})).implode()
    called = pl.repeat(False, len(frame), dtype=pl.Boolean, eager=True)
    for rows, cells in columns:
        called = called.scatter(rows.filter(cells.is_in(plain).fill_null(False)), True)
    return called


def _is_identifier(heading: str) -> bool:
    return as_written(heading).variable == "person_id"


def _groups() -> list[str]:
    """Words of sex, which nobody goes by: a row so called holds the means of the women, or men."""
    return [w for w in codebook()["sex"].words if len(w) > 1 or not w.isascii()]


def _of_groups(words: Iterable[str]) -> list[str]:
    """Words, also beside one of a sex: Subtotal women, 女性合计."""
    plain = list(words)
    pairs = product(plain, _groups())
    return [*plain, *(text for word, group in pairs for text in (word + group, group + word))]


def _naming(frame: pl.DataFrame) -> list[str]:
    """The columns in which a row says what it is: the first, identifiers, names."""
    ids = filter(_is_identifier, frame.columns[:_COLUMNS])
    names = [n for n in frame.columns[:_COLUMNS] if re.sub(r"\W", "", n).casefold() in _NAMES]
    return list(dict.fromkeys([*frame.columns[:1], *ids, *names]))


def _is_person(frame: pl.DataFrame, called: pl.Series, columns: list[Cells]) -> pl.Series:
    """Rows with a sex that others have too; without a column of sex, those with an age.

    A row of means has a mean age, and that is none of a person's.
    """
    variables = {as_written(n).variable: n for n in frame.columns[:_COLUMNS]}
    if name := variables.get("sex"):
        column = frame[name].cast(pl.String).str.strip_chars()
        of_people = column.filter(~called).unique().drop_nulls()
        return column.is_in(of_people.filter(of_people != "").implode()).fill_null(False)
    name = variables.get("age")
    if not name:
        return pl.Series([False]).new_from_index(0, len(frame))
    column = frame[name].cast(pl.String).str.strip_chars()
    averages = _called(frame, columns, _of_groups(codebook().summaries["averages"]))
    return (column.fill_null("") != "") & ~averages


def _remarks(tail: pl.DataFrame, first: str) -> list[bool]:
    """Which of the last rows are remarks: one cell, in the first column, that begins as one."""
    rows = [[c for c in row if c is not None and str(c).strip()] for row in tail.iter_rows()]
    told = [
        len(cells) == 1
        and bool(_REMARK.match(unicodedata.normalize("NFKC", str(cells[0])).strip()))
        for cells in rows
    ]
    return [is_remark and tail.width > 1 for is_remark in told]


def _left_out(n: int) -> list[Finding]:
    if not n:
        return []
    message = f"rows of totals, means or remarks that were left out: {n}"
    fix = "they are no people; if one is, give it a sex and an age, and another name"
    return [Finding("total_rows", "warning", "", n, message, fix)]


def _of_tests(n: int) -> list[Finding]:
    if not n:
        return []
    message = f"rows that are called a test, an example or a phantom: {n}; they count as people"
    fix = "delete them in the file if they are no people"
    return [Finding("test_rows", "warning", "", n, message, fix)]


def _doubtful(n: int) -> list[Finding]:
    if not n:
        return []
    message = f"rows that are called a total or a mean, and have a person's sex or age: {n}; kept"
    fix = "delete them in the file if they are no people"
    return [Finding("total_or_person", "warning", "", n, message, fix)]
