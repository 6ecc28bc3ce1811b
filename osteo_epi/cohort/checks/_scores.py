"""Scores that the file gives: T and Z swapped, rounded, and which reference they rest on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from osteo_epi.findings import Finding, Severity

CODES = ("t_z_swapped", "whole_t_scores", "rounded_t_scores", "reported_reference")
_ENOUGH = 20
_ENOUGH_TO_FIT = 30
_SURE = 0.3
_FOLLOWS = 0.06  # T rounded to 0.1 leaves 0.03 about a line
_SCATTERS = 0.15


def check_scores(frame: pl.DataFrame) -> list[Finding]:
    """Check the reported T- and Z-scores of a frame of canonical columns."""
    findings: list[Finding | None] = []
    for roi, t_score in _reported(frame, "t_score"):
        findings += [
            _swapped(frame, roi),
            _rounded(frame[t_score].drop_nulls(), t_score),
            _reference(frame, roi, t_score),
        ]
    return [f for f in findings if f]


def _reported(frame: pl.DataFrame, score: str) -> Iterator[tuple[str, str]]:
    for name in frame.columns:
        if name.startswith(f"{score}_") and name.endswith("_reported"):
            yield name.removeprefix(f"{score}_").removesuffix("_reported"), name


def _swapped(frame: pl.DataFrame, roi: str) -> Finding | None:
    """Z − T grows with age, because bone is lost; a fall tells that the columns are exchanged."""
    t_score, z_score = f"t_score_{roi}_reported", f"z_score_{roi}_reported"
    if not {z_score, "age"} <= set(frame.columns):
        return None
    pairs = frame.select("age", (pl.col(z_score) - pl.col(t_score)).alias("gap")).drop_nulls()
    if len(pairs) < _ENOUGH or pairs["age"].n_unique() < 2 or pairs["gap"].n_unique() < 2:
        return None
    if np.corrcoef(pairs["age"], pairs["gap"])[0, 1] > -_SURE:
        return None
    message = "Z falls behind T with age, where it should rise above it: the columns seem exchanged"
    fix = "exchange them with map= (--map), after looking at one printed report"
    return Finding("t_z_swapped", "error", f"{t_score}, {z_score}", len(pairs), message, fix)


def _rounded(scores: pl.Series, name: str) -> Finding | None:
    if len(scores) < _ENOUGH or scores.n_unique() < 3:
        return None
    if (scores == scores.round(0)).all():
        message = "all T-scores are whole numbers: truncated, hence useless for a class"
        fix = "classify from the densities, or export the scores with their decimals"
        return Finding("whole_t_scores", "error", name, len(scores), message, fix)
    if ((scores - scores.round(1)).abs() < 1e-6).all():
        message = "T-scores are rounded to one decimal: people near a cut-off may change class"
        fix = "classify from the densities where they are there"
        return Finding("rounded_t_scores", "note", name, len(scores), message, fix)
    return None


def _reference(frame: pl.DataFrame, roi: str, t_score: str) -> Finding | None:
    """Regress reported T on density: the line tells the mean and SD that the report used."""
    density = f"abmd_{roi}"
    if not {density, "sex"} <= set(frame.columns):
        return None
    implied, worst, n = [], 0.0, 0
    for sex in ("female", "male"):
        pairs = frame.filter(pl.col("sex") == sex).select(density, t_score).drop_nulls()
        if len(pairs) < _ENOUGH_TO_FIT or pairs[density].n_unique() < 3:
            continue
        slope, intercept = np.polyfit(pairs[density], pairs[t_score], 1)
        residual = pairs[t_score].to_numpy() - (intercept + slope * pairs[density].to_numpy())
        worst, n = max(worst, float(residual.std())), n + len(pairs)
        if slope > 0:
            implied.append(f"{sex} mean {-intercept / slope:.3f}, SD {1 / slope:.3f}")
    if not implied:
        return None
    follows = worst < _FOLLOWS
    message = f"reported T-scores imply the reference {'; '.join(implied)} g/cm²"
    if not follows:
        message += f", with a scatter of {worst:.2f} about the line"
    fix = (
        "compare with the reference chosen"
        if follows
        else ("several references, devices or vertebra sets are mixed: classify from the densities")
    )
    severity: Severity = "warning" if worst > _SCATTERS else "note"
    return Finding("reported_reference", severity, t_score, n, message, fix)
