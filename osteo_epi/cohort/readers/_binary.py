"""Excel, Parquet and the files of statistical packages, through the libraries that keep them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.readers._raw import NAMES, Raw
from osteo_epi.cohort.readers._text import clean_headings, without_blank
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_PYREADSTAT = {
    "xport": "read_xport",
    "stata": "read_dta",
    "spss": "read_sav",
    "sas": "read_sas7bdat",
}


def read_parquet(path: Path, **_: object) -> Raw:
    """Read a Parquet file, types as they are."""
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged(path, "parquet") from error
    frame, findings = without_blank(frame, path.name)
    return Raw(frame, (path,), "parquet", findings=tuple(findings))


def read_excel(path: Path, *, sheet: str | int | None = None, **_: object) -> Raw:
    """Read one sheet of a workbook; the first row holds the headings.

    The headings are read apart from the body, because the library would number those that occur
    twice instead of telling.
    """
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        name, findings = _sheet(book.sheet_names, sheet, path.name)
        head = book.load_sheet(name, header_row=None, n_rows=1, dtypes="string").to_polars()
        options: dict[str, Any] = {"header_row": None, "skip_rows": 1, "schema_sample_rows": None}
        body = book.load_sheet(name, **options).to_polars() if head.height else head
    except fastexcel.FastExcelError as error:
        raise _damaged(path, "excel") from error
    if not head.height or not body.height:
        raise SchemaError(
            f"{path.name}: sheet {name!r} has no rows of data; name another with sheet= "
            f"({', '.join(book.sheet_names)})"
        )
    names = [*map(_text, head.row(0)), *[""] * (body.width - head.width)]
    headings, more = clean_headings(names, path.name)
    body.columns = headings[: body.width]
    body, blank = without_blank(body, path.name)
    return Raw(body, (path,), "excel", findings=(*findings, *more, *blank))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _sheet(names: list[str], sheet: str | int | None, file: str) -> tuple[str, list[Finding]]:
    if isinstance(sheet, int) and 0 <= sheet < len(names):
        return names[sheet], []
    if sheet in names:
        return str(sheet), []
    if sheet is not None:
        raise SchemaError(f"{file} has no sheet {sheet!r}; it has {', '.join(names)}")
    if len(names) == 1:
        return names[0], []
    message = f"the workbook has {len(names)} sheets; the first was read"
    fix = f"name another with sheet= ({', '.join(names)})"
    return names[0], [Finding("several_sheets", "note", "", 0, message, fix)]


def read_statistical(path: Path, *, reader: str, **_: object) -> Raw:
    """Read a SAS, Stata or SPSS file with its value labels, by the one library or the other."""
    try:
        frame, labels = _polars_readstat(path)
    except Exception as first:
        try:
            frame, labels = _pyreadstat(path, reader)
        except Exception:
            raise _damaged(path, reader) from first
    frame, findings = without_blank(frame, path.name)
    return Raw(frame, (path,), reader, labels=labels, findings=tuple(findings))


def _polars_readstat(path: Path) -> tuple[pl.DataFrame, dict[str, dict[str, str]]]:
    from polars_readstat import ScanReadstat

    scan = ScanReadstat(str(path), preserve_order=True)
    labels = {
        variable["name"]: {_code(k): str(v) for k, v in variable["value_labels"].items()}
        for variable in scan.metadata.get("variables", [])
        if variable.get("value_labels")
    }
    return scan.df.collect(), labels


def _pyreadstat(path: Path, reader: str) -> tuple[pl.DataFrame, dict[str, dict[str, str]]]:
    import pyreadstat

    read: Callable[..., Any] = getattr(pyreadstat, _PYREADSTAT[reader])
    table, meta = read(str(path), output_format="dict")
    labels = {
        name: {_code(k): str(v) for k, v in values.items()}
        for name, values in meta.variable_value_labels.items()
    }
    return pl.DataFrame(table, strict=False, nan_to_null=True), labels


def _code(code: object) -> str:
    text = str(code)
    return text.removesuffix(".0")


def _damaged(path: Path, reader: str) -> SchemaError:
    return SchemaError(
        f"{path.name} cannot be read as {NAMES[reader]}: it is damaged or of another kind; "
        "export the data again, as CSV (UTF-8) if in doubt"
    )
