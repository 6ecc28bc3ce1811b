"""Foreign readers behind one guard: whatever they do, one sentence comes out.

A broken file makes a library written in Rust panic, which is no `Exception` in Python and prints
many lines; it makes one written in C read where it must not; and a header that declares 260 GB
makes either ask for them, upon which the system ends the process, and nothing in that process can
catch it. Declared sizes could be checked against the file's size first, but there are ten formats,
each with sizes at every level (in Parquet the header of each page), and compression leaves no
bound between the two. So binary files are read in a child process that may die: it starts at the
first such file (0.25 s), serves all that follow, has its memory and processor time limited in
proportion to the file where the system can (Linux), is ended where its threads wait for each other,
and hands the table back through a pipe (about
3 s a GB), so that no participant's data is written to a disk. Where no child can be started (an
interpreter embedded in another program), the same call is made in this process, guarded against
all but its death.

Text is read in this process: nothing in it declares a size.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import polars as pl

from osteo_epi.cohort.readers import _foreign
from osteo_epi.cohort.readers._raw import NAMES
from osteo_epi.errors import OsteoEpiError, SchemaError

Result = TypeVar("Result")
_LEAST_MEMORY = 3 << 30  # [bytes] that any file may need, libraries and threads included
_THREADS = 8  # each reserves memory, which counts though it is not used
_EXPANSION = 64  # bytes of memory a byte of file: a dictionary of few values packs that well
_LEAST_SECONDS = 30  # of processor time, and one more a MB
_IDLE = 60.0  # seconds in which a reader that gets on uses the processor, if only a hundredth


def guarded(
    call: Callable[[], Result], path: Path, kind: str, *, otherwise: str | None = None
) -> Result:
    """Call a foreign reader in this process.

    Parameters
    ----------
    call
        The call, without arguments.
    path
        The file that it reads, for the message.
    kind
        A key of `NAMES`.
    otherwise
        What to say where the reader fails; None says that the file is damaged.

    Raises
    ------
    SchemaError
        If the reader raises or panics; what it printed is then swallowed.

    Examples
    --------
    >>> guarded(lambda: 1 / 0, Path("clinic.csv"), "csv")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: clinic.csv cannot be read as a text table (CSV, TSV): ...
    """
    try:
        with _silence():
            return call()
    except (OsteoEpiError, OSError, KeyboardInterrupt, SystemExit):
        raise
    except MemoryError as error:
        raise SchemaError(
            f"{path.name} needs more memory than there is; leave out the columns that are not "
            "needed, or take a larger machine"
        ) from error
    except BaseException as error:
        raise SchemaError(otherwise or damaged(path, kind)) from error


def foreign(task: str, path: Path, **options: Any) -> _foreign.Answer | None:
    """Let the child process read a binary file.

    Parameters
    ----------
    task
        A key of `_foreign.TASKS`.
    path
        The file.
    **options
        Of the task.

    Returns
    -------
    tuple or None
        Frames, and what the file says of them; None if it cannot be read.
    """
    try:
        with path.open("rb"):
            pass
        return _child.answer(task, path.absolute(), options)
    except _NoChildError:
        with contextlib.suppress(SchemaError):
            call = _foreign.TASKS[task]
            return guarded(lambda: call(str(path), **options), path, "csv")
    return None


def refuse(path: Path, kind: str) -> NoReturn:
    """Raise that a file cannot be read."""
    raise SchemaError(damaged(path, kind))


def damaged(path: Path, kind: str) -> str:
    """The sentence for a file that cannot be read."""
    return (
        f"{path.name} cannot be read as {NAMES[kind]}: it is damaged or of another kind; "
        "export the data again, as CSV (UTF-8) if in doubt"
    )


_stderr = threading.RLock()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what is printed to the standard error; print it afterwards unless the call fails."""
    with _stderr, tempfile.TemporaryFile() as kept, contextlib.ExitStack() as stack:
        try:
            sys.stderr.flush()
            before = os.dup(2)
        except (OSError, ValueError, AttributeError):  # no standard error at all
            yield
            return
        stack.callback(os.close, before)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
        kept.seek(0)
        os.write(2, kept.read())


class _NoChildError(Exception):
    """No child process can be had here."""


class _Child:
    """The process that reads, started when first needed and again after it died."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def answer(self, task: str, path: Path, options: dict[str, Any]) -> _foreign.Answer | None:
        """Frames and what is said of them; None if the reader failed or died."""
        size = path.stat().st_size
        request = {
            "task": task,
            "path": str(path),
            "options": options,
            "memory": _memory(size),
            "seconds": _LEAST_SECONDS + size // 1_000_000,
        }
        with self._lock:
            process = self._running()
            try:
                with _watched(process):
                    return _exchange(process, request)
            except (OSError, EOFError):
                self.close()
                return None
            except BaseException:  # an interrupt would leave half an answer in the pipe
                self.close()
                raise

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid() or self._process is None or self._process.poll() is not None:
            self.close()
            self._process, self._owner = _started(), os.getpid()
        return self._process


def _started() -> subprocess.Popen[bytes]:
    script = getattr(_foreign, "__file__", None)
    if not sys.executable or not script or not Path(script).is_file():
        raise _NoChildError
    command = [sys.executable, "-P", "-W", "ignore", script]
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=_environment()
        )
    except OSError as error:
        raise _NoChildError from error
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(sys.path).encode() + b"\n")
        process.stdin.flush()
        ready = process.stdout.readline()
    except OSError:
        ready = b""
    if ready != b"ready\n":
        process.kill()
        process.communicate()
        raise _NoChildError
    return process


def _environment() -> dict[str, str]:
    """This process's, with no more threads a library than `_THREADS`."""
    most = str(min(_THREADS, os.cpu_count() or 1))
    return {"POLARS_MAX_THREADS": most, "RAYON_NUM_THREADS": most, **os.environ}


def _exchange(process: subprocess.Popen[bytes], request: dict[str, Any]) -> _foreign.Answer | None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    if "error" in head:
        return None
    parts = [process.stdout.read(size) for size in head["sizes"]]
    if [len(part) for part in parts] != head["sizes"]:
        raise EOFError
    return [pl.read_ipc(io.BytesIO(part)) for part in parts], head["meta"]


@contextlib.contextmanager
def _watched(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process that is idle while its answer is awaited, where the system tells (Linux).

    A library whose thread died waits for it for ever, and no limit of processor time ends that.
    """
    answered = threading.Event()

    def watch() -> None:
        before = None
        while not answered.wait(_IDLE) and (used := _used(process.pid)) is not None:
            if used == before:
                process.kill()
            before = used

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        answered.set()
        watcher.join()


def _used(process: int) -> int | None:
    """Processor time of a process so far, in the system's ticks; None where it does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[11]) + int(fields[12])


def _memory(size: int) -> int:
    most = _LEAST_MEMORY + _EXPANSION * size
    try:
        return min(most, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return most


_child = _Child()
atexit.register(_child.close)
