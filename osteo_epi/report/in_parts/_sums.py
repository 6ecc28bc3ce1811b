"""What is said of all parts: findings, flow and persons, put together from those of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.cohort import merged
from osteo_epi.findings import Finding, findings_of_files
from osteo_epi.rounding import counted

FLOW = {
    "order": pl.Int64, "step": pl.String, "reason": pl.String,
    "n_in": pl.Int64, "n_excluded": pl.Int64, "n_out": pl.Int64,
}  # fmt: skip
AT_ONCE = 10_000_000
"""Persons that are looked at together: 80 MB."""
_TOLD = ("code", "severity", "column", "n", "message", "fix", "subject")


def as_told(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as a file keeps them."""
    return [{name: getattr(finding, name) for name in _TOLD} for finding in findings]


def findings_of(told: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Finding]:
    """One finding a code and column of those of all parts, their counts added."""
    named = {name: [Finding(**one) for one in of] for name, of in told.items()}
    return findings_of_files(named, pieces="parts")


def flow_of(flows: Sequence[Sequence[Mapping[str, Any]]], start: str) -> pl.DataFrame:
    """The flow of all people, from the flow of each part.

    Parameters
    ----------
    flows
        Rows of `Flow.to_polars` a part; a step that a part does not have lets all of its rows pass.
    start
        What the first step says that the rows are of.

    Examples
    --------
    >>> def step(name, reason, n_in, n_excluded, n_out):
    ...     return dict(step=name, reason=reason, n_in=n_in, n_excluded=n_excluded, n_out=n_out)
    >>> first = [step("read", "rows of a.csv", 5, 0, 5), step("one row a person", "other", 5, 2, 3)]
    >>> flow_of([first, [step("read", "rows of b.csv", 4, 0, 4)]], "rows of 2 files").rows()
    [(1, 'read', 'rows of 2 files', 9, 0, 9), (2, 'one row a person', 'other', 9, 2, 7)]
    """
    names = merged([list(dict.fromkeys(row["step"] for row in flow)) for flow in flows])
    left = [next((row["n_in"] for row in flow), 0) for flow in flows]
    rows = []
    for order, name in enumerate(names, start=1):
        n_in, reasons = sum(left), dict[str, int]()
        for place, flow in enumerate(flows):
            for row in (row for row in flow if row["step"] == name):
                reason = start if order == 1 else row["reason"]
                reasons[reason] = reasons.get(reason, 0) + row["n_excluded"]
                left[place] = row["n_out"]
        rows += [(order, name, reason, n_in, n, sum(left)) for reason, n in reasons.items()]
    return pl.DataFrame(rows, schema=FLOW, orient="row")


def persons_of(people: pl.Series, salt: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The persons of a part as sorted numbers of 64 bits, each once.

    Two of 1e8 persons have one number by chance in 3 of 10,000 such data sets.
    """
    return people.drop_nulls().cast(pl.String).hash(salt).unique().sort().to_numpy()


def persons_in_several(files: Sequence[Path], at_once: int = AT_ONCE) -> tuple[int, int]:
    """How many persons occur in more than one part, and in how many parts together.

    Parameters
    ----------
    files
        The persons of each part, as `persons_of` gives them.
    at_once
        How many are held in memory.

    Returns
    -------
    tuple
        Persons, and the parts of each, added.
    """
    kept = [np.memmap(file, np.uint64, "r") for file in files if file.stat().st_size]
    total = sum(len(part) for part in kept)
    slices = max(1, -(-total // at_once))
    edges = [int(edge) for edge in np.linspace(0, 2.0**64, slices + 1)]
    persons = occurrences = 0
    for low, high in itertools.pairwise(edges):
        pieces = [part[_from(part, low) : _from(part, high)] for part in kept]
        together = np.sort(np.concatenate(pieces)) if pieces else np.empty(0, np.uint64)
        starts = np.flatnonzero(np.r_[True, together[1:] != together[:-1]])
        counts = np.diff(np.r_[starts, len(together)]) if len(together) else starts[:0]
        persons += int((counts > 1).sum())
        occurrences += int(counts[counts > 1].sum())
    return persons, occurrences


def _from(part: np.ndarray[Any, np.dtype[np.uint64]], edge: int) -> int:
    if edge >= 1 << 64:
        return len(part)
    return int(np.searchsorted(part, np.uint64(edge)))


def several_parts(persons: int, occurrences: int) -> list[Finding]:
    """The finding that persons occur in several parts."""
    if not persons:
        return []
    message = (
        f"{counted(persons, 'person')} stand in several parts, {occurrences:,} times together: "
        "each time counts as a person"
    )
    fix = (
        "put the rows of a person into one file that is one part (see part_rows=, --part-rows), "
        "where repeats= (--repeats) chooses among them; or read the files in memory, where it "
        "chooses among all"
    )
    return [Finding("person_in_several_parts", "error", "person_id", occurrences, message, fix)]
