"""A smooth curve: two normal laws, of the score itself or of some unknown scale of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments
from osteo_epi.accuracy._columns import Positive
from osteo_epi.accuracy._measures import Measure
from osteo_epi.accuracy.curves._band import GRID, ROCBand, band_from, shares
from osteo_epi.accuracy.curves._choices import bootstrap_size
from osteo_epi.accuracy.curves._curve import Groups
from osteo_epi.accuracy.curves._limits import Estimates, Resampling
from osteo_epi.accuracy.curves._scores import Scored, read_scores, score_notes
from osteo_epi.errors import SchemaError
from osteo_epi.frames import Column, in_callers_kind, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import Array

SMOOTHERS = ("binormal", "normal")


@dataclass(frozen=True, repr=False)
class SmoothROC(Result):
    """A binormal curve, sensitivity = Φ(intercept + slope · Φ⁻¹(1 − specificity)).

    Attributes
    ----------
    auc
        Area under it, Φ(intercept / √(1 + slope²)).
    intercept, slope
        Distance of the two means in SDs of the diseased, and SD of the healthy over that of the
        diseased. A slope other than 1 makes the curve cross the diagonal near one of its ends,
        which no useful score does: read nothing there.
    specificity, sensitivity
        (101,) points of the curve, at specificities of 1, 0.99 … 0.
    n_diseased, n_healthy, n_people, n_score_missing, n_truth_missing, n_both_missing
        As in `ROC`.
    score, direction, truth, method, design, confidence, notes
        What was asked, and what a reader must know.
    """

    auc: Measure
    intercept: Measure
    slope: Measure
    specificity: Array
    sensitivity: Array
    n_diseased: int
    n_healthy: int
    n_people: int
    n_score_missing: int
    n_truth_missing: int
    n_both_missing: int
    score: str
    direction: str
    truth: str
    method: str
    design: str
    confidence: float
    notes: tuple[str, ...]
    estimates: Estimates = field(compare=False)

    def to_polars(self) -> pl.DataFrame:
        """One row a measure (auc, intercept, slope): estimate, se, lower, upper, n, method."""
        names = ("auc", "intercept", "slope")
        rows = [(name, getattr(self, name)) for name in names]
        return pl.DataFrame(
            [{"measure": name} | m.as_row() | {"method": m.method} for name, m in rows],
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
        return (
            f"{self.score} ({self.direction} is diseased) against {self.truth}, {self.method}, AUC "
            f"{self.auc.rounded(3)}, {count(self.n_diseased)} diseased, "
            f"{count(self.n_healthy)} healthy"
        )


@on_people("score", "truth", "domain")
def smooth_roc(
    people: Any = None,
    *,
    score: Column,
    truth: Column,
    direction: Literal["low", "high"] | None = None,
    truth_positive: Positive = None,
    method: Literal["binormal", "normal"] = "binormal",
    design: Any = None,
    domain: Column = None,
    replicates: int | None = None,
    seed: int | None = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> SmoothROC:
    """Smooth a receiver operating characteristic by two normal laws.

    Parameters
    ----------
    people, score, truth, direction, truth_positive, design, domain, tolerance
        As in `roc`.
    method
        "binormal": some rising function of the score is normal in diseased and in healthy people.
        The probits of specificity are regressed on those of sensitivity, an ordinary straight line
        through the points of the empirical curve that are off its ends, each with the same weight:
        what pROC's `smooth` does. It depends on the ranks of the scores only. "normal": the score
        itself is normal in either class, by maximum likelihood: means and SDs, so that an outlier
        or a skewed score tells on it.
    replicates, seed
        Of the bootstrap that gives errors and limits, 2000 and 0 by default: diseased and healthy
        people drawn anew, or the sampling units of a design; replicate weights are used as they
        are.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    SmoothROC

    Raises
    ------
    SchemaError
        As `roc`, and if the curve has fewer than two points off its ends, or a class has one score
        only ("normal").
    DesignError
        If the method is unknown, or the people hold half a survey design.
    DefinitionError
        If `replicates`, `seed` or `tolerance` is no such number.

    Notes
    -----
    The regression is no maximum likelihood (points of a curve go together, and their errors
    differ), but needs no choice of categories; Hanley 1988, doi 10.1177/0272989x8800800308, on how
    little the assumption of two normal laws costs; pROC: Robin and others 2011,
    doi 10.1186/1471-2105-12-77.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> smooth_roc(
    ...     survey(), score="abmd_total_hip", truth="abmd_lumbar_spine", direction="low",
    ...     truth_positive="(-inf, 0.8]", replicates=200,
    ... )
    SmoothROC(abmd_total_hip (low is diseased) against abmd_lumbar_spine in (-inf, 0.8], binormal,
    AUC 0.94 (0.913 to 0.961), 122 diseased, 1,973 healthy)
    """
    arguments.confidence_level(confidence)
    arguments.one_of(method, "method", SMOOTHERS)
    draws = Resampling(*bootstrap_size(replicates, seed), confidence)
    scored = read_scores(
        people, (("score", score, direction),), truth=truth, truth_positive=truth_positive,
        design=design, domain=domain, tolerance=tolerance, accept_errors=accept_errors,
    )  # fmt: skip
    assert direction is not None
    estimates = _estimates(scored, draws, method, score)
    n = int(scored.rows.sum())
    grid = np.array(GRID)[::-1]
    auc, intercept, slope = (estimates.measure(k, n) for k in range(3))
    return SmoothROC(
        auc, intercept, slope, grid, estimates.value[3:][::-1],
        *scored.sizes, *scored.lost, score, direction, scored.truth.label, method,
        str(scored.sample.design), confidence, (*score_notes(scored, score), *estimates.notes),
        estimates,
    )  # fmt: skip


def _estimates(scored: Scored, draws: Resampling, method: str, score: str) -> Estimates:
    """Area, intercept, slope, and sensitivity over the grid, with what they are uncertain by."""
    groups = scored.groups[0]

    def statistic(sick: Array, well: Array) -> Array:
        if method == "normal":
            intercept, slope = normal(sick, well, groups)
        else:
            intercept, slope = binormal(sick, well)
        return _quantities(intercept, slope)

    sums = [w[None] for w in groups.sums(scored.weight)]
    if not np.isfinite(statistic(*sums)).all():
        raise SchemaError(
            f"the curve of {score} is not to be smoothed: "
            + (
                "a class has one score only"
                if method == "normal"
                else "fewer than two of its points are off the ends, where neither sensitivity nor "
                "specificity is 0 or 1; the score separates nearly everybody, or has few values"
            )
        )
    made = draws.of_groups(scored, groups, statistic)
    # Sensitivity and area are shares; intercept and slope are not.
    cut, at = shares(made), np.r_[0, 3 : len(made.value)]
    for whole, part in ((made.lower, cut.lower), (made.upper, cut.upper)):
        whole[at] = part[at]
    return made


def binormal(sick: Array, well: Array) -> tuple[Array, Array]:
    """(r,) intercepts and slopes of the curves of (r, K) weights, by regression of probits."""
    true, false = (np.cumsum(w, axis=-1) / w.sum(axis=-1, keepdims=True) for w in (sick, well))
    # Cumulated weights of everybody are their sum but for rounding.
    most = 1 - 1e-12
    kept = (sick + well > 0) & (true > 0) & (true < most) & (false > 0) & (false < most)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(kept, special.ndtri(true), 0.0)
        y = np.where(kept, -special.ndtri(false), 0.0)
        n = kept.sum(axis=-1, keepdims=True)
        x_off, y_off = (np.where(kept, v - v.sum(axis=-1, keepdims=True) / n, 0.0) for v in (x, y))
        slope = (x_off * y_off).sum(axis=-1) / (x_off**2).sum(axis=-1)
        start = (y.sum(axis=-1) - slope * x.sum(axis=-1)) / n[..., 0]
        return -start / slope, -1 / slope


def normal(sick: Array, well: Array, groups: Groups) -> tuple[Array, Array]:
    """(r,) intercepts and slopes of normal scores, by the means and SDs of (r, K) weights."""
    # The first group is the most suspect one.
    suspect = -groups.value if groups.value[0] < groups.value[-1] else groups.value
    means, spreads = [], []
    for weight in (sick, well):
        share = weight / weight.sum(axis=-1, keepdims=True)
        means.append(share @ suspect)
        spreads.append(np.sqrt((share * (suspect - means[-1][..., None]) ** 2).sum(axis=-1)))
    with np.errstate(divide="ignore", invalid="ignore"):
        intercept, slope = (means[0] - means[1]) / spreads[0], spreads[1] / spreads[0]
    single = (spreads[0] == 0) | (spreads[1] == 0)
    return np.where(single, np.nan, intercept), np.where(single, np.nan, slope)


def _quantities(intercept: Array, slope: Array) -> Array:
    """(r, 3 + k) area, intercept, slope and sensitivities over the grid."""
    area = special.ndtr(intercept / np.sqrt(1 + slope**2))
    probits = special.ndtri(1 - np.array(GRID))
    with np.errstate(invalid="ignore"):
        lines = special.ndtr(intercept[:, None] + slope[:, None] * probits)
    return np.column_stack([area, intercept, slope, lines])
