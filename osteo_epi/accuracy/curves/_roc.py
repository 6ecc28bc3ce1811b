"""How well a score tells the diseased from the healthy over all its cut-points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.accuracy._columns import Positive
from osteo_epi.accuracy._measures import Measure
from osteo_epi.accuracy._sample import quantile
from osteo_epi.accuracy.curves._band import GRID, ROCBand, band_of
from osteo_epi.accuracy.curves._choices import Over, area_interval, draws_asked, partial_range
from osteo_epi.accuracy.curves._curve import WHOLE, Area, Segments, area, area_values
from osteo_epi.accuracy.curves._limits import Resampling, area_limits
from osteo_epi.accuracy.curves._scores import Scored, read_scores, score_notes
from osteo_epi.errors import DesignError
from osteo_epi.frames import Column, in_callers_kind, on_people
from osteo_epi.results import Result
from osteo_epi.rounding import count
from osteo_epi.survey import Array


@dataclass(frozen=True, repr=False)
class ROC(Result):
    """A receiver operating characteristic.

    Attributes
    ----------
    auc
        Area under the curve: the probability that of a diseased and a healthy person the diseased
        has the more suspect score, ties counted a half.
    partial, partial_standardised
        Area over the rates of `over` only, as it is, and on the scale of `auc` (0.5 for a score
        that tells nothing, 1 for a perfect one; McClish 1989, doi 10.1177/0272989x8900900307);
        None where not wanted.
    over
        The rate and its range, as ("specificity", 0.8, 1.0); None where not wanted.
    cut_points, sensitivity, specificity
        (K + 1,) from nobody positive to everybody positive. A person is positive below the
        cut-point where low is diseased, above it where high is; the cut-points lie halfway
        between scores.
    n_diseased, n_healthy, n_people, n_score_missing, n_truth_missing, n_both_missing
        People of the curve; those of the domain; those who lack the score only, the truth only, or
        both.
    score, direction, truth, design, confidence, df, notes
        What was asked, degrees of freedom of the limits, and what a reader must know.
    basis
        The people, for `band` and `at`.
    """

    auc: Measure
    partial: Measure | None
    partial_standardised: Measure | None
    over: tuple[str, float, float] | None
    cut_points: Array
    sensitivity: Array
    specificity: Array
    n_diseased: int
    n_healthy: int
    n_people: int
    n_score_missing: int
    n_truth_missing: int
    n_both_missing: int
    score: str
    direction: str
    truth: str
    design: str
    confidence: float
    df: float
    notes: tuple[str, ...]
    basis: Scored = field(compare=False)

    def to_polars(self) -> pl.DataFrame:
        """One row an area: measure, estimate, se, lower, upper, n, method."""
        areas = ("auc", "partial", "partial_standardised")
        rows = [(name, m) for name in areas if (m := getattr(self, name)) is not None]
        return pl.DataFrame(
            [{"measure": name} | m.as_row() | {"method": m.method} for name, m in rows],
            schema_overrides=dict.fromkeys(("estimate", "se", "lower", "upper"), pl.Float64),
        )

    def points(self) -> pl.DataFrame:
        """The curve: cut_point, sensitivity, specificity."""
        names = ("cut_points", "sensitivity", "specificity")
        columns = {name.removesuffix("_points"): getattr(self, name) for name in names}
        return pl.DataFrame(columns).rename({"cut": "cut_point"})

    @in_callers_kind
    def band(
        self,
        specificities: Sequence[float] | None = None,
        *,
        replicates: int | None = None,
        seed: int | None = None,
    ) -> ROCBand:
        """Sensitivity at given specificities, each with its limits.

        Parameters
        ----------
        specificities
            From 0 to 1; 0, 0.01 … 1 by default.
        replicates, seed
            Of the bootstrap, 2000 and 0 by default; replicate weights of a survey are used as they
            are, and take neither.

        Returns
        -------
        ROCBand
            Pointwise, at the curve's own level of confidence.

        Raises
        ------
        DefinitionError
            If one is no such number.
        DesignError
            If draws are asked for beside replicate weights, or a stratum has one unit.

        Examples
        --------
        >>> from osteo_epi.datasets import survey
        >>> hip = roc(survey(), score="abmd_total_hip", truth="abmd_lumbar_spine",
        ...           direction="low", truth_positive="(-inf, 0.8]")
        >>> hip.band([0.8, 0.9], replicates=200).to_frame()["sensitivity"].round(2).to_list()
        [0.93, 0.84]
        """
        rates = GRID if specificities is None else specificities
        return band_of(self, rates, "specificity", replicates, seed)

    def at(
        self,
        *,
        specificity: float | None = None,
        sensitivity: float | None = None,
        replicates: int | None = None,
        seed: int | None = None,
    ) -> Measure:
        """Sensitivity at a specificity, or specificity at a sensitivity, with limits.

        Parameters
        ----------
        specificity, sensitivity
            One of the two, from 0 to 1.
        replicates, seed
            As in `band`.

        Returns
        -------
        Measure
            On the curve, which is straight between its points, as tied scores are: where the
            curve rises at that place, its upper end.

        Raises
        ------
        DesignError, DefinitionError
            If not one of the two is given, and as `band`.

        Examples
        --------
        >>> from osteo_epi.datasets import survey
        >>> hip = roc(survey(), score="abmd_total_hip", truth="abmd_lumbar_spine",
        ...           direction="low", truth_positive="(-inf, 0.8]")
        >>> print(hip.at(specificity=0.9, replicates=500).rounded(2))
        0.84 (0.75 to 0.91)
        """
        if (specificity is None) == (sensitivity is None):
            raise DesignError("say one of specificity= and sensitivity=: the other is given for it")
        of = "sensitivity" if specificity is None else "specificity"
        rate: Any = sensitivity if specificity is None else specificity
        arguments.number(rate, of, least=0, most=1)
        return band_of(self, [rate], of, replicates, seed).measures()[0]

    def _summary(self) -> str:
        return (
            f"{self.score} ({self.direction} is diseased) against {self.truth}, AUC "
            f"{self.auc.rounded(3)}, {count(self.n_diseased)} diseased, "
            f"{count(self.n_healthy)} healthy"
        )


@on_people("score", "truth", "cluster", "domain")
def roc(
    people: Any = None,
    *,
    score: Column,
    truth: Column,
    direction: Literal["low", "high"] | None = None,
    truth_positive: Positive = None,
    partial: tuple[float, float] | None = None,
    partial_of: Literal["specificity", "sensitivity"] | None = None,
    design: Any = None,
    cluster: Column = None,
    domain: Column = None,
    uncertainty: Literal["analytic", "bootstrap"] = "analytic",
    interval: Literal["logit", "wald"] | None = None,
    replicates: int | None = None,
    seed: int | None = None,
    tolerance: float | None = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> ROC:
    """Receiver operating characteristic of a score, with the area under it.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    score
        Column of numbers.
    truth, truth_positive
        Column of the truth, and what counts as diseased, as in `accuracy`.
    direction
        "low" where low scores are diseased (densities, T-scores), "high" where high ones are
        (risk scores). Declared, never guessed from the data: a guess makes every area 0.5 at
        least.
    partial, partial_of
        Range of specificity (the default) or of sensitivity that matters, as (0.8, 1.0): the area
        over it is given beside the whole.
    design, cluster, domain
        As in `accuracy`: `cluster="person_id"` for several readings of a person, such as both
        hips, whose area has the error between persons.
    uncertainty
        "analytic": DeLong's standard error for people drawn one by one; with a survey design by
        linearisation over its units, with replicate weights over the replicates. "bootstrap":
        diseased and healthy people drawn anew, or the sampling units of the design.
    interval
        "logit" (the default), on the log-odds of the area's place in what is possible (0 to 1 for
        a whole area), or "wald", the area ± its error, cut there, which is what pROC gives unless
        it is asked for something else. The bootstrap's limits are percentiles. Near 1, or of few
        people, plain limits and percentiles hold less often than they say (0.85 of 30 people: 89 %
        and 91 %), those on the log-odds do (95 %).
    replicates, seed
        Of the bootstrap, 2000 and 0 by default.
    tolerance
        How near to each other two scores are equal [their unit]. None: 1e-12 of the distance
        between the quartiles of the different scores, so that neither scaling nor shifting a score
        changes its curve; for densities by volume, T- and Z-scores as in `accuracy`. Scores so
        dense that this would tie a chain of them longer than the tolerance (continuous ones, of
        many people) are tied only where they are equal.
    confidence
        Level of the limits.
    accept_errors
        Go on although a cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    ROC

    Raises
    ------
    SchemaError
        If the direction is not declared, a column is absent, the score is constant, or a class of
        the truth has fewer than two people.
    DesignError
        If a range or an interval is none, an argument is given that nothing would read (`seed`
        without the bootstrap), or the people hold half a survey design.
    DefinitionError
        If `replicates`, `seed` or `tolerance` is no such number.

    Notes
    -----
    The weighted area compares a diseased and a healthy person drawn from the population. DeLong,
    DeLong, Clarke-Pearson 1988, doi 10.2307/2531595, by midranks in the time of a sort (Sun and
    Xu 2014, doi 10.1109/lsp.2014.2337313).

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "abmd_total_hip": [0.61, 0.70, 0.74, 0.92, 0.74, 0.98, 0.88, 1.02],
    ...     "fracture": [True, True, True, True, False, False, False, False],
    ... })
    >>> roc(people, score="abmd_total_hip", truth="fracture", direction="low")
    ROC(abmd_total_hip (low is diseased) against fracture, AUC 0.844 (0.364 to 0.981), 4 diseased,
    4 healthy)
    """
    arguments.confidence_level(confidence)
    over, size = partial_range(partial, partial_of), draws_asked(uncertainty, replicates, seed)
    interval_ = area_interval(interval, uncertainty)
    scored = read_scores(
        people, (("score", score, direction),), truth=truth, truth_positive=truth_positive,
        design=design, domain=domain, tolerance=tolerance, accept_errors=accept_errors,
        cluster=cluster,
    )  # fmt: skip
    assert direction is not None
    if uncertainty == "bootstrap":
        measures, told = _bootstrapped(scored, over, Resampling(*size, confidence))
    else:
        measures, told = _analytic(scored, over, interval_, confidence), ()
    segments = scored.segments()
    return ROC(
        measures[0], measures[1] if over else None, measures[2] if over else None, over,
        scored.groups[0].cut_points(), np.concatenate([[0.0], segments.true_after]),
        1 - np.concatenate([[0.0], segments.false_after]), *scored.sizes, *scored.lost, score,
        direction, scored.truth.label, str(scored.sample.design), confidence, scored.df,
        (*score_notes(scored, score), *_notes(measures), *told), scored,
    )  # fmt: skip


@dataclass(frozen=True)
class _Scale:
    """An area as factor · raw + shift, where the raw one lies between 0 and the width."""

    of: str
    rates: tuple[float, float]
    factor: float = 1.0
    shift: float = 0.0

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest value that is possible."""
        return self.shift, self.shift + self.factor * (self.rates[1] - self.rates[0])

    def area(self, segments: Segments) -> Area:
        """Of a curve, with its linearised values."""
        turned = self.of == "sensitivity"
        raw = area(segments.turned() if turned else segments, self.rates)
        return (raw.turned() if turned else raw).scaled(self.factor, self.shift)

    def values(self, sick: Array, well: Array) -> Array:
        """Of many curves, from (…, K) weights."""
        pair = (well[..., ::-1], sick[..., ::-1]) if self.of == "sensitivity" else (sick, well)
        return area_values(*pair, self.rates) * self.factor + self.shift


def _scales(over: Over | None) -> tuple[_Scale, ...]:
    """The whole area, and the partial one as it is and standardised (McClish)."""
    whole = _Scale("specificity", WHOLE)
    if over is None:
        return (whole,)
    of, low, high = over
    rates = (1 - high, 1 - low)
    least, most = (rates[1] ** 2 - rates[0] ** 2) / 2, rates[1] - rates[0]
    factor = 1 / (2 * (most - least))
    return whole, _Scale(of, rates), _Scale(of, rates, factor, 0.5 - least * factor)


def _values(sick: Array, well: Array, scales: tuple[_Scale, ...]) -> Array:
    """(…, k) every area that is wanted, from (…, K) weights."""
    return np.stack([scale.values(sick, well) for scale in scales], axis=-1)


def _analytic(scored: Scored, over: Over | None, interval: str, confidence: float) -> list[Measure]:
    scales, groups = _scales(over), scored.groups[0]
    if scored.sample.replicates is not None:

        def statistic(weight: Array) -> Array:
            return _values(*groups.sums(weight[scored.rows]), scales)

        joint = scored.sample.replicated(statistic, scored.rows)
    else:
        segments = scored.segments()
        joint = scored.joint([scale.area(segments) for scale in scales])
    errors, critical = np.sqrt(np.diag(joint.covariance)), quantile(joint.df, confidence)
    way = f"{'DeLong' if scored.sample.simple else 'design-based'}, {interval}"
    n = int(scored.rows.sum())
    parts = zip(map(float, joint.value), map(float, errors), scales, strict=True)
    return [
        Measure(value, se, *area_limits(value, critical * se, interval, scale.ends), n, way)
        for value, se, scale in parts
    ]


def _bootstrapped(
    scored: Scored, over: Over | None, draws: Resampling
) -> tuple[list[Measure], tuple[str, ...]]:
    if scored.sample.replicates is not None:
        raise DesignError(
            'replicate weights are their own uncertainty: take uncertainty="analytic", which uses '
            "them"
        )
    scales = _scales(over)

    def statistic(sick: Array, well: Array) -> Array:
        return _values(sick, well, scales)

    estimates = draws.of_groups(scored, scored.groups[0], statistic)
    measures = [estimates.measure(k, int(scored.rows.sum())) for k in range(len(scales))]
    return measures, estimates.notes


def _notes(measures: list[Measure]) -> list[str]:
    notes, value = [], measures[0].estimate
    if value in (0.0, 1.0):
        notes.append(
            "the score separates everybody: the standard error is 0 and says nothing; take limits "
            "from more people"
        )
    if value < 0.5:
        notes.append(
            "the area is below 0.5: diseased people have the less suspect scores; look whether "
            "direction= says what was meant"
        )
    if len(measures) > 1 and measures[2].estimate < 0.5:
        notes.append(
            "over the range of the partial area the curve runs below the diagonal: the "
            "standardised area is below 0.5, and does not compare with that of other ranges"
        )
    return notes
