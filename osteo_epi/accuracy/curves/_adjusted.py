"""A curve adjusted for covariates: how well a score tells among people of the same age, or sex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy._columns import Positive
from osteo_epi.accuracy._measures import Measure
from osteo_epi.accuracy.curves._band import GRID, ROCBand, band_from, shares
from osteo_epi.accuracy.curves._choices import bootstrap_size
from osteo_epi.accuracy.curves._curve import score_tolerance, whole_area
from osteo_epi.accuracy.curves._limits import Estimates, Resampling
from osteo_epi.accuracy.curves._placement import Adjustment, Residuals, Strata
from osteo_epi.accuracy.curves._scores import Scored, read_scores, score_notes
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import Array, Codes, Mask

ADJUSTMENTS = ("linear", "stratified")


@dataclass(frozen=True, repr=False)
class AdjustedROC(Result):
    """A receiver operating characteristic adjusted for covariates.

    Attributes
    ----------
    auc
        Area under the adjusted curve: the probability that of a diseased and a healthy person of
        the same covariates the diseased has the more suspect score, over the covariates of the
        diseased.
    crude
        Area of the same people without adjustment. It is larger where diseased people differ in
        a covariate that moves the score the same way.
    difference
        auc − crude, from the same draws.
    specificity, sensitivity
        The corners of the adjusted curve, from (1, 0) to (0, 1). One cut-point of the score a
        covariate stands behind each, so that specificity is the same in all of them.
    coefficients
        term and coefficient of the score's line in the healthy; empty with strata.
    covariates, method
        What was adjusted for, and how.
    n_diseased, n_healthy, n_people, n_score_missing, n_truth_missing, n_both_missing
        As in `ROC`.
    n_covariate_missing
        People with score and truth who lack a covariate.
    score, direction, truth, design, confidence, notes
        What was asked, and what a reader must know.
    """

    auc: Measure
    crude: Measure
    difference: Measure
    specificity: Array
    sensitivity: Array
    coefficients: pl.DataFrame
    covariates: tuple[str, ...]
    method: str
    n_diseased: int
    n_healthy: int
    n_people: int
    n_score_missing: int
    n_truth_missing: int
    n_both_missing: int
    n_covariate_missing: int
    score: str
    direction: str
    truth: str
    design: str
    confidence: float
    notes: tuple[str, ...]
    estimates: Estimates = field(compare=False)

    def to_polars(self) -> pl.DataFrame:
        """One row a measure: adjusted, crude, difference."""
        rows = {"adjusted": self.auc, "crude": self.crude, "difference": self.difference}
        return pl.DataFrame(
            [{"measure": name} | m.as_row() | {"method": m.method} for name, m in rows.items()],
            schema_overrides=dict.fromkeys(("se", "lower", "upper"), pl.Float64),
        )

    def points(self) -> pl.DataFrame:
        """The curve: sensitivity, specificity."""
        return pl.DataFrame({k: getattr(self, k) for k in ("sensitivity", "specificity")})

    @in_callers_kind
    def band(self) -> ROCBand:
        """Sensitivity at specificities of 0, 0.01 … 1 with pointwise limits, of the same draws."""
        return band_from(self.estimates.after(3), self.auc.n, self.confidence, self)

    def _summary(self) -> str:
        given = ", ".join(self.covariates) or "nothing"
        return (
            f"{self.score} ({self.direction} is diseased) against {self.truth}, adjusted for "
            f"{given} ({self.method}), AUC {self.auc.rounded(3)}, {count(self.n_diseased)} "
            f"diseased, {count(self.n_healthy)} healthy"
        )


@on_people("score", "truth", "domain")
def adjusted_roc(
    people: Any = None,
    *,
    score: Column,
    truth: Column,
    covariates: Sequence[str],
    direction: Literal["low", "high"] | None = None,
    truth_positive: Positive = None,
    method: Literal["linear", "stratified"] = "linear",
    design: Any = None,
    domain: Column = None,
    replicates: int | None = None,
    seed: int | None = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> AdjustedROC:
    """Receiver operating characteristic of a score, adjusted for covariates.

    Parameters
    ----------
    people, score, truth, direction, truth_positive, design, domain, tolerance
        As in `roc`.
    covariates
        Columns of numbers or classes, which must not follow from the disease. An empty list
        gives the curve of `roc`.
    method
        "linear": the score of healthy people is a straight line of the covariates (classes as
        classes) with one spread and errors of any law; each diseased person is placed among the
        healthy residuals. "stratified": each is placed among the healthy of the same values of all
        covariates, which are classes or bands; nothing is assumed.
    replicates, seed
        Of the bootstrap that gives errors and limits, 2000 and 0 by default: diseased and healthy
        people drawn anew, or the sampling units of a design, the line fitted again; replicate
        weights are used as they are.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    AdjustedROC

    Raises
    ------
    SchemaError
        As `roc`, and if a covariate is absent or is score or truth, the covariates of the healthy
        do not settle a line, or a stratum has diseased people and no healthy one.
    DesignError
        If the method is unknown, or the people hold half a survey design.
    DefinitionError
        If `covariates` is no list of words, or `replicates`, `seed` or `tolerance` no such number.

    Notes
    -----
    Janes and Pepe 2009, doi 10.1093/biomet/asp002. Adjustment is for a covariate that moves the
    score of the healthy. How well the score tells at *other* values of a covariate (whether the
    curve itself depends on it) is another question: take domains.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> adjusted_roc(
    ...     survey(), score="abmd_total_hip", truth="abmd_lumbar_spine", direction="low",
    ...     truth_positive="(-inf, 0.8]", covariates=["age", "sex"], replicates=200,
    ... )
    AdjustedROC(abmd_total_hip (low is diseased) against abmd_lumbar_spine in (-inf, 0.8], adjusted
    for age, sex (linear), AUC 0.893 (0.872 to 0.914), 122 …)
    """
    arguments.confidence_level(confidence)
    arguments.one_of(method, "method", ADJUSTMENTS)
    _refuse_covariates(covariates, score, truth)
    draws = Resampling(*bootstrap_size(replicates, seed), confidence)
    scored = read_scores(
        people, (("score", score, direction),), truth=truth, truth_positive=truth_positive,
        design=design, domain=domain, tolerance=tolerance, accept_errors=accept_errors,
        covariates=covariates,
    )  # fmt: skip
    assert direction is not None
    by = score_tolerance(score, scored.scores[0]) if tolerance is None else tolerance
    columns = scored.people.frame.filter(scored.rows).select(covariates)
    terms, adjustment = _adjustment(scored, columns, method, low=direction == "low", tolerance=by)
    estimates, n = _estimates(scored, adjustment, draws), int(scored.rows.sum())
    false, sensitivity = adjustment.points(scored.weight)
    sizes, lost = scored.sizes, scored.lost
    lacking = sizes[2] - sum(sizes[:2]) - sum(lost)
    auc, crude, difference = (estimates.measure(k, n) for k in range(3))
    return AdjustedROC(
        auc, crude, difference, 1 - false, sensitivity,
        _coefficients(adjustment, terms, scored.weight), tuple(covariates), method, *sizes, *lost,
        lacking, score, direction, scored.truth.label, str(scored.sample.design), confidence,
        (*_notes(scored, score, lacking), *estimates.notes), estimates,
    )  # fmt: skip


def _estimates(scored: Scored, adjustment: Adjustment, draws: Resampling) -> Estimates:
    """Adjusted and crude area, their difference, and sensitivity over the grid."""
    groups, rates = scored.groups[0], 1 - np.array(GRID)

    def statistic(weight: Array) -> Array:
        crude = whole_area(*groups.sums(weight))
        adjusted = adjustment.area(weight)
        return np.append([adjusted, crude, adjusted - crude], adjustment.heights(weight, rates))

    made = draws.of_people(scored, statistic)
    cut = shares(made)
    cut.lower[2], cut.upper[2] = made.lower[2], made.upper[2]
    return cut


def _adjustment(
    scored: Scored, columns: pl.DataFrame, method: str, *, low: bool, tolerance: float
) -> tuple[tuple[str, ...], Adjustment]:
    score, diseased = scored.scores[0], scored.groups[0].diseased
    if method == "stratified":
        code = _strata(columns, diseased)
        return (), Strata.of(score, diseased, code, low=low, tolerance=tolerance)
    terms, table = _table(columns, len(score))
    if terms and np.linalg.matrix_rank(table[~diseased]) < table.shape[1]:
        raise SchemaError(
            f"covariates {', '.join(columns.columns)}: the healthy people do not settle a line of "
            f"{len(terms)} terms ({', '.join(terms)}): one follows from the others, or a class has "
            "no healthy person; leave one out, or merge classes"
        )
    return terms, Residuals(score, table, diseased, low, tolerance)


def _table(columns: pl.DataFrame, n: int) -> tuple[tuple[str, ...], Array]:
    """Terms of the line with their (m, p) table: none without covariates, else an intercept too."""
    terms, parts = ["intercept"], [np.ones(n)]
    for column in columns:
        if column.dtype.is_numeric():
            terms.append(column.name)
            parts.append(column.cast(pl.Float64).to_numpy())
            continue
        text = column.cast(pl.String)
        for name in text.unique().sort()[1:]:
            terms.append(f"{column.name} {name}")
            parts.append((text == name).cast(pl.Float64).to_numpy())
    if len(terms) == 1:
        return (), np.zeros((n, 0))
    return tuple(terms), np.column_stack(parts)


def _strata(columns: pl.DataFrame, diseased: Mask) -> Codes:
    """(m,) code of the stratum of each person, each stratum with healthy people."""
    if not columns.columns:
        return np.zeros(len(diseased), dtype=np.int64)
    code = columns.select(_s=pl.struct(pl.all()).rank("dense"))["_s"].to_numpy().astype(np.int64)
    healthy = np.bincount(code, ~diseased)
    alone = diseased & (healthy[code] == 0)
    if alone.any():
        raise SchemaError(
            f"{count(int(alone.sum()))} diseased people are in "
            f"{count(len(np.unique(code[alone])))} of {count(len(np.unique(code)))} strata of "
            f"{', '.join(columns.columns)} without a healthy person to be placed among: take wider "
            'bands, a smaller domain, or method="linear"'
        )
    return code


def _coefficients(adjustment: Adjustment, terms: tuple[str, ...], weight: Array) -> pl.DataFrame:
    values = np.zeros(0)
    if isinstance(adjustment, Residuals):
        values = adjustment.coefficients(weight)
    return pl.DataFrame(
        {"term": terms, "coefficient": values},
        schema={"term": pl.String, "coefficient": pl.Float64},
    )


def _refuse_covariates(covariates: Any, score: str, truth: str) -> None:
    if covariates != () and covariates != []:
        arguments.distinct_words(covariates, "covariates", '["age", "sex"]', of="columns")
    twice = [name for name in covariates if name in (score, truth)]
    if twice:
        raise SchemaError(
            f"covariates: {', '.join(twice)} is the score or the truth itself; adjusted for it, "
            "nothing is left to tell"
        )


def _notes(scored: Scored, score: str, lacking: int) -> tuple[str, ...]:
    notes = score_notes(scored, score)
    if lacking:
        total = count(int(scored.inside.sum()))
        notes.append(f"{count(lacking)} of {total} people with score and truth lack a covariate")
    return tuple(notes)
