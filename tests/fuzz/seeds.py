"""Small sound files of every format, from which broken ones are made.

Every cell of a participant holds a mark that no message may repeat: 31737 in numbers, Qzxv in
words. Four come from elsewhere, packed in `seeds/`, because nothing here can write them:
people.xls (made for this purpose), iris.sas7bdat (Fisher's irises as SAS 9.4 wrote them, from the
R package haven 2.5, MIT licence).
"""

from __future__ import annotations

import gzip
import io
import re
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import xlsxwriter

MARKS = ("31737", "Qzxv")
_SHORT = {
    "person_id": "id", "name": "name", "age": "age", "sex": "sex", "scan_date": "scandate",
    "abmd_femoral_neck": "fn_bmd", "abmd_total_hip": "th_bmd", "abmd_lumbar_spine": "ls_bmd",
    "t_lumbar": "ls_t", "postmenopausal": "pm", "weight": "weight",
}  # fmt: skip
_CHINESE = {"sex": "性别", "age": "年龄", "abmd_femoral_neck": "股骨颈骨密度", "weight": "体重"}
_NARROW = (
    ("person_id", "sex", "abmd_femoral_neck"),
    ("age", "scan_date", "t_lumbar"),
    ("name", "abmd_lumbar_spine", "postmenopausal"),
    ("sex", "age", "weight"),
    ("person_id", "age", "abmd_total_hip"),
)
_FOLDER = Path(__file__).parent / "seeds"
_STAMPS = [
    (re.compile(rb"\d\d[A-Z]{3}\d\d:\d\d:\d\d:\d\d"), b"05MAR19:10:20:30"),
    (re.compile(rb"\d\d [A-Z][a-z]{2} \d\d(\d\d)? ?\d\d:\d\d(:\d\d)?"), b"05 Mar 2019 10:20"),
    # SPSS portable files have the time across the end of a line.
    (re.compile(rb"(?<=A8/)\d{8}(?=6/)"), b"20190305"),
    (re.compile(rb"(?<=6/)\d{3}(?=\s+\d{3}18/ReadStat)"), b"102"),
    (re.compile(rb"\d{3}(?=18/ReadStat)"), b"030"),
]


def people(n: int = 8) -> pl.DataFrame:
    """A densitometry export whose values are all marked."""
    rows = range(n)
    return pl.DataFrame(
        {
            "person_id": [f"P31737{i}" for i in rows],
            "name": [f"Qzxv{'aeiou'[i % 5]}" for i in rows],
            "age": [51.31737 + 4 * i for i in rows],
            "sex": ["female" if i % 3 else "male" for i in rows],
            "scan_date": [f"2019-03-{i + 1:02d}" for i in rows],
            "abmd_femoral_neck": [0.4131737 + i / 20 for i in rows],
            "abmd_total_hip": [None if i == 3 else 0.5131737 + i / 20 for i in rows],
            "abmd_lumbar_spine": [0.6131737 + i / 20 for i in rows],
            "t_lumbar": [-3.31737 + i / 2 for i in rows],
            "postmenopausal": ["yes" if i % 2 else "no" for i in rows],
            "weight": [60.31737 + i for i in rows],
        }
    )


@cache
def seeds(form: str) -> tuple[bytes, ...]:
    """Sound files of a format: of all columns, and more often of three of them.

    What an input costs is its columns', and a change to a file of three is more often to the point.
    """
    if form in _PACKED:
        return (_PACKED[form](),)
    tables = [people(), *(people().select(names) for names in _NARROW)]
    return tuple(file for table in tables for file in _WRITTEN[form](table))


def _csv(frame: pl.DataFrame) -> tuple[bytes, ...]:
    plain = frame.write_csv().encode()
    chinese = _in_chinese(frame).write_csv().encode("gb18030")
    marked = b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n")
    semicolons = frame.write_csv(separator=";").encode()
    return plain, semicolons, chinese, marked, plain.decode().encode("utf-16")


def _tsv(frame: pl.DataFrame) -> tuple[bytes, ...]:
    return tuple(t.write_csv(separator="\t").encode() for t in (frame, _in_chinese(frame)))


def _in_chinese(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({name: _CHINESE.get(name, name) for name in frame.columns})


def _short(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.rename({name: _SHORT[name] for name in frame.columns})


def _packed(name: str) -> bytes:
    return gzip.decompress((_FOLDER / name).read_bytes())


def _sas() -> bytes:
    """The irises under headings that are read: a length of five is no density, and no matter."""
    data = _packed("iris.sas7bdat.gz")
    names = {
        b"Sepal_Length": b"femoral_neck",
        b"Petal_Width": b"neck_tscore",
        b"Species": b"centre ",
    }
    for old, new in names.items():
        data = data.replace(old, new)
    return data


def _parquet(frame: pl.DataFrame, compression: Any) -> bytes:
    buffer = io.BytesIO()
    dates = [pl.col(name).str.to_date() for name in ("scan_date",) if name in frame.columns]
    frame.with_columns(dates).write_parquet(buffer, compression=compression)
    return buffer.getvalue()


def _stat(
    frame: pl.DataFrame, write: Callable[..., Any], version: int | None = None, **options: Any
) -> bytes:
    """A statistical package's file; the moment of writing is made always the same."""
    if write is pyreadstat.write_sav:
        options["variable_value_labels"] = {"age": {99.0: "refused"}} if "age" in frame else {}
    if write is pyreadstat.write_xport:
        options |= {"table_name": "PEOPLE", "file_format_version": version or 5}
    elif version is not None:
        options["version"] = version
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people"
        write(frame.to_pandas(), str(path), **options)
        data = path.read_bytes()
    for stamp, fixed in _STAMPS:
        data = stamp.sub(lambda hit, fixed=fixed: fixed[: len(hit[0])].ljust(len(hit[0])), data)
    return data


def _xlsx(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2019, 3, 5)})
        sheet = book.add_worksheet("people")
        sheet.write_row(0, 0, frame.columns)
        for i, row in enumerate(frame.rows(), start=1):
            sheet.write_row(i, 0, row)
        sheet.merge_range(2, 1, 4, 1, frame.row(1)[1])
    return buffer.getvalue()


def _ods(frame: pl.DataFrame) -> bytes:
    cells = "".join(
        "<table:table-row>" + "".join(map(_cell, row)) + "</table:table-row>"
        for row in [tuple(frame.columns), *frame.rows()]
    )
    name = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{name}:'
        f'office:1.0" xmlns:table="{name}:table:1.0" xmlns:text="{name}:text:1.0"><office:body>'
        f'<office:spreadsheet><table:table table:name="people">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{name}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        "</manifest:manifest>"
    )
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _cell(value: object) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, float):
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    return (
        f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
    )


def zipped(members: dict[str, str | bytes]) -> bytes:
    """An archive of named parts, all of one date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


_WRITTEN: dict[str, Callable[[pl.DataFrame], tuple[bytes, ...]]] = {
    "csv": _csv,
    "tsv": _tsv,
    "csv.gz": lambda t: (gzip.compress(t.write_csv().encode(), mtime=0),),
    "xlsx": lambda t: (_xlsx(t), _xlsx(_in_chinese(t))),
    "ods": lambda t: (_ods(t),),
    "parquet": lambda t: tuple(_parquet(t, c) for c in ("uncompressed", "zstd", "snappy")),
    "xpt": lambda t: tuple(_stat(_short(t), pyreadstat.write_xport, v) for v in (None, 8)),
    "dta": lambda t: tuple(
        _stat(_short(t), pyreadstat.write_dta, v) for v in (8, 10, 12, 13, 14, 15)
    ),
    "sav": lambda t: tuple(
        _stat(t, pyreadstat.write_sav, **packing) for packing in ({}, {"row_compress": True})
    ),
    "zsav": lambda t: (_stat(t, pyreadstat.write_sav, compress=True),),
    "por": lambda t: (_stat(_short(t), pyreadstat.write_por),),
}
_PACKED: dict[str, Callable[[], bytes]] = {
    "xls": lambda: _packed("people.xls.gz"),
    "sas7bdat": _sas,
}
FORMATS = (*_WRITTEN, *_PACKED)
