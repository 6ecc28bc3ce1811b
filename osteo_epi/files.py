"""One file, written whole: a reader never meets half of one, and a killed run leaves no debris."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from uuid import uuid4

from osteo_epi.errors import OutputError, SchemaError

ABANDONED = 24 * 3600
"""[s] After which a partial file of another machine is taken for one that nobody writes to."""
_CHUNK = 1 << 20
_ADDRESS = re.compile(r"[a-z][a-z0-9+]+:/", re.IGNORECASE)
"""Of which a path keeps one slash. A letter alone before the colon is a drive."""
_HOST = f"{zlib.crc32(platform.node().encode()) & 0xFFFF:04x}"

_typed: ContextVar[bool] = ContextVar("typed", default=False)

_PROPERTIES = "docProps/core.xml"
_MOMENT = re.compile(rb"<dcterms:(created|modified)\b[^>]*>[^<]*</dcterms:\1>")
"""When an office file was made or changed, to the second."""


def digest_of(*paths: Path) -> str:
    """SHA-256 of the bytes of files, one after the other; no file is held whole.

    Raises
    ------
    OSError
        If one is not there or cannot be opened.

    Examples
    --------
    >>> digest_of()[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def paths_as_typed() -> Iterator[None]:
    """Let messages name an absent path as it was typed, to whoever sits at the terminal.

    Elsewhere a message may be kept and sent by post, and names no folder of the machine.

    Examples
    --------
    >>> with paths_as_typed():
    ...     name_of(Path("exports/clinic.csv"))
    'exports/clinic.csv'
    """
    token = _typed.set(True)
    try:
        yield
    finally:
        _typed.reset(token)


def name_of(path: Path, *, below: str = "") -> str:
    """What a file or folder that was given is called where none is found, see `paths_as_typed`.

    Parameters
    ----------
    path
        As it was given.
    below
        What of it is no folder of the machine, where that is more than its name.

    Examples
    --------
    >>> name_of(Path("exports/clinic.csv"))
    'clinic.csv'
    """
    return str(path) if _typed.get() else below or path.name


def refuse_absent(given: Sequence[str | Path]) -> None:
    """Insist that files or folders are there.

    Raises
    ------
    SchemaError
        Naming those that are not, or the folder that lacks; see also `refuse_addresses`.

    Examples
    --------
    >>> refuse_absent(["absent.csv"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: no such file or folder: absent.csv
    """
    refuse_addresses(given)
    if not given:
        raise SchemaError("no such file or folder: (none given)")
    absent: dict[Path | None, list[Path]] = {}
    for path in map(Path, given):
        if not path.exists():
            absent.setdefault(absent_folder(path), []).append(path)
    if absent:
        raise SchemaError("; ".join(_absent(*one) for one in absent.items()))


def absent_folder(path: Path) -> Path | None:
    """The uppermost folder of a path that is not there, below which nothing is to be looked for.

    Examples
    --------
    >>> str(absent_folder(Path("absent/2019/clinic.csv"))), absent_folder(Path("clinic.csv"))
    ('absent', None)
    """
    return next((folder for folder in reversed(path.parents) if not folder.exists()), None)


def _absent(folder: Path | None, paths: list[Path]) -> str:
    if folder is None:
        return f"no such file or folder: {', '.join(map(name_of, paths))}"
    below = ", ".join(path.relative_to(folder).as_posix() for path in paths)
    return f"no such folder: {name_of(folder)}, where {below} was looked for"


def refuse_addresses(given: Sequence[str | Path]) -> None:
    """Refuse what stands in an object store or the web, for no path leads there.

    Raises
    ------
    SchemaError
        With what to do.

    Examples
    --------
    >>> refuse_addresses(["s3://insurer/2019.parquet"])
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: 2019.parquet is an address (s3:), and files are read of disks:
    download it or mount the place; in Python osteo_epi.prevalence, classify and check also take
    what polars.scan_parquet("s3://…", storage_options={…}) finds there
    """
    for one in map(str, given):
        start = _ADDRESS.match(one)
        if not start or Path(start[0]).is_dir():  # a folder may be called so
            continue
        scheme = start[0].removesuffix(":/").lower()
        name = Path(one.partition("?")[0]).name  # what follows may be a key
        if scheme == "file":
            raise SchemaError(f"{name} is given as file://…; name its path, without file://")
        raise SchemaError(
            f"{name} is an address ({scheme}:), and files are read of disks: download it or mount "
            "the place; in Python osteo_epi.prevalence, classify and check also take what "
            'polars.scan_parquet("s3://…", storage_options={…}) finds there'
        )


def write_beside(target: Path, data: bytes) -> None:
    """Replace one file whole.

    Raises
    ------
    OutputError
        If its folder cannot be written to.
    """
    sweep(target)
    partial = partial_beside(target)
    try:
        partial.write_bytes(data)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {target.name}: {error.strerror or type(error).__name__}"
        ) from error


def undated(office: bytes, *, keep_day: bool = False) -> bytes:
    """An office file without the moment of its making: the same table is the same file.

    Parameters
    ----------
    office
        A .docx or .xlsx, which is an archive whose parts have times, and one of which states when
        the file was made and changed.
    keep_day
        Whether what that part states stays, because it is a day that the file is about.
    """
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(office)) as made,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as kept,
    ):
        for part in made.infolist():
            data = made.read(part)
            if part.filename == _PROPERTIES and not keep_day:
                data = _MOMENT.sub(b"", data)
            kept.writestr(zipfile.ZipInfo(part.filename), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def partial_beside(target: Path) -> Path:
    """Name a hidden place beside a file or folder, to be written first and moved there whole.

    The name says who writes to it: another run does not take it for debris.

    Examples
    --------
    >>> place = partial_beside(Path("results/out"))
    >>> place.name.startswith(".out."), place.suffix, place.parent.name
    (True, '.partial', 'results')
    """
    owner = f"{_HOST}-{os.getpid()}-{uuid4().hex[:8]}"
    return target.with_name(f".{target.name}.{owner}.partial")


def sweep(target: Path) -> None:
    """Remove what runs that were killed left beside a file or folder; never what one writes to."""
    try:
        beside = list(target.parent.iterdir())
    except OSError:
        return
    for path in beside:
        if not path.is_symlink() and _is_stale(path, target.name):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_stale(path: Path, name: str) -> bool:
    form = rf"\.{re.escape(name)}\.(?:([0-9a-f]{{4}})-(\d+)-)?[0-9a-f]{{8}}\.partial"
    ours = re.fullmatch(form, path.name)
    if ours is None:
        return False
    host, process = ours.groups()
    # On Windows a signal 0 would end the process instead of asking after it.
    if host == _HOST and os.name == "posix" and not _runs(int(process)):
        return True
    try:
        touched = max(part.stat().st_mtime for part in (path, *path.glob("*")))
    except OSError:
        return False
    return time.time() - touched > ABANDONED


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
