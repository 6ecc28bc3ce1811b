"""Which files are meant by a list, a pattern of names or a folder, and what their folders say."""

from __future__ import annotations

import glob
import gzip
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from osteo_epi.cohort.conform._headings import normalise
from osteo_epi.cohort.readers._binary import columns_stored, row_groups
from osteo_epi.cohort.readers._nhanes import is_nhanes
from osteo_epi.cohort.readers._raw import READERS, Raw, sniff
from osteo_epi.errors import SchemaError
from osteo_epi.files import absent_folder, name_of, refuse_absent, refuse_addresses
from osteo_epi.findings import Finding
from osteo_epi.rounding import counted

_HIDDEN = (".", "_")
"""How names begin that are no data: what a system or a job leaves beside them (_SUCCESS)."""
_PACKED = ".gz"
_NOTHING = "__HIVE_DEFAULT_PARTITION__"
"""What a folder is called whose rows have no value."""
_SHOWN = 3
_HEAD = 1 << 18
_EXPANSION = 4  # bytes of a text a byte of its .gz, at the least


@dataclass(frozen=True)
class OneFile:
    """One file of several.

    Parameters
    ----------
    path
        Where it is.
    name
        What messages call it: its name, with the folders that hold values (``year=2020``); where
        two have one name, its way from the folder that all are in.
    values
        Columns that its folders state, by ``column=value``.
    rows
        First row, from 0, and how many are read of a Parquet file; None for all of it.
    sha256
        Of its bytes, where it was taken; "" otherwise.
    """

    path: Path
    name: str
    values: Mapping[str, str | None] = field(default_factory=dict)
    rows: tuple[int, int] | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Collection:
    """The files that were meant, in their order, and those that lie there and are no tables."""

    files: tuple[OneFile, ...]
    passed_over: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """What lies in the folder and was not read."""
        if not self.passed_over:
            return []
        n = counted(len(self.passed_over), "file")
        message = f"{n} of no known kind, not read: {files_named(self.passed_over)}"
        fix = "give a file that holds people the ending of its kind, as .csv or .parquet"
        return [Finding("files_passed_over", "note", "", 0, message, fix)]


def files_named(names: Sequence[str]) -> str:
    """The first names of files, and how many there are beside them.

    Examples
    --------
    >>> files_named(["a.csv", "b.csv", "c.csv", "d.csv"])
    'a.csv, b.csv, c.csv and 1 more'
    """
    more = len(names) - _SHOWN
    listed = ", ".join(names[:_SHOWN])
    return f"{listed} and {more} more" if more > 0 else listed


def collected(data: str | Path | Sequence[str | Path], source: str = "auto") -> Collection | None:
    """The files that are meant, where they are several.

    Parameters
    ----------
    data
        A file, a folder, a pattern of names such as ``data/**/*.parquet``, or several of them.
    source
        Which reader takes them in, see `read`.

    Returns
    -------
    Collection or None
        Sorted by their names within a folder or pattern; None where one file is named, or folders
        of NHANES tables, which are read as they are.

    Raises
    ------
    SchemaError
        If there is no such file, nothing that can be read in a folder, or a file is named twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for year in (2019, 2020):
    ...         place = Path(folder, f"year={year}")
    ...         place.mkdir()
    ...         _ = (place / "people.csv").write_text("sex,age\\nF,61\\n")
    ...     [(file.name, file.values["year"]) for file in collected(folder).files]
    [('year=2019/people.csv', '2019'), ('year=2020/people.csv', '2020')]
    """
    given = [data] if isinstance(data, str | Path) else list(data)
    paths = [Path(one) for one in given]
    patterns = [not path.exists() and glob.has_magic(str(path)) for path in paths]
    refuse_addresses(given)
    named = [path for path, is_pattern in zip(paths, patterns, strict=True) if not is_pattern]
    if named or not given:
        refuse_absent(named)
    if source == "nhanes" or (source == "auto" and is_nhanes(paths)):
        return None
    if len(paths) == 1 and paths[0].is_file():
        return None
    found, over = [], []
    for path, is_pattern in zip(paths, patterns, strict=True):
        root, files, others = _within(path, is_pattern=is_pattern)
        found += [(file, root) for file in files]
        over += others
    return Collection(_named(found), tuple(over))


def _within(path: Path, *, is_pattern: bool) -> tuple[Path | None, list[Path], list[str]]:
    """The folder that a path stands for, its files in their order, and what is no table there."""
    if is_pattern:
        first = _first_magic(path)
        fixed, pattern = Path(*path.parts[:first]), "/".join(path.parts[first:])
        files = sorted(map(Path, glob.glob(str(path), recursive=True)))
        files = [file for file in files if file.is_file() and not _lies_hidden(file, fixed)]
        if not fixed.is_dir():
            lacking = absent_folder(path) or fixed
            below = path.relative_to(lacking).as_posix()
            raise SchemaError(f"no such folder: {name_of(lacking)}, where {below} was looked for")
        if not files:
            called = name_of(path, below=pattern)
            raise SchemaError(f"no file is called as {called} says; look at the pattern")
        return fixed, files, []
    if path.is_file():
        return None, [path], []
    inside = [p for p in sorted(path.rglob("*")) if p.is_file() and not _lies_hidden(p, path)]
    files = [file for file in inside if _kind(file) in READERS]
    if not files:
        raise SchemaError(
            f"the folder {name_of(path)} holds no file that can be read: neither NHANES tables "
            f"(DEMO_*.XPT, DXXFEM_*.XPT …) nor files ending in {', '.join(list(READERS)[:6])} …"
        )
    return path, files, [file.name for file in inside if file not in files]


def _first_magic(path: Path) -> int:
    return next(i for i, part in enumerate(path.parts) if glob.has_magic(part))


def _kind(path: Path) -> str:
    """The ending that says what a file is; that before .gz."""
    suffix = path.suffix.casefold()
    return Path(path.stem).suffix.casefold() if suffix == _PACKED else suffix


def _is_hidden(name: str) -> bool:
    return name.startswith(_HIDDEN)


def _lies_hidden(path: Path, folder: Path) -> bool:
    return any(map(_is_hidden, path.relative_to(folder).parts))


def _named(found: list[tuple[Path, Path | None]]) -> tuple[OneFile, ...]:
    """Each file with its name and what its folders state, below the folder that all are in."""
    at = [Path(os.path.abspath(path)) for path, _ in found]
    # By links too, which a pattern follows, in a circle even.
    twice = [Path(path).name for path, n in Counter(map(os.path.realpath, at)).items() if n > 1]
    if twice:
        raise SchemaError(
            f"named more than once: {files_named(twice)}; name each file once, itself or by one "
            "link to it"
        )
    if not at:
        return ()
    shared = Path(os.path.commonpath([path.parent for path in at]))
    files = []
    for path, (given, root) in zip(at, found, strict=True):
        way = path.relative_to(Path(os.path.abspath(root)) if root is not None else shared)
        stated = [part for part in way.parts[:-1] if "=" in part]
        values = dict(_value(part) for part in stated)
        files.append(OneFile(given, "/".join([*stated, path.name]), values))
    if len({file.name for file in files}) < len(files):
        return tuple(
            OneFile(file.path, path.relative_to(shared).as_posix(), file.values)
            for file, path in zip(files, at, strict=True)
        )
    return tuple(files)


def _value(part: str) -> tuple[str, str | None]:
    name, _, value = part.partition("=")
    return unquote(name), None if value == _NOTHING else unquote(value)


def table_size(path: Path) -> tuple[int, int]:
    """How many rows and columns a table has, without reading it; (0, 0) where that is not told.

    Parameters
    ----------
    path
        A Parquet file, which says it, or a text table, where it is judged by the first rows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "people.csv")
    ...     _ = path.write_text("sex,age\\n" + "F,61\\n" * 1000)
    ...     table_size(path)
    (1001, 2)
    """
    kind = sniff(path)
    if kind == "parquet":
        return sum(row_groups(path) or [0]), len(columns_stored(path))
    if kind != "csv":
        return 0, 0
    with gzip.open(path) if path.suffix.casefold() == _PACKED else path.open("rb") as file:
        head = file.read(_HEAD)
    size = path.stat().st_size * (_EXPANSION if path.suffix.casefold() == _PACKED else 1)
    lines = head.count(b"\n")
    first = head.partition(b"\n")[0]
    width = max(first.count(sign) for sign in (b",", b"\t", b";", b"|")) + 1
    return (round(size * lines / len(head)) if lines else 0), width


def _gainsays(cells: pl.Series, value: str | None) -> pl.Series:
    """Where cells say another value than a folder does, which writes 2 as 02 too."""
    texts = cells.cast(pl.String, strict=False).str.strip_chars()
    stated = pl.Series([value], dtype=pl.String).str.strip_chars()
    numbers, number = (s.cast(pl.Float64, strict=False) for s in (texts, stated))
    return (texts != stated).fill_null(False) & (numbers != number).fill_null(True)


def with_partition(raw: Raw, values: Mapping[str, str | None]) -> Raw:
    """The columns that a file's folders state, beside its own; where both do, the file's count."""
    if not values:
        return raw
    own = {normalise(name): name for name in raw.frame.columns}
    columns, findings = [], []
    for name, value in values.items():
        heading = own.get(normalise(name))
        if heading is None:
            columns.append(pl.lit(value, pl.String).alias(name))
            continue
        if n := int(_gainsays(raw.frame[heading], value).sum()):
            message = f"rows that say another {name} than the folder that they are in: {n}"
            fix = f"the column {heading!r} of the file counts; move the rows if the folder is right"
            findings.append(Finding("folder_gainsaid", "warning", heading, n, message, fix))
    frame = raw.frame.with_columns(columns)
    return Raw(**{**vars(raw), "frame": frame, "findings": (*raw.findings, *findings)})
