"""Where parts wait until all are there: a hidden folder beside, which one process may write to.

A part waits under its key, which says of what it is made, so that it is the same part whatever its
number is among the files of another day. An entry a part stands beside, and the numbers of its
persons. A part is there when its entry is, which is written last; whatever a killed run left
half-written has another name and is written over. When all are there they get their numbers in
`whole/`, which is put in place by one rename.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Container, Iterator, Mapping
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
FOLDERS = ("parts", "entries", *KINDS)
"""What waits: in each a file a part, by its key."""


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

    def part(self, key: str) -> Path:
        """Where a part waits."""
        return self.folder / "parts" / f"{key}.parquet"

    def numbers(self, key: str, kind: str) -> Path:
        """Where numbers that stand for the persons or the rows of a part are kept."""
        return self.folder / kind / key

    @property
    def salt(self) -> int:
        """A number that makes the digests of persons of no use elsewhere."""
        return int((self.folder / "salt").read_text())

    def entry(self, key: str) -> dict[str, Any]:
        """What is known of a part that is there; empty where none is."""
        return _told(self._entry(key))

    def others(self, keys: Container[str]) -> list[dict[str, Any]]:
        """What is known of parts that are there and were made of something else."""
        paths = (self.folder / "entries").glob("*.json")
        told = (_told(path) for path in sorted(paths) if path.stem not in keys)
        return [entry for entry in told if "input" in entry]

    def keep(self, key: str, entry: Mapping[str, Any]) -> None:
        """Say that a part is there."""
        written(self._entry(key), lambda path: path.write_bytes(as_json(entry)))

    def forget_others(self, keys: Container[str]) -> None:
        """Take away what is of other parts, and what was left half-written or half-numbered."""
        for path in self.whole.iterdir():
            path.unlink()
        for folder in (self.folder / name for name in FOLDERS):
            for path in folder.iterdir():
                # What is no file of ours was put there by the system of files.
                is_ours = path.name.startswith(_HALF) or path.name[0] != "."
                if is_ours and path.stem not in keys:
                    path.unlink()

    def _entry(self, key: str) -> Path:
        return self.folder / "entries" / f"{key}.json"

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
    _on_disk(half)
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


def second_name(path: Path, target: Path) -> None:
    """Let a file stand elsewhere as well; it stays where it is."""
    half = target.with_name(f"{_HALF}{target.name}")
    for name in (half, target):  # a move onto a second name of itself would leave the first
        name.unlink(missing_ok=True)
    try:
        os.link(path, half)
    except OSError:  # a system of files without second names
        shutil.copyfile(path, half)
        _on_disk(half)
    os.replace(half, target)
    _synced(target.parent)


def _told(path: Path) -> dict[str, Any]:
    """What a file of ours says; nothing where it is none."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _on_disk(file: Path) -> None:
    """Wait until the bytes of a file are on the disk."""
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    for name in FOLDERS:
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
