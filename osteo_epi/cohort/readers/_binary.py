"""Parquet and the files of statistical packages, through the libraries that keep them."""

from __future__ import annotations

import re
from pathlib import Path

from osteo_epi.cohort.conform._headings import as_written
from osteo_epi.cohort.readers._guard import foreign, refuse
from osteo_epi.cohort.readers._layout import known
from osteo_epi.cohort.readers._raw import Form, Raw, sniff
from osteo_epi.cohort.readers._text import without_blank, without_patterns
from osteo_epi.findings import Finding

_PLAIN = Form()
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TOP = 1000  # rows of a Parquet file by which its columns are known


def read_parquet(path: Path, *, form: Form = _PLAIN, **_: object) -> Raw:
    """Read a Parquet file, types as they are."""
    start, rows = form.rows or (0, _TOP if form.top else None)
    (frame,), _meta = foreign("parquet", path, rows=rows, start=start) or refuse(path, "parquet")
    frame.columns, renamed = without_patterns(frame.columns)
    frame, findings = without_blank(frame, path.name)
    return Raw(frame, (path,), "parquet", findings=(*renamed, *findings))


def row_groups(path: Path, source: str = "auto") -> list[int] | None:
    """How many rows each row group of a Parquet file has; None of a file of another kind.

    Raises
    ------
    SchemaError
        If the file is of no known kind, or a Parquet file that cannot be read.
    """
    if (sniff(path) if source == "auto" else source) != "parquet":
        return None
    (_, meta) = foreign("parquet_groups", path) or refuse(path, "parquet")
    return [int(n) for n in meta["rows"]]


def columns_stored(path: Path) -> list[str]:
    """The names of the columns of a Parquet file."""
    (_, meta) = foreign("parquet_groups", path) or refuse(path, "parquet")
    return [str(name) for name in meta["columns"]]


def read_statistical(path: Path, *, reader: str, form: Form = _PLAIN, **_: object) -> Raw:
    """Read a SAS, Stata or SPSS file with its value labels, by the one library or the other.

    A variable whose name says nothing (v4) goes by its label, where that is a known heading.
    """
    answer = foreign("polars_readstat", path) or foreign("pyreadstat", path, reader=reader)
    (frame,), meta = answer or refuse(path, reader)
    if any(map(_CONTROL.search, frame.columns)):  # its header is broken, and names are of data
        refuse(path, reader)
    columns, renamed = without_patterns(frame.columns)
    # What the file says of a column is under the name that the file gives it.
    plain = dict(zip(frame.columns, columns, strict=True))
    labels, titles = (
        {plain[name]: said for name, said in meta[part].items() if name in plain}
        for part in ("labels", "titles")
    )
    frame.columns = columns
    frame, blank = without_blank(frame, path.name)
    names, told = _told_by_title(frame.columns, titles, form)
    labels = {names.get(name, name): values for name, values in labels.items()}
    frame = frame.rename(names)
    counts = {names.get(plain[n], plain[n]): k for n, k in meta.get("declared", {}).items()}
    told = [*told, *_declared(counts)]
    return Raw(frame, (path,), reader, labels=labels, findings=(*renamed, *blank, *told))


def _declared(counts: dict[str, int]) -> list[Finding]:
    """Count what the file itself declares missing, by column where the column will be read."""
    read = {name: n for name, n in counts.items() if as_written(name).variable}
    others = {name: n for name, n in counts.items() if name not in read}
    message = "values that the file declares missing became null"
    findings = [
        Finding("declared_missing", "note", name, n, f"{message}: {n}") for name, n in read.items()
    ]
    if others:
        n = sum(others.values())
        more = f"{message} in {len(others)} other columns: {n}"
        findings.append(Finding("declared_missing", "note", "", n, more))
    return findings


def _told_by_title(
    columns: list[str], titles: dict[str, str], form: Form
) -> tuple[dict[str, str], list[Finding]]:
    """Names that say nothing → the label that is a known heading; those that are mapped stay."""
    silent = [name for name in columns if not known([name], form.wanted)]
    chosen = {n: t for n in silent if (t := titles.get(n, "").strip()) and known([t])}
    # A label takes no variable from a column whose name says it, nor from another's label.
    taken = [_variable(chosen.get(name, name)) for name in columns]
    names = {n: title for n, title in chosen.items() if taken.count(_variable(title)) == 1}
    if not names:
        return names, []
    listed = ", ".join(f"{name} {title!r}" for name, title in names.items())
    message = f"names that say nothing were read by the labels of their variables: {listed}"
    fix = "where one is wrong, name the variable with map={name: variable} (--map NAME=VARIABLE)"
    return names, [Finding("variable_labels", "note", ", ".join(names), 0, message, fix)]


def _variable(heading: str) -> str:
    return as_written(heading).variable or heading
