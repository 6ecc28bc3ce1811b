"""A page of HTML, or the XML of Excel 2003, that a hospital's system calls .xls."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

from osteo_epi.cohort.readers._layout import ROWS, known
from osteo_epi.cohort.readers._raw import Form

_START = re.compile(
    rb"\s*<(?:!doctype\s+html|html|head|body|meta|table|style|\?xml)", re.IGNORECASE
)
_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_ROW, _CELL, _TABLE = ("tr", "row"), ("td", "th", "cell"), ("table",)
_WIDEST = 2_000  # columns that one cell may claim to span
_SPARE = 4  # empty cells that spans may claim, a letter of the page


def is_page(head: bytes) -> bool:
    """Whether a file begins as a page.

    >>> is_page(b"<html><table>"), is_page(b"id,sex")
    (True, False)
    """
    return _START.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def charset(head: bytes) -> str | None:
    """The encoding that a page says it is in."""
    stated = _CHARSET.search(head[:4096])
    name = stated.group(1).decode("ascii") if stated else None
    return "gb18030" if name and name.casefold() in ("gb2312", "gbk") else name


def as_text(page: str, form: Form) -> str:
    """The table of a page with the most known headings, as CSV.

    >>> as_text("<table><tr><td>ID<td>Age</tr><tr><td>1<td>61</table>", Form())
    'ID,Age\\n1,61\\n'
    """
    reader = _Tables(_SPARE * (len(page) + 1_000))
    reader.feed(page)
    reader.close()
    tables = [table for table in reader.tables if table]
    best = max(tables, default=[], key=lambda table: _score(table, form))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(best)
    return out.getvalue()


def _score(table: list[list[str]], form: Form) -> tuple[int, int]:
    return max(known(row, form.wanted) for row in table[:ROWS]), len(table)


class _Tables(HTMLParser):
    """The tables of a page as rows of cells; one over several rows or columns is in the first."""

    def __init__(self, spare: int) -> None:
        super().__init__(convert_charrefs=True)
        self._spare = spare
        self.tables: list[list[list[str]]] = [[]]
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._span = 1
        self._below: dict[int, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell; an open one of its kind ends."""
        name = tag.rpartition(":")[2]
        if name in _TABLE:
            self._end_row()
            self.tables.append([])
        elif name in _ROW:
            self._end_row()
            self._row = []
        elif name in _CELL:
            self._end_cell()
            self._begin_cell({key.rpartition(":")[2]: value or "" for key, value in attrs})
        elif name == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """End a row or a cell."""
        name = tag.rpartition(":")[2]
        if name in (*_ROW, *_TABLE):
            self._end_row()
        elif name in _CELL:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        """Take the text of a cell."""
        if self._cell is not None:
            self._cell.append(data)

    def _begin_cell(self, said: dict[str, str]) -> None:
        self._row = [] if self._row is None else self._row
        if index := _number(said.get("index")):
            self._widen(index - 1 - len(self._row))
        while self._below.get(len(self._row), 0):
            self._below[len(self._row)] -= 1
            self._row.append("")
        self._span = max(1, _number(said.get("colspan")), _number(said.get("mergeacross")) + 1)
        down = max(_number(said.get("rowspan")) - 1, _number(said.get("mergedown")))
        for place in range(len(self._row), len(self._row) + self._span):
            if down > 0:
                self._below[place] = down
        self._cell = []

    def _widen(self, n: int) -> None:
        """Add empty cells, as far as a page of this size can mean them."""
        n = max(0, min(n, self._spare))
        self._spare -= n
        if self._row is not None:
            self._row += [""] * n

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append(" ".join("".join(self._cell).split()))
            self._widen(self._span - 1)
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is not None:
            self.tables[-1].append(self._row)
        self._row = None


def _number(text: str | None) -> int:
    return min(int(text), _WIDEST) if text and text.isascii() and text.isdecimal() else 0
