"""How a result shows itself in a notebook: a small escaped table, nothing computed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import polars as pl

from osteo_epi.rounding import number
from osteo_epi.visible import visible


def html_table(frame: pl.DataFrame, *, caption: str = "", notes: Iterable[str] = ()) -> str:
    """Draw a frame as an HTML table with every text escaped.

    Parameters
    ----------
    frame
        What is shown, in this order. Texts stand as they are: write numbers that need a form of
        their own (a percentage, an interval) with `osteo_epi.rounding` first. Other numbers are
        written by `rounding.number`.
    caption
        What stands above; each line of it on a line.
    notes
        What stands below, a paragraph each.

    Examples
    --------
    >>> print(html_table(pl.DataFrame({"device": ["<A>"], "bias": [0.1234567]}), caption="one"))
    <table><caption>one</caption><thead><tr><th>device</th><th>bias</th></tr></thead><tbody><tr><td>&lt;A&gt;</td><td>0.12346</td></tr></tbody></table>
    """
    title = (
        f"<caption>{'<br>'.join(map(_shown, caption.splitlines()))}</caption>" if caption else ""
    )
    head = "".join(f"<th>{_shown(name)}</th>" for name in frame.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
        for row in frame.iter_rows()
    )
    below = "".join(f"<p>{_shown(note)}</p>" for note in notes)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def _shown(text: object) -> str:
    return escape(visible(text))


def _cell(value: object) -> str:
    is_number = value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return number(value) if is_number else _shown(value)  # type: ignore[arg-type]
