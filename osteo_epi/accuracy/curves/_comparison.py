"""Two areas under the curve: of two scores in the same people, or of one score in two groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from scipy import special

from osteo_epi import arguments
from osteo_epi.accuracy._columns import Positive, same_column
from osteo_epi.accuracy._measures import limits
from osteo_epi.accuracy._sample import Joint, quantile
from osteo_epi.accuracy.curves._choices import draws_asked
from osteo_epi.accuracy.curves._curve import area, area_values, whole_area
from osteo_epi.accuracy.curves._draws import drawn_groups, drawn_weights
from osteo_epi.accuracy.curves._limits import lost_draw_notes
from osteo_epi.accuracy.curves._roc import ROC
from osteo_epi.accuracy.curves._scores import Scored, read_scores
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Column, in_callers_kind, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count, number, people_who
from osteo_epi.survey import Array

Direction = Literal["low", "high"] | None
NO_ERROR = (
    "the standard error of the difference is 0 (two equal scores, or such as separate everybody): "
    "there is no test, and the limits are not to be trusted"
)


@dataclass(frozen=True, repr=False)
class ROCComparison(Result):
    """Difference of two areas under the curve.

    Attributes
    ----------
    first, second
        What was compared.
    auc_first, auc_second, difference
        The areas, and first − second with its `se`, `lower` and `upper`.
    covariance
        Of the two areas; 0 for independent people.
    statistic, df, p
        Difference over its standard error, on the normal law where df is infinite, else on
        Student's t; None where the standard error is 0.
    n, n_missing
        People compared, and those of the domain who lack a score or the truth.
    method, design, confidence, notes
        How, how people were drawn, the level, and what a reader must know.
    """

    first: str
    second: str
    auc_first: float
    auc_second: float
    difference: float
    se: float
    lower: float | None
    upper: float | None
    covariance: float
    statistic: float | None
    df: float
    p: float | None
    n: int
    n_missing: int
    method: str
    design: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        row = {k: v for k, v in self.__dict__.items() if k != "notes"}
        return pl.DataFrame([row], schema_overrides={"statistic": pl.Float64, "p": pl.Float64})

    def _summary(self) -> str:
        gap, low, high = (number(v, digits=3) for v in (self.difference, self.lower, self.upper))
        return (
            f"{self.first} less {self.second}, AUC difference {gap} ({low} to {high}), "
            f"n {count(self.n)}"
        )


@on_people("first", "second", "truth", "cluster", "domain")
def compare_roc(
    people: Any = None,
    *,
    first: Column,
    second: Column,
    truth: Column,
    first_direction: Direction = None,
    second_direction: Direction = None,
    truth_positive: Positive = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    uncertainty: Literal["analytic", "bootstrap"] = "analytic",
    replicates: int | None = None,
    seed: int | None = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> ROCComparison:
    """Compare the areas of two scores in the same people.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    first, second, truth
        Columns of the two scores and of the truth; people who lack one are counted and left out.
    first_direction, second_direction
        "low" or "high", see `roc`; each declared.
    truth_positive, design, cluster, domain, tolerance, confidence, accept_errors
        As in `roc`.
    uncertainty
        "analytic": DeLong's test, or by linearisation. "bootstrap": the standard deviation of the
        difference in people drawn anew, each with both scores, diseased and healthy apart, or in
        sampling units of the design drawn anew; test and limits by the normal law (Student's t
        with a design).
    replicates, seed
        Of the bootstrap, 2000 and 0 by default.

    Returns
    -------
    ROCComparison

    Raises
    ------
    SchemaError, DesignError, DefinitionError
        As `roc`.

    Notes
    -----
    The paired test of DeLong, DeLong, Clarke-Pearson 1988, doi 10.2307/2531595; with a survey
    design the variance of the difference by linearisation over the units, and Student's t.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> compare_roc(
    ...     survey(), first="abmd_femoral_neck", first_direction="low", second="age",
    ...     second_direction="high", truth="abmd_lumbar_spine", truth_positive="(-inf, 0.8]",
    ...     domain=pl.col("sex") == "female",
    ... )
    ROCComparison(abmd_femoral_neck less age, AUC difference 0.0667 (0.0175 to 0.116), n 1,096)
    """
    arguments.confidence_level(confidence)
    draws = draws_asked(uncertainty, replicates, seed)
    asked = (("first", first, first_direction), ("second", second, second_direction))
    scored = read_scores(
        people, asked, truth=truth, truth_positive=truth_positive, design=design, domain=domain,
        tolerance=tolerance, accept_errors=accept_errors, cluster=cluster,
    )  # fmt: skip
    joint, lost = _drawn(scored, *draws) if uncertainty == "bootstrap" else (_joint(scored), [])
    n, inside = int(scored.rows.sum()), int(scored.inside.sum())
    notes = [*scored.people.notes, *scored.sample.notes, *scored.truth.remarks, *lost]
    notes += scored.sample.lone_notes(scored.truth.yes, scored.rows)
    notes += [note for name in (first, second) for note in same_column(name, scored.truth)]
    if inside > n:
        notes.append(
            f"{count(inside - n)} of {count(inside)} people lack {first}, {second} or the truth "
            f"({scored.truth.label}) and are not compared"
        )
    way = "DeLong" if scored.sample.simple else "design-based"
    return _compared(
        (first, second), joint, n=n, n_missing=inside - n, design=str(scored.sample.design),
        method=f"{'bootstrap' if uncertainty == 'bootstrap' else way}, paired",
        confidence=confidence, notes=tuple(notes),
    )  # fmt: skip


@in_callers_kind
def compare_independent_roc(
    first: ROC,
    second: ROC,
    *,
    uncertainty: Literal["analytic", "bootstrap"] = "analytic",
    replicates: int | None = None,
    seed: int | None = None,
    confidence: float = 0.95,
) -> ROCComparison:
    """Compare the areas of two curves of different people, as of women and men.

    Parameters
    ----------
    first, second
        Of people who were drawn apart. Two domains of one survey that share sampling units are
        not: their areas are correlated, and this test takes them for independent. People who are
        in both curves are counted in a note.
    uncertainty
        "analytic": the standard errors that the curves have. "bootstrap": the people of each curve,
        or its sampling units, drawn anew, apart from those of the other.
    replicates, seed
        Of the bootstrap, 2000 and 0 by default.
    confidence
        Level of the limits.

    Returns
    -------
    ROCComparison
        On Student's t with Welch and Satterthwaite's degrees of freedom, those of either curve
        being its people less one, or those of its design; by the bootstrap of people without a
        design on the normal law.

    Raises
    ------
    SchemaError
        If a curve has no standard error.
    DesignError
        If draws are asked for of curves with replicate weights, or without the bootstrap.
    DefinitionError
        If one is no curve of `roc`.

    Examples
    --------
    >>> from osteo_epi.accuracy import roc
    >>> from osteo_epi.datasets import survey
    >>> curves = [
    ...     roc(survey(), score="abmd_total_hip", truth="abmd_lumbar_spine", direction="low",
    ...         truth_positive="(-inf, 0.8]", domain=pl.col("sex") == sex)
    ...     for sex in ("female", "male")
    ... ]
    >>> compare_independent_roc(*curves)
    ROCComparison(abmd_total_hip less abmd_total_hip, AUC difference 0.00358 (-0.0633 to 0.0705),
    n 2,095)
    """
    arguments.confidence_level(confidence)
    draws = draws_asked(uncertainty, replicates, seed)
    pair = (first, second)
    for curve, word in ((first, "first"), (second, "second")):
        arguments.is_a(curve, word, ROC, "a curve that `roc` gave")
    if any(curve.auc.se is None for curve in pair):
        raise SchemaError("a curve has no standard error: compare curves that `roc` gave")
    sizes = [curve.n_diseased + curve.n_healthy for curve in pair]
    if uncertainty == "bootstrap":
        method, lost = "bootstrap of independent people", []
        spreads, free = [], [curve.df for curve in pair]
        # Another stream for the second: the same draws in both would make them go together.
        for curve, start in zip(pair, _seeds(draws[1]), strict=True):
            spread, notes = _spread(curve.basis, draws[0], start)
            spreads.append(spread)
            lost += notes
    else:
        method, lost = "independent people, Welch-Satterthwaite", []
        spreads = [(curve.auc.se or 0.0) ** 2 for curve in pair]
        free = [n - 1.0 if math.isinf(c.df) else c.df for c, n in zip(pair, sizes, strict=True)]
    df = _welch(spreads, free)
    values = np.array([curve.auc.estimate for curve in pair])
    missing = sum(curve.n_people for curve in pair) - sum(sizes)
    return _compared(
        (first.score, second.score), Joint(values, np.diag(spreads), df), n=sum(sizes),
        n_missing=missing, method=method,
        design="; ".join(dict.fromkeys(curve.design for curve in pair)), confidence=confidence,
        notes=tuple(dict.fromkeys([*_shared(first, second), *first.notes, *second.notes, *lost])),
    )  # fmt: skip


def _welch(spreads: list[float], free: list[float]) -> float:
    """Degrees of freedom of a sum of variances, by Welch and Satterthwaite."""
    parts = sum(v**2 / df for v, df in zip(spreads, free, strict=True) if df > 0)
    return sum(spreads) ** 2 / parts if parts > 0 else math.inf


def _seeds(seed: int) -> tuple[int, int]:
    return seed, int(np.random.SeedSequence([seed, 1]).generate_state(1)[0])


def _drawn(scored: Scored, replicates: int, seed: int) -> tuple[Joint, list[str]]:
    """Both areas with their covariance over samples in which people keep both scores."""
    weights = drawn_weights(scored, replicates=replicates, seed=seed)
    drawn = [[whole_area(*g.sums(weight)) for g in scored.groups] for weight in weights]
    value = np.array([whole_area(*g.sums(scored.weight)) for g in scored.groups])
    notes = _enough(len(drawn), replicates)
    return Joint(value, np.cov(np.array(drawn), rowvar=False), scored.df), notes


def _spread(scored: Scored, replicates: int, seed: int) -> tuple[float, list[str]]:
    """Variance of one area over the samples of its people."""
    groups = scored.groups[0]
    draws = drawn_groups(scored, groups, replicates=replicates, seed=seed)
    drawn = np.concatenate([np.zeros(0), *(area_values(*pair) for pair in draws)])
    notes = _enough(len(drawn), replicates)
    return float(drawn.var(ddof=1)), notes


def _enough(known: int, replicates: int) -> list[str]:
    """Refuse samples too few for a spread, and say how many are left out."""
    if known < 2:
        raise DesignError(
            f"{count(known)} of {count(replicates)} samples of the bootstrap have diseased and "
            'healthy people: take uncertainty="analytic"'
        )
    return lost_draw_notes(known, replicates)


def _shared(first: ROC, second: ROC) -> list[str]:
    """Say where curves of one frame have people in common: their areas go together."""
    one, two = first.basis, second.basis
    if one.rows.shape != two.rows.shape:
        return []
    n = int((one.rows & two.rows).sum())
    if not n or not one.people.frame.equals(two.people.frame):
        return []
    return [
        f"{people_who(n, 'are')} in both curves, and this test takes them for different people: "
        "its error is wrong, too large as a rule; for two scores in the same people take "
        "compare_roc(…), else domains that do not overlap"
    ]


def _joint(scored: Scored) -> Joint:
    """Both areas with their covariance."""
    if scored.sample.replicates is None:
        return scored.joint([area(scored.segments(k)) for k in (0, 1)])

    def statistic(weight: Array) -> Array:
        return np.array([whole_area(*g.sums(weight[scored.rows])) for g in scored.groups])

    return scored.sample.replicated(statistic, scored.rows)


def _compared(
    names: tuple[str, str],
    joint: Joint,
    *,
    n: int,
    n_missing: int,
    method: str,
    design: str,
    confidence: float,
    notes: tuple[str, ...],
) -> ROCComparison:
    first, second = (float(v) for v in joint.value)
    difference, se = first - second, joint.error([1, -1])
    reach = quantile(joint.df, confidence) * se
    ends = limits(max(difference - reach, -1.0), min(difference + reach, 1.0))
    statistic = difference / se if se > 0 else None
    if statistic is None:
        notes = (*notes, NO_ERROR)
    p = None if statistic is None else float(2 * special.stdtr(joint.df, -abs(statistic)))
    return ROCComparison(
        *names, first, second, difference, se, *ends,
        float(joint.covariance[0, 1]), statistic, joint.df, p, n, n_missing, method, design,
        confidence, notes,
    )  # fmt: skip
