"""Scores that the file gives: T and Z swapped, rounded, and which reference they rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from osteo_epi.findings import Finding, Severity, rows_where

CODES = (
    "sign_lost",
    "t_z_swapped",
    "whole_t_scores",
    "rounded_t_scores",
    "reported_reference",
    "score_against_density",
)
_ENOUGH = 20
_ENOUGH_TO_FIT = 30
_SURE = 0.3
_FOLLOWS = 0.06  # T rounded to 0.1 leaves 0.03 about a line
_SCATTERS = 0.15
_RISES = 0.5
"""Rank correlation of scores with the densities of their own region: two makers' together have 0.8
and more, and scores of 30 other people pass it once in 300 times."""
_TURNED = 0.8
"""Rank correlation beyond which scores fall along their own line."""
_OLDER, _ENOUGH_OF_ANY_AGE, _SUSPECT = 50, 40, 10
_PARTS = ("centre", "device", "device_maker", "cycle")
_CLEAR, _ON_THE_LINE = 0.5, 0.25
_SHARE = 0.05
_WITHOUT = (
    "leave them out with map={heading: None} (--map HEADING=none) and classify from the densities"
)


def check_scores(frame: pl.DataFrame) -> list[Finding]:
    """Check the reported T- and Z-scores of a frame of canonical columns."""
    findings: list[Finding | None] = [_ultrasound(frame)]
    findings += [_sign_lost(frame, name) for _, name in _reported(frame, "z_score")]
    for roi, t_score in _reported(frame, "t_score"):
        findings += [
            _sign_lost(frame, t_score) or _sign_against_density(frame, roi, t_score),
            _swapped(frame, roi),
            _rounded(frame[t_score].drop_nulls(), t_score),
            _reference(frame, roi, t_score),
        ]
    return [f for f in findings if f]


def _reported(frame: pl.DataFrame, score: str) -> Iterator[tuple[str, str]]:
    for name in frame.columns:
        if name.startswith(f"{score}_") and name.endswith("_reported"):
            yield name.removeprefix(f"{score}_").removesuffix("_reported"), name


def _sign_lost(frame: pl.DataFrame, name: str) -> Finding | None:
    """No negative score among people of whom most, or half, must have one.

    Looked at as a whole and, where a column tells them apart, in each centre or device: one export
    among several may have lost its signs, or left out what was negative.
    """
    whole = _without_negatives(frame, name)
    if whole is not None:
        return _sign_finding(frame, name, *whole)
    for column in (c for c in _PARTS if c in frame.columns):
        groups = frame.partition_by(column, as_dict=True)
        parts = {
            key[0]: part for key, rows in groups.items() if (part := _without_negatives(rows, name))
        }
        sure = [
            key for key, (n, severity) in parts.items() if severity == "error" and key is not None
        ]
        if sure:
            where = pl.col(column).is_in(sure) & pl.col(name).is_not_null()
            n = sum(parts[key][0] for key in sure)
            finding = _sign_finding(frame, name, n, "error", f" in {len(sure)} of column {column}")
            return replace(finding, where=where)
    return None


def _without_negatives(frame: pl.DataFrame, name: str) -> tuple[int, Severity] | None:
    """How many scores there are, and how sure it is that some must have been negative."""
    scores = frame[name].drop_nulls()
    if len(scores) < _SUSPECT or (scores < 0).any():
        return None
    older = frame.filter(pl.col("age") >= _OLDER)[name].count() if "age" in frame.columns else 0
    sure = older >= _ENOUGH or len(scores) >= _ENOUGH_OF_ANY_AGE
    return len(scores), "error" if sure else "warning"


def _sign_finding(
    frame: pl.DataFrame, name: str, n: int, severity: Severity, part: str = ""
) -> Finding:
    empty = frame[name].null_count()
    message = f"none of {n} scores{part} is negative, where half or more must be"
    message += f"; {empty} cells are empty" if empty else ""
    fix = (
        "the minus signs were lost, or the negative values dropped, when the data were exported: "
        f"export the scores again, or {_WITHOUT}"
    )
    return Finding("sign_lost", severity, name, n, message, fix)


def _ultrasound(frame: pl.DataFrame) -> Finding | None:
    """The same of ultrasound, on which no class rests."""
    finding = _sign_lost(frame, "qus_t_score") if "qus_t_score" in frame.columns else None
    return finding and replace(finding, severity="warning", fix="export the scores again")


def _sign_against_density(frame: pl.DataFrame, roi: str, t_score: str) -> Finding | None:
    """Scores above 0 that lie on the line of score on density with the other sign only.

    The line is drawn through the negative scores, whose sign is certain.
    """
    density = f"abmd_{roi}"
    if not {density, "sex"} <= set(frame.columns):
        return None
    mirrored, n = pl.lit(False), 0
    for sex in ("female", "male"):
        pairs = frame.filter(pl.col("sex") == sex).select(density, t_score).drop_nulls()
        certain = pairs.filter(pl.col(t_score) < 0)
        if len(certain) < _ENOUGH_TO_FIT or certain[density].n_unique() < 3:
            continue
        slope, intercept = np.polyfit(certain[density], certain[t_score], 1)
        line, n = intercept + slope * pl.col(density), n + len(pairs)
        clear = (pl.col(t_score) > 0) & (line < -_CLEAR)
        on_line = (pl.col(t_score) + line).abs() < _ON_THE_LINE
        mirrored = mirrored | ((pl.col("sex") == sex) & clear & on_line)
    lost = rows_where(frame, mirrored)
    if not lost:
        return None
    message = (
        f"scores above 0 at densities that give the same score below 0 elsewhere: {lost} of {n}"
    )
    fix = f"the minus sign seems lost in these rows: correct them, or {_WITHOUT}"
    severity: Severity = "error" if lost > _SHARE * n else "warning"
    return Finding("sign_lost", severity, t_score, lost, message, fix, mirrored)


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
    fix = (
        "after looking at one printed report, exchange them with "
        f"map={{heading of Z: {t_score!r}, heading of T: {z_score!r}}} "
        f"(--map HEADING_OF_Z={t_score} --map HEADING_OF_T={z_score})"
    )
    return Finding("t_z_swapped", "error", f"{t_score}, {z_score}", len(pairs), message, fix)


def _rounded(scores: pl.Series, name: str) -> Finding | None:
    if len(scores) < _ENOUGH or scores.n_unique() < 3:
        return None
    if (scores == scores.round(0)).all():
        message = "all T-scores are whole numbers: truncated, hence useless for a class"
        fix = f"export the scores with their decimals, or {_WITHOUT}"
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
    implied, worst, n, against, turned = [], 0.0, 0, 0, 0
    for sex in ("female", "male"):
        pairs = frame.filter(pl.col("sex") == sex).select(density, t_score).drop_nulls()
        if len(pairs) < _ENOUGH_TO_FIT or min(pairs[c].n_unique() for c in pairs.columns) < 3:
            continue  # scores that are all one value have no line
        slope, intercept = np.polyfit(pairs[density], pairs[t_score], 1)
        residual = pairs[t_score].to_numpy() - (intercept + slope * pairs[density].to_numpy())
        scatter = float(residual.std())
        worst, n = max(worst, scatter), n + len(pairs)
        # Ranks of a million take longer than their line, and one that is steep and thin rises.
        rises = _rank_correlation(pairs) if slope <= 0 or scatter > _SCATTERS else 1.0
        if rises < -_TURNED:
            turned += len(pairs)
        elif scatter > _SCATTERS and rises < _RISES:
            against += len(pairs)
        elif slope > 0:
            implied.append(f"{sex} mean {-intercept / slope:.3f}, SD {1 / slope:.3f}")
    if turned or against:
        return _against_density(t_score, turned, against)
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


def _against_density(t_score: str, turned: int, against: int) -> Finding:
    """Scores that fall with density, of how many people, or that have nothing to do with it."""
    if turned:
        message = f"T-scores fall as the density of the same region rises: {turned} people"
        fix = f"their signs seem to be turned round: correct them in the file, or {_WITHOUT}"
    else:
        message = f"T-scores hardly rise with the density of the same region: {against} people"
        fix = (
            "scores and densities seem to be of other people, or of other regions: look whether "
            f"their rows were put together in one order, or {_WITHOUT}"
        )
    return Finding("score_against_density", "error", t_score, turned or against, message, fix)


def _rank_correlation(pairs: pl.DataFrame) -> float:
    """Spearman's, which a density mistyped here and there does not move."""
    return float(pairs.select(pl.corr(*pairs.columns, method="spearman")).item())
