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
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import xlsxwriter

MARKS = ("31737", "Qzxv")
_SHORT = [
    "id",
    "name",
    "age",
    "sex",
    "scandate",
    "fn_bmd",
    "th_bmd",
    "ls_bmd",
    "ls_t",
    "pm",
    "weight",
]
_FOLDER = Path(__file__).parent / "seeds"
_STAMPS = [
    (re.compile(rb"\d\d[A-Z]{3}\d\d:\d\d:\d\d:\d\d"), b"05MAR19:10:20:30"),
    (re.compile(rb"\d\d [A-Z][a-z]{2} \d\d(\d\d)? ?\d\d:\d\d(:\d\d)?"), b"05 Mar 2019 10:20"),
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
def seeds() -> dict[str, tuple[bytes, ...]]:
    """Sound files by format (an extension)."""
    frame = people()
    short = frame.rename(dict(zip(frame.columns, _SHORT, strict=True)))
    csv = frame.write_csv().encode()
    chinese = frame.rename({"sex": "性别", "age": "年龄", "abmd_femoral_neck": "股骨颈骨密度"})
    tsv = frame.write_csv(separator="\t").encode()
    return {
        "csv": (csv, frame.write_csv(separator=";").encode(), chinese.write_csv().encode("gb18030"),
                b"\xef\xbb\xbf" + csv.replace(b"\n", b"\r\n"), csv.decode().encode("utf-16")),
        "tsv": (tsv, chinese.write_csv(separator="\t").encode()),
        "csv.gz": (gzip.compress(csv, mtime=0),),
        "xlsx": (_xlsx(frame), _xlsx(chinese)),
        "xls": (_packed("people.xls.gz"),),
        "ods": (_ods(frame),),
        "parquet": tuple(_parquet(frame, c) for c in ("uncompressed", "zstd", "snappy")),
        "xpt": (_stat(short, pyreadstat.write_xport), _stat(short, pyreadstat.write_xport, 8)),
        "dta": tuple(_stat(short, pyreadstat.write_dta, v) for v in (8, 10, 12, 13, 14, 15)),
        "sav": (_stat(frame, pyreadstat.write_sav),
                _stat(frame, pyreadstat.write_sav, row_compress=True)),
        "zsav": (_stat(frame, pyreadstat.write_sav, compress=True),),
        "por": (_stat(short, pyreadstat.write_por),),
        "sas7bdat": (_sas(),),
    }  # fmt: skip


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
    frame.with_columns(pl.col("scan_date").str.to_date()).write_parquet(
        buffer, compression=compression
    )
    return buffer.getvalue()


def _stat(
    frame: pl.DataFrame, write: Callable[..., Any], version: int | None = None, **options: Any
) -> bytes:
    """A statistical package's file; the moment of writing is made always the same."""
    if write is pyreadstat.write_sav:
        options["variable_value_labels"] = {"age": {99.0: "refused"}}
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
        sheet = book.add_worksheet("people")
        sheet.write_row(0, 0, frame.columns)
        for i, row in enumerate(frame.rows(), start=1):
            sheet.write_row(i, 0, row)
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
