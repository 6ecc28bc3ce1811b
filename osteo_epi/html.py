"""How a result shows itself in a notebook: a small escaped table, nothing computed."""

from __future__ import annotations

from html import escape
from typing import Protocol

import polars as pl


class Tabular(Protocol):
    """Anything that gives itself as a frame."""

    def to_frame(self) -> pl.DataFrame:
        """The result as a frame."""
        ...


def html_table(frame: pl.DataFrame, *, caption: str = "", notes: tuple[str, ...] = ()) -> str:
    """Draw a frame as an HTML table with every text escaped.

    Examples
    --------
    >>> html_table(pl.DataFrame({"device": ["<A>"], "bias": [0.1234567]}), caption="one")
    '<table><caption>one</caption><tr><th>device</th><th>bias</th></tr><tr><td>&lt;A&gt;</td><td>0.12346</td></tr></table>'
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in frame.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
        for row in frame.iter_rows()
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<table>{title}<tr>{head}</tr>{body}</table>{below}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else escape(str(value))
