"""A file before anything is understood: its kind, and its columns as they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

Code = float | str
_AS_MAPPINGS = {
    "map": 'e.g. {"my_column": "abmd_femoral_neck"}',
    "sex_coding": 'e.g. {1: "male", 2: "female"}',
    "units": 'e.g. {"abmd_femoral_neck": "mg/cm2"}',
}
READERS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".tab": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xpt": "xport",
    ".dta": "stata",
    ".sav": "spss",
    ".zsav": "spss",
    ".por": "spss",
    ".sas7bdat": "sas",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
NAMES = {
    "csv": "a text table (CSV, TSV)",
    "parquet": "Parquet",
    "xport": "SAS transport (XPORT)",
    "stata": "Stata",
    "spss": "SPSS",
    "sas": "SAS7BDAT",
    "excel": "an Excel or OpenDocument workbook",
}
_SAS7BDAT = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c")
_STARTS = [
    (b"PAR1", "parquet"),
    (b"HEADER RECORD*******", "xport"),
    (b"<stata_dta>", "stata"),
    (b"$FL2", "spss"),
    (b"$FL3", "spss"),
    (b"PK\x03\x04", "excel"),
    (b"\xd0\xcf\x11\xe0", "excel"),
    (b"\x1f\x8b", "csv"),
]
_OLD_STATA = range(0x69, 0x74)  # formats 105 to 115 begin with their number


class NoRowsError(SchemaError):
    """A file of headings alone: of several files one may be empty."""


@dataclass(frozen=True)
class Raw:
    """A file as it is: nothing converted, nothing left out.

    `labels` are the value labels that statistical packages keep with a column: a coding that the
    source itself declares. `types` are those of columns
    that held no plain values, see `plain_columns`. `rows` is how many rows there were before those
    of one person were joined. `design` are the survey's own names of survey_weight, stratum and
    psu, where the reader gave the columns others.
    """

    frame: pl.DataFrame
    files: tuple[Path, ...]
    reader: str
    encoding: str | None = None
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    label: str = ""
    types: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    design: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """What the caller says about how a file is laid out and written; None where nothing is said.

    `wanted` are the headings that the caller names elsewhere, with their variables. `top` reads the
    first rows alone, of text tables and Parquet; `rows` a range of Parquet: the first, from 0, and
    how many.
    """

    sheet: str | int | None = None
    encoding: str | None = None
    skip_rows: int | None = None
    header_rows: int | None = None
    wanted: Mapping[str, str | None] = field(default_factory=dict)
    top: bool = False
    rows: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name in ("skip_rows", "header_rows"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int) and value >= 0):
                flag = f"--{name.replace('_', '-')}"
                raise SchemaError(f"{name}= ({flag}) takes a number of rows, 0 or more")


def _refuse_others(**mappings: Any) -> None:
    """Refuse what is no mapping of words, before its parts are looked at."""
    for name, given in mappings.items():
        if given is None:
            continue
        expected = f"expected a mapping, {_AS_MAPPINGS[name]}"
        if not isinstance(given, Mapping):
            raise SchemaError(f"{name}= is no mapping; {expected}")
        by_name = name == "sex_coding" or all(isinstance(one, str) for one in given)
        if not by_name or not all(isinstance(one, str | None) for one in given.values()):
            raise SchemaError(f"{name}= holds what is no word; {expected}")


def _codes(given: Any) -> tuple[Code, ...]:
    """Codes of a column, each a number or a word."""
    is_list = isinstance(given, Iterable) and not isinstance(given, str | bytes)
    listed = tuple(given) if is_list else (None,)
    if not all(isinstance(one, str | Real) for one in listed):
        raise SchemaError(
            "missing= takes a list of codes, e.g. [-9, 99], or one list a column, "
            'e.g. {"abmd_femoral_neck": [-9]}'
        )
    return listed


@dataclass(frozen=True)
class Declared:
    """What the caller says about the file, with the readings of `read`'s arguments in one place."""

    map: dict[str, str | None] = field(default_factory=dict)
    sex_coding: dict[str, str] | None = None
    units: dict[str, str] = field(default_factory=dict)
    missing: dict[str, tuple[Code, ...]] | None = None
    sex: str | None = None

    @classmethod
    def of(
        cls,
        map: Mapping[str, str | None] | None = None,
        sex_coding: Mapping[Any, str] | None = None,
        units: Mapping[str, str] | None = None,
        missing: Mapping[str, Sequence[Code]] | Sequence[Code] | None = None,
        sex: str | None = None,
    ) -> Declared:
        """Bring the arguments into one shape; a bare list of codes holds for every column."""
        _refuse_others(map=map, sex_coding=sex_coding, units=units)
        coding = {str(c).removesuffix(".0"): s for c, s in (sex_coding or {}).items()} or None
        if missing is not None and not isinstance(missing, Mapping):
            missing = {"*": missing}
        codes = None if missing is None else {k: _codes(v) for k, v in missing.items()}
        return cls(dict(map or {}), coding, dict(units or {}), codes, sex)

    def codes(self, *names: str) -> tuple[Code, ...]:
        """Declared codes for missing in a column, by its heading or its canonical name."""
        table = self.missing or {}
        return tuple(code for name in ("*", *names) for code in table.get(name, ()))


def sniff(path: Path) -> str:
    """Which reader a file needs.

    Parameters
    ----------
    path
        A file on disk.

    Returns
    -------
    str
        A value of `READERS`; a page or a text table that is called .xls is "csv".

    Raises
    ------
    SchemaError
        If the file is empty, of no known kind, or another kind than its extension says.
    """
    with path.open("rb") as file:
        head = file.read(64)
    if not head:
        raise SchemaError(f"{path.name} is empty (0 bytes); export the data again")
    claimed = READERS.get(path.suffix.casefold())
    actual = _by_bytes(head, claimed)
    if path.suffix.casefold() == ".xls" and actual is None:
        claimed = actual = _by_bytes(head, "csv")
    if claimed and actual != claimed:
        what = NAMES[actual] if actual else "of no known kind"
        raise SchemaError(
            f"{path.name} is {what}, not {NAMES[claimed]} as its extension says; "
            "give it its right extension, or export the data again"
        )
    if actual is None:
        raise SchemaError(
            f"{path.name} is of no known kind; export the data as CSV (UTF-8), Excel, Parquet, "
            "SAS XPORT, Stata or SPSS"
        )
    return actual


def _by_bytes(head: bytes, claimed: str | None) -> str | None:
    known = next((kind for start, kind in _STARTS if head.startswith(start)), None)
    if known:
        return known
    if _SAS7BDAT in head:
        return "sas"
    if claimed == "stata" and head[0] in _OLD_STATA:
        return "stata"
    if claimed == "spss":
        return "spss" if head.lstrip()[:5].isascii() and head[:4].isalnum() else None
    if claimed in (None, "csv"):
        return "csv" if b"\x00" not in head or _is_wide(head) else None
    return None


def _is_wide(head: bytes) -> bool:
    """Whether a text has two bytes a sign: by its mark, or as one of two bytes is mostly empty."""
    marked = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    return marked or any(2 * part.count(0) > len(part) > 1 for part in (head[::2], head[1::2]))
