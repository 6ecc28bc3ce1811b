"""The folder of a run: made beside its place and moved there whole, so that none is half-made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.arguments import true_or_false
from osteo_epi.errors import OutputError
from osteo_epi.files import name_of, partial_beside, sweep
from osteo_epi.report._parts import PARTS
from osteo_epi.report._run import TABLES, Run, as_stored
from osteo_epi.visible import escaped, from_texts

MANIFEST = "manifest.json"
REPORT = "report.html"
CLASSIFIED = "classified.parquet"
PARTS_FOLDER = "classified"
"""Folder of the people of a run in parts, instead of the file."""
_BESIDE_PARTS = tuple(f"{PARTS_FOLDER}/{n}" for n in (MANIFEST, "findings.csv", "flow.csv"))
ARTEFACTS = (
    *(f"{name}.csv" for name in TABLES),
    *(CLASSIFIED, *_BESIDE_PARTS, REPORT, *PARTS, MANIFEST),
)
# Where a new run waits in the folder of an old one: all of it, and what is still to be moved.
_WHOLE, _BEGUN = ".run-whole", ".run-moving"


def as_file(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as its file holds it."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{escaped(text)}\n".encode()


def check_free(
    out: Path, *, overwrite: bool, artefacts: Sequence[str] = ARTEFACTS, what: str = "a run"
) -> None:
    """Refuse a folder that already holds a run, before any time is spent on the next one.

    Raises
    ------
    OutputError
        If the folder holds files of a run and `overwrite` is false, or is no folder.
    """
    true_or_false(overwrite=overwrite)
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out.name} is a file, not a folder; name another folder with --out")
    held = [name for name in artefacts if (out / name).exists()]
    if held and not overwrite:
        raise OutputError(
            f"the folder {out.name} already holds {what} ({', '.join(held[:3])}"
            f"{', …' if len(held) > 3 else ''}); name another with --out, or give --overwrite"
        )


@contextmanager
def staged(
    out: Path, *, overwrite: bool = False, artefacts: Sequence[str] = ARTEFACTS
) -> Iterator[Path]:
    """Give a new folder to write to; on success its files take their place in `out`.

    Parameters
    ----------
    out
        The run's folder; it and its parents are made. Files in it that no run writes stay.
    overwrite
        Whether the files of an earlier run may be replaced.
    artefacts
        Files that a run writes.

    Raises
    ------
    OutputError
        If the folder holds a run already, or cannot be written to.
    """
    check_free(out, overwrite=overwrite, artefacts=artefacts)
    sweep(out.resolve())
    stage = partial_beside(out.resolve())
    try:
        stage.mkdir(parents=True)
        yield stage
        # Another run may have taken the folder since.
        check_free(out, overwrite=overwrite, artefacts=artefacts)
        _settle(stage, out, artefacts)
    except OSError as error:
        raise OutputError(
            f"cannot write to the folder {out.name}: {error.strerror or type(error).__name__}; "
            "name a folder that you may write to with --out"
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _settle(stage: Path, out: Path, artefacts: Sequence[str]) -> None:
    """Put the files in their place: in one step, or in steps that the next reader can end."""
    if not out.exists():
        os.replace(stage, out.resolve())
        return
    _finish(out, artefacts)
    os.replace(stage, out / _WHOLE)
    _finish(out, artefacts)


def _finish(out: Path, artefacts: Sequence[str]) -> None:
    """End the moving that a killed run began; nothing to do where none did.

    A folder is at no moment without a manifest: the earlier one stays until the new one, which is
    the last to be moved, takes its place. Whatever step was the last, the files that wait in the
    folder say what is left to do.
    """
    whole, begun = out / _WHOLE, out / _BEGUN
    # Another process may be at the same work: what it has moved is no fault.
    with suppress(FileNotFoundError):
        # How many parts of people an earlier run had is known by their names alone.
        parts = sorted((out / PARTS_FOLDER).glob("part-*.parquet"))
        artefacts = (*artefacts, *(f"{PARTS_FOLDER}/{part.name}" for part in parts))
        for name in artefacts if whole.is_dir() else ():
            if (out / name).exists() and not (whole / name).exists():
                (out / name).unlink(missing_ok=True)
        for folder in {(out / name).parent for name in artefacts} - {out}:
            with suppress(OSError):  # it is not there, or holds files of somebody else
                folder.rmdir()
        os.replace(whole, begun)
    with suppress(FileNotFoundError):
        for path in sorted(begun.rglob("*"), key=lambda path: path == begun / MANIFEST):
            if path.is_file():
                target = out / path.relative_to(begun)
                target.parent.mkdir(exist_ok=True)
                if target.exists() and target.samefile(path):
                    path.unlink()  # a second name of a part, which a move would leave
                else:
                    os.replace(path, target)
        for folder in [path for path in begun.rglob("*") if path.is_dir()]:
            folder.rmdir()
        begun.rmdir()


def load_run(folder: str | Path) -> Run:
    """Read the folder that `osteo-epi run` wrote.

    Parameters
    ----------
    folder
        The run's folder.

    Returns
    -------
    Run
        As `run` gave it, without the people: their file is not read.

    Raises
    ------
    OutputError
        If there is no such folder, or it holds no run, or a part of one.
    """
    folder = Path(folder)
    with suppress(OSError):  # of a folder that may be read only, as it is
        _finish(folder, ARTEFACTS)
    needed = [MANIFEST, *(f"{name}.csv" for name in TABLES)]
    absent = [name for name in needed if not (folder / name).is_file()]
    if not folder.exists():
        raise OutputError(
            f"no such folder: {name_of(folder)}; make a run with: osteo-epi run … --out FOLDER"
        )
    if absent:
        raise OutputError(
            f"the folder {folder.name} holds no complete run: {', '.join(absent)} not there; make "
            "one with: osteo-epi run … --out FOLDER"
        )
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        tables: dict[str, Any] = {
            name: as_stored(
                name, from_texts(pl.read_csv(folder / f"{name}.csv", infer_schema=False))
            )
            for name in TABLES
        }
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise OutputError(
            f"the folder {folder.name} holds a run whose files cannot be read or were damaged; "
            "make it again with: osteo-epi run … --overwrite"
        ) from error
    return Run(**tables, manifest=manifest, folder=folder)
