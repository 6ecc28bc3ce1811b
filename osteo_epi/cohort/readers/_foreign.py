"""The libraries that read foreign files, run in a process of their own (see `_guard`).

This file imports nothing of the package, so that the process starts in a quarter of a second. Run
as a script it answers requests from standard input until that is closed: a line of JSON each, with
the task, the path, its options, and how far memory and processor time may grow. The answer is a
line of JSON and the frames as Arrow IPC.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO
from xml.etree import ElementTree
from xml.parsers import expat

import polars as pl

Answer = tuple[list[pl.DataFrame], dict[str, Any]]
_PYREADSTAT = {
    "xport": "read_xport",
    "stata": "read_dta",
    "spss": "read_sav",
    "sas": "read_sas7bdat",
}

_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^<>]*?\bref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)
_HIDDEN = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\bhidden=[\"'](?:1|true)[\"'][^<>]*>")
_ERROR = re.compile(
    rb"<(?:\w+:)?c\s(?=[^<>]*\bt=[\"']e[\"'])[^<>]*\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^<>]*>"
)
_UNSAVED = re.compile(
    # An empty text (t="str") is a formula's own answer.
    rb"<(?:\w+:)?c\s(?![^<>]*\bt=[\"']str[\"'])[^<>]*?"
    rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'][^<>]*>\s*"
    rb"<(?:\w+:)?f(?:\s[^<>]*/>|(?:\s[^<>]*)?>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_TEXTS, _STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
_NUMBER_OF_ROW = re.compile(rb"\br=[\"'](\d{1,7})[\"']")
_MOST_MERGED = 1_000_000  # ranges of a sheet that are looked at
_CHUNK = 1 << 22
_LONGEST = 1 << 10  # bytes of one element that says a merged range


def parquet(path: str, rows: int | None = None, start: int = 0) -> Answer:
    """Read a Parquet file, or some of its rows; its name is no pattern, its folder no column."""
    scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    return [(scan.slice(start, rows) if start or rows is not None else scan).collect()], {}


def parquet_groups(path: str) -> Answer:
    """How many rows each row group of a Parquet file has, and its columns."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        held = file.metadata
        rows = [held.row_group(i).num_rows for i in range(held.num_row_groups)]
        return [], {"rows": rows, "columns": file.schema_arrow.names}


def workbook_tops(path: str, rows: int) -> Answer:
    """Read the first rows of every sheet as text, the sheets' names, and which are hidden.

    Headings are read apart from the body, because the library would number those that occur twice
    instead of telling. Rows are counted from the sheet's own first, as the body's are: without
    `skip_rows` the library would leave out empty ones above.
    """
    import fastexcel

    _refuse_broken_texts(path)
    book = fastexcel.read_excel(path)
    options: dict[str, Any] = {"header_row": None, "skip_rows": 0, "n_rows": rows}
    sheets = [book.load_sheet(name, dtypes="string", **options) for name in book.sheet_names]
    hidden = [sheet.name for sheet in sheets if sheet.visible != "visible"]
    tops = [sheet.to_polars() for sheet in sheets]
    first = [_first_column(sheet) for sheet in sheets]
    return tops, {"sheets": book.sheet_names, "hidden": hidden, "first": first}


def _refuse_broken_texts(path: str) -> None:
    """Raise where the list of a workbook's texts (.xlsx) is no XML.

    Cells say by a number which text they hold. Where the list is broken the library leaves a text
    out, and every text behind it stands in the cells of another.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        if _TEXTS in book.namelist():
            with book.open(_TEXTS) as part:
                expat.ParserCreate().ParseFile(part)


def _first_column(sheet: Any) -> int:
    """How many empty columns stand left of a table: the library leaves them out."""
    columns = sheet.selected_columns
    return int(getattr(columns[0], "absolute_index", 0)) if columns else 0


def workbook(path: str, sheet: int, skip_rows: int) -> Answer:
    """Read the body of one sheet, from below its headings on."""
    import fastexcel

    options: dict[str, Any] = {"header_row": None, "skip_rows": skip_rows}
    table = fastexcel.read_excel(path).load_sheet(sheet, schema_sample_rows=None, **options)
    return [table.to_polars()], {}


class Beside:
    """What stands beside the merged ranges in a sheet: hidden rows, and cells that are told of.

    `struck`: the numbers of the styles that strike a cell's text through.
    """

    def __init__(self, struck: Sequence[int] = ()) -> None:
        styles = b"|".join(str(number).encode() for number in struck)
        self._styled = re.compile(
            rb"<(?:\w+:)?c\s(?=[^<>]*\bs=[\"'](?:" + styles + rb")[\"'])"
            rb"[^<>]*\br=[\"']([A-Z]{1,3})(\d{1,7})[\"'](?:[^<>]*[^<>/])?>"
        )
        self._any_struck = bool(styles)
        self.struck = set[tuple[bytes, bytes]]()
        self.hidden = list[int]()
        self.errors = set[tuple[bytes, bytes]]()
        self.unsaved = set[tuple[bytes, bytes]]()

    def look(self, text: bytes) -> int:
        """Gather from a piece of the sheet; the end of the last row that is hidden."""
        end = 0
        if b"hidden=" in text:
            for row in _HIDDEN.finditer(text):
                end = row.end()
                if number := _NUMBER_OF_ROW.search(row.group()):
                    self.hidden.append(int(number.group(1)) - 1)
        if b't="e"' in text or b"t='e'" in text:
            self.errors.update(_ERROR.findall(text))
        if b"f>" in text or b"<f" in text:
            self.unsaved.update(_UNSAVED.findall(text))
        if self._any_struck:
            self.struck.update(self._styled.findall(text))
        return end

    def told(self) -> dict[str, Any]:
        """Rows and columns from 0, in their order."""
        places = {"cell_errors": self.errors, "unsaved_formulas": self.unsaved - self.errors}
        places["struck_through"] = self.struck
        return {"hidden": self.hidden} | {
            code: sorted((int(row) - 1, _column(column)) for column, row in cells)
            for code, cells in places.items()
        }


def merged_cells(path: str, sheet: str) -> Answer:
    """Read which cells of a sheet are merged (.xlsx): first row and column, last row and column.

    They stand after all cells, and no library that reads quickly tells them; nor which rows are
    hidden, and which cells are struck through, or hold an error or a formula without a result, of
    which this tells too.
    """
    with zipfile.ZipFile(path) as book, book.open(_part_of(book, sheet)) as part:
        beside = Beside(_struck(book))
        ranges = list(_ranges(part, beside))
    numbers = [
        (int(top) - 1, _column(left), int(bottom) - 1, _column(right))
        for left, top, right, bottom in ranges
    ]
    schema = dict.fromkeys(("top", "left", "bottom", "right"), pl.Int64)
    return [pl.DataFrame(numbers, schema=schema, orient="row")], beside.told()


def _part_of(book: zipfile.ZipFile, sheet: str) -> str:
    """The file within a workbook that holds a sheet."""
    tree = ElementTree.fromstring(book.read("xl/workbook.xml"))
    named = (one for one in tree.iter() if _tag(one) == "sheet" and one.get("name") == sheet)
    key = next(value for name, value in next(named).items() if name.endswith("}id"))
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = next(str(one.get("Target")) for one in relations if one.get("Id") == key)
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _struck(book: zipfile.ZipFile) -> list[int]:
    """The styles of cells whose text is struck through, by their numbers."""
    try:
        styles = ElementTree.fromstring(book.read(_STYLES))
    except (KeyError, ElementTree.ParseError):  # merged cells are told without it
        return []
    lists = {_tag(one): list(one) for one in styles}
    struck = {
        str(i)
        for i, font in enumerate(lists.get("fonts", []))
        if any(_tag(one) == "strike" and one.get("val") not in ("0", "false") for one in font)
    }
    return [i for i, xf in enumerate(lists.get("cellXfs", [])) if xf.get("fontId") in struck]


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _ranges(part: IO[bytes], beside: Beside) -> Iterator[tuple[bytes, ...]]:
    """The merged ranges of a sheet, piece by piece: a sheet may be larger than the memory.

    What stands beside them is gathered on the way.
    """
    rest, n = b"", 0
    while chunk := part.read(_CHUNK):
        text = rest + chunk
        end = beside.look(text)
        for found in _MERGED.finditer(text):
            yield found.groups()
            end, n = max(end, found.end()), n + 1
            if n == _MOST_MERGED:
                return
        rest = text[max(end, len(text) - _LONGEST) :]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number - 1


def polars_readstat(path: str) -> Answer:
    """Read a file of a statistical package, labels of variables and of values with it."""
    from polars_readstat import ScanReadstat

    scan = ScanReadstat(path, preserve_order=True)
    variables = scan.metadata.get("variables") or scan.metadata.get("columns") or []
    labels = {
        variable["name"]: {_code(k): str(v) for k, v in variable["value_labels"].items()}
        for variable in variables
        if variable.get("value_labels")
    }
    titles = {v["name"]: str(v["label"]) for v in variables if v.get("label")}
    frame = scan.df.collect()
    declared = [
        v["name"]
        for v in variables
        if v.get("missing_range") or v.get("missing_doubles") or v.get("missing_strings")
    ]
    counts = _declared_missing(path, frame, declared) if declared else {}
    return [frame], {"labels": labels, "titles": titles, "declared": counts}


def _declared_missing(path: str, frame: pl.DataFrame, names: list[str] | None) -> dict[str, int]:
    """How many cells of a column are null because the file declares their values missing (SPSS)."""
    import pyreadstat

    whole, _ = pyreadstat.read_sav(path, output_format="dict", user_missing=True, usecols=names)
    given = pl.DataFrame(whole, strict=False, nan_to_null=True)
    counts = {n: frame[n].null_count() - given[n].null_count() for n in given.columns}
    return {name: n for name, n in counts.items() if n > 0}


def pyreadstat(path: str, reader: str) -> Answer:
    """Read the same by the older library, which knows more kinds of file."""
    import pyreadstat

    read: Callable[..., Any] = getattr(pyreadstat, _PYREADSTAT[reader])
    if reader == "spss" and Path(path).suffix.casefold() == ".por":
        read = pyreadstat.read_por
    table, meta = read(path, output_format="dict")
    labels = {
        name: {_code(k): str(v) for k, v in values.items()}
        for name, values in meta.variable_value_labels.items()
    }
    titles = {name: str(v) for name, v in meta.column_names_to_labels.items() if v}
    frame = pl.DataFrame(table, strict=False, nan_to_null=True)
    counts = _declared_missing(path, frame, None) if read is pyreadstat.read_sav else {}
    return [frame], {"labels": labels, "titles": titles, "declared": counts}


def _code(code: object) -> str:
    text = str(code)
    return text.removesuffix(".0")


TASKS: dict[str, Callable[..., Answer]] = {
    "parquet": parquet,
    "parquet_groups": parquet_groups,
    "workbook": workbook,
    "workbook_tops": workbook_tops,
    "merged_cells": merged_cells,
    "polars_readstat": polars_readstat,
    "pyreadstat": pyreadstat,
}


def packed(frame: pl.DataFrame) -> bytes:
    """A frame as the bytes of an Arrow IPC file."""
    buffer = io.BytesIO()
    frame.write_ipc(buffer)
    return buffer.getvalue()


def _limit(memory: int, seconds: int) -> None:
    """Let this process grow so far and no further; nothing where the system knows no limits."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError):
        return
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    grown = pages * resource.getpagesize() + memory
    for what, most in ((resource.RLIMIT_AS, grown), (resource.RLIMIT_CPU, int(used) + seconds)):
        hard = resource.getrlimit(what)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (soft, hard))


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    _limit(request["memory"], request["seconds"])
    try:
        frames, meta = TASKS[request["task"]](request["path"], **request["options"])
        parts = [packed(frame) for frame in frames]
    except BaseException as error:
        return {"error": type(error).__name__}, []
    return {"meta": meta, "sizes": [len(part) for part in parts]}, parts


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:] = json.loads(requests.readline())
    answers.write(b"ready\n")
    answers.flush()
    for line in requests:
        head, parts = _answer(json.loads(line))
        answers.write(json.dumps(head).encode() + b"\n")
        answers.writelines(parts)
        answers.flush()


if __name__ == "__main__":
    # Whatever a library prints goes nowhere: the answers have the first standard output alone.
    channel = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    _serve(sys.stdin.buffer, channel)
