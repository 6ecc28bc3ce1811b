"""The folder of a run: made beside its place and moved there whole, so that none is half-made."""

from __future__ import annotations

import html
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

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


TABLES = ("prevalence", "flow", "findings", "bmd_by_age", "overlap")
# Read as text whatever they look like: a group named "1", or a column empty throughout.
_NUMBERS = {
    *("estimate", "se", "lower", "upper", "confidence", "n_effective", "df", "deff"),
    *("people_affected", "people_affected_lower", "people_affected_upper"),
    *("age", "mean", "sd", "share"),
}
_COUNTS = {"n", "n_missing", "n_in", "n_excluded", "n_out", "order"}


@dataclass(frozen=True)
class Run:
    """The artefacts of a run, without the people: tables of results and the manifest.

    Parameters
    ----------
    prevalence, flow, findings, bmd_by_age, overlap
        The run's CSV files of these names.
    manifest
        What was run, on what, with which norms and versions.
    """

    prevalence: pl.DataFrame
    flow: pl.DataFrame
    findings: pl.DataFrame
    bmd_by_age: pl.DataFrame
    overlap: pl.DataFrame
    manifest: dict[str, Any]

    @property
    def label(self) -> str:
        """What must be said wherever a number of this run is shown; "" if nothing."""
        return str(self.manifest["data"]["label"]) if self.manifest["simulated"] else ""

    @property
    def reference(self) -> pl.DataFrame:
        """The young adults compared with: roi, sex, mean, sd, cut_off [g/cm²], grade, n."""
        return pl.DataFrame(self.manifest["reference"], schema=REFERENCE_SCHEMA)

    @property
    def banner(self) -> Banner:
        """The head of the report."""
        return Banner(self.manifest)

    @property
    def definition(self) -> Sentence:
        """What counted as osteoporosis."""
        return Sentence(self.manifest["definition"]["sentence"])

    @property
    def methods(self) -> Methods:
        """The methods paragraphs, English and Chinese."""
        return Methods(**self.manifest["methods"])


REFERENCE_SCHEMA = {
    "roi": pl.String,
    "sex": pl.String,
    "mean": pl.Float64,
    "sd": pl.Float64,
    "cut_off": pl.Float64,
    "grade": pl.String,
    "n": pl.Int64,
}


@dataclass(frozen=True)
class Banner:
    """What the reader must know first: on what data, and whether they are of real people."""

    manifest: dict[str, Any]

    def _repr_html_(self) -> str:
        data, definition = self.manifest["data"], self.manifest["definition"]
        told = html.escape(data["label"])
        label = f'<p class="label">{told}</p>' if self.manifest["simulated"] else ""
        files = told if told and not label else html.escape(", ".join(data["files"]))
        origin = f" from <b>{files}</b>" if files else ""
        return (
            f'{label}<p class="lead">{data["n"]:,} people{origin}, judged by '
            f"<b>{html.escape(definition['title'])}</b>.</p>"
        )


@dataclass(frozen=True)
class Sentence:
    """A sentence that came out of the run."""

    text: str

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text)}</p>"


@dataclass(frozen=True)
class Methods:
    """A methods paragraph to paste into a paper."""

    en: str
    zh: str

    def _repr_html_(self) -> str:
        return (
            f'<p class="methods" lang="en">{html.escape(self.en)}</p>'
            f'<p class="methods" lang="zh-Hans">{html.escape(self.zh)}</p>'
        )


def load_run(folder: str | Path) -> Run:
    """Read the folder that `osteo-epi run` wrote.

    Parameters
    ----------
    folder
        The run's folder.

    Returns
    -------
    Run
        Its tables and manifest; the file of people is not read.

    Raises
    ------
    OutputError
        If the folder holds no run, or a part of one.
    """
    folder = Path(folder)
    wanted = [MANIFEST, *(f"{name}.csv" for name in TABLES)]
    absent = [name for name in wanted if not (folder / name).is_file()]
    if absent:
        raise OutputError(
            f"the folder {folder.name} holds no complete run: {', '.join(absent)} not there; make "
            "one with: osteo-epi run … --out FOLDER"
        )
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        tables = {name: _read(folder / f"{name}.csv") for name in TABLES}
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise OutputError(
            f"the folder {folder.name} holds a run whose files cannot be read or were damaged; "
            "make it again with: osteo-epi run … --overwrite"
        ) from error
    return Run(**tables, manifest=manifest)


def _read(path: Path) -> pl.DataFrame:
    """Read one table with the types that its columns have in every run."""
    raw = pl.read_csv(path, infer_schema=False)
    kinds = {
        name: pl.Float64 if name in _NUMBERS else pl.Int64
        for name in raw.columns
        if name in _NUMBERS | _COUNTS
    }
    answers = [name for name in raw.columns if path.stem == "overlap" and name not in kinds]
    return raw.with_columns(
        *(pl.col(name).cast(kind) for name, kind in kinds.items()),
        *(pl.col(name) == "true" for name in answers),
    )
