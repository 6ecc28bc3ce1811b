"""The folder of a run: made beside its place and moved there whole, so that none is half-made."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from osteo_epi.errors import OutputError

MANIFEST = "manifest.json"
REPORT = "report.html"
ARTEFACTS = (
    "prevalence.csv",
    "flow.csv",
    "findings.csv",
    "bmd_by_age.csv",
    "overlap.csv",
    "classified.parquet",
    REPORT,
    MANIFEST,
)


def check_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that already holds a run, before any time is spent on the next one.

    Raises
    ------
    OutputError
        If the folder holds files of a run and `overwrite` is false, or is no folder.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out.name} is a file, not a folder; name another folder with --out")
    held = [name for name in ARTEFACTS if (out / name).exists()]
    if held and not overwrite:
        raise OutputError(
            f"the folder {out.name} already holds a run ({', '.join(held[:3])}"
            f"{', …' if len(held) > 3 else ''}); name another with --out, or give --overwrite"
        )


@contextmanager
def staged(out: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a new folder to write to; on success its files take their place in `out`.

    Parameters
    ----------
    out
        The run's folder; it and its parents are made. Files in it that no run writes stay.
    overwrite
        Whether the files of an earlier run may be replaced.

    Raises
    ------
    OutputError
        If the folder holds a run already, or cannot be written to.
    """
    check_free(out, overwrite=overwrite)
    stage = out.resolve().parent / f".{out.resolve().name}.{uuid4().hex[:8]}.partial"
    try:
        stage.mkdir(parents=True)
        yield stage
        _settle(stage, out)
    except OSError as error:
        raise OutputError(
            f"cannot write to the folder {out.name}: {error.strerror or type(error).__name__}; "
            "name a folder that you may write to with --out"
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _settle(stage: Path, out: Path) -> None:
    """Move the files in, the manifest last: a folder without one is not taken for a run."""
    if not out.exists():
        os.replace(stage, out.resolve())
        return
    for name in (MANIFEST, *ARTEFACTS):
        (out / name).unlink(missing_ok=True)
    for path in sorted(stage.iterdir(), key=lambda path: path.name == MANIFEST):
        os.replace(path, out / path.name)


def write_beside(target: Path, data: bytes) -> None:
    """Replace one file whole.

    Raises
    ------
    OutputError
        If its folder cannot be written to.
    """
    partial = target.with_name(f".{target.name}.{uuid4().hex[:8]}.partial")
    try:
        partial.write_bytes(data)
        os.replace(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(
            f"cannot write {target.name}: {error.strerror or type(error).__name__}"
        ) from error


def check_target(
    out: str, overwrite: bool, endings: tuple[str, ...] = (".parquet", ".csv")
) -> None:
    """Refuse a file before any work is spent on it."""
    path = Path(out)
    if path.suffix.lower() not in endings:
        raise OutputError(f"{path.name}: give the file an ending of {' or '.join(endings)}")
    if path.exists() and not overwrite:
        raise OutputError(f"{path.name} exists already; name another file, or give --overwrite")


def write_frame(frame: Any, out: str, *, label: str) -> None:
    """Write people or findings whole; Parquet carries the label in its metadata."""
    buffer = io.BytesIO()
    if out.lower().endswith(".csv"):
        frame.write_csv(buffer)
    else:
        frame.write_parquet(buffer, metadata={"osteo_epi": label})
    write_beside(Path(out), buffer.getvalue())
