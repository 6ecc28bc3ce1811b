"""NHANES: the tables of a cycle joined on SEQN, several cycles combined by dividing the weights.

Everybody of the demographic table stays, also those who were not examined: they carry the weight
zero and the design's sampling units.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.findings import Finding
from osteo_epi.cohort.nhanes_codes import with_canonical
from osteo_epi.cohort.raw import Raw
from osteo_epi.cohort.read_binary import read_statistical
from osteo_epi.errors import SchemaError

_NAME = re.compile(r"^(?:P_)?([A-Z]+)(?:_[A-Z])?\.XPT$", flags=re.IGNORECASE)


@cache
def dictionary() -> dict[str, Any]:
    """NHANES' own names and codes."""
    text = (files("osteo_epi.cohort") / "nhanes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Cycle:
    """The files of one cycle, by table."""

    folder: Path
    tables: dict[str, Path]


def is_nhanes(paths: Sequence[Path]) -> bool:
    """Whether folders hold NHANES tables."""
    return any(_tables(p) or any(map(_tables, _folders(p))) for p in paths if p.is_dir())


def read_nhanes(paths: Sequence[Path], cycles: Sequence[str] | None = None) -> Raw:
    """Read one cycle or several.

    Parameters
    ----------
    paths
        Folders that hold a cycle's XPT files, or folders of such folders.
    cycles
        Names of the cycle folders to take, e.g. ["2005-2006", "2007-2008"]; None takes all.

    Returns
    -------
    Raw
        Canonical columns, and the tables' others under their own names.

    Raises
    ------
    SchemaError
        If no demographic table is there, or files overlap in time.

    Notes
    -----
    k two-year cycles are combined with WTMEC2YR / k, as the NHANES analytic guidelines do.
    """
    chosen = _chosen([c for path in paths for c in _cycles(path)], cycles)
    read = [_read_cycle(cycle) for cycle in chosen]
    labels = [frame["cycle"][0] for frame, _ in read]
    _refuse_overlap(labels)
    frame = pl.concat([f for f, _ in read], how="diagonal_relaxed")
    k = len(chosen)
    frame = frame.with_columns(pl.col("survey_weight") / k)
    paths_read = tuple(path for cycle in chosen for path in cycle.tables.values())
    found = _summed([f for _, findings in read for f in findings])
    found.append(_age_finding(len(frame)))
    if k > 1:
        message = f"{k} cycles combined ({', '.join(labels)}); weights divided by {k}"
        found.append(Finding("cycles_combined", "note", "survey_weight", len(frame), message))
    label = f"{dictionary()['label']}, {', '.join(labels)}"
    return Raw(frame, paths_read, "nhanes", findings=tuple(found), label=label)


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def _tables(folder: Path) -> dict[str, Path]:
    wanted = dictionary()["tables"]
    there: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = _NAME.match(path.name)
        if name and (table := name.group(1).upper()) in wanted:
            if table in there:
                raise SchemaError(
                    f"folder {folder.name} holds {there[table].name} and {path.name}; put each "
                    "cycle's tables in a folder of its own, and give the folder that holds them"
                )
            there[table] = path
    return {table: there[table] for table in wanted if table in there}


def _cycles(path: Path) -> list[Cycle]:
    if not path.is_dir():
        raise SchemaError(f"NHANES is read from folders of XPT files; {path.name} is no folder")
    own = _tables(path)
    found = (
        [Cycle(path, own)] if own else [Cycle(p, t) for p in _folders(path) if (t := _tables(p))]
    )
    if not found:
        raise SchemaError(
            f"folder {path.name} holds no NHANES tables; it needs DEMO_*.XPT and DXXFEM_*.XPT or "
            "DXXSPN_*.XPT of one cycle, or one such folder a cycle"
        )
    return found


def _chosen(found: list[Cycle], cycles: Sequence[str] | None) -> list[Cycle]:
    there = {cycle.folder.name: cycle for cycle in found}
    unknown = [name for name in cycles or () if name not in there]
    if unknown:
        raise SchemaError(
            f"cycles: no folder {', '.join(unknown)}; there are {', '.join(sorted(there))}"
        )
    chosen = [there[name] for name in cycles] if cycles else found
    for cycle in chosen:
        if "DEMO" not in cycle.tables or not {"DXXFEM", "DXXSPN"} & set(cycle.tables):
            raise SchemaError(
                f"folder {cycle.folder.name} needs the NHANES tables DEMO and DXXFEM or DXXSPN; "
                f"it holds {', '.join(cycle.tables)}"
            )
    return chosen


def _read_cycle(cycle: Cycle) -> tuple[pl.DataFrame, list[Finding]]:
    frames = {t: read_statistical(p, reader="xport").frame for t, p in cycle.tables.items()}
    people = frames.pop("DEMO")
    for table, frame in frames.items():
        if frame["SEQN"].is_duplicated().any():
            raise SchemaError(
                f"{cycle.tables[table].name}: SEQN occurs more than once; the table must hold one "
                "row a person"
            )
        shared = [c for c in frame.columns if c in people.columns and c != "SEQN"]
        people = people.join(frame.drop(shared), on="SEQN", how="left", validate="1:1")
    return with_canonical(people, dictionary())


def _refuse_overlap(labels: list[str]) -> None:
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise SchemaError(f"cycle {', '.join(twice)} is given more than once; name each once")
    if "2017-2020" in labels and len(labels) > 1:
        raise SchemaError(
            "the pre-pandemic file 2017-March 2020 carries weights of its own and cannot be "
            "combined with two-year cycles; read it alone"
        )


def _summed(findings: list[Finding]) -> list[Finding]:
    """One finding a code and column over all cycles."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.column), []).append(finding)
    return [
        Finding(f.code, f.severity, f.column, n, f"{f.message}: {n}", f.fix)
        for (f, *_), n in ((many, sum(x.n for x in many)) for many in groups.values())
    ]


def _age_finding(n: int) -> Finding:
    message = "age is that at the screening interview; the scan followed within weeks"
    return Finding("age_at_interview", "note", "age", n, message)
