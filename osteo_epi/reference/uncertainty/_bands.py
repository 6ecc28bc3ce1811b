"""Limits of a curve: of its centiles by age, of the age of its peak, of the line at a T-score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.agreement import critical_value
from osteo_epi.arguments import confidence_level, is_a, number, percents_of_people
from osteo_epi.errors import DesignError
from osteo_epi.frames import in_callers_kind
from osteo_epi.progress import with_progress
from osteo_epi.reference._score_lines import T_OSTEOPOROSIS
from osteo_epi.reference.curves import CENTILES, Curve, Fitting
from osteo_epi.reference.uncertainty._delta import coefficient_covariance, standard_errors
from osteo_epi.reference.uncertainty._fitted import Fitted, read_fitted
from osteo_epi.reference.uncertainty._quantities import (
    AT_T,
    PEAK_AGE,
    QUANTITIES,
    SEARCHED,
    Quantities,
    peak_age,
    searched,
)
from osteo_epi.reference.uncertainty._refits import (
    BOOTSTRAP,
    DELTA,
    Draws,
    chosen_method,
    draws,
    refit,
    said_of_failures,
)
from osteo_epi.results import Result
from osteo_epi.rounding import counted
from osteo_epi.survey import Array, degrees_of_freedom

if TYPE_CHECKING:
    from osteo_epi.reference._peaks import Peak

INDEPENDENT = "people drawn independently, by the model"
LIMITS = ("estimate", "se", "lower", "upper")


@dataclass(frozen=True, repr=False)
class Bands(Result):
    """A curve with limits.

    Made by `bands`; see there.

    Attributes
    ----------
    curve
        The curve.
    centiles
        One row an age and centile: age [years], percent, estimate, se, lower, upper (in the
        curve's unit); missing outside the ages of the people.
    peak
        One row a quantity: "peak age" [years], "peak mean", "peak sd" and "value at t" (in the
        curve's unit), with estimate, se, lower, upper.
    t
        T-score of the last one.
    method
        "delta", "bootstrap" or "replicates".
    design
        How the people were sampled, in words.
    confidence
        Level of the limits.
    replicates, failed
        Curves fitted anew, and how many of them found no fit and were left out.
    notes
        What has to be known of the limits.
    """

    curve: Curve
    centiles: pl.DataFrame
    peak: pl.DataFrame
    t: float
    method: str
    design: str
    confidence: float
    replicates: int = 0
    failed: int = 0
    notes: tuple[str, ...] = field(default=(), repr=False)

    def to_polars(self) -> pl.DataFrame:
        """The centiles with their limits."""
        return self.centiles

    @property
    def line(self) -> tuple[float, float, float]:
        """The value at the T-score, with its lower and upper limit: a level line over age."""
        row = self.peak.row(by_predicate=pl.col("quantity") == AT_T, named=True)
        return row["estimate"], row["lower"], row["upper"]

    def _summary(self) -> str:
        again = f", {counted(self.replicates, 'replicate')}" if self.replicates else ""
        failed = f", {self.failed} without a fit" if self.failed else ""
        return (
            f"{self.curve.column}, {100 * self.confidence:g} % limits by {self.method}{again}"
            f"{failed}, {self.design}"
        )


@in_callers_kind
def bands(
    curve: Curve,
    people: Any = None,
    *,
    design: Any = None,
    method: str | None = None,
    percents: Sequence[float] = CENTILES,
    ages: npt.ArrayLike | None = None,
    young: Peak | None = None,
    t: float = T_OSTEOPOROSIS,
    confidence: float = 0.95,
    replicates: int = 200,
    seed: int = 0,
    age: str = "age",
) -> Bands:
    """Limits of a curve's centiles, of its peak, and of the density at a T-score.

    Parameters
    ----------
    curve
        From `fit_curve`.
    people
        The people that it was fitted to. Without them: the delta method, for people drawn
        independently with equal weights. Rows without the measurement are not in the curve but
        keep their sampling units: give the whole sample with the other sex set to missing rather
        than a part of it.
    design
        Survey design; by default the one that the columns of `people` state, see
        `cohort.recognised_design`.
    method
        "delta"; "bootstrap": sampling units drawn anew in their strata, people where there are
        none, and the curve fitted anew with its smoothness; "replicates": fitted anew under the
        replicate weights of a `ReplicateDesign`. By default "replicates" with such a design, else
        "delta".
    percents
        Centiles, of people below.
    ages
        (m,) [years]; whole years by default.
    young
        Young adults of whom the T-score is made, from `peaks`; by default mean and SD of the curve
        at its peak between 20 and 49 years.
    t
        T-score of the line.
    confidence
        Level of the limits, point by point.
    replicates, seed
        Of the bootstrap.
    age
        Column of ages [years].

    Returns
    -------
    Bands

    Raises
    ------
    SchemaError
        If columns are absent, or the people are not those of the curve.
    DesignError
        If the method does not go with the design, weights of curve and design differ, a stratum
        has one unit, or there are too few replicates.
    DefinitionError
        If a percent is not between 0 and 100, or the confidence not between 0 and 1.

    Notes
    -----
    Delta: centiles ± normal (with a design, Student's) quantile times the standard error of all
    coefficients together. The penalty stands for the bias of smoothing in the mean over ages
    (Wahba 1983; Nychka 1988, doi:10.1080/01621459.1988.10478711), so that at sharp bends the limits
    hold less often, elsewhere more often; where the people chose the smoothness, the error of that
    choice is added (Kass & Steffey 1989, doi:10.1080/01621459.1989.10478825). The peak's age by the
    delta method is good for a peak with a bend, not for a plateau: prefer the bootstrap there.

    The mean and the SD at the peak are those of all but the outermost 6 in 100,000 people of the
    fitted law, which of heavy tails may have no moments.

    Bootstrap: the percentiles of the curves fitted anew, Rao and Wu 1988,
    doi:10.1080/01621459.1988.10478591. They hold the choice of the smoothness and of the peak, not
    the bias of smoothing. Replicates: the standard error by the survey's own formula.

    How often 95 % limits hold the truth stands in `reports/curve_coverage.csv`, of a median that
    peaks at 32 years and falls fast at 55. By the delta method, 500 and 5,000 people: 94–96 % in
    the mean over ages and centiles, but at 50 and 60 years, before and after the fast fall, 91 %,
    and single centiles there 80–96 % (500) and 82–98 % (5,000); more people do not mend that, more
    df than the curve needs do (a stated `PSpline(df=)`: 96 % there, but limits of the peak's age
    then fail). By the bootstrap, 500 people: 92 %, at 50 and 60 years 90 %, the mean at the peak
    82–84 %.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import fit_curve
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> curve = fit_curve(women, "abmd_femoral_neck", family="normal")
    >>> limits = bands(curve, ages=[30, 60], percents=[3, 50])
    >>> limits.to_frame().columns
    ['age', 'percent', 'estimate', 'se', 'lower', 'upper']
    >>> limits.peak["quantity"].to_list()
    ['peak age', 'peak mean', 'peak sd', 'value at t']
    """
    wanted = _wanted(curve, percents, ages, t, confidence)
    if people is None:
        _refuse_without_people(curve, design, method)
        found = _by_delta(curve, None, wanted, confidence)
        return _bands(curve, wanted, found, DELTA, INDEPENDENT, confidence, young)
    frame, fitted = read_fitted(curve, people, design, age)
    chosen = chosen_method(method, fitted.design)
    if chosen == DELTA:
        found = _by_delta(curve, fitted, wanted, confidence)
        return _bands(curve, wanted, found, chosen, str(fitted.design), confidence, young)
    drawn = draws(fitted.design, frame, replicates=replicates, seed=seed, confidence=confidence)
    found = _by_refits(curve, fitted, wanted, drawn, confidence)
    return _bands(
        curve, wanted, found, chosen, str(fitted.design), confidence, young, replicates=drawn.n
    )


@dataclass(frozen=True)
class _Limits:
    """(k,) of what `Quantities.of` gives."""

    estimate: Array
    se: Array
    lower: Array
    upper: Array
    reach: float
    failed: int = 0
    notes: tuple[str, ...] = ()


def _wanted(
    curve: Curve, percents: Sequence[float], ages: npt.ArrayLike | None, t: float, confidence: float
) -> Quantities:
    is_a(curve, "curve", Curve, "one of fit_curve, or of Reference.curves")
    percents_of_people(percents)
    confidence_level(confidence)
    number(t, "t")
    years = curve.centiles()["age"].to_numpy() if ages is None else ages
    return Quantities(
        np.atleast_1d(np.asarray(years, dtype=float)), np.asarray(percents, dtype=float), t
    )


def _refuse_without_people(curve: Curve, design: Any, method: str | None) -> None:
    if curve.weight is not None:
        raise DesignError(
            f"the curve was fitted with weight={curve.weight!r}: its limits rest on how the people "
            "were sampled; give people= with the design's columns"
        )
    if design is not None or method not in (None, DELTA):
        raise DesignError("a design, a bootstrap or replicates need the people: give people=")


def _by_delta(
    curve: Curve, fitted: Fitted | None, wanted: Quantities, confidence: float
) -> _Limits:
    value = wanted.of(curve)
    se = standard_errors(curve, wanted, coefficient_covariance(curve, fitted))
    df = np.inf
    if fitted is not None and fitted.arrays is not None and not fitted.simple:
        df = float(max(degrees_of_freedom(fitted.arrays, fitted.known), 1))
    reach = critical_value(confidence, df)
    lower, upper = value - reach * se, value + reach * se
    notes: tuple[str, ...] = ()
    if np.isnan(se[-len(QUANTITIES)]):
        notes = (_no_peak(curve),)
    else:
        place = len(value) - len(QUANTITIES)
        lower[place], upper[place] = np.clip([lower[place], upper[place]], *curve.ages)
    return _Limits(value, se, lower, upper, reach, notes=notes)


def _no_peak(curve: Curve) -> str:
    ages = searched(curve)
    if not len(ages):
        return (
            f"nobody is between {SEARCHED[0]} and {SEARCHED[1]} years, where the peak lies: no "
            "peak and no line at a T-score"
        )
    return (
        f"the curve is highest at {peak_age(curve):g} years, at an end of the ages searched "
        f"({ages[0]:g}–{ages[-1]:g}) or on a plateau: the delta method has no limits for that age, "
        f"and those of the line take it as known; method={BOOTSTRAP!r} has them"
    )


def _by_refits(
    curve: Curve, fitted: Fitted, wanted: Quantities, drawn: Draws, confidence: float
) -> _Limits:
    """Percentiles of a bootstrap; standard errors by the formula of given replicates."""
    value = wanted.of(curve)
    first = Fitting.at_start(curve.family, fitted.sample, curve.terms)
    weights = with_progress(drawn.weights(), "curves fitted anew", total=drawn.n)
    fits = [refit(curve, first, weight[fitted.known]) for weight in weights]
    table = np.array([np.full(len(value), np.nan) if c is None else wanted.of(c) for c in fits])
    failed = sum(c is None for c in fits)
    notes = said_of_failures(failed, drawn.n)
    if not len(searched(curve)):
        notes = (*notes, _no_peak(curve))
    # Ages outside are missing in every curve; they must not leave the others out.
    inside = np.isfinite(value)
    se = np.full(len(value), np.nan)
    se[inside] = np.sqrt(np.diag(drawn.spread(table[:, inside], value[inside])))
    if drawn.given is not None:
        reach = critical_value(confidence, max(drawn.given.df, 1))
        return _Limits(value, se, value - reach * se, value + reach * se, reach, failed, notes)
    known = table[[c is not None for c in fits]]
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(known, [tail, 1 - tail], axis=0)
    reach = critical_value(confidence)
    return _Limits(value, se, lower, upper, reach, failed, notes)


def _bands(
    curve: Curve,
    wanted: Quantities,
    found: _Limits,
    method: str,
    design: str,
    confidence: float,
    young: Peak | None,
    *,
    replicates: int = 0,
) -> Bands:
    table = pl.DataFrame({name: getattr(found, name) for name in LIMITS}).fill_nan(None)
    tall = len(wanted.ages) * len(wanted.percents)
    centiles = pl.DataFrame({
        "age": np.repeat(wanted.ages, len(wanted.percents)),
        "percent": np.tile(wanted.percents, len(wanted.ages)),
    }).hstack(table.head(tall))  # fmt: skip
    peak = table.tail(len(QUANTITIES)).insert_column(0, pl.Series("quantity", QUANTITIES))
    if young is not None:
        peak = _of_young(peak, young, wanted.t, found.reach)
    notes = [*curve.notes, *found.notes]
    outside = (wanted.ages < curve.ages[0]) | (wanted.ages > curve.ages[1])
    if outside.any():
        notes.append(
            f"{counted(int(outside.sum()), 'age')} outside the people's "
            f"{curve.ages[0]:g}–{curve.ages[1]:g} years: missing, a curve is not drawn on"
        )
    return Bands(
        curve, centiles, peak, wanted.t, method, design, confidence, replicates, found.failed,
        tuple(notes),
    )  # fmt: skip


def _of_young(peak: pl.DataFrame, young: Peak, t: float, reach: float) -> pl.DataFrame:
    """The line by young adults chosen otherwise: their error is their own."""
    value, se = young.at(t)
    line = pl.DataFrame({
        "quantity": [AT_T], "estimate": [value], "se": [se],
        "lower": [value - reach * se], "upper": [value + reach * se],
    })  # fmt: skip
    return pl.concat([peak.filter(pl.col("quantity") == PEAK_AGE), line])
