"""Excel, Parquet and the files of statistical packages, through the libraries that keep them."""

from __future__ import annotations

from pathlib import Path

from osteo_epi.cohort.readers._guard import foreign, refuse
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.cohort.readers._text import clean_headings, without_blank
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding


def read_parquet(path: Path, **_: object) -> Raw:
    """Read a Parquet file, types as they are."""
    (frame,), _meta = foreign("parquet", path) or refuse(path, "parquet")
    frame, findings = without_blank(frame, path.name)
    return Raw(frame, (path,), "parquet", findings=tuple(findings))


def read_excel(path: Path, *, sheet: str | int | None = None, **_: object) -> Raw:
    """Read one sheet of a workbook; the first row holds the headings."""
    frames, book = foreign("workbook", path, sheet=sheet) or refuse(path, "excel")
    findings = _sheet(book["sheets"], sheet, path.name)
    head, body = frames
    if not head.height or not body.height:
        raise SchemaError(
            f"{path.name}: sheet {book['sheet']!r} has no rows of data; name another with sheet= "
            f"({', '.join(book['sheets'])})"
        )
    names = [*map(_text, head.row(0)), *[""] * (body.width - head.width)]
    headings, more = clean_headings(names, path.name)
    body.columns = headings[: body.width]
    body, blank = without_blank(body, path.name)
    return Raw(body, (path,), "excel", findings=(*findings, *more, *blank))


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _sheet(names: list[str], sheet: str | int | None, file: str) -> list[Finding]:
    if not names:
        raise SchemaError(f"{file} has no sheet with a table; export the data again")
    known = 0 <= sheet < len(names) if isinstance(sheet, int) else sheet in names
    if sheet is not None and not known:
        raise SchemaError(f"{file} has no sheet {sheet!r}; it has {', '.join(names)}")
    if sheet is not None or len(names) == 1:
        return []
    message = f"the workbook has {len(names)} sheets; the first was read"
    fix = f"name another with sheet= ({', '.join(names)})"
    return [Finding("several_sheets", "note", "", 0, message, fix)]


def read_statistical(path: Path, *, reader: str, **_: object) -> Raw:
    """Read a SAS, Stata or SPSS file with its value labels, by the one library or the other."""
    answer = foreign("polars_readstat", path) or foreign("pyreadstat", path, reader=reader)
    (frame,), meta = answer or refuse(path, reader)
    frame, findings = without_blank(frame, path.name)
    return Raw(frame, (path,), reader, labels=meta["labels"], findings=tuple(findings))
