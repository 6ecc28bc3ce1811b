"""Centiles without a distribution: quantile regression by age, made not to cross.

Koenker & Bassett 1978, doi:10.2307/1913643. The regression is solved in its dual form, a linear
programme of as many rows as the curve has coefficients, exactly. Where centiles cross, they are
fitted again from the middle outwards, each held beyond the one before (Wu & Liu 2009,
doi:10.4310/SII.2009.v2.n3.a4) at every tenth of a year. Between those ages two centiles may still
cross, by up to 1e-6 g/cm² as far as was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.arguments import percents_of_people
from osteo_epi.cohort import recognised_weight
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import in_callers_kind
from osteo_epi.reference.curves._curve import CENTILES, sample_of
from osteo_epi.reference.curves._fit import Array, Sample
from osteo_epi.reference.curves._terms import NaturalSpline, Term, refuse_other_terms
from osteo_epi.results import Result
from osteo_epi.rounding import count

STEP = 0.1
"""Of ages [years], at each of which centiles are held in their order."""
TOUCH = 1e-9
"""Of the median, by which two centiles may seem to cross: the rounding of the programme."""


@dataclass(frozen=True, repr=False)
class Quantiles(Result):
    """Centiles of a measurement by age, without a distribution.

    Made by `fit_quantiles`; see there.

    Attributes
    ----------
    column
        What was measured.
    term
        How each centile changes with age.
    ages
        [years] First and last age of the people; outside nothing is said.
    n
        People.
    coefficients
        By percent.
    loss
        By percent, the weighted sum of what quantile regression makes least.
    crossing
        [years] Whole years at which neighbouring centiles cross, as fitted one by one; in the
        result they do not, unless it was asked to leave them so.
    weight
        Column of weights; None for equal ones.
    """

    column: str
    term: Term
    ages: tuple[float, float]
    n: int
    coefficients: Mapping[float, Array]
    loss: Mapping[float, float]
    crossing: tuple[int, ...] = ()
    weight: str | None = None
    notes: tuple[str, ...] = field(default=(), repr=False)

    @property
    def percents(self) -> tuple[float, ...]:
        """Of people below, ascending."""
        return tuple(self.coefficients)

    def quantile(self, age: npt.ArrayLike, percent: float) -> Array:
        """(m,) One centile at (m,) ages; NaN outside the ages of the people.

        Raises
        ------
        DefinitionError
            If that centile was not fitted.
        """
        if percent not in self.coefficients:
            known = ", ".join(f"{each:g}" for each in self.percents)
            raise DefinitionError(f"no centile {percent:g} was fitted; there are {known}")
        years = np.atleast_1d(np.asarray(age, dtype=np.float64))
        inside = (years >= self.ages[0]) & (years <= self.ages[1])
        basis = self.term.basis(np.where(inside, years, self.ages[0]), self.ages)
        return np.where(inside, basis @ self.coefficients[percent], np.nan)

    def centiles(self, age: npt.ArrayLike | None = None) -> pl.DataFrame:
        """Age and centiles; at whole years by default, null outside the ages of the people."""
        low, high = np.ceil(self.ages[0]), np.floor(self.ages[1])
        years = np.arange(low, high + 1) if age is None else np.atleast_1d(np.asarray(age, float))
        columns = {f"p{percent:g}": self.quantile(years, percent) for percent in self.percents}
        return pl.DataFrame({"age": years, **columns}).fill_nan(None)

    def to_polars(self) -> pl.DataFrame:
        """Centiles at whole years."""
        return self.centiles()

    def _summary(self) -> str:
        return (
            f"{self.column}, {len(self.coefficients)} centiles by {self.term.label}, "
            f"{count(self.n)} people of {self.ages[0]:g}–{self.ages[1]:g} years"
        )


@in_callers_kind
def fit_quantiles(
    people: Any,
    column: str,
    *,
    percents: Sequence[float] = CENTILES,
    term: Term | None = None,
    non_crossing: bool = True,
    weight: str | None = None,
    age: str = "age",
) -> Quantiles:
    """Fit centiles of a measurement by age, with no distribution assumed.

    Parameters
    ----------
    people
        Any frame of reference people of one group (one sex), with their age [years].
    column
        The measurement, e.g. "abmd_femoral_neck" [g/cm²]; above 0.
    percents
        Of people below; each above 0 and below 100.
    term
        How each centile changes with age: `NaturalSpline()`, the usual one, `Polynomial(3)`,
        `FractionalPolynomial((1, 2))` or `Constant()`. A `PSpline` has a penalty of squares, which
        no linear programme holds.
    non_crossing
        Whether to fit centiles that cross again, from the middle outwards, each held beyond the
        one before at every tenth of a year; in between they may still cross, by a millionth of a
        g/cm² as far as was seen.
    weight
        Column of weights; as for `fit_curve`.
    age
        Column of ages [years].

    Returns
    -------
    Quantiles

    Raises
    ------
    SchemaError
        As `fit_curve`; and if an outer centile would have fewer people beyond it than the curve
        has coefficients.
    DefinitionError
        If the term is smoothed by a penalty, or a percent is no percent.

    Notes
    -----
    Equals R `quantreg` 5.94 `rq()` to 1e-10 where centiles do not cross. Where several curves are
    equally good, which happens with rounded measurements and weights, either may give another.

    An exact programme costs far more than `fit_curve`, and more than in proportion to the people:
    the seven usual centiles take 0.2–0.5 s of processor time of 3,000 people, 2–6 s of 30,000 and
    47 s of 100,000 with ages and readings as they come; more than twice that where centiles cross
    and are fitted again.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> centiles = fit_quantiles(women, "abmd_femoral_neck", percents=[5, 50, 95])
    >>> centiles.centiles([60, 75]).columns
    ['age', 'p5', 'p50', 'p95']
    """
    refuse_other_terms({"term": term})
    term = term or NaturalSpline()
    ordered = _checked(percents)
    weight = recognised_weight(people, weight)
    sample, left_out = sample_of(people, column, age, weight)
    problem = Problem.of(sample, term)
    problem.refuse_few(ordered, column)
    fits = {percent: problem.fit(percent / 100) for percent in ordered}
    crossing = problem.crossing(fits)
    if crossing and non_crossing:
        fits = problem.ordered(ordered)
    loss = {percent: problem.loss(percent / 100, fit) for percent, fit in fits.items()}
    notes = (*left_out, *_said(column, crossing, non_crossing))
    return Quantiles(
        column, term, sample.ages, sample.n, fits, loss, crossing, weight, notes
    )  # fmt: skip


def _checked(percents: Sequence[float]) -> tuple[float, ...]:
    percents_of_people(percents)
    return tuple(sorted({float(percent) for percent in percents}))


def _said(column: str, crossing: tuple[int, ...], mended: bool) -> tuple[str, ...]:
    if not crossing:
        return ()
    years = f"{len(crossing)} whole years, {crossing[0]} to {crossing[-1]}"
    end = "they were fitted again in their order" if mended else "they were left so"
    return (f"fitted one by one, centiles of {column} cross at {years}; {end}",)


@dataclass(frozen=True)
class Problem:
    """People as the linear programme needs them.

    Parameters
    ----------
    y, weight
        (k,) measurements and weights of the pairs of age and measurement.
    basis
        (k, p) at the age of each.
    n
        People.
    ages
        [years] (g,) at which centiles are held in their order.
    grid
        (g, p) the basis there.
    """

    y: Array
    weight: Array
    basis: Array
    n: int
    ages: Array
    grid: Array

    @classmethod
    def of(cls, sample: Sample, term: Term) -> Problem:
        """Put the people and the term together."""
        low, high = sample.ages
        ages = np.append(np.arange(low, high, STEP), high)
        by_age = term.basis(sample.age, sample.ages)
        if term.penalty(by_age.shape[1]) is not None:
            raise DefinitionError(
                f"a {term.label} is smoothed by a penalty of squares, which quantile regression "
                "does not take; give NaturalSpline, Polynomial or FractionalPolynomial"
            )
        grid = term.basis(ages, sample.ages)
        return cls(sample.y, sample.weight, by_age[sample.place], sample.n, ages, grid)

    def refuse_few(self, percents: tuple[float, ...], column: str) -> None:
        """An outer centile needs people beyond it: with fewer it runs through single ones."""
        share = min(percents[0], 100 - percents[-1]) / 100
        people, needed = share * self.n, self.basis.shape[1]
        if people < needed:
            raise SchemaError(
                f"{self.n:,} people have {column}, so that {people:.1f} are expected beyond "
                f"an outer centile; a curve of {needed} coefficients needs {needed} there: give "
                "percents nearer 50, or a term of fewer coefficients"
            )

    def fit(self, share: float, beyond: Array | None = None, side: float = 1.0) -> Array:
        """(p,) coefficients; held above (side 1) or below (−1) the coefficients `beyond`.

        Raises
        ------
        SchemaError
            If the programme has no end.
        """
        from scipy.optimize import linprog
        from scipy.sparse import csr_array

        gain, columns, most = self.y, self.basis, self.weight
        if beyond is not None:
            limit = side * self.grid
            gain = np.append(gain, limit @ beyond)
            columns = np.vstack([columns, limit])
            most = np.append(most, np.full(len(limit), np.inf))
        end = linprog(
            -gain,
            A_eq=csr_array(columns.T),
            b_eq=(1 - share) * (self.basis.T @ self.weight),
            bounds=np.column_stack([np.zeros_like(most), most]),
            method="highs-ds",
        )
        if end.status != 0:
            raise SchemaError(
                f"no curve was found for centile {100 * share:g} ({end.message.strip()}); give a "
                "term of fewer coefficients"
            )
        return np.asarray(-end.eqlin.marginals, dtype=np.float64)

    def ordered(self, percents: tuple[float, ...]) -> dict[float, Array]:
        """From the centile nearest the median outwards, each held beyond the one before."""
        middle = int(np.argmin(np.abs(np.array(percents) - 50)))
        fits = {percents[middle]: self.fit(percents[middle] / 100)}
        for before, after in pairwise(percents[middle:]):
            fits[after] = self.fit(after / 100, fits[before])
        down = percents[middle::-1]
        for before, after in pairwise(down):
            fits[after] = self.fit(after / 100, fits[before], -1.0)
        return {percent: fits[percent] for percent in percents}

    def crossing(self, fits: Mapping[float, Array]) -> tuple[int, ...]:
        """[years] Whole years within which neighbouring centiles cross."""
        values = self.grid @ np.column_stack(list(fits.values()))
        wrong = (np.diff(values, axis=1) < -TOUCH * np.median(self.y)).any(axis=1)
        return tuple(np.unique(np.floor(self.ages[wrong])).astype(int).tolist())

    def loss(self, share: float, coefficients: Array) -> float:
        """What quantile regression makes least."""
        residual = self.y - self.basis @ coefficients
        return float(self.weight @ (residual * (share - (residual < 0))))
