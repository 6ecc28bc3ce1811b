"""What a folder of classified parts is, fresh or as it was found."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.findings import Finding, Findings
from osteo_epi.report.in_parts._place import MANIFEST
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted


@dataclass(frozen=True, repr=False, eq=False)
class ClassifiedParts(Result):
    """A folder of classified people, a file a part.

    Parameters
    ----------
    folder
        Where the parts are.
    parts
        One row a part: file, rows, and what it is made of.
    findings
        What was noticed about all parts, counts added.
    flow
        Who is in, of all parts: the columns of `Flow.to_polars`.
    classes
        How many people are in each class.
    definition
        By which they were classified.
    n_kept
        How many parts were there already, from a run that was killed or ended.
    made_again
        Why parts were made again that were there, and how many.
    """

    no_figure = "has tables alone: estimate from scan(), as oe.prevalence(parts.scan(), …)"

    folder: Path
    parts: pl.DataFrame
    findings: Findings
    flow: pl.DataFrame
    classes: dict[str, int]
    definition: Definition
    n_kept: int = 0
    made_again: tuple[tuple[str, int], ...] = ()

    def to_polars(self) -> pl.DataFrame:
        """One row a part: part, file, first_row, last_row, rows, sha256."""
        return self.parts

    @property
    def n(self) -> int:
        """How many people there are."""
        return int(self.parts["rows"].sum())

    def scan(self) -> pl.LazyFrame:
        """All classified people as a lazy frame, of which no more is read than is asked for."""
        return pl.scan_parquet(self.folder / "part-*.parquet", hive_partitioning=False)

    @classmethod
    def of_manifest(
        cls,
        folder: Path,
        manifest: dict[str, Any],
        definition: Definition,
        *,
        n_kept: int,
        made_again: tuple[tuple[str, int], ...] = (),
    ) -> ClassifiedParts:
        """What a folder holds, by its manifest."""
        return cls(
            folder,
            _table(manifest["parts"]),
            Findings(tuple(Finding(**one) for one in manifest["findings"])),
            pl.DataFrame(manifest["flow"]),
            manifest["classes"],
            definition,
            n_kept,
            made_again,
        )

    def _summary(self) -> str:
        kept = f", {count(self.n_kept)} kept" if self.n_kept else ""
        return (
            f"{counted(self.n, 'row')} in {counted(len(self.parts), 'part')}{kept}, "
            f"by {self.definition.label}"
        )


def manifest_of(out: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return manifest if isinstance(manifest, dict) and "parts" in manifest else {}
    return {}


def _table(held: list[dict[str, Any]]) -> pl.DataFrame:
    rows = [
        (
            one["part"], one["input"]["file"], *(one["input"]["rows"] or (None, None)),
            one["rows"], one["sha256"],
        )
        for one in held
    ]  # fmt: skip
    schema = {
        "part": pl.String, "file": pl.String, "first_row": pl.Int64, "last_row": pl.Int64,
        "rows": pl.Int64, "sha256": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("first_row") + 1)
