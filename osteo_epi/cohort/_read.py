"""Read people from a file or a frame: one door, one reader a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._design import DESIGN_COLUMNS
from osteo_epi.cohort._faults import Faults
from osteo_epi.cohort._flow import Flow
from osteo_epi.cohort._people import Cohort, Source
from osteo_epi.cohort._repeats import REPEATS, check_repeats, filled_down, one_row_a_person
from osteo_epi.cohort.checks._check import check
from osteo_epi.cohort.collection import (
    Collection,
    OneFile,
    Shape,
    Table,
    collected,
    drift,
    files_named,
    joined,
    one_row_a_visit,
    units_suspected,
    with_partition,
)
from osteo_epi.cohort.conform._coding import one_sex
from osteo_epi.cohort.conform._conform import conform
from osteo_epi.cohort.conform._headings import as_written
from osteo_epi.cohort.conform._long import joined_regions
from osteo_epi.cohort.conform._plausible import without_implausible
from osteo_epi.cohort.readers._binary import read_parquet, read_statistical
from osteo_epi.cohort.readers._frame import NAME, is_frame, read_frame
from osteo_epi.cohort.readers._layout import without_headings, without_totals
from osteo_epi.cohort.readers._nhanes import is_nhanes, read_nhanes
from osteo_epi.cohort.readers._plain import canonical_values, plain_columns
from osteo_epi.cohort.readers._raw import NAMES, Code, Declared, Form, NoRowsError, Raw, sniff
from osteo_epi.cohort.readers._text import read_text
from osteo_epi.cohort.readers.workbooks import read_excel
from osteo_epi.errors import OsteoEpiError, SchemaError
from osteo_epi.files import refuse_absent
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import in_one_piece, kind_of
from osteo_epi.progress import with_progress
from osteo_epi.rounding import counted

_READERS: dict[str, Callable[..., Raw]] = {
    "csv": read_text,
    "excel": read_excel,
    "parquet": read_parquet,
    **dict.fromkeys(("xport", "stata", "spss", "sas"), read_statistical),
}


def read(
    data: Any,
    *,
    source: str = "auto",
    map: Mapping[str, str | None] | None = None,
    sex_coding: Mapping[Any, str] | None = None,
    sex: str | None = None,
    units: Mapping[str, str] | None = None,
    missing: Mapping[str, Sequence[Code]] | Sequence[Code] | None = None,
    sheet: str | int | None = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    cycles: Sequence[str] | None = None,
    repeats: str = "error",
) -> Cohort:
    """Read people from a file or a frame, with everything that was noticed on the way.

    Parameters
    ----------
    data
        A file (CSV, TSV, both also as .gz, Excel, a page that is called .xls, Parquet, SAS XPORT or
        SAS7BDAT, Stata, SPSS), a folder of NHANES tables of one cycle, a folder of such folders,
        or a list of folders. Or several files, as a yearly export has them: a list, a pattern of
        names (``"data/**/*.parquet"``) or a folder; each passes through the same door, and they
        become one table, see Notes. A table of one row a region or a vertebra becomes one row a
        person; rows of one person and day that hold different regions and agree in all else are
        joined; titles above the headings and totals below are left out, and said. Or a frame in
        memory: of pandas (the names of its index are headings too), Polars (eager or lazy), pyarrow
        or DuckDB, or a dict of columns. A column of mixed kinds, such as numbers and ``'0.812*'``,
        is read as the text that a file would hold.
    source
        "auto" goes by the file's bytes; else "nhanes", "csv", "excel", "parquet", "xport",
        "stata", "spss", "sas". A frame is a "frame".
    map
        Heading → canonical variable, e.g. {"my_column": "abmd_femoral_neck"}; None as the
        variable leaves a column as it is, as "abmd_total_hip (file)" where its heading is the name
        of a variable. Overrides recognition.
    sex_coding
        Code → sex where sex is coded in numbers, e.g. {"1": "male", "2": "female"}.
    sex
        "female" or "male" where all people are of one sex: makes the column that the file lacks,
        fills its empty cells, and is refused where the column says otherwise.
    units
        Column → unit that it is given in, e.g. {"abmd_femoral_neck": "mg/cm2"}; it is converted.
    missing
        Codes or words for missing: a list for all columns, or one list a column. The codebook's
        usual codes (-9, 99, 999 …) go in any case where they lie outside the plausible range.
    sheet
        Sheet of a workbook, by name or number from 0; None takes the one with most known headings.
    encoding
        Of a text file, e.g. "shift_jis"; None goes by its mark, UTF-8, and the headings that are
        known under GB18030, Big5, Shift-JIS, EUC-KR and Latin-1.
    skip_rows
        How many rows of a text file or a sheet stand above the headings; None finds them.
    header_rows
        How many rows the headings have, two where a region stands over its quantities; 0 where
        there are none, the columns are then column_1, column_2 …; None finds them.
    cycles
        Names of NHANES cycle folders to take.
    repeats
        Which row counts of a person who has several, of one day or of several: "first", "last", or
        "mean" (what was measured is averaged, the rest taken from the first); "error" keeps them
        all and makes an error of them, see `check`.

    Returns
    -------
    Cohort
        Canonical columns first, then the file's others under their own names; findings, flow
        and source ride along. The digest of a file is that of its bytes, of a frame that of its
        values, in whatever library it is held. A value outside its plausible range (`codebook`)
        is null, and kept in a column ``<variable>_as_given``.

    Raises
    ------
    SchemaError
        If the file cannot be read, contradicts its headings, or needs a declaration; of several
        files everything at once, each fault with the files that have it.

    Notes
    -----
    Several files are joined by the codebook: one variable may have another heading, unit or type
    in each. A column that a file lacks is null in its rows; one that is not the codebook's and
    differs in type is text. How the files differ is a finding (``drift_…``). Folders called
    ``year=2020`` give a column. Persons are looked for across all files. Declarations hold for
    every file that has the column.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "clinic.csv"
    >>> _ = file.write_text("性别,年龄,股骨颈骨密度(g/cm2)\\n女,６１,\\"0,558\\"\\n男,70,-9\\n")
    >>> people = read(file)
    >>> people.frame.rows()
    [(61.0, 'female', 0.558), (70.0, 'male', None)]
    >>> [(f.code, f.column) for f in people.findings.of("missing_code")]
    [('missing_code', 'abmd_femoral_neck')]
    >>> folder.cleanup()

    A frame with headings and codes of its own:

    >>> import pandas as pd
    >>> clinic = pd.DataFrame({"Sex": [2, 1], "Age": [61, 70], "neck BMD": [0.558, "0.812*"]})
    >>> people = read(clinic, sex_coding={1: "male", 2: "female"}, missing=["0.812*"])
    >>> people.frame.rows()
    [(61.0, 'female', 0.558), (70.0, 'male', None)]
    >>> people.source.reader
    'frame'
    """
    faults = Faults()
    people = read_gathering(
        data, faults, source=source, map=map, sex_coding=sex_coding, sex=sex, units=units,
        missing=missing, sheet=sheet, encoding=encoding, skip_rows=skip_rows,
        header_rows=header_rows, cycles=cycles, repeats=repeats,
    )  # fmt: skip
    faults.refuse()
    assert people is not None, "nothing but a fault keeps people from being read"
    return replace(people, frame_kind=kind_of(data))


def read_gathering(
    data: Any,
    faults: Faults,
    *,
    source: str = "auto",
    sheet: str | int | None = None,
    encoding: str | None = None,
    skip_rows: int | None = None,
    header_rows: int | None = None,
    cycles: Sequence[str] | None = None,
    repeats: str = "error",
    needed: Callable[[str], bool] | None = None,
    top: bool = False,
    **declarations: Any,
) -> Cohort | None:
    """Read people and gather what stands in the way, with what could be read in spite of it.

    Parameters
    ----------
    data, source, sheet, …
        As `read` takes them; or one file of several, or a part of it.
    faults
        Where the faults are gathered.
    needed
        Variables whose faults stop; a column of another one is left out, with a warning. Those on
        which some diagnosis or estimate rests by default.
    top
        Whether the first rows are read alone, of a text table or Parquet.
    declarations
        What `read` is told of the columns.

    Returns
    -------
    Cohort or None
        Without the columns at fault; None where nothing could be read.
    """
    true_or_false(top=top)
    declared = None
    with faults:
        check_repeats(repeats)
    if declarations.get("sex") is not None:
        with faults:
            one_sex(declarations["sex"])
    with faults:
        declared = Declared.of(**declarations)
    kept = repeats if repeats in REPEATS else "error"
    with faults:
        mapped = declared.map if declared else {}
        rows = data.rows if isinstance(data, OneFile) else None
        form = Form(sheet, encoding, skip_rows, header_rows, mapped, top, rows)
        door = _Door(source, form, declared, cycles, kept, needed)
        table = door.opened(data, faults)
        return None if table is None else _without_untrue(_people(table, kept), faults)
    return None


@dataclass(frozen=True)
class _Door:
    """What one file or frame passes through, and each of several."""

    source: str
    form: Form
    declared: Declared | None
    cycles: Sequence[str] | None
    repeats: str
    needed: Callable[[str], bool] | None

    def opened(self, data: Any, faults: Faults) -> Table | None:
        """What is said to be read: a frame, a file, several files, or one of several."""
        if isinstance(data, OneFile):
            table = self.table(data.path, faults, data)
            if table is None:
                return None
            codes = tuple(sorted(table.shape.sexes))
            origin = replace(table.origin, files=(data.name,), codes_of_sex=codes)
            return replace(table, origin=origin)
        files = None if is_frame(data) else collected(data, self.source)
        return self.table(data, faults) if files is None else self.joined(files, faults)

    def table(self, data: Any, faults: Faults, file: OneFile | None = None) -> Table | None:
        """Conformed columns; None where the data cannot be read, which is gathered.

        Of one of several files the bytes are not looked through for their digest: that is taken of
        all of them, or was taken before a file was cut into parts.
        """
        raw, declared = None, self.declared
        with faults:
            raw = _cells(data, self.source, self.form, self.cycles)
        if raw is None or declared is None:
            return None
        if raw.reader == "nhanes":
            declared = replace(declared, map=_own_names(raw.frame) | declared.map)
        with faults:
            origin = _origin(raw, declared.map, None if file is None else file.sha256)
            raw = without_totals(without_headings(raw))
            raw, declared = joined_regions(raw, declared, self.repeats)
            raw = with_partition(raw, file.values if file else {})
            shape = Shape()
            if file is not None:
                shape = Shape.of(raw, _own_headings(raw.frame.columns, declared.map))
            frame, findings = conform(raw, declared, faults, self.needed)
            # The cells of the file are not held while its values are checked: a third of the
            # memory.
            rows = raw.rows or len(frame)
            return Table(frame, findings, origin, rows, raw.label, shape)
        return None

    def joined(self, collection: Collection, faults: Faults) -> Table | None:
        """One table of several files; whatever is wrong with any of them is gathered."""
        tables: dict[str, Table] = {}
        own: dict[str, Faults] = {}
        empty: list[str] = []
        files = collection.files
        for file in with_progress(files, "reading files", total=len(files)):
            noticed = Faults()
            table = self.table(file.path, noticed, file)
            if noticed.hold(NoRowsError):
                empty.append(file.name)
                continue
            own[file.name] = noticed
            if table is not None:
                tables[file.name] = _of_file(table, noticed.columns)
        faults.of_files(own, files_named)
        if not tables:
            if not faults:
                raise SchemaError(f"no file has a row of data: {files_named(empty)}")
            return None
        return _of_tables(collection, tables, empty)


def _of_file(table: Table, unread: Iterable[str]) -> Table:
    """A table whose rows do not hang on those of another file."""
    suspected = units_suspected(table.frame)
    frame, filled = filled_down(without_implausible(table.frame))
    # A column that is there and could not be read is none that the file lacks.
    columns = (*table.frame.columns, *unread)
    shape = replace(table.shape, suspected=suspected, columns=columns)
    return replace(table, frame=frame, findings=[*table.findings, *filled], shape=shape)


def _of_tables(collection: Collection, tables: dict[str, Table], empty: Sequence[str]) -> Table:
    """One table of those of several files, with what differs between them."""
    files = [file for file in collection.files if file.name in tables]
    shapes = {name: table.shape for name, table in tables.items()}
    whole = joined(files, list(tables.values()))
    findings = [*collection.findings, *whole.findings, *drift(shapes, whole.frame.columns)]
    if empty:
        message = f"{counted(len(empty), 'file')} without a row of data: {files_named(empty)}"
        fix = "export them again, if people are missing"
        findings.append(Finding("empty_files", "warning", "", 0, message, fix))
    return replace(whole, findings=findings)


def _cells(data: Any, source: str, form: Form, cycles: Sequence[str] | None) -> Raw:
    """What a reader gives, each column in one piece: they come in as many as it made."""
    raw = plain_columns(_raw(data, source, form, cycles))
    columns = raw.frame.get_columns()
    raw = replace(raw, frame=raw.frame.clear())
    return replace(raw, frame=in_one_piece(columns)) if columns else raw


def columns_promised(data: Any, **choices: Any) -> tuple[str, ...] | None:
    """The columns that a file will have, by its first rows.

    Parameters
    ----------
    data, choices
        As `read` takes them.

    Returns
    -------
    tuple or None
        Names as `read` gives them, of those too that hold a fault. None where the first rows do not
        tell: of a workbook, a file of a statistical package, or a folder, and of a file that cannot
        be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "clinic.csv")
    ...     _ = file.write_text("Sex,Age,neck BMD,village\\nF,61,0.712,north\\n")
    ...     columns_promised(file)
    ('age', 'sex', 'abmd_femoral_neck', 'village')
    """
    faults = Faults()
    with suppress(OsteoEpiError, OSError):
        if is_frame(data) or collected(data) is not None:
            return None
        path = _paths(data)[0]
        if path.is_file() and sniff(path) in ("csv", "parquet"):
            people = read_gathering(path, faults, top=True, **choices)
            return None if people is None else (*people.columns, *faults.columns)
    return None


def strangers_promised(file: OneFile, **choices: Any) -> list[str] | None:
    """What is said of columns that are declared and that the first rows of a file do not have.

    Parameters
    ----------
    file
        One of several, or a part of it.
    choices
        As `read` takes them.

    Returns
    -------
    list or None
        A sentence a column. None where the first rows do not tell.
    """
    faults = Faults()
    with suppress(OsteoEpiError, OSError):
        if sniff(file.path) in ("csv", "parquet"):
            people = read_gathering(replace(file, rows=None), faults, top=True, **choices)
            return None if people is None else faults.without_strangers()
    return None


def _without_untrue(people: Cohort, faults: Faults) -> Cohort:
    """Do not say that a column lacks which is there, and could not be read for a fault."""
    true = (
        finding
        for finding in people.findings
        if finding.code != "incomplete" or finding.column not in faults.columns
    )
    return replace(people, findings=Findings(tuple(true))) if faults.columns else people


def _people(table: Table, repeats: str) -> Cohort:
    """One row a person, counted and checked."""
    frame, filled = table.frame, list[Finding]()
    if not table.is_filled:
        frame, filled = filled_down(without_implausible(frame))
    frame, visits = one_row_a_visit(frame)
    given = len(frame)
    frame, dropped = one_row_a_person(frame, repeats)
    label = table.label or ", ".join(table.origin.files) or NAME
    flow = Flow.start(table.rows, reason=f"rows of {label}")
    if joined_rows := flow.n - given:
        name, reason = "one row a person and day", "rows of the person's other regions, joined"
        flow = flow.resized(given, name=name, reason=reason, excluded=joined_rows)
    if gone := given - len(frame):
        name, reason = "one row a person", f"other rows of the person, {repeats} taken"
        flow = flow.resized(len(frame), name=name, reason=reason, excluded=gone)
    people = Cohort(
        frame, Findings((*table.findings, *filled, *visits, *dropped)), flow, table.origin
    )
    return replace(people, findings=check(people))


def _origin(raw: Raw, mapped: Mapping[str, str | None], digest: str | None) -> Source:
    """Where the people came from; a frame is digested by its values, however they were held."""
    if raw.files and digest is not None:
        names = tuple(path.name for path in raw.files)
        source = Source(names, digest, raw.reader, raw.encoding, raw.label)
    elif raw.files:
        files, encoding, label = raw.files, raw.encoding, raw.label
        source = Source.of_files(files, reader=raw.reader, encoding=encoding, label=label)
    else:
        frame = canonical_values(raw.frame)
        source = Source.of_frame(frame, reader=raw.reader, label=raw.label)
    own = _own_headings(raw.frame.columns, mapped)
    parts = {name: own[name] for name in DESIGN_COLUMNS.values() if name in own}
    others = {name: heading for name, heading in own.items() if name != heading}
    return replace(source, design=raw.design or parts, headings=others)


def _own_headings(headings: Sequence[str], mapped: Mapping[str, str | None]) -> dict[str, str]:
    """The file's headings of the variables that they are read as."""
    read = {(mapped[h] if h in mapped else as_written(h).variable): h for h in headings}
    return {name: heading for name, heading in read.items() if name is not None}


def _paths(data: str | Path | Sequence[str | Path]) -> list[Path]:
    many = [data] if isinstance(data, str | Path) else list(data)
    refuse_absent(many)
    return [Path(p) for p in many]


def _raw(data: Any, source: str, form: Form, cycles: Sequence[str] | None) -> Raw:
    if is_frame(data):
        if source not in ("auto", "frame"):
            raise SchemaError(f"source {source!r} is of files; leave it out where a frame is read")
        return read_frame(data)
    paths = _paths(data)
    if source == "nhanes" or (source == "auto" and is_nhanes(paths)):
        return read_nhanes(paths, cycles)
    if source not in ("auto", *_READERS):
        raise SchemaError(
            f"source {source!r} is not known; one of auto, nhanes, {', '.join(NAMES)}"
        )
    try:
        reader = sniff(paths[0]) if source == "auto" else source
        return _READERS[reader](paths[0], reader=reader, form=form)
    except OSError as error:
        raise SchemaError(f"{paths[0].name} cannot be opened: {error.strerror}") from error


def _own_names(frame: pl.DataFrame) -> dict[str, str | None]:
    """NHANES' columns that have no canonical name keep their own, whatever they look like."""
    return {name: None for name in frame.columns if name not in codebook()}
