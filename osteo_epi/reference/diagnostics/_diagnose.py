"""How well a curve fits: coverage, worms, Q statistics, people left out, groups, ends; one card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from osteo_epi.arguments import confidence_level, is_a, number, percents_of_people
from osteo_epi.frames import in_callers_kind
from osteo_epi.reference.curves import CENTILES, Curve
from osteo_epi.reference.diagnostics._card import (
    FAIL,
    Judgement,
    card,
    judge_convergence,
    judge_coverage,
    judge_crossing,
    judge_edges,
    judge_groups,
    judge_q,
    judge_worms,
    limits,
)
from osteo_epi.reference.diagnostics._coverage import SCHEMA, by_age
from osteo_epi.reference.diagnostics._edges import crossing, edges
from osteo_epi.reference.diagnostics._folds import held_out
from osteo_epi.reference.diagnostics._moments import by_band, moments, q_statistics, q_totals
from osteo_epi.reference.diagnostics._residuals import Residuals, read_residuals
from osteo_epi.reference.diagnostics._subgroups import subgroups
from osteo_epi.reference.diagnostics._worms import worms
from osteo_epi.results import Result
from osteo_epi.rounding import count


@dataclass(frozen=True, repr=False)
class Diagnostics(Result):
    """How well a curve fits people.

    Made by `diagnose`; see there. Bands of age are named by `ages`, `first` and `last` [years].

    Attributes
    ----------
    curve
        The curve.
    n
        People judged.
    n_effective
        Of a simple random sample that tells as much of the mean by age: the sum over the bands of
        Kish's effective number, less what units of a design cost.
    same
        Whether they are those of the fit.
    card
        One row a criterion: criterion, factor, meaning, value, threshold, verdict (pass, fail, not
        judged), where, to_do, source of the threshold.
    coverage
        Of all ages, then by band: percent of the centile, nominal, share (0 to 1), se, lower,
        upper, n, shift [SD] by which the centile lies too high, beyond_chance, interval (the
        method).
    worms
        Points of the worm plots: expected, deviation, and pointwise limits [SD], at most 400 a
        band.
    worm_coefficients
        By band: b0 … b3 of the cubic through all points, and their standard errors under a normal
        distribution.
    q_statistics, q_totals
        Z1 to Z4 by band with D'Agostino's K²; their totals Q with df, p and size of the fault.
    moments
        Of all, then by band: mean, variance, skewness, kurtosis over 3, Filliben's correlation.
    cross_validation
        As `coverage`, of people left out of the fit. Empty without folds.
    subgroups, subgroup_tests
        By level of the columns of `by`: mean and SD of Z with limits; tests that they are equal.
    edges
        The first and last years: people, error of the median, coverage.
    crossing
        By pair of neighbouring centiles: ages at which they cross, least gap.
    held_out_deviance
        A person, of people left out of the fit; None without folds.
    limits
        All limits of the card.
    design
        How the people were sampled, in words.
    notes
        What has to be known of it.
    """

    curve: Curve
    n: int
    n_effective: float
    same: bool
    card: pl.DataFrame
    coverage: pl.DataFrame
    worms: pl.DataFrame
    worm_coefficients: pl.DataFrame
    q_statistics: pl.DataFrame
    q_totals: pl.DataFrame
    moments: pl.DataFrame
    cross_validation: pl.DataFrame
    subgroups: pl.DataFrame
    subgroup_tests: pl.DataFrame
    edges: pl.DataFrame
    crossing: pl.DataFrame
    held_out_deviance: float | None
    limits: Mapping[str, float]
    design: str
    notes: tuple[str, ...] = field(repr=False)

    @property
    def passed(self) -> bool:
        """Whether no criterion fails; one that could not be judged does not fail."""
        return FAIL not in self.card["verdict"]

    @property
    def failures(self) -> tuple[str, ...]:
        """Criteria that fail."""
        return tuple(self.card.filter(pl.col("verdict") == FAIL)["criterion"].unique(
            maintain_order=True))  # fmt: skip

    def to_polars(self) -> pl.DataFrame:
        """The card."""
        return self.card

    def _summary(self) -> str:
        verdict = "passed" if self.passed else f"FAILED {', '.join(self.failures)}"
        return f"{self.curve.column}, {count(self.n)} people, {self.design}: {verdict}"


@in_callers_kind
def diagnose(
    curve: Curve,
    people: Any,
    by: Sequence[str] = (),
    *,
    percents: Sequence[float] = CENTILES,
    groups: int = 10,
    cuts: Sequence[float] | None = None,
    folds: int = 5,
    seed: int = 0,
    edge: float = 5.0,
    design: Any = None,
    confidence: float = 0.95,
    thresholds: Mapping[str, float] | None = None,
    language: str = "en",
    age: str = "age",
) -> Diagnostics:
    """Judge a fitted curve by the people it was fitted to, or by others.

    Parameters
    ----------
    curve
        Of `fit_curve`.
    people
        Any frame with the curve's column and ages, of its sex. Rows without the measurement are
        not judged but keep their sampling units.
    by
        Columns of which each level is judged: "device", "centre", a subgroup.
    percents
        Of the centiles.
    groups
        Bands of age with about as many people each, 20 at least; more where the degrees of freedom
        of the curve need them, as in R gamlss.
    cuts
        [years] Where the bands begin, in place of `groups`.
    folds, seed
        Of the cross-validation: the same terms fitted without each fold, sampling units kept
        whole. 0 for none; people who are not those of the fit are left out of it anyway.
    edge
        [years] The first and last of the curve that are judged by themselves.
    design
        Survey design of the people; by default the one that their columns state, see
        `cohort.recognised_design`, with the weights of the curve.
    confidence
        Level of the intervals.
    thresholds
        Limits of the card to be replaced, e.g. {"shift": 0.2}; the others as in the result's
        `limits`.
    language
        Of the card's sentences, "en" or "zh".
    age
        Column of ages [years].

    Returns
    -------
    Diagnostics

    Raises
    ------
    SchemaError
        If a column is absent, or fewer than 50 people have a score.
    DefinitionError
        If bands, folds, thresholds or percents are out of range.
    DesignError
        If what is given as design is no survey design.

    Notes
    -----
    Shares have Wilson's interval with the effective number of people that the design's standard
    error implies. With weights or units, Z1 to Z4 and worms take Kish's effective number, divided
    by what units cost the mean of Z on average over the bands.

    A criterion fails where a fault is larger than its limit and beyond chance: `significance`
    (0.01) is shared out among all that it looks at. Worm coefficients: van Buuren & Fredriks 2001,
    doi:10.1002/sim.746. Q statistics: Royston & Wright 2000,
    doi:10.1002/1097-0258(20001115)19:21<2943::AID-SIM559>3.0.CO;2-5, by the formulas of R gamlss
    `Q.stats`. The other limits are ours, and the card says so.

    Nothing is said outside the ages of the curve: such people are counted in a note. Errors at the
    ends are those of people drawn independently times the square root of the mean design effect;
    `bands` has those of the design.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import Constant, Polynomial, fit_curve
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> found = diagnose(fit_curve(women, "abmd_femoral_neck"), women)
    >>> found.passed
    True
    >>> straight = fit_curve(women, "abmd_femoral_neck", mu=Constant(), sigma=Constant())
    >>> "mean" in diagnose(straight, women, folds=0).failures
    True
    """
    _refuse(curve, percents, confidence, edge=edge, folds=folds, groups=groups)
    limit = limits(thresholds)
    residuals = read_residuals(curve, people, design=design, age=age, groups=groups, cuts=cuts)
    level = {"confidence": confidence, "significance": limit["significance"]}
    bands = by_band(residuals)
    points, coefficients = worms(residuals, confidence)
    left_out, deviance, notes = _left_out(residuals, percents, folds, seed, level)
    levels, tests, unstated = subgroups(residuals, by, confidence)
    frames = {
        "coverage": by_age(residuals, percents, **level),
        "worms": points,
        "worm_coefficients": coefficients,
        "q_statistics": q_statistics(bands),
        "q_totals": q_totals(curve, bands, same=residuals.same),
        "moments": moments(residuals, bands),
        "cross_validation": left_out,
        "subgroups": levels,
        "subgroup_tests": tests,
        "edges": edges(residuals, percents, years=edge, **level),
        "crossing": crossing(curve, percents),
    }
    return Diagnostics(
        curve=curve,
        n=residuals.n,
        n_effective=float(sum(residuals.effective)),
        same=residuals.same,
        card=card(
            _judgements(curve, frames, limit),
            limit,
            thresholds or {},
            language,
            same=residuals.same,
        ),
        held_out_deviance=deviance,
        limits=limit,
        design=str(residuals.design),
        notes=tuple(dict.fromkeys((*residuals.notes, *notes, *unstated))),
        **frames,
    )


def _refuse(
    curve: Any, percents: Any, confidence: Any, *, edge: Any, folds: Any, groups: Any
) -> None:
    is_a(
        curve, "curve", Curve,
        'one curve: of a reference diagnose(reference.curves["female", "femoral_neck"], '
        'reference.people_of("female"), design=reference.design)',
    )  # fmt: skip
    percents_of_people(percents)
    confidence_level(confidence)
    number(edge, "edge", above=0, unit="years")
    number(folds, "folds (--folds)", least=0, whole=True)
    number(groups, "groups", least=1, whole=True)


def _left_out(
    residuals: Residuals, percents: Sequence[float], folds: int, seed: int, level: dict[str, float]
) -> tuple[pl.DataFrame, float | None, tuple[str, ...]]:
    """Coverage of people left out of the fit, and their deviance."""
    if not folds or not residuals.same:
        return pl.DataFrame(schema=SCHEMA), None, ()
    found = held_out(residuals, folds, seed)
    return by_age(found.residuals, percents, **level), found.deviance, found.residuals.notes


def _judgements(
    curve: Curve, frames: dict[str, pl.DataFrame], limit: Mapping[str, float]
) -> list[Judgement]:
    """All criteria in the order of the card."""
    return [
        judge_convergence(curve),
        judge_coverage("coverage", frames["coverage"], limit["shift"]),
        judge_worms(frames["worm_coefficients"], limit),
        *judge_q(frames["q_totals"], frames["q_statistics"], limit),
        judge_coverage("held_out", frames["cross_validation"], limit["shift"]),
        *judge_groups(frames["subgroup_tests"], limit),
        *judge_edges(frames["edges"], limit),
        judge_crossing(frames["crossing"]),
    ]
