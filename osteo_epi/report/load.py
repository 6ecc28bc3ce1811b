"""A finished run, read back from its folder: what the notebook and the report are made of."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.errors import OutputError
from osteo_epi.report.output import MANIFEST

TABLES = ("prevalence", "flow", "findings", "bmd_by_age", "overlap")
SIMULATED = "simulated"
"""Flag of every estimate that rests on simulated people."""

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
