"""How a result shows itself in a notebook: a small escaped table, nothing computed.

What every row would repeat is said once, above. Text stands left; numbers stand right, their points
in a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

import polars as pl

from osteo_epi.rounding import level, number, p_value
from osteo_epi.visible import visible

SIZES = frozenset(("folds", "of", "raters", "repeats", "replicates", "seed"))
"""Counts that belong to a whole table; so do n, df, and all that begin with these."""
ESTIMATES = frozenset(("estimate", "se", "lower", "upper"))
"""Numbers of each row, also where they happen to be the same."""
WIDE = 6
"""Columns up to which a single row is a row; a wider one is read downwards."""
ABOVE = "text-align:left;min-width:min(44em,90vw)"
LEFT = "text-align:left"
RIGHT = "text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
NUMBERS = re.compile(r"[<>≤≥]?\s?[+−-]?\d[\d.,]*([-–+ %()]|to|\d[\d.,]*)*")
"""A number with its interval, its percentage or its limits, and two ages."""
DIGIT, POINT = "\N{FIGURE SPACE}", "\N{PUNCTUATION SPACE}"


def html_table(frame: pl.DataFrame, *, caption: str = "", notes: Iterable[str] = ()) -> str:
    """Draw a frame as an HTML table with every text escaped.

    Parameters
    ----------
    frame
        What is shown, in this order. Texts stand as they are: write numbers that need a form of
        their own (a percentage, an interval) with `osteo_epi.rounding` first. Other numbers are
        written by `rounding.number`, columns `p` and `p_…` as p-values. A fact that is the same in
        all rows (the method, the level of confidence, n) is said once under the caption.
    caption
        What stands above; each line of it on a line.
    notes
        What stands below, a paragraph each.

    Examples
    --------
    >>> page = html_table(pl.DataFrame({"device": ["<A>"], "p": [0.0000012]}), caption="one")
    >>> [text in page for text in ("&lt;A&gt;", "&lt;0.001", "one</caption>")]
    [True, True, True]
    """
    shown, facts = _without_repeated(frame)
    texts = {name: _texts(shown[name]) for name in shown.columns}
    sides = {name: _side(shown[name], cells) for name, cells in texts.items()}
    lines = [*caption.splitlines(), *facts]
    title = f'<caption style="{ABOVE}">{"<br>".join(map(_shown, lines))}</caption>' if lines else ""
    below = "".join(f"<p>{_shown(note)}</p>" for note in notes)
    if shown.height == 1 and shown.width > WIDE:
        return f"<table>{title}{_downwards(texts)}</table>{below}"
    head = "".join(_cell("th", name, side) for name, side in sides.items())
    cells = (
        (_aligned(column) if sides[name] == RIGHT else column) for name, column in texts.items()
    )
    body = "".join(
        f"<tr>{''.join(map(_cell, ('td',) * len(row), row, sides.values()))}</tr>"
        for row in zip(*cells, strict=True)
    )
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _downwards(texts: dict[str, list[str]]) -> str:
    """One row as two columns."""
    rows = (
        f"<tr>{_cell('th', name, LEFT)}{_cell('td', cell, LEFT)}</tr>"
        for name, (cell,) in texts.items()
    )
    return f"<tbody>{''.join(rows)}</tbody>"


def _without_repeated(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The table without what all its rows repeat, and that in a line."""
    same = [
        name
        for name in frame.columns
        if frame.height > 1 and _is_fact(frame[name]) and frame[name].n_unique() == 1
    ]
    if len(same) == frame.width:
        return frame, []
    told = [name for name in same if frame[name][0] not in (None, "")]
    line = "; ".join(f"{name} {_fact(frame[name].head(1))}" for name in told)
    return frame.drop(same), [line] if told else []


def _is_fact(column: pl.Series) -> bool:
    """Whether a column may say something of the whole table: a word, or one of its sizes."""
    if not column.dtype.is_numeric():
        return not column.dtype.is_nested()
    if column.dtype.is_float() or column.null_count() == len(column):
        return column.name not in ESTIMATES
    return column.name in SIZES or column.name.partition("_")[0] in ("n", "df")


def _fact(column: pl.Series) -> str:
    return level(column[0]) if column.name == "confidence" else _texts(column)[0]


def _texts(column: pl.Series) -> list[str]:
    """The cells of a column in words."""
    if column.dtype.is_numeric() and (column.name == "p" or column.name.startswith("p_")):
        return [p_value(value) for value in column.to_list()]
    return [_text(value) for value in column.to_list()]


def _text(value: object) -> str:
    is_number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return number(value) if is_number else visible(value)  # type: ignore[arg-type]


def _side(column: pl.Series, cells: list[str]) -> str:
    """Right for numbers, and for texts that are numbers with an interval or a sign."""
    if column.dtype.is_numeric():
        return RIGHT
    written = [cell for cell in cells if cell not in ("", "–", "*")]
    return RIGHT if written and all(NUMBERS.fullmatch(cell) for cell in written) else LEFT


def _aligned(cells: list[str]) -> list[str]:
    """Cells with blanks behind, as wide as digits, so that their points are in a line."""
    if not all(_is_plain(cell) for cell in cells if cell != "–"):
        return cells
    decimals = [len(cell.partition(".")[2]) for cell in cells]
    most = max(decimals, default=0)
    return [
        cell + (POINT if most and not own else "") + DIGIT * (most - own)
        for cell, own in zip(cells, decimals, strict=True)
    ]


def _is_plain(cell: str) -> bool:
    """Whether a cell is one number, without an interval or a power of ten."""
    return cell.lstrip("+-−<>").replace(",", "").replace(".", "", 1).isdigit()


def _cell(tag: str, text: object, side: str) -> str:
    return f'<{tag} style="{side}">{_shown(text)}</{tag}>'


def _shown(text: object) -> str:
    return escape(visible(text))
