"""How the files of one data set differ: columns, headings, types, units, the coding of sex."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort.checks._values import check_values
from osteo_epi.cohort.collection._files import files_named
from osteo_epi.cohort.conform._headings import as_written, normalise
from osteo_epi.cohort.conform._numbers import is_missing_word
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Severity
from osteo_epi.frames import Frame
from osteo_epi.questions import People
from osteo_epi.rounding import counted

_TEXTS = ("csv", "excel")
"""Readers of files that hold text whatever a column is."""
_CODES = 20
_SHOWN = 3
_WORDS = "words"
_READ_AS = {"quantity": "numbers", "date": "dates", "boolean": "yes or no", "category": "classes"}


@dataclass(frozen=True)
class Shape:
    """What is compared between files.

    Parameters
    ----------
    rows
        How many rows the file gives.
    columns
        Columns that were made of it.
    headings
        Variable → heading in the file.
    units
        Variable → unit that its heading states, or its own.
    types
        Column → kind of its values in the file ("numbers", "text", …), where the file says one.
    sexes
        Numbers by which the file tells the sexes, or "words" alone where it has others than
        numbers; empty where there are none.
    suspected
        Variable → unit that its values look like, where that is not its own.
    """

    rows: int = 0
    columns: tuple[str, ...] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    sexes: frozenset[str] = frozenset()
    suspected: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Raw, headings: Mapping[str, str]) -> Shape:
        """The shape of a file as its reader gave it, before its columns are conformed."""
        named = {name: h for name, h in headings.items() if name in codebook()}
        names = {heading: name for name, heading in named.items()}
        types = {
            names.get(heading, heading): _kind(dtype)
            for heading, dtype in raw.frame.schema.items()
            if raw.reader not in _TEXTS and dtype != pl.Null
        }
        sexes = _codes_of_sex(raw, named.get("sex"))
        return cls(len(raw.frame), (), named, _units_of(named), types, sexes)

    @classmethod
    def of_columns(
        cls, rows: int, schema: pl.Schema, headings: Mapping[str, str], sexes: Iterable[str] = ()
    ) -> Shape:
        """The shape of a file of which no more is known than what was made of it.

        Parameters
        ----------
        rows
            How many it has.
        schema
            The columns that were made of it.
        headings
            Variable → heading in the file, where that is another.
        sexes
            Codes by which it tells the sexes.
        """
        named = {name: headings.get(name, name) for name in schema if name in codebook()}
        others = {
            name: _kind(kind)
            for name, kind in schema.items()
            if name not in codebook() and kind != pl.Null
        }
        return cls(rows, tuple(schema), named, _units_of(named), others, frozenset(sexes))

    def __add__(self, part: Shape) -> Shape:
        """The shape of two parts of one file."""
        columns = tuple(dict.fromkeys((*self.columns, *part.columns)))
        sexes = in_one_coding(self.sexes | part.sexes)
        return replace(self, rows=self.rows + part.rows, columns=columns, sexes=sexes)


def _units_of(headings: Mapping[str, str]) -> dict[str, str]:
    """The unit that each heading states, or that of its variable."""
    units = {name: as_written(h).unit or codebook()[name].unit for name, h in headings.items()}
    return {name: unit for name, unit in units.items() if unit}


def _codes_of_sex(raw: Raw, heading: str | None) -> frozenset[str]:
    """The codes of sex in a file; none where there are too many to be codes."""
    if heading is None or heading not in raw.frame.columns:
        return frozenset()
    cells = raw.frame[heading].drop_nulls().unique()
    if len(cells) > _CODES:
        return frozenset()
    texts = cells.cast(pl.String, strict=False).drop_nulls().str.strip_chars()
    said = texts.filter(~is_missing_word(texts) & (texts != ""))
    # Of words it is enough to know that they are some: no text of a file is kept.
    return in_one_coding(said.str.strip_suffix(".0"))


def in_one_coding(codes: Iterable[str]) -> frozenset[str]:
    """Codes of sex as files are compared by them: numbers, or that there are words.

    Examples
    --------
    >>> sorted(in_one_coding(["1", "2"])), sorted(in_one_coding(["1", "F"]))
    (['1', '2'], ['words'])
    """
    found = frozenset(codes)
    return found if all(map(_is_number, found)) else frozenset({_WORDS})


def units_suspected(frame: Frame) -> dict[str, str]:
    """Variables whose values look like another unit than their own, with what was seen.

    Parameters
    ----------
    frame
        Canonical columns of one file, in memory or streamed.
    """
    people = People.of(frame)
    told = [
        f
        for f in people.answer(check_values(people))
        if f.code == "unit_suspected" and f.severity == "error"
    ]
    return {finding.column: finding.message.rpartition(":")[0] for finding in told}


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "numbers"
    if dtype.is_temporal():
        return "dates"
    return "true or false" if dtype == pl.Boolean else "text"


def drift(shapes: Mapping[str, Shape], columns: Sequence[str]) -> list[Finding]:
    """What differs between files of one data set.

    Parameters
    ----------
    shapes
        Of each file, by its name.
    columns
        Those of the table that was made of them.

    Returns
    -------
    list
        A finding for each variable that some files lack, call or measure otherwise.

    Raises
    ------
    SchemaError
        If the values of a variable look like another unit in some of the files alone.
    """
    if len(shapes) < 2:
        return []
    _refuse_mixed_units(shapes)
    variables = [name for name in codebook().variables if name in columns]
    typed = dict.fromkeys(name for shape in shapes.values() for name in shape.types)
    findings = [_lacking(shapes, name) for name in variables]
    findings += [_headings(shapes, name) for name in variables]
    findings += [_units(shapes, name) for name in variables]
    findings += [_types(shapes, name) for name in typed if name in columns and name != "sex"]
    findings.append(_coding(shapes))
    return [finding for finding in findings if finding is not None]


def _refuse_mixed_units(shapes: Mapping[str, Shape]) -> None:
    faults = []
    for name in dict.fromkeys(name for shape in shapes.values() for name in shape.suspected):
        having = [file for file, shape in shapes.items() if name in shape.columns]
        odd = [file for file, shape in shapes.items() if name in shape.suspected]
        if len(odd) == len(having):
            continue  # all alike: units= holds for all, as the check says
        seen = shapes[odd[0]].suspected[name]
        faults.append(
            f"{files_named(odd)}: {name} has {seen}, and in the other files it has not; write "
            "the unit into the heading in these files, for units= (--units) holds for all of them"
        )
    if faults:
        raise SchemaError(*([f"{len(faults)} faults:"] if len(faults) > 1 else []), *faults)


def _lacking(shapes: Mapping[str, Shape], name: str) -> Finding | None:
    without = [file for file, shape in shapes.items() if name not in shape.columns]
    if not without:
        return None
    n = sum(shapes[file].rows for file in without)
    of = f"{len(without)} of {len(shapes)} files"
    message = f"{of} lack the column, which is null in their {n:,} rows: {files_named(without)}"
    fix = (
        "if it stands there under a heading that is not known, name it by map= (--map "
        f"HEADING={name})"
    )
    severity: Severity = "warning" if codebook()[name].stops else "note"
    return Finding("drift_column", severity, name, n, message, fix)


def _grouped(
    shapes: Mapping[str, Shape], of: Callable[[Shape], Hashable | None]
) -> dict[Hashable, list[str]]:
    """What files have → the files that have it, the most frequent first."""
    groups: dict[Hashable, list[str]] = {}
    for file, shape in shapes.items():
        if (value := of(shape)) is not None:
            groups.setdefault(value, []).append(file)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _other(shapes: Mapping[str, Shape], groups: dict[Hashable, list[str]]) -> tuple[int, str]:
    """Rows of the files that differ from most, and what each group of files has."""
    (_most, first), *others = groups.items()
    n = sum(shapes[file].rows for _, files in others for file in files)
    more = len(others) - _SHOWN
    listed = "; ".join(f"{value} in {files_named(files)}" for value, files in others[:_SHOWN])
    rest = f"; and {more} more" if more > 0 else ""
    most = files_named(first) if len(first) <= _SHOWN else counted(len(first), "file")
    return n, f"{_most} in {most}; {listed}{rest}"


def _headings(shapes: Mapping[str, Shape], name: str) -> Finding | None:
    groups = _grouped(shapes, lambda shape: repr(h) if (h := shape.headings.get(name)) else None)
    if len({normalise(str(heading)) for heading in groups}) < 2:
        return None
    n, listed = _other(shapes, groups)
    message = f"the heading differs between files, and is read as one variable: {listed}"
    fix = "if one of them is another quantity, leave it out with map={heading: None} (--map …=none)"
    return Finding("drift_heading", "note", name, n, message, fix)


def _units(shapes: Mapping[str, Shape], name: str) -> Finding | None:
    groups = _grouped(shapes, lambda shape: shape.units.get(name))
    if len(groups) < 2:
        return None
    n, listed = _other(shapes, groups)
    own = codebook()[name].unit
    message = f"the unit differs between files, and is brought to {own}: {listed}"
    fix = "check that the headings are right in the files whose unit is another"
    return Finding("drift_unit", "warning", name, n, message, fix)


def _types(shapes: Mapping[str, Shape], name: str) -> Finding | None:
    groups = _grouped(shapes, lambda shape: shape.types.get(name))
    if len(groups) < 2:
        return None
    n, listed = _other(shapes, groups)
    as_what = _READ_AS.get(codebook()[name].kind, "text") if name in codebook() else "text"
    message = f"the column holds another kind of values in some files: {listed}; read as {as_what}"
    fix = "look at the files that differ: a word among numbers makes text of a column"
    return Finding("drift_type", "warning", name, n, message, fix)


def _coding(shapes: Mapping[str, Shape]) -> Finding | None:
    """Sex in numbers here and in words there, or in numbers that no one coding has."""

    def way(shape: Shape) -> Hashable | None:
        if not shape.sexes:
            return None
        return _WORDS if _WORDS in in_one_coding(shape.sexes) else "numbers"

    groups = _grouped(shapes, way)
    seen = [s.sexes for s in shapes.values() if s.sexes and way(s) == "numbers"]
    whole = max(seen, key=len, default=frozenset())
    if len(groups) < 2 and all(codes <= whole for codes in seen):
        return None
    if len(groups) < 2:
        groups = _grouped(shapes, lambda s: "/".join(sorted(s.sexes)) or None)
        groups = {f"codes {codes}": files for codes, files in groups.items()}
    n, listed = _other(shapes, groups)
    message = f"sex is coded otherwise in some files: {listed}"
    fix = (
        "check that a code means the same in all files: sex_coding= (--sex-coding) holds for all "
        "of them"
    )
    return Finding("drift_coding", "warning", "sex", n, message, fix)


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
