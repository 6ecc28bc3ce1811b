"""What is said of all parts: findings and flow, put together from those of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from osteo_epi.cohort import merged
from osteo_epi.findings import Finding, findings_of_files

FLOW = {
    "order": pl.Int64, "step": pl.String, "reason": pl.String,
    "n_in": pl.Int64, "n_excluded": pl.Int64, "n_out": pl.Int64,
}  # fmt: skip
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
