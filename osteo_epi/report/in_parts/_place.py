"""Where parts wait until all are there: a hidden folder beside, which one process may write to.

`whole/` in it is what will be put in place by one rename; what only a resumption needs stands
beside: an entry a part, and the persons of each. A part is there when its entry is, which is
written last; whatever a killed run left half-written has another name and is written over.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osteo_epi.errors import OutputError
from osteo_epi.files import digest_of
from osteo_epi.report.in_parts._numbers import KINDS
from osteo_epi.visible import escaped

MANIFEST = "manifest.json"
_HALF = ".half-"


@dataclass(frozen=True)
class Place:
    """The hidden folder of an output folder.

    Parameters
    ----------
    out
        Where the parts will stand.
    folder
        Where they wait.
    """

    out: Path
    folder: Path

    @property
    def whole(self) -> Path:
        """What will be put in place."""
        return self.folder / "whole"

    def numbers(self, number: int, kind: str) -> Path:
        """Where numbers that stand for the persons or the rows of a part are kept."""
        return self.folder / kind / f"{number:05d}"

    @property
    def salt(self) -> int:
        """A number that makes the digests of persons of no use elsewhere."""
        return int((self.folder / "salt").read_text())

    def entry(self, number: int) -> dict[str, Any]:
        """What is known of a part that is there; empty where none is."""
        try:
            told = json.loads(self._entry(number).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def keep(self, number: int, entry: Mapping[str, Any]) -> None:
        """Say that a part is there."""
        written(self._entry(number), lambda path: path.write_bytes(as_json(entry)))

    def forget_others(self, n: int) -> None:
        """Take away what is of parts beyond the last, and what was left half-written."""
        names = {f"part-{number:05d}.parquet" for number in range(1, n + 1)}
        for path in self.whole.iterdir():
            if path.name not in names:
                path.unlink()
        for path in (self.folder / "entries").iterdir():
            # What is no entry of ours was put there by the system of files.
            if path.name.startswith(_HALF) or (path.stem.isdecimal() and int(path.stem) > n):
                path.unlink()

    def _entry(self, number: int) -> Path:
        return self.folder / "entries" / f"{number:05d}.json"

    def settle(self) -> None:
        """Put the whole in place by one rename; an earlier one is set aside for that moment."""
        earlier = _earlier(self.out)
        if self.out.exists():
            os.replace(self.out, earlier)
        os.replace(self.whole, self.out)
        _synced(self.out.parent)
        shutil.rmtree(earlier, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def as_json(thing: Any) -> bytes:
    """Anything as the bytes of its JSON, the same each time."""
    text = json.dumps(thing, ensure_ascii=False, indent=1, allow_nan=False)
    return f"{escaped(text)}\n".encode()


def written(target: Path, write: Callable[[Path], object]) -> str:
    """Write a file beside its place, wait until it is on the disk, and move it there whole.

    Returns
    -------
    str
        SHA-256 of its bytes.
    """
    half = target.with_name(f"{_HALF}{target.name}")
    write(half)
    descriptor = os.open(half, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    digest = digest_of(half)
    os.replace(half, target)
    _synced(target.parent)
    return digest


def digest_there(path: Path) -> str:
    """SHA-256 of a file's bytes; "" where there is none."""
    try:
        return digest_of(path)
    except FileNotFoundError:
        return ""


def _synced(folder: Path) -> None:
    """Let the names in a folder be on the disk too, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _earlier(out: Path) -> Path:
    return out.with_name(f".{out.name}.parts-earlier")


@contextmanager
def place_of(out: Path) -> Iterator[Place]:
    """Have the hidden folder of an output folder to oneself.

    Raises
    ------
    OutputError
        If another process has it, or it cannot be made.
    """
    out = out.resolve()
    folder = out.with_name(f".{out.name}.parts")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with _alone(out):
            earlier = _earlier(out)
            if earlier.exists() and not out.exists():  # killed between two renames
                os.replace(earlier, out)
            shutil.rmtree(earlier, ignore_errors=True)
            if not Place(out, folder).whole.exists():  # killed after the last rename
                shutil.rmtree(folder, ignore_errors=True)
            yield Place(out, folder)
    except OSError as error:
        kept = "; what is made is kept, and the same command goes on from there"
        raise OutputError(
            f"cannot write to the folder {out.name}: {error.strerror or type(error).__name__}"
            f"{kept if folder.exists() else '; name a folder that you may write to'}"
        ) from error


def begin(place: Place) -> None:
    """Make the hidden folder, or take up the one that a killed run left."""
    for folder in (place.folder, place.whole):
        folder.mkdir(exist_ok=True)
    for name in ("entries", *KINDS):
        (place.folder / name).mkdir(exist_ok=True, mode=0o700)
    salt = place.folder / "salt"
    if not salt.exists():
        written(salt, lambda path: path.write_text(str(secrets.randbits(60))))
        shutil.rmtree(place.folder / "entries")
        (place.folder / "entries").mkdir(mode=0o700)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """A lock that the system takes away when the process ends, however it ends."""
    path = out.with_name(f".{out.name}.parts-lock")
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _locked(descriptor):
                raise OutputError(
                    f"another process is writing the parts of {out.name}; wait for it, or name "
                    "another folder"
                )
            # The other process may have taken the file away between opening and locking it.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _locked_by_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locked_by_windows(descriptor: int) -> bool:
    from importlib import import_module

    msvcrt: Any = import_module("msvcrt")
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
